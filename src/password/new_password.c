/*-------------------------------------------------------------------------
 *
 * new_password.c
 *	  Setting of passwords: validated, hashed, stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"


#include "base/error.h"
#include "base/settings.h"
#include "password/new_password.h"
#include "store/hook.h"
#include "store/plan.h"

static JaPlan store_hash = {
	.sql = "UPDATE jwt_auth.users SET password_hash = $2, imported_hash = false,"
	" password_set_at = $3 WHERE id OPERATOR(pg_catalog.=) $1"
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
 * Validates a password by our rules, then by the operator's, whose reason comes
 * back in *reason unless that is NULL.  Fails with JA_PASSWORD_....
 */
JaStatus
ja_new_password_validate(JaString username, JaString password,
						 JaPassword **prepared, char **reason)
{
	JaStatus	status = ja_password_prepare(password, prepared);

	*reason = NULL;
	if (status == JA_OK)
		status = ja_password_check_new(*prepared, ja_settings.password_min_length);
	if (status == JA_OK)
		*reason = ja_hook_judge_password(username, password);
	return status;
}

/* Hashes with what the settings ask for.  Fails with JA_PASSWORD_HASH_COST.... */
JaStatus
ja_new_password_hash(const JaPassword *password, JaNewPassword *hashed)
{
	JaPasswordPolicy policy = ja_new_password_policy();

	return ja_password_hash(password, &policy, hashed->hash);
}

/* Stores the hash of a new password; within a scope of ja_plan_begin(). */
void
ja_new_password_store(const pg_uuid_t *user, const JaNewPassword *hashed)
{
	ja_plan_run(&store_hash, JA_VALUES(ja_uuid(user), ja_text(hashed->hash),
									   ja_time(GetCurrentTimestamp())));
}

/* Stores another hash of the password that the user has; within such a scope. */
void
ja_new_password_rehash(const pg_uuid_t *user, const JaNewPassword *hashed)
{
	ja_plan_run(&replace_hash, JA_VALUES(ja_uuid(user), ja_text(hashed->hash)));
}
