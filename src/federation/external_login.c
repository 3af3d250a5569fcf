/*-------------------------------------------------------------------------
 *
 * external_login.c
 *	  Login with an identity provider.
 *
 * Who logs in is whom the identity belongs to.  An identity that nobody has becomes
 * one of a new user, where sign-up is open; an address tells only whom to ask.  That
 * the address is somebody's here is told only to those whose address it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "account/identifier.h"
#include "account/login.h"
#include "account/mfa.h"
#include "account/session_limit.h"
#include "account/sign_up_rule.h"
#include "account/user_change.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "factor/challenge.h"
#include "factor/factor_row.h"
#include "factor/ticket.h"
#include "federation/external_identity.h"
#include "federation/external_link.h"
#include "federation/external_login.h"
#include "federation/external_redeem.h"
#include "store/audit.h"
#include "store/plan.h"

StaticAssertDecl(JA_PROVIDER_MAX_NAME <= JA_TICKET_MAX_PROVIDER, "room for a provider's name");

/*
 * Makes a nonce for an ID token, of a session if that links what the token tells.
 * Writes nothing, so that anybody may ask for any number of them.
 */
Jsonb *
ja_external_nonce(const pg_uuid_t *session)
{
	JaString	nonce = ja_challenge_make(JA_CHALLENGE_EXTERNAL, session, NULL);
	JaJsonState state = {0};
	char		digits[JA_NONCE_DIGITS];

	ja_id_token_hash_nonce(nonce, digits);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&state, "nonce", nonce.data, nonce.length);
	ja_json_add_string(&state, "nonce_sha256", digits, sizeof(digits));
	ja_json_add_integer(&state, "expires_in", JA_NONCE_SECONDS);
	return ja_answer_object(&state);
}

/* What was proven: whatever the provider asked for, and when. */
static JaProof
proof_of_token(const JaIdToken *token)
{
	Datum		names[2];
	int			count = 0;

	names[count++] = CStringGetTextDatum("fed");
	if (token->level == JA_AAL2)
		names[count++] = CStringGetTextDatum("mfa");
	return (JaProof) {
		.level = token->level,
		.amr = construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT),
		.proved_at = token->proved_at,
		.method = psprintf(JA_METHOD_EXTERNAL "%s", token->provider.data)
	};
}

static const char *
way_in(const JaIdToken *token)
{
	return psprintf("provider %s", token->provider.data);
}

/*
 * Begins a session of a user whose row is locked, or asks for the second factor,
 * whatever the provider says of its own.  What was proposed, unless that is NULL, is
 * linked with the session.
 */
Jsonb *
ja_external_begin(const JaIdToken *token, const JaUser *user, const pg_uuid_t *proposal)
{
	int64		ttl_seconds = ja_settings.session_ttl_seconds;
	JaProof		proof = proof_of_token(token);
	Jsonb	   *refusal;

	proof.has_link = proposal != NULL;
	if (proof.has_link)
		proof.link = *proposal;
	if (!ja_factor_is_enrolled(&user->id))
		return ja_login_begin(user, proof, way_in(token), ttl_seconds);
	refusal = ja_session_limit_check(user);
	if (refusal != NULL)
		return refusal;
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "identity_proven", .user = &user->id,
					   .reason = way_in(token), .issuer = token->issuer
				   });
	return ja_mfa_challenge(user, proof, ttl_seconds);
}

/* Logs in the user whose identity it is. */
static Jsonb *
login_known(const JaIdToken *token, const pg_uuid_t *id)
{
	JaUser		user;
	pg_uuid_t	owner;
	Jsonb	   *answer;

	if (!ja_user_wait_turn(id))
		return ja_answer_busy(JA_BUSY_NAME);
	answer = ja_external_spend(token);
	if (answer != NULL)
		return answer;
	if (!ja_user_lock_by_id(id, &user) || !ja_external_identity_find(token, &owner) ||
		!ja_uuid_equals(&owner, id))
		return ja_external_deny(token, NULL, "the identity is nobody's any more");
	if (user.is_disabled)
		return ja_external_deny(token, id, ja_user_why_disabled(&user));
	return ja_external_begin(token, &user, NULL);
}

