/*-------------------------------------------------------------------------
 *
 * ban.c
 *	  Bans of users, for admins.
 *
 * A ban is a time in the user's row, which every way in compares with the clock: no
 * job ends it.  Whoever is banned is treated as a disabled user, and can't tell the
 * difference.  What was handed out before stays void when the ban is over: sessions
 * end, one-time tokens and tickets are of former credentials, and tokens without
 * session are older than the ban.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/ban.h"
#include "base/error.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "store/invalidation.h"
#include "store/plan.h"
#include "store/wait.h"

static JaPlan ban_user = {
	.sql = "UPDATE jwt_auth.users SET banned_at = $2, banned_until = $3, ban_reason = $4,"
	" credentials_version = pg_catalog.int8pl(credentials_version, 1)"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan lift_ban = {
	.sql = "UPDATE jwt_auth.users SET banned_until = NULL, ban_reason = NULL"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

/* Changes the row of a user, who must exist, and makes every backend look again. */
static void
change_ban(JaPlan *plan, JaValues values)
{
	JaPlanScope scope;
	JaWait		wait;

	ja_plan_begin(&scope);
	ja_wait_begin(&wait);
	if (ja_plan_run(plan, values) == 0)
		ja_raise(JA_ACCOUNT_UNKNOWN);
	ja_wait_end(&wait);
	ja_plan_end(&scope);
	ja_invalidate(JA_INVALIDATION_REVOCATIONS);
}

/*
 * Bans a user until a time, or without end, and ends the sessions: also of a login
 * that had the row before.  A reason with data NULL is none.  Raises
 * JA_ACCOUNT_UNKNOWN and JA_ACCOUNT_BAN_PAST.
 */
void
ja_ban(const pg_uuid_t *id, TimestampTz until, JaString reason)
{
	TimestampTz now = GetCurrentTimestamp();
	const char *audited = reason.data == NULL ? NULL : pnstrdup(reason.data, reason.length);

	if (until <= now)
		ja_raise(JA_ACCOUNT_BAN_PAST);
	change_ban(&ban_user, JA_VALUES(ja_uuid(id), ja_time(now), ja_time(until),
									ja_string(reason)));
	ja_session_end_user(id, NULL, "user banned");
	ja_audit_write(&(JaAuditEvent) {.event = "user_banned", .reason = audited, .user = id});
}

/* Lifts the ban of a user; raises JA_ACCOUNT_UNKNOWN. */
void
ja_ban_lift(const pg_uuid_t *id)
{
	change_ban(&lift_ban, JA_VALUES(ja_uuid(id)));
	ja_audit_write(&(JaAuditEvent) {.event = "user_unbanned", .user = id});
}
