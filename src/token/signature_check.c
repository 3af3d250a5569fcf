/*-------------------------------------------------------------------------
 *
 * signature_check.c
 *	  The check of a token's signature, unless some backend has done it.
 *
 * The key is one that this backend chose by its own tables, and may verify.
 * That the bytes verify under it may have been found out by any backend.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "base/settings.h"
#include "shared/signatures.h"
#include "token/signature_check.h"

/*
 * When nobody will ask for the token any more, in seconds since 1970; for a
 * token that does not expire, as late as can be.
 */
static uint32
last_use(const JsonbContainer *claims)
{
	JsonbValue	value;
	double		expiry = PG_UINT32_MAX;

	if (ja_json_member(claims, "exp", &value) && value.type == jbvNumeric)
		expiry = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													NumericGetDatum(value.val.numeric)));
	expiry += ja_settings.leeway_seconds;
	if (!(expiry > 0))
		return 0;
	return expiry < PG_UINT32_MAX ? (uint32) expiry : PG_UINT32_MAX;
}

/* The whole token, of which the segments are parts. */
static JaString
text_of(const JaCompact *token)
{
	const char *end = token->signature.data + token->signature.length;

	return (JaString) {token->header.data, end - token->header.data};
}

/*
 * Checks the signature, and notes in verified where the answer came from.  The
 * key must permit the algorithm, and the claims have been read.  Fails as
 * ja_jws_check_signature() does.
 */
JaStatus
ja_signature_check_shared(const JaCompact *token, JaKey *key, const JaAlgorithm *algorithm,
						  JaVerified *verified)
{
	JaVerifiedDigest digest;
	bool		has_digest = ja_signatures_digest(key, algorithm, text_of(token), &digest);
	JaStatus	status;

	verified->source = JA_SIGNATURE_SHARED;
	if (has_digest && ja_signatures_contain(&digest))
		return JA_OK;
	verified->source = JA_SIGNATURE_CHECKED;
	status = ja_jws_check_signature(token, key, algorithm);
	if (status != JA_OK)
		return status;
	if (has_digest)
		ja_signatures_add(&digest, last_use(&verified->claims->root));
	return JA_OK;
}
