/*-------------------------------------------------------------------------
 *
 * user.c
 *	  Users as the table jwt_auth.users has them.
 *
 * Everything is copied into the current memory context.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "keyring/name_hash.h"
#include "session/attempt_lock.h"
#include "session/user.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/wait.h"

static JaPlan lock_user = {
	.sql = "SELECT password_hash, imported_hash, role::pg_catalog.text, claims,"
	" disabled_at IS NOT NULL, credentials_version, code_failures, factor_failures,"
	" mfa_enrollment, banned_until, is_anonymous, max_sessions FROM jwt_auth.users"
	" WHERE id OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE"
};

static JaPlan raise_version = {
	.sql = "UPDATE jwt_auth.users SET"
	" credentials_version = pg_catalog.int8pl(credentials_version, 1)"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

/* Notes whether the user may not log in: until an admin lifts that, or a time. */
static void
note_standing(JaUser *user, bool is_disabled, TimestampTz banned_until)
{
	user->is_banned = banned_until > GetCurrentTimestamp();
	user->is_disabled = is_disabled || user->is_banned;
}

static void
read_standing(const JaScan *scan, void *row)
{
	JaUser	   *user = row;

	user->id = ja_scan_uuid(scan, Anum_users_id);
	note_standing(user, !ja_scan_is_null(scan, Anum_users_disabled_at),
				  ja_scan_is_null(scan, Anum_users_banned_until) ? DT_NOBEGIN :
				  ja_scan_time(scan, Anum_users_banned_until));
	user->credentials_version = ja_scan_bigint(scan, Anum_users_credentials_version);
	user->code_failures = ja_scan_integer(scan, Anum_users_code_failures);
	user->factor_failures = ja_scan_integer(scan, Anum_users_factor_failures);
}

static void
read_user_row(const JaScan *scan, void *row)
{
	JaUser	   *user = row;
	bool		is_null;
	Datum		value;

	user->hash.text = ja_scan_string(scan, Anum_users_password_hash);
	user->hash.is_imported = ja_scan_bool(scan, Anum_users_imported_hash);
	value = ja_scan_get(scan, Anum_users_role, &is_null);
	user->role = is_null ? NULL : pstrdup(NameStr(*DatumGetName(value)));
	user->claims = ja_scan_jsonb(scan, Anum_users_claims);
	user->mfa_enrollment = ja_scan_string(scan, Anum_users_mfa_enrollment);
	user->has_max_sessions = !ja_scan_is_null(scan, Anum_users_max_sessions);
	user->max_sessions = ja_scan_integer(scan, Anum_users_max_sessions);
	user->is_anonymous = ja_scan_bool(scan, Anum_users_is_anonymous);
	read_standing(scan, user);
}

static const JaRowType user_rows = {JA_USERS, sizeof(JaUser), read_user_row};
static const JaRowType standings = {JA_USERS, sizeof(JaUser), read_standing};

static bool
read_user(const JaRowType *type, const pg_uuid_t *id, JaUser *user)
{
	*user = (JaUser) {0};
	return ja_scan_read(type, JA_USERS_PKEY, JA_WHERE(ja_equal(Anum_users_id, ja_uuid(id))), user);
}

/* Finds a user by id, as of now; one whom nobody is has no property. */
bool
ja_user_find_by_id(const pg_uuid_t *id, JaUser *user)
{
	return read_user(&user_rows, id, user);
}

/*
 * Finds out whether there is such a user, as of now, and of which standing: the
 * password, role and claims are not read, since their size would show in the time.
 */
bool
ja_user_find_standing(const pg_uuid_t *id, JaUser *user)
{
	return read_user(&standings, id, user);
}

static void
make_turn(const pg_uuid_t *id, uint8 *subject)
{
	ja_name_hash_make("jwt_auth user", (const char *) id->data, UUID_LEN, subject);
}

/*
 * Waits until no other transaction begins a session of the user, or checks a
 * password of it, by whatever name; false if that does not come in time.  Holds
 * until the transaction ends.
 */
bool
ja_user_wait_turn(const pg_uuid_t *id)
{
	uint8		subject[JA_SUBJECT_SIZE];

	make_turn(id, subject);
	return ja_attempt_lock_wait(subject);
}

/*
 * Waits for the same, but takes no turn and writes nothing: sessions that were
 * begun by then are to be seen.  Raises 55P03 if it takes too long.
 */
void
ja_user_settle(const pg_uuid_t *id)
{
	uint8		subject[JA_SUBJECT_SIZE];

	make_turn(id, subject);
	if (!ja_attempt_lock_settle(subject))
		ja_raise(JA_ACCOUNT_BUSY);
}

/* Reads the row that lock_user has returned. */
static void
read_locked_row(const pg_uuid_t *id, JaUser *user)
{
	bool		is_null;
	bool		is_disabled;
	Datum		value;

	user->id = *id;
	user->hash.text = ja_plan_string(0, 1);
	user->hash.is_imported = DatumGetBool(ja_plan_result(0, 2, &is_null));
	value = ja_plan_result(0, 3, &is_null);
	user->role = is_null ? NULL : TextDatumGetCString(value);
	user->claims = DatumGetJsonbPCopy(ja_plan_result(0, 4, &is_null));
	is_disabled = DatumGetBool(ja_plan_result(0, 5, &is_null));
	user->credentials_version = DatumGetInt64(ja_plan_result(0, 6, &is_null));
	user->code_failures = DatumGetInt32(ja_plan_result(0, 7, &is_null));
	user->factor_failures = DatumGetInt32(ja_plan_result(0, 8, &is_null));
	user->mfa_enrollment = ja_plan_string(0, 9);
	user->is_anonymous = DatumGetBool(ja_plan_result(0, 11, &is_null));
	value = ja_plan_result(0, 10, &is_null);
	note_standing(user, is_disabled, is_null ? DT_NOBEGIN : DatumGetTimestampTz(value));
	value = ja_plan_result(0, 12, &is_null);
	user->has_max_sessions = !is_null;
	user->max_sessions = is_null ? 0 : DatumGetInt32(value);
}

/*
 * Reads a user and locks the row until the transaction ends: waits for anyone
 * who changes or locks it, and sees the change; raises 55P03 if that takes too
 * long.  A caller who goes on to replace the hash needs no stronger lock.  To be
 * called within a scope of ja_plan_begin(); allocates there.
 */
bool
ja_user_lock_by_id(const pg_uuid_t *id, JaUser *user)
{
	JaWait		wait;
	uint64		rows;

	ja_attempt_lock_forbid_prepare();
	ja_wait_begin(&wait);
	rows = ja_plan_run(&lock_user, JA_VALUES(ja_uuid(id)));
	ja_wait_end(&wait);
	if (rows == 0)
		return false;
	read_locked_row(id, user);
	return true;
}

/* Why a user who may not log in may not, for the audit log. */
const char *
ja_user_why_disabled(const JaUser *user)
{
	return user->is_banned ? "user banned" : "user disabled";
}

/*
 * Voids one-time tokens of a user, durably: what else changed is what they must not
 * outlive.  Within a scope of ja_plan_begin().
 */
void
ja_user_raise_version(const pg_uuid_t *id)
{
	JaWait		wait;

	ForceSyncCommit();
	ja_wait_begin(&wait);
	ja_plan_run(&raise_version, JA_VALUES(ja_uuid(id)));
	ja_wait_end(&wait);
}
