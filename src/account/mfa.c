/*-------------------------------------------------------------------------
 *
 * mfa.c
 *	  The second proof: asked for after the first, and verified.
 *
 * Whoever has a factor gets no session before it, but a ticket, so that no policy
 * must guard against half a login.  A ticket is good for one sign-in, within five
 * minutes, and for the credentials of when it was made.  Wrong codes count for the
 * user, whatever ticket they came with.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/login.h"
#include "account/mfa.h"
#include "account/outbox.h"
#include "account/passkey_factor.h"
#include "account/recovery.h"
#include "account/session_limit.h"
#include "base/error.h"
#include "base/uuid.h"
#include "factor/factor_attempt.h"
#include "factor/factor_row.h"
#include "factor/passkey_row.h"
#include "factor/recovery_code.h"
#include "factor/ticket.h"
#include "factor/totp.h"
#include "keyring/used_handle.h"
#include "session/answer.h"
#include "session/step_up.h"
#include "store/audit.h"
#include "store/plan.h"

/* A proof that came with a ticket. */
typedef struct SecondProof
{
	JaTicket	ticket;
	JaString	ticket_text;
	const JsonbContainer *response;
	JaString	code;			/* of the response, unless a passkey is shown */
	JaProof		proof;			/* once it is right */
} SecondProof;

static void
add_authenticators(JaJsonState *state, const pg_uuid_t *user)
{
	JaFactor   *factors;
	int			count = ja_factor_list(user, &factors);

	for (int i = 0; i < count; i++)
	{
		if (factors[i].confirmed_at == 0)
			continue;
		ja_json_push(state, WJB_BEGIN_OBJECT, NULL);
		ja_factor_add_members(state, &factors[i].id, JA_FACTOR_TOTP, factors[i].name);
		ja_json_push(state, WJB_END_OBJECT, NULL);
	}
}

static void
add_passkeys(JaJsonState *state, const pg_uuid_t *user)
{
	JaPasskey  *passkeys;
	int			count = ja_passkey_list(user, &passkeys);

	for (int i = 0; i < count; i++)
	{
		ja_json_push(state, WJB_BEGIN_OBJECT, NULL);
		ja_factor_add_members(state, &passkeys[i].id, JA_FACTOR_WEBAUTHN, passkeys[i].name);
		ja_json_push(state, WJB_END_OBJECT, NULL);
	}
}

/* Adds a ticket, how long it is valid, and what may answer it. */
static void
add_ticket(JaJsonState *state, const JaTicket *ticket)
{
	JaString	text = ja_ticket_make(ticket);

	ja_json_add_string(state, "mfa_token", text.data, text.length);
	ja_json_add_integer(state, "expires_in", JA_TICKET_SECONDS);
	ja_json_add_key(state, "factors");
	ja_json_push(state, WJB_BEGIN_ARRAY, NULL);
	add_authenticators(state, &ticket->user);
	add_passkeys(state, &ticket->user);
	ja_json_push(state, WJB_END_ARRAY, NULL);
}

static Jsonb *
ask_for_factor(const JaTicket *ticket)
{
	JaJsonState state = {0};

	ja_audit_write(&(JaAuditEvent) {.event = "mfa_required", .user = &ticket->user});
	ja_answer_begin_error(&state, "mfa_required", "a second factor is required");
	add_ticket(&state, ticket);
	return ja_json_end_object(&state);
}

/*
 * Asks for the second proof of a user who has shown a first one, and has a factor; the
 * row is locked.  Returns an error object.
 */
Jsonb *
ja_mfa_challenge(const JaUser *user, JaProof proof, int64 ttl_seconds)
{
	JaTicket	ticket = {
		.user = user->id,
		.credentials_version = user->credentials_version,
		.ttl_seconds = (int32) ttl_seconds
	};

	ja_ticket_note_proof(&ticket, &proof);
	return ask_for_factor(&ticket);
}

/*
 * Asks the same of whoever recovers an account; the proposal is what will be done.
 * Returns an error object.
 */
Jsonb *
ja_mfa_challenge_recovery(const JaUser *user, const pg_uuid_t *proposal)
{
	JaTicket	ticket = {
		.user = user->id,
		.credentials_version = user->credentials_version,
		.is_recovery = true,
		.session = *proposal
	};

	return ask_for_factor(&ticket);
}

/*
 * Makes a ticket with which the current session reaches the second level.  Writes
 * nothing.  Returns an object, or an error object without a factor; raises 28J03 for
 * a token that belongs to no session.
 */
Jsonb *
ja_mfa_step_up(const JaActor *actor)
{
	JaTicket	ticket = {.user = actor->user,.has_session = true,.session = actor->session};
	JaJsonState state = {0};
	JaSession	session;
	JaUser		user;

	if (!actor->has_session || !ja_session_find(&actor->session, &session) ||
		!ja_user_find_by_id(&actor->user, &user))
		ja_raise(JA_NOT_AUTHENTICATED);
	if (!ja_factor_is_enrolled(&actor->user))
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "there is no second factor");
	ticket.credentials_version = user.credentials_version;
	ticket.methods = ja_ticket_methods(session.amr);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_ticket(&state, &ticket);
	return ja_answer_object(&state);
}

static const char wrong_code[] = "wrong code of a second factor";

