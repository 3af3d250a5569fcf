/*-------------------------------------------------------------------------
 *
 * key_change.c
 *	  Making, rotating, retiring and revoking of stored keys.
 *
 * Each change takes a lock that excludes other changes, but not readers, and
 * ends with a signal that voids the caches of all backends.  States follow
 * from the columns and the clock, so that no job is needed.  A private half
 * is erased as soon as the key signs no more; a secret, which verifies too,
 * when it is revoked.
 *
 * Where there is a signing key, each change also makes the secrets for other
 * uses that are missing: were the first login to make them, it would hold the
 * lock, and if its transaction stayed open, nobody else could log in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "jose/jwk.h"
#include "keyring/key_change.h"
#include "keyring/key_row.h"
#include "keyring/stored_key.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/signal.h"

/* How long a former key verifies beyond the longest life of a token. */
#define RETIRING_SLACK_SECONDS 300

#define IS_ACTIVE \
	"activated_at IS NOT NULL AND verify_until IS NULL AND revoked_at IS NULL"
#define IS_NEXT \
	"activated_at IS NULL AND verify_until IS NULL AND revoked_at IS NULL"

static JaPlan select_active = {
	.sql = "SELECT kid, alg FROM jwt_auth.keys"
	" WHERE use OPERATOR(pg_catalog.=) $1 AND " IS_ACTIVE,
	.argument_count = 1,
	.argument_types = {TEXTOID}
};

static JaPlan select_next = {
	.sql = "SELECT kid, alg FROM jwt_auth.keys"
	" WHERE use OPERATOR(pg_catalog.=) $1 AND " IS_NEXT
	" ORDER BY created_at, kid LIMIT 1",
	.argument_count = 1,
	.argument_types = {TEXTOID}
};

static JaPlan select_state = {
	.sql = "SELECT " IS_ACTIVE ", alg FROM jwt_auth.keys"
	" WHERE use OPERATOR(pg_catalog.=) 'sig' AND kid OPERATOR(pg_catalog.=) $1",
	.argument_count = 1,
	.argument_types = {TEXTOID}
};

static JaPlan retire_active = {
	.sql = "UPDATE jwt_auth.keys SET verify_until = $2,"
	" private_jwk = CASE WHEN public_jwk IS NULL THEN private_jwk END,"
	" sealed_by = CASE WHEN public_jwk IS NULL THEN sealed_by END"
	" WHERE use OPERATOR(pg_catalog.=) $1 AND " IS_ACTIVE,
	.argument_count = 2,
	.argument_types = {TEXTOID, TIMESTAMPTZOID}
};

static JaPlan activate = {
	.sql = "UPDATE jwt_auth.keys SET activated_at = $2"
	" WHERE kid OPERATOR(pg_catalog.=) $1 AND " IS_NEXT,
	.argument_count = 2,
	.argument_types = {TEXTOID, TIMESTAMPTZOID}
};

static JaPlan retire_one = {
	.sql = "UPDATE jwt_auth.keys SET verify_until = $2, private_jwk = NULL, sealed_by = NULL"
	" WHERE kid OPERATOR(pg_catalog.=) $1 AND use OPERATOR(pg_catalog.=) 'sig'",
	.argument_count = 2,
	.argument_types = {TEXTOID, TIMESTAMPTZOID}
};

static JaPlan revoke_one = {
	.sql = "UPDATE jwt_auth.keys SET revoked_at = $2, private_jwk = NULL, sealed_by = NULL"
	" WHERE kid OPERATOR(pg_catalog.=) $1 AND use OPERATOR(pg_catalog.=) 'sig'"
	" AND revoked_at IS NULL",
	.argument_count = 2,
	.argument_types = {TEXTOID, TIMESTAMPTZOID}
};

static JaPlan revoke_of_use = {
	.sql = "UPDATE jwt_auth.keys SET revoked_at = $2, private_jwk = NULL, sealed_by = NULL"
	" WHERE use OPERATOR(pg_catalog.=) $1 AND revoked_at IS NULL",
	.argument_count = 2,
	.argument_types = {TEXTOID, TIMESTAMPTZOID}
};

