/*-------------------------------------------------------------------------
 *
 * status.h
 *	  What the lower layers return instead of raising: one code per reason.
 *
 * A code says why; what a client is told (SQLSTATE, message, hint) follows
 * from the table in status.c, and only error.c raises.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_STATUS_H
#define JA_STATUS_H

#define JA_SQLSTATE_INVALID_TOKEN	MAKE_SQLSTATE('2', '8', 'J', '0', '0')
#define JA_SQLSTATE_TOKEN_EXPIRED	MAKE_SQLSTATE('2', '8', 'J', '0', '1')
#define JA_SQLSTATE_TOKEN_REVOKED	MAKE_SQLSTATE('2', '8', 'J', '0', '2')
#define JA_SQLSTATE_UNAUTHENTICATED MAKE_SQLSTATE('2', '8', 'J', '0', '3')
#define JA_SQLSTATE_POSTGREST		MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T')

typedef enum JaStatus
{
	JA_OK,

	/* A token is refused. */
	JA_TOKEN_NULL,
	JA_TOKEN_SIZE,
	JA_TOKEN_SEGMENTS,
	JA_TOKEN_BASE64URL,
	JA_TOKEN_ENCODING,
	JA_TOKEN_JSON,
	JA_TOKEN_JSON_DEPTH,
	JA_TOKEN_JSON_DUPLICATE,
	JA_TOKEN_JSON_NUMBER,
	JA_TOKEN_NOT_OBJECT,
	JA_TOKEN_ALGORITHM,
	JA_TOKEN_KID,
	JA_TOKEN_CRIT,
	JA_TOKEN_B64,
	JA_TOKEN_ZIP,
	JA_TOKEN_KEY_UNKNOWN,
	JA_TOKEN_KEY_ALGORITHM,
	JA_TOKEN_SIGNATURE,
	JA_TOKEN_TYPE,
	JA_TOKEN_ISSUER,
	JA_TOKEN_AUDIENCE,
	JA_TOKEN_TIME_FORM,
	JA_TOKEN_NOT_YET_VALID,
	JA_TOKEN_ISSUED_IN_FUTURE,
	JA_TOKEN_NO_EXPIRY,
	JA_TOKEN_EXPIRED,

	/* A key or algorithm of the caller is unusable. */
	JA_KEY_NULL,
	JA_KEY_NOT_OBJECT,
	JA_KEY_MEMBER,
	JA_KEY_TYPE,
	JA_KEY_CURVE,
	JA_KEY_ALGORITHM_UNKNOWN,
	JA_KEY_ALGORITHM_UNAVAILABLE,
	JA_KEY_ALGORITHM_MISMATCH,
	JA_KEY_USE,
	JA_KEY_OPERATION,
	JA_KEY_KID,
	JA_KEY_SECRET_SHORT,
	JA_KEY_SECRET_LONG,
	JA_KEY_RSA_SIZE,
	JA_KEY_RSA_EXPONENT,
	JA_KEY_RSA_MULTIPRIME,
	JA_KEY_INVALID,
	JA_KEY_WEAK_POINT,
	JA_KEY_PAIR,
	JA_KEY_NOT_PRIVATE,
	JA_KEY_NO_PUBLIC,
	JA_KEY_NO_PEM,
	JA_KEY_SET,
	JA_KEY_SET_EMPTY,
	JA_KEY_SET_SIZE,
	JA_KEY_SET_MIXED,
	JA_KEY_SET_DUPLICATE,
	JA_PEM_SYNTAX,
	JA_PEM_ENCRYPTED,
	JA_PEM_KIND,

	/* Something else the caller handed in is unusable. */
	JA_CLAIMS_NOT_OBJECT,
	JA_ENCODING,
	JA_SIZE,
	JA_PAYLOAD_NULL,
	JA_HEADER_NOT_OBJECT,
	JA_HEADER_ALGORITHM,
	JA_HEADER_KID,
	JA_HEADER_MEMBER,
	JA_NAME_CHARACTER,
	JA_NAME_EMPTY,
	JA_NAME_LONG,
	JA_PASSWORD_CHARACTER,
	JA_PASSWORD_LONG,
	JA_PASSWORD_SHORT,
	JA_PASSWORD_HASH_KIND,
	JA_PASSWORD_HASH_FORM,
	JA_PASSWORD_HASH_COST,

	/* The machine failed, not the caller. */
	JA_CRYPTO,
	JA_MEMORY,

	JA_STATUS_COUNT
} JaStatus;

typedef struct JaStatusRow
{
	int			sqlstate;
	const char *message;		/* what the client reads */
	const char *reason;			/* why, for the server log; NULL: message */
	const char *hint;			/* what to do next; NULL: none */
} JaStatusRow;

extern const JaStatusRow *ja_status_row(JaStatus status);

#endif							/* JA_STATUS_H */