/* What the operator's function is told of an identity. */
static Jsonb *
describe_identity(const JaIdToken *token)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&state, "provider", token->provider.data, token->provider.length);
	ja_json_add_string(&state, "issuer", token->issuer.data, token->issuer.length);
	ja_json_add_string(&state, "subject", token->subject.data, token->subject.length);
	ja_json_add_container(&state, "claims", &token->claims->root);
	return ja_json_end_object(&state);
}

static bool
may_sign_up(const JaIdToken *token)
{
	if (token->sign_up == JA_PROVIDER_SIGN_UP_BY_SETTING)
		return ja_settings.sign_up;
	return token->sign_up == JA_PROVIDER_SIGN_UP_ON;
}

/*
 * Makes a user of an identity, with an address that nobody has; somebody who gets it
 * meanwhile keeps it.
 */
static Jsonb *
sign_up_external(const JaIdToken *token, bool with_email)
{
	JaPendingUser pending = {.role = NULL};
	JaUserChange change = {.role = NULL};
	JaString	address = {"", 0};
	JaUser		user;
	pg_uuid_t	id;
	Jsonb	   *answer;

	if (!may_sign_up(token))
		return ja_answer_error(JA_ERROR_ACCOUNT_UNKNOWN,
							   "this identity is no user's, and sign-up is turned off");
	if (with_email)
		address = ja_identifier_recipient(token->email, JA_IDENTIFIER_EMAIL,
										  ja_canonical_string(&token->canonical));
	answer = ja_sign_up_rule_apply("external", address, describe_identity(token), &pending);
	if (answer != NULL)
		return answer;
	change.role = pending.role;
	change.claims = pending.claims;
	ja_user_create_nameless(&change, &id);
	ja_external_identity_insert(token, &id);
	if (with_email)
		(void) ja_identifier_attach(&id, token->email, &token->canonical);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "signed_up", .reason = way_in(token), .user = &id,
					   .issuer = token->issuer
				   });
	if (!ja_user_lock_by_id(&id, &user))
		elog(ERROR, "a user who was created does not exist");
	return ja_external_begin(token, &user, NULL);
}

/*
 * What becomes of an identity whose address is a user's here.  One that was never
 * verified says nothing of its user, who is only asked.
 */
static Jsonb *
login_by_email(const JaIdToken *token, const pg_uuid_t *owner, const JaIdentifier *identifier)
{
	switch (token->linking)
	{
		case JA_LINKING_ASK:
			return ja_external_ask(token, owner);
		case JA_LINKING_VERIFIED:
			if (identifier->is_verified)
				return ja_external_link_verified(token, owner);
			break;
		case JA_LINKING_NEVER:
			break;
	}
	return sign_up_external(token, false);
}

/* What becomes of an identity that nobody has. */
static Jsonb *
login_unknown(const JaIdToken *token)
{
	JaIdentifier identifier;
	pg_uuid_t	owner;
	Jsonb	   *answer = ja_external_spend(token);

	if (answer != NULL)
		return answer;
	if (token->email.data == NULL)
		return sign_up_external(token, false);
	if (ja_identifier_find((JaString) {token->canonical.bytes, token->canonical.length},
						   &owner, &identifier))
		return login_by_email(token, &owner, &identifier);
	return sign_up_external(token, true);
}

/*
 * Logs in whoever shows an ID token.  Returns a token response or an error object;
 * raises as ja_login() does.
 */
Jsonb *
ja_external_login(const JaIdTokenRequest *request)
{
	JaIdToken	token;
	JaPlanScope scope;
	pg_uuid_t	user;
	Jsonb	   *answer;

	ja_login_require_keys();
	answer = ja_external_read(request, &token);
	if (answer != NULL)
		return answer;
	ja_plan_begin_in_caller_context(&scope);
	if (!ja_external_identity_wait_turn(&token))
		answer = ja_answer_busy(JA_BUSY_NAME);
	else if (ja_external_identity_find(&token, &user))
		answer = login_known(&token, &user);
	else
		answer = login_unknown(&token);
	ja_plan_end(&scope);
	return answer;
}
