/*-------------------------------------------------------------------------
 *
 * login.c
 *	  Login with name and password, and the check that it shares with a
 *	  change of password.
 *
 * An attacker controls name and password.  Whatever is wrong (no such name,
 * no password, a wrong one, a disabled user) costs one hash computation, is
 * counted, and gives one answer.  A denial is an answer and not an error, so
 * that what it counted commits.  An attempt that must wait is not even hashed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "account/identifier.h"
#include "account/login.h"
#include "base/error.h"
#include "keyring/key_change.h"
#include "keyring/stored_key.h"
#include "password/new_password.h"
#include "password/stand_in.h"
#include "session/answer.h"
#include "session/session.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "store/plan.h"

static const char denied[] = "invalid username or password";

/* How long one row of the audit log stands for all attempts on a busy name. */
#define BUSY_SECONDS 60

/* Methods of authentication that an application may name, and their length. */
#define MAX_METHODS 16
#define MAX_METHOD	64

static const char method_characters[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";

static JaPlan find_busy = {
	.sql = "SELECT FROM jwt_auth.audit_log WHERE at OPERATOR(pg_catalog.>) $1"
	" AND event OPERATOR(pg_catalog.=) 'login_busy' AND (user_id OPERATOR(pg_catalog.=) $2"
	" OR name_hash OPERATOR(pg_catalog.=) $3) LIMIT 1"
};

static void
audit_attempt(const JaAttempt *attempt, const char *event, const char *reason)
{
	JaAuditEvent audit = {.event = event,.reason = reason};

	if (attempt->is_known)
		audit.user = &attempt->user.id;
	else
		audit.name_hash = ja_value_make_bytes(attempt->throttle.name_hash, JA_NAME_HASH_SIZE);
	ja_audit_write(&audit);
}

/* Counts and audits a failed attempt; the answer is the same for all. */
static Jsonb *
deny(JaAttempt *attempt, const char *event, const char *reason)
{
	ja_throttle_failed(&attempt->throttle);
	ja_count(JA_COUNT_ATTEMPTS_DENIED);
	audit_attempt(attempt, event, reason);
	if (attempt->throttle.starts_wait)
		audit_attempt(attempt, "login_throttled", "too many failures");
	return ja_answer_error(JA_ERROR_INVALID_GRANT, denied);
}

/* Finds whom the name stands for, unless it is an address not yet proven. */
static void
find_user(JaAttempt *attempt)
{
	pg_uuid_t	id;
	bool		is_verified;

	attempt->is_known = ja_identifier_find(attempt->name, &id, &is_verified) &&
		is_verified && ja_user_find_by_id(&id, &attempt->user);
}

/*
 * The answer for an attempt whose turn did not come, which is no failure.  The
 * first one in a while is audited.
 */
static Jsonb *
defer(JaAttempt *attempt)
{
	TimestampTz since = GetCurrentTimestamp() - (int64) BUSY_SECONDS * USECS_PER_SEC;
	bytea	   *hash = ja_value_make_bytes(attempt->throttle.name_hash, JA_NAME_HASH_SIZE);

	find_user(attempt);
	if (ja_throttle_may_report(&attempt->throttle) &&
		ja_plan_run_as_of_now(&find_busy,
							  JA_VALUES(ja_time(since),
										ja_uuid(attempt->is_known ? &attempt->user.id : NULL),
										ja_bytes(hash))) == 0)
		audit_attempt(attempt, "login_busy", "other attempts did not end in time");
	return ja_answer_busy(JA_BUSY_NAME);
}

/* Raises what is the machine's failure, not the hash's. */
static void
check_machine(JaStatus status)
{
	if (status == JA_CRYPTO || status == JA_MEMORY)
		ja_raise(status);
}

/*
 * Does the work of a check for a name that has no hash to check: that of the
 * hash that stands in, or that of a new one.  Fails with JA_PASSWORD_BUSY.
 */
static JaStatus
imitate_check(const JaAttempt *attempt)
{
	JaPasswordPolicy policy = ja_new_password_policy();
	JaStatus	status = JA_PASSWORD_HASH_FORM;

	if (attempt->has_stand_in)
		status = ja_password_imitate(attempt->password, &attempt->stand_in);
	if (status != JA_OK && status != JA_PASSWORD_BUSY)
	{
		check_machine(status);
		status = ja_password_imitate_new(attempt->password, &policy);
	}
	check_machine(status);
	return status;
}

/*
 * Finds out whether the password is the user's; always one hash computation.
 * Fails with JA_PASSWORD_BUSY if the server has too many of them to do,
 * whatever the name.
 */
static JaStatus
check_password(const JaAttempt *attempt, bool *matches)
{
	JaStatus	status;

	*matches = false;
	CHECK_FOR_INTERRUPTS();
	if (!attempt->is_known || attempt->user.hash.text.data == NULL)
		return imitate_check(attempt);
	status = ja_password_verify(attempt->password, &attempt->user.hash, matches);
	check_machine(status);
	return status == JA_OK || status == JA_PASSWORD_BUSY ? status : imitate_check(attempt);
}

static const char *
reason_for_denial(const JaAttempt *attempt)
{
	if (!attempt->is_known)
		return "unknown user";
	if (attempt->user.is_disabled)
		return "user disabled";
	return attempt->user.hash.text.data == NULL ? "no password" : "wrong password";
}

static bool
same_text(JaString a, JaString b)
{
	if (a.data == NULL || b.data == NULL)
		return a.data == b.data;
	return ja_string_equals(a, b);
}

/*
 * Proves a password: waits its turn, checks, and counts.  Returns NULL if it
 * is right, and then the user's row is locked and as it was checked; else the
 * answer.  To be called within a scope of ja_plan_begin(), in the memory
 * context of the caller.
 */
Jsonb *
ja_login_prove(JaAttempt *attempt, const char *event)
{
	JaUser		locked;
	bool		matches;

	ja_throttle_enter(attempt->name.data, attempt->name.length, &attempt->throttle);
	if (attempt->throttle.is_busy)
		return defer(attempt);
	if (attempt->throttle.retry_after_seconds > 0)
	{
		ja_count(JA_COUNT_ATTEMPTS_THROTTLED);
		return ja_answer_wait(attempt->throttle.retry_after_seconds);
	}
	/* Known names look for it, too, since that takes its time. */
	attempt->has_stand_in = ja_stand_in_choose(attempt->name.data, attempt->name.length,
											   &attempt->stand_in);
	find_user(attempt);
	if (check_password(attempt, &matches) == JA_PASSWORD_BUSY)
		return ja_answer_busy(JA_BUSY_SERVER);
	if (!matches || attempt->user.is_disabled)
		return deny(attempt, event, reason_for_denial(attempt));
	if (!ja_user_lock_by_id(&attempt->user.id, &locked) || locked.is_disabled ||
		!same_text(locked.hash.text, attempt->user.hash.text))
		return deny(attempt, event, "changed meanwhile");
	attempt->user = locked;
	ja_throttle_succeeded(&attempt->throttle);
	return NULL;
}

/*
 * Replaces a hash that is not what the settings ask for now; while the server
 * has too many hashes to compute, a later login does.
 */
static void
rehash(const JaAttempt *attempt)
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

/* Begins a session for the user who proved the password. */
static Jsonb *
admit(const JaAttempt *attempt, int64 ttl_seconds)
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
	JaAttempt	attempt;
	Jsonb	   *answer;

	if (username.length == 0 || password.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "username and password must not be empty");
	require_keys();
	attempt.name = name_to_try(username);
	ja_check(ja_password_prepare(password, &attempt.password));
	ja_plan_begin(&scope);
	MemoryContextSwitchTo(scope.context);
	answer = ja_login_prove(&attempt, "login_denied");
	if (answer == NULL)
		answer = admit(&attempt, ttl_seconds);
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

/*
 * Begins a session for a user whom the application has authenticated by its own
 * means, amr.  Raises JA_ACCOUNT_UNKNOWN and JA_ACCOUNT_METHODS; a disabled user
 * is denied by an error object.
 */
Jsonb *
ja_login_start_session(const pg_uuid_t *id, ArrayType *amr, int64 ttl_seconds)
{
	JaPlanScope scope;
	JaUser		user;
	JaSession	session;
	JaRefreshToken token;
	Jsonb	   *answer;

	if (amr != NULL && ArrayGetNItems(ARR_NDIM(amr), ARR_DIMS(amr)) == 0)
		amr = NULL;
	if (amr != NULL)
		check_methods(amr);
	require_keys();
	ja_plan_begin(&scope);
	MemoryContextSwitchTo(scope.context);
	if (!ja_user_lock_by_id(id, &user))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	if (user.is_disabled)
		answer = refuse_disabled(id);
	else
	{
		ja_session_begin(&user, amr, ttl_seconds, &session, &token);
		ja_audit_write(&(JaAuditEvent)
					   {
						   .event = "session_started", .user = id, .session = &session.id
					   });
		answer = ja_session_answer(&user, &session, &token);
	}
	ja_plan_end(&scope);
	return answer;
}
