/*-------------------------------------------------------------------------
 *
 * factor_row.c
 *	  Second factors as the table jwt_auth.factors has them.
 *
 * A secret is sealed like a key, and tied to its factor and user, so that nobody
 * who writes the table can give one user's to another.  A code counts once: the
 * step of the last one rises in the statement that accepts it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "factor/factor_row.h"
#include "factor/passkey_row.h"
#include "factor/totp.h"
#include "store/plan.h"
#include "store/scan.h"

static JaPlan insert_factor = {
	.sql = "INSERT INTO jwt_auth.factors (id, user_id, type, name, secret, sealed_by, created_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7)"
};

static JaPlan confirm_factor = {
	.sql = "UPDATE jwt_auth.factors SET confirmed_at = $3, last_step = $2"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND confirmed_at IS NULL"
	" AND last_step OPERATOR(pg_catalog.<) $2"
};

static JaPlan use_factor = {
	.sql = "UPDATE jwt_auth.factors SET last_step = $2"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND confirmed_at IS NOT NULL"
	" AND last_step OPERATOR(pg_catalog.<) $2"
};

static JaPlan delete_factor = {
	.sql = "DELETE FROM jwt_auth.factors WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan delete_factors = {
	.sql = "DELETE FROM jwt_auth.factors WHERE user_id OPERATOR(pg_catalog.=) $1"
};

static void
read_factor_row(const JaScan *scan, void *row)
{
	JaFactor   *factor = row;

	factor->id = ja_scan_uuid(scan, Anum_factors_id);
	factor->user = ja_scan_uuid(scan, Anum_factors_user_id);
	factor->name = ja_scan_string(scan, Anum_factors_name);
	factor->secret.bytes = ja_scan_bytes(scan, Anum_factors_secret);
	factor->secret.sealed_by = ja_scan_string(scan, Anum_factors_sealed_by);
	factor->created_at = ja_scan_time(scan, Anum_factors_created_at);
	factor->confirmed_at = 0;
	if (!ja_scan_is_null(scan, Anum_factors_confirmed_at))
		factor->confirmed_at = ja_scan_time(scan, Anum_factors_confirmed_at);
}

static const JaRowType factor_rows = {JA_FACTORS, sizeof(JaFactor), read_factor_row};

/* Lists the factors of a user, also those that wait, the oldest first, as of now. */
int
ja_factor_list(const pg_uuid_t *user, JaFactor **factors)
{
	int			count;

	*factors = ja_scan_read_all(&factor_rows, JA_FACTORS_USER,
								JA_WHERE(ja_equal(Anum_factors_user_id, ja_uuid(user))), &count);
	return count;
}

/* Finds a factor of the user, as of now. */
bool
ja_factor_find(const pg_uuid_t *user, const pg_uuid_t *id, JaFactor *factor)
{
	JaFactor   *factors;
	int			count = ja_factor_list(user, &factors);

	for (int i = 0; i < count; i++)
	{
		if (ja_uuid_equals(&factors[i].id, id))
		{
			*factor = factors[i];
			return true;
		}
	}
	return false;
}

/* Whether the user has an authenticator that was confirmed, as of now. */
bool
ja_factor_has_authenticator(const pg_uuid_t *user)
{
	JaFactor   *factors;
	int			count = ja_factor_list(user, &factors);

	for (int i = 0; i < count; i++)
	{
		if (factors[i].confirmed_at != 0)
			return true;
	}
	return false;
}

/* Whether the user has any factor, also a passkey, as of now. */
bool
ja_factor_is_enrolled(const pg_uuid_t *user)
{
	JaPasskey  *passkeys;

	return ja_factor_has_authenticator(user) || ja_passkey_list(user, &passkeys) > 0;
}

/* Adds what tells a factor of any type from others to an object; a name that it has. */
void
ja_factor_add_members(JaJsonState *state, const pg_uuid_t *id, const char *type, JaString name)
{
	ja_json_add_uuid(state, "id", id);
	ja_json_add_string(state, "type", type, strlen(type));
	if (name.data != NULL)
		ja_json_add_string(state, "name", name.data, name.length);
}

/* Whether a factor may still be confirmed. */
bool
ja_factor_is_pending(const JaFactor *factor)
{
	return factor->confirmed_at == 0 &&
		GetCurrentTimestamp() < ja_seconds_from(factor->created_at, JA_FACTOR_PENDING_SECONDS);
}

/* What the secret of a factor is tied to; in the current memory context. */
static JaSealLabel
make_factor_label(const JaFactor *factor)
{
	char	   *id = palloc0(JA_UUID_TEXT + 1);
	char	   *user = palloc0(JA_UUID_TEXT + 1);

	ja_uuid_write(&factor->id, id);
	ja_uuid_write(&factor->user, user);
	return (JaSealLabel) {
		.table = {"factors", 7},
		.kid = {id, JA_UUID_TEXT},
		.alg = {JA_FACTOR_TOTP, strlen(JA_FACTOR_TOTP)},
		.use = {user, JA_UUID_TEXT}
	};
}

/*
 * Inserts a factor of the user and name that it has, which waits to be confirmed,
 * and fills in the rest; within a scope of ja_plan_begin().
 */
void
ja_factor_insert(JaFactor *factor, const uint8 *secret, size_t length)
{
	JaSealLabel label;

	factor->created_at = GetCurrentTimestamp();
	factor->confirmed_at = 0;
	ja_check(ja_uuid_make(factor->created_at, &factor->id));
	label = make_factor_label(factor);
	ja_check(ja_seal_store(&label, secret, length, &factor->secret));
	ja_plan_write_one(&insert_factor,
					  JA_VALUES(ja_uuid(&factor->id), ja_uuid(&factor->user),
								ja_text(JA_FACTOR_TOTP), ja_string(factor->name),
								ja_bytes(factor->secret.bytes),
								ja_string(factor->secret.sealed_by), ja_time(factor->created_at)));
}

/*
 * Whether the code is one of the factor's about now, and of which step.  Raises
 * JA_KEYRING_... or JA_MASTER_KEY_... if its secret can't be opened.
 */
bool
ja_factor_match(const JaFactor *factor, JaString code, int64 *step)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "jwt_auth factor",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	JaSealLabel label = make_factor_label(factor);
	uint8	   *secret;
	size_t		length;

	ja_check(ja_seal_open(&label, &factor->secret, &secret, &length));
	ja_check(ja_totp_match(secret, length, code, GetCurrentTimestamp(), step));
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return *step != 0;
}

/* Confirms a factor by the code of a step; false if that was done, or it is gone. */
bool
ja_factor_confirm(const JaFactor *factor, int64 step)
{
	return ja_plan_run_on_latest(&confirm_factor,
								 JA_VALUES(ja_uuid(&factor->id), ja_bigint(step),
										   ja_time(GetCurrentTimestamp()))) == 1;
}

/* Accepts the code of a step; false if it, or a later one, was accepted before. */
bool
ja_factor_use(const JaFactor *factor, int64 step)
{
	return ja_plan_run_on_latest(&use_factor,
								 JA_VALUES(ja_uuid(&factor->id), ja_bigint(step))) == 1;
}

void
ja_factor_delete(const pg_uuid_t *id)
{
	ja_plan_run_on_latest(&delete_factor, JA_VALUES(ja_uuid(id)));
}

/* Deletes all factors of a user; returns how many. */
uint64
ja_factor_delete_all(const pg_uuid_t *user)
{
	return ja_plan_run_on_latest(&delete_factors, JA_VALUES(ja_uuid(user)));
}