static JaPlan select_last_number = {
	.sql = "SELECT pg_catalog.max(number) FROM jwt_auth.keys"
};

static JaPlan select_last_session_end = {
	.sql = "SELECT pg_catalog.max(expires_at) FROM jwt_auth.sessions"
};

/* What a change holds from its beginning to its end. */
typedef struct Change
{
	JaPlanScope scope;
	TimestampTz now;
} Change;

/* Raises 40001: keys have changed under a transaction that used them. */
void
ja_key_change_raise_stale(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent changes of keys"),
			 errhint("Try again in a new transaction.")));
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

	scan.key_count = 0;
	ja_scan_start(&scan, JA_KEYS, JA_KEYS_PKEY);
	while (ja_scan_next(&scan))
	{
		if (!ja_scan_row_is_own(&scan) &&
			XidInMVCCSnapshot(HeapTupleHeaderGetXmin(scan.row->t_data), snapshot))
			ja_key_change_raise_stale();
	}
	ja_scan_end(&scan);
}

static void
begin_change(Change *change)
{
	LockRelationOid(ja_relation_oid(JA_KEYS), ShareRowExclusiveLock);
	if (IsolationUsesXactSnapshot())
		check_snapshot();
	ja_plan_begin(&change->scope);
	change->now = GetCurrentTimestamp();
}

/* Makes an active secret of our own for a use other than signatures. */
static int32
insert_secret(const Change *change, const char *use)
{
	JaKeyRow	row = {
		.key = ja_key_row_generate(ja_algorithm_find((JaString) {"HS256", 5}),
								   (JaString) {NULL, 0}),
		.use = use,
		.is_active = true,
		.created_at = change->now
	};
	bool		is_null;

	if (strcmp(use, JA_USE_REFRESH) == 0)
	{
		ja_plan_run(&select_last_number, NULL);
		row.number = DatumGetInt32(ja_plan_result(0, 1, &is_null));
		row.number = is_null ? 1 : row.number + 1;
	}
	ja_check(ja_key_row_insert(&row));
	return row.number;
}

static bool
has_active(const char *use)
{
	return ja_plan_run(&select_active, (JaValue[])
	{
		ja_value_text(use)
	}) > 0;
}

static void
insert_missing_secrets(const Change *change)
{
	static const char *const uses[] = {JA_USE_REFRESH, JA_USE_HASH};

	for (size_t i = 0; i < lengthof(uses); i++)
	{
		if (!has_active(uses[i]))
			insert_secret(change, uses[i]);
	}
}

/* Tells every backend that keys changed, and PostgREST, which then asks again. */
void
ja_key_change_announce(void)
{
	ja_signal_send(JA_SIGNAL_KEYS);
	Async_Notify("pgrst", "reload config");
}

static void
end_change(Change *change)
{
	if (has_active(JA_USE_SIGNATURE))
		insert_missing_secrets(change);
	ja_key_change_announce();
	ja_plan_end(&change->scope);
}

static TimestampTz
seconds_from(TimestampTz time, int64 seconds)
{
	return time + seconds * USECS_PER_SEC;
}

static TimestampTz
retiring_end(const Change *change)
{
	return seconds_from(change->now,
						ja_settings.max_token_ttl_seconds + RETIRING_SLACK_SECONDS);
}

/* Copies a kid into the caller's memory. */
static JaString
keep_kid(const Change *change, JaString kid)
{
	char	   *copy = MemoryContextAlloc(change->scope.context, kid.length + 1);

	memcpy(copy, kid.data, kid.length);
	copy[kid.length] = '\0';
	return (JaString) {copy, kid.length};
}

/* Kid and algorithm of the signing key that a plan selects; false for none. */
static bool
select_key(JaPlan *plan, JaString *kid, const JaAlgorithm **algorithm)
{
	if (ja_plan_run(plan, (JaValue[])
	{
		ja_value_text(JA_USE_SIGNATURE)
	}) == 0)
		return false;
	*kid = ja_plan_string(0, 1);
	*algorithm = ja_algorithm_find(ja_plan_string(0, 2));
	if (*algorithm == NULL)
		elog(ERROR, "stored key has an unknown algorithm");
	return true;
}

