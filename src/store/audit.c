/*-------------------------------------------------------------------------
 *
 * audit.c
 *	  The audit log: what happened to accounts, sessions and keys.
 *
 * A row is part of the transaction that it tells of.  No row holds a token, a
 * password or a key; a name that is no account is only there as a keyed hash,
 * since people type passwords into the wrong field.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/uuid.h"
#include "store/audit.h"
#include "store/client.h"
#include "store/plan.h"

/* Longest kid or issuer that is written. */
#define MAX_NAME 255

static JaPlan insert_event = {
	.sql = "INSERT INTO jwt_auth.audit_log (id, at, event, reason, user_id, session_id,"
	" kid, issuer, name_hash, actor, user_agent, client_address, claimed_address)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, SESSION_USER, $10,"
	" pg_catalog.inet_client_addr(), $11)",
	.argument_count = 11,
	.argument_types = {UUIDOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID,
	TEXTOID, TEXTOID, BYTEAOID, TEXTOID, TEXTOID}
};

/* A name cut to what is worth keeping, at the end of a character. */
static JaValue
clipped(JaString name)
{
	if (name.length > MAX_NAME)
		name.length = pg_mbcliplen(name.data, (int) name.length, MAX_NAME);
	return ja_value_string(name);
}

/* Writes an event, if jwt_auth.audit lets it in. */
void
ja_audit_write(const JaAuditEvent *event)
{
	JaAuditLevel level = event->level != JA_AUDIT_OFF ? event->level : JA_AUDIT_SECURITY;
	TimestampTz now = GetCurrentTimestamp();
	JaPlanScope scope;
	JaClient	client;
	pg_uuid_t	id;

	if (ja_settings.audit < (int) level)
		return;
	ja_check(ja_uuid_make(now, &id));
	ja_plan_begin(&scope);
	ja_client_read(&client);
	ja_plan_run(&insert_event, (JaValue[])
	{
		ja_value_uuid(&id), ja_value_time(now),
		ja_value_text(event->event), ja_value_text(event->reason),
		ja_value_uuid(event->user), ja_value_uuid(event->session),
		clipped(event->kid), clipped(event->issuer),
		ja_value_bytes(event->name_hash),
		ja_value_text(client.user_agent), ja_value_text(client.claimed_address)
	});
	ja_plan_end(&scope);
}
