/*-------------------------------------------------------------------------
 *
 * link_ticket.h
 *	  Tickets of those whose identity may be linked to a user whom they prove to be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_LINK_TICKET_H
#define JA_LINK_TICKET_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "federation/id_token.h"

/* How long a ticket is valid. */
#define JA_LINK_TICKET_SECONDS (10 * SECS_PER_MINUTE)

#define JA_LINK_TICKET_HASH 32

typedef struct JaLinkTicket
{
	pg_uuid_t	user;			/* whose the address is */
	int64		credentials_version;
	uint8		hash[JA_LINK_TICKET_HASH];	/* of the ID token and its
											 * provider */
	TimestampTz made_at;
	TimestampTz expires_at;
} JaLinkTicket;

extern void ja_link_ticket_hash(const JaIdToken *token, uint8 *hash);
extern JaString ja_link_ticket_make(const JaLinkTicket *ticket);
extern bool ja_link_ticket_read(JaString text, JaLinkTicket *ticket);

#endif							/* JA_LINK_TICKET_H */