/* Makes and inserts a key; returns its kid. */
static JaString
insert_new(const Change *change, const JaAlgorithm *algorithm, JaString kid, bool is_active)
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
static void
run_on_one(JaPlan *plan, const JaValue *values)
{
	if (ja_plan_run(plan, values) != 1)
		ja_key_change_raise_stale();
}

/*
 * Makes a signing key, active if it is the first, and returns its kid in the
 * current memory context.  A kid of NULL stands for a default one.
 */
JaString
ja_key_change_create(const JaAlgorithm *algorithm, JaString kid)
{
	Change		change;
	JaString	created;
	bool		is_first;

	begin_change(&change);
	is_first = !has_active(JA_USE_SIGNATURE);
	created = keep_kid(&change, insert_new(&change, algorithm, kid, is_first));
	end_change(&change);
	return created;
}

/* Makes the key with the kid the active one, in place of the former. */
static void
promote(const Change *change, JaString kid)
{
	ja_plan_run(&retire_active, (JaValue[])
	{
		ja_value_text(JA_USE_SIGNATURE),
		ja_value_time(retiring_end(change))
	});
	run_on_one(&activate, (JaValue[])
	{
		ja_value_string(kid), ja_value_time(change->now)
	});
}

/*
 * Promotes the oldest next key, or a new one where there is none, and
 * publishes a new next key of the algorithm, or of the promoted one's if that
 * is NULL.  Returns the kid that signs from now on.
 */
JaString
ja_key_change_rotate(const JaAlgorithm *algorithm)
{
	const JaString none = {NULL, 0};
	const JaAlgorithm *promoted;
	const JaAlgorithm *former;
	Change		change;
	JaString	kid;
	JaString	former_kid;
	bool		had_active;

	begin_change(&change);
	had_active = select_key(&select_active, &former_kid, &former);
	if (!select_key(&select_next, &kid, &promoted))
	{
		promoted = algorithm != NULL ? algorithm :
			had_active ? former : ja_algorithm_find((JaString) {"ES256", 5});
		kid = insert_new(&change, promoted, none, false);
		if (had_active)
			ereport(WARNING,
					(errmsg("a key was promoted that was never published as the next one"),
					 errhint("Verifiers that cache the JWK Set must load it again now.")));
	}
	promote(&change, kid);
	insert_new(&change, algorithm != NULL ? algorithm : promoted, none, false);
	kid = keep_kid(&change, kid);
	end_change(&change);
	return kid;
}

/* Whether the key with the kid is the active one; raises if there is none. */
static bool
is_active(JaString kid, const JaAlgorithm **algorithm)
{
	bool		is_null;
	bool		active;

	if (kid.data == NULL || ja_plan_run(&select_state, (JaValue[])
	{
		ja_value_string(kid)
	}) == 0)
		ja_raise(JA_KEYRING_KID_UNKNOWN);
	active = DatumGetBool(ja_plan_result(0, 1, &is_null));
	*algorithm = ja_algorithm_find(ja_plan_string(0, 2));
	return active;
}

/* Ends the use of a key that is not active. */
void
ja_key_change_retire(JaString kid)
{
	const JaAlgorithm *algorithm;
	Change		change;

	begin_change(&change);
	if (is_active(kid, &algorithm))
		ja_raise(JA_KEYRING_KEY_ACTIVE);
	run_on_one(&retire_one, (JaValue[])
	{
		ja_value_string(kid), ja_value_time(change.now)
	});
	end_change(&change);
}

/* Kills a key; the active one gets a successor. */
void
ja_key_change_revoke(JaString kid)
{
	const JaAlgorithm *algorithm;
	const JaAlgorithm *next_algorithm;
	Change		change;
	JaString	next;
	bool		was_active;

	begin_change(&change);
	was_active = is_active(kid, &algorithm);
	ja_plan_run(&revoke_one, (JaValue[])
	{
		ja_value_string(kid), ja_value_time(change.now)
	});
	if (was_active)
	{
		if (!select_key(&select_next, &next, &next_algorithm))
			next = insert_new(&change, algorithm, (JaString) {NULL, 0}, false);
		promote(&change, next);
	}
	end_change(&change);
}

