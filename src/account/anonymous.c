/*-------------------------------------------------------------------------
 *
 * anonymous.c
 *	  Users whom nobody knows, and what becomes of them.
 *
 * An anonymous user has a session, and no way to begin another.  Whoever signs up with
 * that identity, and proves the address in the same browser, becomes a user who can log
 * in: the id stays, and with it what the application keeps for it.  What an address has
 * already is never joined to it: there the sign-up ends as any other does.
 *
 * An attacker can make as many of them as the gateway lets through.  They cost a row
 * each until a purge finds them without session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/anonymous.h"
#include "account/identifier_form.h"
#include "account/login.h"
#include "account/sign_up.h"
#include "account/sign_up_rule.h"
#include "account/user_attribute.h"
#include "account/user_change.h"
#include "base/error.h"
#include "base/settings.h"
#include "session/access_claims.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "store/plan.h"
#include "store/wait.h"

/* The address first, which somebody else may get at the same time: then nothing is written. */
static JaPlan become_known = {
	.sql = "WITH i AS (INSERT INTO jwt_auth.identifiers"
	" (canonical, user_id, kind, value, created_at, verified_at)"
	" VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (canonical) DO NOTHING RETURNING user_id)"
	" UPDATE jwt_auth.users AS u SET is_anonymous = false, password_hash = $6, role = $7,"
	" claims = $8, password_set_at = CASE WHEN $6 IS NOT NULL THEN $5 END,"
	" credentials_version = pg_catalog.int8pl(u.credentials_version, 1)"
	" FROM i WHERE u.id OPERATOR(pg_catalog.=) i.user_id"
};

/* Makes the user, of whom all was checked, and begins the session. */
static Jsonb *
begin_anonymously(const JaPendingUser *pending)
{
	const JaUserChange change = {
		.role = pending->role,.claims = pending->claims,.is_anonymous = true
	};
	const JaProof proof = {.level = JA_AAL1,.method = JA_SIGN_UP_ANONYMOUS};
	JaUser		user;
	pg_uuid_t	id;

	ja_user_create_nameless(&change, &id);
	if (!ja_user_lock_by_id(&id, &user))
		elog(ERROR, "a user who was created does not exist");
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "signed_up", .reason = JA_SIGN_UP_ANONYMOUS, .user = &id
				   });
	return ja_login_begin_session(&user, proof, JA_SIGN_UP_ANONYMOUS,
								  ja_settings.session_ttl_seconds);
}

/*
 * Makes an anonymous user, and begins the only session.  Returns a token response, or
 * an error object if the operator's function refuses it.  Raises JA_ANONYMOUS_OFF,
 * JA_SIGN_UP_DATA, and as ja_sign_up_rule_apply() and ja_login() do.
 */
Jsonb *
ja_anonymous_sign_up(Jsonb *data)
{
	JaPendingUser pending = {.is_upgrade = false};
	JaPlanScope scope;
	Jsonb	   *answer;

	if (!ja_settings.anonymous_sign_up)
		ja_raise(JA_ANONYMOUS_OFF);
	ja_sign_up_check_data(data);
	ja_login_require_keys();
	answer = ja_sign_up_rule_apply(JA_SIGN_UP_ANONYMOUS, (JaString) {"", 0}, data, &pending);
	if (answer != NULL)
		return answer;
	ja_plan_begin_in_caller_context(&scope);
	answer = begin_anonymously(&pending);
	ja_plan_end(&scope);
	return answer;
}

/*
 * Locks the row of an anonymous user who is about to become another, in turn with what
 * begins sessions.  Returns NULL, or the answer if the turn does not come, or if there
 * is no such user any more, or not of this version of credentials, as of one who was
 * banned or disabled meanwhile.  Within a scope of ja_plan_begin().
 */
Jsonb *
ja_anonymous_lock(const pg_uuid_t *id, int64 version, JaUser *user)
{
	if (!ja_user_wait_turn(id))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_user_lock_by_id(id, user) || !user->is_anonymous || user->is_disabled ||
		user->credentials_version != version)
		return ja_redemption_deny();
	return NULL;
}

/*
 * Makes of an anonymous user, whose row is locked, the one who waits, and ends the
 * sessions of before, whose tokens say that the user is anonymous.  False if somebody
 * has got the address, or it has another form by now than the one that was proven.
 */
bool
ja_anonymous_become(const JaOneTimeToken *token, const JaPendingUser *pending, JaUser *user)
{
	const pg_uuid_t id = user->id;
	JaCanonical canonical;
	JaWait		wait;
	bool		is_done;

	if (ja_identifier_form(pending->identifier, &canonical) != JA_OK ||
		!ja_string_equals(ja_canonical_string(&canonical), token->canonical))
		return false;
	ja_user_attribute_check_role(pending->role);
	ja_check(ja_access_claims_check(pending->claims));
	ja_wait_begin(&wait);
	is_done = ja_plan_run(&become_known,
						  JA_VALUES(ja_octets(token->canonical), ja_uuid(&id),
									ja_text(ja_identifier_kind_name(canonical.kind)),
									ja_string(pending->identifier),
									ja_time(GetCurrentTimestamp()),
									ja_string(pending->password_hash),
									ja_user_attribute_role(pending->role),
									ja_jsonb(pending->claims))) == 1;
	ja_wait_end(&wait);
	if (!is_done)
		return false;
	ja_session_end_user(&id, NULL, "signed up");
	ja_audit_write(&(JaAuditEvent) {.event = "anonymous_upgraded", .user = &id});
	return ja_user_lock_by_id(&id, user);
}
