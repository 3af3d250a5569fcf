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

#include "utils/timestamp.h"

#include "keyring/jwks.h"
#include "store/scan.h"

/* Whether the current row is published, as the active key or another. */
static bool
is_published(const JaScan *scan, bool active, TimestampTz now)
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
	if (is_secret || !not_revoked || !(has_no_end || now < end))
		return false;
	return active == (!never_activated && has_no_end);
}

static void
add_keys(JsonbParseState **state, bool active, TimestampTz now)
{
	JaScan		scan;

	scan.key_count = 0;
	ja_scan_start(&scan, JA_KEYS, JA_KEYS_PKEY);
	while (ja_scan_next(&scan))
	{
		JsonbValue	value;
		Jsonb	   *jwk;
		bool		is_null;

		if (!is_published(&scan, active, now))
			continue;
		jwk = DatumGetJsonbPCopy(ja_scan_get(&scan, JA_KEYS_PUBLIC_JWK, &is_null));
		value.type = jbvBinary;
		value.val.binary.data = &jwk->root;
		value.val.binary.len = (int) (VARSIZE(jwk) - VARHDRSZ);
		pushJsonbValue(state, WJB_ELEM, &value);
	}
	ja_scan_end(&scan);
}

/* Makes the set in the current memory context. */
Jsonb *
ja_jwks_make(void)
{
	TimestampTz now = GetCurrentTimestamp();
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_key(&state, "keys");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	add_keys(&state, true, now);
	add_keys(&state, false, now);
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
