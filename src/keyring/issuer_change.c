/*-------------------------------------------------------------------------
 *
 * issuer_change.c
 *	  Trusting and distrusting of issuers.
 *
 * Secrets are sealed like private keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/settings.h"
#include "keyring/change.h"
#include "keyring/issuer.h"
#include "keyring/issuer_keys.h"
#include "keyring/key_change.h"
#include "keyring/seal.h"
#include "store/audit.h"
#include "store/invalidation.h"
#include "store/plan.h"

static JaPlan upsert_issuer = {
	.sql = "INSERT INTO jwt_auth.issuers AS i"
	" (issuer, audience, roles, options, is_anonymous, jwks, secret_jwks, sealed_by,"
	" was_clear, created_at, updated_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7 IS NOT NULL AND $8 IS NULL, $9, $9)"
	" ON CONFLICT (issuer) DO UPDATE SET audience = EXCLUDED.audience,"
	" roles = EXCLUDED.roles, options = EXCLUDED.options,"
	" is_anonymous = EXCLUDED.is_anonymous, jwks = EXCLUDED.jwks, secret_jwks = EXCLUDED.secret_jwks,"
	" sealed_by = EXCLUDED.sealed_by,"
	" was_clear = EXCLUDED.was_clear OR (i.was_clear AND $10), updated_at = EXCLUDED.updated_at"
};

static JaPlan count_anonymous = {
	.sql = "SELECT 1 FROM jwt_auth.issuers"
	" WHERE is_anonymous AND issuer OPERATOR(pg_catalog.<>) $1"
};

/* Clients whose ID tokens would carry this iss and one of these audiences. */
static JaPlan find_provider = {
	.sql = "SELECT FROM jwt_auth.providers AS p WHERE $1 OPERATOR(pg_catalog.=) ANY (p.issuers)"
	" AND ($2 OPERATOR(pg_catalog.=) ANY (p.client_ids)"
	" OR ($3 OPERATOR(pg_catalog.->) 'audiences') OPERATOR(pg_catalog.?|) p.client_ids)"
};

/* Not what has been changed since the keys were asked for, and not the same keys. */
static JaPlan update_keys = {
	.sql = "UPDATE jwt_auth.issuers SET jwks = $2, updated_at = $3"
	" WHERE issuer OPERATOR(pg_catalog.=) $1 AND updated_at OPERATOR(pg_catalog.=) $4"
	" AND jwks OPERATOR(pg_catalog.<>) $2"
};

static JaPlan delete_issuer = {
	.sql = "DELETE FROM jwt_auth.issuers WHERE issuer OPERATOR(pg_catalog.=) $1"
};

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

/* The issuer as it is stored, whether its tokens carry its name or none. */
static JaStatus
find_stored(JaString name, const JaIssuer **issuer)
{
	JaStatus	status = ja_issuer_find(name, issuer);

	if (status != JA_ISSUER_UNKNOWN)
		return status;
	status = ja_issuer_find_anonymous(issuer);
	if (status != JA_OK)
		return status;
	return ja_string_equals((*issuer)->name, name) ? JA_OK : JA_ISSUER_UNKNOWN;
}

static bool
has_secret(const JaKeySet *keys, const JaKey *secret)
{
	for (int i = 0; i < keys->count; i++)
	{
		const JaKey *key = keys->keys[i];

		if (key->type->kind == JA_OCT && ja_secret_equals(key->secret, key->secret_length,
														  secret->secret, secret->secret_length))
			return true;
	}
	return false;
}

/*
 * Whether one of the issuer's new secrets is stored already, so that what is
 * known of the stored ones holds for it, too.  Stored ones that can't be
 * opened may be the same.
 */
static bool
keeps_secret(JaString name, const JaKeySet *keys)
{
	const JaIssuer *former = NULL;
	JaStatus	status = find_stored(name, &former);

	if (status != JA_OK)
		return status != JA_ISSUER_UNKNOWN;
	for (int i = 0; i < keys->count; i++)
	{
		if (keys->keys[i]->type->kind == JA_OCT && has_secret(former->keys, keys->keys[i]))
			return true;
	}
	return false;
}

static void
check_arguments(const JaIssuerTrust *trust)
{
	if (trust->name.length == 0)
		ja_raise(JA_ISSUER_EMPTY);
	if (trust->name.length > JA_MAX_ISSUER)
		ja_raise(JA_ISSUER_LONG);
	if (ja_string_equals(trust->name, ja_settings_text(ja_settings.issuer)))
		ja_raise(JA_ISSUER_OWN);
	if (array_contains_nulls(trust->roles))
		ja_raise(JA_ISSUER_ROLES);
}

