/*-------------------------------------------------------------------------
 *
 * purge.c
 *	  Removal of what has expired, beside live traffic: rows that somebody has
 *	  locked are left for the next time.
 *
 * A session that ended stays for as long as an access token of it may say so;
 * one whose time is over is gone at once, since its tokens are refused anyway.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "account/purge.h"
#include "base/settings.h"
#include "session/throttle.h"
#include "store/plan.h"

/* How long rows outlive what they are about. */
#define SLACK_SECONDS 300

/* Each takes a time before which rows are gone, and how many to delete. */
static JaPlan delete_expired_sessions = {
	.sql = "DELETE FROM jwt_auth.sessions WHERE id OPERATOR(pg_catalog.=) ANY"
	" (SELECT id FROM jwt_auth.sessions WHERE expires_at OPERATOR(pg_catalog.<) $1"
	" LIMIT $2 FOR UPDATE SKIP LOCKED)",
	.argument_count = 2,
	.argument_types = {TIMESTAMPTZOID, INT8OID}
};

static JaPlan delete_revoked_sessions = {
	.sql = "DELETE FROM jwt_auth.sessions WHERE id OPERATOR(pg_catalog.=) ANY"
	" (SELECT id FROM jwt_auth.sessions WHERE revoked_at OPERATOR(pg_catalog.<) $1"
	" LIMIT $2 FOR UPDATE SKIP LOCKED)",
	.argument_count = 2,
	.argument_types = {TIMESTAMPTZOID, INT8OID}
};

static JaPlan delete_idle_sessions = {
	.sql = "DELETE FROM jwt_auth.sessions WHERE id OPERATOR(pg_catalog.=) ANY"
	" (SELECT s.id FROM jwt_auth.sessions AS s JOIN jwt_auth.refresh_tokens AS r"
	" ON r.session_id OPERATOR(pg_catalog.=) s.id"
	" WHERE r.rotated_at OPERATOR(pg_catalog.<) $1 LIMIT $2"
	" FOR UPDATE OF s SKIP LOCKED)",
	.argument_count = 2,
	.argument_types = {TIMESTAMPTZOID, INT8OID}
};

static JaPlan delete_denials = {
	.sql = "DELETE FROM jwt_auth.revoked_tokens"
	" WHERE (issuer, jti) OPERATOR(pg_catalog.=) ANY"
	" (SELECT issuer, jti FROM jwt_auth.revoked_tokens"
	" WHERE expires_at OPERATOR(pg_catalog.<) $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
	.argument_count = 2,
	.argument_types = {TIMESTAMPTZOID, INT8OID}
};

static JaPlan delete_audit = {
	.sql = "DELETE FROM jwt_auth.audit_log WHERE id OPERATOR(pg_catalog.=) ANY"
	" (SELECT id FROM jwt_auth.audit_log WHERE at OPERATOR(pg_catalog.<) $1"
	" LIMIT $2 FOR UPDATE SKIP LOCKED)",
	.argument_count = 2,
	.argument_types = {TIMESTAMPTZOID, INT8OID}
};

/* Secrets of keys that neither sign nor verify any more. */
static JaPlan erase_secrets = {
	.sql = "UPDATE jwt_auth.keys SET private_jwk = NULL, sealed_by = NULL"
	" WHERE kid OPERATOR(pg_catalog.=) ANY (SELECT kid FROM jwt_auth.keys"
	" WHERE private_jwk IS NOT NULL AND verify_until OPERATOR(pg_catalog.<) $1"
	" LIMIT $2 FOR UPDATE SKIP LOCKED)",
	.argument_count = 2,
	.argument_types = {TIMESTAMPTZOID, INT8OID}
};

typedef struct Step
{
	JaPlan	   *plan;
	int64		age_seconds;	/* what is older is gone */
} Step;

/*
 * Removes at most so many rows, and returns how many it removed; fewer means
 * that nothing is left but what others have locked.
 */
int64
ja_purge(int64 max_rows)
{
	int64		token_life = (int64) ja_settings.max_token_ttl_seconds + SLACK_SECONDS;
	const Step	steps[] = {
		{&delete_expired_sessions, SLACK_SECONDS},
		{&delete_revoked_sessions, token_life},
		{&delete_idle_sessions, ja_settings.session_idle_timeout_seconds + token_life},
		{&delete_denials, 0},
		{&delete_audit, ja_settings.audit_retention_seconds},
		{&erase_secrets, 0},
	};
	TimestampTz now = GetCurrentTimestamp();
	JaPlanScope scope;
	int64		removed = 0;

	ja_plan_begin(&scope);
	for (size_t i = 0; i < lengthof(steps) && removed < max_rows; i++)
		removed += (int64) ja_plan_run(steps[i].plan, (JaValue[])
	{
		ja_value_time(now - steps[i].age_seconds * USECS_PER_SEC),
		ja_value_bigint(max_rows - removed)
	});
	if (removed < max_rows)
		removed += ja_throttle_purge(max_rows - removed);
	ja_plan_end(&scope);
	return removed;
}
