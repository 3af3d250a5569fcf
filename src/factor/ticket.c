/*-------------------------------------------------------------------------
 *
 * ticket.c
 *	  Tickets of those who have shown a first proof, and owe a second one.
 *
 * A ticket is a handle that says whose it is, of which version of the credentials,
 * for which session or recovery if it begins none, and what was shown: user (16
 * bytes), version (8), session, recovery or link (16), length of the session to begin (4),
 * methods (1), purpose (1), time (8), nonce (16), and if an identity provider did it, when
 * that was added (8), and its name, padded with NULs (63).  No row waits for the ticket
 * itself, and it opens nothing alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "factor/ticket.h"
#include "keyring/handle.h"
#include "keyring/used_handle.h"
#include "store/scan.h"
#include "token/assurance.h"

/* Places in the body. */
#define AT_VERSION	UUID_LEN
#define AT_SESSION	(AT_VERSION + (int) sizeof(int64))
#define AT_TTL		(AT_SESSION + UUID_LEN)
#define AT_METHODS	(AT_TTL + (int) sizeof(int32))
#define AT_PURPOSE	(AT_METHODS + 1)
#define AT_TIME		(AT_PURPOSE + 1)
#define AT_NONCE	(AT_TIME + (int) sizeof(int64))
#define AT_ADDED	(AT_NONCE + UUID_LEN)
#define AT_PROVIDER	(AT_ADDED + (int) sizeof(int64))
#define BODY_SIZE	(AT_PROVIDER + JA_TICKET_MAX_PROVIDER)

/* What the ticket is for, beside a session. */
#define FOR_RECOVERY	0x01
#define FOR_ENROLLMENT	0x02
#define FOR_LINK		0x04

StaticAssertDecl(BODY_SIZE <= JA_HANDLE_MAX_BODY, "size of a ticket's body");

/* Kinds of proof, which levels count. */
typedef enum ProofKind
{
	KIND_KNOWLEDGE,
	KIND_CODE,					/* sent to a mailbox or phone, or of a device */
	KIND_DEVICE
} ProofKind;

/* Methods of a first proof by their bits, which never change, and which kind it is. */
typedef struct Method
{
	const char *name;			/* of RFC 8176 */
	ProofKind	kind;
	const char *way_in;			/* how a session begins with it */
} Method;

static const Method methods[] = {
	{"pwd", KIND_KNOWLEDGE, "password"},
	{"otp", KIND_CODE, "code"},
	{"hwk", KIND_DEVICE, "passkey"},
	{"swk", KIND_DEVICE, "passkey"},
	{"user", KIND_DEVICE, "passkey"},
	{"fed", KIND_KNOWLEDGE, "external"},
};

/* The bits of the methods that are named. */
uint8
ja_ticket_methods(ArrayType *amr)
{
	Datum	   *names;
	bool	   *nulls;
	int			count = 0;
	uint8		bits = 0;

	if (amr != NULL)
		deconstruct_array(amr, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		for (size_t method = 0; !nulls[i] && method < lengthof(methods); method++)
		{
			if (strcmp(TextDatumGetCString(names[i]), methods[method].name) == 0)
				bits |= (uint8) (1U << method);
		}
	}
	return bits;
}

/*
 * Notes the first proof, which identity provider did it, if one did, and what waits to be
 * linked.
 */
void
ja_ticket_note_proof(JaTicket *ticket, const JaProof *proof)
{
	const size_t prefix = strlen(JA_METHOD_EXTERNAL);

	ticket->methods = ja_ticket_methods(proof->amr);
	ticket->has_link = proof->has_link;
	if (ticket->has_link)
		ticket->session = proof->link;
	if (proof->method == NULL || strncmp(proof->method, JA_METHOD_EXTERNAL, prefix) != 0)
		return;
	ticket->provider.data = proof->method + prefix;
	ticket->provider.length = strlen(ticket->provider.data);
}

static bool
shows(const JaTicket *ticket, ProofKind kind)
{
	for (size_t method = 0; method < lengthof(methods); method++)
	{
		if (methods[method].kind == kind && (ticket->methods & (1U << method)) != 0)
			return true;
	}
	return false;
}

