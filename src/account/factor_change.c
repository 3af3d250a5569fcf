/*-------------------------------------------------------------------------
 *
 * factor_change.c
 *	  Enrolling and removing second factors.
 *
 * actor.c has who may do that.  A change raises the version of the user's
 * credentials, which voids one-time tokens of before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "account/factor_change.h"
#include "account/factor_uri.h"
#include "account/identifier.h"
#include "account/outbox.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "factor/factor_attempt.h"
#include "factor/factor_row.h"
#include "factor/passkey_row.h"
#include "factor/recovery_code.h"
#include "factor/totp.h"
#include "session/answer.h"
#include "session/session_level.h"
#include "store/audit.h"
#include "store/plan.h"

/* Factors of a user, those included that wait to be confirmed. */
#define MAX_FACTORS 20

static JaPlan reset_failures = {
	.sql = "UPDATE jwt_auth.users SET factor_failures = 0 WHERE id OPERATOR(pg_catalog.=) $1"
};

/* Those of providers that are gone let nobody in. */
static JaPlan find_identity = {
	.sql = "SELECT FROM jwt_auth.identities AS i WHERE i.user_id OPERATOR(pg_catalog.=) $1"
	" AND EXISTS (SELECT FROM jwt_auth.providers AS p"
	" WHERE p.name OPERATOR(pg_catalog.=) i.provider"
	" AND i.issuer OPERATOR(pg_catalog.=) ANY (p.issuers))"
};

/* Removes the factors that were never confirmed in time; raises if too many are left. */
static void
make_factor_room(const pg_uuid_t *user)
{
	JaFactor   *factors;
	int			count = ja_factor_list(user, &factors);
	int			left = 0;

	for (int i = 0; i < count; i++)
	{
		if (factors[i].confirmed_at != 0 || ja_factor_is_pending(&factors[i]))
			left++;
		else
			ja_factor_delete(&factors[i].id);
	}
	if (left >= MAX_FACTORS)
		ja_raise(JA_FACTOR_TOO_MANY);
}

/* Makes a secret and a factor that waits for its first code; the secret is shown now only. */
static Jsonb *
insert_totp(const JaActor *actor, JaString name)
{
	JaFactor	factor = {.user = actor->user,.name = name};
	uint8		secret[JA_TOTP_SECRET_SIZE];
	JaJsonState state = {0};
	JaString	text;
	JaString	uri;

	ja_check(ja_secret_random(secret, sizeof(secret)));
	ja_factor_insert(&factor, secret, sizeof(secret));
	text = ja_factor_uri_secret(secret);
	OPENSSL_cleanse(secret, sizeof(secret));
	uri = ja_factor_uri_make(&actor->user, text);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_uuid(&state, "factor_id", &factor.id);
	ja_json_add_string(&state, "secret", text.data, text.length);
	ja_json_add_string(&state, "uri", uri.data, uri.length);
	ja_json_add_integer(&state, "expires_in", JA_FACTOR_PENDING_SECONDS);
	return ja_answer_object(&state);
}

/* The same if there is room for one, and the user is known by something verified. */
static Jsonb *
begin_totp(const JaActor *actor, JaString name)
{
	make_factor_room(&actor->user);
	if (!ja_identifier_has_verified(&actor->user))
		return ja_actor_deny_nameless();
	return insert_totp(actor, name);
}

/*
 * Begins to enroll an authenticator.  Returns its secret, or an error object for a
 * user of whom nothing was verified; raises 28J03, 28J04 or JA_FACTOR_TOO_MANY.
 */
Jsonb *
ja_factor_change_enroll(const JaActor *actor, JaString name)
{
	JaPlanScope scope;
	JaUser		user;
	Jsonb	   *answer;

	ja_plan_begin_in_caller_context(&scope);
	answer = ja_actor_lock(actor, &user, JA_RECENT_IF_FIRST);
	if (answer == NULL)
		answer = begin_totp(actor, name);
	ja_plan_end(&scope);
	return answer;
}

/* Writes who is told of a change, and what is void with it. */
static void
note_change(const JaActor *actor, const char *event, JaMessage message)
{
	ja_user_raise_version(&actor->user);
	ja_outbox_notify_user(&actor->user, message, NULL);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = event, .user = &actor->user,
					   .session = actor->has_session ? &actor->session : NULL
				   });
}

/* What the code of an authenticator proves. */
static JaProof
proof_of_code(const pg_uuid_t *factor)
{
	JaProof		proof = ja_session_proof(JA_AAL1, "otp", NULL);

	proof.has_factor = true;
	proof.factor = *factor;
	return proof;
}

/* Confirms the factor, with the attempt begun. */
static Jsonb *
confirm_with(const JaActor *actor, const pg_uuid_t *id, JaString code, JaFactorAttempt *attempt)
{
	Jsonb	   *refusal = ja_actor_check(actor, &attempt->user, JA_AT_ANY_AGE);
	JaFactor	factor;
	int64		step;

	if (refusal == NULL)
		refusal = ja_actor_check_session(actor, &attempt->user);
	if (refusal != NULL)
		return refusal;
	if (!ja_factor_find(&actor->user, id, &factor) || !ja_factor_is_pending(&factor))
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "no such factor waits to be confirmed");
	if (!ja_factor_attempt_may_use_codes(attempt))
		return ja_factor_attempt_deny(attempt, "too many wrong codes in a row");
	if (!ja_totp_is_code(code) || !ja_factor_match(&factor, code, &step) ||
		!ja_factor_confirm(&factor, step))
		return ja_factor_attempt_deny(attempt, "wrong code to confirm a factor");
	ja_factor_attempt_succeed(attempt);
	note_change(actor, "factor_added", JA_MESSAGE_FACTOR_ADDED);
	if (ja_actor_has_ticket(actor))
		return ja_actor_begin_session(actor, &attempt->user, proof_of_code(id));
	return ja_answer_status("factor_added");
}

