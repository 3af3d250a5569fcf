/*-------------------------------------------------------------------------
 *
 * issuer.c
 *	  Trusted issuers and their keys, ready for use.
 *
 * An issuer is read by its name and kept until keys or issuers change
 * anywhere.  What the running transaction wrote itself is used but not kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "keyring/issuer.h"
#include "keyring/seal.h"
#include "store/scan.h"
#include "store/signal.h"

/* Most issuers that are kept. */
#define MAX_CACHED 64

typedef struct Entry
{
	MemoryContext context;
	JaIssuer	issuer;
} Entry;

static Entry *cache[MAX_CACHED];
static int	cached = 0;
static uint64 cached_at = 0;

static void
forget_all(void)
{
	while (cached > 0)
	{
		MemoryContext context = cache[--cached]->context;

		MemoryContextDelete(context);
	}
}

static const JaIssuer *
find_cached(JaString name)
{
	for (int i = 0; i < cached; i++)
	{
		if (ja_string_equals(cache[i]->issuer.name, name))
			return &cache[i]->issuer;
	}
	return NULL;
}

static void
read_roles(const JaScan *scan, JaIssuer *issuer)
{
	bool		is_null;
	Datum	   *elements;
	Datum		value = ja_scan_get(scan, JA_ISSUERS_ROLES, &is_null);

	deconstruct_array(DatumGetArrayTypeP(value), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, NULL, &issuer->role_count);
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

	stored.bytes = DatumGetByteaPP(ja_scan_get(scan, JA_ISSUERS_SECRET_JWKS, &is_null));
	stored.sealed_by = ja_scan_string(scan, JA_ISSUERS_SEALED_BY);
	status = ja_seal_open(&label, &stored, &json, &length);
	return status == JA_OK ? ja_json_parse_secret(json, length, jwks) : status;
}

static JaStatus
read_keys(const JaScan *scan, JaIssuer *issuer)
{
	bool		is_secret;
	Datum		value = ja_scan_get(scan, JA_ISSUERS_JWKS, &is_secret);
	Jsonb	   *jwks;
	JaStatus	status = JA_OK;

	if (is_secret)
		status = open_secrets(scan, issuer, &jwks);
	else
		jwks = DatumGetJsonbP(value);
	if (status == JA_OK)
		status = ja_keyset_read(&jwks->root, &issuer->keys);
	if (status == JA_OK)
		issuer->keys->needs_kid = true;
	if (is_secret && status == JA_OK)
		OPENSSL_cleanse(jwks, VARSIZE(jwks));
	return status;
}

/* Reads the row into the current memory context. */
static JaStatus
load(JaString name, JaIssuer *issuer)
{
	JaScan		scan;
	JaStatus	status = JA_ISSUER_UNKNOWN;

	issuer->name.data = pnstrdup(name.data, name.length);
	issuer->name.length = name.length;
	scan.key_count = 0;
	ja_scan_key_text(&scan, JA_ISSUERS_ISSUER, BTEqualStrategyNumber, name);
	ja_scan_start(&scan, JA_ISSUERS, JA_ISSUERS_PKEY);
	if (ja_scan_next(&scan))
	{
		issuer->audience = ja_scan_string(&scan, JA_ISSUERS_AUDIENCE);
		issuer->is_own_row = ja_scan_row_is_own(&scan);
		read_roles(&scan, issuer);
		status = read_keys(&scan, issuer);
	}
	ja_scan_end(&scan);
	return status;
}

static void
keep(Entry *entry)
{
	if (cached == MAX_CACHED)
		forget_all();
	MemoryContextSetParent(entry->context, CacheMemoryContext);
	cache[cached++] = entry;
}

/* Reads an issuer.  Unless it is kept, it lives in the caller's context. */
static JaStatus
load_entry(JaString name, const JaIssuer **issuer)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "jwt_auth issuer",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Entry	   *entry = palloc0(sizeof(Entry));
	JaStatus	status;

	entry->context = context;
	status = load(name, &entry->issuer);
	MemoryContextSwitchTo(caller);
	if (status != JA_OK)
	{
		MemoryContextDelete(context);
		return status;
	}
	if (!entry->issuer.is_own_row && cached_at == ja_signal_counters[JA_SIGNAL_KEYS])
		keep(entry);
	*issuer = &entry->issuer;
	return JA_OK;
}

/*
 * The trusted issuer of that name; good until the next call.  Fails with
 * JA_ISSUER_UNKNOWN, or JA_KEYRING_SEALED and its kin where it has secrets.
 */
JaStatus
ja_issuer_find(JaString name, const JaIssuer **issuer)
{
	if (name.length > JA_MAX_ISSUER)
		return JA_ISSUER_UNKNOWN;
	ja_signal_watch();
	if (cached_at != ja_signal_counters[JA_SIGNAL_KEYS])
	{
		forget_all();
		cached_at = ja_signal_counters[JA_SIGNAL_KEYS];
	}
	*issuer = find_cached(name);
	return *issuer != NULL ? JA_OK : load_entry(name, issuer);
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
