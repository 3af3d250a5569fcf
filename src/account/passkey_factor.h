/*-------------------------------------------------------------------------
 *
 * passkey_factor.h
 *	  A passkey as second factor.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSKEY_FACTOR_H
#define JA_PASSKEY_FACTOR_H

#include "factor/ticket.h"
#include "jose/json.h"

extern Jsonb *ja_passkey_factor_ask(JaString token, JaString method);
extern const char *ja_passkey_factor_check(const JaTicket *ticket, const JsonbContainer *json,
										   JaProof *proof);

#endif							/* JA_PASSKEY_FACTOR_H */
