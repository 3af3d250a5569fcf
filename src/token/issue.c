/*-------------------------------------------------------------------------
 *
 * issue.c
 *	  Signing claims as a token.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"
#include "token/issue.h"

/*
 * Signs exactly these claims with a private key, with the given value of
 * "typ".  Appends to the empty string.  Fails with JA_SIZE if the token could
 * not be verified here again, JA_ENCODING or JA_CRYPTO.
 */
JaStatus
ja_issue_with_key(const Jsonb *claims, JaKey *key, const char *type, StringInfo token)
{
	const JaAlgorithm *algorithm = ja_key_signing_algorithm(key);
	StringInfoData payload;
	JaString	header;
	JaStatus	status;

	initStringInfo(&payload);
	status = ja_jws_jwt_header(key, algorithm, type, &header);
	if (status == JA_OK)
		status = ja_json_write(&claims->root, &payload);
	if (status == JA_OK)
		status = ja_jws_sign(key, algorithm, header,
							 (JaString) {payload.data, payload.len}, token);
	if (status == JA_OK && token->len > ja_settings.max_token_size)
		status = JA_SIZE;
	return status;
}
