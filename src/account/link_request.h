/*-------------------------------------------------------------------------
 *
 * link_request.h
 *	  Requests for a link and a code, to the address of a user.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_LINK_REQUEST_H
#define JA_LINK_REQUEST_H

#include "account/one_time_token.h"

extern bool ja_link_find_purpose(JaString name, JaPurpose *purpose);
extern Jsonb *ja_link_request(JaPurpose purpose, JaString identifier);
extern JaString ja_link_create(const pg_uuid_t *user, JaPurpose purpose, int64 ttl_seconds);

#endif							/* JA_LINK_REQUEST_H */
