/*-------------------------------------------------------------------------
 *
 * challenge.h
 *	  Challenges that passkeys answer, and nonces that identity providers repeat.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CHALLENGE_H
#define JA_CHALLENGE_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "base/string.h"

/* How long challenges are valid, and nonces. */
#define JA_CHALLENGE_SECONDS (5 * SECS_PER_MINUTE)
#define JA_NONCE_SECONDS (10 * SECS_PER_MINUTE)

/* The numbers stand in challenges, and never change. */
typedef enum JaChallengePurpose
{
	JA_CHALLENGE_REGISTRATION = 1,
	JA_CHALLENGE_LOGIN = 2,
	JA_CHALLENGE_SECOND_FACTOR = 3,
	JA_CHALLENGE_EXTERNAL = 4	/* a nonce */
} JaChallengePurpose;

typedef struct JaChallenge
{
	pg_uuid_t	owner;			/* session or ticket for which it was made;
								 * zero: none */
	pg_uuid_t	user_handle;	/* of a new passkey; zero: none */
	TimestampTz expires_at;
} JaChallenge;

extern JaString ja_challenge_make(JaChallengePurpose purpose, const pg_uuid_t *owner,
								  const pg_uuid_t *user_handle);
extern bool ja_challenge_read(JaString text, JaChallengePurpose purpose,
							  JaChallenge *challenge);

#endif							/* JA_CHALLENGE_H */
