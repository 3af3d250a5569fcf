/*-------------------------------------------------------------------------
 *
 * recovery.c
 *	  Recovery of accounts whose password was lost.
 *
 * link_request.c sends what is redeemed here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/mfa.h"
#include "account/outbox.h"
#include "account/password_change.h"
#include "account/recovery.h"
#include "account/redemption.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "factor/factor_row.h"
#include "session/answer.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "store/plan.h"

/* What waits for the second factor; it replaces what waited before. */
static JaPlan propose_password = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET data = pg_catalog.jsonb_build_object("
	"'proposal', $2, 'password_hash', $3)"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND consumed_at IS NULL"
};

static JaPlan find_proposal = {
	.sql = "SELECT id, data OPERATOR(pg_catalog.->>) 'password_hash'"
	" FROM jwt_auth.one_time_tokens WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND purpose OPERATOR(pg_catalog.=) 'recovery' AND consumed_at IS NULL"
	" AND data OPERATOR(pg_catalog.->>) 'proposal' OPERATOR(pg_catalog.=) $2::pg_catalog.text"
};

static Jsonb *
set_password(const pg_uuid_t *user, const JaNewPassword *hashed)
{
	ja_new_password_store(user, hashed);
	ja_session_end_user(user, NULL, "account recovered");
	ja_outbox_notify_user(user, JA_MESSAGE_PASSWORD_CHANGED, NULL);
	ja_audit_write(&(JaAuditEvent) {.event = "account_recovered", .user = user});
	return ja_answer_status("password_set");
}

/*
 * Keeps the password until the second factor is proven.  The ticket names this very
 * proposal, so that nobody else who has the link can put another in its place.
 */
static Jsonb *
ask_for_factor_first(const JaRedemption *redemption, const JaNewPassword *hashed)
{
	pg_uuid_t	proposal;

	ja_check(ja_secret_random(&proposal, sizeof(proposal)));
	if (ja_plan_run_on_latest(&propose_password,
							  JA_VALUES(ja_uuid(&redemption->token.id), ja_uuid(&proposal),
										ja_text(hashed->hash))) != 1)
		return ja_redemption_deny();
	return ja_mfa_challenge_recovery(&redemption->user, &proposal);
}

/*
 * Sets the password of a proposal, whose user has proven the second factor, and
 * whose row is locked.  Returns a status or an error object; within a scope of
 * ja_plan_begin().
 */
Jsonb *
ja_recovery_finish(const JaUser *user, const pg_uuid_t *proposal)
{
	JaNewPassword hashed;
	JaOneTimeToken token;
	JaString	hash;
	pg_uuid_t	id;
	bool		is_null;

	if (ja_plan_run_on_latest(&find_proposal, JA_VALUES(ja_uuid(&user->id), ja_uuid(proposal))) != 1)
		return ja_redemption_deny();
	id = *DatumGetUUIDP(ja_plan_result(0, 1, &is_null));
	hash = ja_plan_string(0, 2);
	strlcpy(hashed.hash, hash.data, sizeof(hashed.hash));
	if (!ja_one_time_token_find(&id, &token) || !ja_one_time_token_consume(&token))
		return ja_redemption_deny();
	return set_password(&user->id, &hashed);
}

/*
 * Sets a password for whoever shows a link, or a code with its flow.  The
 * password is judged, and hashed, only for what could be redeemed; one that is
 * refused leaves the token as it is.  A user who has a factor is asked for it first.
 * Returns a status or an error object.
 */
Jsonb *
ja_recovery_redeem(JaString token, JaString new_password, JaString flow)
{
	JaRedemption redemption;
	JaNewPassword hashed;
	Jsonb	   *answer;

	if (token.length == 0 || new_password.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "token and password must not be empty");
	answer = ja_redemption_begin(JA_PURPOSE_RECOVERY, token, flow, &redemption);
	if (answer == NULL)
		answer = ja_password_change_hash(ja_identifier_names(&redemption.user.id), new_password,
										 &hashed);
	if (answer == NULL && ja_factor_is_enrolled(&redemption.user.id))
		answer = ask_for_factor_first(&redemption, &hashed);
	if (answer == NULL)
		answer = ja_redemption_consume(&redemption);
	if (answer == NULL)
		answer = set_password(&redemption.user.id, &hashed);
	return ja_redemption_end(&redemption, answer);
}
