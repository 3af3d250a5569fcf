/*-------------------------------------------------------------------------
 *
 * jws.c
 *	  JWS compact serialization (RFC 7515 section 7.1): split, read the
 *	  header, check the signature, sign.
 *
 * An attacker controls every byte of a token.  The order is: size, shape,
 * header, key and algorithm, signature.  To check the signature takes nothing
 * of the payload; a caller that needs "iss" to choose the key decodes it
 * before.  Keys that a header carries or points to (jwk, jku, x5c, x5u) are
 * never used.  The caller has checked the size.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "jose/base64url.h"
#include "jose/jws.h"
#include "jose/signature.h"

/* Longest header segment that is remembered. */
#define MAX_REMEMBERED_HEADER 512

/* The characters up to the next dot, or to the end if that is the last. */
static bool
next_segment(const char **position, const char *end, bool is_last, JaString *segment)
{
	const char *dot = memchr(*position, '.', end - *position);

	if ((dot == NULL) != is_last)
		return false;
	if (dot == NULL)
		dot = end;
	segment->data = *position;
	segment->length = dot - *position;
	*position = dot + 1;
	return true;
}

/*
 * Splits a token into exactly three segments.  Fails with JA_TOKEN_SEGMENTS.
 */
JaStatus
ja_jws_split(JaString token, JaCompact *compact)
{
	const char *position = token.data;
	const char *end = token.data + token.length;

	if (!next_segment(&position, end, false, &compact->header) ||
		!next_segment(&position, end, false, &compact->payload) ||
		!next_segment(&position, end, true, &compact->signature))
		return JA_TOKEN_SEGMENTS;
	compact->signed_part.data = token.data;
	compact->signed_part.length = compact->signature.data - 1 - token.data;
	return JA_OK;
}

/* Decodes a segment into memory of the current context. */
JaStatus
ja_jws_decode_bytes(JaString segment, uint8 **bytes, size_t *length)
{
	*length = JA_BASE64URL_DECODED(segment.length);
	*bytes = palloc(*length + 1);
	return ja_base64url_decode(segment.data, segment.length, *bytes) ?
		JA_OK : JA_TOKEN_BASE64URL;
}

/* Decodes a segment that must hold a JSON object, and notes its members. */
JaStatus
ja_jws_decode_json(JaString segment, JaJsonWatch *watches, int watch_count, Jsonb **object)
{
	uint8	   *bytes;
	size_t		length;
	JaStatus	status = ja_jws_decode_bytes(segment, &bytes, &length);

	if (status != JA_OK)
		return status;
	status = ja_json_parse_object(bytes, length, watches, watch_count, object);
	pfree(bytes);
	return status;
}

/* Media types are compared without case (RFC 7515 section 4.1.9). */
static JaTokenType
token_type(JaString type)
{
	static const char prefix[] = "application/";
	const size_t prefix_length = sizeof(prefix) - 1;

	if (type.length > prefix_length &&
		pg_strncasecmp(type.data, prefix, prefix_length) == 0)
	{
		type.data += prefix_length;
		type.length -= prefix_length;
	}
	if (type.length == 3 && pg_strncasecmp(type.data, "JWT", 3) == 0)
		return JA_TYPE_JWT;
	if (type.length == 6 && pg_strncasecmp(type.data, "at+jwt", 6) == 0)
		return JA_TYPE_ACCESS_TOKEN;
	return JA_TYPE_OTHER;
}

static JaStatus
read_header_names(const JsonbContainer *json, JaHeader *header)
{
	JaString	name;

	if (ja_json_string(json, "alg", &name) != JA_PRESENT)
		return JA_TOKEN_ALGORITHM;
	header->algorithm = ja_algorithm_find(name);
	if (header->algorithm == NULL)
		return JA_TOKEN_ALGORITHM;

	header->type = JA_TYPE_ABSENT;
	switch (ja_json_string(json, "typ", &name))
	{
		case JA_ABSENT:
			break;
		case JA_PRESENT:
			header->type = token_type(name);
			break;
		case JA_MISTYPED:
			return JA_TOKEN_TYPE;
	}

	header->kid.data = NULL;
	header->kid.length = 0;
	switch (ja_json_string(json, "kid", &header->kid))
	{
		case JA_ABSENT:
			return JA_OK;
		case JA_PRESENT:
			return header->kid.length <= JA_MAX_KID ? JA_OK : JA_TOKEN_KID;
		case JA_MISTYPED:
			return JA_TOKEN_KID;
	}
	return JA_TOKEN_KID;
}

