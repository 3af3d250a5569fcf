/*-------------------------------------------------------------------------
 *
 * weak_settings.c
 *	  What is set up wrongly or weakly: settings, as the session has them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "inspect/inspection.h"

/* The setting if the condition holds for it, which is asked for no other. */
#define SETTING_IF(setting_name, condition) { \
	.sql = "SELECT s.name FROM pg_catalog.pg_settings AS s" \
	" WHERE CASE WHEN s.name OPERATOR(pg_catalog.=) '" setting_name "' THEN " condition " END" \
}
#define IS(value) "s.setting OPERATOR(pg_catalog.=) '" value "'"
#define IS_ABOVE(limit) "s.setting::pg_catalog.int4 OPERATOR(pg_catalog.>) " limit
#define IS_BELOW(limit) "s.setting::pg_catalog.int4 OPERATOR(pg_catalog.<) " limit
#define IS_UNSET "COALESCE(s.setting, '') OPERATOR(pg_catalog.=) ''"

#define SHOWS(setting_name, operator, value) \
	"pg_catalog.current_setting('" setting_name "') OPERATOR(pg_catalog." operator ") '" value "'"

/* A number that a setting has. */
#define NUMBER_OF(setting_name) \
	"(SELECT s.setting::pg_catalog.int4 FROM pg_catalog.pg_settings AS s" \
	" WHERE s.name OPERATOR(pg_catalog.=) '" setting_name "')"

JaInspection ja_inspect_settings[] = {
	{
		JA_SEVERITY_ERROR, "a token is stored in a setting",
		"ALTER ROLE or ALTER DATABASE ... RESET jwt_auth.token, and jwt_revoke() that token.",
		{
			.sql = "SELECT pg_catalog.concat_ws(' in ',"
			" CASE WHEN s.setrole OPERATOR(pg_catalog.<>) 0"
			" THEN s.setrole::pg_catalog.regrole::pg_catalog.text END, d.datname)"
			" FROM pg_catalog.pg_db_role_setting AS s"
			" LEFT JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) s.setdatabase"
			" WHERE (s.setdatabase OPERATOR(pg_catalog.=) 0"
			" OR d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())"
			" AND EXISTS (SELECT FROM pg_catalog.unnest(s.setconfig) AS e (entry)"
			" WHERE pg_catalog.starts_with(pg_catalog.lower(e.entry), 'jwt_auth.token='))"
		}
	},
	{
		JA_SEVERITY_WARNING, "revoked tokens are accepted until they expire",
		"Turn it on.", SETTING_IF("jwt_auth.check_revocation", IS("off"))
	},
	{
		JA_SEVERITY_WARNING, "tokens that never expire are accepted",
		"Turn it on.", SETTING_IF("jwt_auth.require_exp", IS("off"))
	},
	{
		JA_SEVERITY_WARNING, "nothing is written to the audit log",
		"Set it to security.", SETTING_IF("jwt_auth.audit", IS("off"))
	},
	{
		JA_SEVERITY_WARNING, "password hashes are cheaper than OWASP advises",
		"Reset jwt_auth.argon2_memory and jwt_auth.argon2_iterations, or raise one of them.",
		{
			.sql = "SELECT 'jwt_auth.argon2_memory' WHERE NOT EXISTS (SELECT"
			" FROM (VALUES (47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))"
			" AS v (memory, iterations)"
			" WHERE v.memory OPERATOR(pg_catalog.<=) " NUMBER_OF("jwt_auth.argon2_memory")
			" AND v.iterations OPERATOR(pg_catalog.<=) " NUMBER_OF("jwt_auth.argon2_iterations") ")"
		}
	},
	{
		JA_SEVERITY_WARNING, "the strength of new passwords is not checked",
		"Reset it.", SETTING_IF("jwt_auth.password_min_bits", IS("0"))
	},
	{
		JA_SEVERITY_WARNING, "new passwords may be shorter than 8 characters",
		"Reset it, or set it to 8 where users have a second factor.",
		SETTING_IF("jwt_auth.password_min_length", IS_BELOW("8"))
	},
	{
		JA_SEVERITY_WARNING, "passwords can be guessed too often",
		"Reset it.", SETTING_IF("jwt_auth.login_max_failures", IS_ABOVE("100"))
	},
	{
		JA_SEVERITY_WARNING, "tokens are accepted for more than a minute after their end",
		"Set it to a minute or less, and let the clocks be synchronized.",
		SETTING_IF("jwt_auth.leeway", IS_ABOVE("60"))
	},
	{
		JA_SEVERITY_WARNING, "a link logs in on any device",
		"Turn it off, unless users must be able to open links elsewhere.",
		SETTING_IF("jwt_auth.login_link_any_device", IS("on"))
	},
	{
		JA_SEVERITY_WARNING, "passkeys are accepted from unencrypted pages",
		"Use https in jwt_auth.webauthn_origins for all hosts but localhost.",
		{
			.sql = "SELECT o.origin FROM pg_catalog.regexp_split_to_table("
			"pg_catalog.current_setting('jwt_auth.webauthn_origins'), '[,[:space:]]+') AS o (origin)"
			" WHERE pg_catalog.starts_with(o.origin, 'http://') AND NOT o.origin"
			" OPERATOR(pg_catalog.~) '^http://(([^:]*[.])?localhost|127[.]0[.]0[.]1|[[]::1[]])(:|$)'"
		}
	},
	{
		JA_SEVERITY_WARNING, "passwords and tokens may be written to the server log",
		"Set it to 0.",
		{
			.sql = "SELECT 'log_parameter_max_length_on_error' WHERE "
			SHOWS("log_parameter_max_length_on_error", "<>", "0")
			" UNION ALL SELECT 'log_parameter_max_length' WHERE "
			SHOWS("log_parameter_max_length", "<>", "0")
			" AND (" SHOWS("log_statement", "=", "all")
			" OR " SHOWS("log_min_duration_statement", "<>", "-1")
			" OR " SHOWS("log_min_duration_sample", "<>", "-1")
			" OR " SHOWS("log_transaction_sample_rate", "<>", "0") ")"
		}
	},
	{
		JA_SEVERITY_NOTICE, "access tokens are valid for more than an hour",
		"Set it to some minutes: clients refresh.",
		SETTING_IF("jwt_auth.access_token_ttl", IS_ABOVE("3600"))
	},
	{
		JA_SEVERITY_NOTICE, "tokens do not say who issued them",
		"Set it to the URL of your service.", SETTING_IF("jwt_auth.issuer", IS_UNSET)
	},
	{
		JA_SEVERITY_NOTICE, "tokens do not say whom they are for",
		"Set it to a name of your service.", SETTING_IF("jwt_auth.audience", IS_UNSET)
	},
	{0}
};
