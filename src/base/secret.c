/*-------------------------------------------------------------------------
 *
 * secret.c
 *	  Random bytes, and secrets that are wiped with their memory context.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/secret.h"

typedef struct WipedSecret
{
	MemoryContextCallback callback;
	void	   *data;
	size_t		length;
} WipedSecret;

/* Fills the buffer from the server's strong random source. */
JaStatus
ja_secret_random(void *out, size_t length)
{
	return pg_strong_random(out, length) ? JA_OK : JA_CRYPTO;
}

static void
wipe_secret(void *argument)
{
	WipedSecret *secret = argument;

	OPENSSL_cleanse(secret->data, secret->length);
}

/*
 * Arranges that the bytes, which must live in the given context, are wiped
 * when it is reset or deleted, also by an error.
 */
void
ja_secret_wipe_on_reset(MemoryContext context, void *data, size_t length)
{
	WipedSecret *secret = MemoryContextAlloc(context, sizeof(WipedSecret));

	secret->data = data;
	secret->length = length;
	secret->callback.func = wipe_secret;
	secret->callback.arg = secret;
	MemoryContextRegisterResetCallback(context, &secret->callback);
}
