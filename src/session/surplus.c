/*-------------------------------------------------------------------------
 *
 * surplus.c
 *	  The limit of sessions that a user may have.
 *
 * jwt_auth.session_limit_action says what becomes of the session that is too many.
 *
 * A login ends as many as the session that it begins is too many, the least
 * recently refreshed first, and never that session itself, whatever the clock
 * says.  Where a lowered limit has made many of them surplus, it looks at some
 * and ends some, so that no login waits for it; the next ones go on.  It waits for a
 * session that another transaction holds, which may be ending it and roll back.
 *
 * Or it is denied, as long as so many sessions can be refreshed: those that are idle
 * or expired keep nobody out.  What a login finds idle, a refresh that is not committed
 * may be about to keep alive: so it ends as many as the limit asks for here, too.  The
 * lock on the user's row, which whoever begins a session has, makes two logins at once
 * count each other.
 *
 * Sessions of API tokens, and those in which somebody else acts, are neither counted
 * nor ended.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "base/uuid.h"
#include "session/refresh_row.h"
#include "session/session_end.h"
#include "session/surplus.h"
#include "store/audit.h"
#include "store/plan.h"
#include "store/scan.h"

/* How many sessions a login ends at most. */
#define MAX_ENDED 100

typedef struct Candidate
{
	pg_uuid_t	id;
	TimestampTz rotated_at;
} Candidate;

/* Whether it is that of an API token, which ends at its own time. */
static bool
is_of_api_token(const pg_uuid_t *session)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_API_TOKENS, JA_API_TOKENS_PKEY,
					  JA_WHERE(ja_equal(Anum_api_tokens_session_id, ja_uuid(session)))))
		return false;
	ja_scan_end(&scan);
	return true;
}

/* Whether a session counts; nobody looks for the API token of one that was refreshed. */
static bool
counts(const JaScan *scan, const pg_uuid_t *id)
{
	return ja_scan_is_null(scan, Anum_sessions_actor) &&
		(ja_scan_is_null(scan, Anum_sessions_active_at) || !is_of_api_token(id));
}

/*
 * Reads ids of the user's live sessions that count but the one that begins, those that
 * expire first, until there is no more room: what does not count takes none.
 */
static int
read_candidates(const JaSession *begun, TimestampTz now, Candidate *candidates, int room)
{
	JaScan		scan;
	int			count = 0;

	ja_scan_start(&scan, JA_SESSIONS, JA_SESSIONS_LIVE,
				  JA_WHERE(ja_equal(Anum_sessions_user_id, ja_uuid(&begun->user)),
						   ja_is_null(Anum_sessions_revoked_at),
						   ja_greater(Anum_sessions_expires_at, ja_time(now))));
	while (count < room && ja_scan_next(&scan))
	{
		candidates[count].id = ja_scan_uuid(&scan, Anum_sessions_id);
		if (!ja_uuid_equals(&candidates[count].id, &begun->id) &&
			counts(&scan, &candidates[count].id))
			count++;
	}
	ja_scan_end(&scan);
	return count;
}

/* Finds out when a session was last refreshed; one without a token never was. */
static void
find_last_rotation(Candidate *candidate)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_REFRESH_TOKENS, JA_REFRESH_TOKENS_PKEY,
					  JA_WHERE(ja_equal(Anum_refresh_tokens_session_id, ja_uuid(&candidate->id)))))
	{
		candidate->rotated_at = DT_NOBEGIN;
		return;
	}
	candidate->rotated_at = ja_scan_time(&scan, Anum_refresh_tokens_rotated_at);
	ja_scan_end(&scan);
}

/* The least recently refreshed first; of equal ones, that which began first. */
static int
compare_candidates(const void *a, const void *b)
{
	const Candidate *left = a;
	const Candidate *right = b;

	if (left->rotated_at != right->rotated_at)
		return left->rotated_at < right->rotated_at ? -1 : 1;
	return memcmp(&left->id, &right->id, UUID_LEN);
}

/* Ends the first candidates in one statement, and audits each that it ended. */
static void
end_first(const pg_uuid_t *user, const Candidate *candidates, int count)
{
	Datum	   *ids = palloc(sizeof(Datum) * count);
	pg_uuid_t  *ended;
	uint64		ended_count;

	for (int i = 0; i < count; i++)
		ids[i] = UUIDPGetDatum(&candidates[i].id);
	ended_count = ja_session_end_some(construct_array(ids, count, UUIDOID, UUID_LEN, false,
													  TYPALIGN_CHAR),
									  "session limit");
	ended = palloc(sizeof(pg_uuid_t) * (ended_count + 1));
	for (uint64 i = 0; i < ended_count; i++)
	{
		bool		is_null;

		ended[i] = *DatumGetUUIDP(ja_plan_result(i, 1, &is_null));
	}
	for (uint64 i = 0; i < ended_count; i++)
		ja_audit_write(&(JaAuditEvent)
					   {
						   .event = "session_evicted", .reason = "session limit",
						   .user = user, .session = &ended[i]
					   });
}

/* How many sessions the user may have; 0: any number. */
static int
limit_of(const JaUser *user)
{
	return user->has_max_sessions ? user->max_sessions : ja_settings.max_sessions_per_user;
}

/*
 * Ends the user's sessions that are more than the limit lets stand beside the
 * one that begins; within a scope of ja_plan_begin().
 */
void
ja_surplus_end(const JaUser *user, const JaSession *begun, TimestampTz now)
{
	int			others = limit_of(user) - 1;
	Candidate  *candidates;
	int			count;

	if (others < 0)
		return;
	candidates = palloc(sizeof(Candidate) * (others + MAX_ENDED + 1));
	count = read_candidates(begun, now, candidates, others + MAX_ENDED);
	if (count <= others)
		return;
	for (int i = 0; i < count; i++)
		find_last_rotation(&candidates[i]);
	qsort(candidates, count, sizeof(Candidate), compare_candidates);
	end_first(&begun->user, candidates, count - others);
}

/*
 * Whether a session can be refreshed, as far as its refresh token tells; one of an API
 * token has none.
 */
static bool
can_be_refreshed(const pg_uuid_t *session)
{
	Candidate	candidate = {.id = *session};
	JaRefreshRow row = {.earlier = NULL};

	find_last_rotation(&candidate);
	row.rotated_at = candidate.rotated_at;
	return !ja_refresh_row_is_idle(&row);
}

/* Whether the user has as many sessions as the limit, which can be refreshed. */
static bool
has_reached(const pg_uuid_t *user, int limit)
{
	JaScan		scan;
	int			count = 0;

	ja_scan_start(&scan, JA_SESSIONS, JA_SESSIONS_LIVE,
				  JA_WHERE(ja_equal(Anum_sessions_user_id, ja_uuid(user)),
						   ja_is_null(Anum_sessions_revoked_at),
						   ja_greater(Anum_sessions_expires_at, ja_time(GetCurrentTimestamp()))));
	while (count < limit && ja_scan_next(&scan))
	{
		pg_uuid_t	id = ja_scan_uuid(&scan, Anum_sessions_id);

		if (ja_scan_is_null(&scan, Anum_sessions_actor) && can_be_refreshed(&id))
			count++;
	}
	ja_scan_end(&scan);
	return count == limit;
}

/*
 * Whether the user, whose row is locked, may not begin a session beside those that there
 * are.
 */
bool
ja_surplus_forbids_session(const JaUser *user)
{
	int			limit = limit_of(user);

	return limit > 0 && ja_settings.session_limit_action == JA_SESSION_LIMIT_DENY &&
		has_reached(&user->id, limit);
}
