/*-------------------------------------------------------------------------
 *
 * pgjwt.c
 *	  SQL functions of the extension jwt_auth_pgjwt: the names, arguments and
 *	  results of pgjwt.
 *
 * Secrets are the bytes of a text in the database encoding, of any length, as
 * pgcrypto's hmac() takes them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/arguments.h"
#include "base/compat.h"
#include "base/encoding.h"
#include "base/error.h"
#include "jose/base64url.h"
#include "jose/jws.h"
#include "jose/signature.h"
#include "jose/text_key.h"
#include "token/pgjwt.h"

PG_FUNCTION_INFO_V1(pgjwt_url_encode);
PG_FUNCTION_INFO_V1(pgjwt_url_decode);
PG_FUNCTION_INFO_V1(pgjwt_algorithm_sign);
PG_FUNCTION_INFO_V1(pgjwt_sign);
PG_FUNCTION_INFO_V1(pgjwt_verify);
PG_FUNCTION_INFO_V1(pgjwt_try_cast_double);

/* The base64url of bytes as a text. */
static text *
encode_text(const uint8 *bytes, size_t length)
{
	text	   *encoded;

	if (length > (MaxAllocSize - VARHDRSZ) / 4 * 3)
		ja_raise(JA_PGJWT_LARGE);
	encoded = palloc(VARHDRSZ + JA_BASE64URL_ENCODED(length));
	SET_VARSIZE(encoded, VARHDRSZ + ja_base64url_encode(bytes, length, VARDATA(encoded)));
	return encoded;
}

/* HS256, HS384 or HS512; raises what pgcrypto says of any other name. */
static const JaAlgorithm *
argument_algorithm(FunctionCallInfo fcinfo, int number)
{
	JaString	name = ja_argument_text(fcinfo, number);
	const JaAlgorithm *algorithm = NULL;

	if (name.data != NULL)
		algorithm = ja_algorithm_find(name);
	if (algorithm == NULL || algorithm->kind != JA_OCT)
		ja_raise(JA_PGJWT_ALGORITHM);
	return algorithm;
}

/*
 * url_encode(data bytea) → text
 */
Datum
pgjwt_url_encode(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);

	PG_RETURN_TEXT_P(encode_text((uint8 *) VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data)));
}

/* The text in the alphabet that PostgreSQL decodes, padded. */
static text *
to_base64(JaString encoded)
{
	size_t		padding = (4 - pg_mbstrlen_with_len(encoded.data, (int) encoded.length) % 4) % 4;
	text	   *base64;
	char	   *out;

	if (encoded.length > MaxAllocSize - VARHDRSZ - padding)
		ja_raise(JA_PGJWT_LARGE);
	base64 = palloc(VARHDRSZ + encoded.length + padding);
	out = VARDATA(base64);
	for (size_t i = 0; i < encoded.length; i++)
		out[i] = (char) (encoded.data[i] == '-' ? '+' :
						 encoded.data[i] == '_' ? '/' : encoded.data[i]);
	memset(out + encoded.length, '=', padding);
	SET_VARSIZE(base64, VARHDRSZ + encoded.length + padding);
	return base64;
}

/*
 * url_decode(data text) → bytea
 *
 * What is no strict base64url (padding, the other alphabet, white space, junk)
 * is PostgreSQL's to decode or refuse, as in pgjwt.
 */
Datum
pgjwt_url_decode(PG_FUNCTION_ARGS)
{
	JaString	encoded = ja_argument_text(fcinfo, 0);
	size_t		length = JA_BASE64URL_DECODED(encoded.length);
	bytea	   *decoded = palloc(VARHDRSZ + length);

	if (ja_base64url_decode(encoded.data, encoded.length, (uint8 *) VARDATA(decoded)))
	{
		SET_VARSIZE(decoded, VARHDRSZ + length);
		PG_RETURN_BYTEA_P(decoded);
	}
	pfree(decoded);
	return DirectFunctionCall2(binary_decode, PointerGetDatum(to_base64(encoded)),
							   PointerGetDatum(cstring_to_text("base64")));
}

/*
 * algorithm_sign(signables text, secret text, algorithm text) → text
 */
Datum
pgjwt_algorithm_sign(PG_FUNCTION_ARGS)
{
	JaString	input = ja_argument_text(fcinfo, 0);
	JaString	secret = ja_argument_text(fcinfo, 1);
	const JaAlgorithm *algorithm;
	JaKey	   *key;
	uint8		signature[JA_MAX_SIGNATURE];
	size_t		length;

	if (input.data == NULL || secret.data == NULL)
		PG_RETURN_NULL();
	algorithm = argument_algorithm(fcinfo, 2);
	ja_check(ja_text_key_get(secret, algorithm, &key));
	ja_check(ja_signature_make(key, algorithm, input, signature, &length));
	PG_RETURN_TEXT_P(encode_text(signature, length));
}

