/*-------------------------------------------------------------------------
 *
 * revocation.c
 *	  Whether a token that is right was revoked: its session ended, its jti
 *	  was denied, or its user was disabled or deleted.
 *
 * Tokens of other issuers are looked up by iss and jti only: their sid and
 * sub mean nothing here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/uuid.h"
#include "store/scan.h"
#include "token/denial.h"
#include "token/revocation.h"
#include "token/table_memo.h"

static JaTableMemo disabled_users = {
	.table = JA_USERS,.index = JA_USERS_DISABLED,.column = Anum_users_disabled_at
};

/* Reads a claim that must be a string of a UUID to count. */
static bool
read_uuid(const JsonbContainer *claims, const char *name, pg_uuid_t *uuid)
{
	JaString	text;

	return ja_json_string(claims, name, &text) == JA_PRESENT && ja_uuid_parse(text.data, text.length, uuid);
}

/*
 * Notes what of the claims can be revoked, but for the issuer, which the
 * caller knows; strings point into the claims.
 * Fails with JA_TOKEN_SESSION_UNKNOWN for an own token whose sid is no UUID,
 * which no login made.
 */
JaStatus
ja_revocation_read(const JsonbContainer *claims, bool is_local_issuer, JaRevocable *revocable)
{
	JsonbValue	value;

	memset(revocable, 0, sizeof(JaRevocable));
	revocable->issuer.data = "";
	(void) ja_json_string(claims, "jti", &revocable->jti);
	if (!is_local_issuer)
		return JA_OK;
	revocable->has_user = read_uuid(claims, "sub", &revocable->user);
	if (!ja_json_member(claims, "sid", &value))
		return JA_OK;
	revocable->has_session = true;
	return read_uuid(claims, "sid", &revocable->session) ? JA_OK : JA_TOKEN_SESSION_UNKNOWN;
}

static JaStatus
check_session(const JaRevocable *revocable, TimestampTz now, JaRevocationAnswer *answer)
{
	JaScan		scan;
	bool		is_live;

	if (!ja_scan_find(&scan, JA_SESSIONS, JA_SESSIONS_PKEY,
					  JA_WHERE(ja_equal(Anum_sessions_id, ja_uuid(&revocable->session)))))
		return JA_TOKEN_SESSION_UNKNOWN;
	answer->session_end = ja_scan_time(&scan, Anum_sessions_expires_at);
	is_live = ja_scan_is_null(&scan, Anum_sessions_revoked_at) && now < answer->session_end;
	if (ja_scan_row_is_uncommitted(&scan))
		answer->is_final = false;
	ja_scan_end(&scan);
	return is_live ? JA_OK : JA_TOKEN_SESSION_ENDED;
}

/* Whether the user's row says that the user is disabled. */
static bool
user_is_disabled(const pg_uuid_t *user, bool *is_final)
{
	JaScan		scan;
	bool		is_disabled;

	if (!ja_scan_find(&scan, JA_USERS, JA_USERS_PKEY,
					  JA_WHERE(ja_equal(Anum_users_id, ja_uuid(user)))))
		return false;
	is_disabled = !ja_scan_is_null(&scan, Anum_users_disabled_at);
	if (ja_scan_row_is_uncommitted(&scan))
		*is_final = false;
	ja_scan_end(&scan);
	return is_disabled;
}

/* A token without session may be for a user, who must not be disabled. */
static JaStatus
check_user(const JaRevocable *revocable, bool *is_final)
{
	if (ja_table_memo_has_rows(&disabled_users) && user_is_disabled(&revocable->user, is_final))
		return JA_TOKEN_USER_DISABLED;
	return ja_denial_exists_for_user(&revocable->user, is_final) ?
		JA_TOKEN_USER_DISABLED : JA_OK;
}

/*
 * Looks the token up with fresh snapshots.  The answer may not be kept if the
 * running transaction wrote a row that it rests on.  Fails with
 * JA_TOKEN_SESSION_UNKNOWN, JA_TOKEN_SESSION_ENDED, JA_TOKEN_DENIED or
 * JA_TOKEN_USER_DISABLED.
 */
JaStatus
ja_revocation_check(const JaRevocable *revocable, TimestampTz now, JaRevocationAnswer *answer)
{
	JaStatus	status = JA_OK;

	answer->is_final = true;
	answer->session_end = DT_NOEND;
	if (revocable->has_session)
		status = check_session(revocable, now, answer);
	else if (revocable->has_user)
		status = check_user(revocable, &answer->is_final);
	if (status == JA_OK && revocable->jti.data != NULL &&
		ja_denial_exists(revocable->issuer, revocable->jti, &answer->is_final))
		status = JA_TOKEN_DENIED;
	return status;
}
