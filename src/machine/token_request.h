/*-------------------------------------------------------------------------
 *
 * token_request.h
 *	  Requests to the token endpoint (RFC 6749 section 3.2).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TOKEN_REQUEST_H
#define JA_TOKEN_REQUEST_H

#include "jose/json.h"

extern Jsonb *ja_token_request(const Jsonb *request);

#endif							/* JA_TOKEN_REQUEST_H */
