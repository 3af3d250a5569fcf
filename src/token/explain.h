/*-------------------------------------------------------------------------
 *
 * explain.h
 *	  Why a token is refused, for the operator.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_EXPLAIN_H
#define JA_EXPLAIN_H

#include "datatype/timestamp.h"

#include "jose/json.h"

extern Jsonb *ja_explain_token(JaString token, TimestampTz now);

#endif							/* JA_EXPLAIN_H */
