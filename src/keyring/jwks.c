/*-------------------------------------------------------------------------
 *
 * jwks.c
 *	  Our public keys as JWK Set (RFC 7517 section 5): the active one first,
 *	  then next ones and those that still verify.  Secrets have no public
 *	  half, and so are never in it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/timestamp.h"

#include "jose/keyset.h"
#include "keyring/jwks.h"
#include "store/scan.h"

/* Whether the current row is published, and if so whether as active key. */
static bool
is_published(const JaScan *scan, TimestampTz now, bool *is_active)
{
	bool		has_end = !ja_scan_is_null(scan, Anum_keys_verify_until);

	*is_active = !has_end && !ja_scan_is_null(scan, Anum_keys_activated_at);
	return !ja_scan_is_null(scan, Anum_keys_public_jwk) &&
		ja_scan_is_null(scan, Anum_keys_revoked_at) &&
		(!has_end || now < ja_scan_time(scan, Anum_keys_verify_until));
}

/* Collects the keys that are published, the active one first. */
static List *
collect_published_keys(TimestampTz now)
{
	List	   *keys = NIL;
	JaScan		scan;

	ja_scan_start(&scan, JA_KEYS, JA_KEYS_PKEY, JA_ALL_ROWS);
	while (ja_scan_next(&scan))
	{
		bool		is_active;
		Jsonb	   *jwk;

		if (!is_published(&scan, now, &is_active))
			continue;
		jwk = ja_scan_jsonb(&scan, Anum_keys_public_jwk);
		keys = is_active ? lcons(jwk, keys) : lappend(keys, jwk);
	}
	ja_scan_end(&scan);
	return keys;
}

/* Makes the set in the current memory context. */
Jsonb *
ja_jwks_make(void)
{
	List	   *keys = collect_published_keys(GetCurrentTimestamp());
	JaJsonState state = {0};

	ja_keyset_begin(&state);
	for (int i = 0; i < list_length(keys); i++)
		ja_keyset_add(&state, list_nth(keys, i));
	return ja_keyset_end(&state);
}
