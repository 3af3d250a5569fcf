/*-------------------------------------------------------------------------
 *
 * relying_party.h
 *	  Whom passkeys are for, as the settings say.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_RELYING_PARTY_H
#define JA_RELYING_PARTY_H

#include "webauthn/ceremony.h"

extern bool ja_relying_party_id_is_right(const char *id);
extern bool ja_relying_party_origins_are_right(const char *origins);
extern JaString ja_relying_party_id(void);
extern JaString ja_relying_party_name(void);
extern const char *ja_relying_party_user_verification(void);
extern JaCeremony ja_relying_party_ceremony(JaCeremonyKind kind, JaString challenge);

#endif							/* JA_RELYING_PARTY_H */
