/*-------------------------------------------------------------------------
 *
 * factor_uri.h
 *	  What an authenticator reads to enroll: its secret as text and as URI.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_FACTOR_URI_H
#define JA_FACTOR_URI_H

#include "utils/uuid.h"

#include "base/string.h"

extern JaString ja_factor_uri_secret(const uint8 *secret);
extern JaString ja_factor_uri_make(const pg_uuid_t *user, JaString secret);

#endif							/* JA_FACTOR_URI_H */
