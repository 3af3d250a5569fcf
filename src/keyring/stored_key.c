/*-------------------------------------------------------------------------
 *
 * stored_key.c
 *	  Keys of the table jwt_auth.keys, ready for use.
 *
 * A key is read by its kid, its number or as the active one, and kept as
 * row_cache.c does.  For verification the public half is enough, so that a
 * server without the master key still verifies.
 *
 * Whether a key still verifies follows from the clock, and is checked at each
 * use.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "jose/jwk.h"
#include "keyring/seal.h"
#include "keyring/stored_key.h"
#include "store/scan.h"

/* What a key was asked for; the same row can be kept twice. */
typedef enum Purpose
{
	VERIFYING,
	SIGNING,
	NUMBERED,
	ACTIVE
} Purpose;

typedef struct Wanted
{
	Purpose		purpose;
	JaKeyUse	use;			/* VERIFYING and SIGNING: JA_USE_SIGNATURE */
	JaString	kid;			/* VERIFYING and SIGNING */
	int32		number;			/* NUMBERED */
} Wanted;

/* A kept key, and what it was asked for. */
typedef struct Entry
{
	JaStoredKey stored;
	Wanted		wanted;
} Entry;

/*
 * Reads the private half, or the secret, of the current row.  Where there is none,
 * it was erased when the key was retired, or did not come by replication.
 */
static JaStatus
read_stored_private(const JaScan *scan, JaKey **key)
{
	JaSealLabel label = {
		.table = {"keys", 4},
		.kid = ja_scan_string(scan, Anum_keys_kid),
		.alg = ja_scan_string(scan, Anum_keys_alg),
		.use = ja_scan_string(scan, Anum_keys_use)
	};
	JaStored	stored;
	uint8	   *json;
	size_t		length;
	Jsonb	   *jwk;
	bool		is_null;
	Datum		value = ja_scan_get(scan, Anum_keys_private_jwk, &is_null);
	JaStatus	status;

	if (is_null)
		return ja_scan_is_null(scan, Anum_keys_verify_until) ?
			JA_KEYRING_PUBLIC_ONLY : JA_KEYRING_CANNOT_SIGN;
	stored.bytes = DatumGetByteaPP(value);
	stored.sealed_by = ja_scan_string(scan, Anum_keys_sealed_by);
	status = ja_seal_open(&label, &stored, &json, &length);
	if (status != JA_OK)
		return status;
	status = ja_json_parse_secret(json, length, &jwk);
	if (status != JA_OK)
		return status;
	status = ja_jwk_read_trusted(&jwk->root, key);
	OPENSSL_cleanse(jwk, VARSIZE(jwk));
	return status;
}

/*
 * Reads the public half, or the secret of a key that has none; leaves the key
 * NULL where the secret was erased.
 */
static JaStatus
read_stored_public(const JaScan *scan, JaKey **key)
{
	bool		is_secret;
	Datum		value = ja_scan_get(scan, Anum_keys_public_jwk, &is_secret);

	if (!is_secret)
		return ja_jwk_read_trusted(&DatumGetJsonbP(value)->root, key);
	return ja_scan_is_null(scan, Anum_keys_private_jwk) ? JA_OK : read_stored_private(scan, key);
}

static JaStatus
read_key_row(const JaScan *scan, Purpose purpose, JaStoredKey *stored)
{
	stored->number = ja_scan_integer(scan, Anum_keys_number);
	stored->verify_until = ja_scan_time(scan, Anum_keys_verify_until);
	stored->has_end = !ja_scan_is_null(scan, Anum_keys_verify_until);
	stored->is_next = !stored->has_end && ja_scan_is_null(scan, Anum_keys_activated_at);
	stored->is_revoked = !ja_scan_is_null(scan, Anum_keys_revoked_at);
	stored->row.is_uncommitted = ja_scan_row_is_uncommitted(scan);
	stored->key = NULL;
	if (stored->is_revoked)
		return JA_OK;
	return purpose == VERIFYING ? read_stored_public(scan, &stored->key) :
		read_stored_private(scan, &stored->key);
}

/*
 * Whether the row is what was asked for.  Only signing keys are found by kid;
 * others never verify or sign a JWT, and no key does the work of another use.
 * An index on active keys is not enough to go by: a session may ignore it.
 */
static bool
is_wanted(const JaScan *scan, const Wanted *wanted)
{
	if (!ja_string_is(ja_scan_string(scan, Anum_keys_use), ja_key_use_row(wanted->use)->name))
		return false;
	if (wanted->purpose != ACTIVE)
		return true;
	return !ja_scan_is_null(scan, Anum_keys_activated_at) &&
		ja_scan_is_null(scan, Anum_keys_verify_until) &&
		ja_scan_is_null(scan, Anum_keys_revoked_at);
}

