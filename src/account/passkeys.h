/*-------------------------------------------------------------------------
 *
 * passkeys.h
 *	  Passkeys of users: registration and login.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSKEYS_H
#define JA_PASSKEYS_H

#include "account/actor.h"

extern Jsonb *ja_passkey_register_options(const JaActor *actor);
extern Jsonb *ja_passkey_register(const JaActor *actor, const JsonbContainer *json, JaString name);
extern Jsonb *ja_passkey_login_options(void);
extern Jsonb *ja_passkey_factor_options(const JaTicket *ticket);
extern Jsonb *ja_passkey_login(const JsonbContainer *json);

#endif							/* JA_PASSKEYS_H */
