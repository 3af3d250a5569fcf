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

#include "account/identifier.h"
#include "account/login.h"
#include "account/password_attempt.h"
#include "base/error.h"
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

/* Begins a session for the user who was authenticated. */
static Jsonb *
start_session(const JaPasswordAttempt *attempt, int64 ttl_seconds)
{
	JaSession	session;
	JaRefreshToken token;

	rehash(attempt);
	ja_session_begin(&attempt->user, NULL, ttl_seconds, &session, &token);
	ja_count(JA_COUNT_LOGINS);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "login", .user = &attempt->user.id, .session = &session.id
				   });
	return ja_session_answer(&attempt->user, &session, &token);
}

/* A name without canonical form is no user's; it is tried as it is. */
static JaString
name_to_try(JaString username)
{
	JaCanonical *canonical = palloc(sizeof(JaCanonical));

	if (ja_identifier_form(username, canonical) != JA_OK)
		return username;
	return (JaString) {canonical->bytes, canonical->length};
}

/*
 * Makes sure that a session could begin at all.  What is missing is the
 * operator's mistake, and must not show only to who has the right password.
 */
static void
require_keys(void)
{
	const JaStoredKey *key;

	ja_check(ja_stored_key_active(JA_USE_SIGNATURE, &key));
	ja_key_change_ensure(JA_USE_REFRESH);
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
	require_keys();
	attempt.name = name_to_try(username);
	ja_check(ja_password_prepare(password, &attempt.password));
	ja_plan_begin(&scope);
	MemoryContextSwitchTo(scope.context);
	answer = ja_password_attempt_authenticate(&attempt, "login_denied");
	if (answer == NULL)
		answer = start_session(&attempt, ttl_seconds);
	ja_password_forget(attempt.password);
	ja_plan_end(&scope);
	return answer;
}

/* The names of RFC 8176 and the like: some of them, each short and in ASCII. */
static void
check_methods(ArrayType *amr)
{
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
	}
}

static Jsonb *
refuse_disabled(const pg_uuid_t *user)
{
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "login_denied", .reason = "user disabled", .user = user
				   });
	return ja_answer_error(JA_ERROR_INVALID_GRANT, "the user is disabled");
}

/* Begins the session, unless the user is disabled or begins others. */
static Jsonb *
start_given_session(const pg_uuid_t *id, ArrayType *amr, int64 ttl_seconds)
{
	JaUser		user;
	JaSession	session;
	JaRefreshToken token;

	if (!ja_user_wait_turn(id))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_user_lock_by_id(id, &user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	if (user.is_disabled)
		return refuse_disabled(id);
	ja_session_begin(&user, amr, ttl_seconds, &session, &token);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "session_started", .user = id, .session = &session.id
				   });
	return ja_session_answer(&user, &session, &token);
}

/*
 * Begins a session for a user whom the application has authenticated by its own
 * means, amr.  Raises JA_ACCOUNT_UNKNOWN and JA_ACCOUNT_METHODS; a disabled user
 * is denied by an error object, and so is one whose other sessions do not
 * begin in time.
 */
Jsonb *
ja_login_start_session(const pg_uuid_t *id, ArrayType *amr, int64 ttl_seconds)
{
	JaPlanScope scope;
	Jsonb	   *answer;

	if (amr != NULL && ArrayGetNItems(ARR_NDIM(amr), ARR_DIMS(amr)) == 0)
		amr = NULL;
	if (amr != NULL)
		check_methods(amr);
	require_keys();
	ja_plan_begin(&scope);
	MemoryContextSwitchTo(scope.context);
	answer = start_given_session(id, amr, ttl_seconds);
	ja_plan_end(&scope);
	return answer;
}