/* The text in UTF-8; raises 22P05 if it has no such form. */
static JaString
to_utf8(JaString server)
{
	char	   *utf8;
	JaString	converted;

	if (GetDatabaseEncoding() == PG_UTF8)
		return server;
	utf8 = palloc(JA_ENCODING_ROOM(server.length));
	if (!ja_encoding_from_server(server.data, server.length, utf8, &converted.length) ||
		pg_encoding_verifymbstr(PG_UTF8, utf8, (int) converted.length) != (int) converted.length)
		ja_raise(JA_ENCODING);
	converted.data = utf8;
	return converted;
}

/*
 * sign(payload json, secret text, algorithm text DEFAULT 'HS256') → text
 */
Datum
pgjwt_sign(PG_FUNCTION_ARGS)
{
	JaString	payload = ja_argument_text(fcinfo, 0);
	JaString	secret = ja_argument_text(fcinfo, 1);
	const JaAlgorithm *algorithm = argument_algorithm(fcinfo, 2);
	JaKey	   *key;
	JaString	header;
	StringInfoData token;

	if (payload.length > JA_PGJWT_MAX_TOKEN)
		ja_raise(JA_PGJWT_SIZE);
	ja_check(ja_text_key_get(secret, algorithm, &key));
	ja_check(ja_jws_jwt_header(key, algorithm, "JWT", &header));
	initStringInfo(&token);
	ja_check(ja_jws_sign(key, algorithm, header, to_utf8(payload), &token));
	if (token.len > JA_PGJWT_MAX_TOKEN)
		ja_raise(JA_PGJWT_SIZE);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(token.data, token.len));
}

/* The row type of the result, kept for the calls of one query. */
static TupleDesc
result_type(FunctionCallInfo fcinfo)
{
	TupleDesc	type = fcinfo->flinfo->fn_extra;
	MemoryContext caller;

	if (type == NULL)
	{
		caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		if (get_call_result_type(fcinfo, NULL, &type) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		type = BlessTupleDesc(type);
		fcinfo->flinfo->fn_extra = type;
		MemoryContextSwitchTo(caller);
	}
	return type;
}

/*
 * Verifies the token of the first argument; false unless it is valid.  Raises
 * only for an unusable algorithm or secret.
 */
static bool
verify_arguments(FunctionCallInfo fcinfo, JaPgjwtParts *parts)
{
	JaString	token = ja_argument_text(fcinfo, 0);
	JaString	secret = ja_argument_text(fcinfo, 1);
	const JaAlgorithm *algorithm = NULL;
	JaStatus	status;

	if (secret.data != NULL)
		algorithm = argument_algorithm(fcinfo, 2);
	status = ja_pgjwt_verify(token, secret, algorithm, GetCurrentTimestamp(), parts);
	if (status == JA_KEY_SECRET_LONG || status == JA_CRYPTO)
		ja_raise(status);
	if (status != JA_OK)
		ja_log_refusal(status);
	return status == JA_OK;
}

/* A part as json, or NULL. */
static void
set_json(JaString part, Datum *value, bool *is_null)
{
	*is_null = part.data == NULL;
	if (!*is_null)
		*value = PointerGetDatum(cstring_to_text_with_len(part.data, (int) part.length));
}

/*
 * verify(token text, secret text, algorithm text DEFAULT 'HS256')
 *	   → TABLE (header json, payload json, valid boolean)
 *
 * There is always one row, so that none of the protocols for sets is needed.
 */
Datum
pgjwt_verify(PG_FUNCTION_ARGS)
{
	JaPgjwtParts parts = {{NULL, 0}, {NULL, 0}};
	Datum		values[3] = {0};
	bool		nulls[3] = {true, true, true};

	if (!PG_ARGISNULL(0))
	{
		values[2] = BoolGetDatum(verify_arguments(fcinfo, &parts));
		nulls[2] = false;
		set_json(parts.header, &values[0], &nulls[0]);
		set_json(parts.payload, &values[1], &nulls[1]);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_type(fcinfo), values, nulls)));
}

/*
 * try_cast_double(inp text) → double precision
 */
Datum
pgjwt_try_cast_double(PG_FUNCTION_ARGS)
{
	double		number;

	if (!ja_float8_in(text_to_cstring(PG_GETARG_TEXT_PP(0)), &number))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(number);
}
