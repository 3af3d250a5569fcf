/*-------------------------------------------------------------------------
 *
 * session_end.c
 *	  Ending sessions: one, those of a user, all.
 *
 * A session that ended stays as a row that says so, until it is purged.  The
 * invalidation makes every backend look again at its next transaction.  No session
 * is missed because the caller's snapshot is older than it.
 *
 * The sessions of a user are also those in which the user acts as somebody else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "session/attempt_lock.h"
#include "session/session_end.h"
#include "store/invalidation.h"
#include "store/plan.h"
#include "store/wait.h"

#define IS_OF_USER \
	" (user_id OPERATOR(pg_catalog.=) $1" \
	" OR actor OPERATOR(pg_catalog.=) $1::pg_catalog.text)"

static JaPlan end_one = {
	.sql = "UPDATE jwt_auth.sessions SET revoked_at = $2, revoke_reason = $3"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND revoked_at IS NULL"
};

/* What ends several sessions of a user locks their rows in one order, first. */
static JaPlan end_user = {
	.sql = "UPDATE jwt_auth.sessions SET revoked_at = $2, revoke_reason = $3"
	" WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT id FROM jwt_auth.sessions"
	" WHERE" IS_OF_USER " AND revoked_at IS NULL"
	" AND ($4 IS NULL OR id OPERATOR(pg_catalog.<>) $4) ORDER BY id FOR UPDATE))"
};

static JaPlan end_some = {
	.sql = "UPDATE jwt_auth.sessions SET revoked_at = $2, revoke_reason = $3"
	" WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT id FROM jwt_auth.sessions"
	" WHERE id OPERATOR(pg_catalog.=) ANY ($1) AND revoked_at IS NULL"
	" ORDER BY id FOR UPDATE)) RETURNING id"
};

static JaPlan lock_user = {
	.sql = "SELECT 1 FROM jwt_auth.sessions WHERE" IS_OF_USER " ORDER BY id FOR UPDATE"
};

static JaPlan end_all = {
	.sql = "UPDATE jwt_auth.sessions SET revoked_at = $1, revoke_reason = $2"
	" WHERE revoked_at IS NULL"
};

/*
 * Within a scope of ja_plan_begin().  Raises 55P03 where another transaction holds a
 * session for too long.
 */
static uint64
end_sessions(JaPlan *plan, JaValues values)
{
	JaWait		wait;
	uint64		ended;

	ja_attempt_lock_forbid_prepare();
	ja_wait_begin(&wait);
	ended = ja_plan_run_on_latest(plan, values);
	ja_wait_end(&wait);
	if (ended > 0)
		ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	return ended;
}

/* The same, in a scope of its own. */
static uint64
end_sessions_by(JaPlan *plan, JaValues values)
{
	JaPlanScope scope;
	uint64		ended;

	ja_plan_begin(&scope);
	ended = end_sessions(plan, values);
	ja_plan_end(&scope);
	return ended;
}

/* Ends a session; false if it was not live. */
bool
ja_session_end_one(const pg_uuid_t *session, const char *reason)
{
	return end_sessions_by(&end_one, JA_VALUES(ja_uuid(session), ja_time(GetCurrentTimestamp()),
											   ja_text(reason))) > 0;
}

/* Ends a user's sessions but the excepted one, if that is not NULL. */
uint64
ja_session_end_user(const pg_uuid_t *user, const pg_uuid_t *except, const char *reason)
{
	return end_sessions_by(&end_user, JA_VALUES(ja_uuid(user), ja_time(GetCurrentTimestamp()),
												ja_text(reason), ja_uuid(except)));
}

/*
 * Ends the listed sessions that are live; within a scope of ja_plan_begin(), as the
 * ids of those that it ended are its result.  It waits for those that another
 * transaction holds, since that may leave them live.
 */
uint64
ja_session_end_some(ArrayType *sessions, const char *reason)
{
	return end_sessions(&end_some, JA_VALUES(ja_array(UUIDARRAYOID, sessions),
											 ja_time(GetCurrentTimestamp()), ja_text(reason)));
}

/*
 * Locks a user's sessions in the order in which all do, before something locks
 * them in another; within a scope of ja_plan_begin().
 */
void
ja_session_lock_user(const pg_uuid_t *user)
{
	ja_plan_run_on_latest(&lock_user, JA_VALUES(ja_uuid(user)));
}

/*
 * Ends every session, in whatever order the rows come: they may be too many to
 * lock first.  Beside others that end sessions, one may fail with 40P01.
 */
uint64
ja_session_end_all(const char *reason)
{
	return end_sessions_by(&end_all, JA_VALUES(ja_time(GetCurrentTimestamp()), ja_text(reason)));
}
