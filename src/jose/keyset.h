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

/* Longest header segment that a key set remembers. */
#define JA_MAX_REMEMBERED_HEADER 256

typedef struct JaKeySet
{
	bool		is_set;			/* read from a JWK Set, not a single JWK */
	int			count;
	JaKey	  **keys;

	/* The last header that chose a key, which spares reading it again. */
	char		header_text[JA_MAX_REMEMBERED_HEADER];
	size_t		header_length;	/* 0: none */
	JaHeader	header;
	JaKey	   *header_key;
} JaKeySet;

extern JaStatus ja_keyset_read(const JsonbContainer *json, JaKeySet **set);
extern JaStatus ja_keyset_choose(JaKeySet *set, const JaHeader *header, JaKey **key);
extern JaStatus ja_keyset_verify(JaKeySet *set, const JaCompact *token, JaHeader *header);

#endif							/* JA_KEYSET_H */
