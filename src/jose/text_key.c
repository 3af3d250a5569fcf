/*-------------------------------------------------------------------------
 *
 * text_key.c
 *	  The HMAC key that is a text of any length, as pgjwt takes it.
 *
 * This is the one way to a secret that is shorter than RFC 7518 section 3.2
 * demands; keys that come as JWK never pass here.
 *
 * The last key is kept with its context, which costs more to make than a MAC
 * does.  Another role in the same session may have handed it in, so the
 * bytes are compared in constant time.  A memory context of its own holds
 * key and secret; the key's reset callback wipes them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/secret.h"
#include "jose/text_key.h"

static JaKey *kept = NULL;

static void
forget_kept(void)
{
	MemoryContext context;

	if (kept == NULL)
		return;
	context = kept->context;
	kept = NULL;
	MemoryContextDelete(context);
}

/* Makes a key in a context of its own, which hangs on the current one. */
static JaKey *
create_key(JaString secret, const JaAlgorithm *algorithm)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "jwt_auth text key",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	JaKey	   *key = ja_key_create(&ja_key_type_oct);

	key->algorithm = algorithm;
	key->is_private = true;
	key->secret = palloc(secret.length);
	key->secret_length = secret.length;
	memcpy(key->secret, secret.data, secret.length);
	MemoryContextSwitchTo(caller);
	return key;
}

/*
 * The key of a secret for one HMAC algorithm.  This file keeps and owns the
 * last one, so that it is valid until the next call.  Fails with JA_KEY_SECRET_LONG.
 */
JaStatus
ja_text_key_get(JaString secret, const JaAlgorithm *algorithm, JaKey **key)
{
	JaKey	   *created;

	if (secret.length > JA_MAX_SECRET)
		return JA_KEY_SECRET_LONG;
	if (kept == NULL || kept->algorithm != algorithm ||
		!ja_secret_equals(kept->secret, kept->secret_length, secret.data, secret.length))
	{
		created = create_key(secret, algorithm);
		forget_kept();
		MemoryContextSetParent(created->context, TopMemoryContext);
		kept = created;
	}
	*key = kept;
	return JA_OK;
}
