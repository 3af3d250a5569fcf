/*-------------------------------------------------------------------------
 *
 * jwk.c
 *	  Fuzz target for JWKs and JWK Sets.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"

void
fuzz_jwk(const uint8 *data, size_t size,
		 const FuzzKeys *keys pg_attribute_unused())
{
	Jsonb	   *json = fuzz_jsonb_in(data, size);
	JaKeySet   *set = NULL;

	if (json == NULL || ja_keyset_read(&json->root, &set) != JA_OK)
		return;
	FUZZ_EXPECT(set->count >= 1 && set->count <= JA_MAX_KEYS);
	for (int i = 0; i < set->count; i++)
		fuzz_check_key(set->keys[i]);
}
