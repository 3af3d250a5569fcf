/*-------------------------------------------------------------------------
 *
 * provider_change.c
 *	  Adding and removing of identity providers, and their keys.
 *
 * Only public keys are taken: a provider that shares a secret with its clients
 * could not tell their tokens from its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "federation/provider.h"
#include "keyring/issuer.h"
#include "keyring/issuer_keys.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "store/invalidation.h"
#include "store/plan.h"
#include "store/scan.h"

/* Most client IDs of a provider. */
#define MAX_CLIENT_IDS 64

/* How long it takes until a provider's keys are asked for again. */
#define WANTED_SECONDS 60

/* Who fetches keys listens to it. */
#define CHANNEL "jwt_auth_jwks"

/* With another issuer it is another provider, and tickets of the former one are void. */
static JaPlan upsert_provider = {
	.sql = "INSERT INTO jwt_auth.providers"
	" (name, issuer, issuers, client_ids, options, jwks, created_at, updated_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"
	" ON CONFLICT (name) DO UPDATE SET issuer = EXCLUDED.issuer, issuers = EXCLUDED.issuers,"
	" client_ids = EXCLUDED.client_ids, options = EXCLUDED.options, jwks = EXCLUDED.jwks,"
	" created_at = CASE WHEN providers.issuer OPERATOR(pg_catalog.=) EXCLUDED.issuer"
	" THEN providers.created_at ELSE EXCLUDED.created_at END,"
	" updated_at = EXCLUDED.updated_at"
};

/* Tokens that jwt_authenticate() would accept for one of these clients. */
static JaPlan find_trusted = {
	.sql = "SELECT FROM jwt_auth.issuers AS i WHERE i.issuer OPERATOR(pg_catalog.=) ANY ($1)"
	" AND (i.audience OPERATOR(pg_catalog.=) ANY ($2)"
	" OR (i.options OPERATOR(pg_catalog.->) 'audiences') OPERATOR(pg_catalog.?|) $2)"
};

/*
 * When keys were last asked for stays: whoever fetches them at once would else be sent
 * again at once, and each time all that rests on keys is void.
 */
static JaPlan update_keys = {
	.sql = "UPDATE jwt_auth.providers SET jwks = $2, updated_at = $3"
	" WHERE name OPERATOR(pg_catalog.=) $1"
};

/* Not what has been changed since the keys were asked for, and not the same keys. */
static JaPlan store_keys = {
	.sql = "UPDATE jwt_auth.providers SET jwks = $2, updated_at = $3"
	" WHERE name OPERATOR(pg_catalog.=) $1 AND updated_at OPERATOR(pg_catalog.=) $4"
	" AND jwks OPERATOR(pg_catalog.<>) $2"
};

static JaPlan delete_provider = {
	.sql = "DELETE FROM jwt_auth.providers WHERE name OPERATOR(pg_catalog.=) $1"
};

static JaPlan list_users = {
	.sql = "SELECT DISTINCT user_id FROM jwt_auth.identities"
	" WHERE provider OPERATOR(pg_catalog.=) $1 ORDER BY user_id"
};

static JaPlan show_providers = {
	.sql = "SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
	"'name', name, 'issuer', issuer, 'client_ids', client_ids, 'options', options,"
	" 'jwks', jwks, 'keys_wanted_at',"
	" CASE WHEN keys_wanted_at OPERATOR(pg_catalog.>) updated_at THEN keys_wanted_at END,"
	" 'created_at', created_at,"
	" 'updated_at', updated_at) ORDER BY name), '[]') FROM jwt_auth.providers"
};

/* Whoever else is at it asks for the keys, or has them. */
static JaPlan want_keys = {
	.sql = "UPDATE jwt_auth.providers SET keys_wanted_at = $2 WHERE name OPERATOR(pg_catalog.=) ("
	"SELECT name FROM jwt_auth.providers WHERE name OPERATOR(pg_catalog.=) $1"
	" AND (keys_wanted_at IS NULL OR keys_wanted_at OPERATOR(pg_catalog.<) $3)"
	" FOR NO KEY UPDATE SKIP LOCKED)"
};

