/*-------------------------------------------------------------------------
 *
 * user_change.c
 *	  Making and changing of users, for admins.
 *
 * What ends sessions changes the user's row first, and ends them in a later
 * statement with a new snapshot: a login that holds the row has inserted its
 * session by then, and one that comes later sees the change.  Whoever has to
 * wait for another transaction does so for some seconds, and then raises 55P03.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "account/name.h"
#include "account/user_change.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "password/new_password.h"
#include "session/access_claims.h"
#include "session/session_end.h"
#include "session/throttle.h"
#include "store/audit.h"
#include "store/plan.h"
#include "store/signal.h"
#include "store/wait.h"
#include "token/denial.h"

static JaPlan insert_user = {
	.sql = "INSERT INTO jwt_auth.users (id, username, canonical_name, password_hash,"
	" imported_hash, role, claims, created_at, password_set_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $4 IS NOT NULL THEN $8 END)"
	" ON CONFLICT (canonical_name) DO NOTHING",
	.argument_count = 8,
	.argument_types = {UUIDOID, TEXTOID, BYTEAOID, TEXTOID, BOOLOID, NAMEOID, JSONBOID,
	TIMESTAMPTZOID}
};

static JaPlan update_user = {
	.sql = "UPDATE jwt_auth.users SET username = COALESCE($2, username),"
	" canonical_name = COALESCE($3, canonical_name), role = CASE"
	" WHEN $4 OPERATOR(pg_catalog.=) '' THEN NULL ELSE COALESCE($4, role) END,"
	" claims = COALESCE($5, claims) WHERE id OPERATOR(pg_catalog.=) $1",
	.argument_count = 5,
	.argument_types = {UUIDOID, TEXTOID, BYTEAOID, NAMEOID, JSONBOID}
};

static JaPlan find_name = {
	.sql = "SELECT 1 FROM jwt_auth.users WHERE canonical_name OPERATOR(pg_catalog.=) $2"
	" AND id OPERATOR(pg_catalog.<>) $1",
	.argument_count = 2,
	.argument_types = {UUIDOID, BYTEAOID}
};

static JaPlan disable_user = {
	.sql = "UPDATE jwt_auth.users SET disabled_at = COALESCE(disabled_at, $2)"
	" WHERE id OPERATOR(pg_catalog.=) $1",
	.argument_count = 2,
	.argument_types = {UUIDOID, TIMESTAMPTZOID}
};

static JaPlan enable_user = {
	.sql = "UPDATE jwt_auth.users SET disabled_at = NULL"
	" WHERE id OPERATOR(pg_catalog.=) $1",
	.argument_count = 1,
	.argument_types = {UUIDOID}
};

static JaPlan lock_user = {
	.sql = "SELECT 1 FROM jwt_auth.users WHERE id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
	.argument_count = 1,
	.argument_types = {UUIDOID}
};

static JaPlan delete_user = {
	.sql = "DELETE FROM jwt_auth.users WHERE id OPERATOR(pg_catalog.=) $1",
	.argument_count = 1,
	.argument_types = {UUIDOID}
};

/* Tokens may name only roles that policies apply to. */
static void
check_role(const char *role)
{
	HeapTuple	tuple;
	bool		is_powerful;

	if (role == NULL)
		return;
	tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(role));
	if (!HeapTupleIsValid(tuple))
		ja_raise(JA_ACCOUNT_ROLE_UNKNOWN);
	is_powerful = ((Form_pg_authid) GETSTRUCT(tuple))->rolsuper ||
		((Form_pg_authid) GETSTRUCT(tuple))->rolbypassrls;
	ReleaseSysCache(tuple);
	if (is_powerful)
		ja_raise(JA_ACCOUNT_ROLE_POWERFUL);
}

static JaValue
role_value(const char *role)
{
	return role == NULL ? JA_NULL :
		JA_DATUM(DirectFunctionCall1(namein, CStringGetDatum(role)));
}

