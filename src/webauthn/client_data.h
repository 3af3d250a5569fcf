/*-------------------------------------------------------------------------
 *
 * client_data.h
 *	  What the browser says: clientDataJSON (WebAuthn Level 3 section 5.8.1).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CLIENT_DATA_H
#define JA_CLIENT_DATA_H

#include "jose/json.h"

typedef struct JaClientData
{
	JaString	type;
	JaString	challenge;		/* as base64url */
	JaString	origin;
	JaString	top_origin;		/* data NULL: none */
	bool		is_cross_origin;
} JaClientData;

extern JaStatus ja_client_data_read(JaString bytes, JaClientData *client);

#endif							/* JA_CLIENT_DATA_H */
