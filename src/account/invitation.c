/*-------------------------------------------------------------------------
 *
 * invitation.c
 *	  Users whom an admin invites.
 *
 * An attacker may have the link, because it was forwarded, and makes the user who
 * was invited: of that address, and with the role and the claims that wait for
 * it, whatever else comes with the link.
 *
 * Inviting again sends another link, and leaves the former one good, since mails
 * overtake each other.  All of them then stand for the role and the claims of the
 * last one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/timestamp.h"

#include "account/invitation.h"
#include "account/outbox.h"
#include "account/pending_user.h"
#include "account/user_attribute.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "session/access_claims.h"
#include "session/answer.h"
#include "store/audit.h"
#include "store/plan.h"

static JaPlan replace_former = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET data = $2"
	" WHERE canonical OPERATOR(pg_catalog.=) $1 AND purpose OPERATOR(pg_catalog.=) 'invitation'"
	" AND consumed_at IS NULL"
};

static JaPlan revoke_all = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET consumed_at = $2, data = NULL"
	" WHERE canonical OPERATOR(pg_catalog.=) $1 AND purpose OPERATOR(pg_catalog.=) 'invitation'"
	" AND consumed_at IS NULL AND expires_at OPERATOR(pg_catalog.>) $2"
};

/* Writes token and message; those who ask for others are counted as having waited. */
static void
send_invitation(JaOneTimeToken *token, JaIdentifierKind kind, int64 ttl_seconds)
{
	JaThrottle	throttle;
	JaIdentifier identifier;
	pg_uuid_t	owner;

	ja_throttle_enter(JA_ATTEMPT_SEND, token->canonical, &throttle);
	if (throttle.is_busy || !ja_redemption_wait_turn(token->canonical))
		ja_raise(JA_ACCOUNT_BUSY);
	if (ja_identifier_find(token->canonical, &owner, &identifier))
		ja_raise(JA_ACCOUNT_NAME_TAKEN);
	ja_throttle_failed(&throttle);
	ja_plan_run_on_latest(&replace_former,
						  JA_VALUES(ja_octets(token->canonical),
									ja_jsonb(token->data)));
	ja_one_time_token_create(token, NULL, ttl_seconds);
	ja_outbox_add(JA_MESSAGE_INVITATION, kind, token, NULL);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "invited",
					   .name_hash = ja_throttle_name_hash(&throttle)
				   });
}

/*
 * Sends a link to an address that is nobody's.  Returns its id.  Raises
 * JA_ACCOUNT_NAME_TAKEN, JA_NAME_..., or the JA_ACCOUNT_... of a role or claims
 * that are refused.
 */
pg_uuid_t
ja_invitation_create(JaString identifier, const char *role, Jsonb *claims, int64 ttl_seconds)
{
	JaPlanScope scope;
	JaCanonical canonical;
	const JaPendingUser pending = {.identifier = identifier,.role = role,.claims = claims};
	JaOneTimeToken token = {.purpose = JA_PURPOSE_INVITATION};

	ja_check(ja_identifier_form_of_address(identifier, &canonical));
	ja_user_attribute_check_role(role);
	ja_check(ja_access_claims_check(claims));
	ja_check(ja_uuid_make(GetCurrentTimestamp(), &token.id));
	token.canonical = ja_canonical_string(&canonical);
	token.recipient = ja_identifier_recipient(identifier, canonical.kind, token.canonical);
	token.data = ja_pending_user_write(&pending);
	ja_plan_begin_in_caller_context(&scope);
	send_invitation(&token, canonical.kind, ttl_seconds);
	ja_plan_end(&scope);
	return token.id;
}

/*
 * Revokes an invitation, and others to the same address; raises
 * JA_INVITATION_UNKNOWN if none can be redeemed.
 */
void
ja_invitation_revoke(const pg_uuid_t *id)
{
	JaPlanScope scope;
	JaOneTimeToken token;
	uint64		revoked;

	if (!ja_one_time_token_find(id, &token) || token.purpose != JA_PURPOSE_INVITATION)
		ja_raise(JA_INVITATION_UNKNOWN);
	ForceSyncCommit();
	ja_plan_begin(&scope);
	if (!ja_redemption_wait_turn(token.canonical))
		ja_raise(JA_ACCOUNT_BUSY);
	revoked = ja_plan_run_on_latest(&revoke_all,
									JA_VALUES(ja_octets(token.canonical),
											  ja_time(GetCurrentTimestamp())));
	ja_plan_end(&scope);
	if (revoked == 0)
		ja_raise(JA_INVITATION_UNKNOWN);
	ja_audit_write(&(JaAuditEvent) {.event = "invitation_revoked"});
}

/* Makes the user who was invited, with a password unless its data is NULL. */
static Jsonb *
accept_invitation(JaRedemption *redemption, JaString password)
{
	JaPendingUser pending;
	Jsonb	   *answer = NULL;

	ja_pending_user_read(&redemption->token, &pending);
	if (password.data != NULL)
		answer = ja_pending_user_set_password(&pending, password);
	if (answer != NULL)
		return answer;
	return ja_pending_user_admit(redemption, &pending, "invitation_accepted");
}

/*
 * Makes the user, and begins a session, for whoever shows the link.  Returns a token
 * response or an error object; raises as ja_login() does.
 */
Jsonb *
ja_invitation_accept(JaString token, JaString password)
{
	const JaString no_flow = {NULL, 0};
	JaRedemption redemption;
	Jsonb	   *answer = ja_redemption_begin(JA_PURPOSE_INVITATION, token, no_flow, &redemption);

	if (answer == NULL)
		answer = accept_invitation(&redemption, password);
	return ja_redemption_end(&redemption, answer);
}
