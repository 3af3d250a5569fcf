/*-------------------------------------------------------------------------
 *
 * session.c
 *	  Sessions: begun by a login, continued by refreshes.
 *
 * Ids and nonces are always generated, never taken from a client.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/settings.h"
#include "base/time.h"
#include "base/uuid.h"
#include "keyring/handle.h"
#include "session/access_claims.h"
#include "session/session.h"
#include "session/surplus.h"
#include "store/audit.h"
#include "store/client.h"
#include "store/plan.h"
#include "store/scan.h"
#include "token/issue.h"

static JaPlan insert_session = {
	.sql = "INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at,"
	" user_agent, client_address, claimed_address, amr)"
	" VALUES ($1, $2, $3, $4, $5, pg_catalog.inet_client_addr(), $6, $7)"
};

static JaPlan insert_token = {
	.sql = "INSERT INTO jwt_auth.refresh_tokens"
	" (session_id, generation, nonce, key_number, rotated_at) VALUES ($1, $2, $3, $4, $5)"
};

/* Generates what identifies a new session and its first refresh token. */
static void
generate_session(TimestampTz now, JaSession *session, JaRefreshToken *token)
{
	token->key_number = ja_handle_key_number(JA_HANDLE_REFRESH_TOKEN);
	token->generation = 1;
	ja_check(ja_secret_random(&token->nonce, sizeof(token->nonce)));
	ja_check(ja_uuid_make(now, &session->id));
	token->session = session->id;
}

/*
 * Begins a session; within a scope of ja_plan_begin().  Raises 27000 if a
 * trigger keeps it from being written.
 */
void
ja_session_begin(const JaUser *user, ArrayType *amr, int64 ttl_seconds,
				 JaSession *session, JaRefreshToken *token)
{
	TimestampTz now = GetCurrentTimestamp();
	JaClient	client;

	generate_session(now, session, token);
	session->user = user->id;
	session->expires_at = ja_seconds_from(now, ttl_seconds);
	session->is_revoked = false;
	session->amr = amr;
	ja_client_read(&client);
	ja_plan_write_one(&insert_session,
					  JA_VALUES(ja_uuid(&session->id), ja_uuid(&user->id), ja_time(now),
								ja_time(session->expires_at), ja_text(client.user_agent),
								ja_text(client.claimed_address),
								ja_array(TEXTARRAYOID, amr)));
	ja_plan_write_one(&insert_token, JA_VALUES(ja_uuid(&session->id), ja_bigint(token->generation),
											   ja_uuid(&token->nonce), ja_integer(token->key_number),
											   ja_time(now)));
	ja_surplus_end(session, now);
}

/* Finds a session, as of now. */
bool
ja_session_find(const pg_uuid_t *id, JaSession *session)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_SESSIONS, JA_SESSIONS_PKEY,
					  JA_WHERE(ja_equal(Anum_sessions_id, ja_uuid(id)))))
		return false;
	session->id = *id;
	session->user = ja_scan_uuid(&scan, Anum_sessions_user_id);
	session->expires_at = ja_scan_time(&scan, Anum_sessions_expires_at);
	session->is_revoked = !ja_scan_is_null(&scan, Anum_sessions_revoked_at);
	session->amr = ja_scan_array(&scan, Anum_sessions_amr);
	ja_scan_end(&scan);
	return true;
}

/* Signs the access token; a hook's claims that can't be signed are its fault. */
static JaString
sign_access_token(const JaUser *user, const JaSession *session, int64 ttl_seconds, TimestampTz now)
{
	Jsonb	   *claims = ja_access_claims_make(user, &session->id, session->amr);
	StringInfoData token;
	JaStatus	status;

	initStringInfo(&token);
	status = ja_issue_access_token(&claims->root, ttl_seconds, now, &token);
	if ((status == JA_SIZE || status == JA_JSON_DEPTH || status == JA_JSON_NUMBER) &&
		ja_settings_text(ja_settings.claims_function).data != NULL)
		status = JA_HOOK_CLAIMS;
	ja_check(status);
	return (JaString) {token.data, token.len};
}

/*
 * Makes the answer for a session: an access token that ends with the session
 * at the latest, and the refresh token.  The session must have a second left.
 */
Jsonb *
ja_session_answer(const JaUser *user, const JaSession *session, const JaRefreshToken *token)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		left = (session->expires_at - now) / USECS_PER_SEC;
	char		refresh_token[JA_REFRESH_TOKEN_LENGTH];
	JaTokens	tokens;

	tokens.expires_in_seconds = Min(ja_settings.access_token_ttl_seconds,
									ja_settings.max_token_ttl_seconds);
	tokens.expires_in_seconds = Min(tokens.expires_in_seconds, left);
	tokens.refresh_expires_in_seconds = Min(ja_settings.session_idle_timeout_seconds, left);
	tokens.access_token = sign_access_token(user, session, tokens.expires_in_seconds, now);
	ja_refresh_token_write(token, refresh_token);
	tokens.refresh_token = (JaString) {refresh_token, sizeof(refresh_token)};
	return ja_answer_tokens(&tokens);
}
