/*-------------------------------------------------------------------------
 *
 * impersonation.c
 *	  Sessions in which an admin acts as a user (RFC 8693 section 4.1).
 *
 * The user sees the session, can end it, and is told of it.  It has one access token,
 * which says who acts, and no refresh token, so that it ends when that does.  Nobody
 * has authenticated the user: the level is the first, and the time of authentication
 * as long ago as can be, so that whatever asks for a recent one refuses.
 *
 * An admin who is a user, too, acts no longer than that: what ends the admin's own
 * sessions ends this one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/impersonation.h"
#include "account/login.h"
#include "account/outbox.h"
#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "session/session.h"
#include "store/audit.h"
#include "store/client.h"
#include "store/plan.h"
#include "token/claims.h"

static const char impersonated[] = "impersonated";

static JaPlan insert_acting_session = {
	.sql = "INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at,"
	" user_agent, client_address, claimed_address, auth_time, method, actor)"
	" VALUES ($1, $2, $3, $4, $5, pg_catalog.inet_client_addr(), $6, $7, $8, $9)"
};

/* Writes the row of a session; the user's others stay, however many there are. */
static void
insert_acting_row(const JaUser *user, JaString actor, int64 ttl_seconds, TimestampTz now,
				  JaSession *session)
{
	JaClient	client;

	*session = (JaSession) {
		.user = user->id,
		.expires_at = ja_seconds_from(now, ttl_seconds),
		.assurance = {.level = JA_AAL1,.proved_at = ja_claims_time(0)},
		.actor = actor
	};
	ja_check(ja_uuid_make(now, &session->id));
	ja_client_read(&client);
	ja_plan_write_one(&insert_acting_session,
					  JA_VALUES(ja_uuid(&session->id), ja_uuid(&user->id), ja_time(now),
								ja_time(session->expires_at), ja_text(client.user_agent),
								ja_text(client.claimed_address),
								ja_time(session->assurance.proved_at), ja_text(impersonated),
								ja_string(actor)));
}

/* What the template of the notice may show: until when, and not why. */
static Jsonb *
describe_impersonation(const JaSession *session)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_answer_add_time(&state, "until", session->expires_at);
	return ja_json_end_object(&state);
}

static void
tell_of_session(const JaSession *session, JaString reason)
{
	ja_outbox_notify_user(&session->user, JA_MESSAGE_IMPERSONATED,
						  describe_impersonation(session));
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = impersonated, .reason = pnstrdup(reason.data, reason.length),
					   .method = impersonated, .acting = session->actor,
					   .user = &session->user, .session = &session->id
				   });
}

/* An access token that ends with the session. */
static Jsonb *
answer_impersonation(const JaUser *user, const JaSession *session, int64 ttl_seconds,
					 TimestampTz now)
{
	const JaTokens tokens = {
		.access_token = ja_session_sign(ja_session_claims(user, session, now), ttl_seconds, now),
		.expires_in_seconds = ttl_seconds
	};

	return ja_answer_tokens(&tokens);
}

/*
 * Whether who acts comes before the user in the one order in which all lock both, so that
 * two who act as each other do not wait in a circle.
 */
static bool
is_agent_first(const JaImpersonation *new)
{
	return new->is_by_user && memcmp(&new->agent, &new->user, UUID_LEN) < 0;
}

/* Waits for the turns of the user and of who acts; false if they do not come in time. */
static bool
wait_turns(const JaImpersonation *new)
{
	if (is_agent_first(new) && !ja_user_wait_turn(&new->agent))
		return false;
	return ja_user_wait_turn(&new->user) &&
		(!new->is_by_user || is_agent_first(new) || ja_user_wait_turn(&new->agent));
}

/* Locks the row of who acts; raises 28J03 for one who was kept out or logged out meanwhile. */
static void
lock_agent(const JaImpersonation *new)
{
	JaUser		agent;
	JaSession	session;

	if (!ja_user_lock_by_id(&new->agent, &agent) || agent.is_disabled ||
		(new->has_session && (!ja_session_find(&new->session, &session) || session.is_revoked)))
		ja_raise(JA_NOT_AUTHENTICATED);
}

/* Locks the rows of both.  Raises JA_ACCOUNT_UNKNOWN, or 28J03. */
static void
lock_users(const JaImpersonation *new, JaUser *user)
{
	if (is_agent_first(new))
		lock_agent(new);
	if (!ja_user_lock_by_id(&new->user, user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	if (new->is_by_user && !is_agent_first(new))
		lock_agent(new);
}

static Jsonb *
begin_impersonation(const JaImpersonation *new)
{
	TimestampTz now = GetCurrentTimestamp();
	JaUser		user;
	JaSession	session;

	if (!wait_turns(new))
		return ja_answer_busy(JA_BUSY_NAME);
	lock_users(new, &user);
	if (user.is_disabled)
		return ja_login_refuse_disabled(&user);
	insert_acting_row(&user, new->actor, new->ttl_seconds, now, &session);
	tell_of_session(&session, new->reason);
	return answer_impersonation(&user, &session, new->ttl_seconds, now);
}

/*
 * Begins a session in which the actor acts as the user.  Returns a token response without
 * refresh token, or an error object if the user is disabled, or either begins other
 * sessions.  Raises JA_ACCOUNT_UNKNOWN, JA_IMPERSONATION_REASON for an empty reason,
 * 28J03 if who acts no longer may, and as ja_login() does.
 */
Jsonb *
ja_impersonate(const JaImpersonation *new)
{
	JaPlanScope scope;
	Jsonb	   *answer;

	if (new->reason.length == 0)
		ja_raise(JA_IMPERSONATION_REASON);
	ja_login_require_keys();
	ja_plan_begin_in_caller_context(&scope);
	answer = begin_impersonation(new);
	ja_plan_end(&scope);
	return answer;
}
