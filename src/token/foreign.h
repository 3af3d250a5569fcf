/*-------------------------------------------------------------------------
 *
 * foreign.h
 *	  What a token of another issuer says, as that issuer's options have it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_FOREIGN_H
#define JA_FOREIGN_H

#include "keyring/issuer.h"
#include "token/verified.h"

extern void ja_foreign_read(const JaIssuer *issuer, JaVerified *verified);

#endif							/* JA_FOREIGN_H */
