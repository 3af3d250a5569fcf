/*-------------------------------------------------------------------------
 *
 * row_cache.h
 *	  Rows of keys and issuers, parsed and kept until keys change.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ROW_CACHE_H
#define JA_ROW_CACHE_H

#include "base/status.h"

/* Most rows that one cache keeps. */
#define JA_ROW_CACHE_MAX 64

/* What each kept row begins with. */
typedef struct JaCachedRow
{
	MemoryContext context;		/* owns the row */
	bool		is_uncommitted; /* written by the running transaction */
} JaCachedRow;

/* A cache, as its user defines it: a static variable. */
typedef struct JaRowCache
{
	const char *name;			/* of what is kept, for views of memory */
	size_t		row_size;		/* of a structure that begins with JaCachedRow */

	/* Whether the row is what is wanted. */
	bool		(*is_wanted) (const JaCachedRow *row, const void *wanted);

	/* Fills a zeroed row from its table, in the row's context. */
	JaStatus	(*load) (JaCachedRow *row, const void *wanted);

	int			count;
	uint64		keys_counter;	/* of JA_INVALIDATION_KEYS, when the rows were
								 * read */
	JaCachedRow *rows[JA_ROW_CACHE_MAX];
} JaRowCache;

extern JaStatus ja_row_cache_get(JaRowCache *cache, const void *wanted,
								 const JaCachedRow **row);

#endif							/* JA_ROW_CACHE_H */
