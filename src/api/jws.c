/*-------------------------------------------------------------------------
 *
 * jws.c
 *	  SQL functions on signed payloads of any kind (RFC 7515).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "api/arguments.h"
#include "base/error.h"
#include "base/settings.h"
#include "token/verify.h"

PG_FUNCTION_INFO_V1(jws_sign);
PG_FUNCTION_INFO_V1(jws_verify);

/*
 * jws_sign(payload bytea, key jsonb, header jsonb DEFAULT '{}') → text
 */
Datum
jws_sign(PG_FUNCTION_ARGS)
{
	JaString	payload = ja_argument_text(fcinfo, 0);
	Jsonb	   *extra = ja_argument_jsonb(fcinfo, 2, JA_HEADER_NOT_OBJECT);
	JaKey	   *key = ja_argument_signing_key(fcinfo, 1);
	const JaAlgorithm *algorithm = ja_key_signing_algorithm(key);
	StringInfoData header;
	StringInfoData token;

	if (payload.data == NULL)
		ja_raise(JA_PAYLOAD_NULL);
	initStringInfo(&header);
	initStringInfo(&token);
	ja_check(ja_jws_write_header(key, algorithm, NULL, &extra->root, &header));
	if (payload.length > (size_t) ja_settings.max_token_size)
		ja_raise(JA_SIZE);
	ja_check(ja_jws_sign(key, algorithm, (JaString) {header.data, header.len},
						 payload, &token));
	if (token.len > ja_settings.max_token_size)
		ja_raise(JA_SIZE);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(token.data, token.len));
}

/*
 * jws_verify(token text, keys jsonb) → bytea
 */
Datum
jws_verify(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_token(fcinfo, 0);
	JaKeySet   *keys = ja_argument_keys(fcinfo, 1);
	JaCompact	compact;
	JaHeader	header;
	uint8	   *payload;
	size_t		length;

	ja_check(ja_verify_size(token));
	ja_check(ja_jws_split(token, &compact));
	ja_check(ja_keyset_verify(keys, &compact, &header));
	ja_check(ja_jws_decode_bytes(compact.payload, &payload, &length));
	PG_RETURN_BYTEA_P(cstring_to_text_with_len((char *) payload, (int) length));
}
