/*-------------------------------------------------------------------------
 *
 * pgjwt.c
 *	  Tokens verified as pgjwt does, where pgjwt is right.
 *
 * An attacker controls every byte of a token.  What pgjwt accepts and should
 * not, or raises an error for, is a status here: see the table in doc/pgjwt.md.
 * Unlike with jwt_verify(), header and payload are returned whether or not
 * the signature is right, since users of pgjwt read both of tokens that are
 * not valid; so they are parsed before it, by the parser that refuses what is
 * deep, ambiguous or not UTF-8.
 *
 * "exp" and "nbf" are what pgjwt takes them for: numbers, or strings that
 * PostgreSQL reads as double precision; anything else is no limit.  There is
 * no leeway.  No claim but these counts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/encoding.h"
#include "jose/jws.h"
#include "jose/text_key.h"
#include "token/pgjwt.h"

/* UTF-8 in the database encoding; data NULL where it has no such form. */
static JaString
convert_to_server(JaString utf8)
{
	JaString	converted = {NULL, 0};
	char	   *server;

	if (GetDatabaseEncoding() == PG_UTF8)
		return utf8;
	server = palloc(JA_ENCODING_ROOM(utf8.length));
	if (ja_encoding_to_server(utf8.data, utf8.length, server, &converted.length))
		converted.data = server;
	return converted;
}

/*
 * Reads a segment that should hold a JSON object.  *shown is its text if that
 * is JSON at all, and stays as it is otherwise.
 */
static JaStatus
read_segment(JaString segment, JaJsonWatch *watches, int watch_count,
			 JaString *shown, Jsonb **object)
{
	uint8	   *bytes;
	size_t		length;
	JaStatus	status = ja_jws_decode_bytes(segment, &bytes, &length);

	if (status != JA_OK)
		return status;
	status = ja_json_parse_object(bytes, length, watches, watch_count, object);
	if (status == JA_OK || status == JA_TOKEN_NOT_OBJECT ||
		status == JA_TOKEN_JSON_DUPLICATE || status == JA_TOKEN_JSON_NUMBER)
		*shown = convert_to_server((JaString) {(char *) bytes, length});
	return status;
}

/*
 * Reads the header, whose "alg" must be the one that was asked for.  A header
 * that ja_jws_header() takes is JSON, and mostly the one that it remembers.
 */
static JaStatus
read_pgjwt_header(JaString segment, const JaAlgorithm *algorithm, JaString *shown)
{
	JaHeader	header;
	JaStatus	status = ja_jws_header(segment, &header);
	Jsonb	   *object;
	uint8	   *bytes;
	size_t		length;

	if (status != JA_OK)
	{
		read_segment(segment, NULL, 0, shown, &object);
		return status;
	}
	status = ja_jws_decode_bytes(segment, &bytes, &length);
	if (status != JA_OK)
		return status;
	*shown = convert_to_server((JaString) {(char *) bytes, length});
	return header.algorithm == algorithm ? JA_OK : JA_TOKEN_KEY_ALGORITHM;
}

/*
 * Reads a string as double precision.  Fails with JA_TOKEN_TIME_FORM for a
 * number that is out of range, which is no reason to ignore it; *is_number is
 * false for what is no number.
 */
static JaStatus
read_pgjwt_number(char *string, double *number, bool *is_number)
{
	char	   *end;

	*is_number = ja_float8_in(string, number);
	if (*is_number)
		return JA_OK;
	errno = 0;
	(void) strtod(string, &end);
	if (errno != ERANGE || end == string)
		return JA_OK;
	end += strspn(end, " \t\n\r\v\f");
	return *end == '\0' ? JA_TOKEN_TIME_FORM : JA_OK;
}

