/*-------------------------------------------------------------------------
 *
 * link_ticket.c
 *	  Tickets of those whose identity may be linked to a user whom they prove to be.
 *
 * A ticket is a handle that says of which user, of which version of the credentials,
 * for which ID token, and when that was verified: user (16 bytes), version (8), hash
 * (32), time (8).  The ID token is shown again with it, so that no row waits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "port/pg_bswap.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "federation/link_ticket.h"
#include "jose/algorithm.h"
#include "keyring/handle.h"

/* Places in the body. */
#define AT_VERSION	UUID_LEN
#define AT_HASH		(AT_VERSION + (int) sizeof(int64))
#define AT_TIME		(AT_HASH + JA_LINK_TICKET_HASH)
#define BODY_SIZE	(AT_TIME + (int) sizeof(int64))

StaticAssertDecl(BODY_SIZE <= JA_HANDLE_MAX_BODY, "size of a link ticket's body");

/* Hashes what a ticket is for; a provider that was added anew is another one. */
void
ja_link_ticket_hash(const JaIdToken *token, uint8 *hash)
{
	StringInfoData whole;

	initStringInfo(&whole);
	appendBinaryStringInfo(&whole, token->provider.data, (int) token->provider.length);
	appendStringInfo(&whole, " " INT64_FORMAT " ", token->provider_added_at);
	appendBinaryStringInfo(&whole, token->signed_part.data, (int) token->signed_part.length);
	ja_check(ja_digest_compute(JA_SHA256, whole.data, (size_t) whole.len, hash));
}

/* Writes a ticket of now. */
JaString
ja_link_ticket_make(const JaLinkTicket *ticket)
{
	uint64		version = pg_hton64((uint64) ticket->credentials_version);
	uint64		time = pg_hton64((uint64) GetCurrentTimestamp());
	uint8		body[BODY_SIZE];
	size_t		length = JA_HANDLE_LENGTH(BODY_SIZE);
	char	   *text = palloc0(length + 1);

	memcpy(body, &ticket->user, UUID_LEN);
	memcpy(body + AT_VERSION, &version, sizeof(version));
	memcpy(body + AT_HASH, ticket->hash, JA_LINK_TICKET_HASH);
	memcpy(body + AT_TIME, &time, sizeof(time));
	ja_handle_write(JA_HANDLE_LINK_TICKET, ja_handle_key_number(JA_HANDLE_LINK_TICKET), body, text);
	return (JaString) {text, length};
}

/*
 * Reads a ticket; false if it is none of ours, or has expired.  One from the future
 * was made by a server whose clock is ahead.
 */
bool
ja_link_ticket_read(JaString text, JaLinkTicket *ticket)
{
	const int64 lifetime = JA_LINK_TICKET_SECONDS * USECS_PER_SEC;
	TimestampTz now = GetCurrentTimestamp();
	uint8		body[BODY_SIZE];
	int32		key_number;
	uint64		number;

	if (!ja_handle_read(JA_HANDLE_LINK_TICKET, text, &key_number, body))
		return false;
	memcpy(&ticket->user, body, UUID_LEN);
	memcpy(&number, body + AT_VERSION, sizeof(number));
	ticket->credentials_version = (int64) pg_ntoh64(number);
	memcpy(ticket->hash, body + AT_HASH, JA_LINK_TICKET_HASH);
	memcpy(&number, body + AT_TIME, sizeof(number));
	ticket->made_at = (TimestampTz) pg_ntoh64(number);
	ticket->expires_at = ticket->made_at + lifetime;
	return now < ticket->expires_at && ticket->made_at < now + lifetime;
}
