/*-------------------------------------------------------------------------
 *
 * sign_up.c
 *	  SQL functions that sign users up, and invite them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/uuid.h"

#include "account/anonymous.h"
#include "account/invitation.h"
#include "account/sign_up.h"
#include "api/accessor.h"
#include "api/arguments.h"
#include "base/settings.h"
#include "keyring/key_use.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_sign_up);
PG_FUNCTION_INFO_V1(jwt_sign_up_anonymous);
PG_FUNCTION_INFO_V1(jwt_is_anonymous);
PG_FUNCTION_INFO_V1(jwt_confirm_sign_up);
PG_FUNCTION_INFO_V1(jwt_invite);
PG_FUNCTION_INFO_V1(jwt_revoke_invitation);
PG_FUNCTION_INFO_V1(jwt_accept_invitation);

/*
 * jwt_sign_up(identifier text, password text DEFAULT NULL,
 *			   data jsonb DEFAULT '{}') → jsonb
 */
Datum
jwt_sign_up(PG_FUNCTION_ARGS)
{
	JaString	identifier = ja_argument_required_text(fcinfo, 0);
	JaString	password = ja_argument_optional_text(fcinfo, 1);
	Jsonb	   *data = ja_argument_jsonb(fcinfo, 2, JA_SIGN_UP_DATA);
	pg_uuid_t	anonymous;
	bool		is_upgrade;

	ja_plan_refuse_read_only("jwt_sign_up");
	is_upgrade = ja_identity_anonymous_user(&anonymous);
	PG_RETURN_JSONB_P(ja_sign_up_request(identifier, password, data,
										 is_upgrade ? &anonymous : NULL));
}

/*
 * jwt_sign_up_anonymous(data jsonb DEFAULT '{}') → jsonb
 */
Datum
jwt_sign_up_anonymous(PG_FUNCTION_ARGS)
{
	Jsonb	   *data = ja_argument_jsonb(fcinfo, 0, JA_SIGN_UP_DATA);

	ja_plan_refuse_read_only("jwt_sign_up_anonymous");
	PG_RETURN_JSONB_P(ja_anonymous_sign_up(data));
}

static Datum
is_anonymous(const JaIdentity *identity, const void *argument pg_attribute_unused(),
			 bool *is_null)
{
	*is_null = false;
	return BoolGetDatum(identity->is_anonymous);
}

/*
 * jwt_is_anonymous() → boolean
 */
Datum
jwt_is_anonymous(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {is_anonymous, true, sizeof(bool)};

	return ja_accessor_answer(fcinfo, &accessor);
}

/*
 * jwt_confirm_sign_up(token text, flow text DEFAULT NULL,
 *					   password text DEFAULT NULL) → jsonb
 */
Datum
jwt_confirm_sign_up(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_handle(fcinfo, 0);
	JaString	flow = ja_argument_optional_text(fcinfo, 1);
	JaString	password = ja_argument_optional_text(fcinfo, 2);

	ja_plan_refuse_read_only("jwt_confirm_sign_up");
	PG_RETURN_JSONB_P(ja_sign_up_confirm(token, flow, password));
}

/*
 * jwt_invite(identifier text, role name DEFAULT NULL, claims jsonb DEFAULT '{}',
 *			  expires_in interval DEFAULT NULL) → uuid
 */
Datum
jwt_invite(PG_FUNCTION_ARGS)
{
	JaString	identifier = ja_argument_required_text(fcinfo, 0);
	const char *role = ja_argument_role(fcinfo, 1);
	Jsonb	   *claims = ja_argument_jsonb(fcinfo, 2, JA_CLAIMS_NOT_OBJECT);
	int64		ttl_seconds = ja_argument_seconds_within(fcinfo, 3, ja_settings.invitation_ttl_seconds,
														 JA_HANDLE_MAX_LIFE_SECONDS);
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

	ja_plan_refuse_read_only("jwt_invite");
	*id = ja_invitation_create(identifier, role, claims, ttl_seconds);
	PG_RETURN_UUID_P(id);
}

/*
 * jwt_revoke_invitation(invitation_id uuid) → void
 */
Datum
jwt_revoke_invitation(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_revoke_invitation");
	ja_invitation_revoke(&id);
	PG_RETURN_VOID();
}

/*
 * jwt_accept_invitation(token text, password text DEFAULT NULL) → jsonb
 */
Datum
jwt_accept_invitation(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_handle(fcinfo, 0);
	JaString	password = ja_argument_optional_text(fcinfo, 1);

	ja_plan_refuse_read_only("jwt_accept_invitation");
	PG_RETURN_JSONB_P(ja_invitation_accept(token, password));
}
