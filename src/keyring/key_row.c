/*-------------------------------------------------------------------------
 *
 * key_row.c
 *	  Rows of the table jwt_auth.keys, as changes of keys write them.
 *
 * The private half is written sealed where a master key file is set.  kids
 * and fingerprints are unique for ever, so that no key comes back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "jose/base64url.h"
#include "keyring/fingerprint.h"
#include "keyring/key_row.h"
#include "keyring/seal.h"
#include "keyring/stored_key.h"
#include "store/plan.h"

#define RANDOM_KID_SIZE 16

static JaPlan insert_key = {
	.sql = "INSERT INTO jwt_auth.keys (kid, use, alg, number, thumbprint, public_jwk,"
	" private_jwk, sealed_by, was_clear, created_at, activated_at, verify_until)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7 IS NOT NULL AND $8 IS NULL, $9, $10, $11)"
	" ON CONFLICT DO NOTHING"
};

/* Writes the private half as JSON, sealed if possible; wipes what it used. */
static JaStatus
store_private(const JaKeyRow *row, JaStored *stored)
{
	const JaKey *key = row->key;
	const char *use = ja_key_use_row(row->use)->name;
	JaSealLabel label = {
		.table = {"keys", 4},
		.kid = key->kid,
		.alg = {key->algorithm->name, strlen(key->algorithm->name)},
		.use = {use, strlen(use)}
	};
	StringInfoData json;
	Jsonb	   *jwk;
	JaStatus	status = ja_jwk_write(key, true, &jwk);

	if (status != JA_OK)
		return status;
	initStringInfo(&json);
	status = ja_json_write(&jwk->root, &json);
	OPENSSL_cleanse(jwk, VARSIZE(jwk));
	if (status == JA_OK)
		status = ja_seal_store(&label, json.data, json.len, stored);
	OPENSSL_cleanse(json.data, json.len);
	return status;
}

/*
 * Keys of refresh tokens and names are made here and never imported, so that
 * they need no fingerprint beside their random kid.
 */
static JaStatus
make_fingerprint(const JaKeyRow *row, JaValue *value)
{
	char		fingerprint[JA_THUMBPRINT_LENGTH];
	JaStatus	status;

	if (row->use != JA_USE_SIGNATURE)
	{
		*value = ja_string(row->key->kid);
		return JA_OK;
	}
	status = ja_fingerprint_make(row->key, fingerprint);
	*value = ja_string((JaString) {fingerprint, sizeof(fingerprint)});
	return status;
}

/*
 * Inserts a row, within a scope of ja_plan_begin().  A key without kid gets
 * one.  Fails with JA_KEYRING_KEY_KNOWN if the kid or key was ever here.
 */
JaStatus
ja_key_row_insert(JaKeyRow *row)
{
	JaKey	   *key = row->key;
	JaStored	stored = {0};
	Jsonb	   *public_jwk = NULL;
	JaValue		fingerprint;
	JaStatus	status = make_fingerprint(row, &fingerprint);

	if (status != JA_OK)
		return status;
	key->has_use = true;
	if (key->type->kind != JA_OCT)
	{
		status = ja_jwk_write(key, false, &public_jwk);
		if (status != JA_OK)
			return status;
	}
	if (key->is_private)
	{
		status = store_private(row, &stored);
		if (status != JA_OK)
			return status;
	}
	if (ja_plan_run(&insert_key,
					JA_VALUES(ja_string(key->kid), ja_key_use_value(row->use),
							  ja_text(key->algorithm->name),
							  row->number == 0 ? ja_null(INT4OID) : ja_integer(row->number),
							  fingerprint, ja_jsonb(public_jwk), ja_bytes(stored.bytes),
							  ja_string(stored.sealed_by), ja_time(row->created_at),
							  ja_time(row->is_active ? row->created_at : 0),
							  ja_time(row->verify_until))) == 0)
		return JA_KEYRING_KEY_KNOWN;
	return JA_OK;
}

/* A kid for a key that has none: its thumbprint; for a secret, random. */
static JaStatus
set_default_kid(JaKey *key)
{
	char		kid[JA_THUMBPRINT_LENGTH];
	uint8		bytes[RANDOM_KID_SIZE];
	size_t		length = JA_THUMBPRINT_LENGTH;
	JaStatus	status;

	if (key->type->kind != JA_OCT)
		status = ja_jwk_thumbprint(key, kid);
	else
	{
		status = ja_secret_random(bytes, sizeof(bytes));
		length = ja_base64url_encode(bytes, sizeof(bytes), kid);
	}
	if (status == JA_OK)
		ja_key_set_kid(key, (JaString) {kid, length});
	return status;
}

/* Gives a key its kid, or a default one where that is not given. */
void
ja_key_row_set_kid(JaKey *key, JaString kid)
{
	if (kid.data != NULL)
	{
		ja_check(ja_jwk_check_kid(kid));
		ja_key_set_kid(key, kid);
	}
	else if (key->kid.data == NULL)
		ja_check(set_default_kid(key));
}

/* Makes a key in the current memory context; raises on failure. */
JaKey *
ja_key_row_generate(const JaAlgorithm *algorithm, JaString kid)
{
	JaKey	   *key = ja_key_create(ja_key_type_of_kind(algorithm->kind));

	ja_check(key->type->generate(key, algorithm));
	ja_check(ja_key_bind(key, algorithm));
	ja_key_row_set_kid(key, kid);
	return key;
}
