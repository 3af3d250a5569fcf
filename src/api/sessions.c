/*-------------------------------------------------------------------------
 *
 * sessions.c
 *	  SQL functions that begin, continue, show and end sessions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "account/login.h"
#include "account/password_change.h"
#include "api/arguments.h"
#include "base/error.h"
#include "identity/authenticate.h"
#include "identity/identity.h"
#include "session/refresh.h"
#include "session/revoke.h"
#include "session/session_own.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_login);
PG_FUNCTION_INFO_V1(jwt_start_session);
PG_FUNCTION_INFO_V1(jwt_refresh);
PG_FUNCTION_INFO_V1(jwt_change_password);
PG_FUNCTION_INFO_V1(jwt_revoke);
PG_FUNCTION_INFO_V1(jwt_consume);
PG_FUNCTION_INFO_V1(jwt_logout);
PG_FUNCTION_INFO_V1(jwt_sessions);
PG_FUNCTION_INFO_V1(jwt_revoke_session);

/* The session of the identity; NULL for a token that belongs to none. */
static const pg_uuid_t *
session_of(const JaSubject *subject)
{
	return subject->has_session ? &subject->session : NULL;
}

/*
 * jwt_login(username text, password text, session_ttl interval DEFAULT NULL)
 *	   → jsonb
 */
Datum
jwt_login(PG_FUNCTION_ARGS)
{
	JaString	username = ja_argument_required_text(fcinfo, 0);
	JaString	password = ja_argument_required_text(fcinfo, 1);
	int64		ttl_seconds = ja_argument_session_ttl(fcinfo, 2);

	ja_plan_refuse_read_only("jwt_login");
	PG_RETURN_JSONB_P(ja_login(username, password, ttl_seconds));
}

/*
 * jwt_start_session(user_id uuid, amr text[] DEFAULT '{}',
 *					 session_ttl interval DEFAULT NULL) → jsonb
 */
Datum
jwt_start_session(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user = ja_argument_uuid(fcinfo, 0);
	ArrayType  *amr = PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1);
	int64		ttl_seconds = ja_argument_session_ttl(fcinfo, 2);

	ja_plan_refuse_read_only("jwt_start_session");
	ja_identity_refuse_delegate();
	PG_RETURN_JSONB_P(ja_login_start_session(&user, amr, ttl_seconds));
}

/*
 * jwt_refresh(refresh_token text) → jsonb
 */
Datum
jwt_refresh(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_handle(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_refresh");
	PG_RETURN_JSONB_P(ja_refresh(token));
}

/*
 * jwt_change_password(old_password text, new_password text) → jsonb
 */
Datum
jwt_change_password(PG_FUNCTION_ARGS)
{
	JaString	old_password = ja_argument_required_text(fcinfo, 0);
	JaString	new_password = ja_argument_required_text(fcinfo, 1);
	JaSubject	subject = ja_identity_require_writer("jwt_change_password");

	ja_identity_require_own_way_in();
	PG_RETURN_JSONB_P(ja_password_change(&subject.user, session_of(&subject),
										 old_password, new_password));
}

/*
 * jwt_revoke(token text) → void
 */
Datum
jwt_revoke(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_credential(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_revoke");
	ja_revoke_token(token);
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}

/* A copy of the transaction's token, since triggers may set another. */
static JaString
copy_current_token(void)
{
	JaString	token = ja_token_setting_value();

	token.data = pnstrdup(token.data, token.length);
	return token;
}

/*
 * jwt_consume(token text, audience text DEFAULT NULL) → jsonb
 */
Datum
jwt_consume(PG_FUNCTION_ARGS)
{
	JaString	token = ja_authenticate_trim(ja_argument_text(fcinfo, 0));
	JaExpectation expected = {
		.audience = ja_argument_text(fcinfo, 1)
	};

	ja_plan_refuse_read_only("jwt_consume");
	PG_RETURN_JSONB_P(ja_revoke_consume(token, &expected));
}

/* Ends the user's sessions but one; raises 42501 for who acts as the user. */
static void
end_all_but(const JaSubject *subject, const pg_uuid_t *except)
{
	ja_identity_refuse_actor();
	ja_session_own_end_all(&subject->user, except);
}

/*
 * jwt_logout(scope text DEFAULT 'local') → void
 */
Datum
jwt_logout(PG_FUNCTION_ARGS)
{
	JaString	scope = ja_argument_text(fcinfo, 0);
	JaSubject	subject = ja_identity_require_writer("jwt_logout");
	JaString	token;

	token = copy_current_token();
	if (scope.data == NULL)
		ja_raise(JA_ACCOUNT_SCOPE);
	if (ja_string_is(scope, "local"))
		ja_revoke_token(token);
	else if (ja_string_is(scope, "others"))
		end_all_but(&subject, session_of(&subject));
	else if (ja_string_is(scope, "global"))
	{
		end_all_but(&subject, NULL);
		ja_revoke_token(token);
	}
	else
		ja_raise(JA_ACCOUNT_SCOPE);
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}

/*
 * jwt_sessions() → SETOF (session_id uuid, created_at timestamptz,
 *	   refreshed_at timestamptz, expires_at timestamptz, user_agent text,
 *	   client_address inet, claimed_address text, is_current boolean,
 *	   method text, actor text, api_token text)
 */
Datum
jwt_sessions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	JaSubject	subject = ja_identity_require_user();

	InitMaterializedSRF(fcinfo, 0);
	ja_session_own_list(&subject.user, session_of(&subject),
						result->setResult, result->setDesc);
	return (Datum) 0;
}

/*
 * jwt_revoke_session(session_id uuid) → void
 */
Datum
jwt_revoke_session(PG_FUNCTION_ARGS)
{
	pg_uuid_t	session = ja_argument_uuid(fcinfo, 0);
	JaSubject	subject = ja_identity_require_writer("jwt_revoke_session");

	ja_identity_refuse_actor();
	ja_session_own_end(&subject.user, &session);
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}
