/*-------------------------------------------------------------------------
 *
 * identifiers.c
 *	  SQL functions by which users manage how they are called.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/identifier.h"
#include "account/identifier_change.h"
#include "account/undo.h"
#include "api/arguments.h"
#include "identity/assurance.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_identifiers);
PG_FUNCTION_INFO_V1(jwt_add_identifier);
PG_FUNCTION_INFO_V1(jwt_confirm_identifier);
PG_FUNCTION_INFO_V1(jwt_remove_identifier);
PG_FUNCTION_INFO_V1(jwt_undo_change);

/* How old an authentication may be that a change of credentials rests on. */
#define RECENT_SECONDS (5 * 60)

/* A user whose authentication is recent enough to change how to log in. */
static JaIdentifierOwner
require_recent_user(const char *function)
{
	const JaRequiredAssurance recent = {.level = 1,.max_age_seconds = RECENT_SECONDS};
	JaSubject	subject = ja_identity_require_writer(function);

	ja_identity_require_own_way_in();
	ja_identity_require_assurance(&recent);
	return (JaIdentifierOwner) {subject.user, subject.session};
}

/*
 * jwt_identifiers() → jsonb
 */
Datum
jwt_identifiers(PG_FUNCTION_ARGS)
{
	JaSubject	subject = ja_identity_require_user();

	PG_RETURN_JSONB_P(ja_identifier_show(&subject.user));
}

/*
 * jwt_add_identifier(identifier text) → jsonb
 */
Datum
jwt_add_identifier(PG_FUNCTION_ARGS)
{
	JaString	identifier = ja_argument_required_text(fcinfo, 0);
	JaIdentifierOwner owner = require_recent_user("jwt_add_identifier");

	PG_RETURN_JSONB_P(ja_identifier_add(&owner, identifier));
}

/*
 * jwt_confirm_identifier(token text, flow text DEFAULT NULL) → jsonb
 */
Datum
jwt_confirm_identifier(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_handle(fcinfo, 0);
	JaString	flow = ja_argument_optional_text(fcinfo, 1);
	JaIdentifierOwner owner = require_recent_user("jwt_confirm_identifier");

	PG_RETURN_JSONB_P(ja_identifier_confirm(&owner, token, flow));
}

/*
 * jwt_remove_identifier(identifier text) → jsonb
 */
Datum
jwt_remove_identifier(PG_FUNCTION_ARGS)
{
	JaString	identifier = ja_argument_required_text(fcinfo, 0);
	JaIdentifierOwner owner = require_recent_user("jwt_remove_identifier");

	PG_RETURN_JSONB_P(ja_identifier_remove(&owner, identifier));
}

/*
 * jwt_undo_change(token text) → jsonb
 */
Datum
jwt_undo_change(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_handle(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_undo_change");
	PG_RETURN_JSONB_P(ja_undo_redeem(token));
}
