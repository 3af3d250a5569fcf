/*-------------------------------------------------------------------------
 *
 * passkey_register.c
 *	  Registration of a passkey by its user.
 *
 * An attacker controls the credential.  Its challenge says for which session or ticket
 * it was made, and is spent by the first answer to it, whatever is wrong with that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/outbox.h"
#include "account/passkeys.h"
#include "base/error.h"
#include "base/uuid.h"
#include "factor/challenge.h"
#include "factor/passkey_row.h"
#include "factor/relying_party.h"
#include "keyring/used_handle.h"
#include "store/audit.h"
#include "store/plan.h"

/* Passkeys that a user may have. */
#define MAX_PASSKEYS 32

typedef struct NewPasskey
{
	const JsonbContainer *json;
	const JaActor *actor;
	JaUser		user;			/* whose row is locked */
	JaString	name;
	JaString	challenge_text;
	JaChallenge challenge;
	JaPasskey	passkey;
} NewPasskey;

/* Whether the credential answers a challenge that was made for the actor. */
static bool
read_registration_challenge(NewPasskey *new)
{
	JaCredential credential;

	if (ja_credential_read_registration(new->json, &credential) != JA_OK)
		return false;
	new->challenge_text = credential.client.challenge;
	return ja_challenge_read(new->challenge_text, JA_CHALLENGE_REGISTRATION, &new->challenge) &&
		ja_uuid_equals(&new->challenge.owner, ja_actor_owner(new->actor));
}

static Jsonb *
refuse_challenge(void)
{
	return ja_answer_error(JA_ERROR_INVALID_GRANT,
						   "the passkey does not answer a challenge of this session or ticket, or no longer");
}

static void
audit_passkey(const NewPasskey *new, const char *event, const char *reason)
{
	const JaActor *actor = new->actor;

	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = event, .reason = reason, .user = &actor->user,
					   .session = actor->has_session ? &actor->session : NULL
				   });
}

/* The answer to what is wrong with the passkey itself. */
static Jsonb *
refuse_passkey(const NewPasskey *new, const char *reason)
{
	audit_passkey(new, "passkey_denied", reason);
	return ja_answer_error(JA_ERROR_INVALID_REQUEST, reason);
}

static Jsonb *
answer_passkey(const NewPasskey *new, const JaRegistration *registration)
{
	uint8		flags = registration->attestation.data.flags;
	JaString	id = registration->credential.id;
	JaJsonState answer = {0};

	ja_json_push(&answer, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_uuid(&answer, "id", &new->passkey.id);
	ja_json_add_string(&answer, "credential_id", id.data, id.length);
	if (new->name.data != NULL)
		ja_json_add_string(&answer, "name", new->name.data, new->name.length);
	ja_json_add_bool(&answer, "user_verified", (flags & JA_FLAG_USER_VERIFIED) != 0);
	ja_json_add_bool(&answer, "backup_eligible", (flags & JA_FLAG_BACKUP_ELIGIBLE) != 0);
	ja_json_add_bool(&answer, "backed_up", (flags & JA_FLAG_BACKED_UP) != 0);
	return ja_answer_object(&answer);
}

/* Tells the user, and others who may have the account by now. */
static void
notify_of_passkey(const pg_uuid_t *user)
{
	JaJsonState data = {0};

	ja_json_push(&data, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&data, "type", "passkey", strlen("passkey"));
	ja_outbox_notify_user(user, JA_MESSAGE_FACTOR_ADDED, ja_json_end_object(&data));
}

/* Stores a passkey that was verified. */
static Jsonb *
store_passkey(NewPasskey *new, const JaRegistration *registration)
{
	const pg_uuid_t *user = &new->passkey.user;
	JaPasskey  *others;

	if (ja_passkey_list(user, &others) >= MAX_PASSKEYS)
		return refuse_passkey(new, "the user has too many passkeys");
	if (!ja_passkey_insert(&new->passkey, registration, new->name))
		return refuse_passkey(new, "the passkey is registered already");
	ja_user_raise_version(user);
	notify_of_passkey(user);
	audit_passkey(new, "passkey_added", NULL);
	if (!ja_actor_has_ticket(new->actor))
		return answer_passkey(new, registration);
	return ja_actor_begin_session(new->actor, &new->user,
								  ja_passkey_proof(&new->passkey.id, registration->attestation.data.flags));
}

/*
 * Spends the challenge, then verifies and stores; within a scope of ja_plan_begin().
 * The actor is checked again, since this may have waited for whoever changed the user.
 */
static Jsonb *
redeem_registration(NewPasskey *new)
{
	JaCeremony	ceremony = ja_relying_party_ceremony(JA_REGISTRATION, new->challenge_text);
	JaRegistration registration;
	JaStatus	status;
	Jsonb	   *refusal;

	if (ja_actor_has_ticket(new->actor) && !ja_user_wait_turn(&new->actor->user))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_used_handle_add(new->challenge_text, new->challenge.expires_at))
		return refuse_challenge();
	refusal = ja_actor_lock(new->actor, &new->user, JA_RECENT);
	if (refusal == NULL)
		refusal = ja_actor_check_session(new->actor, &new->user);
	if (refusal != NULL)
		return refusal;
	status = ja_registration_verify(new->json, &ceremony, &registration);
	if (ja_passkey_is_refused(status))
		return refuse_passkey(new, ja_status_row(status)->message);
	ja_check(status);
	new->passkey.user_handle = new->challenge.user_handle;
	return store_passkey(new, &registration);
}

/*
 * Registers a passkey of an actor who was authenticated not long ago.  Returns what was
 * registered, for a ticket a token response, or an error object; raises 28J03 or 28J04
 * for a session.
 */
Jsonb *
ja_passkey_register(const JaActor *actor, const JsonbContainer *json, JaString name)
{
	NewPasskey	new = {.json = json,.actor = actor,.name = name};
	JaPlanScope scope;
	Jsonb	   *answer = ja_actor_check_now(actor, JA_RECENT);

	if (answer != NULL)
		return answer;
	(void) ja_relying_party_id();
	new.passkey.user = actor->user;
	if (!read_registration_challenge(&new))
		return refuse_challenge();
	ja_plan_begin_in_caller_context(&scope);
	answer = redeem_registration(&new);
	ja_plan_end(&scope);
	return answer;
}
