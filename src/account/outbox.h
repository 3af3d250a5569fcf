/*-------------------------------------------------------------------------
 *
 * outbox.h
 *	  Messages to users, which a mailer outside of the database sends.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_OUTBOX_H
#define JA_OUTBOX_H

#include "account/identifier.h"
#include "account/message.h"
#include "account/one_time_token.h"

extern void ja_outbox_add(JaMessage message, JaIdentifierKind channel, const JaOneTimeToken *token,
						  const Jsonb *data);
extern JaIdentifierKind ja_outbox_notice_channel(const JaIdentifier *identifiers, int count);
extern void ja_outbox_notify_user(const pg_uuid_t *user, JaMessage message, const Jsonb *data);
extern Jsonb *ja_outbox_claim(int32 max_messages, int64 lease_seconds);
extern bool ja_outbox_sent(const pg_uuid_t *id);
extern bool ja_outbox_failed(const pg_uuid_t *id, JaString error, int64 retry_in_seconds);
extern void ja_outbox_give_up_all(const char *reason);

#endif							/* JA_OUTBOX_H */
