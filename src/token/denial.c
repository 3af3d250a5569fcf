/*-------------------------------------------------------------------------
 *
 * denial.c
 *	  Denial of single tokens by their jti, and of all tokens of a deleted
 *	  user that belong to no session.
 *
 * The row that denies a token lives a little longer than the token; that of a
 * deleted user is kept for ever, since nobody knows how long the settings of
 * former days let tokens live.  Whoever made a token chose its jti, so that a
 * long one is kept as its hash.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/error.h"
#include "base/time.h"
#include "jose/algorithm.h"
#include "jose/base64url.h"
#include "store/invalidation.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/wait.h"
#include "token/denial.h"
#include "token/table_memo.h"

/* How long a row outlives the token that it denies. */
#define SLACK_SECONDS 300

/* Longest jti that is kept as it is. */
#define MAX_JTI 255

/* Room for the stored form of a longer one. */
#define STORED_FORM_ROOM 64

static JaPlan insert_denial = {
	.sql = "INSERT INTO jwt_auth.revoked_tokens AS r (issuer, jti, expires_at)"
	" VALUES ($1, $2, $3) ON CONFLICT (issuer, jti) DO UPDATE"
	" SET expires_at = GREATEST(r.expires_at, EXCLUDED.expires_at)"
};

static JaPlan insert_once = {
	.sql = "INSERT INTO jwt_auth.revoked_tokens (issuer, jti, expires_at)"
	" VALUES ($1, $2, $3) ON CONFLICT (issuer, jti) DO NOTHING"
};

static JaPlan insert_user = {
	.sql = "INSERT INTO jwt_auth.deleted_users (id, deleted_at) VALUES ($1, $2)"
	" ON CONFLICT (id) DO NOTHING"
};

static JaPlan insert_all_users = {
	.sql = "INSERT INTO jwt_auth.deleted_users (id, deleted_at)"
	" SELECT id, $1 FROM jwt_auth.users ON CONFLICT (id) DO NOTHING"
};

static JaTableMemo denied_tokens = {.table = JA_REVOKED_TOKENS,.index = JA_REVOKED_TOKENS_PKEY};
static JaTableMemo deleted_users = {.table = JA_DELETED_USERS,.index = JA_DELETED_USERS_PKEY};

static TimestampTz end_of_denial(TimestampTz token_end);
static bool is_denied_until(JaString issuer, JaString stored_jti, TimestampTz until);
static bool find_denial(JaScan *scan, JaString issuer, JaString stored_jti);
static JaString stored_form(JaString jti, char *buffer);
static void finish_denial_scan(JaScan *scan, bool *is_final);

/*
 * Denies a token until the time, DT_NOEND for ever, and a little longer.
 * Returns false, and writes nothing, where that is so already; raises 55P03 if
 * another transaction that denies it does not end.
 */
bool
ja_denial_add(JaString issuer, JaString jti, TimestampTz until)
{
	char		buffer[STORED_FORM_ROOM];
	JaString	stored_jti = stored_form(jti, buffer);
	TimestampTz end = end_of_denial(until);
	JaPlanScope scope;
	JaWait		wait;

	if (is_denied_until(issuer, stored_jti, end))
		return false;
	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	ja_plan_run(&insert_denial, JA_VALUES(ja_string(issuer), ja_string(stored_jti),
										  ja_time(end)));
	ja_wait_end(&wait);
	ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	ja_plan_end(&scope);
	return true;
}

/*
 * Denies a token as above, unless it is denied already; of callers at the same
 * time, one denies it, and the others wait as above.
 */
bool
ja_denial_add_once(JaString issuer, JaString jti, TimestampTz until)
{
	char		buffer[STORED_FORM_ROOM];
	JaPlanScope scope;
	JaWait		wait;
	bool		added;

	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	added = ja_plan_run(&insert_once, JA_VALUES(ja_string(issuer),
												ja_string(stored_form(jti, buffer)),
												ja_time(end_of_denial(until)))) == 1;
	ja_wait_end(&wait);
	if (added)
		ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	ja_plan_end(&scope);
	return added;
}

/* Denies all tokens of a user that are without session, for ever. */
void
ja_denial_add_user(const pg_uuid_t *user)
{
	JaPlanScope scope;
	JaWait		wait;

	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	ja_plan_run(&insert_user, JA_VALUES(ja_uuid(user), ja_time(GetCurrentTimestamp())));
	ja_wait_end(&wait);
	ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	ja_plan_end(&scope);
}

/* The same for all users that there are. */
void
ja_denial_add_all_users(void)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	ja_plan_run_on_latest(&insert_all_users, JA_VALUES(ja_time(GetCurrentTimestamp())));
	ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	ja_plan_end(&scope);
}

/*
 * Whether a token is denied, as of now.  Clears *is_final if the running
 * transaction wrote the row.
 */
bool
ja_denial_exists(JaString issuer, JaString jti, bool *is_final)
{
	char		buffer[STORED_FORM_ROOM];
	JaScan		scan;

	if (!ja_table_memo_has_rows(&denied_tokens) || !find_denial(&scan, issuer, stored_form(jti, buffer)))
		return false;
	finish_denial_scan(&scan, is_final);
	return true;
}

/* The same for the tokens of a user that are without session. */
bool
ja_denial_exists_for_user(const pg_uuid_t *user, bool *is_final)
{
	JaScan		scan;

	if (!ja_table_memo_has_rows(&deleted_users) ||
		!ja_scan_find(&scan, JA_DELETED_USERS, JA_DELETED_USERS_PKEY,
					  JA_WHERE(ja_equal(Anum_deleted_users_id, ja_uuid(user)))))
		return false;
	finish_denial_scan(&scan, is_final);
	return true;
}

/* Until when the row stays that denies a token. */
static TimestampTz
end_of_denial(TimestampTz token_end)
{
	return ja_seconds_from(token_end, SLACK_SECONDS);
}

/* Whether a row denies the token so long already. */
static bool
is_denied_until(JaString issuer, JaString stored_jti, TimestampTz until)
{
	JaScan		scan;
	bool		is_denied;

	if (!find_denial(&scan, issuer, stored_jti))
		return false;
	is_denied = ja_scan_time(&scan, Anum_revoked_tokens_expires_at) >= until;
	ja_scan_end(&scan);
	return is_denied;
}

/* Finds the row that denies a token, as ja_scan_find() does. */
static bool
find_denial(JaScan *scan, JaString issuer, JaString stored_jti)
{
	return ja_scan_find(scan, JA_REVOKED_TOKENS, JA_REVOKED_TOKENS_PKEY,
						JA_WHERE(ja_equal(Anum_revoked_tokens_issuer, ja_string(issuer)),
								 ja_equal(Anum_revoked_tokens_jti, ja_string(stored_jti))));
}

/* The form in which a jti is stored; the buffer may hold it. */
static JaString
stored_form(JaString jti, char *buffer)
{
	static const char prefix[] = "sha256:";
	const size_t length = sizeof(prefix) - 1;
	uint8		digest[32];

	if (jti.length <= MAX_JTI)
		return jti;
	ja_check(ja_digest_compute(JA_SHA256, jti.data, jti.length, digest));
	strlcpy(buffer, prefix, STORED_FORM_ROOM);
	return (JaString) {
		buffer, length + ja_base64url_encode(digest, sizeof(digest), buffer + length)
	};
}

/* Clears *is_final if the running transaction wrote the row that was found. */
static void
finish_denial_scan(JaScan *scan, bool *is_final)
{
	if (ja_scan_row_is_uncommitted(scan))
		*is_final = false;
	ja_scan_end(scan);
}
