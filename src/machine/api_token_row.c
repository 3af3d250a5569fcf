/*-------------------------------------------------------------------------
 *
 * api_token_row.c
 *	  API tokens as the table jwt_auth.api_tokens has them, and as text.
 *
 * A token has a session of the same id, which ends it: whatever ends the sessions
 * of a user ends the API tokens, and the access tokens that were made of them.  No
 * refresh token belongs to it.  The text is a handle, which names the session and
 * a nonce; its key verifies for as long as a session lasts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "keyring/handle.h"
#include "machine/api_token_row.h"
#include "store/client.h"
#include "store/plan.h"
#include "store/scan.h"

/* Session (16 bytes), nonce (16). */
#define BODY_SIZE 32

/* How old the note of the last use may be. */
#define USE_SECONDS (5 * SECS_PER_MINUTE)

/* It is never idle, since jwt_purge takes it for active until it expires. */
static JaPlan insert_session = {
	.sql = "INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at, active_at,"
	" user_agent, client_address, claimed_address, method)"
	" VALUES ($1, $2, $3, $4, $4, $5, pg_catalog.inet_client_addr(), $6, $7)"
};

static JaPlan insert_token = {
	.sql = "INSERT INTO jwt_auth.api_tokens (session_id, nonce, name, scope)"
	" VALUES ($1, $2, $3, $4)"
};

static JaPlan count_tokens = {
	.sql = "SELECT FROM jwt_auth.api_tokens AS a JOIN jwt_auth.sessions AS s"
	" ON s.id OPERATOR(pg_catalog.=) a.session_id"
	" WHERE s.user_id OPERATOR(pg_catalog.=) $1 AND s.revoked_at IS NULL"
	" AND s.expires_at OPERATOR(pg_catalog.>) $2"
};

static JaPlan note_use = {
	.sql = "UPDATE jwt_auth.api_tokens SET last_used_at = $2"
	" WHERE session_id OPERATOR(pg_catalog.=) ANY (ARRAY("
	"SELECT session_id FROM jwt_auth.api_tokens WHERE session_id OPERATOR(pg_catalog.=) $1"
	" FOR NO KEY UPDATE SKIP LOCKED))"
};

static JaPlan show_tokens = {
	.sql = "SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
	"'id', a.session_id, 'name', a.name, 'scope', a.scope, 'created_at', s.created_at,"
	" 'expires_at', s.expires_at, 'last_used_at', a.last_used_at) ORDER BY s.created_at, s.id),"
	" '[]'::pg_catalog.jsonb) FROM jwt_auth.api_tokens AS a JOIN jwt_auth.sessions AS s"
	" ON s.id OPERATOR(pg_catalog.=) a.session_id"
	" WHERE s.user_id OPERATOR(pg_catalog.=) $1 AND s.revoked_at IS NULL"
	" AND s.expires_at OPERATOR(pg_catalog.>) $2"
};

/* Writes the text of a token, which is shown once. */
JaString
ja_api_token_write(const JaApiToken *token, int32 key_number)
{
	const size_t length = JA_HANDLE_LENGTH(BODY_SIZE);
	char	   *text = palloc(length);
	uint8		body[BODY_SIZE];

	memcpy(body, &token->session, UUID_LEN);
	memcpy(body + UUID_LEN, &token->nonce, UUID_LEN);
	ja_handle_write(JA_HANDLE_API_TOKEN, key_number, body, text);
	return (JaString) {text, length};
}

/* Reads the text; false if form or MAC is wrong, or its key is none of ours any more. */
bool
ja_api_token_read(JaString text, JaApiToken *token)
{
	uint8		body[BODY_SIZE];
	int32		key_number;

	if (!ja_handle_read(JA_HANDLE_API_TOKEN, text, &key_number, body))
		return false;
	*token = (JaApiToken) {0};
	memcpy(&token->session, body, UUID_LEN);
	memcpy(&token->nonce, body + UUID_LEN, UUID_LEN);
	return true;
}

static void
read_api_token_row(const JaScan *scan, void *row)
{
	JaApiToken *token = row;

	token->session = ja_scan_uuid(scan, Anum_api_tokens_session_id);
	token->nonce = ja_scan_uuid(scan, Anum_api_tokens_nonce);
	token->name = ja_scan_string(scan, Anum_api_tokens_name);
	token->scope = ja_scan_string(scan, Anum_api_tokens_scope);
	token->last_used_at = ja_scan_is_null(scan, Anum_api_tokens_last_used_at) ? 0 :
		ja_scan_time(scan, Anum_api_tokens_last_used_at);
}

static const JaRowType api_token_rows = {JA_API_TOKENS, sizeof(JaApiToken), read_api_token_row};

/* Finds the token of a session, as of now. */
bool
ja_api_token_find(const pg_uuid_t *session, JaApiToken *token)
{
	return ja_scan_read(&api_token_rows, JA_API_TOKENS_PKEY,
						JA_WHERE(ja_equal(Anum_api_tokens_session_id, ja_uuid(session))), token);
}

/* Writes a token and its session; within a scope of ja_plan_begin(). */
void
ja_api_token_insert(const JaApiToken *token, const JaSession *session, TimestampTz now)
{
	JaClient	client;

	ja_client_read(&client);
	ja_plan_write_one(&insert_session,
					  JA_VALUES(ja_uuid(&session->id), ja_uuid(&session->user), ja_time(now),
								ja_time(session->expires_at), ja_text(client.user_agent),
								ja_text(client.claimed_address),
								ja_text(JA_METHOD_API_TOKEN)));
	ja_plan_write_one(&insert_token,
					  JA_VALUES(ja_uuid(&token->session), ja_uuid(&token->nonce),
								ja_string(token->name), ja_string(token->scope)));
}

/* How many live tokens a user has, whose row is locked; within a scope of ja_plan_begin(). */
uint64
ja_api_token_count(const pg_uuid_t *user)
{
	return ja_plan_run_as_of_now(&count_tokens,
								 JA_VALUES(ja_uuid(user), ja_time(GetCurrentTimestamp())));
}

/* Notes when a token was used, not more often than is worth a write. */
void
ja_api_token_note_use(const JaApiToken *token)
{
	TimestampTz now = GetCurrentTimestamp();
	JaPlanScope scope;

	if (token->last_used_at != 0 && token->last_used_at > now - USE_SECONDS * USECS_PER_SEC)
		return;
	ja_plan_begin(&scope);
	ja_plan_run_on_latest(&note_use, JA_VALUES(ja_uuid(&token->session), ja_time(now)));
	ja_plan_end(&scope);
}

/* The live tokens of a user, the oldest first: an array of objects without secrets. */
Jsonb *
ja_api_token_show(const pg_uuid_t *user)
{
	JaPlanScope scope;
	bool		is_null;
	Jsonb	   *shown;

	ja_plan_begin_in_caller_context(&scope);
	ja_plan_run(&show_tokens, JA_VALUES(ja_uuid(user), ja_time(GetCurrentTimestamp())));
	shown = DatumGetJsonbPCopy(ja_plan_result(0, 1, &is_null));
	ja_plan_end(&scope);
	return shown;
}
