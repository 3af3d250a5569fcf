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

#include "keyring/jwks.h"
#include "store/scan.h"

/* Whether the current row is published, and if so whether as active key. */
static bool
is_published(const JaScan *scan, TimestampTz now, bool *is_active)
{
	bool		never_activated;
	bool		has_no_end;
	bool		not_revoked;
	bool		is_secret;
	TimestampTz end;

	(void) ja_scan_get(scan, JA_KEYS_ACTIVATED_AT, &never_activated);
	end = DatumGetTimestampTz(ja_scan_get(scan, JA_KEYS_VERIFY_UNTIL, &has_no_end));
	(void) ja_scan_get(scan, JA_KEYS_REVOKED_AT, &not_revoked);
	(void) ja_scan_get(scan, JA_KEYS_PUBLIC_JWK, &is_secret);
	*is_active = !never_activated && has_no_end;
	return !is_secret && not_revoked && (has_no_end || now < end);
}

/* Collects the keys that are published, the active one first. */
static List *
collect(TimestampTz now)
{
	List	   *keys = NIL;
	JaScan		scan;

	scan.key_count = 0;
	ja_scan_start(&scan, JA_KEYS, JA_KEYS_PKEY);
	while (ja_scan_next(&scan))
	{
		bool		is_active;
		bool		is_null;
		Jsonb	   *jwk;

		if (!is_published(&scan, now, &is_active))
			continue;
		jwk = DatumGetJsonbPCopy(ja_scan_get(&scan, JA_KEYS_PUBLIC_JWK, &is_null));
		keys = is_active ? lcons(jwk, keys) : lappend(keys, jwk);
	}
	ja_scan_end(&scan);
	return keys;
}

/* Makes the set in the current memory context. */
Jsonb *
ja_jwks_make(void)
{
	List	   *keys = collect(GetCurrentTimestamp());
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_key(&state, "keys");
	ja_json_push(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < list_length(keys); i++)
	{
		Jsonb	   *jwk = list_nth(keys, i);
		JsonbValue	value;

		value.type = jbvBinary;
		value.val.binary.data = &jwk->root;
		value.val.binary.len = (int) (VARSIZE(jwk) - VARHDRSZ);
		ja_json_push(&state, WJB_ELEM, &value);
	}
	ja_json_push(&state, WJB_END_ARRAY, NULL);
	return ja_json_end_object(&state);
}