/*
 * Reads what decides about a token from its header.  The kid points into the
 * jsonb.  Fails with the JA_TOKEN_... of the member that is not acceptable.
 */
static JaStatus
read_header_members(const JsonbContainer *json, JaHeader *header)
{
	JsonbValue	value;

	/* RFC 7515 4.1.11: extensions that aren't understood must be refused. */
	if (ja_json_member(json, "crit", &value))
		return JA_TOKEN_CRIT;
	/* RFC 7797 section 3; the payload is encoded here, always. */
	if (ja_json_member(json, "b64", &value) &&
		!(value.type == jbvBool && value.val.boolean))
		return JA_TOKEN_B64;
	if (ja_json_member(json, "zip", &value))
		return JA_TOKEN_ZIP;
	return read_header_names(json, header);
}

/*
 * The last header that was read.  Tokens of one issuer share it byte by byte,
 * and reading it costs as much as an HMAC.
 */
static struct
{
	char		text[MAX_REMEMBERED_HEADER];
	size_t		length;			/* 0: none */
	JaHeader	header;
	char		kid[JA_MAX_KID];
}			remembered;

static void
remember_header(JaString segment, const JaHeader *header)
{
	if (segment.length > sizeof(remembered.text))
		return;
	memcpy(remembered.text, segment.data, segment.length);
	remembered.length = segment.length;
	remembered.header = *header;
	if (header->kid.data != NULL)
	{
		memcpy(remembered.kid, header->kid.data, header->kid.length);
		remembered.header.kid.data = remembered.kid;
	}
}

/*
 * Reads a header segment.  The kid points into what is remembered, or into the
 * current memory context, and is valid until the next call.  Fails with the
 * JA_TOKEN_... of what is not acceptable.
 */
JaStatus
ja_jws_header(JaString segment, JaHeader *header)
{
	Jsonb	   *json;
	JaStatus	status;

	if (remembered.length > 0 && remembered.length == segment.length &&
		memcmp(remembered.text, segment.data, segment.length) == 0)
	{
		*header = remembered.header;
		return JA_OK;
	}
	status = ja_jws_decode_json(segment, NULL, 0, &json);
	if (status != JA_OK)
		return status;
	status = read_header_members(&json->root, header);
	if (status != JA_OK)
		return status;
	remember_header(segment, header);
	return JA_OK;
}

/* Fails with JA_TOKEN_SIGNATURE; the key must permit the algorithm. */
JaStatus
ja_jws_check_signature(const JaCompact *token, JaKey *key, const JaAlgorithm *algorithm)
{
	uint8		signature[JA_MAX_SIGNATURE + 3];
	size_t		length = JA_BASE64URL_DECODED(token->signature.length);

	if (length != ja_signature_size(key, algorithm))
		return JA_TOKEN_SIGNATURE;
	if (!ja_base64url_decode(token->signature.data, token->signature.length, signature))
		return JA_TOKEN_BASE64URL;
	return ja_signature_check(key, algorithm, token->signed_part, signature, length);
}

