/*-------------------------------------------------------------------------
 *
 * refresh.h
 *	  Rotation of refresh tokens, and the detection of replayed ones.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_REFRESH_H
#define JA_REFRESH_H

#include "jose/json.h"
#include "session/refresh_token.h"

extern Jsonb *ja_refresh(JaString text);
extern Jsonb *ja_refresh_introspect(JaString text);

#endif							/* JA_REFRESH_H */
