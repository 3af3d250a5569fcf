/*-------------------------------------------------------------------------
 *
 * verify.c
 *	  Verification of a whole token: size, shape, header, key, signature,
 *	  and only then the claims (RFC 7519 section 7.2).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"
#include "token/verify.h"

/* Fails with JA_TOKEN_SIZE before anything of an oversized token is read. */
JaStatus
ja_verify_size(JaString token)
{
	return token.length <= (size_t) ja_settings.max_token_size ? JA_OK : JA_TOKEN_SIZE;
}

/*
 * Verifies a token with the caller's keys, without tables.  The claims are in
 * the current memory context.  Fails with JA_TOKEN_....
 */
JaStatus
ja_verify_with_keys(JaString token, JaKeySet *keys,
					const JaExpectation *expected, Jsonb **claims)
{
	JaCompact	compact;
	JaHeader	header;
	JaClaims	read;
	JaStatus	status = ja_verify_size(token);

	if (status == JA_OK)
		status = ja_jws_split(token, &compact);
	if (status == JA_OK)
		status = ja_keyset_verify(keys, &compact, &header);
	if (status == JA_OK)
		status = ja_claims_read(compact.payload, &read);
	if (status == JA_OK)
		status = ja_claims_check_names(header.type, &read.json->root, expected);
	if (status == JA_OK)
		status = ja_claims_read_times(&read);
	if (status == JA_OK)
		status = ja_claims_check_times(&read.times, ja_claims_now());
	if (status == JA_OK)
		*claims = read.json;
	return status;
}
