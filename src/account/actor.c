/*-------------------------------------------------------------------------
 *
 * actor.c
 *	  Who changes how to log in: a session, or whoever has a ticket that enrolls the
 *	  first factor.
 *
 * Whoever holds a stolen session must not be able to add a factor of their own,
 * or to take the user's away: the first factor needs a recent authentication, and
 * each change after that one with a factor.  What decides is looked at with the
 * user's row locked, so that two changes at once do not both pass for the first.
 *
 * A ticket is valid for as long after an authentication, of a user without factor, and is
 * void once the credentials change.  What is wrong with it is an answer, as of other
 * tickets; what is wrong with a session is an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/actor.h"
#include "account/login.h"
#include "account/session_limit.h"
#include "base/error.h"
#include "base/time.h"
#include "factor/factor_row.h"
#include "keyring/used_handle.h"
#include "store/plan.h"

/*
 * Reads a ticket that enrolls a factor, whose user then acts; false if it is none, or
 * has expired.  Raises without a signing key.
 */
bool
ja_actor_read_ticket(JaString text, JaActor *actor)
{
	*actor = (JaActor) {.ticket_text = text};
	ja_login_require_keys();
	if (!ja_ticket_read(text, &actor->ticket) || !actor->ticket.is_enrollment)
		return false;
	actor->user = actor->ticket.user;
	return true;
}

bool
ja_actor_has_ticket(const JaActor *actor)
{
	return actor->ticket_text.data != NULL;
}

/* For whom challenges are made: the session, or the ticket. */
const pg_uuid_t *
ja_actor_owner(const JaActor *actor)
{
	return ja_actor_has_ticket(actor) ? &actor->ticket.nonce : &actor->session;
}

/* Raises 28J04 unless the session was authenticated well enough, and recently enough. */
static void
require_assurance(const JaActor *actor, int level, JaRecency recency)
{
	bool		is_enrolled = ja_factor_is_enrolled(&actor->user);
	int			needed = is_enrolled ? JA_AAL2 : JA_AAL1;
	bool		is_recent_needed = recency == JA_RECENT ||
	(recency == JA_RECENT_IF_FIRST && !is_enrolled);
	TimestampTz end = ja_seconds_from(actor->assurance.proved_at, JA_RECENT_SECONDS);

	if (level < needed || (is_recent_needed && GetCurrentTimestamp() > end))
		ja_raise_insufficient(needed, is_enrolled && recency != JA_RECENT ? -1 : JA_RECENT_SECONDS);
}

/* The level that the session has left; raises 28J03 if it has ended. */
static int
level_now(const JaActor *actor)
{
	JaSession	session;

	if (!actor->has_session)
		return actor->assurance.level;
	if (!ja_session_find(&actor->session, &session) || session.is_revoked)
		ja_raise(JA_NOT_AUTHENTICATED);
	return Min(actor->assurance.level, session.assurance.level);
}

/* The answer to an actor whose user is gone; raises 28J03 for a session. */
static Jsonb *
refuse_actor(const JaActor *actor)
{
	if (!ja_actor_has_ticket(actor))
		ja_raise(JA_NOT_AUTHENTICATED);
	return ja_ticket_deny();
}

/*
 * Checks that the actor may change factors, as of now.  Returns NULL, or the answer to
 * a ticket that no longer enrolls; raises 28J03 or 28J04 for a session.
 */
Jsonb *
ja_actor_check(const JaActor *actor, const JaUser *user, JaRecency recency)
{
	if (ja_actor_has_ticket(actor))
		return ja_ticket_is_open(&actor->ticket, actor->ticket_text, user) ? NULL : ja_ticket_deny();
	if (user->is_disabled)
		ja_raise(JA_NOT_AUTHENTICATED);
	require_assurance(actor, level_now(actor), recency);
	return NULL;
}

/* The same before anything is locked, for what writes nothing, or checks again. */
Jsonb *
ja_actor_check_now(const JaActor *actor, JaRecency recency)
{
	JaPlanScope scope;
	JaUser		user;
	Jsonb	   *answer;

	if (!ja_user_find_by_id(&actor->user, &user))
		return refuse_actor(actor);
	ja_plan_begin_in_caller_context(&scope);
	answer = ja_actor_check(actor, &user, recency);
	ja_plan_end(&scope);
	return answer;
}

/* The same with the user's row locked; within a scope of ja_plan_begin(). */
Jsonb *
ja_actor_lock(const JaActor *actor, JaUser *user, JaRecency recency)
{
	if (!ja_user_lock_by_id(&actor->user, user))
		return refuse_actor(actor);
	return ja_actor_check(actor, user, recency);
}

/*
 * The answer to an actor of whom no name or address was verified: an authenticator could
 * not say whose its codes or passkeys are, and nobody could be told of them.
 */
Jsonb *
ja_actor_deny_nameless(void)
{
	return ja_answer_error(JA_ERROR_INVALID_REQUEST,
						   "a factor needs a verified username or address of the user");
}

/*
 * Locks the user of a session, in turn with logins, for what adds or takes away a way to
 * log in.  Returns NULL, or the answer if the turn does not come; raises 28J03 for one
 * who was deleted or disabled meanwhile, or whose session has ended, and 28J04 for one
 * whose session fell, or who has enrolled a factor.
 */
Jsonb *
ja_actor_lock_in_turn(const JaActor *actor, JaUser *user)
{
	if (!ja_user_wait_turn(&actor->user))
		return ja_answer_busy(JA_BUSY_NAME);
	return ja_actor_lock(actor, user, JA_RECENT);
}

/*
 * Finds out whether the session may begin that a ticket stands for, before a factor is
 * enrolled with it; the user's row is locked.  Returns NULL, also for a session, or the
 * answer.
 */
Jsonb *
ja_actor_check_session(const JaActor *actor, const JaUser *user)
{
	return ja_actor_has_ticket(actor) ? ja_session_limit_check(user) : NULL;
}

/*
 * Spends the ticket, and begins the session that it stands for, by a factor that was
 * enrolled with it; the user's row is locked.  Returns a token response.
 */
Jsonb *
ja_actor_begin_session(const JaActor *actor, const JaUser *user, JaProof proof)
{
	if (!ja_used_handle_add(actor->ticket_text, actor->ticket.expires_at))
		elog(ERROR, "a ticket was used while its user was locked");
	ja_ticket_join(&actor->ticket, &proof);
	return ja_login_begin_session(user, proof, "factor enrolled", actor->ticket.ttl_seconds);
}
