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

#include "utils/datum.h"
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
	" user_agent, client_address, claimed_address, amr, aal, factor_id, auth_time, method)"
	" VALUES ($1, $2, $3, $4, $5, pg_catalog.inet_client_addr(), $6, $7, $8, $9, $10, $11)"
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

/* A proof of a level by what RFC 8176 names amr, which begins a session by a method. */
JaProof
ja_session_proof(int level, const char *amr, const char *method)
{
	Datum		name = CStringGetTextDatum(amr);

	return (JaProof) {
		.level = level,
		.method = method,
		.amr = construct_array(&name, 1, TEXTOID, -1, false, TYPALIGN_INT)
	};
}

/* Adds the names of an array to others, unless they are among them. */
static int
add_methods(ArrayType *array, Datum *names, int count)
{
	Datum	   *items;
	bool	   *nulls;
	int			item_count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &item_count);
	for (int i = 0; i < item_count; i++)
	{
		bool		is_new = !nulls[i];

		for (int k = 0; k < count && is_new; k++)
			is_new = !datum_image_eq(items[i], names[k], false, -1);
		if (is_new)
			names[count++] = items[i];
	}
	return count;
}

/* The methods of two proofs, each once; those of the first may be NULL. */
ArrayType *
ja_session_join_methods(ArrayType *first, ArrayType *second)
{
	int			room = first == NULL ? 0 : ArrayGetNItems(ARR_NDIM(first), ARR_DIMS(first));
	Datum	   *names;
	int			count = 0;

	if (first == NULL)
		return second;
	room += ArrayGetNItems(ARR_NDIM(second), ARR_DIMS(second));
	names = palloc(Max(room, 1) * sizeof(Datum));
	count = add_methods(first, names, count);
	count = add_methods(second, names, count);
	return construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT);
}

/*
 * Begins a session; within a scope of ja_plan_begin().  Raises 27000 if a
 * trigger keeps it from being written.
 */
void
ja_session_begin(const JaUser *user, JaProof proof, int64 ttl_seconds,
				 JaSession *session, JaRefreshToken *token)
{
	TimestampTz now = GetCurrentTimestamp();
	JaClient	client;

	generate_session(now, session, token);
	session->user = user->id;
	session->expires_at = ja_seconds_from(now, ttl_seconds);
	session->is_revoked = false;
	session->actor = (JaString) {NULL, 0};
	session->amr = proof.amr;
	session->assurance = (JaAssurance) {
		.level = proof.level,.proved_at = proof.proved_at != 0 ? proof.proved_at : now
	};
	ja_client_read(&client);
	ja_plan_write_one(&insert_session,
					  JA_VALUES(ja_uuid(&session->id), ja_uuid(&user->id), ja_time(now),
								ja_time(session->expires_at), ja_text(client.user_agent),
								ja_text(client.claimed_address),
								ja_array(TEXTARRAYOID, proof.amr), ja_integer(proof.level),
								ja_uuid(proof.has_factor ? &proof.factor : NULL),
								ja_time(proof.proved_at), ja_text(proof.method)));
	ja_plan_write_one(&insert_token, JA_VALUES(ja_uuid(&session->id), ja_bigint(token->generation),
											   ja_uuid(&token->nonce), ja_integer(token->key_number),
											   ja_time(now)));
	ja_surplus_end(user, session, now);
}

static void
read_session_row(const JaScan *scan, void *row)
{
	JaSession  *session = row;

	session->id = ja_scan_uuid(scan, Anum_sessions_id);
	session->user = ja_scan_uuid(scan, Anum_sessions_user_id);
	session->expires_at = ja_scan_time(scan, Anum_sessions_expires_at);
	session->is_revoked = !ja_scan_is_null(scan, Anum_sessions_revoked_at);
	session->assurance = ja_assurance_read(scan);
	session->amr = ja_scan_array(scan, Anum_sessions_amr);
	session->actor = ja_scan_string(scan, Anum_sessions_actor);
}

static const JaRowType session_rows = {JA_SESSIONS, sizeof(JaSession), read_session_row};

/* Finds a session, as of now. */
bool
ja_session_find(const pg_uuid_t *id, JaSession *session)
{
	return ja_scan_read(&session_rows, JA_SESSIONS_PKEY,
						JA_WHERE(ja_equal(Anum_sessions_id, ja_uuid(id))), session);
}

/* Signs an access token; a hook's claims that can't be signed are its fault. */
JaString
ja_session_sign(const Jsonb *claims, int64 ttl_seconds, TimestampTz now)
{
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

/* The claims of an access token of the session, as of a time. */
Jsonb *
ja_session_claims(const JaUser *user, const JaSession *session, TimestampTz now)
{
	const JaAssurance assurance = {
		.level = ja_assurance_level(&session->assurance, now),
		.proved_at = session->assurance.proved_at
	};

	return ja_access_claims_make(user, &session->id, &assurance, session->amr, session->actor);
}

/* How long an access token may live that is made now: it ends with its session at the latest. */
int64
ja_session_token_ttl(const JaSession *session, TimestampTz now)
{
	int64		left = (session->expires_at - now) / USECS_PER_SEC;

	return Min(Min(ja_settings.access_token_ttl_seconds, ja_settings.max_token_ttl_seconds), left);
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
	JaTokens	tokens = {.expires_in_seconds = ja_session_token_ttl(session, now)};

	tokens.refresh_expires_in_seconds = Min(ja_settings.session_idle_timeout_seconds, left);
	tokens.access_token = ja_session_sign(ja_session_claims(user, session, now),
										  tokens.expires_in_seconds, now);
	ja_refresh_token_write(token, refresh_token);
	tokens.refresh_token = (JaString) {refresh_token, sizeof(refresh_token)};
	return ja_answer_tokens(&tokens);
}