static void
start_key_scan(JaScan *scan, const Wanted *wanted)
{
	switch (wanted->purpose)
	{
		case VERIFYING:
		case SIGNING:
			ja_scan_start(scan, JA_KEYS, JA_KEYS_PKEY,
						  JA_WHERE(ja_equal(Anum_keys_kid, ja_string(wanted->kid))));
			break;
		case NUMBERED:
			ja_scan_start(scan, JA_KEYS, JA_KEYS_NUMBER,
						  JA_WHERE(ja_equal(Anum_keys_number, ja_integer(wanted->number))));
			break;
		case ACTIVE:
			ja_scan_start(scan, JA_KEYS, JA_KEYS_ACTIVE,
						  JA_WHERE(ja_equal(Anum_keys_use, ja_key_use_value(wanted->use))));
			break;
	}
}

/* Reads the wanted row. */
static JaStatus
load_key(JaCachedRow *row, const void *asked)
{
	Entry	   *entry = (Entry *) row;
	const Wanted *wanted = asked;
	JaScan		scan;
	JaStatus	status = JA_KEYRING_KID_UNKNOWN;

	entry->wanted = *wanted;
	entry->wanted.kid.data = wanted->kid.data == NULL ? "" :
		pnstrdup(wanted->kid.data, wanted->kid.length);
	start_key_scan(&scan, &entry->wanted);
	while (status == JA_KEYRING_KID_UNKNOWN && ja_scan_next(&scan))
	{
		if (is_wanted(&scan, wanted))
			status = read_key_row(&scan, wanted->purpose, &entry->stored);
	}
	ja_scan_end(&scan);
	return status;
}

static bool
is_wanted_entry(const JaCachedRow *row, const void *asked)
{
	const Wanted *kept = &((const Entry *) row)->wanted;
	const Wanted *wanted = asked;

	return kept->purpose == wanted->purpose && kept->use == wanted->use &&
		kept->number == wanted->number && ja_string_equals(kept->kid, wanted->kid);
}

static JaRowCache keys = {
	.name = "stored key",
	.row_size = sizeof(Entry),
	.is_wanted = is_wanted_entry,
	.load = load_key,
};

static JaStatus
get_cached_key(const Wanted *wanted, const JaStoredKey **key)
{
	const JaCachedRow *row;
	JaStatus	status = ja_row_cache_get(&keys, wanted, &row);

	if (status != JA_OK)
		return status;
	*key = &((const Entry *) row)->stored;
	return JA_OK;
}

/*
 * The signing key with the kid, for verification, in any state.  Like the
 * others below, it belongs to the cache of rows, or else to the current memory
 * context, and is valid until the next call, which code of others can make,
 * too.  Fails with JA_KEYRING_KID_UNKNOWN, or JA_KEYRING_SEALED and its kin for
 * a secret.
 */
JaStatus
ja_stored_key_verifying(JaString kid, const JaStoredKey **key)
{
	return get_cached_key(&(Wanted) {.purpose = VERIFYING, .kid = kid}, key);
}

/*
 * The key with the kid, with its private half.  Fails with
 * JA_KEYRING_KID_UNKNOWN, JA_KEYRING_CANNOT_SIGN, JA_KEYRING_SEALED....
 */
JaStatus
ja_stored_key_signing(JaString kid, const JaStoredKey **key)
{
	JaStatus	status = get_cached_key(&(Wanted) {.purpose = SIGNING, .kid = kid}, key);

	if (status != JA_OK)
		return status;
	return (*key)->is_revoked || (*key)->has_end ? JA_KEYRING_CANNOT_SIGN : JA_OK;
}

/* The key of a use with the number.  Fails with JA_KEYRING_KID_UNKNOWN.... */
JaStatus
ja_stored_key_numbered(JaKeyUse use, int32 number, const JaStoredKey **key)
{
	return get_cached_key(&(Wanted) {.purpose = NUMBERED, .use = use, .number = number}, key);
}

/* The active key of a use.  Fails with JA_KEYRING_NO_SIGNING_KEY.... */
JaStatus
ja_stored_key_active(JaKeyUse use, const JaStoredKey **key)
{
	JaStatus	status = get_cached_key(&(Wanted) {.purpose = ACTIVE, .use = use}, key);

	return status == JA_KEYRING_KID_UNKNOWN ? JA_KEYRING_NO_SIGNING_KEY : status;
}

/* What the key may do at the time. */
JaKeyState
ja_stored_key_state(const JaStoredKey *key, TimestampTz now)
{
	if (key->is_revoked)
		return JA_STATE_REVOKED;
	if (key->has_end)
		return now < key->verify_until ? JA_STATE_RETIRING : JA_STATE_RETIRED;
	return key->is_next ? JA_STATE_NEXT : JA_STATE_ACTIVE;
}

const char *
ja_stored_key_state_name(JaKeyState state)
{
	static const char *const names[] = {
		[JA_STATE_NEXT] = "next",
		[JA_STATE_ACTIVE] = "active",
		[JA_STATE_RETIRING] = "retiring",
		[JA_STATE_RETIRED] = "retired",
		[JA_STATE_REVOKED] = "revoked",
	};

	return names[state];
}