/*
 * The level that a device gives as second proof: the second, unless a device was all
 * that was shown before.  A code beside a device is one of a device: with one that was
 * sent, the session would have had the second level, and no need of a ticket.
 */
static int
level_with_device(const JaTicket *ticket)
{
	return shows(ticket, KIND_DEVICE) && !shows(ticket, KIND_KNOWLEDGE) ? JA_AAL1 : JA_AAL2;
}

static ArrayType *
shown_methods(const JaTicket *ticket)
{
	Datum		names[lengthof(methods)];
	int			count = 0;

	for (size_t method = 0; method < lengthof(methods); method++)
	{
		if ((ticket->methods & (1U << method)) != 0)
			names[count++] = CStringGetTextDatum(methods[method].name);
	}
	return construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT);
}

/* How the session begins that the ticket is for; NULL: not known. */
static const char *
way_of_ticket(const JaTicket *ticket)
{
	if (ticket->provider.data != NULL)
		return psprintf(JA_METHOD_EXTERNAL "%.*s", (int) ticket->provider.length,
						ticket->provider.data);
	for (size_t method = 0; method < lengthof(methods); method++)
	{
		if ((ticket->methods & (1U << method)) != 0)
			return methods[method].way_in;
	}
	return NULL;
}

/* Adds to the proof of a device what the ticket says was shown before it, and waits for it. */
void
ja_ticket_join(const JaTicket *ticket, JaProof *proof)
{
	proof->has_link = ticket->has_link;
	proof->link = ticket->session;
	proof->method = way_of_ticket(ticket);
	proof->level = Max(proof->level, level_with_device(ticket));
	proof->amr = ja_session_join_methods(shown_methods(ticket), proof->amr);
	if (proof->level == JA_AAL2)
		proof->amr = ja_session_join_methods(proof->amr, ja_session_proof(JA_AAL2, "mfa", NULL).amr);
}

/* What a ticket is for, as its body has it. */
static uint8
purpose_of(const JaTicket *ticket)
{
	return (ticket->is_recovery ? FOR_RECOVERY : 0) |
		(ticket->is_enrollment ? FOR_ENROLLMENT : 0) | (ticket->has_link ? FOR_LINK : 0);
}

/* When an identity provider was added, as of now; 0 if it is not there. */
static TimestampTz
provider_added_at(JaString provider)
{
	JaScan		scan;
	TimestampTz added_at;

	if (!ja_scan_find(&scan, JA_PROVIDERS, JA_PROVIDERS_PKEY,
					  JA_WHERE(ja_equal(Anum_providers_name, ja_string(provider)))))
		return 0;
	added_at = ja_scan_time(&scan, Anum_providers_created_at);
	ja_scan_end(&scan);
	return added_at;
}

/* The name, which is padded, and since when it means this provider. */
static void
write_provider(JaString provider, uint8 *body)
{
	uint64		added_at = pg_hton64((uint64) provider_added_at(provider));

	memcpy(body + AT_ADDED, &added_at, sizeof(added_at));
	memcpy(body + AT_PROVIDER, provider.data, Min(provider.length, JA_TICKET_MAX_PROVIDER));
}

/* Writes a ticket of now, or of when the proof was given that it rests on. */
JaString
ja_ticket_make(const JaTicket *ticket)
{
	TimestampTz made_at = ticket->proved_at != 0 ? ticket->proved_at : GetCurrentTimestamp();
	uint64		version = pg_hton64((uint64) ticket->credentials_version);
	uint32		ttl = pg_hton32((uint32) ticket->ttl_seconds);
	uint64		time = pg_hton64((uint64) made_at);
	uint8		body[BODY_SIZE] = {0};
	size_t		length = JA_HANDLE_LENGTH(BODY_SIZE);
	char	   *text = palloc0(length + 1);

	memcpy(body, &ticket->user, UUID_LEN);
	memcpy(body + AT_VERSION, &version, sizeof(version));
	if (ticket->has_session || ticket->is_recovery || ticket->has_link)
		memcpy(body + AT_SESSION, &ticket->session, UUID_LEN);
	memcpy(body + AT_TTL, &ttl, sizeof(ttl));
	body[AT_METHODS] = ticket->methods;
	body[AT_PURPOSE] = purpose_of(ticket);
	memcpy(body + AT_TIME, &time, sizeof(time));
	ja_check(ja_secret_random(body + AT_NONCE, UUID_LEN));
	if (ticket->provider.data != NULL)
		write_provider(ticket->provider, body);
	ja_handle_write(JA_HANDLE_TICKET, ja_handle_key_number(JA_HANDLE_TICKET), body, text);
	return (JaString) {text, length};
}

