/*-------------------------------------------------------------------------
 *
 * introspect.h
 *	  Whether a token is active (RFC 7662).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_INTROSPECT_H
#define JA_INTROSPECT_H

#include "datatype/timestamp.h"

#include "jose/json.h"

extern Jsonb *ja_introspect_token(JaString token, TimestampTz now);

#endif							/* JA_INTROSPECT_H */