/* An audience is required, unless the tokens are said to carry none. */
static void
check_audience(JaString audience, const JaIssuerOptions *options)
{
	if (options->has_no_audience && audience.length > 0)
		ja_raise(JA_ISSUER_AUDIENCE_NONE);
	if (!options->has_no_audience && audience.length == 0)
		ja_raise(audience.data == NULL ? JA_ISSUER_AUDIENCE_NULL : JA_ISSUER_AUDIENCE_EMPTY);
	if (audience.length > JA_MAX_ISSUER)
		ja_raise(JA_ISSUER_AUDIENCE_LONG);
}

/* Raises if another issuer's tokens carry no iss, either; an index sees races. */
static void
check_anonymous(JaString name)
{
	if (ja_plan_run(&count_anonymous, JA_VALUES(ja_string(name))) > 0)
		ja_raise(JA_ISSUER_ANONYMOUS);
}

/* Raises if ID tokens, which tell who logged in somewhere, would be identities. */
static void
check_providers(const JaIssuerTrust *trust)
{
	if (ja_plan_run(&find_provider, JA_VALUES(ja_string(trust->name), ja_string(trust->audience),
											  ja_jsonb(trust->options))) > 0)
		ja_raise(JA_ISSUER_PROVIDER);
}

/*
 * Trusts an issuer, or replaces all that is known of it.  Raises for unusable
 * arguments.
 */
void
ja_issuer_trust(const JaIssuerTrust *trust)
{
	JaPlanScope scope;
	JaIssuerOptions options;
	JaKeySet   *keys;
	Jsonb	   *written;
	JaStored	secrets = {0};
	bool		is_secret;

	check_arguments(trust);
	ja_check(ja_issuer_options_read(&trust->options->root, &options));
	check_audience(trust->audience, &options);
	keys = ja_issuer_keys_read(trust->jwks);
	is_secret = keys->keys[0]->type->kind == JA_OCT;
	written = ja_issuer_keys_write(keys, is_secret);
	if (is_secret)
		secrets = store_secrets(trust->name, written);
	ja_plan_begin(&scope);
	if (options.has_no_issuer)
		check_anonymous(trust->name);
	else
		check_providers(trust);
	ja_plan_run(&upsert_issuer,
				JA_VALUES(ja_string(trust->name),
						  options.has_no_audience ? ja_null(TEXTOID) : ja_string(trust->audience),
						  ja_array(NAMEARRAYOID, trust->roles),
						  ja_jsonb(ja_issuer_options_for_storing(&trust->options->root)),
						  ja_bool(options.has_no_issuer), ja_jsonb(is_secret ? NULL : written),
						  ja_bytes(secrets.bytes), ja_string(secrets.sealed_by),
						  ja_time(GetCurrentTimestamp()),
						  ja_bool(is_secret && keeps_secret(trust->name, keys))));
	ja_change_announce();
	ja_plan_end(&scope);
}

/*
 * Replaces the public keys of an issuer by those that it publishes, unless something of
 * it was replaced after the time.  Raises for an unusable set.
 */
void
ja_issuer_store_keys(JaString name, const Jsonb *jwks, TimestampTz former)
{
	JaKeySet   *keys = ja_issuer_keys_read(jwks);
	JaPlanScope scope;
	uint64		count;

	if (keys->keys[0]->type->kind == JA_OCT)
		ja_raise(JA_ISSUER_SECRET_FETCHED);
	ja_plan_begin(&scope);
	count = ja_plan_run(&update_keys,
						JA_VALUES(ja_string(name), ja_jsonb(ja_issuer_keys_write(keys, false)),
								  ja_time(GetCurrentTimestamp()), ja_time(former)));
	if (count > 0)
		ja_change_announce();
	ja_plan_end(&scope);
	if (count > 0)
		ja_audit_write(&(JaAuditEvent) {.event = "issuer_keys_updated",.issuer = name});
}

/* Ceases to trust an issuer.  Raises if it was not trusted. */
void
ja_issuer_distrust(JaString name)
{
	JaPlanScope scope;

	if (name.data == NULL)
		ja_raise(JA_ISSUER_UNKNOWN);
	ja_plan_begin(&scope);
	if (ja_plan_run(&delete_issuer, JA_VALUES(ja_string(name))) == 0)
		ja_raise(JA_ISSUER_UNKNOWN);
	ja_change_announce();
	ja_plan_end(&scope);
}