static void
audit_provider(const char *event, JaString name)
{
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = event, .reason = pnstrdup(name.data, name.length)
				   });
}

/* The client IDs, each of some length; raises JA_PROVIDER_CLIENT_IDS. */
static JaStringList
read_client_ids(ArrayType *array)
{
	JaStringList ids;

	if (array_contains_nulls(array) || ARR_NDIM(array) != 1)
		ja_raise(JA_PROVIDER_CLIENT_IDS);
	ids = ja_provider_read_array(array);
	if (ids.count > MAX_CLIENT_IDS)
		ja_raise(JA_PROVIDER_CLIENT_IDS);
	for (int i = 0; i < ids.count; i++)
	{
		if (ids.strings[i].length == 0 || ids.strings[i].length > JA_MAX_ISSUER)
			ja_raise(JA_PROVIDER_CLIENT_IDS);
	}
	return ids;
}

/* Each "iss" that the provider's tokens may carry. */
static ArrayType *
list_issuers(JaString issuer, const JaStringList *tenants)
{
	int			count = ja_provider_has_many_tenants(issuer) ? tenants->count : 1;
	Datum	   *names = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
	{
		JaString	name = issuer;

		if (tenants->count > 0)
			name = ja_provider_issuer_of(issuer, tenants->strings[i]);
		names[i] = PointerGetDatum(cstring_to_text_with_len(name.data, (int) name.length));
	}
	return construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT);
}

static void
check_new_provider(const JaNewProvider *new, const JaProviderOptions *options)
{
	if (!ja_provider_name_is_right(new->name))
		ja_raise(JA_PROVIDER_NAME);
	if (new->issuer.length == 0)
		ja_raise(JA_ISSUER_EMPTY);
	if (new->issuer.length > JA_MAX_ISSUER)
		ja_raise(JA_ISSUER_LONG);
	if (ja_string_equals(new->issuer, ja_settings_text(ja_settings.issuer)))
		ja_raise(JA_PROVIDER_OWN);
	if (ja_provider_has_many_tenants(new->issuer) && options->tenants.count == 0)
		ja_raise(JA_PROVIDER_TENANTS);
}

/* Reads a set of public keys; raises as ja_issuer_keys_read(), and for a secret. */
static Jsonb *
read_public_keys(const Jsonb *jwks)
{
	JaKeySet   *keys = ja_issuer_keys_read(jwks);

	if (keys->keys[0]->type->kind == JA_OCT)
		ja_raise(JA_PROVIDER_SECRET);
	return ja_issuer_keys_write(keys, false);
}

/*
 * Adds a provider, or replaces all that is known of it but the identities.  Raises
 * for unusable arguments, and where its tokens would be identities.
 */
void
ja_provider_add(const JaNewProvider *new)
{
	JaProviderOptions options;
	JaPlanScope scope;
	ArrayType  *issuers;
	Jsonb	   *keys;

	ja_check(ja_provider_options_read(&new->options->root, &options));
	check_new_provider(new, &options);
	(void) read_client_ids(new->client_ids);
	keys = read_public_keys(new->jwks);
	issuers = list_issuers(new->issuer, &options.tenants);
	ja_plan_begin(&scope);
	if (ja_plan_run(&find_trusted, JA_VALUES(ja_array(TEXTARRAYOID, issuers),
											 ja_array(TEXTARRAYOID, new->client_ids))) > 0)
		ja_raise(JA_PROVIDER_TRUSTED);
	ja_plan_write_one(&upsert_provider,
					  JA_VALUES(ja_string(new->name), ja_string(new->issuer),
								ja_array(TEXTARRAYOID, issuers),
								ja_array(TEXTARRAYOID, new->client_ids), ja_jsonb(new->options),
								ja_jsonb(keys), ja_time(GetCurrentTimestamp())));
	ja_invalidate(JA_INVALIDATION_KEYS);
	ja_plan_end(&scope);
	audit_provider("provider_added", new->name);
}

