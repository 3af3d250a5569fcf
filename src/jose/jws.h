/*-------------------------------------------------------------------------
 *
 * jws.h
 *	  JWS compact serialization (RFC 7515 section 7.1).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_JWS_H
#define JA_JWS_H

#include "jose/key.h"

/* The three segments; they point into the token. */
typedef struct JaCompact
{
	JaString	header;
	JaString	payload;
	JaString	signature;
	JaString	signed_part;	/* header, dot, payload */
} JaCompact;

/* Values of "typ" that matter. */
typedef enum JaTokenType
{
	JA_TYPE_ABSENT,
	JA_TYPE_JWT,
	JA_TYPE_ACCESS_TOKEN,		/* at+jwt, RFC 9068 */
	JA_TYPE_OTHER
} JaTokenType;

typedef struct JaHeader
{
	const JaAlgorithm *algorithm;
	JaTokenType type;
	JaString	kid;			/* data NULL: none */
} JaHeader;

extern JaStatus ja_jws_split(JaString token, JaCompact *compact);
extern JaStatus ja_jws_decode_json(JaString segment, JaJsonWatch *watches, int watch_count,
								   Jsonb **object);
extern JaStatus ja_jws_decode_bytes(JaString segment, uint8 **bytes, size_t *length);
extern JaStatus ja_jws_header(JaString segment, JaHeader *header);
extern JaStatus ja_jws_check_signature(const JaCompact *token, JaKey *key,
									   const JaAlgorithm *algorithm);
extern JaStatus ja_jws_write_header(const JaKey *key, const JaAlgorithm *algorithm,
									const char *type, const JsonbContainer *extra,
									StringInfo out);
extern JaStatus ja_jws_jwt_header(JaKey *key, const JaAlgorithm *algorithm,
								  const char *type, JaString *header);
extern JaStatus ja_jws_sign(JaKey *key, const JaAlgorithm *algorithm, JaString header,
							JaString payload, StringInfo token);

#endif							/* JA_JWS_H */
