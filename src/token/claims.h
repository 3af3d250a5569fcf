/*-------------------------------------------------------------------------
 *
 * claims.h
 *	  What the claims of a token must be (RFC 7519 section 4.1).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CLAIMS_H
#define JA_CLAIMS_H

#include "datatype/timestamp.h"

#include "jose/jws.h"

/* What a caller expects of a token. */
typedef struct JaExpectation
{
	JaString	issuer;			/* data NULL: any */
	JaString	audience;		/* data NULL: not checked */
} JaExpectation;

/*
 * When a token is verified.  Its beginning is compared with the clock, its end with
 * the start of what it is used for, so that it does not end in the middle.
 */
typedef struct JaMoment
{
	TimestampTz now;			/* for nbf and iat */
	TimestampTz start;			/* for exp, its session and its key */
} JaMoment;

/* The year 9999; whatever lies beyond is a mistake (RFC 3339 section 5.6). */
#define JA_CLAIMS_LATEST_DATE 253402300800.0

/* The claims exp, nbf and iat. */
#define JA_DATES 3

/* A NumericDate, in seconds since 1970 (RFC 7519 section 2). */
typedef struct JaDate
{
	bool		is_present;
	double		seconds;
} JaDate;

typedef struct JaTimes
{
	JaDate		expiry;
	JaDate		not_before;
	JaDate		issued_at;
} JaTimes;

/* The same and aud are noted while a payload is read. */
#define JA_WATCHED_CLAIMS	(JA_DATES + 1)
#define JA_WATCHED_AUDIENCE JA_DATES

/* Payload and times of a token that were read together. */
typedef struct JaClaims
{
	Jsonb	   *json;
	JaJsonWatch watched[JA_WATCHED_CLAIMS]; /* as read from the payload */
	JaTimes		times;
} JaClaims;

extern JaStatus ja_claims_read(JaString payload, JaClaims *claims);
extern JaStatus ja_claims_read_times(JaClaims *claims);
extern JaStatus ja_claims_read_json(const JsonbContainer *json, JaClaims *claims);
extern JaStatus ja_claims_check_times(const JaTimes *times, JaMoment moment);
extern JaStatus ja_claims_check_bounded_times(JaClaims *claims, JaMoment moment);
extern JaStatus ja_claims_check_names(JaTokenType type, const JsonbContainer *claims,
									  const JaExpectation *expected);
extern JaStatus ja_claims_check_audience(const JsonbContainer *claims, JaString audience);
extern double ja_claims_seconds(TimestampTz time);
extern TimestampTz ja_claims_time(double seconds);
extern JaMoment ja_claims_moment(void);

#endif							/* JA_CLAIMS_H */
