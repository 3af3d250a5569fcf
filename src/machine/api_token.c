/*-------------------------------------------------------------------------
 *
 * api_token.c
 *	  Creating and revoking API tokens.
 *
 * Nothing that the caller hands in names a user: a token is that of the current
 * identity, who may give it no scope that the identity lacks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/login.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/uuid.h"
#include "keyring/handle.h"
#include "machine/api_token.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "store/plan.h"

/* Live API tokens of a user. */
#define MAX_TOKENS 100

/* What the caller is shown, once. */
static Jsonb *
answer_created(const JaApiToken *token, const JaSession *session, JaString text)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_uuid(&state, "id", &token->session);
	ja_json_add_string(&state, "token", text.data, text.length);
	ja_json_add_string(&state, "name", token->name.data, token->name.length);
	ja_json_add_string(&state, "scope", token->scope.data, token->scope.length);
	ja_answer_add_time(&state, "expires_at", session->expires_at);
	return ja_answer_object(&state);
}

static Jsonb *
insert_new_token(const JaNewApiToken *new)
{
	TimestampTz now = GetCurrentTimestamp();
	JaSession	session = {.user = new->owner->user};
	JaApiToken	token = {.name = new->name,.scope = new->scope};
	int32		key_number = ja_handle_key_number(JA_HANDLE_API_TOKEN);

	session.expires_at = ja_seconds_from(now, new->ttl_seconds);
	ja_check(ja_uuid_make(now, &session.id));
	token.session = session.id;
	ja_check(ja_secret_random(&token.nonce, sizeof(token.nonce)));
	ja_api_token_insert(&token, &session, now);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "api_token_created", .method = JA_METHOD_API_TOKEN,
					   .user = &new->owner->user, .session = &session.id
				   });
	return answer_created(&token, &session, ja_api_token_write(&token, key_number));
}

/*
 * Creates an API token.  Returns it, or an error object where logins of the user do
 * not end; raises 28J03, 28J04, or JA_API_TOKEN_TOO_MANY.
 */
Jsonb *
ja_api_token_create(const JaNewApiToken *new)
{
	JaPlanScope scope;
	JaUser		user;
	Jsonb	   *answer;

	ja_login_require_keys();
	ja_plan_begin_in_caller_context(&scope);
	answer = ja_actor_lock_in_turn(new->owner, &user);
	if (answer == NULL && ja_api_token_count(&user.id) >= MAX_TOKENS)
		ja_raise(JA_API_TOKEN_TOO_MANY);
	if (answer == NULL)
		answer = insert_new_token(new);
	ja_plan_end(&scope);
	return answer;
}

/* Revokes a token of the user; what is none is ignored. */
void
ja_api_token_revoke(const pg_uuid_t *user, const pg_uuid_t *id)
{
	JaApiToken	token;
	JaSession	session;

	if (!ja_api_token_find(id, &token) || !ja_session_find(id, &session) ||
		!ja_uuid_equals(&session.user, user) ||
		!ja_session_end_one(id, "API token revoked"))
		return;
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "api_token_revoked", .user = user, .session = id
				   });
}
