/*-------------------------------------------------------------------------
 *
 * refresh.c
 *	  Rotation of refresh tokens, and the detection of replayed ones
 *	  (RFC 9700 section 4.14.2).
 *
 * A rotation is one update of one narrow row, mostly within its page, whose
 * condition is that the token is still the current one; the row lock of the
 * update serialises everything.  For any other token, the row as it is now decides:
 *
 * - an earlier token that was itself rotated shortly before: the current one,
 *   rebuilt byte for byte, so that tabs which load at once or a lost answer
 *   log nobody out;
 * - any other older token: a replay.  Either copy may be a thief's, so the
 *   session ends;
 * - a newer one, or the current generation with another nonce: its rotation
 *   was lost in a rollback, failover or restore.  It is denied, no more.
 *
 * A denial is an answer and not an error, so that what it did commits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "session/grace.h"
#include "session/refresh.h"
#include "session/refresh_row.h"
#include "session/session.h"
#include "session/session_end.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "token/claims.h"

static const char denied[] = "the refresh token is invalid, expired or revoked";

/* A denial that nothing else follows from. */
static Jsonb *
deny_refresh(const JaRefreshToken *token, const pg_uuid_t *user, const char *reason)
{
	ja_count(JA_COUNT_REFRESHES_DENIED);
	ja_audit_write_denied_refresh(&(JaAuditEvent)
								  {
									  .event = JA_AUDIT_REFRESH_DENIED, .reason = reason,
									  .user = user, .session = &token->session
								  });
	return ja_answer_error(JA_ERROR_INVALID_GRANT, denied);
}

/* Ends the session of a token that was used twice, unless that is done. */
static Jsonb *
end_replayed(const JaRefreshToken *token, const pg_uuid_t *user)
{
	if (!ja_session_end_one(&token->session, "refresh token replayed"))
		return deny_refresh(token, user, "session revoked");
	ja_count(JA_COUNT_REFRESHES_REPLAYED);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "refresh_replayed", .reason = "session revoked",
					   .user = user, .session = &token->session
				   });
	return ja_answer_error(JA_ERROR_INVALID_GRANT, denied);
}

/*
 * Decides what a token is that was not rotated.  Returns NULL, with the
 * current token, for one in its grace; else the answer.
 */
static Jsonb *
decide_unrotated(const JaRefreshToken *token, const pg_uuid_t *user, const JaRefreshRow *row,
				 JaRefreshToken *current)
{
	if (ja_refresh_row_is_in_grace(token, row))
	{
		ja_count(JA_COUNT_REFRESHES_REPEATED);
		*current = row->current;
		return NULL;
	}
	if (ja_grace_was_cut(row->earlier, row->current.generation - token->generation))
		return deny_refresh(token, user, "the session was stepped up");
	if (token->generation < row->current.generation)
		return end_replayed(token, user);
	if (!ja_refresh_row_is_current(token, row))
		return deny_refresh(token, user, "its rotation was lost");
	if (ja_refresh_row_is_idle(row))
		return deny_refresh(token, user, "session was idle for too long");

	/* The token is current, but the transaction's snapshot is older. */
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to a concurrent refresh"),
			 errhint("Try again in a new transaction."),
			 errhidestmt(true)));
}

/* Why a session with a good token does not go on; NULL: it does. */
static const char *
reason_to_end(const JaSession *session, JaUser *user)
{
	if (session->is_revoked)
		return "session revoked";
	/* A token that ends with the session needs a second to live. */
	if (GetCurrentTimestamp() + USECS_PER_SEC > session->expires_at)
		return "session expired";
	if (!ja_user_find_by_id(&session->user, user))
		return "user disabled";
	return user->is_disabled ? ja_user_why_disabled(user) : NULL;
}

/*
 * Finds the session of a token, and denies one that does not go on.  Returns
 * NULL, with the user, for one that does; else the answer.
 */
static Jsonb *
find_live(const JaRefreshToken *token, JaSession *session, JaUser *user)
{
	const char *reason;

	if (!ja_session_find(&token->session, session))
		return deny_refresh(token, NULL, "unknown session");
	reason = reason_to_end(session, user);
	return reason == NULL ? NULL : deny_refresh(token, &session->user, reason);
}

/*
 * Rotates the token, or finds the current one if it is in its grace.  Returns
 * NULL, with the session, its user and the token to answer with; else the answer.
 *
 * The session is looked at before anything is written, so that a token of one
 * that ended does not pass for a replay later, and again after the rotation,
 * which may have waited: role, claims and state are those of then.  It is never
 * read after a row that is not locked: a step-up changes both, and who is still in
 * the grace of before must not get its level.
 */
static Jsonb *
exchange_token(const JaRefreshToken *token, JaSession *session, JaUser *user,
			   JaRefreshToken *child)
{
	Jsonb	   *denial = find_live(token, session, user);
	JaRefreshRow row;
	bool		is_rotated;

	if (denial != NULL)
		return denial;
	if (!ja_refresh_row_find(&token->session, &row))
		return deny_refresh(token, &session->user, "unknown session");
	if (ja_refresh_row_is_current(token, &row) && !ja_refresh_row_is_idle(&row))
	{
		is_rotated = ja_refresh_row_rotate(token, &row, false, child);
		denial = find_live(token, session, user);
		if (is_rotated || denial != NULL)
			return denial;
		if (!ja_refresh_row_find(&token->session, &row))
			return deny_refresh(token, &session->user, "unknown session");
	}
	return decide_unrotated(token, &session->user, &row, child);
}

/*
 * Refreshes.  Returns a token response or an error object; raises 40001 where
 * the transaction's snapshot is too old to tell.
 */
Jsonb *
ja_refresh(JaString text)
{
	JaRefreshToken token;
	JaRefreshToken child;
	JaSession	session;
	JaUser		user;
	Jsonb	   *denial;

	if (text.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "refresh_token must not be empty");
	if (!ja_refresh_token_read(text, &token))
	{
		ja_count(JA_COUNT_REFRESHES_DENIED);
		return ja_answer_error(JA_ERROR_INVALID_GRANT, denied);
	}
	denial = exchange_token(&token, &session, &user, &child);
	if (denial != NULL)
		return denial;
	ja_count(JA_COUNT_REFRESHES);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "refresh", .level = JA_AUDIT_ALL,
					   .user = &session.user, .session = &session.id
				   });
	return ja_session_answer(&user, &session, &child);
}

/* Whether the token would be taken now, and whose it is. */
static bool
is_active_token(JaString text, JaSession *session)
{
	JaRefreshToken token;
	JaUser		user;
	JaRefreshRow row;

	if (!ja_refresh_token_read(text, &token) || !ja_refresh_row_find(&token.session, &row) ||
		!ja_session_find(&token.session, session))
		return false;
	if ((!ja_refresh_row_is_current(&token, &row) && !ja_refresh_row_is_in_grace(&token, &row)) || ja_refresh_row_is_idle(&row))
		return false;
	return reason_to_end(session, &user) == NULL;
}

/* Answers for a refresh token as RFC 7662 section 2.2 says. */
Jsonb *
ja_refresh_introspect(JaString text)
{
	JaJsonState state = {0};
	JaSession	session;
	bool		active = is_active_token(text, &session);

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	if (active)
	{
		ja_json_add_string(&state, "token_use", "refresh", 7);
		ja_json_add_uuid(&state, "sub", &session.user);
		ja_json_add_uuid(&state, "sid", &session.id);
		ja_json_add_integer(&state, "exp", (int64) ja_claims_seconds(session.expires_at));
	}
	ja_json_add_bool(&state, "active", active);
	return ja_json_end_object(&state);
}
