/*-------------------------------------------------------------------------
 *
 * relation.c
 *	  The extension's tables and indexes by name.
 *
 * The OIDs are looked up once, and forgotten when any of the relations is
 * invalidated: it may have been dropped with the extension, or have got a new
 * OID as REINDEX CONCURRENTLY does.  The schema belongs to the extension, so
 * that nobody else's table can stand under these names.
 *
 * Citus keeps the rows of a table that it manages elsewhere, while the heap that
 * is scanned here grows stale: a key that was revoked would stay valid.  So such a
 * table is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "store/relation.h"

static const char *const names[JA_RELATION_COUNT] = {
	[JA_KEYS] = "keys",
	[JA_KEYS_PKEY] = "keys_pkey",
	[JA_KEYS_NUMBER] = "keys_number_idx",
	[JA_KEYS_ACTIVE] = "keys_active_idx",
	[JA_ISSUERS] = "issuers",
	[JA_ISSUERS_PKEY] = "issuers_pkey",
	[JA_ISSUERS_ANONYMOUS] = "issuers_anonymous_idx",
	[JA_PROVIDERS] = "providers",
	[JA_PROVIDERS_PKEY] = "providers_pkey",
	[JA_IDENTITIES] = "identities",
	[JA_IDENTITIES_PKEY] = "identities_pkey",
	[JA_IDENTITIES_USER] = "identities_user_id_idx",
	[JA_USERS] = "users",
	[JA_USERS_PKEY] = "users_pkey",
	[JA_USERS_POSITION] = "users_position_idx",
	[JA_USERS_DISABLED] = "users_disabled_idx",
	[JA_USERS_BANNED] = "users_banned_idx",
	[JA_IDENTIFIERS] = "identifiers",
	[JA_IDENTIFIERS_PKEY] = "identifiers_pkey",
	[JA_IDENTIFIERS_USER] = "identifiers_user_id_idx",
	[JA_SESSIONS] = "sessions",
	[JA_SESSIONS_PKEY] = "sessions_pkey",
	[JA_SESSIONS_LIVE] = "sessions_user_id_revoked_at_expires_at_idx",
	[JA_SESSIONS_EXPIRY] = "sessions_expires_at_idx",
	[JA_SESSIONS_REVOCATION] = "sessions_revoked_at_idx",
	[JA_SESSIONS_ACTIVITY] = "sessions_activity_idx",
	[JA_REFRESH_TOKENS] = "refresh_tokens",
	[JA_REFRESH_TOKENS_PKEY] = "refresh_tokens_pkey",
	[JA_API_TOKENS] = "api_tokens",
	[JA_API_TOKENS_PKEY] = "api_tokens_pkey",
	[JA_CLIENTS] = "clients",
	[JA_CLIENTS_PKEY] = "clients_pkey",
	[JA_REVOKED_TOKENS] = "revoked_tokens",
	[JA_REVOKED_TOKENS_PKEY] = "revoked_tokens_pkey",
	[JA_REVOKED_TOKENS_EXPIRY] = "revoked_tokens_expires_at_idx",
	[JA_DELETED_USERS] = "deleted_users",
	[JA_DELETED_USERS_PKEY] = "deleted_users_pkey",
	[JA_ONE_TIME_TOKENS] = "one_time_tokens",
	[JA_ONE_TIME_TOKENS_PKEY] = "one_time_tokens_pkey",
	[JA_ONE_TIME_TOKENS_EXPIRY] = "one_time_tokens_expires_at_idx",
	[JA_OUTBOX] = "outbox",
	[JA_OUTBOX_EXPIRY] = "outbox_expires_at_idx",
	[JA_USED_HANDLES] = "used_handles",
	[JA_USED_HANDLES_PKEY] = "used_handles_pkey",
	[JA_USED_HANDLES_EXPIRY] = "used_handles_expires_at_idx",
	[JA_WEBAUTHN_CREDENTIALS] = "webauthn_credentials",
	[JA_WEBAUTHN_CREDENTIALS_ID] = "webauthn_credentials_credential_id_key",
	[JA_WEBAUTHN_CREDENTIALS_USER] = "webauthn_credentials_user_id_idx",
	[JA_FACTORS] = "factors",
	[JA_FACTORS_USER] = "factors_user_id_idx",
	[JA_FACTORS_PENDING] = "factors_pending_idx",
	[JA_LOGIN_THROTTLE] = "login_throttle",
	[JA_LOGIN_THROTTLE_PKEY] = "login_throttle_pkey",
	[JA_LOGIN_THROTTLE_LAST_FAILURE] = "login_throttle_last_failure_at_idx",
	[JA_AUDIT_LOG] = "audit_log",
	[JA_AUDIT_LOG_DENIED] = "audit_log_denied_idx",
	[JA_AUDIT_LOG_TIME] = "audit_log_at_idx",
	[JA_BLOCKED_PASSWORDS] = "blocked_passwords",
	[JA_BLOCKED_PASSWORDS_PKEY] = "blocked_passwords_pkey",
	[JA_KEY_INVALIDATION] = "key_invalidation",
	[JA_REVOCATION_INVALIDATION] = "revocation_invalidation",
};

static Oid	known[JA_RELATION_COUNT];

/*
 * Whether Citus manages the table: its catalog has a row for each such table, and
 * names it in the first column.
 */
static bool
is_distributed(Oid table)
{
	Oid			catalog_id = get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE);
	Relation	catalog;
	SysScanDesc scan;
	ScanKeyData key;
	bool		found;

	if (!OidIsValid(catalog_id))
		return false;
	catalog = table_open(catalog_id, AccessShareLock);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/* Raises 55000 where the extension is not installed, or its table is distributed. */
static Oid
look_up(JaRelation relation)
{
	Oid			schema = get_namespace_oid(JA_SCHEMA, true);
	Oid			found = InvalidOid;

	if (OidIsValid(schema))
		found = get_relname_relid(names[relation], schema);
	if (!OidIsValid(found))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the tables of extension \"jwt_auth\" are not in this database"),
				 errhint("Run CREATE EXTENSION jwt_auth in this database."),
				 errhidestmt(true)));
	if (is_distributed(found))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"" JA_SCHEMA ".%s\" is managed by Citus", names[relation]),
				 errhint("Undistribute the table, and replicate it by a publication instead."),
				 errhidestmt(true)));
	return found;
}

/* The OID of a relation; raises 55000 where it cannot be used. */
Oid
ja_relation_oid(JaRelation relation)
{
	if (!OidIsValid(known[relation]))
		known[relation] = look_up(relation);
	return known[relation];
}

/* The owner of a relation; raises as above. */
Oid
ja_relation_owner(JaRelation relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(ja_relation_oid(relation)));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for table \"%s\"", names[relation]);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Whether the OID is one of those that were looked up. */
bool
ja_relation_is_known(Oid relation)
{
	for (int i = 0; i < JA_RELATION_COUNT; i++)
	{
		if (known[i] == relation)
			return true;
	}
	return false;
}

/* Forgets all OIDs, so that they are looked up again. */
void
ja_relation_forget(void)
{
	memset(known, 0, sizeof(known));
}
