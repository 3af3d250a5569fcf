/*-------------------------------------------------------------------------
 *
 * key_change.c
 *	  Making, rotating, retiring and revoking of stored keys.
 *
 * change.c has what they share: the lock, the invalidation, and how a key follows
 * another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "base/time.h"
#include "jose/jwk.h"
#include "keyring/change.h"
#include "keyring/key_change.h"
#include "keyring/key_row.h"
#include "keyring/stored_key.h"

static JaPlan select_state = {
	.sql = "SELECT " IS_ACTIVE ", alg, " IS_NEXT " FROM jwt_auth.keys"
	" WHERE use OPERATOR(pg_catalog.=) 'sig' AND kid OPERATOR(pg_catalog.=) $1"
};

static JaPlan retire_one = {
	.sql = "UPDATE jwt_auth.keys SET verify_until = $2, private_jwk = NULL, sealed_by = NULL"
	" WHERE kid OPERATOR(pg_catalog.=) $1 AND use OPERATOR(pg_catalog.=) 'sig'"
};

static JaPlan revoke_one = {
	.sql = "UPDATE jwt_auth.keys SET revoked_at = $2, private_jwk = NULL, sealed_by = NULL"
	" WHERE kid OPERATOR(pg_catalog.=) $1 AND use OPERATOR(pg_catalog.=) 'sig'"
	" AND revoked_at IS NULL"
};

static JaPlan revoke_of_use = {
	.sql = "UPDATE jwt_auth.keys SET revoked_at = $2, private_jwk = NULL, sealed_by = NULL"
	" WHERE use OPERATOR(pg_catalog.=) $1 AND revoked_at IS NULL"
};

/*
 * Makes a signing key, active if it is the first, and returns its kid in the
 * current memory context.  A kid of NULL stands for a default one.
 */
JaString
ja_key_change_create(const JaAlgorithm *algorithm, JaString kid)
{
	JaChange	change;
	JaString	created;
	bool		is_first;

	ja_change_begin(&change);
	is_first = !ja_change_has_active(JA_USE_SIGNATURE);
	created = ja_change_keep_kid(&change, ja_change_insert_key(&change, algorithm, kid, is_first));
	ja_change_end(&change);
	return created;
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
	JaChange	change;
	JaString	kid;
	JaString	former_kid;
	bool		had_active;

	ja_change_begin(&change);
	had_active = ja_change_find_active(&former_kid, &former);
	if (!ja_change_find_next(&kid, &promoted))
	{
		promoted = algorithm != NULL ? algorithm :
			had_active ? ja_change_substitute(former) : ja_algorithm_find((JaString) {"ES256", 5});
		kid = ja_change_insert_key(&change, promoted, none, false);
		if (had_active)
			ja_change_warn_unpublished();
	}
	ja_change_promote(&change, kid);
	ja_change_insert_key(&change, algorithm != NULL ? algorithm : promoted, none, false);
	kid = ja_change_keep_kid(&change, kid);
	ja_change_end(&change);
	return kid;
}

/* What a signing key is, before it is changed. */
typedef struct KeyState
{
	bool		is_active;
	bool		is_next;
	const JaAlgorithm *algorithm;
} KeyState;

/* The state of the key with the kid; raises if there is none. */
static KeyState
find_state(JaString kid)
{
	KeyState	state;
	bool		is_null;

	if (ja_plan_run(&select_state, JA_VALUES(ja_string(kid))) == 0)
		ja_raise(JA_KEYRING_KID_UNKNOWN);
	state.is_active = DatumGetBool(ja_plan_result(0, 1, &is_null));
	state.is_next = DatumGetBool(ja_plan_result(0, 3, &is_null));
	state.algorithm = ja_change_algorithm(0);
	return state;
}

/* Publishes a next key of the algorithm, unless there is one of any. */
static void
ensure_next(const JaChange *change, const JaAlgorithm *algorithm)
{
	const JaAlgorithm *found;
	JaString	kid;

	if (!ja_change_find_next(&kid, &found))
		ja_change_insert_key(change, algorithm, (JaString) {NULL, 0}, false);
}

/* Publishes a next key of the active one's algorithm, unless there is one. */
void
ja_key_change_publish(void)
{
	const JaAlgorithm *algorithm;
	JaChange	change;
	JaString	kid;

	ja_change_begin(&change);
	if (ja_change_find_active(&kid, &algorithm))
		ensure_next(&change, ja_change_substitute(algorithm));
	ja_change_end(&change);
}

/*
 * Ends the use of a key that is not active.  A next key leaves another one, so
 * that the next rotation is to one that was published.
 */
