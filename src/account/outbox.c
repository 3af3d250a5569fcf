/*-------------------------------------------------------------------------
 *
 * outbox.c
 *	  Messages to users, which a mailer outside of the database sends.
 *
 * A row says to whom, and about which token; link and code are made when the
 * mailer claims it, and go to nobody else.  A mailer that dies loses its lease,
 * and another gets the same message again.  What is void by then is given up
 * instead of sent.
 *
 * Whoever listens learns that something was written, and nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/async.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "account/outbox.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/time.h"
#include "base/uuid.h"
#include "shared/counters.h"
#include "store/plan.h"

#define CHANNEL "jwt_auth_outbox"

/* How long a message without a token is worth sending. */
#define NOTICE_SECONDS SECS_PER_DAY

typedef struct Message
{
	const char *name;
	bool		carries_token;
} Message;

static const Message messages[] = {
	[JA_MESSAGE_RECOVERY] = {"recovery", true},
	[JA_MESSAGE_NO_ACCOUNT] = {"no_account", false},
	[JA_MESSAGE_PASSWORD_CHANGED] = {"password_changed", false},
};

/* A message that was claimed; texts are in the caller's memory context. */
typedef struct Claimed
{
	pg_uuid_t	id;
	const Message *message;
	JaString	channel;
	JaString	recipient;
	bool		has_token;
	pg_uuid_t	token;
	TimestampTz created_at;
	TimestampTz expires_at;
} Claimed;

static JaPlan insert_message = {
	.sql = "INSERT INTO jwt_auth.outbox"
	" (id, kind, channel, recipient, token_id, created_at, expires_at, leased_until)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $6)"
};

