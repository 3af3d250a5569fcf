/*-------------------------------------------------------------------------
 *
 * message.h
 *	  Kinds of messages to users.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_MESSAGE_H
#define JA_MESSAGE_H

#include "base/string.h"

typedef enum JaMessage
{
	JA_MESSAGE_RECOVERY,		/* with link and code */
	JA_MESSAGE_LOGIN,			/* with link and code */
	JA_MESSAGE_IDENTIFIER,		/* with link and code, to an address to add */
	JA_MESSAGE_SIGN_UP,			/* with link and code */
	JA_MESSAGE_INVITATION,		/* with a link */
	JA_MESSAGE_NO_ACCOUNT,		/* somebody asked for recovery or login */
	JA_MESSAGE_ACCOUNT_EXISTS,	/* somebody asked for what one has */
	JA_MESSAGE_PASSWORD_CHANGED,
	JA_MESSAGE_IDENTIFIER_CHANGED,	/* with a link to undo it */
	JA_MESSAGE_SESSION_FROM_NEW_CLIENT,
	JA_MESSAGE_FACTOR_ADDED,
	JA_MESSAGE_FACTOR_REMOVED,
	JA_MESSAGE_RECOVERY_CODE_USED,
	JA_MESSAGE_IMPERSONATED
} JaMessage;

extern const char *ja_message_name(JaMessage message);
extern bool ja_message_carries_token(JaString name);

#endif							/* JA_MESSAGE_H */
