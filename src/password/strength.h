/*-------------------------------------------------------------------------
 *
 * strength.h
 *	  How hard a password is to guess, in bits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_STRENGTH_H
#define JA_STRENGTH_H

#include "password/password.h"

/* Most words that a caller may hand in, each of JA_UNICODE_MAX_BYTES. */
#define JA_STRENGTH_MAX_WORDS 32

/* What makes a password easy to guess; bits of JaStrength.patterns. */
typedef enum JaPattern
{
	JA_PATTERN_NAME,			/* of the user, or of who asks for the
								 * password */
	JA_PATTERN_DICTIONARY,
	JA_PATTERN_KEYBOARD,
	JA_PATTERN_SEQUENCE,
	JA_PATTERN_REPETITION,
	JA_PATTERN_DATE,

	JA_PATTERN_COUNT
} JaPattern;

typedef struct JaStrength
{
	int			bits;			/* rounded down */
	uint32		patterns;
} JaStrength;

extern JaStatus ja_strength_estimate(const JaPassword *password, JaStrings words,
									 JaStrength *strength);

#endif							/* JA_STRENGTH_H */
