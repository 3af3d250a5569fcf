/*-------------------------------------------------------------------------
 *
 * purge.c
 *	  Removal of what has expired, beside live traffic: rows that somebody has
 *	  locked are left for the next time.
 *
 * A session that ended stays for as long as an access token of it may say so;
 * one whose time is over is gone at once, since its tokens are refused anyway.
 * The denial of a token stays for as long as a statement runs that began before
 * the token expired, since such a statement may still accept it.  Without any
 * other row that goes, a token is refused, whenever the statement began.
 *
 * What a batch costs does not depend on the size of the tables: rows are found
 * by direct scans of the indexes on their times, in order, and then deleted by
 * their place, on the condition that they are still what was found.  Some more
 * are found than are deleted, to make up for those that somebody has locked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "account/purge.h"
#include "base/settings.h"
#include "factor/factor_row.h"
#include "session/throttle.h"
#include "store/plan.h"
#include "store/running.h"
#include "store/scan.h"

/* How long rows outlive what they are about. */
#define SLACK_SECONDS 300

/* How often a call looks for idle sessions among those that only seem so. */
#define MAX_PASSES 10

/* Rows beyond a batch that are looked at, since so many may be locked. */
#define SPARE_ROWS 1000

/*
 * How long a denial outlives its time: a statement may have noted when it
 * began, and not yet be seen to run.
 */
#define DENIAL_SECONDS 10

/* A deletion of at most $3 rows at the places $1 for which the condition holds. */
#define DELETE_PLACES(table, condition) { \
	.sql = "DELETE FROM jwt_auth." table " WHERE ctid OPERATOR(pg_catalog.=)" \
	" ANY (ARRAY(SELECT t.ctid FROM jwt_auth." table " AS t" \
	" WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1) AND " condition \
	" LIMIT $3 FOR UPDATE SKIP LOCKED))" \
}

/* Whether the row of a table that goes with the session is locked here, if there is one. */
#define TAKES_ALONG(table) \
	"((SELECT true FROM jwt_auth." table " AS c" \
	" WHERE c.session_id OPERATOR(pg_catalog.=) t.id FOR UPDATE SKIP LOCKED)" \
	" OR NOT EXISTS (SELECT FROM jwt_auth." table " AS c" \
	" WHERE c.session_id OPERATOR(pg_catalog.=) t.id))"

/*
 * The same of sessions.  The foreign keys would wait, without limit, for whoever goes on
 * with one of them in a transaction that stays open.
 */
#define DELETE_SESSIONS(condition) \
	DELETE_PLACES("sessions", condition " AND " TAKES_ALONG("refresh_tokens") \
				  " AND " TAKES_ALONG("api_tokens"))

static JaPlan delete_expired_sessions =
DELETE_SESSIONS("t.expires_at OPERATOR(pg_catalog.<) $2");

static JaPlan delete_revoked_sessions =
DELETE_SESSIONS("t.revoked_at OPERATOR(pg_catalog.<) $2");

static JaPlan delete_idle_sessions =
DELETE_SESSIONS("COALESCE(t.active_at, t.created_at) OPERATOR(pg_catalog.<) $2"
				" AND NOT EXISTS (SELECT FROM jwt_auth.refresh_tokens AS r"
				" WHERE r.session_id OPERATOR(pg_catalog.=) t.id"
				" AND r.rotated_at OPERATOR(pg_catalog.>=) $2)");

static JaPlan delete_denials =
DELETE_PLACES("revoked_tokens", "t.expires_at OPERATOR(pg_catalog.<) $2");

static JaPlan delete_one_time_tokens =
DELETE_PLACES("one_time_tokens", "t.expires_at OPERATOR(pg_catalog.<) $2");

static JaPlan delete_messages =
DELETE_PLACES("outbox", "t.expires_at OPERATOR(pg_catalog.<) $2");

static JaPlan delete_used_handles =
DELETE_PLACES("used_handles", "t.expires_at OPERATOR(pg_catalog.<) $2");

static JaPlan delete_pending_factors =
DELETE_PLACES("factors", "t.confirmed_at IS NULL AND t.created_at OPERATOR(pg_catalog.<) $2");

