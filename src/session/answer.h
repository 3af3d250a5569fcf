/*-------------------------------------------------------------------------
 *
 * answer.h
 *	  Answers of the token endpoint (RFC 6749 sections 5.1 and 5.2).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ANSWER_H
#define JA_ANSWER_H

#include "password/verdict.h"

/* Values of "error"; the last six are our additions. */
#define JA_ERROR_INVALID_GRANT	"invalid_grant"
#define JA_ERROR_INVALID_REQUEST	"invalid_request"
#define JA_ERROR_INVALID_CLIENT "invalid_client"
#define JA_ERROR_INVALID_SCOPE	"invalid_scope"
#define JA_ERROR_UNSUPPORTED_GRANT_TYPE "unsupported_grant_type"
#define JA_ERROR_UNAVAILABLE	"temporarily_unavailable"
#define JA_ERROR_PASSWORD_REQUIRED	"password_required"
#define JA_ERROR_ACCOUNT_UNKNOWN	"account_unknown"
#define JA_ERROR_ACCOUNT_EXISTS "account_exists"
#define JA_ERROR_SESSION_LIMIT	"session_limit"
#define JA_ERROR_LOGIN_REQUIRED	"login_required"

/* When an attempt may come again whose turn did not come. */
#define JA_BUSY_RETRY_SECONDS 1

/* What it waited for: other attempts on the name, or the hashing of others. */
#define JA_BUSY_NAME	"other attempts on this name have not ended, try again"
#define JA_BUSY_SERVER	"too many passwords are being checked, try again"

typedef struct JaTokens
{
	JaString	access_token;
	int64		expires_in_seconds;
	JaString	refresh_token;	/* data NULL: none */
	int64		refresh_expires_in_seconds;
	JaString	scope;			/* data NULL: as the claims say */
} JaTokens;

extern Jsonb *ja_answer_tokens(const JaTokens *tokens);
extern Jsonb *ja_answer_done(void);
extern Jsonb *ja_answer_object(JaJsonState *state);
extern void ja_answer_add_time(JaJsonState *state, const char *name, TimestampTz time);
extern Jsonb *ja_answer_status(const char *status);
extern Jsonb *ja_answer_sent(JaString flow, int64 expires_in_seconds);
extern void ja_answer_begin_error(JaJsonState *state, const char *error, const char *description);
extern Jsonb *ja_answer_error(const char *error, const char *description);
extern Jsonb *ja_answer_invalid_client(void);
extern Jsonb *ja_answer_refusal(const JaVerdict *verdict);
extern Jsonb *ja_answer_wait(int retry_after_seconds);
extern Jsonb *ja_answer_too_often(int retry_after_seconds);
extern Jsonb *ja_answer_busy(const char *description);

#endif							/* JA_ANSWER_H */
