/*-------------------------------------------------------------------------
 *
 * assurance.h
 *	  The level and time of authentication of the user for whom the
 *	  transaction acts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_IDENTITY_ASSURANCE_H
#define JA_IDENTITY_ASSURANCE_H

#include "identity/identity.h"

/* What an action asks for. */
typedef struct JaRequiredAssurance
{
	int			level;
	int64		max_age_seconds;	/* -1: of any age */
} JaRequiredAssurance;

extern bool ja_identity_assurance(const JaIdentity *identity, JaAssurance *assurance);
extern bool ja_identity_has_assurance(const JaIdentity *identity,
									  const JaRequiredAssurance *required);
extern void ja_identity_require_assurance(const JaRequiredAssurance *required);
extern ArrayType *ja_identity_methods(const JaIdentity *identity);

#endif							/* JA_IDENTITY_ASSURANCE_H */