void
ja_key_change_retire(JaString kid)
{
	JaChange	change;
	KeyState	state;

	ja_change_begin(&change);
	state = find_state(kid);
	if (state.is_active)
		ja_raise(JA_KEYRING_KEY_ACTIVE);
	ja_change_run_on_one(&retire_one, JA_VALUES(ja_string(kid), ja_time(change.now)));
	if (state.is_next)
		ensure_next(&change, ja_change_substitute(state.algorithm));
	ja_change_end(&change);
}

/* Kills a key.  The active one gets a successor; a next key follows as above. */
void
ja_key_change_revoke(JaString kid)
{
	const JaAlgorithm *algorithm;
	JaChange	change;
	KeyState	state;
	JaString	next;

	ja_change_begin(&change);
	state = find_state(kid);
	ja_plan_run(&revoke_one, JA_VALUES(ja_string(kid), ja_time(change.now)));
	if (state.is_active)
	{
		if (!ja_change_find_next(&next, &algorithm))
		{
			algorithm = ja_change_substitute(state.algorithm);
			next = ja_change_insert_key(&change, algorithm, (JaString) {NULL, 0}, false);
		}
		ja_change_promote(&change, next);
		ensure_next(&change, algorithm);
	}
	else if (state.is_next)
		ensure_next(&change, ja_change_substitute(state.algorithm));
	ja_change_end(&change);
}

/*
 * Imports a JWK and returns its kid in the current memory context.  Raises
 * for a key that is unusable, names no algorithm, or was ever here.
 */
JaString
ja_key_change_import(const JsonbContainer *jwk)
{
	JaChange	change;
	JaKeyRow	row = {.use = JA_USE_SIGNATURE};
	JaString	kid;

	ja_check(ja_jwk_read(jwk, &row.key));
	if (row.key->algorithm == NULL)
		ja_raise(JA_KEYRING_NO_ALGORITHM);
	if (!(row.key->operations & (row.key->is_private ? JA_MAY_SIGN : JA_MAY_VERIFY)))
		ja_raise(JA_KEY_OPERATION);
	row.key->has_operations = false;
	ja_key_row_set_kid(row.key, row.key->kid);
	ja_change_begin(&change);
	row.created_at = change.now;
	if (row.key->is_private)
		row.is_active = !ja_change_has_active(JA_USE_SIGNATURE);
	else
		row.verify_until = ja_seconds_from(change.now, ja_settings.max_token_ttl_seconds);
	ja_check(ja_key_row_insert(&row));
	kid = ja_change_keep_kid(&change, row.key->kid);
	ja_change_end(&change);
	return kid;
}

/* Makes a new key for a use that makes handles; returns its number. */
int32
ja_key_change_rotate_secret(JaKeyUse use)
{
	JaChange	change;
	int32		number;

	ja_change_begin(&change);
	number = ja_change_rotate_secret(&change, use);
	ja_change_end(&change);
	return number;
}

/*
 * Makes the secret for a use other than signatures, unless it is there, as it
 * is since the first signing key was made.
 */
void
ja_key_change_ensure(JaKeyUse use)
{
	const JaStoredKey *key;
	JaChange	change;
	JaStatus	status = ja_stored_key_active(use, &key);

	if (status == JA_KEYRING_NO_SIGNING_KEY)
	{
		ja_change_begin(&change);
		status = ja_stored_key_active(use, &key);
		if (status == JA_KEYRING_NO_SIGNING_KEY)
		{
			ja_change_insert_missing_secrets(&change);
			status = JA_OK;
		}
		ja_change_end(&change);
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
revoke_use(const JaChange *change, JaKeyUse use)
{
	ja_plan_run(&revoke_of_use, JA_VALUES(ja_key_use_value(use), ja_time(change->now)));
}

/* Revokes all keys, but that of names if it is of use, and makes new ones. */
void
ja_key_change_reset(void)
{
	const JaAlgorithm *algorithm;
	JaChange	change;
	JaString	kid;

	ja_change_begin(&change);
	if (ja_change_find_active(&kid, &algorithm))
		algorithm = ja_change_substitute(algorithm);
	else
		algorithm = ja_algorithm_find((JaString) {"ES256", 5});
	for (JaKeyUse use = 0; use < JA_KEY_USES; use++)
	{
		if (use != JA_USE_HASH || !can_hash_names())
			revoke_use(&change, use);
	}
	ja_change_insert_key(&change, algorithm, (JaString) {NULL, 0}, true);
	ensure_next(&change, algorithm);
	ja_change_end(&change);
}
