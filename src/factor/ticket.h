/*-------------------------------------------------------------------------
 *
 * ticket.h
 *	  Tickets of those who have shown a first proof, and owe a second one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TICKET_H
#define JA_TICKET_H

#include "session/session.h"

/* How long a ticket is valid, from when it was made, or its proof was given. */
#define JA_TICKET_SECONDS (5 * 60)

/* Longest name of an identity provider, in bytes. */
#define JA_TICKET_MAX_PROVIDER 63

typedef struct JaTicket
{
	pg_uuid_t	user;
	int64		credentials_version;
	bool		has_session;	/* it steps up a session, and begins none */
	bool		is_recovery;	/* it sets a password, and begins no session */
	bool		is_enrollment;	/* it enrolls a first factor, and opens
								 * nothing else */
	bool		has_link;		/* an identity is linked with the session */
	pg_uuid_t	session;		/* or what a recovery, or a link, proposes */
	int32		ttl_seconds;	/* of the session to begin */
	uint8		methods;		/* a bit for each that was shown */
	JaString	provider;		/* of the first proof; data NULL: none */
	TimestampTz provider_added_at;	/* as it was read */
	TimestampTz proved_at;		/* to make: from when it is valid; 0: now */
	pg_uuid_t	nonce;			/* by which challenges know the ticket */
	TimestampTz expires_at;
} JaTicket;

extern uint8 ja_ticket_methods(ArrayType *amr);
extern void ja_ticket_note_proof(JaTicket *ticket, const JaProof *proof);
extern void ja_ticket_join(const JaTicket *ticket, JaProof *proof);
extern JaString ja_ticket_make(const JaTicket *ticket);
extern bool ja_ticket_read(JaString text, JaTicket *ticket);
extern bool ja_ticket_is_open(const JaTicket *ticket, JaString text, const JaUser *user);
extern Jsonb *ja_ticket_deny(void);

#endif							/* JA_TICKET_H */
