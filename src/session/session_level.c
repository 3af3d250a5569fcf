/*-------------------------------------------------------------------------
 *
 * session_level.c
 *	  Levels of sessions that fall with the factor that they rest on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "session/session_level.h"
#include "store/invalidation.h"
#include "store/plan.h"
#include "store/wait.h"

/* Locks the rows in the order in which all do, first. */
static JaPlan lower_sessions = {
	.sql = "UPDATE jwt_auth.sessions SET aal = 1, factor_id = NULL, amr ="
	" pg_catalog.array_remove(pg_catalog.array_remove(pg_catalog.array_remove("
	"pg_catalog.array_remove(amr, 'mfa'), 'otp'), 'hwk'), 'swk')"
	" WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT id FROM jwt_auth.sessions"
	" WHERE user_id OPERATOR(pg_catalog.=) $1 AND aal OPERATOR(pg_catalog.>) 1"
	" AND ($2 IS NULL OR factor_id OPERATOR(pg_catalog.=) $2) ORDER BY id FOR UPDATE))"
};

/*
 * Lowers the sessions of a user that owe their level to the factor, or all if
 * that is NULL; every backend sees it at its next transaction.  Within a scope of
 * ja_plan_begin(); raises 55P03 if another transaction holds one for too long.
 */
void
ja_session_level_lower(const pg_uuid_t *user, const pg_uuid_t *factor)
{
	JaWait		wait;

	ja_wait_begin(&wait);
	if (ja_plan_run_on_latest(&lower_sessions, JA_VALUES(ja_uuid(user), ja_uuid(factor))) > 0)
		ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	ja_wait_end(&wait);
}
