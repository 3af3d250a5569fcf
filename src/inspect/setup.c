/*-------------------------------------------------------------------------
 *
 * setup.c
 *	  What is set up wrongly or weakly: the library, keys, and what has to run now
 *	  and then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "inspect/inspection.h"

#define HOURS_AGO(hours) \
	"pg_catalog.timestamptz_mi_interval(pg_catalog.statement_timestamp()," \
	" pg_catalog.make_interval(hours => " hours "))"

/* A table with rows whose time was over a day ago, or longer. */
#define UNPURGED(table, time) \
	"SELECT 'jwt_auth." table "' WHERE EXISTS (SELECT FROM jwt_auth." table \
	" WHERE " time " OPERATOR(pg_catalog.<) " HOURS_AGO("25") ")"

/* A key of the use that works, or is to. */
#define KEY_EXISTS(use, key_state) \
	"EXISTS (SELECT FROM jwt_auth.key_states AS k WHERE k.use OPERATOR(pg_catalog.=) '" use "'" \
	" AND k.state OPERATOR(pg_catalog.=) '" key_state "')"

#define KEYS_IN_USE \
	"SELECT k.kid::pg_catalog.text FROM jwt_auth.key_states AS k" \
	" WHERE k.state OPERATOR(pg_catalog.=) ANY ('{next,active}'::pg_catalog.text[])"

#define WORKER_DATABASES "pg_catalog.current_setting('jwt_auth.worker_databases')"

#define LAUNCHER_RUNS \
	"EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a" \
	" WHERE a.backend_type OPERATOR(pg_catalog.=) 'jwt_auth launcher')"

/* The database is named; one with a comma in its name counts as if it were. */
#define IS_SERVED \
	"EXISTS (SELECT FROM pg_catalog.unnest(pg_catalog.string_to_array(" WORKER_DATABASES ", ',')) AS e (entry)" \
	" WHERE pg_catalog.btrim(e.entry, ' \"') OPERATOR(pg_catalog.=) ANY (ARRAY['*', pg_catalog.current_database()])" \
	" OR pg_catalog.strpos(pg_catalog.current_database(), ',') OPERATOR(pg_catalog.>) 0)"