/* Replaces the keys of a provider; raises JA_PROVIDER_UNKNOWN, or as ja_provider_add(). */
void
ja_provider_update_keys(JaString name, const Jsonb *jwks)
{
	Jsonb	   *keys = read_public_keys(jwks);
	JaPlanScope scope;

	ja_plan_begin(&scope);
	if (ja_plan_run(&update_keys, JA_VALUES(ja_string(name), ja_jsonb(keys),
											ja_time(GetCurrentTimestamp()))) == 0)
		ja_raise(JA_PROVIDER_UNKNOWN);
	ja_invalidate(JA_INVALIDATION_KEYS);
	ja_plan_end(&scope);
	audit_provider("provider_keys_updated", name);
}

/*
 * Replaces the keys of a provider by those that it publishes, unless something of it was
 * replaced after the time.  Raises for an unusable set.
 */
void
ja_provider_store_keys(JaString name, const Jsonb *jwks, TimestampTz former)
{
	Jsonb	   *keys = read_public_keys(jwks);
	JaPlanScope scope;
	uint64		count;

	ja_plan_begin(&scope);
	count = ja_plan_run(&store_keys, JA_VALUES(ja_string(name), ja_jsonb(keys),
											   ja_time(GetCurrentTimestamp()), ja_time(former)));
	if (count > 0)
		ja_invalidate(JA_INVALIDATION_KEYS);
	ja_plan_end(&scope);
	if (count > 0)
		audit_provider("provider_keys_updated", name);
}

/* Ends all sessions of the users who have an identity of the provider. */
static void
end_sessions(JaString name)
{
	uint64		count = ja_plan_run(&list_users, JA_VALUES(ja_string(name)));
	pg_uuid_t  *users = palloc_array(pg_uuid_t, count);

	for (uint64 i = 0; i < count; i++)
	{
		bool		is_null;

		users[i] = *DatumGetUUIDP(ja_plan_result(i, 1, &is_null));
	}
	for (uint64 i = 0; i < count; i++)
		ja_session_end_user(&users[i], NULL, "provider removed");
}

/*
 * Removes a provider, so that nobody logs in with it any more.  The identities stay
 * for when it comes back, which is by the same name and issuer.  Raises
 * JA_PROVIDER_UNKNOWN.
 */
void
ja_provider_remove(JaString name, bool ends_sessions)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	if (ja_plan_run(&delete_provider, JA_VALUES(ja_string(name))) == 0)
		ja_raise(JA_PROVIDER_UNKNOWN);
	ja_invalidate(JA_INVALIDATION_KEYS);
	if (ends_sessions)
		end_sessions(name);
	ja_plan_end(&scope);
	audit_provider("provider_removed", name);
}

/* An array of what was given of each provider. */
Jsonb *
ja_provider_show(void)
{
	JaPlanScope scope;
	bool		is_null;
	Jsonb	   *shown;

	ja_plan_begin_in_caller_context(&scope);
	ja_plan_run(&show_providers, JA_NO_VALUES);
	shown = DatumGetJsonbPCopy(ja_plan_result(0, 1, &is_null));
	ja_plan_end(&scope);
	return shown;
}

/* Whether the keys were not asked for within the last minute, as of now. */
static bool
may_want_keys(JaString name, TimestampTz since)
{
	JaScan		scan;
	bool		may;

	if (!ja_scan_find(&scan, JA_PROVIDERS, JA_PROVIDERS_PKEY,
					  JA_WHERE(ja_equal(Anum_providers_name, ja_string(name)))))
		return false;
	may = ja_scan_time(&scan, Anum_providers_keys_wanted_at) < since ||
		ja_scan_is_null(&scan, Anum_providers_keys_wanted_at);
	ja_scan_end(&scan);
	return may;
}

/*
 * Tells whoever fetches keys that a token names one that the provider is not known
 * to have: once in a minute, since anybody can make such tokens.
 */
void
ja_provider_want_keys(JaString name)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz since = now - WANTED_SECONDS * USECS_PER_SEC;
	JaPlanScope scope;

	if (!may_want_keys(name, since))
		return;
	ja_plan_begin(&scope);
	if (ja_plan_run_as_of_now(&want_keys,
							  JA_VALUES(ja_string(name), ja_time(now), ja_time(since))) > 0)
		Async_Notify(CHANNEL, "");
	ja_plan_end(&scope);
}