static void
audit_user(const char *event, const pg_uuid_t *id)
{
	ja_audit_write(&(JaAuditEvent) {.event = event, .user = id});
}

static void
refuse_short(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("password is too short"),
			 errhint("A password needs at least %d characters (jwt_auth.password_min_length).",
					 ja_settings.password_min_length),
			 errhidestmt(true)));
}

/* Judges and hashes a new password; raises 22023 if it is refused. */
static void
hash_new_password(JaString username, JaString password, JaNewPassword *hashed)
{
	JaPassword *prepared;
	char	   *reason;
	JaStatus	status = ja_new_password_judge(username, password, &prepared, &reason);

	if (status == JA_PASSWORD_SHORT)
		refuse_short();
	ja_check(status);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the password was refused"),
				 errdetail("%s", reason),
				 errhint("Choose another password."),
				 errhidestmt(true)));
	ja_check(ja_new_password_hash(prepared, hashed));
	ja_password_forget(prepared);
}

/* The hash to store: of a password, an imported one, or none. */
static JaString
choose_hash(const JaUserChange *change, JaNewPassword *hashed)
{
	if (change->password_hash.data != NULL)
	{
		ja_check(ja_password_check_format(change->password_hash));
		return change->password_hash;
	}
	if (change->password.data == NULL)
		return (JaString) {NULL, 0};
	hash_new_password(change->username, change->password, hashed);
	return (JaString) {hashed->hash, strlen(hashed->hash)};
}

/* Runs a statement that may have to wait for a row. */
static uint64
run(JaPlan *plan, const JaValue *values)
{
	JaWait		wait;
	uint64		rows;

	ja_wait_begin(&wait);
	rows = ja_plan_run(plan, values);
	ja_wait_end(&wait);
	return rows;
}

static void
end_sessions(const pg_uuid_t *id, const char *reason)
{
	JaWait		wait;

	ja_wait_begin(&wait);
	ja_session_end_user(id, NULL, reason);
	ja_wait_end(&wait);
}

/* Makes a user; raises JA_ACCOUNT_NAME_TAKEN, JA_NAME_..., JA_PASSWORD_.... */
pg_uuid_t
ja_user_change_create(const JaUserChange *change)
{
	TimestampTz now = GetCurrentTimestamp();
	JaPlanScope scope;
	JaNewPassword hashed;
	JaString	hash;
	bytea	   *canonical_name;
	pg_uuid_t	id;

	ja_check(ja_name_canonical_value(change->username, &canonical_name));
	check_role(change->role);
	ja_check(ja_access_claims_check(change->claims));
	hash = choose_hash(change, &hashed);
	ja_check(ja_uuid_make(now, &id));
	ja_plan_begin(&scope);
	if (run(&insert_user, (JaValue[])
	{
		ja_value_uuid(&id), ja_value_string(change->username),
		ja_value_bytes(canonical_name), ja_value_string(hash),
		ja_value_bool(change->password_hash.data != NULL),
		role_value(change->role), ja_value_jsonb(change->claims), ja_value_time(now)
	}) == 0)
		ja_raise(JA_ACCOUNT_NAME_TAKEN);
	ja_plan_end(&scope);
	audit_user(change->password_hash.data != NULL ? "user_imported" : "user_created", &id);
	return id;
}

/*
 * Changes what is given; an empty role takes the role away.  Raises JA_ACCOUNT_UNKNOWN or
 * JA_ACCOUNT_NAME_TAKEN.
 */