/* The name as a copy, without what it was padded with. */
static JaString
read_provider(const uint8 *padded)
{
	JaString	name;

	name.length = strnlen((const char *) padded, JA_TICKET_MAX_PROVIDER);
	name.data = name.length > 0 ? pnstrdup((const char *) padded, name.length) : NULL;
	return name;
}

/* The reverse of purpose_of(); the session was read before. */
static void
read_purpose(uint8 purpose, JaTicket *ticket)
{
	static const pg_uuid_t none = {{0}};

	ticket->is_recovery = (purpose & FOR_RECOVERY) != 0;
	ticket->is_enrollment = (purpose & FOR_ENROLLMENT) != 0;
	ticket->has_link = (purpose & FOR_LINK) != 0;
	ticket->has_session = !ticket->is_recovery && !ticket->has_link &&
		!ja_uuid_equals(&ticket->session, &none);
}

/*
 * Reads a ticket; false if it is none of ours, or has expired.  One from the future
 * was made by a server whose clock is ahead, or before this one was put back.
 */
bool
ja_ticket_read(JaString text, JaTicket *ticket)
{
	TimestampTz now = GetCurrentTimestamp();
	uint8		body[BODY_SIZE];
	int32		key_number;
	uint64		number;
	uint32		ttl;
	TimestampTz made_at;

	if (!ja_handle_read(JA_HANDLE_TICKET, text, &key_number, body))
		return false;
	memcpy(&ticket->user, body, UUID_LEN);
	memcpy(&number, body + AT_VERSION, sizeof(number));
	ticket->credentials_version = (int64) pg_ntoh64(number);
	memcpy(&ticket->session, body + AT_SESSION, UUID_LEN);
	memcpy(&ttl, body + AT_TTL, sizeof(ttl));
	ticket->ttl_seconds = (int32) pg_ntoh32(ttl);
	ticket->methods = body[AT_METHODS];
	read_purpose(body[AT_PURPOSE], ticket);
	memcpy(&ticket->nonce, body + AT_NONCE, UUID_LEN);
	ticket->provider = read_provider(body + AT_PROVIDER);
	memcpy(&number, body + AT_ADDED, sizeof(number));
	ticket->provider_added_at = (TimestampTz) pg_ntoh64(number);
	memcpy(&number, body + AT_TIME, sizeof(number));
	made_at = (TimestampTz) pg_ntoh64(number);
	ticket->expires_at = made_at + JA_TICKET_SECONDS * USECS_PER_SEC;
	return now < ticket->expires_at && made_at < now + JA_TICKET_SECONDS * USECS_PER_SEC;
}

/*
 * Whether the identity provider of the first proof is still there, as of now, and not
 * another one that was added by that name.
 */
static bool
has_provider(const JaTicket *ticket)
{
	TimestampTz added_at = provider_added_at(ticket->provider);

	return added_at != 0 && added_at == ticket->provider_added_at;
}

/*
 * Whether a ticket that was read still counts, of a user as of now: the credentials
 * have not changed, the provider was not removed, and nobody has used it.
 */
bool
ja_ticket_is_open(const JaTicket *ticket, JaString text, const JaUser *user)
{
	return !user->is_disabled && user->credentials_version == ticket->credentials_version &&
		(ticket->provider.data == NULL || has_provider(ticket)) && !ja_used_handle_is_used(text);
}

/* The answer to a ticket that is not, or no longer, what it is shown for. */
Jsonb *
ja_ticket_deny(void)
{
	return ja_answer_error(JA_ERROR_INVALID_GRANT, "the mfa_token is invalid, expired or was used");
}
