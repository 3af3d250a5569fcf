/*-------------------------------------------------------------------------
 *
 * denial.c
 *	  Denying of single tokens by their jti, and of all tokens that were made
 *	  for a deleted user and belong to no session.
 *
 * A row lives a little longer than any token that it denies.  Whoever made
 * the token chose its jti, so that a long one is kept as its hash.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"


#include "base/error.h"
#include "base/uuid.h"
#include "jose/algorithm.h"
#include "jose/base64url.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/signal.h"
#include "store/wait.h"
#include "token/denial.h"

/* How long a row outlives the tokens that it denies. */
#define SLACK_SECONDS 300

/* Longest jti that is kept as it is. */
#define MAX_JTI 255

/* Room for the stored form of a longer one. */
#define STORED_FORM_ROOM 64

/* The issuer under which deleted users stand; no issuer has this name. */
#define DELETED_USER_ISSUER "urn:jwt_auth:deleted-user"

static JaPlan insert_denial = {
	.sql = "INSERT INTO jwt_auth.revoked_tokens AS r (issuer, jti, expires_at)"
	" VALUES ($1, $2, $3) ON CONFLICT (issuer, jti) DO UPDATE"
	" SET expires_at = GREATEST(r.expires_at, EXCLUDED.expires_at)"
};

static JaPlan insert_once = {
	.sql = "INSERT INTO jwt_auth.revoked_tokens (issuer, jti, expires_at)"
	" VALUES ($1, $2, $3) ON CONFLICT (issuer, jti) DO NOTHING"
};

static JaPlan insert_users = {
	.sql = "INSERT INTO jwt_auth.revoked_tokens (issuer, jti, expires_at)"
	" SELECT $1, id::pg_catalog.text, 'infinity' FROM jwt_auth.users"
	" ON CONFLICT (issuer, jti) DO UPDATE SET expires_at = EXCLUDED.expires_at"
};

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

static bool
find_row(JaScan *scan, JaString issuer, JaString stored_jti)
{
	return ja_scan_find(scan, JA_REVOKED_TOKENS, JA_REVOKED_TOKENS_PKEY,
						JA_WHERE(ja_equal(Anum_revoked_tokens_issuer, ja_string(issuer)),
								 ja_equal(Anum_revoked_tokens_jti, ja_string(stored_jti))));
}

/* Whether a row denies the token so long already. */
static bool
is_denied_until(JaString issuer, JaString stored_jti, TimestampTz until)
{
	JaScan		scan;
	bool		is_denied;

	if (!find_row(&scan, issuer, stored_jti))
		return false;
	is_denied = ja_scan_time(&scan, Anum_revoked_tokens_expires_at) >= until;
	ja_scan_end(&scan);
	return is_denied;
}

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
	JaPlanScope scope;
	JaWait		wait;

	if (!TIMESTAMP_NOT_FINITE(until))
		until += SLACK_SECONDS * USECS_PER_SEC;
	if (is_denied_until(issuer, stored_jti, until))
		return false;
	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	ja_plan_run(&insert_denial, JA_VALUES(ja_string(issuer), ja_string(stored_jti),
										  ja_time(until)));
	ja_wait_end(&wait);
	ja_signal_send(JA_SIGNAL_REVOCATIONS);
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

	if (!TIMESTAMP_NOT_FINITE(until))
		until += SLACK_SECONDS * USECS_PER_SEC;
	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	added = ja_plan_run(&insert_once, JA_VALUES(ja_string(issuer),
												ja_string(stored_form(jti, buffer)),
												ja_time(until))) == 1;
	ja_wait_end(&wait);
	if (added)
		ja_signal_send(JA_SIGNAL_REVOCATIONS);
	ja_plan_end(&scope);
	return added;
}

static JaString
user_issuer(void)
{
	return (JaString) {DELETED_USER_ISSUER, sizeof(DELETED_USER_ISSUER) - 1};
}

/*
 * Denies all tokens for a user that are without session, for ever: nobody knows
 * how long the settings of former days let them live.
 */
void
ja_denial_add_user(const pg_uuid_t *user)
{
	char		text[JA_UUID_TEXT];

	ja_uuid_write(user, text);
	(void) ja_denial_add(user_issuer(), (JaString) {text, sizeof(text)}, DT_NOEND);
}

/* The same for all users that there are. */
void
ja_denial_add_all_users(void)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	ja_plan_run_on_latest(&insert_users, JA_VALUES(ja_string(user_issuer())));
	ja_signal_send(JA_SIGNAL_REVOCATIONS);
	ja_plan_end(&scope);
}

/* Whether there is a denial of an issuer for which the condition holds. */
static bool
exists_by_issuer(JaScanKey condition)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_REVOKED_TOKENS, JA_REVOKED_TOKENS_PKEY, JA_WHERE(condition)))
		return false;
	ja_scan_end(&scan);
	return true;
}

/*
 * Whether there is any denial of tokens, or of users.  Mostly there is none,
 * which is worth remembering until revocations change: each denial signals
 * that.  A look that an error ends says nothing.
 */
static bool
any_exists(bool of_users)
{
	static uint64 judged_at = 0;
	static bool any_token;
	static bool any_user;
	uint64		counter;

	ja_signal_watch();
	counter = ja_signal_counters[JA_SIGNAL_REVOCATIONS];
	if (judged_at != counter)
	{
		JaValue		users = ja_string(user_issuer());

		any_user = exists_by_issuer(ja_equal(Anum_revoked_tokens_issuer, users));
		any_token = exists_by_issuer(ja_less(Anum_revoked_tokens_issuer, users)) ||
			exists_by_issuer(ja_greater(Anum_revoked_tokens_issuer, users));
		judged_at = counter;
	}
	return of_users ? any_user : any_token;
}

static bool
exists(JaString issuer, JaString jti, bool *is_final)
{
	char		buffer[STORED_FORM_ROOM];
	JaScan		scan;

	if (!find_row(&scan, issuer, stored_form(jti, buffer)))
		return false;
	if (ja_scan_row_is_uncommitted(&scan))
		*is_final = false;
	ja_scan_end(&scan);
	return true;
}

/*
 * Whether a token is denied, as of now.  Clears *is_final if the running
 * transaction wrote the row.
 */
bool
ja_denial_exists(JaString issuer, JaString jti, bool *is_final)
{
	return any_exists(false) && exists(issuer, jti, is_final);
}

/* The same for the tokens of a user. */
bool
ja_denial_exists_for_user(const pg_uuid_t *user, bool *is_final)
{
	char		text[JA_UUID_TEXT];

	if (!any_exists(true))
		return false;
	ja_uuid_write(user, text);
	return exists(user_issuer(), (JaString) {text, sizeof(text)}, is_final);
}
