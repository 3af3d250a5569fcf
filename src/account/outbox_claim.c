/*-------------------------------------------------------------------------
 *
 * outbox_claim.c
 *	  What a mailer does with the outbox: it claims messages, and says what came
 *	  of each.
 *
 * Link and code are made here, for the mailer alone.  A mailer that dies loses
 * its lease, and another gets the same message again.  What is void by then is
 * given up instead of sent.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "account/outbox.h"
#include "base/time.h"
#include "session/answer.h"
#include "store/plan.h"
#include "store/wait.h"

/* Messages that a claim looks at beyond those that it hands out, at a time and in all. */
#define MAX_BATCH		INT64CONST(1024)
#define MAX_LOOKED_AT	10000

/* A message that was claimed; texts are in the caller's memory context. */
typedef struct Claimed
{
	pg_uuid_t	id;
	JaString	kind;
	JaString	channel;
	JaString	recipient;
	bool		has_token;
	pg_uuid_t	token;
	TimestampTz created_at;
	TimestampTz expires_at;
	Jsonb	   *data;			/* NULL: none */
} Claimed;

static JaPlan find_due = {
	.sql = "SELECT id, kind, channel, recipient, token_id, created_at, expires_at, data"
	" FROM jwt_auth.outbox WHERE sent_at IS NULL AND failed_at IS NULL"
	" AND leased_until OPERATOR(pg_catalog.<=) $1"
	" ORDER BY leased_until LIMIT $2 FOR UPDATE SKIP LOCKED"
};

static JaPlan lease_some = {
	.sql = "UPDATE jwt_auth.outbox SET leased_until = $2,"
	" attempts = pg_catalog.int4pl(attempts, 1) WHERE id OPERATOR(pg_catalog.=) ANY ($1)"
};

static JaPlan give_up_some = {
	.sql = "UPDATE jwt_auth.outbox SET failed_at = $2, error = $3"
	" WHERE id OPERATOR(pg_catalog.=) ANY ($1)"
};