/*
 * Imports a JWK and returns its kid in the current memory context.  Raises
 * for a key that is unusable, names no algorithm, or was ever here.
 */
JaString
ja_key_change_import(const JsonbContainer *jwk)
{
	Change		change;
	JaKeyRow	row = {.use = JA_USE_SIGNATURE};
	JaString	kid;

	ja_check(ja_jwk_read(jwk, &row.key));
	if (row.key->algorithm == NULL)
		ja_raise(JA_KEYRING_NO_ALGORITHM);
	if (!(row.key->operations & (row.key->is_private ? JA_MAY_SIGN : JA_MAY_VERIFY)))
		ja_raise(JA_KEY_OPERATION);
	row.key->has_operations = false;
	ja_key_row_set_kid(row.key, row.key->kid);
	begin_change(&change);
	row.created_at = change.now;
	if (row.key->is_private)
		row.is_active = !has_active(JA_USE_SIGNATURE);
	else
		row.verify_until = seconds_from(change.now, ja_settings.max_token_ttl_seconds);
	ja_check(ja_key_row_insert(&row));
	kid = keep_kid(&change, row.key->kid);
	end_change(&change);
	return kid;
}

/* When the last session will have ended that exists, or is being made now. */
static TimestampTz
last_session_end(const Change *change)
{
	TimestampTz end = seconds_from(change->now,
								   (int64) ja_settings.session_ttl_seconds + RETIRING_SLACK_SECONDS);
	TimestampTz latest;
	bool		is_null;

	ja_plan_run(&select_last_session_end, NULL);
	latest = DatumGetTimestampTz(ja_plan_result(0, 1, &is_null));
	return is_null ? end : Max(end, latest);
}

/* Makes a new key for refresh tokens; returns its number. */
int32
ja_key_change_rotate_refresh(void)
{
	Change		change;
	int32		number;

	begin_change(&change);
	ja_plan_run(&retire_active, (JaValue[])
	{
		ja_value_text(JA_USE_REFRESH),
		ja_value_time(last_session_end(&change))
	});
	number = insert_secret(&change, JA_USE_REFRESH);
	end_change(&change);
	return number;
}

/*
 * Makes the secret for a use other than signatures, unless it is there, as it
 * is since the first signing key was made.
 */
void
ja_key_change_ensure(const char *use)
{
	const JaStoredKey *key;
	Change		change;
	JaStatus	status = ja_stored_key_active(use, &key);

	if (status == JA_KEYRING_NO_SIGNING_KEY)
	{
		begin_change(&change);
		status = ja_stored_key_active(use, &key);
		if (status == JA_KEYRING_NO_SIGNING_KEY)
		{
			insert_missing_secrets(&change);
			status = JA_OK;
		}
		end_change(&change);
	}
	ja_check(status);
}

/*
 * Whether the key of names can be opened.  In a copy without the master key
 * that sealed it, it is lost, and nobody could log in.
 */
static bool
can_hash_names(void)
{
	const JaStoredKey *key;
	JaStatus	status = ja_stored_key_active(JA_USE_HASH, &key);

	return status != JA_KEYRING_SEALED && status != JA_KEYRING_SEAL_BROKEN;
}

static void
revoke_use(const Change *change, const char *use)
{
	ja_plan_run(&revoke_of_use, (JaValue[])
	{
		ja_value_text(use), ja_value_time(change->now)
	});
}

/* Revokes all keys, but that of names if it is of use, and makes new ones. */
void
ja_key_change_reset(void)
{
	const JaAlgorithm *algorithm;
	Change		change;
	JaString	kid;

	begin_change(&change);
	if (!select_key(&select_active, &kid, &algorithm))
		algorithm = ja_algorithm_find((JaString) {"ES256", 5});
	revoke_use(&change, JA_USE_SIGNATURE);
	revoke_use(&change, JA_USE_REFRESH);
	if (!can_hash_names())
		revoke_use(&change, JA_USE_HASH);
	insert_new(&change, algorithm, (JaString) {NULL, 0}, true);
	end_change(&change);
}
