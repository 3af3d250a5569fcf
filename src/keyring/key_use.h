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
	JA_USE_REFRESH,				/* MACs of refresh and API tokens, which end
								 * with their sessions */
	JA_USE_HASH,				/* keyed hashes of names */
	JA_USE_HANDLE,				/* MACs of handles that live for a week at
								 * most */

	JA_KEY_USES
} JaKeyUse;

/* No handle of JA_USE_HANDLE lives longer. */
#define JA_HANDLE_MAX_LIFE_SECONDS (7 * SECS_PER_DAY)

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
