/*-------------------------------------------------------------------------
 *
 * messages.c
 *	  SQL functions that send one-time tokens, redeem them, and serve the mailer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "account/code_login.h"
#include "account/link_request.h"
#include "account/outbox.h"
#include "account/recovery.h"
#include "api/arguments.h"
#include "base/error.h"
#include "base/settings.h"
#include "keyring/key_use.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_request_recovery);
PG_FUNCTION_INFO_V1(jwt_recover);
PG_FUNCTION_INFO_V1(jwt_request_login);
PG_FUNCTION_INFO_V1(jwt_login_code);
PG_FUNCTION_INFO_V1(jwt_create_link);
PG_FUNCTION_INFO_V1(jwt_outbox_claim);
PG_FUNCTION_INFO_V1(jwt_outbox_sent);
PG_FUNCTION_INFO_V1(jwt_outbox_failed);

/* Messages that one call hands out, and for how long at most. */
#define MAX_MESSAGES 1000
#define MAX_LEASE_SECONDS SECS_PER_DAY

/* Sends what is for the purpose to the identifier that is the first argument. */
static Datum
request_link(FunctionCallInfo fcinfo, const char *function, JaPurpose purpose)
{
	JaString	identifier = ja_argument_required_text(fcinfo, 0);

	ja_plan_refuse_read_only(function);
	PG_RETURN_JSONB_P(ja_link_request(purpose, identifier));
}

/*
 * jwt_request_recovery(identifier text) → jsonb
 */
Datum
jwt_request_recovery(PG_FUNCTION_ARGS)
{
	return request_link(fcinfo, "jwt_request_recovery", JA_PURPOSE_RECOVERY);
}

/*
 * jwt_recover(token text, new_password text, flow text DEFAULT NULL) → jsonb
 */
Datum
jwt_recover(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_handle(fcinfo, 0);
	JaString	new_password = ja_argument_required_text(fcinfo, 1);
	JaString	flow = ja_argument_optional_text(fcinfo, 2);

	ja_plan_refuse_read_only("jwt_recover");
	PG_RETURN_JSONB_P(ja_recovery_redeem(token, new_password, flow));
}

/*
 * jwt_request_login(identifier text) → jsonb
 */
Datum
jwt_request_login(PG_FUNCTION_ARGS)
{
	return request_link(fcinfo, "jwt_request_login", JA_PURPOSE_LOGIN);
}

/*
 * jwt_login_code(token text, flow text DEFAULT NULL) → jsonb
 */
Datum
jwt_login_code(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_handle(fcinfo, 0);
	JaString	flow = ja_argument_optional_text(fcinfo, 1);

	ja_plan_refuse_read_only("jwt_login_code");
	PG_RETURN_JSONB_P(ja_code_login(token, flow));
}

/*
 * jwt_create_link(user_id uuid, purpose text,
 *				   expires_in interval DEFAULT NULL) → text
 */
Datum
jwt_create_link(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user = ja_argument_uuid(fcinfo, 0);
	JaString	name = ja_argument_required_text(fcinfo, 1);
	int64		ttl_seconds = 0;
	JaPurpose	purpose;
	JaString	link;

	if (!PG_ARGISNULL(2))
		ttl_seconds = ja_argument_seconds_within(fcinfo, 2, 0, JA_HANDLE_MAX_LIFE_SECONDS);
	ja_plan_refuse_read_only("jwt_create_link");
	if (!ja_link_find_purpose(name, &purpose))
		ja_raise(JA_ACCOUNT_PURPOSE);
	link = ja_link_create(&user, purpose, ttl_seconds);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(link.data, (int) link.length));
}

/*
 * jwt_outbox_claim(max_messages integer DEFAULT 10,
 *					lease interval DEFAULT '1 min') → jsonb
 */
Datum
jwt_outbox_claim(PG_FUNCTION_ARGS)
{
	int32		max_messages = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0);
	int64		lease_seconds = ja_argument_seconds_within(fcinfo, 1, 0, MAX_LEASE_SECONDS);

	ja_plan_refuse_read_only("jwt_outbox_claim");
	if (max_messages < 1 || max_messages > MAX_MESSAGES)
		ja_raise(JA_MESSAGE_COUNT);
	PG_RETURN_JSONB_P(ja_outbox_claim(max_messages, lease_seconds));
}

/*
 * jwt_outbox_sent(message_id uuid) → void
 */
Datum
jwt_outbox_sent(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_outbox_sent");
	if (!ja_outbox_sent(&id))
		ja_raise(JA_MESSAGE_UNKNOWN);
	PG_RETURN_VOID();
}

/*
 * jwt_outbox_failed(message_id uuid, error text,
 *					 retry_in interval DEFAULT NULL) → void
 */
Datum
jwt_outbox_failed(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);
	JaString	error = ja_argument_optional_text(fcinfo, 1);
	int64		retry_in_seconds = 0;

	if (!PG_ARGISNULL(2))
		retry_in_seconds = ja_argument_seconds_within(fcinfo, 2, 0, JA_HANDLE_MAX_LIFE_SECONDS);
	ja_plan_refuse_read_only("jwt_outbox_failed");
	if (!ja_outbox_failed(&id, error, retry_in_seconds))
		ja_raise(JA_MESSAGE_UNKNOWN);
	PG_RETURN_VOID();
}