/*
 * Confirms a factor with its first code, which is used by that.  Returns a status, for
 * a ticket a token response, or an error object; raises 28J03 or 28J04.
 */
Jsonb *
ja_factor_change_confirm(const JaActor *actor, const pg_uuid_t *factor, JaString code)
{
	JaPlanScope scope;
	JaFactorAttempt attempt;
	Jsonb	   *answer;

	ja_plan_begin_in_caller_context(&scope);
	answer = ja_factor_attempt_begin(&actor->user, &attempt);
	if (answer == NULL)
		answer = confirm_with(actor, factor, code, &attempt);
	ja_plan_end(&scope);
	return answer;
}

/*
 * What follows from the removal of a factor: sessions fall, and the user is told.  Where
 * none is left, those by a recovery code fall, too, which stood in for one.
 */
static void
follow_removal(const JaActor *actor, const pg_uuid_t *id)
{
	bool		is_last = !ja_factor_is_enrolled(&actor->user);

	ja_session_level_lower(&actor->user, is_last ? NULL : id);
	if (is_last)
		ja_recovery_codes_delete(&actor->user);
	note_change(actor, "factor_removed", JA_MESSAGE_FACTOR_REMOVED);
}

/* Whether a passkey is all that a user, whose row is locked, has to log in with. */
static bool
is_last_way_in(const JaUser *user, const pg_uuid_t *id)
{
	JaPasskey  *passkeys;

	return ja_passkey_list(&user->id, &passkeys) == 1 && ja_uuid_equals(&passkeys[0].id, id) &&
		!ja_identifier_has_way_in(&user->id, user->hash.text.data != NULL) &&
		ja_plan_run_on_latest(&find_identity, JA_VALUES(ja_uuid(&user->id))) == 0;
}

/* Removes a passkey.  Returns NULL, or why it was not. */
static const char *
remove_passkey(const JaActor *actor, const JaUser *user, const pg_uuid_t *id)
{
	if (is_last_way_in(user, id))
		return "this is your last way to log in, add another one first";
	if (!ja_passkey_delete(&actor->user, id))
		return "there is no such factor";
	follow_removal(actor, id);
	return NULL;
}

/*
 * Removes an authenticator or a passkey; one that was never confirmed guarded nothing.
 * Returns NULL, or why nothing was removed.
 */
static const char *
remove_factor(const JaActor *actor, const JaUser *user, const pg_uuid_t *id)
{
	JaFactor	factor;

	if (!ja_factor_find(&actor->user, id, &factor))
		return remove_passkey(actor, user, id);
	ja_factor_delete(id);
	if (factor.confirmed_at != 0)
		follow_removal(actor, id);
	return NULL;
}

/*
 * Removes a factor, and lowers the sessions that rest on it.  Returns a status or
 * an error object; raises 28J03 or 28J04.
 */
Jsonb *
ja_factor_change_remove(const JaActor *actor, const pg_uuid_t *id)
{
	JaPlanScope scope;
	JaUser		user;
	const char *reason;

	ja_plan_begin_in_caller_context(&scope);
	ja_actor_lock(actor, &user, JA_RECENT_IF_FIRST);
	reason = remove_factor(actor, &user, id);
	ja_plan_end(&scope);
	return reason == NULL ? ja_answer_status("factor_removed") :
		ja_answer_error(JA_ERROR_INVALID_REQUEST, reason);
}

/*
 * Removes all factors of a user who lost them, and lowers the sessions, for an
 * admin; raises JA_ACCOUNT_UNKNOWN.
 */
void
ja_factor_change_reset(const pg_uuid_t *id)
{
	JaPlanScope scope;
	JaUser		user;

	ja_throttle_clear(JA_ATTEMPT_FACTOR, (JaString) {(const char *) id->data, UUID_LEN});
	ja_plan_begin(&scope);
	if (!ja_user_lock_by_id(id, &user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	ja_plan_write_one(&reset_failures, JA_VALUES(ja_uuid(id)));
	ja_user_raise_version(id);
	ja_recovery_codes_delete(id);
	if (ja_factor_delete_all(id) + ja_passkey_delete_all(id) > 0)
		ja_outbox_notify_user(id, JA_MESSAGE_FACTOR_REMOVED, NULL);
	ja_session_level_lower(id, NULL);
	ja_audit_write(&(JaAuditEvent) {.event = "factors_reset", .user = id});
	ja_plan_end(&scope);
}

/*
 * Makes recovery codes, which void former ones.  Returns them, or an error object
 * without a factor that they could stand in for; raises 28J03 or 28J04.
 */
Jsonb *
ja_factor_change_make_codes(const JaActor *actor)
{
	JaPlanScope scope;
	JaJsonState state = {0};
	JaUser		user;

	ja_plan_begin_in_caller_context(&scope);
	ja_actor_lock(actor, &user, JA_AT_ANY_AGE);
	if (actor->assurance.level < JA_AAL2)
		ja_raise_insufficient(JA_AAL2, -1);
	if (!ja_factor_is_enrolled(&actor->user))
	{
		ja_plan_end(&scope);
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "there is no second factor");
	}
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_key(&state, "codes");
	ja_json_push(&state, WJB_BEGIN_ARRAY, NULL);
	ja_recovery_codes_make(&actor->user, &state);
	ja_json_push(&state, WJB_END_ARRAY, NULL);
	ja_user_raise_version(&actor->user);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "recovery_codes_made", .user = &actor->user,
					   .session = actor->has_session ? &actor->session : NULL
				   });
	ja_plan_end(&scope);
	return ja_answer_object(&state);
}
