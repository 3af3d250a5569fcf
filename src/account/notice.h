/*-------------------------------------------------------------------------
 *
 * notice.h
 *	  Which notices users get, and that of a session from a new client.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_NOTICE_H
#define JA_NOTICE_H

#include "account/message.h"
#include "session/session.h"

extern bool ja_notices_are_known(const char *list);
extern void ja_notices_assign(const char *list, void *extra);
extern const char *ja_notices_names(void);
extern bool ja_notice_is_wanted(JaMessage message);
extern void ja_notice_new_client(const JaSession *begun);

#endif							/* JA_NOTICE_H */
