/*-------------------------------------------------------------------------
 *
 * accessor.h
 *	  Answers about the identity, which call sites remember.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ACCESSOR_H
#define JA_ACCESSOR_H

#include "fmgr.h"

#include "identity/identity.h"

/*
 * Computes an accessor's value; allocates it in the current memory context.  A
 * text argument is a JaString.
 */
typedef Datum (*JaAccessorCompute) (const JaIdentity *identity, const void *argument, bool *is_null);

/* An accessor, and how its values are copied (as in pg_type). */
typedef struct JaAccessor
{
	JaAccessorCompute compute;
	bool		by_value;
	int16		length;
} JaAccessor;

/* What a call site remembers; lives in fn_mcxt, and so does what it lends. */
typedef struct JaCallSite
{
	uint64		epoch;			/* when the answer was found; 0: none is kept */
	Datum		answer;			/* by value, or the one that is lent */
	bool		is_null;
	bool		is_constant;	/* each call has the same arguments, or none */
	bool		lends;
	Datum		lent;			/* if it lends; never changed, never freed */
} JaCallSite;

extern Datum ja_accessor_answer_anew(FunctionCallInfo fcinfo, const void *argument,
									 const JaAccessor *accessor);
extern Datum ja_accessor_answer_text_anew(FunctionCallInfo fcinfo, const JaAccessor *accessor);

/* What the call site remembers, while that still holds; else NULL. */
static inline const JaCallSite *
ja_accessor_remembered(FunctionCallInfo fcinfo)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	const JaCallSite *site = fcinfo->flinfo->fn_extra;

	return likely(site != NULL && ja_identity_holds(site->epoch, statement)) ? site : NULL;
}

/* The answer of an accessor without argument. */
static inline Datum
ja_accessor_answer(FunctionCallInfo fcinfo, const JaAccessor *accessor)
{
	const JaCallSite *site = ja_accessor_remembered(fcinfo);

	if (unlikely(site == NULL))
		return ja_accessor_answer_anew(fcinfo, NULL, accessor);
	fcinfo->isnull = site->is_null;
	return site->answer;
}

/* The answer of an accessor whose one argument is a text; NULL for NULL. */
static inline Datum
ja_accessor_answer_for(FunctionCallInfo fcinfo, const JaAccessor *accessor)
{
	const JaCallSite *site = ja_accessor_remembered(fcinfo);

	if (unlikely(site == NULL))
		return ja_accessor_answer_text_anew(fcinfo, accessor);
	fcinfo->isnull = site->is_null;
	return site->answer;
}

/* False, rather than NULL, so that NOT of it denies as well. */
static inline Datum
ja_accessor_not_null(FunctionCallInfo fcinfo, Datum value)
{
	if (!fcinfo->isnull)
		return value;
	fcinfo->isnull = false;
	return BoolGetDatum(false);
}

#endif							/* JA_ACCESSOR_H */