/* Checks a code of the user's authenticators, which it proves; returns NULL or a reason. */
static const char *
check_totp(SecondProof *second)
{
	JaFactor   *factors;
	int			count = ja_factor_list(&second->ticket.user, &factors);

	if (!ja_totp_is_code(second->code))
		return wrong_code;
	for (int i = 0; i < count; i++)
	{
		int64		step;

		if (factors[i].confirmed_at == 0 ||
			!ja_factor_match(&factors[i], second->code, &step) ||
			!ja_factor_use(&factors[i], step))
			continue;
		second->proof.has_factor = true;
		second->proof.factor = factors[i].id;
		return NULL;
	}
	return wrong_code;
}

/* Checks a recovery code of the user, and tells of it; returns NULL or a reason. */
static const char *
check_recovery_code(SecondProof *second)
{
	const pg_uuid_t *user = &second->ticket.user;
	JaJsonState data = {0};

	if (!ja_recovery_code_use(user, second->code))
		return wrong_code;
	ja_json_push(&data, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_integer(&data, "left", ja_recovery_codes_left(user));
	ja_outbox_notify_user(user, JA_MESSAGE_RECOVERY_CODE_USED, ja_json_end_object(&data));
	ja_audit_write(&(JaAuditEvent) {.event = "recovery_code_used", .user = user});
	return NULL;
}

static const char *
check_passkey(SecondProof *second)
{
	return ja_passkey_factor_check(&second->ticket, second->response, &second->proof);
}

/* A method by which a second factor is proven. */
typedef struct Method
{
	const char *name;
	bool		takes_code;
	bool		outlasts_failures;	/* it counts after a hundred wrong ones */
	const char *(*check) (SecondProof *second);
} Method;

static const Method methods[] = {
	{"totp", true, false, check_totp},
	{"recovery_code", true, true, check_recovery_code},
	{JA_FACTOR_WEBAUTHN, false, false, check_passkey},
};

static const Method *
find_method(JaString name)
{
	for (size_t i = 0; i < lengthof(methods); i++)
	{
		if (ja_string_is(name, methods[i].name))
			return &methods[i];
	}
	return NULL;
}

/* Begins the session, lifts the one that the ticket is for, or recovers the account. */
static Jsonb *
finish(const SecondProof *second, const JaUser *user)
{
	if (second->ticket.is_recovery)
		return ja_recovery_finish(user, &second->ticket.session);
	if (second->ticket.has_session)
	{
		Jsonb	   *answer = ja_session_step_up(&second->ticket.session, user, second->proof);

		return answer != NULL ? answer : ja_ticket_deny();
	}
	return ja_login_begin_session(user, second->proof, "second factor", second->ticket.ttl_seconds);
}

/*
 * Finds out whether what the ticket is for may be done, for a user whose row is locked.
 * Returns NULL, or the answer.
 */
static Jsonb *
check_ticket(const SecondProof *second, const JaUser *user)
{
	const JaTicket *ticket = &second->ticket;

	if (!ja_ticket_is_open(ticket, second->ticket_text, user))
		return ja_ticket_deny();
	return ticket->is_recovery || ticket->has_session ? NULL : ja_session_limit_check(user);
}

/*
 * Verifies the proof, with the attempt begun and the user's row locked.  Where the
 * session would be one too many, ticket and code can be shown again.
 */
static Jsonb *
verify_second(SecondProof *second, const Method *method, JaFactorAttempt *attempt)
{
	Jsonb	   *refusal = check_ticket(second, &attempt->user);
	const char *reason;

	if (refusal != NULL)
		return refusal;
	if (!method->outlasts_failures && !ja_factor_attempt_may_use_codes(attempt))
		return ja_factor_attempt_deny(attempt, "too many wrong codes in a row");
	reason = method->check(second);
	if (reason != NULL)
		return ja_factor_attempt_deny(attempt, reason);
	ja_factor_attempt_succeed(attempt);
	if (!ja_used_handle_add(second->ticket_text, second->ticket.expires_at))
		return ja_ticket_deny();
	ja_ticket_join(&second->ticket, &second->proof);
	return finish(second, &attempt->user);
}

/* Reads the response to a method; returns NULL, or an error object. */
static Jsonb *
read_response(const Method *method, SecondProof *second)
{
	if (method == NULL)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST,
							   "method must be totp, recovery_code or webauthn");
	if (!ja_json_is_object(second->response))
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "response must be an object");
	if (method->takes_code &&
		ja_json_string(second->response, "code", &second->code) != JA_PRESENT)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "response must have a string \"code\"");
	return NULL;
}

/*
 * Verifies the second proof of whoever has a ticket.  Returns a token response or an
 * error object; raises without a signing key, without a relying party if a passkey is
 * shown, or if a secret can't be opened.
 */
Jsonb *
ja_mfa_verify(JaString token, JaString method_name, const JsonbContainer *response)
{
	const Method *method = find_method(method_name);
	SecondProof second = {
		.ticket_text = token,
		.response = response,
		.proof = ja_session_proof(JA_AAL1, "otp", NULL)
	};
	JaFactorAttempt attempt;
	JaPlanScope scope;
	Jsonb	   *answer = read_response(method, &second);

	if (answer != NULL)
		return answer;
	ja_login_require_keys();
	if (!ja_ticket_read(token, &second.ticket) || second.ticket.is_enrollment)
		return ja_ticket_deny();
	ja_plan_begin_in_caller_context(&scope);
	answer = ja_factor_attempt_begin(&second.ticket.user, &attempt);
	if (answer == NULL)
		answer = verify_second(&second, method, &attempt);
	ja_plan_end(&scope);
	return answer;
}
