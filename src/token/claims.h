/*-------------------------------------------------------------------------
 *
 * claims.h
 *	  What the claims of a token must be (RFC 7519 section 4.1).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CLAIMS_H
#define JA_CLAIMS_H

#include "jose/jws.h"

/* What a caller expects of a token. */
typedef struct JaExpectation
{
	JaString	issuer;			/* data NULL: any */
	JaString	audience;		/* data NULL: not checked */
} JaExpectation;

/* NumericDates of a token, in seconds since 1970. */
typedef struct JaTimes
{
	bool		has_expiry;
	bool		has_not_before;
	bool		has_issued_at;
	double		expiry;
	double		not_before;
	double		issued_at;
} JaTimes;

extern JaStatus ja_claims_read_times(const JsonbContainer *claims, JaTimes *times);
extern JaStatus ja_claims_check_times(const JaTimes *times, double now);
extern JaStatus ja_claims_check_names(JaTokenType type, const JsonbContainer *claims,
									  const JaExpectation *expected);
extern double ja_claims_now(void);

#endif							/* JA_CLAIMS_H */
