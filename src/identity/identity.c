/*-------------------------------------------------------------------------
 *
 * identity.c
 *	  Who the running transaction acts for.
 *
 * The token of the setting jwt_auth.token is verified when something asks who
 * it stands for, and again in each statement and transaction.  What it says is
 * copied, since the cache of verified tokens may let it go at any time.  A
 * token that is not good raises an error each time: there is no identity to
 * fall back to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "identity/identity.h"
#include "store/audit.h"
#include "store/plan.h"
#include "token/verify.h"

/* How long a token is still good to a statement on a standby once it expired. */
#define STANDBY_SECONDS 30

JaJudgement ja_identity_judgement;

static JaIdentity identity;
static MemoryContext context = NULL;	/* owns what the identity points to */

static void
forget_at_transaction_end(XactEvent event, void *argument pg_attribute_unused())
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PARALLEL_COMMIT || event == XACT_EVENT_PARALLEL_ABORT ||
		event == XACT_EVENT_PREPARE)
		ja_settings_epoch++;
}

/* Registers the callback; once per backend. */
void
ja_identity_initialize(void)
{
	RegisterXactCallback(forget_at_transaction_end, NULL);
}

/* Copies a string into our own memory. */
static JaString
copy_identity_string(JaString string)
{
	char	   *copy;

	if (string.data == NULL)
		return string;
	copy = MemoryContextAlloc(context, string.length + 1);
	memcpy(copy, string.data, string.length);
	copy[string.length] = '\0';
	return (JaString) {copy, string.length};
}

/*
 * Who acts as the user of a token (RFC 8693 section 4.1).  That another issuer's user
 * is acted for is its business.
 */
static JaString
actor_of(const JaVerified *verified)
{
	JaString	actor = {NULL, 0};
	JsonbValue	act;

	if (!verified->is_local_issuer || !ja_json_member(&verified->claims->root, "act", &act))
		return actor;
	if (act.type != jbvBinary || !ja_json_is_object(act.val.binary.data) ||
		ja_json_string(act.val.binary.data, "sub", &actor) != JA_PRESENT)
		return (JaString) {"", 0};
	return actor;
}

/* Whether a token is that of an anonymous user of ours. */
static bool
is_of_anonymous(const JaVerified *verified)
{
	JsonbValue	value;

	return verified->is_local_issuer &&
		ja_json_member(&verified->claims->root, "anonymous", &value) &&
		(value.type != jbvBool || value.val.boolean);
}

/* Copies what the token says into our own memory. */
static void
adopt(const JaVerified *verified)
{
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "jwt_auth identity",
										ALLOCSET_SMALL_SIZES);
	MemoryContextReset(context);
	identity.claims = MemoryContextAlloc(context, VARSIZE(verified->claims));
	memcpy(identity.claims, verified->claims, VARSIZE(verified->claims));
	identity.is_local_issuer = verified->is_local_issuer;
	identity.has_user = verified->revocable.has_user;
	identity.user = verified->revocable.user;
	identity.has_session = verified->revocable.has_session;
	identity.session = verified->revocable.session;
	identity.session_assurance = verified->session_assurance;
	identity.issuer = copy_identity_string(verified->issuer);
	identity.role = copy_identity_string(verified->role);
	identity.scope_claim = copy_identity_string(verified->scope_claim);
	identity.is_anonymous = is_of_anonymous(verified);
	identity.actor = copy_identity_string(actor_of(verified));
}

/* Nothing that was found before holds any more. */
static void
forget(void)
{
	ja_identity_judgement = (JaJudgement) {0};
	ja_settings_epoch++;
}

/* From now on this is what was found, for the running statement. */
static void
note_judgement(const JaIdentity *found)
{
	ja_identity_judgement = (JaJudgement) {
		.identity = found,
		.epoch = ja_settings_epoch,
		.statement = GetCurrentStatementStartTimestamp()
	};
	ja_audit_acting = found != NULL ? found->actor : (JaString) {NULL, 0};
	ja_audit_acting_epoch = ja_settings_epoch;
}

/*
 * Takes over the token of the setting, which the caller has just verified.
 */
const JaIdentity *
ja_identity_take(const JaVerified *verified)
{
	forget();
	adopt(verified);
	note_judgement(&identity);
	return &identity;
}

