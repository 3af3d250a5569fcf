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

#include "base/error.h"
#include "base/secret.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "keyring/handle.h"
#include "session/grace.h"
#include "session/refresh.h"
#include "session/session.h"
#include "session/session_end.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "store/plan.h"
#include "store/scan.h"
#include "token/claims.h"

static const char denied[] = "the refresh token is invalid, expired or revoked";

static JaPlan rotate = {
	.sql = "UPDATE jwt_auth.refresh_tokens SET"
	" generation = pg_catalog.int8pl(generation, 1),"
	" nonce = $4, earlier = $5, key_number = $6, rotated_at = $7"
	" WHERE session_id OPERATOR(pg_catalog.=) $1"
	" AND generation OPERATOR(pg_catalog.=) $2 AND nonce OPERATOR(pg_catalog.=) $3"
};

/* The row of a session's refresh token as it is now. */
typedef struct Row
{
	JaRefreshToken current;
	bytea	   *earlier;		/* generations in their grace; NULL: none */
	TimestampTz rotated_at;
} Row;

static bool
read_token_row(const pg_uuid_t *session, Row *row)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_REFRESH_TOKENS, JA_REFRESH_TOKENS_PKEY,
					  JA_WHERE(ja_equal(Anum_refresh_tokens_session_id, ja_uuid(session)))))
		return false;
	row->current.session = *session;
	row->current.generation = ja_scan_bigint(&scan, Anum_refresh_tokens_generation);
	row->current.nonce = ja_scan_uuid(&scan, Anum_refresh_tokens_nonce);
	row->current.key_number = ja_scan_integer(&scan, Anum_refresh_tokens_key_number);
	row->rotated_at = ja_scan_time(&scan, Anum_refresh_tokens_rotated_at);
	row->earlier = ja_scan_bytes(&scan, Anum_refresh_tokens_earlier);
	ja_scan_end(&scan);
	return true;
}

static TimestampTz
idle_limit(TimestampTz now)
{
	return now - (int64) ja_settings.session_idle_timeout_seconds * USECS_PER_SEC;
}

static bool
is_current(const JaRefreshToken *token, const Row *row)
{
	return token->generation == row->current.generation &&
		ja_uuid_equals(&token->nonce, &row->current.nonce);
}

static bool
is_idle(const Row *row)
{
	return row->rotated_at <= idle_limit(GetCurrentTimestamp());
}

/* Whether the token is an earlier one, presented in its own grace. */
static bool
is_in_grace(const JaRefreshToken *token, const Row *row)
{
	return ja_grace_holds(row->earlier, row->current.generation - token->generation,
						  &token->nonce);
}

/*
 * Rotates the token that the row was found to hold; the child replaces it.
 * False if another refresh came first.  That the row still has this nonce says
 * that the rest of it is what was read, too.
 */
static bool
rotate_current(const JaRefreshToken *token, const Row *row, JaRefreshToken *child)
{
	TimestampTz now = GetCurrentTimestamp();
	JaPlanScope scope;
	bool		rotated;

	*child = *token;
	child->key_number = ja_handle_key_number(JA_HANDLE_REFRESH_TOKEN);
	child->generation = token->generation + 1;
	ja_check(ja_secret_random(&child->nonce, sizeof(child->nonce)));
	ja_plan_begin(&scope);
	rotated = ja_plan_run(&rotate,
						  JA_VALUES(ja_uuid(&token->session), ja_bigint(token->generation),
									ja_uuid(&token->nonce), ja_uuid(&child->nonce),
									ja_bytes(ja_grace_push(row->earlier, &token->nonce, now)),
									ja_integer(child->key_number), ja_time(now))) == 1;
	ja_plan_end(&scope);
	return rotated;
}

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
decide_unrotated(const JaRefreshToken *token, const pg_uuid_t *user, const Row *row,
				 JaRefreshToken *current)
{
	if (is_in_grace(token, row))
	{
		ja_count(JA_COUNT_REFRESHES_REPEATED);
		*current = row->current;
		return NULL;
	}
	if (token->generation < row->current.generation)
		return end_replayed(token, user);
	if (!is_current(token, row))
		return deny_refresh(token, user, "its rotation was lost");
	if (is_idle(row))
		return deny_refresh(token, user, "session was idle for too long");

	/* The token is current, but the transaction's snapshot is older. */
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to a concurrent refresh"),
			 errhint("Try again in a new transaction."),
			 errhidestmt(true)));
}

/*
 * Rotates the token, or finds the current one if it is in its grace.  Returns
 * NULL, with the token to answer with; else the answer.
 */
static Jsonb *
exchange_token(const JaRefreshToken *token, const pg_uuid_t *user, JaRefreshToken *child)
{
	Row			row;

	if (!read_token_row(&token->session, &row))
		return deny_refresh(token, user, "unknown session");
	if (is_current(token, &row) && !is_idle(&row))
	{
		if (rotate_current(token, &row, child))
			return NULL;
		if (!read_token_row(&token->session, &row))
			return deny_refresh(token, user, "unknown session");
	}
	return decide_unrotated(token, user, &row, child);
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
	return !ja_user_find_by_id(&session->user, user) || user->is_disabled ?
		"user disabled" : NULL;
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
 * Refreshes.  Returns a token response or an error object; raises 40001 where
 * the transaction's snapshot is too old to tell.
 *
 * The session is looked at before anything is written, so that a token of one
 * that ended does not pass for a replay later, and again after the rotation,
 * which may have waited: role, claims and state are those of then.
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
	denial = find_live(&token, &session, &user);
	if (denial == NULL)
		denial = exchange_token(&token, &session.user, &child);
	if (denial == NULL)
		denial = find_live(&token, &session, &user);
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
	Row			row;

	if (!ja_refresh_token_read(text, &token) || !read_token_row(&token.session, &row) ||
		!ja_session_find(&token.session, session))
		return false;
	if ((!is_current(&token, &row) && !is_in_grace(&token, &row)) || is_idle(&row))
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
