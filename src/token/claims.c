/*-------------------------------------------------------------------------
 *
 * claims.c
 *	  What the claims of a token must be (RFC 7519 section 4.1).
 *
 * Callers check claims only after the signature is right, in the order type,
 * issuer, audience, nbf and iat, exp, so that "expired" says that everything
 * else in the token was right.  Revocation is looked up after that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "token/claims.h"

/* A time of PostgreSQL's in seconds since 1970. */
double
ja_claims_seconds(TimestampTz time)
{
	return time / (double) USECS_PER_SEC +
		(double) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

/* The reverse, for seconds up to JA_CLAIMS_LATEST_DATE; drops fractions. */
TimestampTz
ja_claims_time(double seconds)
{
	int64		since_epoch = (int64) seconds -
	(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;

	return since_epoch * USECS_PER_SEC;
}

/* The moment of what is over at once. */
JaMoment
ja_claims_moment(void)
{
	TimestampTz now = GetCurrentTimestamp();

	return (JaMoment) {.now = now, .start = now};
}

static const char *const watched_names[JA_WATCHED_CLAIMS] = {"exp", "nbf", "iat", "aud"};

/*
 * Decodes the payload of a token; its signature need not be right yet.  Fails
 * with JA_TOKEN_BASE64URL or the JA_TOKEN_... of malformed JSON.
 */
JaStatus
ja_claims_read(JaString payload, JaClaims *claims)
{
	for (int i = 0; i < JA_WATCHED_CLAIMS; i++)
		claims->watched[i] = (JaJsonWatch) {.name = watched_names[i]};
	return ja_jws_decode_json(payload, claims->watched, JA_WATCHED_CLAIMS, &claims->json);
}

/*
 * Takes over a NumericDate, which may have fractions, but must lie between
 * 1970 and 9999.
 */
static JaStatus
read_date(const JsonbContainer *claims, const JaJsonWatch *watch, JaDate *date)
{
	JsonbValue	value;

	date->is_present = watch->seen;
	if (!watch->seen)
		return JA_OK;
	if (watch->is_integer)
		date->seconds = (double) watch->integer;
	else if (ja_json_member(claims, watch->name, &value) && value.type == jbvNumeric)
		date->seconds = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
														   NumericGetDatum(value.val.numeric)));
	else
		return JA_TOKEN_TIME_FORM;
	return date->seconds >= 0 && date->seconds < JA_CLAIMS_LATEST_DATE ? JA_OK : JA_TOKEN_TIME_FORM;
}

static JaStatus
read_times(const JsonbContainer *json, const JaJsonWatch *dates, JaTimes *times)
{
	JaStatus	status = read_date(json, &dates[0], &times->expiry);

	if (status != JA_OK)
		return status;
	status = read_date(json, &dates[1], &times->not_before);
	if (status != JA_OK)
		return status;
	return read_date(json, &dates[2], &times->issued_at);
}

/* Reads the times of a decoded payload.  Fails with JA_TOKEN_TIME_FORM. */
JaStatus
ja_claims_read_times(JaClaims *claims)
{
	return read_times(&claims->json->root, claims->watched, &claims->times);
}

/* Reads the times of claims that came as jsonb; fills nothing else. */
JaStatus
ja_claims_read_json(const JsonbContainer *json, JaClaims *claims)
{
	JsonbValue	value;

	for (int i = 0; i < JA_DATES; i++)
	{
		claims->watched[i] = (JaJsonWatch) {.name = watched_names[i]};
		claims->watched[i].seen = ja_json_member(json, watched_names[i], &value);
	}
	return read_times(json, claims->watched, &claims->times);
}

/*
 * Compares the times of a token with the moment.  Fails with
 * JA_TOKEN_NOT_YET_VALID, JA_TOKEN_ISSUED_IN_FUTURE, JA_TOKEN_NO_EXPIRY,
 * JA_TOKEN_TIME_FORM for a token that is never valid, or JA_TOKEN_EXPIRED.
 */
JaStatus
ja_claims_check_times(const JaTimes *times, JaMoment moment)
{
	double		now = ja_claims_seconds(moment.now);
	double		start = ja_claims_seconds(moment.start);
	double		leeway = ja_settings.leeway_seconds;

	if (times->not_before.is_present && times->not_before.seconds > now + leeway)
		return JA_TOKEN_NOT_YET_VALID;
	if (times->issued_at.is_present && times->issued_at.seconds > now + leeway)
		return JA_TOKEN_ISSUED_IN_FUTURE;
	if (!times->expiry.is_present)
		return ja_settings.require_exp ? JA_TOKEN_NO_EXPIRY : JA_OK;
	if (times->not_before.is_present && times->not_before.seconds > times->expiry.seconds)
		return JA_TOKEN_TIME_FORM;
	return start >= times->expiry.seconds + leeway ? JA_TOKEN_EXPIRED : JA_OK;
}

/*
 * Reads the times of a token that must have an end, whatever the settings say, and
 * compares them with the moment.  Fails as the two above.
 */
JaStatus
ja_claims_check_bounded_times(JaClaims *claims, JaMoment moment)
{
	JaStatus	status = ja_claims_read_times(claims);

	if (status == JA_OK)
		status = ja_claims_check_times(&claims->times, moment);
	if (status == JA_OK && !claims->times.expiry.is_present)
		return JA_TOKEN_NO_EXPIRY;
	return status;
}

/* Whether the array is not empty, and all strings. */
static bool
is_all_strings(JsonbContainer *array)
{
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		if (getIthJsonbValueFromContainer(array, i)->type != jbvString)
			return false;
	}
	return JsonContainerSize(array) > 0;
}

/*
 * "aud", if present and not null, must be a string or an array of strings, and
 * hold the audience exactly, unless its data is NULL (RFC 7519 section 4.1.3).
 * Fails with JA_TOKEN_AUDIENCE.
 */
JaStatus
ja_claims_check_audience(const JsonbContainer *claims, JaString audience)
{
	JsonbValue	value;
	JsonbContainer *array;
	bool		takes_any = audience.data == NULL;

	if (!ja_json_member(claims, "aud", &value) || value.type == jbvNull)
		return takes_any ? JA_OK : JA_TOKEN_AUDIENCE;
	if (value.type == jbvString)
		return takes_any || ja_string_equals(ja_json_text(&value), audience) ?
			JA_OK : JA_TOKEN_AUDIENCE;
	array = ja_json_array(&value);
	if (array == NULL || !is_all_strings(array))
		return JA_TOKEN_AUDIENCE;
	return takes_any || ja_json_array_find(array, audience) >= 0 ? JA_OK : JA_TOKEN_AUDIENCE;
}

/*
 * Checks type, issuer and audience.  Fails with JA_TOKEN_TYPE,
 * JA_TOKEN_ISSUER or JA_TOKEN_AUDIENCE.
 */
JaStatus
ja_claims_check_names(JaTokenType type, const JsonbContainer *claims,
					  const JaExpectation *expected)
{
	JaString	issuer;
	JaPresence	presence;

	if (type == JA_TYPE_OTHER)
		return JA_TOKEN_TYPE;
	presence = ja_json_string(claims, "iss", &issuer);
	if (presence == JA_MISTYPED)
		return JA_TOKEN_ISSUER;
	if (expected->issuer.data != NULL &&
		(presence == JA_ABSENT || !ja_string_equals(issuer, expected->issuer)))
		return JA_TOKEN_ISSUER;
	return ja_claims_check_audience(claims, expected->audience);
}
