/*-------------------------------------------------------------------------
 *
 * postgrest_config.c
 *	  What PostgREST asks for when it configures itself: the keys that it
 *	  verifies tokens with, for its role switch.
 *
 * It reads a set of keys as a whole, or not at all, so that only those are
 * handed over that it can use.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"
#include "utils/jsonb.h"

#include "base/error.h"
#include "base/settings.h"
#include "identity/postgrest.h"
#include "jose/keyset.h"
#include "keyring/jwks.h"
#include "keyring/stored_key.h"
#include "store/scan.h"

/* The algorithms that PostgREST verifies. */
static const char *const algorithms[] = {"ES256", "ES384", "ES512", "RS256", "EdDSA"};

/* The curves that these use. */
static const char *const curves[] = {"P-256", "P-384", "P-521", "Ed25519"};

static bool
is_one_of(JaString name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (ja_string_is(name, names[i]))
			return true;
	}
	return false;
}

/* Whether PostgREST can verify with a public key. */
static bool
is_usable(const JsonbContainer *jwk)
{
	JaString	name;

	switch (ja_json_string(jwk, "alg", &name))
	{
		case JA_PRESENT:
			return is_one_of(name, algorithms, lengthof(algorithms));
		case JA_ABSENT:
			break;
		case JA_MISTYPED:
			return false;
	}
	if (ja_json_string(jwk, "crv", &name) == JA_PRESENT)
		return is_one_of(name, curves, lengthof(curves));
	return ja_json_string(jwk, "kty", &name) == JA_PRESENT && ja_string_is(name, "RSA");
}

/* Adds the keys of a set that PostgREST can use; returns their number. */
static int
add_keys(JaJsonState *keys, const JsonbContainer *set)
{
	JsonbValue	members;
	int			count = 0;

	if (!ja_json_member(set, "keys", &members) || members.type != jbvBinary)
		return 0;
	for (uint32 i = 0; i < JsonContainerSize(members.val.binary.data); i++)
	{
		JsonbValue *jwk = getIthJsonbValueFromContainer(members.val.binary.data, i);

		if (jwk->type != jbvBinary || !is_usable(jwk->val.binary.data))
			continue;
		ja_json_push(keys, WJB_ELEM, jwk);
		count++;
	}
	return count;
}

/* Adds the keys of all trusted issuers but those that share a secret with us. */
static int
add_keys_of_issuers(JaJsonState *keys)
{
	JaScan		scan;
	int			count = 0;

	ja_scan_start(&scan, JA_ISSUERS, JA_ISSUERS_PKEY, JA_ALL_ROWS);
	while (ja_scan_next(&scan))
	{
		if (!ja_scan_is_null(&scan, Anum_issuers_jwks))
			count += add_keys(keys, &ja_scan_jsonb(&scan, Anum_issuers_jwks)->root);
	}
	ja_scan_end(&scan);
	return count;
}

/*
 * Warns where the tokens that are issued now would be refused: the operator
 * has to make a key of another algorithm and let that sign.
 */
static void
warn_of_active_key(void)
{
	const JaStoredKey *active;

	if (ja_stored_key_active(JA_USE_SIGNATURE, &active) == JA_OK &&
		!is_one_of((JaString) {active->key->algorithm->name,
				   strlen(active->key->algorithm->name)},
				   algorithms, lengthof(algorithms)))
		ereport(WARNING,
				(errmsg("PostgREST will refuse the tokens that are signed now"),
				 errdetail("The active key uses algorithm %s; PostgREST verifies ES256, ES384, ES512, RS256 and EdDSA.",
						   active->key->algorithm->name),
				 errhint("Sign with another key: jwt_rotate_key('ES256').")));
}

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
							 true, 0, false);
}

/*
 * Tells PostgREST the public keys, and our audience.  Trusted issuers' tokens
 * have audiences of their own, so that with their keys PostgREST is told none;
 * ja_postgrest_pre_request() checks it in any case.  Raises 55000 if there is
 * no key that PostgREST can use.
 */
void
ja_postgrest_configure(bool with_issuers)
{
	JaJsonState state = {0};
	Jsonb	   *jwks;
	int			count;

	ja_keyset_begin(&state);
	count = add_keys(&state, &ja_jwks_make()->root);
	if (with_issuers)
		count += add_keys_of_issuers(&state);
	jwks = ja_keyset_end(&state);
	if (count == 0)
		ja_raise(JA_POSTGREST_NO_KEY);
	warn_of_active_key();
	set_locally("pgrst.jwt_secret", JsonbToCString(NULL, &jwks->root, VARSIZE(jwks)));
	if (!with_issuers && ja_settings_text(ja_settings.audience).data != NULL)
		set_locally("pgrst.jwt_aud", ja_settings.audience);
}
