/*-------------------------------------------------------------------------
 *
 * provider.h
 *	  Identity providers and their keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PROVIDER_H
#define JA_PROVIDER_H

#include "utils/array.h"

#include "federation/provider_options.h"
#include "jose/keyset.h"
#include "keyring/row_cache.h"

/* Longest name of a provider. */
#define JA_PROVIDER_MAX_NAME 63

typedef struct JaProvider
{
	JaCachedRow row;
	JaString	name;
	TimestampTz added_at;		/* another one of this name has another time */
	JaString	issuer;			/* may stand for many, by JA_PROVIDER_TENANT */
	JaStringList client_ids;
	JaProviderOptions options;
	JaKeySet   *keys;
} JaProvider;

/* What an issuer has in place of a tenant, as in Microsoft's metadata. */
#define JA_PROVIDER_TENANT "{tenantid}"

/* What jwt_add_provider() is given; none of it is NULL. */
typedef struct JaNewProvider
{
	JaString	name;
	JaString	issuer;
	ArrayType  *client_ids;
	Jsonb	   *jwks;
	Jsonb	   *options;
} JaNewProvider;

extern bool ja_provider_name_is_right(JaString name);
extern JaStatus ja_provider_find(JaString name, const JaProvider **provider);
extern JaStringList ja_provider_read_array(ArrayType *array);
extern JaString ja_provider_issuer_of(JaString issuer, JaString tenant);
extern bool ja_provider_has_many_tenants(JaString issuer);
extern bool ja_provider_is_microsoft(JaString issuer);

extern void ja_provider_add(const JaNewProvider *new);
extern void ja_provider_update_keys(JaString name, const Jsonb *jwks);
extern void ja_provider_store_keys(JaString name, const Jsonb *jwks, TimestampTz former);
extern void ja_provider_remove(JaString name, bool ends_sessions);
extern Jsonb *ja_provider_show(void);
extern void ja_provider_want_keys(JaString name);

#endif							/* JA_PROVIDER_H */
