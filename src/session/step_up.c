/*-------------------------------------------------------------------------
 *
 * step_up.c
 *	  Sessions that reach a higher level.
 *
 * The refresh token of before must not fetch what it did not prove: the session
 * goes on with a token of the next generation, which no former one gives.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/uuid.h"
#include "session/refresh_row.h"
#include "session/step_up.h"
#include "store/audit.h"
#include "store/invalidation.h"
#include "store/plan.h"
#include "store/wait.h"

static JaPlan raise_session = {
	.sql = "UPDATE jwt_auth.sessions SET aal = GREATEST($8, $3), auth_time = $4, amr = $5,"
	" factor_id = CASE WHEN $8 OPERATOR(pg_catalog.>) $3 THEN factor_id ELSE $6 END"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND user_id OPERATOR(pg_catalog.=) $2"
	" AND revoked_at IS NULL AND expires_at OPERATOR(pg_catalog.>) $7"
};

/*
 * Whether the session is lifted, whose level was known before.  Raises 55P03 if another
 * transaction holds it for too long.
 */
static bool
raise_level(const JaSession *session, JaProof proof, TimestampTz now)
{
	ArrayType  *amr = ja_session_join_methods(session->amr, proof.amr);
	JaWait		wait;
	uint64		raised;

	ja_wait_begin(&wait);
	raised = ja_plan_run_on_latest(&raise_session,
								   JA_VALUES(ja_uuid(&session->id), ja_uuid(&session->user),
											 ja_integer(proof.level), ja_time(now),
											 ja_array(TEXTARRAYOID, amr),
											 ja_uuid(proof.has_factor ? &proof.factor : NULL),
											 ja_time(now + USECS_PER_SEC),
											 ja_integer(ja_assurance_level(&session->assurance, now))));
	ja_wait_end(&wait);
	return raised == 1;
}

/*
 * Lifts a session of the user, whose row is locked, to what was proven now, which never
 * lowers it, and replaces its refresh token.  Where the level that is left is higher, it
 * goes on to rest on the factor of before.  Returns a token response; NULL if the session
 * has ended, or is another user's.  Within a scope of ja_plan_begin().
 */
Jsonb *
ja_session_step_up(const pg_uuid_t *id, const JaUser *user, JaProof proof)
{
	TimestampTz now = GetCurrentTimestamp();
	JaRefreshToken token;
	JaSession	session;

	if (!ja_session_find(id, &session) || !ja_uuid_equals(&session.user, &user->id) ||
		!raise_level(&session, proof, now) ||
		!ja_refresh_row_replace(id, &token) || !ja_session_find(id, &session))
		return NULL;
	ja_invalidate(JA_INVALIDATION_REVOCATIONS);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "step_up", .user = &user->id, .session = id
				   });
	return ja_session_answer(user, &session, &token);
}
