/*-------------------------------------------------------------------------
 *
 * user_row.c
 *	  What follows from changes of users' rows, whoever makes them.
 *
 * An operator may change the table directly.  The same must follow as from the
 * functions: no session of a user who was disabled or banned or got another
 * password goes on, no token outlives its user, and nobody gets a role or claims that
 * the functions refuse.  What follows from a password or what is audited, the
 * functions do themselves.
 *
 * All of this but what follows from TRUNCATE runs at the end of the statement
 * that changed the rows, when they are locked, and sees the sessions of logins
 * that had them before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "account/user_attribute.h"
#include "account/user_row.h"
#include "base/error.h"
#include "session/access_claims.h"
#include "session/session_end.h"
#include "session/user.h"
#include "store/audit.h"
#include "store/plan.h"
#include "store/wait.h"
#include "token/denial.h"

static JaPlan void_tokens = {
	.sql = "UPDATE jwt_auth.users SET code_failures = 0,"
	" credentials_version = pg_catalog.int8pl(credentials_version, 1)"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

/* Which outlive changes, but not that an admin has stepped in. */
static JaPlan void_undo_links = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET consumed_at = pg_catalog.clock_timestamp(),"
	" data = NULL WHERE user_id OPERATOR(pg_catalog.=) $1 AND consumed_at IS NULL"
	" AND purpose OPERATOR(pg_catalog.=) 'undo'"
};

static JaPlan delete_tokens = {
	.sql = "DELETE FROM jwt_auth.one_time_tokens WHERE user_id OPERATOR(pg_catalog.=) $1"
};

static JaPlan delete_all_tokens = {
	.sql = "DELETE FROM jwt_auth.one_time_tokens WHERE user_id IS NOT NULL"
};

/* A row before and after the change. */
typedef struct Change
{
	TupleDesc	columns;
	HeapTuple	before;
	HeapTuple	after;
} Change;

/* A column of one of the rows; false if it is NULL. */
static bool
read_column(const Change *change, HeapTuple row, AttrNumber column, Datum *value)
{
	bool		is_null;

	*value = heap_getattr(row, column, change->columns, &is_null);
	return !is_null;
}

static bool
differs(const Change *change, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(change->columns, column - 1);
	Datum		before;
	Datum		after;
	bool		was_there = read_column(change, change->before, column, &before);
	bool		is_there = read_column(change, change->after, column, &after);

	if (!was_there || !is_there)
		return was_there != is_there;
	return !datum_image_eq(before, after, attribute->attbyval, attribute->attlen);
}

static void
audit(const char *event, const pg_uuid_t *user)
{
	if (!ja_plan_is_running())
		ja_audit_write(&(JaAuditEvent) {.event = event, .user = user});
}

/*
 * Raises 22023 for a role or claims that no function would let pass, and 0A000
 * for another username: it would not be the one that logs in.
 */
static void
check_values(const Change *change)
{
	Datum		value;

	if (differs(change, Anum_users_username))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a username cannot be changed in table \"users\" alone"),
				 errhint("Use jwt_update_user(), which also changes the name used to log in.")));
	if (differs(change, Anum_users_role) &&
		read_column(change, change->after, Anum_users_role, &value))
		ja_user_attribute_check_role(NameStr(*DatumGetName(value)));
	if (differs(change, Anum_users_claims) &&
		read_column(change, change->after, Anum_users_claims, &value))
		ja_check(ja_access_claims_check(DatumGetJsonbP(value)));
}

static void
run_for_user(JaPlan *plan, const pg_uuid_t *user)
{
	JaPlanScope scope;
	JaWait		wait;

	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	ja_plan_run_on_latest(plan, JA_VALUES(ja_uuid(user)));
	ja_wait_end(&wait);
	ja_plan_end(&scope);
}

