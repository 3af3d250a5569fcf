/*-------------------------------------------------------------------------
 *
 * revoke.c
 *	  Revocation of tokens (RFC 7009).
 *
 * Whoever holds a token may end what it stands for, also when it has expired
 * or was rotated long ago; its MAC or signature proves that we made it.  A
 * token that we don't know is no error, so that nobody learns whether it was
 * one (RFC 7009 section 2.2).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "session/refresh_token.h"
#include "session/revoke.h"
#include "session/session.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "token/denial.h"
#include "token/verify.h"

static void
end_session(const pg_uuid_t *id)
{
	JaSession	session;

	if (!ja_session_find(id, &session) || !ja_session_end_one(id, "token revoked"))
		return;
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "session_revoked", .reason = "token revoked",
					   .user = &session.user, .session = id
				   });
}

/* When the token expires at the latest. */
static TimestampTz
end_of(const JaVerified *verified)
{
	const int64 epoch_days = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;
	double		seconds;

	if (!verified->times.expiry.is_present)
		return DT_NOEND;
	seconds = verified->times.expiry.seconds - (double) epoch_days * SECS_PER_DAY;
	return (TimestampTz) (seconds * USECS_PER_SEC) +
		(int64) ja_settings.leeway_seconds * USECS_PER_SEC;
}

/*
 * Denies a token without session by its jti, while it is good at all.  One
 * that has no jti, as one that another program made with a key of ours, can't
 * be denied, and whoever tries should know.
 */
static void
deny_token(const JaVerified *verified)
{
	TimestampTz end = end_of(verified);

	if (end <= GetCurrentTimestamp())
		return;
	if (verified->revocable.jti.data == NULL)
	{
		ereport(WARNING,
				(errmsg("the token remains valid until it expires"),
				 errhint("It has neither a session nor a jti by which it could be denied.")));
		return;
	}
	if (!ja_denial_add(verified->revocable.issuer, verified->revocable.jti, end))
		return;
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "token_denied",
					   .user = verified->revocable.has_user ? &verified->revocable.user : NULL,
					   .issuer = verified->issuer, .jti = verified->revocable.jti
				   });
}

/*
 * Ends the session of a token of ours, or denies it; never fails for others.
 * Raises 55000 where the key that could tell is sealed and can't be opened.
 */
void
ja_revoke_token(JaString text)
{
	JaRefreshToken token;
	JaVerified	verified;
	JaStatus	status;

	if (ja_refresh_token_is_one(text))
	{
		if (ja_refresh_token_read(text, &token))
			end_session(&token.session);
		return;
	}
	status = ja_verify_issued(text, &verified);
	/* Not to be able to tell, for want of the master key, is no success. */
	if (status != JA_OK &&
		ja_status_row(status)->sqlstate == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
		ja_raise(status);
	if (status != JA_OK || !verified.is_local_issuer)
		return;
	if (verified.revocable.has_session)
		end_session(&verified.revocable.session);
	else
		deny_token(&verified);
}

static JaString
copy_revoked_string(JaString string)
{
	return (JaString) {pnstrdup(string.data, string.length), string.length};
}

/*
 * Verifies a token of ours that belongs to no session, and denies it in the
 * same step.  Returns its claims to one caller; raises 28J02 for all others,
 * 28J00 for a token that is not for a single use.
 */
Jsonb *
ja_revoke_consume(JaString text, const JaExpectation *expected)
{
	const JaVerified *verified;
	JaString	issuer;
	JaString	jti;
	TimestampTz end;
	Jsonb	   *claims;
	JaStatus	status = ja_verify_stored(text, expected, ja_claims_moment(), &verified);

	/* Who holds such a token has no session to renew. */
	ja_check(status == JA_TOKEN_DENIED ? JA_TOKEN_USED : status);
	if (!verified->is_local_issuer || verified->revocable.has_session ||
		verified->revocable.jti.data == NULL)
		ja_raise(JA_TOKEN_NOT_SINGLE_USE);
	issuer = copy_revoked_string(verified->revocable.issuer);
	jti = copy_revoked_string(verified->revocable.jti);
	end = end_of(verified);
	claims = palloc(VARSIZE(verified->claims));
	memcpy(claims, verified->claims, VARSIZE(verified->claims));
	/* What was verified may go once other code runs. */
	if (!ja_denial_add_once(issuer, jti, end))
		ja_raise(JA_TOKEN_USED);
	ja_audit_write(&(JaAuditEvent) {.event = "token_consumed", .level = JA_AUDIT_ALL});
	return claims;
}
