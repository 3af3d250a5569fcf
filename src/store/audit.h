/*-------------------------------------------------------------------------
 *
 * audit.h
 *	  The audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_AUDIT_H
#define JA_AUDIT_H

#include "utils/uuid.h"

#include "base/settings.h"
#include "jose/json.h"

/* Something that happened; members that do not apply are zero. */
typedef struct JaAuditEvent
{
	const char *event;
	const char *reason;
	JaAuditLevel level;			/* the least level that writes it; 0: security */
	const pg_uuid_t *user;
	const pg_uuid_t *session;
	JaString	kid;
	JaString	issuer;
	JaString	jti;
	bytea	   *name_hash;
	const char *method;			/* how a session began */
	JaString	acting;			/* who acts as the user, where the identity
								 * does not say so */
	const pg_uuid_t *client;
} JaAuditEvent;

/* The event of a denied refresh, which has an index of its own. */
#define JA_AUDIT_REFRESH_DENIED "refresh_denied"

/*
 * Who acts as the user of the identity, whose owner sets it; data NULL: the user.  It
 * holds while ja_settings_epoch is as then.
 */
extern JaString ja_audit_acting;
extern uint64 ja_audit_acting_epoch;

extern void ja_audit_write(const JaAuditEvent *event);
extern void ja_audit_write_denied_refresh(const JaAuditEvent *event);

#endif							/* JA_AUDIT_H */
