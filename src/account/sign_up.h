/*-------------------------------------------------------------------------
 *
 * sign_up.h
 *	  Sign-up of users by themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SIGN_UP_H
#define JA_SIGN_UP_H

#include "utils/jsonb.h"

#include "base/string.h"

extern Jsonb *ja_sign_up_request(JaString identifier, JaString password, Jsonb *data,
								 const pg_uuid_t *anonymous);
extern void ja_sign_up_check_data(const Jsonb *data);
extern Jsonb *ja_sign_up_confirm(JaString token, JaString flow, JaString password);

#endif							/* JA_SIGN_UP_H */
