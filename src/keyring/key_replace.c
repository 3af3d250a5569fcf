/*-------------------------------------------------------------------------
 *
 * key_replace.c
 *	  Replacing of keys that were ever stored in the clear.
 *
 * Sealing a key does not undo that it lay in the clear: WAL, old row versions
 * and backups still hold it.  So new keys, sealed from the beginning, take the
 * place of those that sign, or will.  The former ones verify as after a
 * rotation, since their tokens are in use.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "base/error.h"
#include "keyring/change.h"
#include "keyring/key_replace.h"
#include "keyring/stored_key.h"

static JaPlan select_clear_next = {
	.sql = "SELECT kid, alg FROM jwt_auth.keys"
	" WHERE use OPERATOR(pg_catalog.=) 'sig' AND was_clear AND " IS_NEXT
	" ORDER BY created_at, kid"
};

static JaPlan retire_next = {
	.sql = "UPDATE jwt_auth.keys SET verify_until = $2,"
	" private_jwk = CASE WHEN public_jwk IS NULL THEN private_jwk END,"
	" sealed_by = CASE WHEN public_jwk IS NULL THEN sealed_by END"
	" WHERE kid OPERATOR(pg_catalog.=) $1"
};

static JaPlan find_clear_active = {
	.sql = "SELECT 1 FROM jwt_auth.keys"
	" WHERE use OPERATOR(pg_catalog.=) $1 AND was_clear AND " IS_ACTIVE
};

static JaPlan find_new = {
	.sql = "SELECT 1 FROM jwt_auth.keys"
	" WHERE kid OPERATOR(pg_catalog.=) $1 AND created_at OPERATOR(pg_catalog.=) $2"
};

static JaPlan select_clear_issuers = {
	.sql = "SELECT issuer FROM jwt_auth.issuers WHERE was_clear ORDER BY issuer LIMIT 20"
};

/* Replaces each next key that was in the clear by one of its algorithm. */
static int
replace_next(const JaChange *change)
{
	int			count = (int) ja_plan_run(&select_clear_next, JA_NO_VALUES);
	JaString   *kids = palloc(sizeof(JaString) * (count + 1));
	const JaAlgorithm **algorithms = palloc(sizeof(JaAlgorithm *) * (count + 1));

	for (int i = 0; i < count; i++)
	{
		kids[i] = ja_plan_string(i, 1);
		algorithms[i] = ja_change_algorithm(i);
	}
	for (int i = 0; i < count; i++)
	{
		ja_change_run_on_one(&retire_next, JA_VALUES(ja_string(kids[i]),
													 ja_time(ja_change_retiring_end(change))));
		ja_change_insert_key(change, ja_change_substitute(algorithms[i]),
							 (JaString) {NULL, 0}, false);
	}
	return count;
}

static bool
active_was_clear(JaKeyUse use)
{
	return ja_plan_run(&find_clear_active, JA_VALUES(ja_key_use_value(use))) > 0;
}

/* Whether the key with the kid was made by this change. */
static bool
is_new(const JaChange *change, JaString kid)
{
	return ja_plan_run(&find_new, JA_VALUES(ja_string(kid), ja_time(change->now))) > 0;
}

/* Promotes a next key, which never was in the clear, and publishes another. */
static void
replace_active(const JaChange *change)
{
	const JaString none = {NULL, 0};
	const JaAlgorithm *algorithm;
	JaString	kid;
	JaString	next;

	if (!ja_change_find_next(&kid, &algorithm))
	{
		if (!ja_change_find_active(&kid, &algorithm))
			return;
		algorithm = ja_change_substitute(algorithm);
		kid = ja_change_insert_key(change, algorithm, none, false);
	}
	if (is_new(change, kid))
		ja_change_warn_unpublished();
	ja_change_promote(change, kid);
	if (!ja_change_find_next(&next, &algorithm))
		ja_change_insert_key(change, algorithm, none, false);
}

/* Names the issuers whose secrets only they can replace. */
static void
warn_of_issuers(void)
{
	int			count = (int) ja_plan_run(&select_clear_issuers, JA_NO_VALUES);
	StringInfoData names;

	if (count == 0)
		return;
	initStringInfo(&names);
	for (int i = 0; i < count; i++)
	{
		appendStringInfoString(&names, i > 0 ? ", " : "");
		escape_json(&names, ja_plan_string(i, 1).data);
	}
	ereport(WARNING,
			(errmsg("secrets of issuers were stored unsealed and still verify"),
			 errdetail_internal("Issuers: %s.", names.data),
			 errhint("Have them change their secrets, and pass the new ones to jwt_trust_issuer().")));
}

/*
 * Replaces the next signing keys that were ever in the clear; returns how
 * many.
 */
int
ja_key_replace_next(void)
{
	JaChange	change;
	int			count;

	ja_change_begin(&change);
	count = replace_next(&change);
	ja_change_end(&change);
	return count;
}

/*
 * Replaces every key that was ever in the clear and signs, or will: next and
 * active signing keys, and the keys of handles.  Returns how many.  Warns
 * of what cannot be replaced here.
 */
int
ja_key_replace_all(void)
{
	JaChange	change;
	int			count;

	ja_change_begin(&change);
	count = replace_next(&change);
	if (active_was_clear(JA_USE_SIGNATURE))
	{
		replace_active(&change);
		count++;
	}
	for (JaKeyUse use = 0; use < JA_KEY_USES; use++)
	{
		if (ja_key_use_row(use)->last_end != NULL && active_was_clear(use))
		{
			(void) ja_change_rotate_secret(&change, use);
			count++;
		}
	}
	warn_of_issuers();
	ja_change_end(&change);
	return count;
}
