/*-------------------------------------------------------------------------
 *
 * answer.c
 *	  Answers of the token endpoint (RFC 6749 sections 5.1 and 5.2).
 *
 * A denial is an answer, not an error: an error would roll back the failure
 * that was counted and the session that was revoked.  Behind PostgREST each
 * answer says that it must not be stored, and a denial sets the HTTP status.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "session/answer.h"

static void
add_answer_text(JaJsonState *state, const char *name, const char *text)
{
	ja_json_add_string(state, name, text, strlen(text));
}

static void
set_response_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
							 true, 0, false);
}

/* What stands between the white space that JSON allows around a value. */
static JaString
trim_json(JaString text)
{
	static const char white_space[] = " \t\n\r";

	while (text.length > 0 && strchr(white_space, text.data[0]) != NULL)
	{
		text.data++;
		text.length--;
	}
	while (text.length > 0 && strchr(white_space, text.data[text.length - 1]) != NULL)
		text.length--;
	return text;
}

/* The elements of the list of headers that was set before; empty without one. */
static JaString
former_headers(void)
{
	const char *value = GetConfigOption("response.headers", true, false);
	JaString	list = {"", 0};

	if (value != NULL)
		list = trim_json((JaString) {value, strlen(value)});
	if (list.length < 2 || list.data[0] != '[' || list.data[list.length - 1] != ']')
		return (JaString) {"", 0};
	return trim_json((JaString) {list.data + 1, list.length - 2});
}

/*
 * Sets what PostgREST makes of the answer; nothing outside of it.  Headers
 * that were set before, by a pre-request function, stay.
 */
static void
set_http(const char *status, int retry_after_seconds)
{
	JaString	former;
	StringInfoData headers;

	if (!ja_behind_postgrest())
		return;
	former = former_headers();
	initStringInfo(&headers);
	appendStringInfoChar(&headers, '[');
	if (former.length > 0)
	{
		appendBinaryStringInfo(&headers, former.data, (int) former.length);
		appendStringInfoString(&headers, ", ");
	}
	appendStringInfoString(&headers, "{\"Cache-Control\": \"no-store\"}, {\"Pragma\": \"no-cache\"}");
	if (retry_after_seconds > 0)
		appendStringInfo(&headers, ", {\"Retry-After\": \"%d\"}", retry_after_seconds);
	appendStringInfoChar(&headers, ']');
	set_response_setting("response.headers", headers.data);
	if (status != NULL)
		set_response_setting("response.status", status);
}

/* A token response (RFC 6749 section 5.1). */
Jsonb *
ja_answer_tokens(const JaTokens *tokens)
{
	JaJsonState state = {0};

	set_http(NULL, 0);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&state, "access_token",
					   tokens->access_token.data, tokens->access_token.length);
	add_answer_text(&state, "token_type", "Bearer");
	ja_json_add_integer(&state, "expires_in", tokens->expires_in_seconds);
	if (tokens->refresh_token.data != NULL)
	{
		ja_json_add_string(&state, "refresh_token",
						   tokens->refresh_token.data, tokens->refresh_token.length);
		ja_json_add_integer(&state, "refresh_expires_in", tokens->refresh_expires_in_seconds);
	}
	if (tokens->scope.data != NULL)
		ja_json_add_string(&state, "scope", tokens->scope.data, tokens->scope.length);
	return ja_json_end_object(&state);
}

/* An empty object: done, and there is nothing to hand out. */
Jsonb *
ja_answer_done(void)
{
	JaJsonState state = {0};

	set_http(NULL, 0);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	return ja_json_end_object(&state);
}

/* Ends an object whose members the caller has added. */
Jsonb *
ja_answer_object(JaJsonState *state)
{
	set_http(NULL, 0);
	return ja_json_end_object(state);
}

/* Adds a time as to_jsonb() writes it. */
void
ja_answer_add_time(JaJsonState *state, const char *name, TimestampTz time)
{
	char	   *text = palloc(MAXDATELEN + 1);

	JsonEncodeDateTime(text, TimestampTzGetDatum(time), TIMESTAMPTZOID, NULL);
	add_answer_text(state, name, text);
}

/* What was done, where there are no tokens to hand out. */
Jsonb *
ja_answer_status(const char *status)
{
	JaJsonState state = {0};

	set_http(NULL, 0);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_answer_text(&state, "status", status);
	return ja_json_end_object(&state);
}

/* A message was sent, or not: nobody is told. */
Jsonb *
ja_answer_sent(JaString flow, int64 expires_in_seconds)
{
	JaJsonState state = {0};

	set_http(NULL, 0);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_answer_text(&state, "status", "sent");
	ja_json_add_string(&state, "flow", flow.data, flow.length);
	ja_json_add_integer(&state, "expires_in", expires_in_seconds);
	return ja_json_end_object(&state);
}

/* Begins an error response (RFC 6749 section 5.2), to which the caller adds members. */
void
ja_answer_begin_error(JaJsonState *state, const char *error, const char *description)
{
	set_http("400", 0);
	ja_json_push(state, WJB_BEGIN_OBJECT, NULL);
	add_answer_text(state, "error", error);
	add_answer_text(state, "error_description", description);
}

/* The whole of it. */
Jsonb *
ja_answer_error(const char *error, const char *description)
{
	JaJsonState state = {0};

	ja_answer_begin_error(&state, error, description);
	return ja_json_end_object(&state);
}

/* That to a client that is not the one it says (its HTTP status is another). */
Jsonb *
ja_answer_invalid_client(void)
{
	JaJsonState state = {0};

	set_http("401", 0);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_answer_text(&state, "error", JA_ERROR_INVALID_CLIENT);
	add_answer_text(&state, "error_description", "the client could not be authenticated");
	return ja_json_end_object(&state);
}

/*
 * The error response to a new password that is refused, with all reasons and,
 * if it is too weak, the patterns that were found in it.
 */
Jsonb *
ja_answer_refusal(const JaVerdict *verdict)
{
	JaJsonState state = {0};

	set_http("400", 0);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_answer_text(&state, "error", JA_ERROR_INVALID_REQUEST);
	add_answer_text(&state, "error_description", ja_verdict_description(verdict));
	ja_verdict_write_reasons(verdict, &state);
	if (verdict->reasons & (1U << JA_REASON_WEAK))
		ja_verdict_write_patterns(verdict, &state);
	return ja_json_end_object(&state);
}

static Jsonb *
answer_later(const char *description, int retry_after_seconds)
{
	JaJsonState state = {0};

	set_http("429", retry_after_seconds);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_answer_text(&state, "error", JA_ERROR_UNAVAILABLE);
	add_answer_text(&state, "error_description", description);
	ja_json_add_integer(&state, "retry_after", retry_after_seconds);
	return ja_json_end_object(&state);
}

/* The error response of an attempt that came too early after failures. */
Jsonb *
ja_answer_wait(int retry_after_seconds)
{
	return answer_later("too many failed attempts, try again later", retry_after_seconds);
}

/* That of a change which would be one too many for now. */
Jsonb *
ja_answer_too_often(int retry_after_seconds)
{
	return answer_later("too many changes or requests, try again later", retry_after_seconds);
}

/* That of one whose turn did not come, though it may be right. */
Jsonb *
ja_answer_busy(const char *description)
{
	return answer_later(description, JA_BUSY_RETRY_SECONDS);
}
