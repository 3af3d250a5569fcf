/*-------------------------------------------------------------------------
 *
 * outbox.c
 *	  Messages to users, which a mailer outside of the database sends.
 *
 * A row says to whom, and about which token; link and code are made when the
 * mailer claims it (outbox_claim.c), and go to nobody else.
 *
 * Whoever listens learns that something was written, and nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/async.h"
#include "utils/timestamp.h"

#include "account/notice.h"
#include "account/outbox.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/time.h"
#include "base/uuid.h"
#include "shared/counters.h"
#include "store/plan.h"

#define CHANNEL "jwt_auth_outbox"

/* How long a message without a token is worth sending. */
#define NOTICE_SECONDS SECS_PER_DAY

static JaPlan insert_message = {
	.sql = "INSERT INTO jwt_auth.outbox"
	" (id, kind, channel, recipient, token_id, created_at, expires_at, leased_until,"
	" data, failed_at, error)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $6, $8, $9, $10)"
};

/*
 * Writes a message.  A notice that jwt_auth.notices leaves out is written as given
 * up: what answers a request for an address must cost alike whoever has it.
 */
static void
write_message(JaMessage message, JaIdentifierKind channel, JaString recipient,
			  const pg_uuid_t *token, TimestampTz expires_at, const Jsonb *data)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		is_wanted = ja_notice_is_wanted(message);
	pg_uuid_t	id;

	ja_check(ja_uuid_make(now, &id));
	ja_plan_write_one(&insert_message,
					  JA_VALUES(ja_uuid(&id), ja_text(ja_message_name(message)),
								ja_text(ja_identifier_kind_name(channel)), ja_string(recipient),
								ja_uuid(token), ja_time(now), ja_time(expires_at),
								ja_jsonb(data), ja_time(is_wanted ? 0 : now),
								ja_text(is_wanted ? NULL : "left out by jwt_auth.notices")));
	ja_count(JA_COUNT_MESSAGES);
	if (ja_settings.outbox_notify)
		Async_Notify(CHANNEL, "");
}

/*
 * Writes a message about a token to its recipient, with data or NULL; within a scope
 * of ja_plan_begin().
 */
void
ja_outbox_add(JaMessage message, JaIdentifierKind channel, const JaOneTimeToken *token,
			  const Jsonb *data)
{
	write_message(message, channel, token->recipient, &token->id, token->expires_at, data);
}

/* How somebody who is called so is told something: by e-mail, else by phone. */
JaIdentifierKind
ja_outbox_notice_channel(const JaIdentifier *identifiers, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (identifiers[i].is_verified && identifiers[i].kind == JA_IDENTIFIER_EMAIL)
			return JA_IDENTIFIER_EMAIL;
	}
	return JA_IDENTIFIER_PHONE;
}

/*
 * Tells a user something, unless jwt_auth.notices leaves it out: each verified
 * e-mail address, or each phone number if there is none; within a scope of
 * ja_plan_begin().
 */
void
ja_outbox_notify_user(const pg_uuid_t *user, JaMessage message, const Jsonb *data)
{
	TimestampTz end = ja_seconds_from(GetCurrentTimestamp(), NOTICE_SECONDS);
	JaIdentifierKind channel;
	JaIdentifier *identifiers;
	int			count;

	if (!ja_notice_is_wanted(message))
		return;
	count = ja_identifier_list(user, &identifiers);
	channel = ja_outbox_notice_channel(identifiers, count);
	for (int i = 0; i < count; i++)
	{
		if (identifiers[i].is_verified && identifiers[i].kind == channel)
			write_message(message, channel,
						  ja_identifier_recipient(identifiers[i].value, channel, identifiers[i].canonical),
						  NULL, end, data);
	}
}
