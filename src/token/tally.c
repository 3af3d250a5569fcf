/*-------------------------------------------------------------------------
 *
 * tally.c
 *	  Counts the verdicts on tokens.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "shared/counters.h"
#include "token/tally.h"

typedef struct ReasonRow
{
	JaStatus	status;
	JaCounter	counter;
} ReasonRow;

/* Reasons of other denials than of malformed tokens. */
static const ReasonRow reasons[] = {
	{JA_TOKEN_KID_MISSING, JA_COUNT_DENIED_KEY},
	{JA_TOKEN_KEY_UNKNOWN, JA_COUNT_DENIED_KEY},
	{JA_TOKEN_KEY_ALGORITHM, JA_COUNT_DENIED_KEY},
	{JA_TOKEN_KEY_RETIRED, JA_COUNT_DENIED_KEY},
	{JA_TOKEN_KEY_REVOKED, JA_COUNT_DENIED_KEY},
	{JA_TOKEN_SIGNATURE, JA_COUNT_DENIED_SIGNATURE},
	{JA_TOKEN_ISSUER, JA_COUNT_DENIED_ISSUER},
	{JA_TOKEN_AUDIENCE, JA_COUNT_DENIED_AUDIENCE},
	{JA_TOKEN_NOT_YET_VALID, JA_COUNT_DENIED_TIME},
	{JA_TOKEN_ISSUED_IN_FUTURE, JA_COUNT_DENIED_TIME},
	{JA_TOKEN_NO_EXPIRY, JA_COUNT_DENIED_TIME},
	{JA_TOKEN_EXPIRED, JA_COUNT_DENIED_EXPIRED},
	{JA_TOKEN_SESSION_UNKNOWN, JA_COUNT_DENIED_SESSION_UNKNOWN},
	{JA_TOKEN_SESSION_ENDED, JA_COUNT_DENIED_REVOKED},
	{JA_TOKEN_DENIED, JA_COUNT_DENIED_REVOKED},
	{JA_TOKEN_USER_DISABLED, JA_COUNT_DENIED_REVOKED},
	{JA_TOKEN_CLIENT, JA_COUNT_DENIED_REVOKED},
	{JA_TOKEN_USE, JA_COUNT_DENIED_USE},
	{JA_TOKEN_CONFIRMATION, JA_COUNT_DENIED_USE},
};

static const JaCounter sources[] = {
	[JA_SIGNATURE_CHECKED] = JA_COUNT_TOKENS_NEW,
	[JA_SIGNATURE_SHARED] = JA_COUNT_TOKENS_SHARED,
	[JA_SIGNATURE_REMEMBERED] = JA_COUNT_TOKENS_REMEMBERED,
};

void
ja_tally_accepted(JaSignatureSource source)
{
	ja_count(sources[source]);
}

/* A failure of the machine or of the operator's setup is no denial. */
void
ja_tally_denied(JaStatus status)
{
	for (size_t i = 0; i < lengthof(reasons); i++)
	{
		if (reasons[i].status == status)
		{
			ja_count(reasons[i].counter);
			return;
		}
	}
	if (ja_status_row(status)->sqlstate == JA_SQLSTATE_INVALID_TOKEN)
		ja_count(JA_COUNT_DENIED_MALFORMED);
}
