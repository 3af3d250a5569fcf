/*-------------------------------------------------------------------------
 *
 * issuer.c
 *	  Trusted issuers and their keys, ready for use.
 *
 * An issuer is read by its name, and kept as row_cache.c does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "keyring/issuer.h"
#include "keyring/seal.h"
#include "store/scan.h"

static void
read_roles(const JaScan *scan, JaIssuer *issuer)
{
	Datum	   *elements;

	deconstruct_array(ja_scan_array(scan, Anum_issuers_roles), NAMEOID, NAMEDATALEN, false,
					  TYPALIGN_CHAR, &elements, NULL, &issuer->role_count);
	issuer->roles = palloc(sizeof(char *) * (issuer->role_count + 1));
	for (int i = 0; i < issuer->role_count; i++)
		issuer->roles[i] = pstrdup(NameStr(*DatumGetName(elements[i])));
}

/* Opens the secrets of an issuer whose keys are HMAC secrets. */
static JaStatus
open_secrets(const JaScan *scan, const JaIssuer *issuer, Jsonb **jwks)
{
	JaSealLabel label = {
		.table = {"issuers", 7},
		.kid = issuer->name,
		.alg = {"", 0},
		.use = {"oct", 3}
	};
	JaStored	stored;
	uint8	   *json;
	size_t		length;
	bool		is_null;
	JaStatus	status;

	stored.bytes = DatumGetByteaPP(ja_scan_get(scan, Anum_issuers_secret_jwks, &is_null));
	stored.sealed_by = ja_scan_string(scan, Anum_issuers_sealed_by);
	status = ja_seal_open(&label, &stored, &json, &length);
	if (status != JA_OK)
		return status;
	return ja_json_parse_secret(json, length, jwks);
}

static JaStatus
read_keys(const JaScan *scan, JaIssuer *issuer)
{
	bool		is_secret;
	Datum		value = ja_scan_get(scan, Anum_issuers_jwks, &is_secret);
	Jsonb	   *jwks;
	JaStatus	status = JA_OK;

	if (is_secret)
		status = open_secrets(scan, issuer, &jwks);
	else
		jwks = DatumGetJsonbP(value);
	if (status == JA_OK)
		status = ja_keyset_read(&jwks->root, &issuer->keys);
	if (is_secret && status == JA_OK)
		OPENSSL_cleanse(jwks, VARSIZE(jwks));
	return status;
}

/* Options that nobody could have given make the issuer unknown. */
static JaStatus
read_options(const JaScan *scan, JaIssuer *issuer)
{
	Jsonb	   *options = ja_scan_jsonb(scan, Anum_issuers_options);

	return ja_issuer_options_read(&options->root, &issuer->options) == JA_OK ?
		JA_OK : JA_ISSUER_UNKNOWN;
}

static JaStatus
read_issuer_row(const JaScan *scan, JaIssuer *issuer)
{
	JaStatus	status;

	issuer->row.is_uncommitted = ja_scan_row_is_uncommitted(scan);
	issuer->name = ja_scan_string(scan, Anum_issuers_issuer);
	issuer->audience = ja_scan_string(scan, Anum_issuers_audience);
	read_roles(scan, issuer);
	status = read_options(scan, issuer);
	if (status != JA_OK)
		return status;
	return read_keys(scan, issuer);
}

/* A name that is NULL stands for the issuer whose tokens carry none. */
static void
start_issuer_scan(JaScan *scan, JaString name)
{
	if (name.data == NULL)
		ja_scan_start(scan, JA_ISSUERS, JA_ISSUERS_ANONYMOUS, JA_ALL_ROWS);
	else
		ja_scan_start(scan, JA_ISSUERS, JA_ISSUERS_PKEY,
					  JA_WHERE(ja_equal(Anum_issuers_issuer, ja_string(name))));
}

/*
 * Reads the row that is wanted.  The index on the anonymous issuer is not
 * enough to go by: a session may ignore it.
 */
static JaStatus
load_issuer(JaCachedRow *row, const void *wanted)
{
	JaIssuer   *issuer = (JaIssuer *) row;
	const JaString *name = wanted;
	JaScan		scan;
	JaStatus	status = JA_ISSUER_UNKNOWN;

	start_issuer_scan(&scan, *name);
	while (status == JA_ISSUER_UNKNOWN && ja_scan_next(&scan))
	{
		issuer->is_anonymous = ja_scan_bool(&scan, Anum_issuers_is_anonymous);
		if (issuer->is_anonymous == (name->data == NULL))
			status = read_issuer_row(&scan, issuer);
	}
	ja_scan_end(&scan);
	return status;
}

static bool
is_wanted_issuer(const JaCachedRow *row, const void *wanted)
{
	const JaIssuer *issuer = (const JaIssuer *) row;
	const JaString *name = wanted;

	if (issuer->is_anonymous || name->data == NULL)
		return issuer->is_anonymous == (name->data == NULL);
	return ja_string_equals(issuer->name, *name);
}

static JaRowCache issuers = {
	.name = "issuer",
	.row_size = sizeof(JaIssuer),
	.is_wanted = is_wanted_issuer,
	.load = load_issuer,
};

static JaStatus
find_cached_issuer(JaString name, const JaIssuer **issuer)
{
	const JaCachedRow *row;
	JaStatus	status = ja_row_cache_get(&issuers, &name, &row);

	if (status != JA_OK)
		return status;
	*issuer = (const JaIssuer *) row;
	return JA_OK;
}

/*
 * The trusted issuer whose tokens carry the name.  It belongs to the cache of
 * rows, or else to the current memory context, and is valid until the next
 * call, which code of others can make, too.  Fails with JA_ISSUER_UNKNOWN, or
 * JA_KEYRING_SEALED and its kin where it has secrets.
 */
JaStatus
ja_issuer_find(JaString name, const JaIssuer **issuer)
{
	if (name.data == NULL || name.length > JA_MAX_ISSUER)
		return JA_ISSUER_UNKNOWN;
	return find_cached_issuer(name, issuer);
}

/* The same for the one trusted issuer whose tokens carry no iss. */
JaStatus
ja_issuer_find_anonymous(const JaIssuer **issuer)
{
	return find_cached_issuer((JaString) {NULL, 0}, issuer);
}

/* Whether tokens of the issuer may name the role. */
bool
ja_issuer_allows_role(const JaIssuer *issuer, JaString role)
{
	for (int i = 0; i < issuer->role_count; i++)
	{
		if (ja_string_is(role, issuer->roles[i]))
			return true;
	}
	return false;
}