static JaPlan delete_audit =
DELETE_PLACES("audit_log", "t.at OPERATOR(pg_catalog.<) $2");

/* Notes of sessions that seemed idle when they were last refreshed. */
static JaPlan note_activity = {
	.sql = "UPDATE jwt_auth.sessions AS s SET active_at = r.rotated_at"
	" FROM jwt_auth.refresh_tokens AS r"
	" WHERE s.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT t.ctid FROM jwt_auth.sessions AS t"
	" WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1) FOR UPDATE SKIP LOCKED))"
	" AND r.session_id OPERATOR(pg_catalog.=) s.id"
	" AND r.rotated_at OPERATOR(pg_catalog.>=) $2"
};

/* Secrets of keys that neither sign nor verify any more; there are few keys. */
static JaPlan erase_secrets = {
	.sql = "UPDATE jwt_auth.keys SET private_jwk = NULL, sealed_by = NULL"
	" WHERE kid OPERATOR(pg_catalog.=) ANY (SELECT kid FROM jwt_auth.keys"
	" WHERE private_jwk IS NOT NULL AND verify_until OPERATOR(pg_catalog.<) $1"
	" LIMIT $2 FOR UPDATE SKIP LOCKED)"
};

#define HAS_NO_SESSION \
	"NOT EXISTS (SELECT FROM jwt_auth.sessions AS s" \
	" WHERE s.user_id OPERATOR(pg_catalog.=) u.id)"

/*
 * Anonymous users without a session, which was all that they had; it went by the steps
 * above, by its last refresh.  Among many who have one still, the few are looked for.
 * Nobody begins a session of those who are locked, but one may have begun just before:
 * another statement sees it.
 */
static JaPlan lock_anonymous_users = {
	.sql = "SELECT pg_catalog.array_agg(l.id) FROM (SELECT u.id FROM jwt_auth.users AS u"
	" WHERE u.is_anonymous AND u.created_at OPERATOR(pg_catalog.<) $1"
	" AND " HAS_NO_SESSION " LIMIT $2 FOR UPDATE SKIP LOCKED) AS l"
};

static JaPlan delete_anonymous_users = {
	.sql = "DELETE FROM jwt_auth.users AS u WHERE u.id OPERATOR(pg_catalog.=) ANY ($1)"
	" AND " HAS_NO_SESSION
};

typedef struct Step
{
	JaRelation	table;
	JaRelation	index;			/* in the order of a time */
	AttrNumber	column;			/* which that is of the table */
	int64		age_seconds;	/* what is older is gone */
	JaPlan	   *keep;			/* NULL: nothing found is kept */
	JaPlan	   *delete;
} Step;

/* The places of at most so many rows that are older, the oldest first. */
static ArrayType *
find_places(const Step *step, TimestampTz limit, int64 max_rows)
{
	ArrayBuildState *places = NULL;
	JaScan		scan;

	ja_scan_start(&scan, step->table, step->index,
				  JA_WHERE(ja_less(step->column, ja_time(limit))));
	while (max_rows-- > 0 && ja_scan_next(&scan))
		places = accumArrayResult(places, PointerGetDatum(&scan.row->t_self), false,
								  TIDOID, CurrentMemoryContext);
	ja_scan_end(&scan);
	return places == NULL ? NULL :
		DatumGetArrayTypeP(makeArrayResult(places, CurrentMemoryContext));
}

/* Takes a step once; says how many rows it kept, and returns how many it deleted. */
static int64
try_step(const Step *step, TimestampTz limit, int64 max_rows, int64 *kept)
{
	ArrayType  *places = find_places(step, limit, max_rows + SPARE_ROWS);

	*kept = 0;
	if (places == NULL)
		return 0;
	if (step->keep != NULL)
		*kept = (int64) ja_plan_run(step->keep, JA_VALUES(ja_array(TIDARRAYOID, places),
														  ja_time(limit)));
	return (int64) ja_plan_run(step->delete, JA_VALUES(ja_array(TIDARRAYOID, places),
													   ja_time(limit), ja_bigint(max_rows)));
}

