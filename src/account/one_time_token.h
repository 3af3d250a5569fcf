/*-------------------------------------------------------------------------
 *
 * one_time_token.h
 *	  One-time tokens: rows, and the links, codes and flows that name them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ONE_TIME_TOKEN_H
#define JA_ONE_TIME_TOKEN_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "account/purpose.h"
#include "keyring/handle.h"
#include "session/user.h"

/* Wrong codes after which a token, or a user's codes, are no longer accepted. */
#define JA_CODE_MAX_FAILURES	5
#define JA_CODE_MAX_USER_FAILURES	100

/* A row; texts are in the memory context of the reader. */
typedef struct JaOneTimeToken
{
	pg_uuid_t	id;
	bool		has_user;		/* false: the address is nobody's */
	pg_uuid_t	user;
	JaPurpose	purpose;
	JaString	recipient;		/* data NULL: an admin hands the link out */
	JaString	canonical;		/* of the recipient */
	int64		credentials_version;
	pg_uuid_t	nonce;
	int32		key_number;
	int			failures;
	TimestampTz expires_at;
	bool		is_consumed;
	Jsonb	   *data;			/* what waits for the redemption; NULL:
								 * nothing */
} JaOneTimeToken;

extern void ja_one_time_token_create(JaOneTimeToken *token, const JaUser *user, int64 ttl_seconds);
extern bool ja_one_time_token_find(const pg_uuid_t *id, JaOneTimeToken *token);
extern bool ja_one_time_token_is_live(const JaOneTimeToken *token, JaUser *user);
extern bool ja_one_time_token_consume(const JaOneTimeToken *token);
extern void ja_one_time_token_count_failure(const JaOneTimeToken *token);

extern bool ja_one_time_token_read(JaString text, JaPurpose purpose, pg_uuid_t *id,
								   pg_uuid_t *nonce);
extern JaString ja_one_time_token_write(const JaOneTimeToken *token);
extern bool ja_flow_read(JaString text, pg_uuid_t *id);
extern JaString ja_flow_write(const pg_uuid_t *id);
extern void ja_one_time_token_code(const JaOneTimeToken *token, char *code);

#endif							/* JA_ONE_TIME_TOKEN_H */
