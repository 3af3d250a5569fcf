/*-------------------------------------------------------------------------
 *
 * change.c
 *	  What all changes of stored keys share.
 *
 * Each change takes a lock that excludes other changes, but not readers, and
 * ends by invalidating the caches of all backends.  States follow
 * from the columns and the clock, so that no job is needed.  A private half
 * is erased as soon as the key signs no more; a secret, which verifies too,
 * when it is revoked, or by a purge when it verifies no more.
 *
 * Where there is a signing key, each change also makes the secrets for other
 * uses that are missing: were the first login to make them, it would hold the
 * lock, and if its transaction stayed open, nobody else could log in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "base/time.h"
#include "keyring/change.h"
#include "keyring/key_row.h"
#include "keyring/stored_key.h"
#include "store/invalidation.h"
#include "store/scan.h"

/* How long a former key verifies beyond the longest life of a token. */
#define RETIRING_SLACK_SECONDS 300

static JaPlan select_active = {
	.sql = "SELECT kid, alg FROM jwt_auth.keys"
	" WHERE use OPERATOR(pg_catalog.=) $1 AND " IS_ACTIVE
};

static JaPlan select_next = {
	.sql = "SELECT kid, alg FROM jwt_auth.keys"
	" WHERE use OPERATOR(pg_catalog.=) $1 AND " IS_NEXT
	" ORDER BY created_at, kid"
};

static JaPlan retire_active = {
	.sql = "UPDATE jwt_auth.keys SET verify_until = $2,"
	" private_jwk = CASE WHEN public_jwk IS NULL THEN private_jwk END,"
	" sealed_by = CASE WHEN public_jwk IS NULL THEN sealed_by END"
	" WHERE use OPERATOR(pg_catalog.=) $1 AND " IS_ACTIVE
};

static JaPlan activate = {
	.sql = "UPDATE jwt_auth.keys SET activated_at = $2"
	" WHERE kid OPERATOR(pg_catalog.=) $1 AND " IS_NEXT
};

static JaPlan select_last_number = {
	.sql = "SELECT pg_catalog.max(number) FROM jwt_auth.keys"
};

/* Raises 40001: keys have changed under a transaction that used them. */
void
ja_change_raise_stale(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent changes of keys"),
			 errhint("Try again in a new transaction."),
			 errhidestmt(true)));
}

/*
 * A change decides by what it sees, so that it must see every key.  Under
 * REPEATABLE READ and SERIALIZABLE a key may be too new for the snapshot.
 */
static void
check_snapshot(void)
{
	Snapshot	snapshot = GetTransactionSnapshot();
	JaScan		scan;

	ja_scan_start(&scan, JA_KEYS, JA_KEYS_PKEY, JA_ALL_ROWS);
	while (ja_scan_next(&scan))
	{
		if (!ja_scan_row_is_uncommitted(&scan) &&
			XidInMVCCSnapshot(HeapTupleHeaderGetXmin(scan.row->t_data), snapshot))
			ja_change_raise_stale();
	}
	ja_scan_end(&scan);
}

/* Takes the lock, and the time of the change. */
void
ja_change_begin(JaChange *change)
{
	LockRelationOid(ja_relation_oid(JA_KEYS), ShareRowExclusiveLock);
	if (IsolationUsesXactSnapshot())
		check_snapshot();
	ja_plan_begin(&change->scope);
	change->now = GetCurrentTimestamp();
}

/* Makes an active secret of our own for a use other than signatures. */
static int32
insert_secret(const JaChange *change, JaKeyUse use)
{
	JaKeyRow	row = {
		.key = ja_key_row_generate(ja_algorithm_find((JaString) {"HS256", 5}),
								   (JaString) {NULL, 0}),
		.use = use,
		.is_active = true,
		.created_at = change->now
	};
	bool		is_null;

	if (ja_key_use_row(use)->last_end != NULL)
	{
		ja_plan_run(&select_last_number, JA_NO_VALUES);
		row.number = DatumGetInt32(ja_plan_result(0, 1, &is_null));
		row.number = is_null ? 1 : row.number + 1;
	}
	ja_check(ja_key_row_insert(&row));
	return row.number;
}

/* Whether there is an active key of the use. */
bool
ja_change_has_active(JaKeyUse use)
{
	return ja_plan_run(&select_active, JA_VALUES(ja_key_use_value(use))) > 0;
}

/* Makes the active secrets for other uses than signatures that are missing. */
void
ja_change_insert_missing_secrets(const JaChange *change)
{
	for (JaKeyUse use = 0; use < JA_KEY_USES; use++)
	{
		if (use != JA_USE_SIGNATURE && !ja_change_has_active(use))
			insert_secret(change, use);
	}
}

/* Tells every backend that keys changed, and PostgREST, which then asks again. */
void
ja_change_announce(void)
{
	ja_invalidate(JA_INVALIDATION_KEYS);
	Async_Notify("pgrst", "reload config");
}