static JaPlan mark_sent = {
	.sql = "UPDATE jwt_auth.outbox SET sent_at = COALESCE(sent_at, $2)"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan mark_failed = {
	.sql = "UPDATE jwt_auth.outbox SET error = $3,"
	" failed_at = CASE WHEN $4 IS NULL THEN $2 ELSE failed_at END,"
	" leased_until = COALESCE($4, leased_until)"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND sent_at IS NULL"
};

static JaPlan find_message = {
	.sql = "SELECT FROM jwt_auth.outbox WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan give_up_all = {
	.sql = "UPDATE jwt_auth.outbox SET failed_at = $1, error = $2"
	" WHERE sent_at IS NULL AND failed_at IS NULL"
};

static void
read_claimed(uint64 row, Claimed *claimed)
{
	bool		is_null;
	Datum		token;
	Datum		data;

	claimed->id = *DatumGetUUIDP(ja_plan_result(row, 1, &is_null));
	claimed->kind = ja_plan_string(row, 2);
	claimed->channel = ja_plan_string(row, 3);
	claimed->recipient = ja_plan_string(row, 4);
	token = ja_plan_result(row, 5, &is_null);
	claimed->has_token = !is_null && ja_message_carries_token(claimed->kind);
	if (claimed->has_token)
		claimed->token = *DatumGetUUIDP(token);
	claimed->created_at = DatumGetTimestampTz(ja_plan_result(row, 6, &is_null));
	claimed->expires_at = DatumGetTimestampTz(ja_plan_result(row, 7, &is_null));
	data = ja_plan_result(row, 8, &is_null);
	claimed->data = is_null ? NULL : DatumGetJsonbPCopy(data);
}

/*
 * The link, and the code unless too many wrong ones were tried.  Where nobody asked,
 * there is no flow that makes a code good.
 */
static void
add_token(JaJsonState *state, const JaOneTimeToken *token, const JaUser *user)
{
	JaString	link = ja_one_time_token_write(token);
	char	   *code;

	ja_json_add_string(state, "token", link.data, link.length);
	if (!ja_purpose_row(token->purpose)->is_asked_for ||
		user->code_failures >= JA_CODE_MAX_USER_FAILURES)
		return;
	code = palloc(JA_CODE_DIGITS + 1);
	ja_one_time_token_code(token, code);
	ja_json_add_string(state, "code", code, JA_CODE_DIGITS);
}

/* Adds a message to the array, unless there is no point any more in sending it. */
static bool
add_claimed(JaJsonState *state, const Claimed *claimed)
{
	JaOneTimeToken token;
	JaUser		user = {.code_failures = 0};

	if (claimed->expires_at <= GetCurrentTimestamp())
		return false;
	if (claimed->has_token &&
		(!ja_one_time_token_find(&claimed->token, &token) ||
		 !ja_one_time_token_is_live(&token, &user) ||
		 !ja_handle_can_write(JA_HANDLE_ONE_TIME_TOKEN, token.key_number)))
		return false;
	ja_json_push(state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_uuid(state, "id", &claimed->id);
	ja_json_add_string(state, "kind", claimed->kind.data, claimed->kind.length);
	ja_json_add_string(state, "channel", claimed->channel.data, claimed->channel.length);
	ja_json_add_string(state, "recipient", claimed->recipient.data, claimed->recipient.length);
	if (claimed->data != NULL)
		ja_json_add_container(state, "data", &claimed->data->root);
	if (claimed->has_token)
		add_token(state, &token, &user);
	ja_answer_add_time(state, "created_at", claimed->created_at);
	ja_answer_add_time(state, "expires_at", claimed->expires_at);
	ja_json_push(state, WJB_END_OBJECT, NULL);
	return true;
}

/* A claim under way. */
typedef struct Claim
{
	TimestampTz now;
	int64		lease_seconds;
	int32		wanted;			/* messages that may still be handed out */
	JaJsonState state;
} Claim;

static void
run_on_messages(JaPlan *plan, ArrayBuildState *ids, JaValue second, const char *error)
{
	JaValue		array;

	if (ids == NULL)
		return;
	array = ja_array(UUIDARRAYOID,
					 DatumGetArrayTypeP(makeArrayResult(ids, CurrentMemoryContext)));
	if (error == NULL)
		ja_plan_run(plan, JA_VALUES(array, second));
	else
		ja_plan_run(plan, JA_VALUES(array, second, ja_text(error)));
}

/*
 * Looks at so many messages that are due, hands out those that are to be sent, as
 * many as are wanted, and gives up the others.  Returns how many there were.
 */
static int
claim_batch(Claim *claim, int64 size)
{
	ArrayBuildState *leased = NULL;
	ArrayBuildState *given_up = NULL;
	int			count = (int) ja_plan_run(&find_due, JA_VALUES(ja_time(claim->now),
															   ja_bigint(size)));
	Claimed    *claimed = palloc(Max(count, 1) * sizeof(Claimed));

	for (int i = 0; i < count; i++)
		read_claimed(i, &claimed[i]);
	for (int i = 0; i < count && claim->wanted > 0; i++)
	{
		bool		is_added = add_claimed(&claim->state, &claimed[i]);
		ArrayBuildState **ids = is_added ? &leased : &given_up;

		claim->wanted -= is_added;
		*ids = accumArrayResult(*ids, UUIDPGetDatum(&claimed[i].id), false, UUIDOID,
								CurrentMemoryContext);
	}
	run_on_messages(&lease_some, leased,
					ja_time(ja_seconds_from(GetCurrentTimestamp(), claim->lease_seconds)), NULL);
	run_on_messages(&give_up_some, given_up, ja_time(claim->now), "expired, redeemed or void");
	return count;
}

/*
 * Hands out messages that are due, for the time of the lease; an array of
 * objects.  Of those that are void it gives up so many at most, in batches that
 * grow, so that a call ends soon however many have gathered; fewer messages than
 * were asked for may then be handed out although more are due.
 */
Jsonb *
ja_outbox_claim(int32 max_messages, int64 lease_seconds)
{
	JaPlanScope scope;
	Claim		claim = {GetCurrentTimestamp(), lease_seconds, max_messages, {0}};
	int64		size = max_messages;

	ja_plan_begin_in_caller_context(&scope);
	ja_json_push(&claim.state, WJB_BEGIN_ARRAY, NULL);
	for (int64 looked_at = 0; claim.wanted > 0 && looked_at < MAX_LOOKED_AT; looked_at += size)
	{
		size = looked_at == 0 ? max_messages : Min(2 * size, MAX_BATCH);
		if (claim_batch(&claim, size) < size)
			break;
	}
	ja_json_push(&claim.state, WJB_END_ARRAY, NULL);
	ja_plan_end(&scope);
	return JsonbValueToJsonb(claim.state.result);
}

/* Notes that a message was sent; false for an unknown one. */
bool
ja_outbox_sent(const pg_uuid_t *id)
{
	JaPlanScope scope;
	JaWait		wait;
	bool		is_known;

	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	is_known = ja_plan_run(&mark_sent, JA_VALUES(ja_uuid(id), ja_time(GetCurrentTimestamp()))) > 0;
	ja_wait_end(&wait);
	ja_plan_end(&scope);
	return is_known;
}

/*
 * Notes that a message was not sent, and when it can be claimed again; never if
 * that is 0.  One that was sent stays so.  False for an unknown one.
 */
bool
ja_outbox_failed(const pg_uuid_t *id, JaString error, int64 retry_in_seconds)
{
	TimestampTz retry_at = 0;
	JaPlanScope scope;
	JaWait		wait;
	bool		is_known;

	if (retry_in_seconds > 0)
		retry_at = ja_seconds_from(GetCurrentTimestamp(), retry_in_seconds);
	ja_plan_begin(&scope);
	is_known = ja_plan_run(&find_message, JA_VALUES(ja_uuid(id))) > 0;
	ja_wait_begin(&wait);
	ja_plan_run(&mark_failed, JA_VALUES(ja_uuid(id), ja_time(GetCurrentTimestamp()),
										ja_string(error), ja_time(retry_at)));
	ja_wait_end(&wait);
	ja_plan_end(&scope);
	return is_known;
}

/* Gives up all that was not sent. */
void
ja_outbox_give_up_all(const char *reason)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	ja_plan_run(&give_up_all, JA_VALUES(ja_time(GetCurrentTimestamp()), ja_text(reason)));
	ja_plan_end(&scope);
}
