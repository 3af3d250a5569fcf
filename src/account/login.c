/*-------------------------------------------------------------------------
 *
 * login.c
 *	  Login with name and password, and the start of a session for a user whom the
 *	  application has authenticated.
 *
 * An attacker controls name and password; password_attempt.c has the check.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "account/enrollment.h"
#include "account/identifier.h"
#include "account/identity_link.h"
#include "account/login.h"
#include "account/mfa.h"
#include "account/notice.h"
#include "account/password_attempt.h"
#include "account/session_limit.h"
#include "base/error.h"
#include "factor/factor_row.h"
#include "keyring/key_change.h"
#include "keyring/stored_key.h"
#include "password/new_password.h"
#include "session/answer.h"
#include "session/session.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "store/plan.h"

/* Methods of authentication that an application may name, and their length. */
#define MAX_METHODS 16
#define MAX_METHOD	64

/* How sessions begin of users whom the application has authenticated. */
static const char application[] = "application";

static const char method_characters[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";

/*
 * Replaces a hash that is not what the settings ask for now; while the server
 * has too many hashes to compute, a later login does.
 */
static void
rehash(const JaPasswordAttempt *attempt)
{
	JaPasswordPolicy policy = ja_new_password_policy();
	JaNewPassword hashed;
	JaStatus	status;

	if (!ja_password_needs_rehash(attempt->password, &attempt->user.hash, &policy))
		return;
	status = ja_new_password_hash(attempt->password, &hashed);
	if (status == JA_PASSWORD_BUSY)
		return;
	ja_check(status);
	ja_new_password_rehash(&attempt->user.id, &hashed);
}

/* A name without canonical form is no user's; it is tried as it is. */
static JaString
name_to_try(JaString username)
{
	JaCanonical *canonical = palloc(sizeof(JaCanonical));

	if (ja_identifier_form(username, canonical) != JA_OK)
		return username;
	return ja_canonical_string(canonical);
}

/*
 * Makes sure that a session could begin at all.  What is missing is the
 * operator's mistake, and must not show only to who has the right password.
 */
void
ja_login_require_keys(void)
{
	const JaStoredKey *key;

	ja_check(ja_stored_key_active(JA_USE_SIGNATURE, &key));
	ja_key_change_ensure(JA_USE_REFRESH);
}

/*
 * Whether a second proof is to be asked for: after a passkey that of an authenticator
 * only, since another passkey is what it is.
 */
static bool
needs_second_proof(const JaUser *user, const JaProof *proof)
{
	if (proof->level >= JA_AAL2)
		return false;
	return proof->has_factor ? ja_factor_has_authenticator(&user->id) :
		ja_factor_is_enrolled(&user->id);
}

/*
 * Begins a session for a user who was authenticated, and whose row is locked, or asks
 * for the second proof where there is a factor, or for a factor where one is needed;
 * how, for the audit log, is NULL for a password.  Within a scope of
 * ja_plan_begin().  Returns a token response or an error object.  A session that would
 * be one too many is denied before more proof is asked for.
 */
Jsonb *
ja_login_begin(const JaUser *user, JaProof proof, const char *how, int64 ttl_seconds)
{
	Jsonb	   *refusal = ja_session_limit_check(user);

	if (refusal != NULL)
		return refusal;
	if (needs_second_proof(user, &proof))
		return ja_mfa_challenge(user, proof, ttl_seconds);
	if (ja_enrollment_is_due(user))
		return ja_enrollment_ask(user, proof, ttl_seconds);
	return ja_login_begin_session(user, proof, how, ttl_seconds);
}

/*
 * The same for a user who proved all that is needed, and may have another session: begins
 * it, and links the identity that waits for it.  Where that cannot be linked any more, the
 * proof was none of this user's, and is denied.
 */
Jsonb *
ja_login_begin_session(const JaUser *user, JaProof proof, const char *how, int64 ttl_seconds)
{
	JaSession	session;
	JaRefreshToken token;

	if (proof.has_link && !ja_identity_link_finish(&user->id, &proof.link))
		return ja_answer_error(JA_ERROR_INVALID_GRANT,
							   "the identity cannot be linked any more, log in again");
	ja_session_begin(user, proof, ttl_seconds, &session, &token);
	ja_notice_new_client(&session);
	ja_count(JA_COUNT_LOGINS);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "login", .reason = how, .method = proof.method,
					   .user = &user->id, .session = &session.id
				   });
	return ja_session_answer(user, &session, &token);
}

