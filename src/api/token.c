/*-------------------------------------------------------------------------
 *
 * token.c
 *	  SQL functions on tokens with keys that the caller hands in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "api/arguments.h"
#include "base/error.h"
#include "token/issue.h"
#include "token/verify.h"

PG_FUNCTION_INFO_V1(jwt_sign_with);
PG_FUNCTION_INFO_V1(jwt_verify_with);
PG_FUNCTION_INFO_V1(jwt_decode);

/*
 * jwt_sign_with(claims jsonb, key jsonb) → text
 */
Datum
jwt_sign_with(PG_FUNCTION_ARGS)
{
	Jsonb	   *claims = ja_argument_jsonb(fcinfo, 0, JA_CLAIMS_NOT_OBJECT);
	JaKey	   *key = ja_argument_signing_key(fcinfo, 1);
	StringInfoData token;

	if (!ja_json_is_object(&claims->root))
		ja_raise(JA_CLAIMS_NOT_OBJECT);
	initStringInfo(&token);
	ja_check(ja_issue_with_key(&claims->root, key, JA_TYPE_NAME_JWT, &token));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(token.data, token.len));
}

/*
 * jwt_verify_with(token text, keys jsonb, audience text DEFAULT NULL,
 *				   issuer text DEFAULT NULL) → jsonb
 */
Datum
jwt_verify_with(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_credential(fcinfo, 0);
	JaKeySet   *keys = ja_argument_keys(fcinfo, 1);
	JaExpectation expected;
	Jsonb	   *claims;

	expected.audience = ja_argument_text(fcinfo, 2);
	expected.issuer = ja_argument_text(fcinfo, 3);
	ja_check(ja_verify_with_keys(token, keys, &expected, &claims));
	PG_RETURN_JSONB_P(claims);
}

/*
 * jwt_decode(token text, OUT header jsonb, OUT claims jsonb)
 */
Datum
jwt_decode(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_credential(fcinfo, 0);
	JaCompact	compact;
	Jsonb	   *header;
	Jsonb	   *claims;
	uint8	   *signature;
	size_t		length;
	TupleDesc	row_type;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &row_type) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	ja_check(ja_verify_size(token));
	ja_check(ja_jws_split(token, &compact));
	ja_check(ja_jws_decode_json(compact.header, NULL, 0, &header));
	ja_check(ja_jws_decode_json(compact.payload, NULL, 0, &claims));
	ja_check(ja_jws_decode_bytes(compact.signature, &signature, &length));
	values[0] = JsonbPGetDatum(header);
	values[1] = JsonbPGetDatum(claims);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row_type), values, nulls)));
}
