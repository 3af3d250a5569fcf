/*-------------------------------------------------------------------------
 *
 * reseal.c
 *	  Sealing of all that is stored in the clear or under another key.
 *
 * What was ever stored in the clear remains in WAL, old row versions and
 * backups, so that its row keeps saying so: see key_replace.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "storage/lmgr.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "keyring/reseal.h"
#include "keyring/seal.h"
#include "store/invalidation.h"
#include "store/plan.h"

static JaPlan select_keys = {
	.sql = "SELECT kid, alg, use, private_jwk, sealed_by FROM jwt_auth.keys"
	" WHERE private_jwk IS NOT NULL FOR UPDATE"
};

static JaPlan update_key = {
	.sql = "UPDATE jwt_auth.keys SET private_jwk = $2, sealed_by = $3,"
	" was_clear = was_clear OR sealed_by IS NULL"
	" WHERE kid OPERATOR(pg_catalog.=) $1"
};

static JaPlan select_issuers = {
	.sql = "SELECT issuer, ''::pg_catalog.text, 'oct'::pg_catalog.text, secret_jwks, sealed_by"
	" FROM jwt_auth.issuers WHERE secret_jwks IS NOT NULL FOR UPDATE"
};

static JaPlan update_issuer = {
	.sql = "UPDATE jwt_auth.issuers SET secret_jwks = $2, sealed_by = $3,"
	" was_clear = was_clear OR sealed_by IS NULL"
	" WHERE issuer OPERATOR(pg_catalog.=) $1"
};

/* No replacing helps those that were in the clear: their users enroll again. */
static JaPlan select_factors = {
	.sql = "SELECT id::pg_catalog.text, type, user_id::pg_catalog.text, secret, sealed_by"
	" FROM jwt_auth.factors FOR UPDATE"
};

static JaPlan update_factor = {
	.sql = "UPDATE jwt_auth.factors SET secret = $2, sealed_by = $3"
	" WHERE id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
};

/* One value and the row that it is tied to. */
typedef struct Row
{
	JaSealLabel label;
	JaStored	stored;
} Row;

/* Copies all rows out of the result. */
static int
collect_sealable_rows(JaPlan *select, const char *table, Row **rows)
{
	int			found = (int) ja_plan_run(select, JA_NO_VALUES);

	*rows = palloc(sizeof(Row) * (found + 1));
	for (int i = 0; i < found; i++)
	{
		Row		   *row = &(*rows)[i];
		bool		is_null;

		row->label.table = (JaString) {table, strlen(table)};
		row->label.kid = ja_plan_string(i, 1);
		row->label.alg = ja_plan_string(i, 2);
		row->label.use = ja_plan_string(i, 3);
		row->stored.sealed_by = ja_plan_string(i, 5);
		row->stored.bytes = DatumGetByteaPCopy(ja_plan_result(i, 4, &is_null));
	}
	return found;
}

/*
 * Seals one value anew and writes it, unless the first key has sealed it.  A
 * value is opened in any case, so that the operator learns now, and not at
 * the next restart, of a line that has the right name but another key.
 */
static bool
reseal(JaPlan *update, const Row *row, const JaMasterKey *first)
{
	JaStored	sealed = {0};
	uint8	   *plain;
	size_t		length;

	ja_check(ja_seal_open(&row->label, &row->stored, &plain, &length));
	if (row->stored.sealed_by.data != NULL && ja_string_is(row->stored.sealed_by, first->name))
		return false;
	ja_check(ja_seal_store(&row->label, plain, length, &sealed));
	ja_plan_run(update, JA_VALUES(ja_string(row->label.kid), ja_bytes(sealed.bytes),
								  ja_string(sealed.sealed_by)));
	return true;
}

static int
reseal_table(JaPlan *select, JaPlan *update, const char *table, const JaMasterKey *first,
			 bool *was_clear)
{
	Row		   *rows;
	int			found = collect_sealable_rows(select, table, &rows);
	int			count = 0;

	for (int i = 0; i < found; i++)
	{
		count += reseal(update, &rows[i], first);
		*was_clear |= rows[i].stored.sealed_by.data == NULL;
	}
	return count;
}

/*
 * Seals with the first master key all private keys and secrets, those of factors
 * included, that it has not sealed; returns how many, and whether any was in the
 * clear.  Raises JA_MASTER_KEY_... or, if one can't be opened, JA_KEYRING_....
 */
int
ja_reseal_all(bool *was_clear)
{
	JaPlanScope scope;
	JaMasterKey first;
	JaStatus	status = ja_master_key_first(&first);
	bool		ignored = false;
	int			count;

	*was_clear = false;
	OPENSSL_cleanse(first.key, sizeof(first.key));
	ja_check(status);
	LockRelationOid(ja_relation_oid(JA_KEYS), ShareRowExclusiveLock);
	ja_plan_begin(&scope);
	count = reseal_table(&select_keys, &update_key, "keys", &first, was_clear);
	count += reseal_table(&select_issuers, &update_issuer, "issuers", &first, was_clear);
	count += reseal_table(&select_factors, &update_factor, "factors", &first, &ignored);
	if (count > 0)
		ja_invalidate(JA_INVALIDATION_KEYS);
	ja_plan_end(&scope);
	return count;
}
