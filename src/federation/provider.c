/*-------------------------------------------------------------------------
 *
 * provider.c
 *	  Identity providers and their keys, ready for use.
 *
 * They are none of the trusted issuers: an ID token tells who logged in, and is
 * never an identity itself.  A provider is read by its name, and kept as
 * row_cache.c does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "federation/provider.h"
#include "store/scan.h"

/* Whether a provider may be called so: it stands in URLs and in the audit log. */
bool
ja_provider_name_is_right(JaString name)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	if (name.length == 0 || name.length > JA_PROVIDER_MAX_NAME)
		return false;
	for (size_t i = 0; i < name.length; i++)
	{
		if (memchr(characters, name.data[i], sizeof(characters) - 1) == NULL)
			return false;
	}
	return true;
}

/* The texts of an array without nulls, in the current memory context. */
JaStringList
ja_provider_read_array(ArrayType *array)
{
	JaStringList list;
	Datum	   *elements;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &list.count);
	list.strings = palloc(sizeof(JaString) * (list.count + 1));
	for (int i = 0; i < list.count; i++)
	{
		char	   *string = TextDatumGetCString(elements[i]);

		list.strings[i] = (JaString) {string, strlen(string)};
	}
	return list;
}

/* Where the tenant's place begins in an issuer; NULL where it has none. */
static const char *
find_tenant(JaString issuer)
{
	const size_t length = strlen(JA_PROVIDER_TENANT);

	for (size_t i = 0; i + length <= issuer.length; i++)
	{
		if (memcmp(issuer.data + i, JA_PROVIDER_TENANT, length) == 0)
			return issuer.data + i;
	}
	return NULL;
}

/* Whether each of many tenants has an issuer of its own. */
bool
ja_provider_has_many_tenants(JaString issuer)
{
	return find_tenant(issuer) != NULL;
}

/* The issuer with a tenant in its place. */
JaString
ja_provider_issuer_of(JaString issuer, JaString tenant)
{
	const char *place = find_tenant(issuer);
	const char *rest;
	char	   *expected;

	if (place == NULL)
		return issuer;
	rest = place + strlen(JA_PROVIDER_TENANT);
	expected = psprintf("%.*s%.*s%.*s", (int) (place - issuer.data), issuer.data,
						(int) tenant.length, tenant.data,
						(int) (issuer.data + issuer.length - rest), rest);
	return (JaString) {expected, strlen(expected)};
}

static bool
starts_with(JaString text, const char *start)
{
	size_t		length = strlen(start);

	return text.length >= length && memcmp(text.data, start, length) == 0;
}

/*
 * Whether the issuer is one of Microsoft's, where administrators of a tenant write
 * any address into the claim "email" of its users.
 */
bool
ja_provider_is_microsoft(JaString issuer)
{
	static const char *const starts[] = {
		"https://login.microsoftonline.com/", "https://login.microsoftonline.us/",
		"https://login.partner.microsoftonline.cn/", "https://login.chinacloudapi.cn/",
		"https://sts.windows.net/", "https://sts.chinacloudapi.cn/"
	};

	for (size_t i = 0; i < lengthof(starts); i++)
	{
		if (starts_with(issuer, starts[i]))
			return true;
	}
	return false;
}

/* Options or keys that nobody could have given make the provider unknown. */
static JaStatus
read_provider_row(const JaScan *scan, JaProvider *provider)
{
	Jsonb	   *options = ja_scan_jsonb(scan, Anum_providers_options);
	Jsonb	   *jwks = ja_scan_jsonb(scan, Anum_providers_jwks);

	provider->row.is_uncommitted = ja_scan_row_is_uncommitted(scan);
	provider->name = ja_scan_string(scan, Anum_providers_name);
	provider->added_at = ja_scan_time(scan, Anum_providers_created_at);
	provider->issuer = ja_scan_string(scan, Anum_providers_issuer);
	provider->client_ids = ja_provider_read_array(ja_scan_array(scan, Anum_providers_client_ids));
	if (ja_provider_options_read(&options->root, &provider->options) != JA_OK ||
		ja_keyset_read(&jwks->root, &provider->keys) != JA_OK)
		return JA_PROVIDER_UNKNOWN;
	return JA_OK;
}

static JaStatus
load_provider(JaCachedRow *row, const void *wanted)
{
	const JaString *name = wanted;
	JaScan		scan;
	JaStatus	status;

	if (!ja_scan_find(&scan, JA_PROVIDERS, JA_PROVIDERS_PKEY,
					  JA_WHERE(ja_equal(Anum_providers_name, ja_string(*name)))))
		return JA_PROVIDER_UNKNOWN;
	status = read_provider_row(&scan, (JaProvider *) row);
	ja_scan_end(&scan);
	return status;
}

static bool
is_wanted_provider(const JaCachedRow *row, const void *wanted)
{
	return ja_string_equals(((const JaProvider *) row)->name, *(const JaString *) wanted);
}

static JaRowCache providers = {
	.name = "provider",
	.row_size = sizeof(JaProvider),
	.is_wanted = is_wanted_provider,
	.load = load_provider,
};

/*
 * The provider of a name.  It belongs to the cache of rows, or else to the current
 * memory context, and is valid until the next call, which code of others can make,
 * too.  Fails with JA_PROVIDER_UNKNOWN.
 */
JaStatus
ja_provider_find(JaString name, const JaProvider **provider)
{
	const JaCachedRow *row;
	JaStatus	status = JA_PROVIDER_UNKNOWN;

	if (ja_provider_name_is_right(name))
		status = ja_row_cache_get(&providers, &name, &row);
	if (status != JA_OK)
		return status;
	*provider = (const JaProvider *) row;
	return JA_OK;
}
