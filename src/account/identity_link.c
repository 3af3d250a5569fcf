/*-------------------------------------------------------------------------
 *
 * identity_link.c
 *	  Identities at providers that become a user's once the user is logged in.
 *
 * Where the provider's word links an identity to the user whose address it has, it is
 * still only a first proof.  So the identity waits, as a row of one_time_tokens that
 * nobody is sent, until the session begins: whoever has got hold of the mailbox at the
 * provider, but of no second factor, leaves no way in behind.  The ticket for the factor
 * names the row, and is void once the user's credentials change; enrolling a factor
 * changes them, and must not void the row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "account/identity_link.h"
#include "account/one_time_token.h"
#include "account/outbox.h"
#include "base/error.h"
#include "base/uuid.h"
#include "factor/ticket.h"
#include "keyring/name_hash.h"
#include "session/attempt_lock.h"
#include "store/audit.h"
#include "store/plan.h"
#include "store/wait.h"

/* An identity that is nobody's, of a provider whose word still links it. */
static JaPlan insert_identity = {
	.sql = "INSERT INTO jwt_auth.identities (provider, issuer, subject, user_id, created_at)"
	" SELECT $1, $2, $3, $4, $5 FROM jwt_auth.providers AS p"
	" WHERE p.name OPERATOR(pg_catalog.=) $1"
	" AND $2 OPERATOR(pg_catalog.=) ANY (p.issuers)"
	" AND p.options OPERATOR(pg_catalog.->>) 'linking' OPERATOR(pg_catalog.=) 'verified'"
	" ON CONFLICT (provider, issuer, subject) DO NOTHING"
};

/* Tells the user, and others who may have the account by now. */
static void
notify_of_identity(const pg_uuid_t *user, JaMessage message, JaString provider)
{
	JaJsonState data = {0};

	ja_json_push(&data, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&data, "type", "identity", strlen("identity"));
	ja_json_add_string(&data, "provider", provider.data, provider.length);
	ja_outbox_notify_user(user, message, ja_json_end_object(&data));
}

static void
audit_identity(const pg_uuid_t *user, const char *event, JaString provider)
{
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = event, .user = user,
					   .reason = psprintf("provider %.*s", (int) provider.length, provider.data)
				   });
}

/*
 * Voids one-time tokens and tickets of a user who got or lost an identity, and writes who
 * is told of it; within a scope of ja_plan_begin(), like the next ones.
 */
void
ja_identity_link_note(const pg_uuid_t *user, const char *event, JaMessage message,
					  JaString provider)
{
	ja_user_raise_version(user);
	notify_of_identity(user, message, provider);
	audit_identity(user, event, provider);
}

/* Notes that an identity is to become a user's; returns what ja_identity_link_finish() takes. */
pg_uuid_t
ja_identity_link_propose(const JaUser *user, const JaIdentityName *identity)
{
	JaOneTimeToken token = {.purpose = JA_PURPOSE_LINK};
	JaJsonState data = {0};

	ja_check(ja_uuid_make(GetCurrentTimestamp(), &token.id));
	ja_json_push(&data, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&data, "provider", identity->provider.data, identity->provider.length);
	ja_json_add_string(&data, "issuer", identity->issuer.data, identity->issuer.length);
	ja_json_add_string(&data, "subject", identity->subject.data, identity->subject.length);
	token.data = ja_json_end_object(&data);
	ja_one_time_token_create(&token, user, JA_TICKET_SECONDS);
	return token.id;
}

static void
append_part(StringInfo whole, JaString part)
{
	appendStringInfo(whole, "%zu:", part.length);
	appendBinaryStringInfo(whole, part.data, (int) part.length);
}

/*
 * Waits until no other transaction logs in with the identity, links it or takes it away;
 * false if that does not come in time.  Holds until the transaction ends.
 */
bool
ja_identity_link_wait_turn(const JaIdentityName *identity)
{
	uint8		subject[JA_NAME_HASH_SIZE];
	StringInfoData whole;

	initStringInfo(&whole);
	append_part(&whole, identity->provider);
	append_part(&whole, identity->issuer);
	append_part(&whole, identity->subject);
	ja_name_hash_make("jwt_auth identity", whole.data, (size_t) whole.len, subject);
	return ja_attempt_lock_wait(subject);
}

static JaString
read_part(const JaOneTimeToken *token, const char *name)
{
	JaString	part;

	if (token->data == NULL || ja_json_string(&token->data->root, name, &part) != JA_PRESENT)
		elog(ERROR, "stored one-time token has no identity that waits");
	return part;
}

/* Finds what was proposed for the user, and spends it; false if it cannot be any more. */
static bool
redeem_proposal(const pg_uuid_t *user, const pg_uuid_t *proposal, JaIdentityName *identity)
{
	JaOneTimeToken token;

	if (!ja_one_time_token_find(proposal, &token) || token.purpose != JA_PURPOSE_LINK ||
		!ja_uuid_equals(&token.user, user) || !ja_one_time_token_consume(&token))
		return false;
	identity->provider = read_part(&token, "provider");
	identity->issuer = read_part(&token, "issuer");
	identity->subject = read_part(&token, "subject");
	return true;
}

/*
 * Links it; false if somebody has it by now, or the provider does not link any more.  Its
 * turn comes after that of the user, and so in the other order than in a login with the
 * identity: where both wait, neither does so for long, and 55P03 leaves the ticket and
 * the second factor as they were.
 */
static bool
insert_proposed(const pg_uuid_t *user, const JaIdentityName *identity)
{
	JaWait		wait;
	uint64		rows;

	if (!ja_identity_link_wait_turn(identity))
		ja_raise(JA_ACCOUNT_BUSY);
	ja_wait_begin(&wait);
	rows = ja_plan_run_on_latest(&insert_identity,
								 JA_VALUES(ja_string(identity->provider),
										   ja_string(identity->issuer),
										   ja_string(identity->subject), ja_uuid(user),
										   ja_time(GetCurrentTimestamp())));
	ja_wait_end(&wait);
	return rows == 1;
}

/*
 * Links the identity that was proposed to a user whose session begins, and whose row is
 * locked.  Returns false, which is audited, if it cannot be linked any more; then the
 * session must not begin.  Raises 55P03 while another transaction has the identity.
 */
bool
ja_identity_link_finish(const pg_uuid_t *user, const pg_uuid_t *proposal)
{
	JaIdentityName identity;

	if (!redeem_proposal(user, proposal, &identity) || !insert_proposed(user, &identity))
	{
		ja_audit_write(&(JaAuditEvent)
					   {
						   .event = "login_denied", .user = user,
						   .reason = "the identity cannot be linked any more"
					   });
		return false;
	}
	ja_identity_link_note(user, "identity_linked", JA_MESSAGE_FACTOR_ADDED, identity.provider);
	return true;
}
