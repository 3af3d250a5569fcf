/*-------------------------------------------------------------------------
 *
 * own_factors.h
 *	  What users see of their factors and passkeys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_OWN_FACTORS_H
#define JA_OWN_FACTORS_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

extern Jsonb *ja_own_factors_list(const pg_uuid_t *user);

#endif							/* JA_OWN_FACTORS_H */