/* A caller's own header members may not contradict what the key decides. */
static JaStatus
check_extra_members(const JaKey *key, const JaAlgorithm *algorithm, const JsonbContainer *extra)
{
	JsonbValue	value;
	JaString	name;

	if (!ja_json_is_object(extra))
		return JA_HEADER_NOT_OBJECT;
	if (ja_json_member(extra, "alg", &value) &&
		!(ja_json_string(extra, "alg", &name) == JA_PRESENT && ja_string_is(name, algorithm->name)))
		return JA_HEADER_ALGORITHM;
	if (ja_json_member(extra, "kid", &value) &&
		!(ja_json_string(extra, "kid", &name) == JA_PRESENT && key->kid.data != NULL &&
		  ja_string_equals(name, key->kid)))
		return JA_HEADER_KID;
	if (ja_json_string(extra, "typ", &name) == JA_MISTYPED ||
		ja_json_member(extra, "crit", &value) || ja_json_member(extra, "zip", &value) ||
		(ja_json_member(extra, "b64", &value) && !(value.type == jbvBool && value.val.boolean)))
		return JA_HEADER_MEMBER;
	return JA_OK;
}

static void
append_base64url(StringInfo out, const void *bytes, size_t length)
{
	enlargeStringInfo(out, (int) JA_BASE64URL_ENCODED(length) + 1);
	out->len += (int) ja_base64url_encode(bytes, length, out->data + out->len);
	out->data[out->len] = '\0';
}

/*
 * Appends the encoded header: "alg" and "kid" of the key, "typ" unless
 * that is NULL, and the caller's extra members unless they are NULL.  Fails
 * with JA_HEADER_... if those contradict the key, or JA_ENCODING.
 */
JaStatus
ja_jws_write_header(const JaKey *key, const JaAlgorithm *algorithm, const char *type,
					const JsonbContainer *extra, StringInfo out)
{
	JaJsonState state = {0};
	StringInfoData json;
	JaStatus	status;

	if (extra != NULL)
	{
		status = check_extra_members(key, algorithm, extra);
		if (status != JA_OK)
			return status;
	}
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	if (extra != NULL)
		ja_json_add_members(&state, extra);
	ja_json_add_string(&state, "alg", algorithm->name, strlen(algorithm->name));
	if (type != NULL)
		ja_json_add_string(&state, "typ", type, strlen(type));
	if (key->kid.data != NULL)
		ja_json_add_string(&state, "kid", key->kid.data, key->kid.length);
	initStringInfo(&json);
	status = ja_json_write(&ja_json_end_object(&state)->root, &json);
	if (status != JA_OK)
		return status;
	append_base64url(out, json.data, json.len);
	return JA_OK;
}

/*
 * The encoded header of a JWT, which follows from the key alone and is kept
 * with it.
 */
JaStatus
ja_jws_jwt_header(JaKey *key, const JaAlgorithm *algorithm, const char *type,
				  JaString *header)
{
	StringInfoData encoded;
	JaStatus	status;

	if (key->header.data == NULL || strcmp(key->header_type, type) != 0)
	{
		initStringInfo(&encoded);
		status = ja_jws_write_header(key, algorithm, type, NULL, &encoded);
		if (status != JA_OK)
			return status;
		if (key->header.data != NULL)
			pfree((char *) key->header.data);
		key->header.data = NULL;
		key->header.data = MemoryContextStrdup(key->context, encoded.data);
		key->header.length = encoded.len;
		key->header_type = type;
	}
	*header = key->header;
	return JA_OK;
}

/*
 * Appends the compact serialization of a payload to the empty string; the
 * header comes from ja_jws_write_header().  The key must be private, and
 * permit the algorithm.  Fails with JA_CRYPTO.
 */
JaStatus
ja_jws_sign(JaKey *key, const JaAlgorithm *algorithm, JaString header,
			JaString payload, StringInfo token)
{
	uint8		signature[JA_MAX_SIGNATURE];
	size_t		length;
	JaStatus	status;

	appendBinaryStringInfo(token, header.data, (int) header.length);
	appendStringInfoChar(token, '.');
	append_base64url(token, payload.data, payload.length);
	status = ja_signature_make(key, algorithm, (JaString) {token->data, token->len},
							   signature, &length);
	if (status != JA_OK)
		return status;
	appendStringInfoChar(token, '.');
	append_base64url(token, signature, length);
	return JA_OK;
}
