/*-------------------------------------------------------------------------
 *
 * jwk.c
 *	  SQL functions on JSON Web Keys (RFC 7517, 7518, 7638, 8037).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "api/arguments.h"
#include "base/error.h"
#include "jose/jwk.h"
#include "jose/key_oct.h"
#include "jose/pem.h"
#include "jose/pem_text.h"

PG_FUNCTION_INFO_V1(jwk_generate);
PG_FUNCTION_INFO_V1(jwk_from_secret);
PG_FUNCTION_INFO_V1(jwk_from_pem);
PG_FUNCTION_INFO_V1(jwk_public);
PG_FUNCTION_INFO_V1(jwk_to_pem);
PG_FUNCTION_INFO_V1(jwk_thumbprint);

/* Gives the key the kid of an argument, unless that is NULL. */
static void
set_kid(JaKey *key, FunctionCallInfo fcinfo, int number)
{
	JaString	kid = ja_argument_text(fcinfo, number);

	if (kid.data == NULL)
		return;
	ja_check(ja_jwk_check_kid(kid));
	ja_key_set_kid(key, kid);
}

static Datum
return_jwk(const JaKey *key, bool with_private)
{
	Jsonb	   *jwk;

	ja_check(ja_jwk_write(key, with_private, &jwk));
	return JsonbPGetDatum(jwk);
}

/*
 * jwk_generate(alg text, kid text DEFAULT NULL) → jsonb
 */
Datum
jwk_generate(PG_FUNCTION_ARGS)
{
	const JaAlgorithm *algorithm = ja_argument_algorithm(fcinfo, 0);
	JaKey	   *key = ja_key_create(ja_key_type_of_kind(algorithm->kind));

	set_kid(key, fcinfo, 1);
	ja_check(key->type->generate(key, algorithm));
	ja_check(ja_key_bind(key, algorithm));
	return return_jwk(key, true);
}

/*
 * Whether a secret is the text of a key.  A public key taken for a secret would
 * let anybody sign.
 */
static bool
is_key_text(JaString secret)
{
	static const char member[] = "\"kty\"";

	return ja_pem_text_is_pem(secret) ||
		(memchr(secret.data, '{', secret.length) != NULL &&
		 memmem(secret.data, secret.length, member, sizeof(member) - 1) != NULL);
}

/*
 * jwk_from_secret(secret bytea, alg text DEFAULT 'HS256',
 *				   kid text DEFAULT NULL) → jsonb
 */
Datum
jwk_from_secret(PG_FUNCTION_ARGS)
{
	JaString	secret = ja_argument_given_text(fcinfo, 0);
	const JaAlgorithm *algorithm = ja_argument_algorithm(fcinfo, 1);
	JaKey	   *key = ja_key_create(&ja_key_type_oct);

	if (algorithm->kind != JA_OCT)
		ja_raise(JA_KEY_ALGORITHM_MISMATCH);
	if (is_key_text(secret))
		ja_raise(JA_KEY_SECRET_TEXT);
	set_kid(key, fcinfo, 2);
	ja_check(ja_key_oct_set(key, (const uint8 *) secret.data, secret.length));
	ja_check(ja_key_bind(key, algorithm));
	return return_jwk(key, true);
}

/*
 * jwk_from_pem(pem text, alg text, kid text DEFAULT NULL) → jsonb
 */
Datum
jwk_from_pem(PG_FUNCTION_ARGS)
{
	JaString	pem = ja_argument_given_text(fcinfo, 0);
	const JaAlgorithm *algorithm = ja_argument_algorithm(fcinfo, 1);
	JaKey	   *key;

	ja_check(ja_pem_read(pem, algorithm, &key));
	set_kid(key, fcinfo, 2);
	return return_jwk(key, key->is_private);
}

/*
 * jwk_public(jwk jsonb) → jsonb
 */
Datum
jwk_public(PG_FUNCTION_ARGS)
{
	return return_jwk(ja_argument_key(fcinfo, 0), false);
}

/*
 * jwk_to_pem(jwk jsonb) → text
 */
Datum
jwk_to_pem(PG_FUNCTION_ARGS)
{
	JaKey	   *key = ja_argument_key(fcinfo, 0);
	StringInfoData pem;

	initStringInfo(&pem);
	ja_check(ja_pem_write(key, &pem));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(pem.data, pem.len));
}

/*
 * jwk_thumbprint(jwk jsonb) → text
 */
Datum
jwk_thumbprint(PG_FUNCTION_ARGS)
{
	JaKey	   *key = ja_argument_key(fcinfo, 0);
	char		thumbprint[JA_THUMBPRINT_LENGTH];

	ja_check(ja_jwk_thumbprint(key, thumbprint));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(thumbprint, sizeof(thumbprint)));
}
