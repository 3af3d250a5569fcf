/*-------------------------------------------------------------------------
 *
 * message.c
 *	  Kinds of messages to users.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/message.h"

typedef struct Message
{
	const char *name;
	bool		carries_token;
} Message;

static const Message messages[] = {
	[JA_MESSAGE_RECOVERY] = {"recovery", true},
	[JA_MESSAGE_LOGIN] = {"login", true},
	[JA_MESSAGE_IDENTIFIER] = {"identifier", true},
	[JA_MESSAGE_SIGN_UP] = {"sign_up", true},
	[JA_MESSAGE_INVITATION] = {"invitation", true},
	[JA_MESSAGE_NO_ACCOUNT] = {"no_account", false},
	[JA_MESSAGE_ACCOUNT_EXISTS] = {"account_exists", false},
	[JA_MESSAGE_PASSWORD_CHANGED] = {"password_changed", false},
	[JA_MESSAGE_IDENTIFIER_CHANGED] = {"identifier_changed", true},
	[JA_MESSAGE_SESSION_FROM_NEW_CLIENT] = {"session_from_new_client", false},
	[JA_MESSAGE_FACTOR_ADDED] = {"factor_added", false},
	[JA_MESSAGE_FACTOR_REMOVED] = {"factor_removed", false},
	[JA_MESSAGE_RECOVERY_CODE_USED] = {"recovery_code_used", false},
	[JA_MESSAGE_IMPERSONATED] = {"impersonated", false},
};

const char *
ja_message_name(JaMessage message)
{
	return messages[message].name;
}

/* Whether messages of a kind, as it is stored, have a link and perhaps a code. */
bool
ja_message_carries_token(JaString name)
{
	for (size_t i = 0; i < lengthof(messages); i++)
	{
		if (ja_string_is(name, messages[i].name))
			return messages[i].carries_token;
	}
	elog(ERROR, "stored message has an unknown kind");
}
