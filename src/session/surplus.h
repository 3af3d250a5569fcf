/*-------------------------------------------------------------------------
 *
 * surplus.h
 *	  Ending of sessions that are more than a user may have.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SURPLUS_H
#define JA_SURPLUS_H

#include "session/session.h"

extern bool ja_surplus_forbids_session(const JaUser *user);
extern void ja_surplus_end(const JaUser *user, const JaSession *begun, TimestampTz now);

#endif							/* JA_SURPLUS_H */