/* As to_timestamp(double precision), but fails with JA_TOKEN_TIME_FORM. */
static JaStatus
convert_seconds(double seconds, TimestampTz *time)
{
	double		microseconds;

	if (isnan(seconds))
		return JA_TOKEN_TIME_FORM;
	if (isinf(seconds))
	{
		*time = seconds < 0 ? DT_NOBEGIN : DT_NOEND;
		return JA_OK;
	}
	seconds -= (double) SECS_PER_DAY * (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE);
	microseconds = rint(seconds * USECS_PER_SEC);
	if (!(microseconds >= MIN_TIMESTAMP && microseconds < END_TIMESTAMP))
		return JA_TOKEN_TIME_FORM;
	*time = (TimestampTz) microseconds;
	return JA_OK;
}

/*
 * Reads a time claim; *time stays as it is if the claim is absent or no
 * number.
 */
static JaStatus
read_time(const JsonbContainer *claims, const JaJsonWatch *watch, TimestampTz *time)
{
	JsonbValue	value;
	double		seconds;
	bool		is_number;
	JaStatus	status;

	if (!watch->seen || !ja_json_member(claims, watch->name, &value))
		return JA_OK;
	if (value.type == jbvNumeric)
	{
		seconds = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													 NumericGetDatum(value.val.numeric)));
		return isinf(seconds) ? JA_TOKEN_TIME_FORM : convert_seconds(seconds, time);
	}
	if (value.type != jbvString)
		return JA_OK;
	status = read_pgjwt_number(pnstrdup(value.val.string.val, value.val.string.len),
							   &seconds, &is_number);
	if (status != JA_OK || !is_number)
		return status;
	return convert_seconds(seconds, time);
}

/* The time must lie in [nbf, exp), which must not be back to front. */
static JaStatus
check_pgjwt_times(const JsonbContainer *claims, const JaJsonWatch *dates, TimestampTz now)
{
	TimestampTz not_before = DT_NOBEGIN;
	TimestampTz expiry = DT_NOEND;
	JaStatus	status = read_time(claims, &dates[0], &not_before);

	if (status != JA_OK)
		return status;
	status = read_time(claims, &dates[1], &expiry);
	if (status != JA_OK)
		return status;
	if (not_before > expiry)
		return JA_TOKEN_TIME_FORM;
	if (now < not_before)
		return JA_TOKEN_NOT_YET_VALID;
	return now < expiry ? JA_OK : JA_TOKEN_EXPIRED;
}

static JaStatus
check_pgjwt_signature(const JaCompact *compact, JaString secret, const JaAlgorithm *algorithm)
{
	JaKey	   *key;
	JaStatus	status;

	/* Whoever forgets to set a secret has the empty one. */
	if (secret.length == 0)
		return JA_KEY_SECRET_SHORT;
	status = ja_text_key_get(secret, algorithm, &key);
	if (status != JA_OK)
		return status;
	return ja_jws_check_signature(compact, key, algorithm);
}

/*
 * Verifies a token with a secret, whose data NULL stands for none.  JA_OK means
 * that it is valid; JA_KEY_SECRET_LONG and JA_CRYPTO are the caller's or the
 * machine's failures; anything else says why the token is not valid.  The
 * parts are filled as far as they can be read, in the current context.
 */
JaStatus
ja_pgjwt_verify(JaString token, JaString secret, const JaAlgorithm *algorithm,
				TimestampTz now, JaPgjwtParts *parts)
{
	JaJsonWatch dates[] = {{.name = "nbf"}, {.name = "exp"}};
	JaCompact	compact;
	JaStatus	header_status;
	JaStatus	payload_status;
	JaStatus	status;
	Jsonb	   *claims;

	if (token.length > JA_PGJWT_MAX_TOKEN)
		return JA_TOKEN_SIZE;
	status = ja_jws_split(token, &compact);
	if (status != JA_OK)
		return status;
	header_status = read_pgjwt_header(compact.header, algorithm, &parts->header);
	payload_status = read_segment(compact.payload, dates, lengthof(dates),
								  &parts->payload, &claims);
	status = check_pgjwt_signature(&compact, secret, algorithm);
	if (status == JA_KEY_SECRET_LONG || status == JA_CRYPTO)
		return status;
	if (header_status != JA_OK)
		return header_status;
	if (status != JA_OK)
		return status;
	if (payload_status != JA_OK)
		return payload_status;
	return check_pgjwt_times(&claims->root, dates, now);
}
