/*-------------------------------------------------------------------------
 *
 * issuer_change.c
 *	  Trusting and distrusting of issuers.
 *
 * What is stored is our own writing of the keys that can be used, so that no
 * member that we don't know is kept.  Secrets are sealed like private keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "jose/jwk.h"
#include "keyring/issuer.h"
#include "keyring/seal.h"
#include "store/plan.h"
#include "store/signal.h"

static JaPlan upsert_issuer = {
	.sql = "INSERT INTO jwt_auth.issuers AS i"
	" (issuer, audience, roles, jwks, secret_jwks, sealed_by, created_at, updated_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"
	" ON CONFLICT (issuer) DO UPDATE SET audience = EXCLUDED.audience,"
	" roles = EXCLUDED.roles, jwks = EXCLUDED.jwks, secret_jwks = EXCLUDED.secret_jwks,"
	" sealed_by = EXCLUDED.sealed_by, updated_at = EXCLUDED.updated_at",
	.argument_count = 7,
	.argument_types = {TEXTOID, TEXTOID, NAMEARRAYOID, JSONBOID, BYTEAOID, TEXTOID, TIMESTAMPTZOID}
};

static JaPlan delete_issuer = {
	.sql = "DELETE FROM jwt_auth.issuers WHERE issuer OPERATOR(pg_catalog.=) $1",
	.argument_count = 1,
	.argument_types = {TEXTOID}
};

/* Whether the object has any member that belongs to a private key only. */
static bool
has_private_member(const JsonbContainer *jwk)
{
	static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "priv"};
	JsonbValue	value;

	for (size_t i = 0; i < lengthof(members); i++)
	{
		if (ja_json_member(jwk, members[i], &value))
			return true;
	}
	return false;
}

static bool
set_has_private_member(const JsonbContainer *jwks)
{
	JsonbValue	keys;

	if (has_private_member(jwks))
		return true;
	if (!ja_json_member(jwks, "keys", &keys) || keys.type != jbvBinary ||
		!JsonContainerIsArray(keys.val.binary.data))
		return false;
	for (uint32 i = 0; i < JsonContainerSize(keys.val.binary.data); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(keys.val.binary.data, i);

		if (element->type == jbvBinary && has_private_member(element->val.binary.data))
			return true;
	}
	return false;
}

/* Reads and checks the keys of an issuer into the current memory context. */
static JaKeySet *
read_keys(const Jsonb *jwks)
{
	JaKeySet   *set;

	if (VARSIZE(jwks) > JA_MAX_KEYSET_SIZE)
		ja_raise(JA_KEY_SET_SIZE);
	if (set_has_private_member(&jwks->root))
		ja_raise(JA_ISSUER_PRIVATE);
	ja_check(ja_keyset_read(&jwks->root, &set));
	if (set->skipped > 0)
		ereport(NOTICE,
				(errmsg_plural("%d key of the JWK Set was skipped, since it is of an unsupported kind or not for signatures",
							   "%d keys of the JWK Set were skipped, since they are of unsupported kinds or not for signatures",
							   set->skipped, set->skipped)));
	for (int i = 0; i < set->count; i++)
	{
		if (set->keys[i]->type->kind == JA_OCT && set->keys[i]->algorithm == NULL)
			ja_raise(JA_ISSUER_SECRET_ALGORITHM);
		if (!(set->keys[i]->operations & JA_MAY_VERIFY))
			ja_raise(JA_KEY_OPERATION);
	}
	return set;
}

/* Writes the keys as a JWK Set of our own. */
static Jsonb *
write_keys(const JaKeySet *set, bool with_secrets)
{
	JaJsonState state = {0};
	JsonbValue	value;

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_key(&state, "keys");
	ja_json_push(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < set->count; i++)
	{
		Jsonb	   *jwk;

		ja_check(ja_jwk_write(set->keys[i], with_secrets, &jwk));
		value.type = jbvBinary;
		value.val.binary.data = &jwk->root;
		value.val.binary.len = (int) (VARSIZE(jwk) - VARHDRSZ);
		ja_json_push(&state, WJB_ELEM, &value);
	}
	ja_json_push(&state, WJB_END_ARRAY, NULL);
	return ja_json_end_object(&state);
}

/* Prepares the secrets of an issuer for storing. */
static JaStored
store_secrets(JaString issuer, Jsonb *jwks)
{
	JaSealLabel label = {
		.table = {"issuers", 7},
		.kid = issuer,
		.alg = {"", 0},
		.use = {"oct", 3}
	};
	StringInfoData json;
	JaStored	stored = {0};
	JaStatus	status;

	initStringInfo(&json);
	status = ja_json_write(&jwks->root, &json);
	OPENSSL_cleanse(jwks, VARSIZE(jwks));
	if (status == JA_OK)
		status = ja_seal_store(&label, json.data, json.len, &stored);
	OPENSSL_cleanse(json.data, json.len);
	ja_check(status);
	return stored;
}

static void
check_arguments(JaString name, JaString audience, Datum roles)
{
	if (name.length == 0 || name.length > JA_MAX_ISSUER)
		ja_raise(JA_ISSUER_NAME);
	if (ja_settings.issuer != NULL && ja_string_is(name, ja_settings.issuer))
		ja_raise(JA_ISSUER_OWN);
	if (audience.length == 0 || audience.length > JA_MAX_ISSUER)
		ja_raise(JA_ISSUER_AUDIENCE);
	if (roles == (Datum) 0 || array_contains_nulls(DatumGetArrayTypeP(roles)))
		ja_raise(JA_ISSUER_ROLES);
}

/*
 * Trusts an issuer, or replaces all that is known of it.  Raises for unusable
 * arguments; name and audience with data NULL stand for SQL NULL, roles of 0,
 * too.
 */
void
ja_issuer_trust(JaString name, const Jsonb *jwks, JaString audience, Datum roles)
{
	JaPlanScope scope;
	JaKeySet   *keys;
	Jsonb	   *written;
	JaStored	secrets = {0};
	bool		is_secret;

	check_arguments(name, audience, roles);
	keys = read_keys(jwks);
	is_secret = keys->keys[0]->type->kind == JA_OCT;
	written = write_keys(keys, is_secret);
	if (is_secret)
		secrets = store_secrets(name, written);
	ja_plan_begin(&scope);
	ja_plan_run(&upsert_issuer, (JaValue[])
	{
		ja_value_string(name), ja_value_string(audience), JA_DATUM(roles),
		ja_value_jsonb(is_secret ? NULL : written), ja_value_bytes(secrets.bytes),
		ja_value_string(secrets.sealed_by),
		ja_value_time(GetCurrentTimestamp())
	});
	ja_signal_send(JA_SIGNAL_KEYS);
	ja_plan_end(&scope);
}

/* Ceases to trust an issuer.  Raises if it was not trusted. */
void
ja_issuer_distrust(JaString name)
{
	JaPlanScope scope;

	if (name.data == NULL)
		ja_raise(JA_ISSUER_UNKNOWN);
	ja_plan_begin(&scope);
	if (ja_plan_run(&delete_issuer, (JaValue[])
	{
		ja_value_string(name)
	}) == 0)
		ja_raise(JA_ISSUER_UNKNOWN);
	ja_signal_send(JA_SIGNAL_KEYS);
	ja_plan_end(&scope);
}
