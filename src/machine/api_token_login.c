/*-------------------------------------------------------------------------
 *
 * api_token_login.c
 *	  Access tokens for API tokens.
 *
 * An attacker controls the text.  Its MAC is checked before any table is read, so
 * that guessing costs one hash, and tells nothing: whatever is refused is refused
 * with one text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/uuid.h"
#include "machine/api_token.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "token/scope.h"

static const char denied[] = "the API token is invalid, expired or revoked";

static Jsonb *
deny_api_token(const JaApiToken *token, const pg_uuid_t *user, const char *reason)
{
	ja_count(JA_COUNT_REFRESHES_DENIED);
	ja_audit_write_denied_refresh(&(JaAuditEvent)
								  {
									  .event = JA_AUDIT_REFRESH_DENIED, .reason = reason,
									  .user = user, .session = &token->session
								  });
	return ja_answer_error(JA_ERROR_INVALID_GRANT, denied);
}

/* Why an authentic token is not accepted; NULL: it is. */
static const char *
reason_to_deny(const JaApiToken *row, const JaApiToken *shown, const JaSession *session,
			   JaUser *user)
{
	if (!ja_uuid_equals(&row->nonce, &shown->nonce))
		return "unknown API token";
	if (session->is_revoked)
		return "session revoked";
	/* An access token that ends with the session needs a second to live. */
	if (GetCurrentTimestamp() + USECS_PER_SEC > session->expires_at)
		return "session expired";
	return !ja_user_find_by_id(&session->user, user) || user->is_disabled ?
		ja_user_why_disabled(user) : NULL;
}

/* The claims of the user's access tokens, but of the scopes those that the token has, too. */
static Jsonb *
narrow_claims(const Jsonb *claims, const JaApiToken *token, JaString scope)
{
	JsonbIterator *iterator = JsonbIteratorInit((JsonbContainer *) &claims->root);
	JsonbIteratorToken next;
	JsonbValue	value;
	JaJsonState state = {0};
	bool		is_kept = true;

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	while ((next = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (next == WJB_KEY)
			is_kept = !ja_string_is(ja_json_text(&value), "scope") &&
				!ja_string_is(ja_json_text(&value), "scp");
		if (is_kept && (next == WJB_KEY || next == WJB_VALUE))
			ja_json_push(&state, next, &value);
	}
	ja_json_add_string(&state, "scope", scope.data, scope.length);
	ja_json_add_string(&state, "api_token", token->name.data, token->name.length);
	return ja_json_end_object(&state);
}

static Jsonb *
answer_access_token(const JaApiToken *token, const JaSession *session, const JaUser *user)
{
	TimestampTz now = GetCurrentTimestamp();
	Jsonb	   *claims = ja_session_claims(user, session, now);
	JaTokens	tokens = {.expires_in_seconds = ja_session_token_ttl(session, now)};

	tokens.scope = ja_scope_common(&claims->root, token->scope);
	tokens.access_token = ja_session_sign(narrow_claims(claims, token, tokens.scope),
										  tokens.expires_in_seconds, now);
	return ja_answer_tokens(&tokens);
}

/*
 * Exchanges an API token for an access token, without a refresh token.  Returns a
 * token response or an error object; raises without a signing key, or if a hook fails.
 */
Jsonb *
ja_api_token_login(JaString text)
{
	JaApiToken	shown;
	JaApiToken	token;
	JaSession	session;
	JaUser		user;
	const char *reason;

	if (text.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "token must not be empty");
	if (!ja_api_token_read(text, &shown))
	{
		ja_count(JA_COUNT_REFRESHES_DENIED);
		return ja_answer_error(JA_ERROR_INVALID_GRANT, denied);
	}
	if (!ja_session_find(&shown.session, &session) || !ja_api_token_find(&shown.session, &token))
		return deny_api_token(&shown, NULL, "unknown API token");
	reason = reason_to_deny(&token, &shown, &session, &user);
	if (reason != NULL)
		return deny_api_token(&shown, &session.user, reason);
	ja_api_token_note_use(&token);
	ja_count(JA_COUNT_REFRESHES);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "api_token_login", .level = JA_AUDIT_ALL, .method = JA_METHOD_API_TOKEN,
					   .user = &session.user, .session = &session.id
				   });
	return answer_access_token(&token, &session, &user);
}