static JaPlan claim_some = {
	.sql = "UPDATE jwt_auth.outbox SET leased_until = $3,"
	" attempts = pg_catalog.int4pl(attempts, 1)"
	" WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT o.id FROM jwt_auth.outbox AS o"
	" WHERE o.sent_at IS NULL AND o.failed_at IS NULL"
	" AND o.leased_until OPERATOR(pg_catalog.<=) $1"
	" ORDER BY o.leased_until LIMIT $2 FOR UPDATE SKIP LOCKED))"
	" RETURNING id, kind, channel, recipient, token_id, created_at, expires_at"
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
write_message(JaMessage message, JaIdentifierKind channel, JaString recipient,
			  const pg_uuid_t *token, TimestampTz expires_at)
{
	TimestampTz now = GetCurrentTimestamp();
	pg_uuid_t	id;

	ja_check(ja_uuid_make(now, &id));
	ja_plan_write_one(&insert_message,
					  JA_VALUES(ja_uuid(&id), ja_text(messages[message].name),
								ja_text(ja_identifier_kind_name(channel)), ja_string(recipient),
								ja_uuid(token), ja_time(now), ja_time(expires_at)));
	ja_count(JA_COUNT_MESSAGES);
	if (ja_settings.outbox_notify)
		Async_Notify(CHANNEL, "");
}

/* Writes a message about a token to its recipient; within a scope of ja_plan_begin(). */
void
ja_outbox_add(JaMessage message, JaIdentifierKind channel, const JaOneTimeToken *token)
{
	write_message(message, channel, token->recipient, &token->id, token->expires_at);
}

/*
 * Tells a user something: each verified e-mail address, or each phone number if
 * there is none; within a scope of ja_plan_begin().
 */
void
ja_outbox_notify_user(const pg_uuid_t *user, JaMessage message)
{
	TimestampTz end = ja_seconds_from(GetCurrentTimestamp(), NOTICE_SECONDS);
	JaIdentifierKind channel = JA_IDENTIFIER_PHONE;
	JaIdentifier *identifiers;
	int			count = ja_identifier_list(user, &identifiers);

	for (int i = 0; i < count; i++)
	{
		if (identifiers[i].is_verified && identifiers[i].kind == JA_IDENTIFIER_EMAIL)
			channel = JA_IDENTIFIER_EMAIL;
	}
	for (int i = 0; i < count; i++)
	{
		if (identifiers[i].is_verified && identifiers[i].kind == channel)
			write_message(message, channel,
						  ja_identifier_recipient(identifiers[i].value, channel, identifiers[i].canonical),
						  NULL, end);
	}
}

static const Message *
find_message_kind(JaString name)
{
	for (size_t i = 0; i < lengthof(messages); i++)
	{
		if (ja_string_is(name, messages[i].name))
			return &messages[i];
	}
	elog(ERROR, "stored message has an unknown kind");
}

static void
read_claimed(uint64 row, Claimed *claimed)
{
	bool		is_null;
	Datum		token;

	claimed->id = *DatumGetUUIDP(ja_plan_result(row, 1, &is_null));
	claimed->message = find_message_kind(ja_plan_string(row, 2));
	claimed->channel = ja_plan_string(row, 3);
	claimed->recipient = ja_plan_string(row, 4);
	token = ja_plan_result(row, 5, &is_null);
	claimed->has_token = !is_null && claimed->message->carries_token;
	if (claimed->has_token)
		claimed->token = *DatumGetUUIDP(token);
	claimed->created_at = DatumGetTimestampTz(ja_plan_result(row, 6, &is_null));
	claimed->expires_at = DatumGetTimestampTz(ja_plan_result(row, 7, &is_null));
}

static void
add_time(JaJsonState *state, const char *name, TimestampTz time)
{
	char	   *text = palloc(MAXDATELEN + 1);

	JsonEncodeDateTime(text, TimestampTzGetDatum(time), TIMESTAMPTZOID, NULL);
	ja_json_add_string(state, name, text, strlen(text));
}

/* The link, and the code unless too many wrong ones were tried. */
static void
add_token(JaJsonState *state, const JaOneTimeToken *token, const JaUser *user)
{
	JaString	link = ja_one_time_token_write(token);
	char	   *code;

	ja_json_add_string(state, "token", link.data, link.length);
	if (user->code_failures >= JA_CODE_MAX_USER_FAILURES)
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
	JaUser		user;

	if (claimed->expires_at <= GetCurrentTimestamp())
		return false;
	if (claimed->has_token &&
		(!ja_one_time_token_find(&claimed->token, &token) ||
		 !ja_one_time_token_is_live(&token, &user) ||
		 !ja_handle_can_write(JA_HANDLE_ONE_TIME_TOKEN, token.key_number)))
		return false;
	ja_json_push(state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_uuid(state, "id", &claimed->id);
	ja_json_add_string(state, "kind", claimed->message->name, strlen(claimed->message->name));
	ja_json_add_string(state, "channel", claimed->channel.data, claimed->channel.length);
	ja_json_add_string(state, "recipient", claimed->recipient.data, claimed->recipient.length);
	if (claimed->has_token)
		add_token(state, &token, &user);
	add_time(state, "created_at", claimed->created_at);
	add_time(state, "expires_at", claimed->expires_at);
	ja_json_push(state, WJB_END_OBJECT, NULL);
	return true;
}

/* Says that a message will not be sent, or not before a time, which may be 0. */
static void
fail_message(const pg_uuid_t *id, JaString error, TimestampTz retry_at)
{
	ja_plan_run(&mark_failed, JA_VALUES(ja_uuid(id), ja_time(GetCurrentTimestamp()),
										ja_string(error), ja_time(retry_at)));
}

/* Claims so many messages, and adds those that are to be sent; false: none were due. */
static bool
claim_batch(JaJsonState *state, int32 max_messages, int64 lease_seconds, int32 *added)
{
	static const JaString is_void = {"expired, redeemed or void", 25};
	TimestampTz now = GetCurrentTimestamp();
	int			count = (int) ja_plan_run(&claim_some,
										  JA_VALUES(ja_time(now), ja_bigint(max_messages),
													ja_time(ja_seconds_from(now, lease_seconds))));
	Claimed    *claimed = palloc(Max(count, 1) * sizeof(Claimed));

	for (int i = 0; i < count; i++)
		read_claimed(i, &claimed[i]);
	for (int i = 0; i < count; i++)
	{
		if (add_claimed(state, &claimed[i]))
			(*added)++;
		else
			fail_message(&claimed[i].id, is_void, 0);
	}
	return count > 0;
}

/*
 * Hands out messages that are due, for the time of the lease; an array of
 * objects.
 */
Jsonb *
ja_outbox_claim(int32 max_messages, int64 lease_seconds)
{
	JaPlanScope scope;
	JaJsonState state = {0};
	int32		added = 0;

	ja_plan_begin(&scope);
	MemoryContextSwitchTo(scope.context);
	ja_json_push(&state, WJB_BEGIN_ARRAY, NULL);
	while (added < max_messages &&
		   claim_batch(&state, max_messages - added, lease_seconds, &added))
		continue;
	ja_json_push(&state, WJB_END_ARRAY, NULL);
	ja_plan_end(&scope);
	return JsonbValueToJsonb(state.result);
}

/* Notes that a message was sent; false for an unknown one. */
bool
ja_outbox_sent(const pg_uuid_t *id)
{
	JaPlanScope scope;
	bool		is_known;

	ja_plan_begin(&scope);
	is_known = ja_plan_run(&mark_sent, JA_VALUES(ja_uuid(id), ja_time(GetCurrentTimestamp()))) > 0;
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
	bool		is_known;

	if (retry_in_seconds > 0)
		retry_at = ja_seconds_from(GetCurrentTimestamp(), retry_in_seconds);
	ja_plan_begin(&scope);
	is_known = ja_plan_run(&find_message, JA_VALUES(ja_uuid(id))) > 0;
	fail_message(id, error, retry_at);
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
