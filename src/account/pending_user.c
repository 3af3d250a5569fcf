/*-------------------------------------------------------------------------
 *
 * pending_user.c
 *	  Users who wait until their address is proven.
 *
 * Whoever signs up or is invited is a row of one_time_tokens, and no user: there
 * is no account that others could prepare for the owner of the address.  The
 * user is made by whoever redeems the token, with what waits in the row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/anonymous.h"
#include "account/enrollment.h"
#include "account/identifier_form.h"
#include "account/password_change.h"
#include "account/pending_user.h"
#include "account/user_change.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "session/session.h"
#include "shared/counters.h"
#include "store/audit.h"

/* What waits, as the row has it. */
Jsonb *
ja_pending_user_write(const JaPendingUser *pending)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&state, "identifier", pending->identifier.data, pending->identifier.length);
	if (pending->password_hash.data != NULL)
		ja_json_add_string(&state, "password_hash", pending->password_hash.data,
						   pending->password_hash.length);
	if (pending->role != NULL)
		ja_json_add_string(&state, "role", pending->role, strlen(pending->role));
	ja_json_add_container(&state, "claims", &pending->claims->root);
	ja_json_add_bool(&state, "proven", pending->is_proven);
	if (pending->is_upgrade)
		ja_json_add_uuid(&state, "anonymous", &pending->anonymous);
	return ja_json_end_object(&state);
}

/* A text that the row has or lacks; data NULL if it lacks it. */
static JaString
read_pending_text(const JaOneTimeToken *token, const char *name)
{
	JaString	text = {NULL, 0};

	(void) ja_json_string(&token->data->root, name, &text);
	return text;
}

/* Reads it again; it points into the token's data. */
void
ja_pending_user_read(const JaOneTimeToken *token, JaPendingUser *pending)
{
	JaString	role;
	JaString	anonymous;
	JsonbValue	claims;
	JsonbValue	proven;

	if (token->data == NULL || !ja_json_member(&token->data->root, "claims", &claims) ||
		!ja_json_member(&token->data->root, "proven", &proven))
		elog(ERROR, "stored one-time token has no user who waits");
	pending->identifier = read_pending_text(token, "identifier");
	pending->password_hash = read_pending_text(token, "password_hash");
	role = read_pending_text(token, "role");
	pending->role = role.data == NULL ? NULL : pnstrdup(role.data, role.length);
	pending->claims = JsonbValueToJsonb(&claims);
	pending->is_proven = proven.type == jbvBool && proven.val.boolean;
	anonymous = read_pending_text(token, "anonymous");
	pending->is_upgrade = ja_uuid_parse(anonymous.data, anonymous.length, &pending->anonymous);
}

/*
 * Validates and hashes a password for the user.  Returns NULL, or the answer if it
 * is refused or the server is busy.
 */
Jsonb *
ja_pending_user_set_password(JaPendingUser *pending, JaString password)
{
	JaNewPassword *hashed = palloc(sizeof(JaNewPassword));
	Jsonb	   *answer;

	if (password.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "password must not be empty");
	answer = ja_password_change_hash((JaStrings) {&pending->identifier, 1}, password, hashed);
	if (answer == NULL)
		pending->password_hash = (JaString) {hashed->hash, strlen(hashed->hash)};
	return answer;
}

/*
 * Makes the user, of whom all was checked; false if somebody has got the address, or
 * it has another form by now than the one that was proven.
 */
static bool
create_pending_user(const JaOneTimeToken *token, const JaPendingUser *pending, JaUser *user)
{
	const JaUserChange change = {
		.password_hash = pending->password_hash,.role = pending->role,.claims = pending->claims
	};
	JaCanonical canonical;
	pg_uuid_t	id;

	if (ja_identifier_form(pending->identifier, &canonical) != JA_OK ||
		!ja_string_equals(ja_canonical_string(&canonical), token->canonical) ||
		!ja_user_create_proven(pending->identifier, &canonical, &change, &id))
		return false;
	if (!ja_user_lock_by_id(&id, user))
		elog(ERROR, "a user who was created does not exist");
	return true;
}

/* Makes the user, or of an anonymous one this user, whose row is locked. */
static bool
admit_user(const JaOneTimeToken *token, const JaPendingUser *pending, JaUser *user)
{
	if (!pending->is_upgrade)
		return create_pending_user(token, pending, user);
	return ja_anonymous_become(token, pending, user);
}

/* Begins the first session of the user, unless that needs a factor. */
static Jsonb *
start_first_session(const JaUser *user, JaPurpose purpose, const char *event)
{
	JaProof		proof = ja_session_proof(JA_AAL1, "otp", ja_purpose_row(purpose)->name);
	JaSession	session;
	JaRefreshToken token;

	if (ja_enrollment_is_due(user))
	{
		ja_audit_write(&(JaAuditEvent) {.event = event, .user = &user->id});
		return ja_enrollment_ask(user, proof, ja_settings.session_ttl_seconds);
	}
	ja_session_begin(user, proof, ja_settings.session_ttl_seconds, &session, &token);
	ja_count(JA_COUNT_LOGINS);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = event, .method = proof.method,
					   .user = &user->id, .session = &session.id
				   });
	return ja_session_answer(user, &session, &token);
}

/*
 * Redeems a token: makes the user, whose address it proves, and begins a session.
 * Returns a token response, or the answer if somebody was faster, or has got the
 * address.  Within a scope of ja_plan_begin().
 */
Jsonb *
ja_pending_user_admit(JaRedemption *redemption, const JaPendingUser *pending, const char *event)
{
	JaUser		user;
	Jsonb	   *answer = NULL;

	if (pending->is_upgrade)
		answer = ja_anonymous_lock(&pending->anonymous, redemption->token.credentials_version,
								   &user);
	if (answer == NULL)
		answer = ja_redemption_consume(redemption);
	if (answer != NULL)
		return answer;
	if (!admit_user(&redemption->token, pending, &user))
		return ja_redemption_deny();
	return start_first_session(&user, redemption->token.purpose, event);
}
