/*-------------------------------------------------------------------------
 *
 * client_row.c
 *	  Clients as the table jwt_auth.clients has them.
 *
 * A client shows a secret, of which a keyed hash is kept, or signs with a key of its
 * own.  Either has an id, which the client's tokens carry: token/revocation.c refuses
 * them once that is no longer the client's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "machine/client_row.h"
#include "store/invalidation.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/wait.h"

static JaPlan insert_client = {
	.sql = "INSERT INTO jwt_auth.clients (id, name, role, scope, jwks, credential_id,"
	" secret_hash, created_at, credential_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)"
};

/* The secret of before stays, and the one before that goes. */
static JaPlan replace_secret = {
	.sql = "UPDATE jwt_auth.clients SET credential_id = $2, secret_hash = $3,"
	" credential_at = $4, former_credential_id = credential_id,"
	" former_secret_hash = secret_hash"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND secret_hash IS NOT NULL"
};

static JaPlan delete_client = {
	.sql = "DELETE FROM jwt_auth.clients WHERE id OPERATOR(pg_catalog.=) $1"
};

static void
read_client(const JaScan *scan, void *row)
{
	JaClientRow *client = row;
	bool		is_null;
	Datum		role = ja_scan_get(scan, Anum_clients_role, &is_null);

	client->id = ja_scan_uuid(scan, Anum_clients_id);
	client->role = is_null ? NULL : pstrdup(NameStr(*DatumGetName(role)));
	client->scope = ja_scan_string(scan, Anum_clients_scope);
	client->jwks = ja_scan_is_null(scan, Anum_clients_jwks) ? NULL :
		ja_scan_jsonb(scan, Anum_clients_jwks);
	client->current.id = ja_scan_uuid(scan, Anum_clients_credential_id);
	client->current.hash = ja_scan_octets(scan, Anum_clients_secret_hash);
	client->has_former = !ja_scan_is_null(scan, Anum_clients_former_credential_id);
	if (!client->has_former)
		return;
	client->former.id = ja_scan_uuid(scan, Anum_clients_former_credential_id);
	client->former.hash = ja_scan_octets(scan, Anum_clients_former_secret_hash);
}

static const JaRowType client_rows = {JA_CLIENTS, sizeof(JaClientRow), read_client};

/* Finds a client, as of now. */
bool
ja_client_find(const pg_uuid_t *id, JaClientRow *client)
{
	return ja_scan_read(&client_rows, JA_CLIENTS_PKEY,
						JA_WHERE(ja_equal(Anum_clients_id, ja_uuid(id))), client);
}

/* Within a scope of ja_plan_begin(), like the next ones. */
void
ja_client_insert(const JaClientRow *client, JaString name)
{
	ja_plan_write_one(&insert_client,
					  JA_VALUES(ja_uuid(&client->id), ja_string(name),
								ja_text(client->role),
								ja_string(client->scope), ja_jsonb(client->jwks),
								ja_uuid(&client->current.id), ja_octets(client->current.hash),
								ja_time(GetCurrentTimestamp())));
}

/* Runs a statement on one client's row, which others may hold for a while. */
static bool
run_on_client(JaPlan *plan, JaValues values)
{
	JaWait		wait;
	bool		is_done;

	ja_wait_begin(&wait);
	is_done = ja_plan_run(plan, values) == 1;
	ja_wait_end(&wait);
	if (is_done)
		ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	return is_done;
}

/* Gives a client another secret; false for one that has none. */
bool
ja_client_replace_secret(const pg_uuid_t *id, const JaClientCredential *secret)
{
	return run_on_client(&replace_secret, JA_VALUES(ja_uuid(id), ja_uuid(&secret->id),
													ja_octets(secret->hash),
													ja_time(GetCurrentTimestamp())));
}

/* Deletes a client; false if there is none. */
bool
ja_client_delete(const pg_uuid_t *id)
{
	return run_on_client(&delete_client, JA_VALUES(ja_uuid(id)));
}
