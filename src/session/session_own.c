/*-------------------------------------------------------------------------
 *
 * session_own.c
 *	  A user's own sessions: shown and ended.
 *
 * A session of somebody else is treated as one that does not exist.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"
#include "base/uuid.h"
#include "session/session.h"
#include "session/session_end.h"
#include "session/session_own.h"
#include "session/user.h"
#include "store/audit.h"
#include "store/plan.h"

#define COLUMNS 11

/* One without refresh token is not idle before it ends. */
static JaPlan select_sessions = {
	.sql = "SELECT s.id, s.created_at, COALESCE(r.rotated_at, a.last_used_at, s.created_at),"
	" LEAST(s.expires_at, pg_catalog.timestamptz_pl_interval(r.rotated_at,"
	" pg_catalog.make_interval(secs => $3))), s.user_agent, s.client_address,"
	" s.claimed_address, COALESCE(s.id OPERATOR(pg_catalog.=) $4, false), s.method, s.actor, a.name"
	" FROM jwt_auth.sessions AS s LEFT JOIN jwt_auth.refresh_tokens AS r"
	" ON r.session_id OPERATOR(pg_catalog.=) s.id LEFT JOIN jwt_auth.api_tokens AS a"
	" ON a.session_id OPERATOR(pg_catalog.=) s.id"
	" WHERE s.user_id OPERATOR(pg_catalog.=) $1 AND s.revoked_at IS NULL"
	" AND s.expires_at OPERATOR(pg_catalog.>) $2 AND (r.session_id IS NULL"
	" OR r.rotated_at OPERATOR(pg_catalog.>) pg_catalog.timestamptz_mi_interval($2,"
	" pg_catalog.make_interval(secs => $3)))"
	" ORDER BY COALESCE(r.rotated_at, a.last_used_at, s.created_at) DESC"
};

/* Adds a row for each live session of the user, the latest first. */
void
ja_session_own_list(const pg_uuid_t *user, const pg_uuid_t *current,
					Tuplestorestate *rows, TupleDesc row_type)
{
	double		idle_seconds = ja_settings.session_idle_timeout_seconds;
	JaPlanScope scope;
	uint64		count;

	ja_plan_begin(&scope);
	count = ja_plan_run(&select_sessions,
						JA_VALUES(ja_uuid(user), ja_time(GetCurrentTimestamp()),
								  ja_datum(FLOAT8OID, Float8GetDatum(idle_seconds)),
								  ja_uuid(current)));
	for (uint64 i = 0; i < count; i++)
	{
		Datum		values[COLUMNS];
		bool		nulls[COLUMNS];

		for (int column = 0; column < COLUMNS; column++)
			values[column] = ja_plan_result(i, column + 1, &nulls[column]);
		tuplestore_putvalues(rows, row_type, values, nulls);
	}
	ja_plan_end(&scope);
}

/* Ends one session of the user. */
void
ja_session_own_end(const pg_uuid_t *user, const pg_uuid_t *session)
{
	JaSession	found;

	if (!ja_session_find(session, &found) ||
		!ja_uuid_equals(&found.user, user) ||
		!ja_session_end_one(session, "ended by user"))
		return;
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "session_revoked", .reason = "ended by user",
					   .user = user, .session = session
				   });
}

/*
 * Ends the user's sessions but the excepted one, if that is not NULL.  Those
 * that a transaction has begun and not committed are waited for: raises 55P03 if
 * that takes too long.
 */
void
ja_session_own_end_all(const pg_uuid_t *user, const pg_uuid_t *except)
{
	ja_user_settle(user);
	if (ja_session_end_user(user, except, "ended by user") == 0)
		return;
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "sessions_ended", .reason = "ended by user", .user = user
				   });
}