JaInspection ja_inspect_setup[] = {
	{
		JA_SEVERITY_NOTICE, "the library is not preloaded",
		"Add jwt_auth to shared_preload_libraries, and restart the server.",
		{
			.sql = "SELECT 'shared_preload_libraries' WHERE NOT EXISTS (SELECT"
			" FROM pg_catalog.pg_settings AS s"
			" WHERE s.name OPERATOR(pg_catalog.=) 'jwt_auth.shared_tokens'"
			" AND s.context OPERATOR(pg_catalog.=) 'postmaster')"
		}
	},
	{
		JA_SEVERITY_WARNING, "sessions begin without the library",
		"ALTER DATABASE ... SET session_preload_libraries = 'jwt_auth'.",
		{
			.sql = "SELECT 'session_preload_libraries' WHERE NOT EXISTS (SELECT"
			" FROM pg_catalog.pg_settings AS s WHERE s.name OPERATOR(pg_catalog.=) ANY ("
			"'{shared_preload_libraries,session_preload_libraries,local_preload_libraries}'::pg_catalog.text[])"
			" AND s.setting OPERATOR(pg_catalog.~) '(^|[ ,/\"])jwt_auth([ ,.\"]|$)')"
		}
	},
	{
		JA_SEVERITY_ERROR, "no key signs",
		"SELECT jwt_create_key().",
		{.sql = "SELECT 'jwt_auth.keys' WHERE NOT " KEY_EXISTS("sig", "active")}
	},
	{
		JA_SEVERITY_NOTICE, "no next key is published",
		"SELECT jwt_create_key() once more, so that verifiers know the next key before it signs.",
		{
			.sql = "SELECT 'jwt_auth.keys' WHERE " KEY_EXISTS("sig", "active")
			" AND NOT " KEY_EXISTS("sig", "next")
		}
	},
	{
		JA_SEVERITY_WARNING, "a key of handles is missing",
		"SELECT jwt_rotate_refresh_key() for refresh tokens, jwt_rotate_handle_key() for one-time tokens.",
		{
			.sql = "SELECT v.use FROM (VALUES ('refresh'), ('handle')) AS v (use)"
			" WHERE " KEY_EXISTS("sig", "active")
			" AND NOT EXISTS (SELECT FROM jwt_auth.key_states AS k"
			" WHERE k.use OPERATOR(pg_catalog.=) v.use AND k.state OPERATOR(pg_catalog.=) 'active')"
		}
	},
	{
		JA_SEVERITY_NOTICE, "keys are not sealed",
		"Set jwt_auth.master_key_file, then SELECT jwt_seal_keys() and jwt_replace_unsealed_keys().",
		{
			.sql = "SELECT 'jwt_auth.keys' WHERE EXISTS (" KEYS_IN_USE " AND NOT k.sealed)"
			" UNION ALL SELECT 'jwt_auth.factors' WHERE EXISTS (SELECT FROM jwt_auth.factors"
			" WHERE sealed_by IS NULL)"
			" UNION ALL SELECT i.issuer::pg_catalog.text FROM jwt_auth.issuers AS i"
			" WHERE i.secret_jwks IS NOT NULL AND i.sealed_by IS NULL"
		}
	},
	{
		JA_SEVERITY_WARNING, "a key was stored in the clear before it was sealed",
		"SELECT jwt_replace_unsealed_keys(); for an issuer's secrets, ask the issuer for new ones.",
		{
			.sql = KEYS_IN_USE " AND k.sealed AND k.was_clear"
			" AND k.use OPERATOR(pg_catalog.<>) 'hash'"
			" UNION ALL SELECT i.issuer::pg_catalog.text FROM jwt_auth.issuers AS i"
			" WHERE i.sealed_by IS NOT NULL AND i.was_clear"
		}
	},
	{
		JA_SEVERITY_WARNING, "what has expired is not purged",
		"Name the database in jwt_auth.worker_databases, or call jwt_purge() every few minutes with another timer.",
		{
			.sql = UNPURGED("sessions", "expires_at")
			" UNION ALL " UNPURGED("one_time_tokens", "expires_at")
			" UNION ALL " UNPURGED("outbox", "expires_at")
			" UNION ALL " UNPURGED("used_handles", "expires_at")
			" UNION ALL " UNPURGED("login_throttle", "last_failure_at")
		}
	},
	{
		JA_SEVERITY_WARNING, "no background worker runs",
		"Add jwt_auth to shared_preload_libraries, and restart the server.",
		{
			.sql = "SELECT 'jwt_auth.worker_databases' WHERE " WORKER_DATABASES
			" OPERATOR(pg_catalog.<>) '' AND NOT " LAUNCHER_RUNS
		}
	},
	{
		JA_SEVERITY_WARNING, "keys could not be fetched",
		"See the error in jwt_auth.key_fetches; the keys from before stay in use.",
		{
			.sql = "SELECT name::pg_catalog.text FROM jwt_auth.key_fetches"
			" WHERE failures OPERATOR(pg_catalog.>=) 3"
		}
	},
	{
		JA_SEVERITY_NOTICE, "nobody fetches the keys of the jwks_uri",
		"Name the database in jwt_auth.worker_databases, or leave the finding out if a job of yours does it.",
		{
			.sql = "SELECT s.name::pg_catalog.text FROM (SELECT issuer, options FROM jwt_auth.issuers"
			" UNION ALL SELECT name, options FROM jwt_auth.providers) AS s (name, options)"
			" WHERE s.options OPERATOR(pg_catalog.?) 'jwks_uri'"
			" AND NOT (" LAUNCHER_RUNS " AND " IS_SERVED ")"
		}
	},
	{
		JA_SEVERITY_WARNING, "messages wait for a mailer",
		"Run a mailer, or see why it does not claim messages.",
		{
			.sql = "SELECT 'jwt_auth.outbox' WHERE EXISTS (SELECT FROM jwt_auth.outbox"
			" WHERE sent_at IS NULL AND failed_at IS NULL"
			" AND leased_until OPERATOR(pg_catalog.<) " HOURS_AGO("1")
			" AND expires_at OPERATOR(pg_catalog.>) pg_catalog.statement_timestamp())"
		}
	},
	{0}
};
