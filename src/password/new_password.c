/*-------------------------------------------------------------------------
 *
 * new_password.c
 *	  Setting of passwords: validated, hashed, stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "base/error.h"
#include "base/settings.h"
#include "password/blocklist.h"
#include "password/new_password.h"
#include "store/hook.h"
#include "store/plan.h"

static JaPlan store_hash = {
	.sql = "UPDATE jwt_auth.users SET password_hash = $2, imported_hash = false,"
	" password_set_at = $3, code_failures = 0,"
	" credentials_version = pg_catalog.int8pl(credentials_version, 1) WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan replace_hash = {
	.sql = "UPDATE jwt_auth.users SET password_hash = $2, imported_hash = false"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

/*
 * What new hashes cost.  Each setting is within its bounds; where both together
 * ask for more work than any hash may, there are fewer iterations.
 */
JaPasswordPolicy
ja_new_password_policy(void)
{
	return (JaPasswordPolicy) {
		.memory_kib = ja_settings.argon2_memory_kib,
		.iterations = Min(ja_settings.argon2_iterations,
						  JA_ARGON2_MAX_WORK_KIB / ja_settings.argon2_memory_kib)
	};
}

/*
 * Applies our rules to a prepared password.  Fails with JA_CRYPTO or JA_MEMORY.
 */
static JaStatus
apply_rules(const JaPassword *password, JaStrings words, bool estimates, JaVerdict *verdict)
{
	JaStatus	form = ja_password_check_new(password, ja_settings.password_min_length);
	bool		is_blocked;
	JaStatus	status = ja_blocklist_has(password, &is_blocked);

	if (status != JA_OK)
		return status;
	if (form != JA_OK)
		ja_verdict_add(verdict, form == JA_PASSWORD_SHORT ? JA_REASON_SHORT : JA_REASON_CHARACTER);
	if (is_blocked)
		ja_verdict_add(verdict, JA_REASON_BLOCKED);
	if (!estimates)
		return JA_OK;
	status = ja_strength_estimate(password, words, &verdict->strength);
	if (status != JA_OK)
		return status;
	if (verdict->strength.bits < ja_settings.password_min_bits)
		ja_verdict_add(verdict, JA_REASON_WEAK);
	return JA_OK;
}

/* The same for a text; prepared is NULL if that is no text of a password. */
static JaStatus
validate_text(JaString text, JaStrings words, bool estimates,
			  JaPassword **prepared, JaVerdict *verdict)
{
	JaStatus	status;

	memset(verdict, 0, sizeof(*verdict));
	*prepared = NULL;
	status = ja_password_prepare(text, prepared);
	if (status == JA_PASSWORD_CHARACTER)
	{
		ja_verdict_add(verdict, JA_REASON_CHARACTER);
		return JA_OK;
	}
	if (status != JA_OK)
		return status;
	return apply_rules(*prepared, words, estimates, verdict);
}

/*
 * Says what our rules make of a password that nobody sets, and always how hard
 * it is to guess.  Fails with JA_PASSWORD_LONG, JA_CRYPTO or JA_MEMORY.
 */
JaStatus
ja_new_password_rate(JaStrings words, JaString password, JaVerdict *verdict)
{
	JaPassword *prepared;
	JaStatus	status = validate_text(password, words, true, &prepared, verdict);

	if (prepared != NULL)
		ja_password_forget(prepared);
	return status;
}

/*
 * Validates a password by our rules and, if they let it pass, by the operator's.
 * The names are the user's; the first is the one that the operator's function
 * is told.  Fails as ja_new_password_rate() does; a refusal is no failure.
 */
JaStatus
ja_new_password_validate(JaStrings names, JaString password,
						 JaPassword **prepared, JaVerdict *verdict)
{
	JaStatus	status = validate_text(password, names, ja_settings.password_min_bits > 0,
									   prepared, verdict);

	if (status != JA_OK || verdict->reasons != 0)
		return status;
	verdict->refusal = ja_hook_judge_password(names.items[0], password);
	if (verdict->refusal != NULL)
		ja_verdict_add(verdict, JA_REASON_REFUSED);
	return JA_OK;
}

/* Hashes with what the settings ask for.  Fails with JA_PASSWORD_HASH_COST.... */
JaStatus
ja_new_password_hash(const JaPassword *password, JaNewPassword *hashed)
{
	JaPasswordPolicy policy = ja_new_password_policy();

	return ja_password_hash(password, &policy, hashed->hash);
}

/*
 * Stores the hash of a new password, which voids one-time tokens, and durably: the
 * former one may be known to somebody.  Within a scope of ja_plan_begin().
 */
void
ja_new_password_store(const pg_uuid_t *user, const JaNewPassword *hashed)
{
	ForceSyncCommit();
	ja_plan_run(&store_hash, JA_VALUES(ja_uuid(user), ja_text(hashed->hash),
									   ja_time(GetCurrentTimestamp())));
}

/* Stores another hash of the password that the user has; within such a scope. */
void
ja_new_password_rehash(const pg_uuid_t *user, const JaNewPassword *hashed)
{
	ja_plan_run(&replace_hash, JA_VALUES(ja_uuid(user), ja_text(hashed->hash)));
}
