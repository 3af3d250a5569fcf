/*-------------------------------------------------------------------------
 *
 * client_options.h
 *	  What a client may do, and how it is authenticated.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CLIENT_OPTIONS_H
#define JA_CLIENT_OPTIONS_H

#include "jose/json.h"

typedef struct JaClientOptions
{
	char	   *role;			/* NULL: none */
	JaString	scope;			/* may be empty */
	Jsonb	   *jwks;			/* NULL: it gets a secret */
} JaClientOptions;

extern void ja_client_options_read(const JsonbContainer *json, JaClientOptions *options);

#endif							/* JA_CLIENT_OPTIONS_H */
