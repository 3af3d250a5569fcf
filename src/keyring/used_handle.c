/*-------------------------------------------------------------------------
 *
 * used_handle.c
 *	  Handles that no row names, and that redeem once.
 *
 * Handing one out writes nothing, so that it works on a standby and can fill no
 * table.  The transaction that redeems it leaves a hash, which stays until the
 * handle has expired.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "base/error.h"
#include "jose/algorithm.h"
#include "keyring/used_handle.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/wait.h"

#define HASH_SIZE 32

static JaPlan insert_hash = {
	.sql = "INSERT INTO jwt_auth.used_handles (hash, expires_at) VALUES ($1, $2)"
	" ON CONFLICT (hash) DO NOTHING"
};

static JaValue
hash_handle(JaString text)
{
	uint8		hash[HASH_SIZE];

	ja_check(ja_digest_compute(JA_SHA256, text.data, text.length, hash));
	return ja_bytes_of(hash, sizeof(hash));
}

/*
 * Whether a handle was redeemed, as of now: for those whose redemptions a lock of
 * the caller's serialises.
 */
bool
ja_used_handle_is_used(JaString text)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_USED_HANDLES, JA_USED_HANDLES_PKEY,
					  JA_WHERE(ja_equal(Anum_used_handles_hash, hash_handle(text)))))
		return false;
	ja_scan_end(&scan);
	return true;
}

/*
 * Notes that an authentic handle is redeemed; false if it was before, which a
 * transaction that is doing so decides first.  To be called within a scope of
 * ja_plan_begin().
 */
bool
ja_used_handle_add(JaString text, TimestampTz expires_at)
{
	JaWait		wait;
	uint64		rows;

	ja_wait_begin(&wait);
	rows = ja_plan_run(&insert_hash, JA_VALUES(hash_handle(text), ja_time(expires_at)));
	ja_wait_end(&wait);
	ForceSyncCommit();
	return rows == 1;
}
