/*-------------------------------------------------------------------------
 *
 * refresh_row.c
 *	  The row of a session's refresh token: which one is current, and rotation.
 *
 * A rotation is one statement, which finds the row as it was read or changes
 * nothing: of two refreshes at a time, one comes first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "keyring/handle.h"
#include "session/attempt_lock.h"
#include "session/grace.h"
#include "session/refresh_row.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/wait.h"

/* How often a refresh may come first. */
#define MAX_REPLACEMENTS 10

static JaPlan rotate = {
	.sql = "UPDATE jwt_auth.refresh_tokens SET"
	" generation = pg_catalog.int8pl(generation, 1),"
	" nonce = $4, earlier = $5, key_number = $6, rotated_at = $7"
	" WHERE session_id OPERATOR(pg_catalog.=) $1"
	" AND generation OPERATOR(pg_catalog.=) $2 AND nonce OPERATOR(pg_catalog.=) $3"
};

static void
read_token_row(const JaScan *scan, void *row)
{
	JaRefreshRow *read = row;

	read->current.session = ja_scan_uuid(scan, Anum_refresh_tokens_session_id);
	read->current.generation = ja_scan_bigint(scan, Anum_refresh_tokens_generation);
	read->current.nonce = ja_scan_uuid(scan, Anum_refresh_tokens_nonce);
	read->current.key_number = ja_scan_integer(scan, Anum_refresh_tokens_key_number);
	read->rotated_at = ja_scan_time(scan, Anum_refresh_tokens_rotated_at);
	read->earlier = ja_scan_bytes(scan, Anum_refresh_tokens_earlier);
}

static const JaRowType token_rows = {JA_REFRESH_TOKENS, sizeof(JaRefreshRow), read_token_row};

/* Finds the row of a session, as of now. */
bool
ja_refresh_row_find(const pg_uuid_t *session, JaRefreshRow *row)
{
	return ja_scan_read(&token_rows, JA_REFRESH_TOKENS_PKEY,
						JA_WHERE(ja_equal(Anum_refresh_tokens_session_id, ja_uuid(session))), row);
}

bool
ja_refresh_row_is_current(const JaRefreshToken *token, const JaRefreshRow *row)
{
	return token->generation == row->current.generation &&
		ja_uuid_equals(&token->nonce, &row->current.nonce);
}

bool
ja_refresh_row_is_idle(const JaRefreshRow *row)
{
	int64		idle_seconds = ja_settings.session_idle_timeout_seconds;

	return row->rotated_at <= GetCurrentTimestamp() - idle_seconds * USECS_PER_SEC;
}

/* Whether the token is an earlier one, presented in its own grace. */
bool
ja_refresh_row_is_in_grace(const JaRefreshToken *token, const JaRefreshRow *row)
{
	return ja_grace_holds(row->earlier, row->current.generation - token->generation,
						  &token->nonce);
}

/*
 * Rotates the token that the row was found to hold; the child replaces it.  With
 * cuts, no earlier one gives the child.  False if another refresh came first.  That
 * the row still has this nonce says that the rest of it is what was read, too.  Raises
 * 55P03 if another transaction holds the row for too long.
 */
bool
ja_refresh_row_rotate(const JaRefreshToken *token, const JaRefreshRow *row, bool cuts,
					  JaRefreshToken *child)
{
	TimestampTz now = GetCurrentTimestamp();
	bytea	   *earlier = ja_grace_push(row->earlier, &token->nonce, now);
	JaPlanScope scope;
	JaWait		wait;
	bool		rotated;

	*child = *token;
	child->key_number = ja_handle_key_number(JA_HANDLE_REFRESH_TOKEN);
	child->generation = token->generation + 1;
	ja_check(ja_secret_random(&child->nonce, sizeof(child->nonce)));
	if (cuts)
		ja_grace_cut(earlier);
	ja_attempt_lock_forbid_prepare();
	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	rotated = ja_plan_run(&rotate,
						  JA_VALUES(ja_uuid(&token->session), ja_bigint(token->generation),
									ja_uuid(&token->nonce), ja_uuid(&child->nonce),
									ja_bytes(earlier),
									ja_integer(child->key_number), ja_time(now))) == 1;
	ja_wait_end(&wait);
	ja_plan_end(&scope);
	return rotated;
}

/*
 * Replaces the token of a session, whichever it is now, by one that no former one
 * gives; false if the session is not there, or others refresh it all the time.
 */
bool
ja_refresh_row_replace(const pg_uuid_t *session, JaRefreshToken *child)
{
	JaRefreshRow row;

	for (int attempt = 0; attempt < MAX_REPLACEMENTS; attempt++)
	{
		if (!ja_refresh_row_find(session, &row))
			return false;
		if (ja_refresh_row_rotate(&row.current, &row, true, child))
			return true;
	}
	return false;
}
