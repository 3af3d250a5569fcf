/*-------------------------------------------------------------------------
 *
 * keyset.h
 *	  JWK Sets (RFC 7517 section 5), and which key verifies a token.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEYSET_H
#define JA_KEYSET_H

#include "jose/jws.h"
#include "jose/key.h"

#define JA_MAX_KEYS 100

/* Largest JWK Set that is read, in bytes of its jsonb. */
#define JA_MAX_KEYSET_SIZE	(256 * 1024)

/* A key of a set that can't be used here. */
typedef struct JaSkippedKey
{
	int			position;		/* in the set, from 1 */
	JaString	kid;			/* its beginning; data NULL: none */
	JaStatus	status;			/* why */
} JaSkippedKey;

/* Everything in it lives as long as the set. */
typedef struct JaKeySet
{
	bool		is_set;			/* read from a JWK Set, not a single JWK */
	int			count;
	JaKey	  **keys;
	int			skipped_count;
	JaSkippedKey *skipped;
} JaKeySet;

extern JaStatus ja_keyset_read(const JsonbContainer *json, JaKeySet **set);
extern JaStatus ja_keyset_choose(JaKeySet *set, const JaHeader *header, JaKey **key);
extern JaStatus ja_keyset_verify(JaKeySet *set, const JaCompact *token, JaHeader *header);

extern void ja_keyset_begin(JaJsonState *set);
extern void ja_keyset_add(JaJsonState *set, Jsonb *jwk);
extern Jsonb *ja_keyset_end(JaJsonState *set);

#endif							/* JA_KEYSET_H */
