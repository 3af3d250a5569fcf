/*-------------------------------------------------------------------------
 *
 * key_use.c
 *	  What stored keys are for.
 *
 * A key has one use.  Those for other uses than signatures are secrets that
 * never leave the database: made with the first signing key, or as soon as they
 * are missing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"
#include "base/time.h"
#include "keyring/key_use.h"
#include "store/plan.h"

static JaPlan select_last_session_end = {
	.sql = "SELECT pg_catalog.max(expires_at) FROM jwt_auth.sessions"
};

/*
 * When the last session will have ended that exists, or is being made now; within
 * a scope of ja_plan_begin().
 */
static TimestampTz
last_session_end(TimestampTz now)
{
	TimestampTz end = ja_seconds_from(now, ja_settings.session_ttl_seconds);
	TimestampTz latest;
	bool		is_null;

	ja_plan_run(&select_last_session_end, JA_NO_VALUES);
	latest = DatumGetTimestampTz(ja_plan_result(0, 1, &is_null));
	return is_null ? end : Max(end, latest);
}

/* The same for handles of a limited life. */
static TimestampTz
last_handle_end(TimestampTz now)
{
	return ja_seconds_from(now, JA_HANDLE_MAX_LIFE_SECONDS);
}

static const JaKeyUseRow rows[JA_KEY_USES] = {
	[JA_USE_SIGNATURE] = {"sig", NULL},
	[JA_USE_REFRESH] = {"refresh", last_session_end},
	[JA_USE_HASH] = {"hash", NULL},
	[JA_USE_HANDLE] = {"handle", last_handle_end},
};

const JaKeyUseRow *
ja_key_use_row(JaKeyUse use)
{
	return &rows[use];
}
