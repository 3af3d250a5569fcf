/*-------------------------------------------------------------------------
 *
 * passkey_options.c
 *	  What browsers ask an authenticator for: the JSON forms that
 *	  parseCreationOptionsFromJSON() and parseRequestOptionsFromJSON() read
 *	  (WebAuthn Level 3 sections 5.1.9 and 5.1.10).
 *
 * Nothing is written, so that options are made on a standby as well, and nobody can
 * fill a table by asking for them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/identifier.h"
#include "account/passkeys.h"
#include "base/error.h"
#include "base/secret.h"
#include "factor/challenge.h"
#include "factor/passkey_row.h"
#include "factor/relying_party.h"
#include "jose/base64url.h"
#include "session/answer.h"

#define MILLISECONDS 1000

static void
add_option_text(JaJsonState *options, const char *name, const char *text)
{
	ja_json_add_string(options, name, text, strlen(text));
}

static void
add_base64url(JaJsonState *options, const char *name, const void *bytes, size_t length)
{
	char	   *text = palloc(JA_BASE64URL_ENCODED(length));

	ja_json_add_string(options, name, text, ja_base64url_encode(bytes, length, text));
}

static void
begin_member(JaJsonState *options, const char *name, JsonbIteratorToken token)
{
	ja_json_add_key(options, name);
	ja_json_push(options, token, NULL);
}

static void
add_relying_party(JaJsonState *options)
{
	JaString	id = ja_relying_party_id();
	JaString	name = ja_relying_party_name();

	begin_member(options, "rp", WJB_BEGIN_OBJECT);
	ja_json_add_string(options, "id", id.data, id.length);
	ja_json_add_string(options, "name", name.data, name.length);
	ja_json_push(options, WJB_END_OBJECT, NULL);
}

static void
add_user(JaJsonState *options, const JaIdentifier *name, const pg_uuid_t *handle)
{
	begin_member(options, "user", WJB_BEGIN_OBJECT);
	add_base64url(options, "id", handle, UUID_LEN);
	ja_json_add_string(options, "name", name->value.data, name->value.length);
	ja_json_add_string(options, "displayName", name->value.data, name->value.length);
	ja_json_push(options, WJB_END_OBJECT, NULL);
}

/* Adds passkeys: those to use, or to keep an authenticator from making a second one. */
static void
add_credentials(JaJsonState *options, const char *name, const JaPasskey *passkeys, int count)
{
	begin_member(options, name, WJB_BEGIN_ARRAY);
	for (int i = 0; i < count; i++)
	{
		ja_json_push(options, WJB_BEGIN_OBJECT, NULL);
		add_option_text(options, "type", "public-key");
		add_base64url(options, "id", passkeys[i].credential_id.data,
					  passkeys[i].credential_id.length);
		if (passkeys[i].transports != NULL)
			ja_json_add_container(options, "transports", &passkeys[i].transports->root);
		ja_json_push(options, WJB_END_OBJECT, NULL);
	}
	ja_json_push(options, WJB_END_ARRAY, NULL);
}

/* A passkey logs in without a name, so that the authenticator must keep it. */
static void
add_selection(JaJsonState *options)
{
	begin_member(options, "authenticatorSelection", WJB_BEGIN_OBJECT);
	add_option_text(options, "residentKey", "required");
	ja_json_add_bool(options, "requireResidentKey", true);
	add_option_text(options, "userVerification", ja_relying_party_user_verification());
	ja_json_push(options, WJB_END_OBJECT, NULL);
}

/* Adds what the options of both ceremonies have. */
static void
add_challenge(JaJsonState *options, JaString challenge)
{
	ja_json_add_string(options, "challenge", challenge.data, challenge.length);
	ja_json_add_integer(options, "timeout", (int64) JA_CHALLENGE_SECONDS * MILLISECONDS);
}

/* Makes them for an actor who may register a passkey, and is called by this name. */
static Jsonb *
make_register_options(const JaActor *actor, const JaIdentifier *name)
{
	JaJsonState options = {0};
	JaPasskey  *passkeys;
	int			count = ja_passkey_list(&actor->user, &passkeys);
	pg_uuid_t	handle;

	if (count > 0)
		handle = passkeys[0].user_handle;
	else
		ja_check(ja_secret_random(&handle, UUID_LEN));
	ja_json_push(&options, WJB_BEGIN_OBJECT, NULL);
	add_relying_party(&options);
	add_user(&options, name, &handle);
	add_challenge(&options, ja_challenge_make(JA_CHALLENGE_REGISTRATION, ja_actor_owner(actor),
											  &handle));
	ja_ceremony_add_algorithms(&options);
	add_credentials(&options, "excludeCredentials", passkeys, count);
	add_selection(&options);
	add_option_text(&options, "attestation", "none");
	return ja_answer_object(&options);
}

/*
 * Makes options for a new passkey.  All passkeys of a user have one handle, which
 * is random; that of the first one stands in its challenge.  Returns an error object
 * for a ticket that no longer enrolls, or a user without a name; raises 28J03 or 28J04
 * for a session.
 */
Jsonb *
ja_passkey_register_options(const JaActor *actor)
{
	Jsonb	   *refusal = ja_actor_check_now(actor, JA_RECENT);
	const JaIdentifier *name;

	if (refusal != NULL)
		return refusal;
	name = ja_identifier_primary(&actor->user);
	if (name == NULL || !ja_identifier_has_verified(&actor->user))
		return ja_actor_deny_nameless();
	return make_register_options(actor, name);
}

/* Makes options for the use of a passkey, of those given unless there are none. */
static Jsonb *
make_request_options(JaString challenge, const JaPasskey *passkeys, int count)
{
	JaJsonState options = {0};
	JaString	id = ja_relying_party_id();

	ja_json_push(&options, WJB_BEGIN_OBJECT, NULL);
	add_challenge(&options, challenge);
	ja_json_add_string(&options, "rpId", id.data, id.length);
	add_credentials(&options, "allowCredentials", passkeys, count);
	add_option_text(&options, "userVerification", ja_relying_party_user_verification());
	return ja_answer_object(&options);
}

/* Makes options to log in with any passkey: no name is asked for, and none is told. */
Jsonb *
ja_passkey_login_options(void)
{
	return make_request_options(ja_challenge_make(JA_CHALLENGE_LOGIN, NULL, NULL), NULL, 0);
}

/*
 * Makes options to show one of the passkeys of a ticket's user as second factor; NULL if
 * there are none.
 */
Jsonb *
ja_passkey_factor_options(const JaTicket *ticket)
{
	JaPasskey  *passkeys;
	int			count = ja_passkey_list(&ticket->user, &passkeys);

	if (count == 0)
		return NULL;
	return make_request_options(ja_challenge_make(JA_CHALLENGE_SECOND_FACTOR, &ticket->nonce, NULL),
								passkeys, count);
}