/* Ends what a new password ends; a function says itself which sessions stay. */
static void
follow_password(const Change *change, const pg_uuid_t *user)
{
	if (ja_plan_is_running() || !differs(change, Anum_users_password_hash))
		return;
	ja_session_end_user(user, NULL, "password set");
	run_for_user(&void_tokens, user);
	audit("password_set", user);
}

/* Why the user may not log in from now on; NULL: as before, or nothing forbids it. */
static const char *
reason_to_exclude(const Change *change)
{
	Datum		time;

	if (!read_column(change, change->before, Anum_users_disabled_at, &time) &&
		read_column(change, change->after, Anum_users_disabled_at, &time))
		return "user disabled";
	if (differs(change, Anum_users_banned_until) &&
		read_column(change, change->after, Anum_users_banned_until, &time) &&
		DatumGetTimestampTz(time) > GetCurrentTimestamp())
		return "user banned";
	return NULL;
}

static void
follow_exclusion(const Change *change, const pg_uuid_t *user)
{
	const char *reason = reason_to_exclude(change);

	if (reason == NULL)
		return;
	ja_session_end_user(user, NULL, reason);
	run_for_user(&void_undo_links, user);
	if (!ja_plan_is_running())
		run_for_user(&void_tokens, user);
	audit(strcmp(reason, "user banned") == 0 ? "user_banned" : "user_disabled", user);
}

/* After an update of a row; raises as check_values() does. */
void
ja_user_row_updated(Relation users, HeapTuple before, HeapTuple after)
{
	Change		change = {RelationGetDescr(users), before, after};
	pg_uuid_t	user;
	Datum		id;

	if (!ja_plan_is_running())
		check_values(&change);
	read_column(&change, after, Anum_users_id, &id);
	user = *DatumGetUUIDP(id);
	follow_password(&change, &user);
	follow_exclusion(&change, &user);
	if (differs(&change, Anum_users_id))
		ja_user_row_deleted(users, before);
}

/*
 * After the deletion of a row, with which the sessions go: ends those in which the user
 * acts as another, deletes the one-time tokens of the user, and denies the tokens that
 * belong to no session, for ever.
 */
void
ja_user_row_deleted(Relation users, HeapTuple before)
{
	Change		change = {RelationGetDescr(users), before, NULL};
	pg_uuid_t	user;
	Datum		id;

	read_column(&change, before, Anum_users_id, &id);
	user = *DatumGetUUIDP(id);
	ja_session_end_user(&user, NULL, "user deleted");
	run_for_user(&delete_tokens, &user);
	ja_denial_add_user(&user);
	audit("user_deleted", &user);
}

static void
void_tokens_of_owner(Relation identifiers, HeapTuple row)
{
	Change		change = {RelationGetDescr(identifiers), row, NULL};
	pg_uuid_t	user;
	Datum		id;

	read_column(&change, row, Anum_identifiers_user_id, &id);
	user = *DatumGetUUIDP(id);
	ja_user_raise_version(&user);
}

/*
 * After a change of what a user is called, of which the later row may be NULL:
 * voids the tokens of whose it was, and of whose it is.
 */
void
ja_user_row_renamed(Relation identifiers, HeapTuple before, HeapTuple after)
{
	JaPlanScope scope;

	if (ja_plan_is_running())
		return;
	ja_plan_begin(&scope);
	void_tokens_of_owner(identifiers, before);
	if (after != NULL)
		void_tokens_of_owner(identifiers, after);
	ja_plan_end(&scope);
}

/* Before all rows go. */
void
ja_user_row_truncate(void)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	ja_plan_run_on_latest(&delete_all_tokens, JA_NO_VALUES);
	ja_plan_end(&scope);
	ja_denial_add_all_users();
	audit("users_truncated", NULL);
}

/* Before a session is given to another user, whose refresh token others hold. */
void
ja_user_row_keep_session(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a session cannot be given to another user"),
			 errhint("Anyone who holds its refresh token would become that user. Use jwt_end_sessions() and jwt_start_session().")));
}
