/*-------------------------------------------------------------------------
 *
 * notice.c
 *	  Which notices users get, and that of a session from a new client.
 *
 * Notices tell of what somebody else may have done.  jwt_auth.notices says which
 * of them are sent; messages with a token that somebody asked for always are.
 *
 * A client is new if no other session of the user was begun with its user agent
 * and address; one that acted as the user is not the user's.  It tells both itself,
 * so that the absence of a notice proves nothing, and five notices an hour are
 * enough: whoever knows the password could else fill the user's mailbox.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "account/notice.h"
#include "account/outbox.h"
#include "base/uuid.h"
#include "session/throttle.h"
#include "store/client.h"
#include "store/scan.h"

/* Sessions that are looked at; to who has more, any client may be new. */
#define MAX_SESSIONS 500

static const JaMessage notices[] = {
	JA_MESSAGE_PASSWORD_CHANGED,
	JA_MESSAGE_IDENTIFIER_CHANGED,
	JA_MESSAGE_ACCOUNT_EXISTS,
	JA_MESSAGE_NO_ACCOUNT,
	JA_MESSAGE_SESSION_FROM_NEW_CLIENT,
	JA_MESSAGE_FACTOR_ADDED,
	JA_MESSAGE_FACTOR_REMOVED,
	JA_MESSAGE_RECOVERY_CODE_USED,
	JA_MESSAGE_IMPERSONATED
};

/* Those that the setting leaves out, a bit for each message. */
static uint32 left_out;

/* A bit for the notice of a name; 0 for none. */
static uint32
bit_of_notice(JaString name)
{
	for (size_t i = 0; i < lengthof(notices); i++)
	{
		if (ja_string_is(name, ja_message_name(notices[i])))
			return 1U << notices[i];
	}
	return 0;
}

static uint32
all_notices(void)
{
	uint32		all = 0;

	for (size_t i = 0; i < lengthof(notices); i++)
		all |= 1U << notices[i];
	return all;
}

/* A name of a list, without the spaces around it. */
static JaString
trim_name(const char *text, size_t length)
{
	while (length > 0 && *text == ' ')
	{
		text++;
		length--;
	}
	while (length > 0 && text[length - 1] == ' ')
		length--;
	return (JaString) {text, length};
}

/* Reads a list; false for a name that no notice has. */
static bool
read_notices(const char *list, uint32 *wanted)
{
	*wanted = 0;
	if (strcmp(list, "none") == 0)
		return true;
	if (strcmp(list, "all") == 0)
	{
		*wanted = all_notices();
		return true;
	}
	for (;;)
	{
		size_t		length = strcspn(list, ",");
		uint32		bit = bit_of_notice(trim_name(list, length));

		*wanted |= bit;
		if (bit == 0 || list[length] == '\0')
			return bit != 0;
		list += length + 1;
	}
}

/* Whether a value of the setting can be used. */
bool
ja_notices_are_known(const char *list)
{
	uint32		wanted;

	return read_notices(list, &wanted);
}

/* Takes over a value that can be used. */
void
ja_notices_assign(const char *list, void *extra pg_attribute_unused())
{
	uint32		wanted;

	if (read_notices(list, &wanted))
		left_out = all_notices() & ~wanted;
}

/* All names, for the hint of who set another. */
const char *
ja_notices_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (size_t i = 0; i < lengthof(notices); i++)
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ", ja_message_name(notices[i]));
	return names.data;
}

/* Whether a message is to be sent: one that is no notice always is. */
bool
ja_notice_is_wanted(JaMessage message)
{
	return (left_out & (1U << message)) == 0;
}

/* Whether a text of a row is the same as that of the client; both may be absent. */
static bool
is_text_of(const JaScan *scan, AttrNumber column, const char *text)
{
	JaString	stored = ja_scan_string(scan, column);

	if (stored.data == NULL || text == NULL)
		return stored.data == text;
	return ja_string_is(stored, text);
}

/* Whether another session of the user came from the client, as far as it is looked. */
static bool
is_known_client(const JaSession *begun, const JaClient *client)
{
	JaScan		scan;
	bool		is_known = false;
	int			seen = 0;

	ja_scan_start(&scan, JA_SESSIONS, JA_SESSIONS_LIVE,
				  JA_WHERE(ja_equal(Anum_sessions_user_id, ja_uuid(&begun->user))));
	while (!is_known && ++seen <= MAX_SESSIONS && ja_scan_next(&scan))
	{
		pg_uuid_t	id = ja_scan_uuid(&scan, Anum_sessions_id);

		is_known = !ja_uuid_equals(&id, &begun->id) &&
			ja_scan_is_null(&scan, Anum_sessions_actor) &&
			is_text_of(&scan, Anum_sessions_user_agent, client->user_agent) &&
			is_text_of(&scan, Anum_sessions_claimed_address, client->claimed_address);
	}
	ja_scan_end(&scan);
	return is_known;
}

/* What the template of the message may show, as the client told it. */
static Jsonb *
describe_client(const JaClient *client)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	if (client->user_agent != NULL)
		ja_json_add_string(&state, "user_agent", client->user_agent, strlen(client->user_agent));
	if (client->claimed_address != NULL)
		ja_json_add_string(&state, "claimed_address", client->claimed_address,
						   strlen(client->claimed_address));
	return ja_json_end_object(&state);
}

/*
 * Tells the user of a session that was just begun if its client is new; nothing
 * outside of PostgREST, where no client is told of.  Within a scope of
 * ja_plan_begin().
 */
void
ja_notice_new_client(const JaSession *begun)
{
	JaClient	client;
	JaThrottle	throttle;

	if (!ja_notice_is_wanted(JA_MESSAGE_SESSION_FROM_NEW_CLIENT))
		return;
	ja_client_read(&client);
	if (client.user_agent == NULL && client.claimed_address == NULL)
		return;
	if (is_known_client(begun, &client))
		return;
	ja_throttle_enter(JA_ATTEMPT_NOTICE, (JaString) {(const char *) begun->user.data, UUID_LEN},
					  &throttle);
	if (throttle.retry_after_seconds > 0)
		return;
	ja_throttle_failed(&throttle);
	ja_outbox_notify_user(&begun->user, JA_MESSAGE_SESSION_FROM_NEW_CLIENT,
						  describe_client(&client));
}