/*
 * The moment at which the token is verified.  What began with a valid token ends with it: the
 * token must not have expired when the statement began, or the transaction if
 * that is later, as it is after a procedure's COMMIT.  It may well have been
 * issued since.
 *
 * On a standby it must not have expired for long, either: a purge on the
 * primary does not know what runs here, and a denial that it removes is gone
 * here, too.
 */
static JaMoment
verification_moment(void)
{
	JaMoment	moment = {
		.now = GetCurrentTimestamp(),
		.start = Max(GetCurrentStatementStartTimestamp(),
					 GetCurrentTransactionStartTimestamp())
	};

	if (RecoveryInProgress())
		moment.start = Max(moment.start, moment.now - STANDBY_SECONDS * USECS_PER_SEC);
	return moment;
}

/*
 * Verifies the token of the setting.  Nothing is noted unless that succeeds, so
 * that a token that is not good is never taken for verified.
 */
void
ja_identity_verify(void)
{
	JaString	token = ja_token_setting_value();
	const JaVerified *verified;

	forget();
	if (token.data == NULL)
	{
		note_judgement(NULL);
		return;
	}
	ja_check(ja_verify_identity(token, verification_moment(), &verified));
	(void) ja_identity_take(verified);
}

/*
 * The user of ours who the transaction acts for; raises 28J03 if there is
 * none.  Whatever identity hooks and triggers take on meanwhile, the caller's
 * copy stays as it is.
 */
JaSubject
ja_identity_require_user(void)
{
	const JaIdentity *current = ja_identity_current();

	if (current == NULL || !current->is_local_issuer || !current->has_user)
		ja_raise(JA_NOT_AUTHENTICATED);
	return (JaSubject) {
		.user = current->user,
		.has_session = current->has_session,
		.session = current->session
	};
}

/* The anonymous user who asks; false if somebody else does, or acts as that user. */
bool
ja_identity_anonymous_user(pg_uuid_t *user)
{
	const JaIdentity *current = ja_identity_current();

	if (current == NULL || !current->is_anonymous || !current->has_user ||
		!current->has_session || current->actor.data != NULL)
		return false;
	*user = current->user;
	return true;
}

/* Raises 42501 if somebody acts as the user. */
void
ja_identity_refuse_actor(void)
{
	const JaIdentity *current = ja_identity_current();

	if (current != NULL && current->actor.data != NULL)
		ja_raise(JA_IMPERSONATED);
}

static bool
is_of_api_token(const Jsonb *claims)
{
	JsonbValue	value;

	return ja_json_member(&claims->root, "api_token", &value);
}

/*
 * Raises 42501 for those who may not begin a session of anybody's, whatever their role
 * may: whoever acts as another, and API tokens.  A token that is not good is nobody's,
 * and hinders no application that vouches for a user.
 */
void
ja_identity_refuse_delegate(void)
{
	JaString	token = ja_token_setting_value();
	const JaVerified *verified;

	if (token.data == NULL ||
		ja_verify_identity(token, verification_moment(), &verified) != JA_OK)
		return;
	if (actor_of(verified).data != NULL)
		ja_raise(JA_IMPERSONATED);
	if (verified->is_local_issuer && is_of_api_token(verified->claims))
		ja_raise(JA_NOT_IN_PERSON);
}

/*
 * The user, for what only users do themselves; raises 28J03, or 42501 for an API token,
 * with which a program does no more than it was given the scopes for.
 */
JaSubject
ja_identity_require_person(void)
{
	JaSubject	subject = ja_identity_require_user();

	if (is_of_api_token(ja_identity_current()->claims))
		ja_raise(JA_NOT_IN_PERSON);
	return subject;
}

/*
 * Raises 42501 for those who may not change how the user logs in: whoever acts as the
 * user, and anonymous users, who have no way in before they sign up.
 */
void
ja_identity_require_own_way_in(void)
{
	ja_identity_refuse_actor();
	if (ja_identity_current() != NULL && ja_identity_current()->is_anonymous)
		ja_raise(JA_ANONYMOUS);
}

/*
 * The same for a function that writes: raises 25006 before where the transaction is
 * read only.
 */
JaSubject
ja_identity_require_writer(const char *function)
{
	ja_plan_refuse_read_only(function);
	return ja_identity_require_person();
}
