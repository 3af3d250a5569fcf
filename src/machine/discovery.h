/*-------------------------------------------------------------------------
 *
 * discovery.h
 *	  What clients may know of this authorization server (RFC 8414).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_DISCOVERY_H
#define JA_DISCOVERY_H

#include "utils/jsonb.h"

extern Jsonb *ja_discovery_make(void);

#endif							/* JA_DISCOVERY_H */
