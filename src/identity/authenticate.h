/*-------------------------------------------------------------------------
 *
 * authenticate.h
 *	  Beginning to act for the holder of a token.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_AUTHENTICATE_H
#define JA_AUTHENTICATE_H

#include "identity/identity.h"

extern const JaIdentity *ja_authenticate(JaString token);
extern void ja_authenticate_assume_role(const JaIdentity *identity);
extern JaString ja_authenticate_strip_scheme(JaString credential);
extern JaString ja_authenticate_trim(JaString credential);

#endif							/* JA_AUTHENTICATE_H */