/* Before when a row must be over to go. */
static TimestampTz
limit_of(const Step *step, TimestampTz now)
{
	TimestampTz limit = now - step->age_seconds * USECS_PER_SEC;

	return step->table == JA_REVOKED_TOKENS ? Min(limit, ja_running_since()) : limit;
}

/* Takes a step; rows that are kept only make room for others, within reason. */
static int64
take_step(const Step *step, TimestampTz now, int64 max_rows)
{
	TimestampTz limit = limit_of(step, now);
	int64		removed = 0;
	int64		kept = 1;

	for (int pass = 0; pass < MAX_PASSES && kept > 0 && removed < max_rows; pass++)
		removed += try_step(step, limit, max_rows - removed, &kept);
	return removed;
}

/* Deletes at most so many anonymous users; returns how many. */
static int64
purge_anonymous_users(TimestampTz limit, int64 max_rows)
{
	bool		is_null;
	Datum		users;

	ja_plan_run(&lock_anonymous_users, JA_VALUES(ja_time(limit), ja_bigint(max_rows)));
	users = ja_plan_result(0, 1, &is_null);
	if (is_null)
		return 0;
	return (int64) ja_plan_run_as_of_now(&delete_anonymous_users,
										 JA_VALUES(ja_array(UUIDARRAYOID,
															DatumGetArrayTypePCopy(users))));
}

/*
 * Removes at most so many rows, and returns how many it removed; fewer mean
 * that nothing is left but what others have locked, or after a long time
 * without a purge perhaps some idle sessions.
 */
int64
ja_purge(int64 max_rows)
{
	int64		token_life = (int64) ja_settings.max_token_ttl_seconds + SLACK_SECONDS;
	int64		idle_life = ja_settings.session_idle_timeout_seconds + token_life;
	const Step	steps[] = {
		{JA_SESSIONS, JA_SESSIONS_EXPIRY, Anum_sessions_expires_at, SLACK_SECONDS,
		NULL, &delete_expired_sessions},
		{JA_SESSIONS, JA_SESSIONS_REVOCATION, Anum_sessions_revoked_at, token_life,
		NULL, &delete_revoked_sessions},
		{JA_SESSIONS, JA_SESSIONS_ACTIVITY, JA_EXPRESSION, idle_life,
		&note_activity, &delete_idle_sessions},
		{JA_REVOKED_TOKENS, JA_REVOKED_TOKENS_EXPIRY, Anum_revoked_tokens_expires_at, DENIAL_SECONDS,
		NULL, &delete_denials},
		{JA_ONE_TIME_TOKENS, JA_ONE_TIME_TOKENS_EXPIRY, Anum_one_time_tokens_expires_at, SLACK_SECONDS,
		NULL, &delete_one_time_tokens},
		{JA_OUTBOX, JA_OUTBOX_EXPIRY, Anum_outbox_expires_at, SLACK_SECONDS,
		NULL, &delete_messages},
		{JA_USED_HANDLES, JA_USED_HANDLES_EXPIRY, Anum_used_handles_expires_at, SLACK_SECONDS,
		NULL, &delete_used_handles},
		{JA_FACTORS, JA_FACTORS_PENDING, Anum_factors_created_at, JA_FACTOR_PENDING_SECONDS,
		NULL, &delete_pending_factors},
		{JA_AUDIT_LOG, JA_AUDIT_LOG_TIME, Anum_audit_log_at, ja_settings.audit_retention_seconds,
		NULL, &delete_audit},
	};
	TimestampTz now = GetCurrentTimestamp();
	JaPlanScope scope;
	int64		removed = 0;

	ja_plan_begin(&scope);
	for (size_t i = 0; i < lengthof(steps) && removed < max_rows; i++)
		removed += take_step(&steps[i], now, max_rows - removed);
	if (removed < max_rows)
		removed += purge_anonymous_users(now - SLACK_SECONDS * USECS_PER_SEC, max_rows - removed);
	if (removed < max_rows)
		removed += (int64) ja_plan_run(&erase_secrets,
									   JA_VALUES(ja_time(now), ja_bigint(max_rows - removed)));
	if (removed < max_rows)
		removed += ja_throttle_purge(max_rows - removed);
	ja_plan_end(&scope);
	return removed;
}
