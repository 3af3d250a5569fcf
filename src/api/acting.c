/*-------------------------------------------------------------------------
 *
 * acting.c
 *	  Who acts in the SQL functions that change factors.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "api/acting.h"
#include "api/arguments.h"
#include "identity/assurance.h"

/*
 * The user of the identity, and its level of authentication; raises 28J03, or 42501 for
 * an API token.
 */
JaActor
ja_acting_identity(void)
{
	JaSubject	subject = ja_identity_require_person();
	JaActor		actor = {
		.user = subject.user,
		.has_session = subject.has_session,
		.session = subject.session
	};

	ja_identity_require_own_way_in();
	if (!ja_identity_assurance(ja_identity_current(), &actor.assurance))
		actor.assurance.level = 0;
	return actor;
}

/*
 * Whoever has the ticket that an argument is, and the identity if it is NULL.  Returns
 * NULL, or the answer to what is no such ticket.
 */
Jsonb *
ja_acting_by_ticket(FunctionCallInfo fcinfo, int number, JaActor *actor)
{
	JaString	text = ja_argument_optional_text(fcinfo, number);

	if (text.data == NULL)
		*actor = ja_acting_identity();
	else if (!ja_actor_read_ticket(text, actor))
		return ja_ticket_deny();
	return NULL;
}
