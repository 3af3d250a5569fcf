/*-------------------------------------------------------------------------
 *
 * redzone.h
 *	  Lets the address sanitizer see overruns of palloc'd memory.
 *
 * Included before every file of the fuzzing library: what the sources ask
 * palloc() for gets a poisoned zone behind it, and what they pfree() stays
 * poisoned until its memory context is reset.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FUZZ_REDZONE_H
#define FUZZ_REDZONE_H

#include "postgres.h"

extern void *fuzz_palloc(Size size);
extern void *fuzz_palloc0(Size size);
extern char *fuzz_pnstrdup(const char *text, Size length);
extern void fuzz_pfree(void *pointer);

#define palloc(size)	fuzz_palloc(size)
#define palloc0(size)	fuzz_palloc0(size)
#define pnstrdup(text, length)	fuzz_pnstrdup(text, length)
#define pfree(pointer)	fuzz_pfree(pointer)

#endif							/* FUZZ_REDZONE_H */