/*
 * Logs in.  Returns a token response or an error object; raises without a
 * signing key, or if a hook fails.
 */
Jsonb *
ja_login(JaString username, JaString password, int64 ttl_seconds)
{
	JaPlanScope scope;
	JaPasswordAttempt attempt;
	Jsonb	   *answer;

	if (username.length == 0 || password.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "username and password must not be empty");
	ja_login_require_keys();
	attempt.name = name_to_try(username);
	ja_check(ja_password_prepare(password, &attempt.password));
	ja_plan_begin_in_caller_context(&scope);
	answer = ja_password_attempt_authenticate(&attempt, "login_denied");
	if (answer == NULL)
	{
		rehash(&attempt);
		answer = ja_login_begin(&attempt.user, ja_session_proof(JA_AAL1, "pwd", "password"), NULL,
								ttl_seconds);
	}
	ja_password_forget(attempt.password);
	ja_plan_end(&scope);
	return answer;
}

/*
 * Reads names of RFC 8176 and the like: some of them, each short and in ASCII.
 * Only "mfa" says that there were several kinds of proof.
 */
static JaProof
read_proof(ArrayType *amr)
{
	JaProof		proof = {.level = JA_AAL1,.amr = amr,.method = application};
	Datum	   *names;
	bool	   *nulls;
	int			count;

	deconstruct_array(amr, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &count);
	if (count > MAX_METHODS)
		ja_raise(JA_ACCOUNT_METHODS);
	for (int i = 0; i < count; i++)
	{
		const char *name = nulls[i] ? "" : TextDatumGetCString(names[i]);
		size_t		length = strlen(name);

		if (length == 0 || length > MAX_METHOD || strspn(name, method_characters) != length)
			ja_raise(JA_ACCOUNT_METHODS);
		if (strcmp(name, "mfa") == 0)
			proof.level = JA_AAL2;
	}
	return proof;
}

/* Denies a session to a user who may not log in, where the application vouches for it. */
Jsonb *
ja_login_refuse_disabled(const JaUser *user)
{
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "login_denied", .reason = ja_user_why_disabled(user),
					   .user = &user->id
				   });
	return ja_answer_error(JA_ERROR_INVALID_GRANT, "the user is disabled");
}

/* Begins the session, unless the user is disabled, begins others, or has too many. */
static Jsonb *
start_given_session(const pg_uuid_t *id, JaProof proof, int64 ttl_seconds)
{
	JaUser		user;
	JaSession	session;
	JaRefreshToken token;
	Jsonb	   *refusal;

	if (!ja_user_wait_turn(id))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_user_lock_by_id(id, &user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	if (user.is_disabled)
		return ja_login_refuse_disabled(&user);
	refusal = ja_session_limit_check(&user);
	if (refusal != NULL)
		return refusal;
	ja_session_begin(&user, proof, ttl_seconds, &session, &token);
	ja_notice_new_client(&session);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "session_started", .method = proof.method,
					   .user = id, .session = &session.id
				   });
	return ja_session_answer(&user, &session, &token);
}

/*
 * Begins a session for a user whom the application has authenticated by its own
 * means, amr.  Raises JA_ACCOUNT_UNKNOWN and JA_ACCOUNT_METHODS; a disabled user
 * is denied by an error object, and so is one who has too many sessions, or whose
 * others do not begin in time.
 */
Jsonb *
ja_login_start_session(const pg_uuid_t *id, ArrayType *amr, int64 ttl_seconds)
{
	JaProof		proof = {.level = JA_AAL1,.method = application};
	JaPlanScope scope;
	Jsonb	   *answer;

	if (amr != NULL && ArrayGetNItems(ARR_NDIM(amr), ARR_DIMS(amr)) > 0)
		proof = read_proof(amr);
	ja_login_require_keys();
	ja_plan_begin_in_caller_context(&scope);
	answer = start_given_session(id, proof, ttl_seconds);
	ja_plan_end(&scope);
	return answer;
}
