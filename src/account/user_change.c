/*-------------------------------------------------------------------------
 *
 * user_change.c
 *	  Changing of users, for admins.
 *
 * What ends sessions because the user changed (disabled, another password)
 * changes the row first, and ends them in a later statement with a new
 * snapshot: a login that holds the row has inserted its session by then, and
 * one that comes later sees the change.  Where only the sessions are to end,
 * ja_user_settle() waits for such a login.  Who waits for another transaction
 * does so for some seconds, and then raises 55P03.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "account/identifier.h"
#include "account/outbox.h"
#include "account/user_attribute.h"
#include "account/user_change.h"
#include "base/error.h"
#include "base/settings.h"
#include "session/access_claims.h"
#include "session/session_end.h"
#include "session/throttle.h"
#include "store/audit.h"
#include "store/invalidation.h"
#include "store/plan.h"
#include "store/wait.h"

static JaPlan update_user = {
	.sql = "UPDATE jwt_auth.users SET username = COALESCE($2, username), role = CASE"
	" WHEN $3 OPERATOR(pg_catalog.=) '' THEN NULL ELSE COALESCE($3, role) END,"
	" claims = COALESCE($4, claims), mfa_enrollment = CASE"
	" WHEN $5 OPERATOR(pg_catalog.=) '' THEN NULL ELSE COALESCE($5, mfa_enrollment) END,"
	" max_sessions = CASE"
	" WHEN $6 OPERATOR(pg_catalog.<) 0 THEN NULL ELSE COALESCE($6, max_sessions) END,"
	" credentials_version ="
	" pg_catalog.int8pl(credentials_version, CASE WHEN $2 IS NULL THEN 0 ELSE 1 END) WHERE id OPERATOR(pg_catalog.=) $1"
};

/* Links and codes that were sent before are not to be good again once it is enabled. */
static JaPlan disable_user = {
	.sql = "UPDATE jwt_auth.users SET disabled_at = COALESCE(disabled_at, $2),"
	" credentials_version = pg_catalog.int8pl(credentials_version, 1)"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan enable_user = {
	.sql = "UPDATE jwt_auth.users SET disabled_at = NULL, code_failures = 0, factor_failures = 0"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan forget_failures = {
	.sql = "UPDATE jwt_auth.users SET code_failures = 0,"
	" factor_failures = 0 WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan lock_user = {
	.sql = "SELECT 1 FROM jwt_auth.users WHERE id OPERATOR(pg_catalog.=) $1 FOR UPDATE"
};

static JaPlan delete_user = {
	.sql = "DELETE FROM jwt_auth.users WHERE id OPERATOR(pg_catalog.=) $1"
};

static void
audit_user(const char *event, const pg_uuid_t *id)
{
	ja_audit_write(&(JaAuditEvent) {.event = event, .user = id});
}

/* Runs a statement that may have to wait for a row. */
static uint64
run_waiting(JaPlan *plan, JaValues values)
{
	JaWait		wait;
	uint64		rows;

	ja_wait_begin(&wait);
	rows = ja_plan_run(plan, values);
	ja_wait_end(&wait);
	return rows;
}

/* What the template of the notice may show: no identifier. */
static Jsonb *
describe_replacement(bool had_username)
{
	const char *change = had_username ? "replaced" : "added";
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&state, "change", change, strlen(change));
	ja_json_add_string(&state, "kind", "username", strlen("username"));
	return ja_json_end_object(&state);
}

/*
 * Gives a user another username, of which the user is told unless it is only spelled
 * otherwise; without a link, since an admin is none whose changes users undo.  Raises
 * JA_ACCOUNT_NAME_TAKEN.
 */
static void
replace_username(const pg_uuid_t *id, JaString username, const JaCanonical *canonical)
{
	const JaIdentifier *former = ja_identifier_primary(id);
	bool		had_username = former != NULL && former->kind == JA_IDENTIFIER_USERNAME;
	JaWait		wait;
	bool		is_done;

	ja_wait_begin(&wait);
	is_done = ja_identifier_replace_username(id, username, canonical);
	ja_wait_end(&wait);
	if (!is_done)
		ja_raise(JA_ACCOUNT_NAME_TAKEN);
	if (!had_username ||
		!ja_string_equals(former->canonical, ja_canonical_string(canonical)))
		ja_outbox_notify_user(id, JA_MESSAGE_IDENTIFIER_CHANGED,
							  describe_replacement(had_username));
}

/* Raises JA_ACCOUNT_MFA_ENROLLMENT for a value that means nothing; none and empty do. */
static void
check_enrollment(JaString value)
{
	if (value.length > 0 && !ja_string_is(value, "optional") && !ja_string_is(value, "required"))
		ja_raise(JA_ACCOUNT_MFA_ENROLLMENT);
}

/* Raises JA_ACCOUNT_MAX_SESSIONS for a limit that is none; returns the value to bind. */
static JaValue
limit_value(const JaUserChange *change)
{
	if (!change->sets_max_sessions)
		return ja_null(INT4OID);
	if (change->max_sessions < -1 || change->max_sessions > JA_MAX_SESSIONS)
		ja_raise(JA_ACCOUNT_MAX_SESSIONS);
	return ja_integer(change->max_sessions);
}

static void
require_user(const pg_uuid_t *id)
{
	JaUser		user;

	if (!ja_user_find_by_id(id, &user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
}

/* The same for what gives the user a way to log in: no anonymous one may get it. */
static void
require_known_user(const pg_uuid_t *id)
{
	JaUser		user;

	if (!ja_user_find_by_id(id, &user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	if (user.is_anonymous)
		ja_raise(JA_ACCOUNT_ANONYMOUS);
}

/*
 * Changes what is given, durably; an empty role takes the role away.  Raises
 * JA_ACCOUNT_UNKNOWN, JA_ACCOUNT_ANONYMOUS, JA_ACCOUNT_NAME_TAKEN, JA_NAME_..., or the
 * JA_ACCOUNT_... of a value that is refused.
 */
void
ja_user_change_update(const pg_uuid_t *id, const JaUserChange *change)
{
	const JaValue limit = limit_value(change);
	JaPlanScope scope;
	JaCanonical canonical;

	if (change->username.data != NULL)
		ja_check(ja_identifier_form_of_kind(JA_IDENTIFIER_USERNAME, change->username,
											&canonical));
	if (change->role == NULL || change->role[0] != '\0')
		ja_user_attribute_check_role(change->role);
	if (change->claims != NULL)
		ja_check(ja_access_claims_check(change->claims));
	check_enrollment(change->mfa_enrollment);
	if (change->username.data != NULL)
		require_known_user(id);
	ja_plan_begin(&scope);
	if (run_waiting(&update_user, JA_VALUES(ja_uuid(id), ja_string(change->username),
											ja_user_attribute_role(change->role),
											ja_jsonb(change->claims),
											ja_string(change->mfa_enrollment), limit)) == 0)
		ja_raise(JA_ACCOUNT_UNKNOWN);
	if (change->username.data != NULL)
		replace_username(id, change->username, &canonical);
	ForceSyncCommit();
	ja_plan_end(&scope);
	audit_user("user_updated", id);
}

/* Runs a statement on one user's row, who must exist. */
static void
run_on_user(JaPlan *plan, JaValues values)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	if (run_waiting(plan, values) == 0)
		ja_raise(JA_ACCOUNT_UNKNOWN);
	ja_plan_end(&scope);
}

/* Sets a password and ends the user's sessions. */
void
ja_user_change_password(const pg_uuid_t *id, JaString password)
{
	JaPlanScope scope;
	JaNewPassword hashed;
	JaWait		wait;

	require_known_user(id);
	ja_user_attribute_hash(ja_identifier_names(id), password, &hashed);
	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	ja_new_password_store(id, &hashed);
	ja_wait_end(&wait);
	ja_outbox_notify_user(id, JA_MESSAGE_PASSWORD_CHANGED, NULL);
	ja_plan_end(&scope);
	ja_session_end_user(id, NULL, "password set");
	audit_user("password_set", id);
}

/* Ends the sessions of a user. */
void
ja_user_change_end_sessions(const pg_uuid_t *id)
{
	require_user(id);
	ja_user_settle(id);
	ja_session_end_user(id, NULL, "ended by admin");
	audit_user("sessions_ended", id);
}

/* Disables a user and ends the sessions. */
void
ja_user_change_disable(const pg_uuid_t *id)
{
	run_on_user(&disable_user, JA_VALUES(ja_uuid(id), ja_time(GetCurrentTimestamp())));
	ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	ja_session_end_user(id, NULL, "user disabled");
	audit_user("user_disabled", id);
}

static void
clear_throttle(const pg_uuid_t *id)
{
	JaIdentifier *identifiers;
	int			count = ja_identifier_list(id, &identifiers);

	ja_throttle_clear(JA_ATTEMPT_REQUEST, (JaString) {(const char *) id->data, UUID_LEN});
	for (int i = 0; i < count; i++)
	{
		ja_throttle_clear(JA_ATTEMPT_PASSWORD, identifiers[i].canonical);
		ja_throttle_clear(JA_ATTEMPT_CODE, identifiers[i].canonical);
		ja_throttle_clear(JA_ATTEMPT_SEND, identifiers[i].canonical);
		ja_throttle_clear(JA_ATTEMPT_SEND_PROOF, identifiers[i].canonical);
	}
	ja_throttle_clear(JA_ATTEMPT_FACTOR, (JaString) {(const char *) id->data, UUID_LEN});
}

/*
 * Enables a user and clears the throttles: that first, since a login, too, has
 * the lock of the name before it waits for the row.
 */
void
ja_user_change_enable(const pg_uuid_t *id)
{
	clear_throttle(id);
	run_on_user(&enable_user, JA_VALUES(ja_uuid(id)));
	ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	audit_user("user_enabled", id);
}

/* Clears the throttles. */
void
ja_user_change_unlock(const pg_uuid_t *id)
{
	clear_throttle(id);
	run_on_user(&forget_failures, JA_VALUES(ja_uuid(id)));
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
	JaWait		wait;

	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	if (ja_plan_run(&lock_user, JA_VALUES(ja_uuid(id))) == 0)
		ja_raise(JA_ACCOUNT_UNKNOWN);
	ja_session_lock_user(id);
	ja_wait_end(&wait);
	ja_plan_end(&scope);
}

/*
 * Deletes a user with all sessions.  The row's trigger denies the tokens of the
 * user that belong to no session, for ever.
 */
void
ja_user_change_delete(const pg_uuid_t *id)
{
	lock_with_sessions(id);
	run_on_user(&delete_user, JA_VALUES(ja_uuid(id)));
	audit_user("user_deleted", id);
}
