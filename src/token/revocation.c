/*-------------------------------------------------------------------------
 *
 * revocation.c
 *	  Whether a token that is right was revoked: its session ended, its jti
 *	  was denied, its user was disabled, banned or deleted, or its client was
 *	  deleted.
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

static JaTableMemo banned_users = {
	.table = JA_USERS,.index = JA_USERS_BANNED,.column = Anum_users_banned_at
};

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

/* The client that is the subject, and what it showed: of clients' tokens only. */
static bool
read_client_subject(const JsonbContainer *claims, JaRevocable *revocable)
{
	static const char prefix[] = "client:";
	const size_t length = sizeof(prefix) - 1;
	JaString	subject;

	if (ja_json_string(claims, "sub", &subject) != JA_PRESENT || subject.length <= length ||
		memcmp(subject.data, prefix, length) != 0 ||
		!ja_uuid_parse(subject.data + length, subject.length - length, &revocable->client))
		return false;
	(void) read_uuid(claims, "credential_id", &revocable->credential);
	return true;
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
	revocable->issued_at = DT_NOBEGIN;
	(void) ja_json_string(claims, "jti", &revocable->jti);
	if (!is_local_issuer)
		return JA_OK;
	revocable->has_user = read_uuid(claims, "sub", &revocable->user);
	if (!revocable->has_user)
		revocable->has_client = read_client_subject(claims, revocable);
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
	answer->session_assurance = ja_assurance_read(&scan);
	is_live = ja_scan_is_null(&scan, Anum_sessions_revoked_at) && now < answer->session_end;
	if (ja_scan_row_is_uncommitted(&scan))
		answer->is_final = false;
	ja_scan_end(&scan);
	return is_live ? JA_OK : JA_TOKEN_SESSION_ENDED;
}

/*
 * Whether a ban denies the token: one that has not ended, or any that the token is
 * older than.  One that does not tell its age is as old as can be.
 */
static bool
is_banned(const JaScan *user, TimestampTz issued_at, TimestampTz now)
{
	if (ja_scan_is_null(user, Anum_users_banned_at))
		return false;
	if (!ja_scan_is_null(user, Anum_users_banned_until) &&
		now < ja_scan_time(user, Anum_users_banned_until))
		return true;
	return issued_at <= ja_scan_time(user, Anum_users_banned_at);
}

/* Whether the user's row denies the token. */
static bool
user_denies(const JaRevocable *revocable, TimestampTz now, bool *is_final)
{
	JaScan		scan;
	bool		denies;

	if (!ja_scan_find(&scan, JA_USERS, JA_USERS_PKEY,
					  JA_WHERE(ja_equal(Anum_users_id, ja_uuid(&revocable->user)))))
		return false;
	denies = !ja_scan_is_null(&scan, Anum_users_disabled_at) ||
		is_banned(&scan, revocable->issued_at, now);
	if (ja_scan_row_is_uncommitted(&scan))
		*is_final = false;
	ja_scan_end(&scan);
	return denies;
}

/* A token without session may be for a user, who must be neither disabled nor banned. */
static JaStatus
check_user(const JaRevocable *revocable, TimestampTz now, bool *is_final)
{
	if ((ja_table_memo_has_rows(&disabled_users) || ja_table_memo_has_rows(&banned_users)) &&
		user_denies(revocable, now, is_final))
		return JA_TOKEN_USER_DISABLED;
	return ja_denial_exists_for_user(&revocable->user, is_final) ?
		JA_TOKEN_USER_DISABLED : JA_OK;
}

static bool
is_credential(const JaScan *scan, AttrNumber column, const pg_uuid_t *credential)
{
	pg_uuid_t	stored;

	if (ja_scan_is_null(scan, column))
		return false;
	stored = ja_scan_uuid(scan, column);
	return ja_uuid_equals(&stored, credential);
}

/* A client's token is valid while the client has what it showed for it. */
static JaStatus
check_client(const JaRevocable *revocable, bool *is_final)
{
	JaScan		scan;
	bool		is_valid;

	if (!ja_scan_find(&scan, JA_CLIENTS, JA_CLIENTS_PKEY,
					  JA_WHERE(ja_equal(Anum_clients_id, ja_uuid(&revocable->client)))))
		return JA_TOKEN_CLIENT;
	is_valid = is_credential(&scan, Anum_clients_credential_id, &revocable->credential) ||
		is_credential(&scan, Anum_clients_former_credential_id, &revocable->credential);
	if (ja_scan_row_is_uncommitted(&scan))
		*is_final = false;
	ja_scan_end(&scan);
	return is_valid ? JA_OK : JA_TOKEN_CLIENT;
}

/*
 * Looks the token up with fresh snapshots.  The answer may not be kept if the
 * running transaction wrote a row that it rests on.  Fails with
 * JA_TOKEN_SESSION_UNKNOWN, JA_TOKEN_SESSION_ENDED, JA_TOKEN_DENIED,
 * JA_TOKEN_USER_DISABLED or JA_TOKEN_CLIENT.
 */
JaStatus
ja_revocation_check(const JaRevocable *revocable, TimestampTz now, JaRevocationAnswer *answer)
{
	JaStatus	status = JA_OK;

	answer->is_final = true;
	answer->session_end = DT_NOEND;
	answer->session_assurance = (JaAssurance) {0};
	if (revocable->has_session)
		status = check_session(revocable, now, answer);
	else if (revocable->has_user)
		status = check_user(revocable, now, &answer->is_final);
	else if (revocable->has_client)
		status = check_client(revocable, &answer->is_final);
	if (status != JA_OK)
		return status;
	if (revocable->jti.data != NULL &&
		ja_denial_exists(revocable->issuer, revocable->jti, &answer->is_final))
		return JA_TOKEN_DENIED;
	return JA_OK;
}
