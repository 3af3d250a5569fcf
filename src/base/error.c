/*-------------------------------------------------------------------------
 *
 * error.c
 *	  Raises a status as PostgreSQL error, or as PostgREST expects it.
 *
 * The reason for a refused token goes to the server log only, and only at
 * DEBUG1: neither the message nor client_min_messages shows it to a client,
 * who could use it as an oracle.  The statement is kept out of the log, since
 * its literals may hold the token or key that was refused.
 *
 * Behind PostgREST an error with SQLSTATE PGRST carries the HTTP status and
 * headers: message and detail are JSON made of constants.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/guc.h"
#include "utils/json.h"

#include "base/compat.h"
#include "base/error.h"

typedef struct HttpRow
{
	int			sqlstate;
	const char *code;
	int			http_status;
	const char *challenge;		/* WWW-Authenticate, RFC 6750 section 3; NULL:
								 * the caller has it */
} HttpRow;

static const HttpRow http_rows[] = {
	{JA_SQLSTATE_INVALID_TOKEN, "28J00", 401, "Bearer error=\"invalid_token\""},
	{JA_SQLSTATE_TOKEN_EXPIRED, "28J01", 401, "Bearer error=\"invalid_token\""},
	{JA_SQLSTATE_TOKEN_REVOKED, "28J02", 401, "Bearer error=\"invalid_token\""},
	{JA_SQLSTATE_UNAUTHENTICATED, "28J03", 401, "Bearer"},
	{JA_SQLSTATE_INSUFFICIENT, "28J04", 401, NULL},
	{ERRCODE_INSUFFICIENT_PRIVILEGE, "42501", 403, "Bearer error=\"insufficient_scope\""},
};

/*
 * True within a transaction that PostgREST opened: it sets request.method in
 * each, and on a pooled connection the value is left as an empty string.
 */
bool
ja_behind_postgrest(void)
{
	const char *method = GetConfigOption("request.method", true, false);

	return method != NULL && method[0] != '\0';
}

/* Of all that lacks a privilege, only a missing scope is the token's. */
static const HttpRow *
find_http_row(JaStatus status)
{
	int			sqlstate = ja_status_row(status)->sqlstate;

	if (sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE && status != JA_SCOPE_MISSING)
		return NULL;
	for (size_t i = 0; i < lengthof(http_rows); i++)
	{
		if (http_rows[i].sqlstate == sqlstate)
			return &http_rows[i];
	}
	return NULL;
}

static void
append_json_or_null(StringInfo out, const char *text)
{
	if (text == NULL)
		appendStringInfoString(out, "null");
	else
		escape_json(out, text);
}

static void
raise_http(const JaStatusRow *row, const HttpRow *http, const char *challenge)
{
	StringInfoData message;
	StringInfoData detail;

	initStringInfo(&message);
	appendStringInfo(&message, "{\"code\": \"%s\", \"message\": ", http->code);
	escape_json(&message, row->message);
	appendStringInfoString(&message, ", \"details\": null, \"hint\": ");
	append_json_or_null(&message, row->hint);
	appendStringInfoChar(&message, '}');

	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"status\": %d, \"headers\": {\"WWW-Authenticate\": ",
					 http->http_status);
	escape_json(&detail, challenge);
	appendStringInfoString(&detail, "}}");

	ereport(ERROR,
			(errcode(JA_SQLSTATE_POSTGREST),
			 errmsg_internal("%s", message.data),
			 errdetail_internal("%s", detail.data),
			 errhidestmt(true)));
}

/*
 * Writes why a token was refused to the server log, where log_min_messages
 * lets DEBUG1 through; never to the client.
 */
void
ja_log_refusal(JaStatus status)
{
	const JaStatusRow *row = ja_status_row(status);

	if (row->reason == NULL || !JA_LOGS_DEBUG1())
		return;
	ereport(LOG_SERVER_ONLY,
			(errmsg_internal("jwt_auth: token refused: %s", row->reason),
			 errhidestmt(true),
			 errhidecontext(true)));
}

/* Raises the error of a status that is not JA_OK; does not return. */
void
ja_raise(JaStatus status)
{
	const JaStatusRow *row = ja_status_row(status);

	ja_log_refusal(status);
	if (ja_behind_postgrest())
	{
		const HttpRow *http = find_http_row(status);

		if (http != NULL)
			raise_http(row, http, http->challenge);
	}
	ereport(ERROR,
			(errcode(row->sqlstate),
			 errmsg("%s", row->message),
			 row->hint ? errhint("%s", row->hint) : 0,
			 errhidestmt(true)));
	pg_unreachable();
}

/*
 * Raises 28J04 with the challenge of RFC 9470 section 3, as detail where nobody
 * makes a header of it; a negative age asks for none.
 */
void
ja_raise_insufficient(int level, int64 max_age_seconds)
{
	const JaStatusRow *row = ja_status_row(JA_ASSURANCE_INSUFFICIENT);
	StringInfoData challenge;

	initStringInfo(&challenge);
	appendStringInfo(&challenge, "Bearer error=\"insufficient_user_authentication\", acr_values=\"aal%d\"",
					 level);
	if (max_age_seconds >= 0)
		appendStringInfo(&challenge, ", max_age=\"" INT64_FORMAT "\"", max_age_seconds);
	if (ja_behind_postgrest())
		raise_http(row, find_http_row(JA_ASSURANCE_INSUFFICIENT), challenge.data);
	ereport(ERROR,
			(errcode(row->sqlstate),
			 errmsg("%s", row->message),
			 errdetail("WWW-Authenticate: %s", challenge.data),
			 errhint("%s", row->hint),
			 errhidestmt(true)));
	pg_unreachable();
}

/*
 * For ja_error_context_push(): keeps the statement that called out of the log.  It may
 * hold a password or a token as a literal, and the log would show it with an error of
 * any kind, such as a timeout, a deadlock, or what a trigger of the operator raises.
 */
void
ja_hide_statement(void *argument pg_attribute_unused())
{
	errhidestmt(true);
}
