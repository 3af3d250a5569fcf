/*-------------------------------------------------------------------------
 *
 * passkey_row.h
 *	  Passkeys as the table jwt_auth.webauthn_credentials has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSKEY_ROW_H
#define JA_PASSKEY_ROW_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "session/session.h"
#include "webauthn/passkey.h"

/* In the memory context of whoever read it. */
typedef struct JaPasskey
{
	pg_uuid_t	id;
	pg_uuid_t	user;
	JaString	credential_id;	/* bytes */
	Jsonb	   *public_key;		/* a JWK */
	pg_uuid_t	user_handle;
	int64		counter;
	bool		is_backup_eligible;
	bool		is_backed_up;
	Jsonb	   *transports;		/* an array of strings; NULL: not told */
	JaString	name;			/* data NULL: none */
	TimestampTz created_at;
	TimestampTz last_used_at;	/* 0: never */
} JaPasskey;

/* The type of factor that they are. */
#define JA_FACTOR_WEBAUTHN "webauthn"

extern bool ja_passkey_find(JaString credential_id, JaPasskey *passkey);
extern int	ja_passkey_list(const pg_uuid_t *user, JaPasskey **passkeys);
extern bool ja_passkey_insert(JaPasskey *passkey, const JaRegistration *registration,
							  JaString name);
extern bool ja_passkey_delete(const pg_uuid_t *user, const pg_uuid_t *id);
extern uint64 ja_passkey_delete_all(const pg_uuid_t *user);
extern JaProof ja_passkey_proof(const pg_uuid_t *id, uint8 flags);
extern void ja_passkey_note_use(const pg_uuid_t *id, const JaAssertion *assertion);

#endif							/* JA_PASSKEY_ROW_H */