/* Ends the change, and tells of it. */
void
ja_change_end(JaChange *change)
{
	if (ja_change_has_active(JA_USE_SIGNATURE))
		ja_change_insert_missing_secrets(change);
	ja_change_announce();
	ja_plan_end(&change->scope);
}

/* When a key ceases to verify that signs no more from now on. */
TimestampTz
ja_change_retiring_end(const JaChange *change)
{
	return ja_seconds_from(change->now,
						   ja_settings.max_token_ttl_seconds + RETIRING_SLACK_SECONDS);
}

/* Copies a kid into the caller's memory. */
JaString
ja_change_keep_kid(const JaChange *change, JaString kid)
{
	char	   *copy = MemoryContextAlloc(change->scope.context, kid.length + 1);

	memcpy(copy, kid.data, kid.length);
	copy[kid.length] = '\0';
	return (JaString) {copy, kid.length};
}

/* The algorithm that a row of the last result has as its second column. */
const JaAlgorithm *
ja_change_algorithm(uint64 row)
{
	const JaAlgorithm *algorithm = ja_algorithm_find(ja_plan_string(row, 2));

	if (algorithm == NULL)
		elog(ERROR, "stored key has an unknown algorithm");
	return algorithm;
}

/* Kid and algorithm of the active signing key; false if there is none. */
bool
ja_change_find_active(JaString *kid, const JaAlgorithm **algorithm)
{
	if (ja_plan_run(&select_active, JA_VALUES(ja_key_use_value(JA_USE_SIGNATURE))) == 0)
		return false;
	*kid = ja_plan_string(0, 1);
	*algorithm = ja_change_algorithm(0);
	return true;
}

/* The same for the oldest next key whose algorithm this OpenSSL has. */
bool
ja_change_find_next(JaString *kid, const JaAlgorithm **algorithm)
{
	int			count = (int) ja_plan_run(&select_next, JA_VALUES(ja_key_use_value(JA_USE_SIGNATURE)));

	for (int i = 0; i < count; i++)
	{
		const JaAlgorithm *found = ja_change_algorithm(i);

		if (ja_algorithm_available(found) == JA_OK)
		{
			*kid = ja_plan_string(i, 1);
			*algorithm = found;
			return true;
		}
	}
	return false;
}

/*
 * The algorithm of a new key that takes the place of one of this algorithm: the
 * same, or ES256, with a WARNING, where this OpenSSL has it not, as it may be
 * after a restore elsewhere.
 */
const JaAlgorithm *
ja_change_substitute(const JaAlgorithm *algorithm)
{
	if (ja_algorithm_available(algorithm) == JA_OK)
		return algorithm;
	ereport(WARNING,
			(errmsg("algorithm %s is not available in this server's OpenSSL, so the new key is for ES256",
					algorithm->name),
			 errhint("Verifiers must accept ES256; pass another algorithm to jwt_rotate_key() if they do not.")));
	return ja_algorithm_find((JaString) {"ES256", 5});
}

/* Makes and inserts a key; returns its kid.  A kid of NULL is a default one. */
JaString
ja_change_insert_key(const JaChange *change, const JaAlgorithm *algorithm, JaString kid,
					 bool is_active)
{
	JaKeyRow	row = {
		.key = ja_key_row_generate(algorithm, kid),
		.use = JA_USE_SIGNATURE,
		.is_active = is_active,
		.created_at = change->now
	};

	ja_check(ja_key_row_insert(&row));
	return row.key->kid;
}

/* A serialization failure where the row changed behind our snapshot. */
void
ja_change_run_on_one(JaPlan *plan, JaValues values)
{
	if (ja_plan_run(plan, values) != 1)
		ja_change_raise_stale();
}

/* Warns that verifiers had no time to learn of the key that signs now. */
void
ja_change_warn_unpublished(void)
{
	ereport(WARNING,
			(errmsg("the promoted key was never published as the next one"),
			 errhint("Verifiers that cache the JWK Set must reload it now.")));
}

/* Makes the key with the kid the active one, in place of the former. */
void
ja_change_promote(const JaChange *change, JaString kid)
{
	ja_plan_run(&retire_active, JA_VALUES(ja_key_use_value(JA_USE_SIGNATURE),
										  ja_time(ja_change_retiring_end(change))));
	ja_change_run_on_one(&activate, JA_VALUES(ja_string(kid), ja_time(change->now)));
}

/*
 * Makes a new key for a use that makes handles, in place of the former, which
 * verifies as long as what it made can live; returns the new one's number.
 */
int32
ja_change_rotate_secret(const JaChange *change, JaKeyUse use)
{
	TimestampTz last_end = ja_key_use_row(use)->last_end(change->now);

	ja_plan_run(&retire_active,
				JA_VALUES(ja_key_use_value(use),
						  ja_time(ja_seconds_from(last_end, RETIRING_SLACK_SECONDS))));
	return insert_secret(change, use);
}
