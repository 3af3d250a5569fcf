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

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/uuid.h"
#include "store/audit.h"
#include "store/client.h"
#include "store/plan.h"
#include "store/scan.h"

/* Longest kid, issuer or jti that is written. */
#define MAX_NAME 255

/* How long a denial that repeats itself is not written again. */
#define REPEAT_SECONDS (60 * 60)

JaString	ja_audit_acting;
uint64		ja_audit_acting_epoch;

static JaPlan insert_event = {
	.sql = "INSERT INTO jwt_auth.audit_log (id, at, event, reason, user_id, session_id,"
	" kid, issuer, jti, name_hash, actor, user_agent, client_address, claimed_address,"
	" method, acting, client_id)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, SESSION_USER, $11,"
	" pg_catalog.inet_client_addr(), $12, $13, $14, $15)"
};

/* A name cut to what is worth keeping, at the end of a character. */
static JaValue
clipped(JaString name)
{
	if (name.length > MAX_NAME)
		name.length = pg_mbcliplen(name.data, (int) name.length, MAX_NAME);
	return ja_string(name);
}

/*
 * Who acts as the user: as the event says, or the identity of the transaction, while
 * that is what was verified.
 */
static JaString
who_acts(const JaAuditEvent *event)
{
	if (event->acting.data != NULL || ja_audit_acting_epoch != ja_settings_epoch)
		return event->acting;
	return ja_audit_acting;
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
	ja_plan_run(&insert_event,
				JA_VALUES(ja_uuid(&id), ja_time(now), ja_text(event->event),
						  ja_text(event->reason), ja_uuid(event->user),
						  ja_uuid(event->session), clipped(event->kid), clipped(event->issuer),
						  clipped(event->jti), ja_bytes(event->name_hash),
						  ja_text(client.user_agent), ja_text(client.claimed_address),
						  ja_text(event->method), clipped(who_acts(event)),
						  ja_uuid(event->client)));
	ja_plan_end(&scope);
}

/* Whether the event was written of its session not long ago. */
static bool
was_just_written(const JaAuditEvent *event)
{
	TimestampTz since = GetCurrentTimestamp() - REPEAT_SECONDS * USECS_PER_SEC;
	JaScan		scan;
	bool		found = false;

	ja_scan_start(&scan, JA_AUDIT_LOG, JA_AUDIT_LOG_DENIED,
				  JA_WHERE(ja_equal(Anum_audit_log_session_id, ja_uuid(event->session)),
						   ja_greater(Anum_audit_log_at, ja_time(since))));
	while (!found && ja_scan_next(&scan))
	{
		JaString	reason = ja_scan_string(&scan, Anum_audit_log_reason);

		found = reason.data != NULL && ja_string_is(reason, event->reason);
	}
	ja_scan_end(&scan);
	return found;
}

/*
 * Writes a denied refresh unless one of the same session and reason was
 * written within the hour, so that whoever repeats a token that is refused
 * makes us write nothing.
 */
void
ja_audit_write_denied_refresh(const JaAuditEvent *event)
{
	if (ja_settings.audit >= JA_AUDIT_SECURITY && !was_just_written(event))
		ja_audit_write(event);
}
