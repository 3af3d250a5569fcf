/*-------------------------------------------------------------------------
 *
 * impersonation.c
 *	  SQL functions on who acts as a user.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "account/impersonation.h"
#include "api/accessor.h"
#include "api/arguments.h"
#include "base/error.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_impersonate);
PG_FUNCTION_INFO_V1(jwt_actor);

/* How long an admin acts as a user unless told otherwise. */
#define DEFAULT_SECONDS (15 * 60)

/* Notes which user of ours will act, if it is one. */
static void
note_agent(const JaIdentity *identity, JaImpersonation *new)
{
	if (identity == NULL || !identity->is_local_issuer || !identity->has_user)
		return;
	new->is_by_user = true;
	new->agent = identity->user;
	new->has_session = identity->has_session;
	new->session = identity->session;
}

/*
 * Who will act: the identity, by its sub, before which the issuer stands unless that is
 * this database; without one, the role of the database session.  Raises 28J03 if the
 * identity has no sub.
 */
static JaString
describe_actor(const JaIdentity *current)
{
	StringInfoData actor;
	JaString	subject;

	initStringInfo(&actor);
	if (current == NULL)
	{
		appendStringInfo(&actor, "role:%s", GetUserNameFromId(GetSessionUserId(), false));
		return (JaString) {actor.data, actor.len};
	}
	if (ja_json_string(&current->claims->root, "sub", &subject) != JA_PRESENT)
		ja_raise(JA_NOT_AUTHENTICATED);
	if (!current->is_local_issuer)
	{
		appendBinaryStringInfo(&actor, current->issuer.data, (int) current->issuer.length);
		appendStringInfoChar(&actor, ' ');
	}
	appendBinaryStringInfo(&actor, subject.data, (int) subject.length);
	return (JaString) {actor.data, actor.len};
}

/*
 * jwt_impersonate(user_id uuid, reason text,
 *				   expires_in interval DEFAULT '15 min') → jsonb
 */
Datum
jwt_impersonate(PG_FUNCTION_ARGS)
{
	int64		longest = ja_settings.max_token_ttl_seconds;
	JaImpersonation new = {
		.user = ja_argument_uuid(fcinfo, 0),
		.reason = ja_argument_required_text(fcinfo, 1),
		.ttl_seconds = ja_argument_seconds_within(fcinfo, 2, Min(DEFAULT_SECONDS, longest),
												  longest)
	};

	ja_plan_refuse_read_only("jwt_impersonate");
	ja_identity_refuse_delegate();
	note_agent(ja_identity_current(), &new);
	new.actor = describe_actor(ja_identity_current());
	PG_RETURN_JSONB_P(ja_impersonate(&new));
}

static Datum
actor_of_identity(const JaIdentity *identity, const void *argument pg_attribute_unused(),
				  bool *is_null)
{
	JaString	actor = identity->actor;

	*is_null = actor.data == NULL;
	return *is_null ? (Datum) 0 :
		PointerGetDatum(cstring_to_text_with_len(actor.data, (int) actor.length));
}

/*
 * jwt_actor() → text
 */
Datum
jwt_actor(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {actor_of_identity, false, -1};

	return ja_accessor_answer(fcinfo, &accessor);
}
