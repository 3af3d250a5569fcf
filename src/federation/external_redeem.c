/*-------------------------------------------------------------------------
 *
 * external_redeem.c
 *	  Redeeming of ID tokens: verified, and once.
 *
 * What is no token of the provider's is denied without a trace.  One that is
 * authentic, but not for us, of now or of our nonce, may have been stolen elsewhere,
 * and is audited, once a day for each reason.  All are denied alike.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/error.h"
#include "base/time.h"
#include "federation/external_redeem.h"
#include "keyring/used_handle.h"
#include "session/answer.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "store/plan.h"

static Jsonb *
answer_denial(void)
{
	ja_count(JA_COUNT_ATTEMPTS_DENIED);
	return ja_answer_error(JA_ERROR_INVALID_GRANT,
						   "the ID token is not valid here, no longer valid, or was used");
}

/*
 * Whether the token was not denied for this reason before, within a day: anybody who has
 * one for another application could else fill the audit log with it.
 */
static bool
is_first_denial(JaString signed_part, const char *reason)
{
	JaString	text;

	text.data = psprintf("%s: %.*s", reason, (int) signed_part.length, signed_part.data);
	text.length = strlen(text.data);
	return ja_used_handle_add(text, ja_seconds_from(GetCurrentTimestamp(), SECS_PER_DAY));
}

/* Within a scope of ja_plan_begin(). */
static void
audit_denial(const JaIdToken *token, const pg_uuid_t *user, const char *reason)
{
	const char *what = psprintf("provider %.*s: %s", (int) token->provider.length,
								token->provider.data, reason);

	if (is_first_denial(token->signed_part, what))
		ja_audit_write(&(JaAuditEvent)
					   {
						   .event = "login_denied", .user = user, .issuer = token->issuer,
						   .reason = what
					   });
}

/* Denies what is authentic; within a scope of ja_plan_begin(). */
Jsonb *
ja_external_deny(const JaIdToken *token, const pg_uuid_t *user, const char *reason)
{
	audit_denial(token, user, reason);
	return answer_denial();
}

/* The reason of a status for operators. */
static const char *
reason_of(JaStatus status)
{
	const JaStatusRow *row = ja_status_row(status);

	return row->reason != NULL ? row->reason : row->message;
}

/* Audits what is authentic, but not for us, of now or of our nonce. */
static void
audit_refusal(JaIdToken *token, JaString provider, JaStatus status)
{
	JaPlanScope scope;

	token->provider = provider;
	token->issuer = (JaString) {NULL, 0};
	ja_plan_begin(&scope);
	audit_denial(token, NULL, reason_of(status));
	ja_plan_end(&scope);
}

/* Verifies an ID token.  Returns NULL, or the answer to one that is refused. */
Jsonb *
ja_external_read(const JaIdTokenRequest *request, JaIdToken *token)
{
	bool		is_authentic;
	JaStatus	status = ja_id_token_verify(request, token, &is_authentic);

	if (status == JA_OK)
		return NULL;
	if (status == JA_PROVIDER_UNKNOWN)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "there is no such provider");
	ja_log_refusal(status);
	if (is_authentic)
		audit_refusal(token, request->provider, status);
	return answer_denial();
}

/*
 * Spends the token and its nonce.  What a signature allows to be written in several
 * ways is left out of what counts once.  Returns NULL, or the answer if either was
 * spent before.  Within a scope of ja_plan_begin().
 */
Jsonb *
ja_external_spend(const JaIdToken *token)
{
	if (!ja_used_handle_add(token->signed_part, token->signed_until))
		return ja_external_deny(token, NULL, "the ID token was used before");
	if (token->nonce.data != NULL && !ja_used_handle_add(token->nonce, token->nonce_until))
		return ja_external_deny(token, NULL, "the nonce was used before");
	return NULL;
}