void
ja_user_change_update(const pg_uuid_t *id, const JaUserChange *change)
{
	JaPlanScope scope;
	bytea	   *canonical_name = NULL;

	if (change->username.data != NULL)
		ja_check(ja_name_canonical_value(change->username, &canonical_name));
	if (change->role == NULL || change->role[0] != '\0')
		check_role(change->role);
	if (change->claims != NULL)
		ja_check(ja_access_claims_check(change->claims));
	ja_plan_begin(&scope);
	if (canonical_name != NULL && ja_plan_run(&find_name, (JaValue[])
	{
		ja_value_uuid(id), ja_value_bytes(canonical_name)
	}) > 0)
		ja_raise(JA_ACCOUNT_NAME_TAKEN);
	if (run(&update_user, (JaValue[])
	{
		ja_value_uuid(id), ja_value_string(change->username),
		ja_value_bytes(canonical_name), role_value(change->role),
		ja_value_jsonb(change->claims)
	}) == 0)
		ja_raise(JA_ACCOUNT_UNKNOWN);
	ja_plan_end(&scope);
	audit_user("user_updated", id);
}

/* Runs a statement on one user's row, who must exist. */
static void
run_on_user(JaPlan *plan, const JaValue *values)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	if (run(plan, values) == 0)
		ja_raise(JA_ACCOUNT_UNKNOWN);
	ja_plan_end(&scope);
}

/* Sets a password and ends the user's sessions. */
void
ja_user_change_password(const pg_uuid_t *id, JaString password)
{
	JaPlanScope scope;
	JaNewPassword hashed;
	JaUser		user;
	JaWait		wait;

	if (!ja_user_find_by_id(id, &user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	hash_new_password(user.username, password, &hashed);
	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	ja_new_password_store(id, &hashed);
	ja_wait_end(&wait);
	ja_plan_end(&scope);
	end_sessions(id, "password set");
	audit_user("password_set", id);
}

/* Ends the sessions of a user. */
void
ja_user_change_end_sessions(const pg_uuid_t *id)
{
	JaUser		user;

	if (!ja_user_find_by_id(id, &user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	end_sessions(id, "ended by admin");
	audit_user("sessions_ended", id);
}

/* Disables a user and ends the sessions. */
void
ja_user_change_disable(const pg_uuid_t *id)
{
	run_on_user(&disable_user, (JaValue[])
	{
		ja_value_uuid(id), ja_value_time(GetCurrentTimestamp())
	});
	ja_signal_send(JA_SIGNAL_REVOCATIONS);
	end_sessions(id, "user disabled");
	audit_user("user_disabled", id);
}

static void
clear_throttle(const pg_uuid_t *id)
{
	JaUser		user;

	if (!ja_user_find_by_id(id, &user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	ja_throttle_clear(VARDATA_ANY(user.canonical_name), VARSIZE_ANY_EXHDR(user.canonical_name));
}

/* Enables a user and clears the throttle. */
void
ja_user_change_enable(const pg_uuid_t *id)
{
	run_on_user(&enable_user, (JaValue[])
	{
		ja_value_uuid(id)
	});
	ja_signal_send(JA_SIGNAL_REVOCATIONS);
	clear_throttle(id);
	audit_user("user_enabled", id);
}

/* Clears the throttle. */
void
ja_user_change_unlock(const pg_uuid_t *id)
{
	clear_throttle(id);
	audit_user("user_unlocked", id);
}

/*
 * Locks a user, and then the sessions, in the order in which all do; the
 * foreign key would delete them in another.
 */
static void
lock_with_sessions(const pg_uuid_t *id)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	if (ja_plan_run(&lock_user, (JaValue[])
	{
		ja_value_uuid(id)
	}) == 0)
		ja_raise(JA_ACCOUNT_UNKNOWN);
	ja_session_lock_user(id);
	ja_plan_end(&scope);
}

/*
 * Deletes a user with all sessions.  Tokens for the user that belong to no
 * session are denied until they have expired.
 */
void
ja_user_change_delete(const pg_uuid_t *id)
{
	lock_with_sessions(id);
	run_on_user(&delete_user, (JaValue[])
	{
		ja_value_uuid(id)
	});
	ja_denial_add_user(id);
	audit_user("user_deleted", id);
}
