/*-------------------------------------------------------------------------
 *
 * key_use.h
 *	  What stored keys are for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEY_USE_H
#define JA_KEY_USE_H

#include "store/value.h"

typedef enum JaKeyUse
{
	JA_USE_SIGNATURE,			/* of JWTs */
	JA_USE_REFRESH,				/* MACs of refresh tokens */
	JA_USE_HASH,				/* keyed hashes of names */

	JA_KEY_USES
} JaKeyUse;

typedef struct JaKeyUseRow
{
	const char *name;			/* value of the column "use" */

	/*
	 * When the last handle will have ended that a key of the use has made, or
	 * makes now; NULL if no handle names such a key by its number.
	 */
	TimestampTz (*last_end) (TimestampTz now);
} JaKeyUseRow;

extern const JaKeyUseRow *ja_key_use_row(JaKeyUse use);

/* A use, as statements and conditions take it. */
static inline JaValue
ja_key_use_value(JaKeyUse use)
{
	return ja_text(ja_key_use_row(use)->name);
}

#endif							/* JA_KEY_USE_H */
