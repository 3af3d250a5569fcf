/*-------------------------------------------------------------------------
 *
 * actor.h
 *	  Who changes how to log in: a session, or whoever has a ticket that enrolls the
 *	  first factor.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ACTOR_H
#define JA_ACTOR_H

#include "factor/ticket.h"

/* How old the authentication may be that a change of factors rests on. */
#define JA_RECENT_SECONDS (5 * 60)

StaticAssertDecl(JA_TICKET_SECONDS <= JA_RECENT_SECONDS, "life of a ticket that enrolls");

typedef struct JaActor
{
	pg_uuid_t	user;
	bool		has_session;
	pg_uuid_t	session;
	JaAssurance assurance;		/* level 0: nothing is known of it */
	JaString	ticket_text;	/* data NULL: no ticket */
	JaTicket	ticket;
} JaActor;

/* Which changes need an authentication that is not old. */
typedef enum JaRecency
{
	JA_AT_ANY_AGE,
	JA_RECENT_IF_FIRST,			/* until a factor is enrolled */
	JA_RECENT
} JaRecency;

extern bool ja_actor_read_ticket(JaString text, JaActor *actor);
extern bool ja_actor_has_ticket(const JaActor *actor);
extern const pg_uuid_t *ja_actor_owner(const JaActor *actor);
extern Jsonb *ja_actor_check(const JaActor *actor, const JaUser *user, JaRecency recency);
extern Jsonb *ja_actor_check_now(const JaActor *actor, JaRecency recency);
extern Jsonb *ja_actor_lock(const JaActor *actor, JaUser *user, JaRecency recency);
extern Jsonb *ja_actor_deny_nameless(void);
extern Jsonb *ja_actor_lock_in_turn(const JaActor *actor, JaUser *user);
extern Jsonb *ja_actor_check_session(const JaActor *actor, const JaUser *user);
extern Jsonb *ja_actor_begin_session(const JaActor *actor, const JaUser *user, JaProof proof);

#endif							/* JA_ACTOR_H */
