/*-------------------------------------------------------------------------
 *
 * factor_row.h
 *	  Second factors as the table jwt_auth.factors has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_FACTOR_ROW_H
#define JA_FACTOR_ROW_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "keyring/seal.h"

/* How long a factor waits for its confirmation. */
#define JA_FACTOR_PENDING_SECONDS (10 * 60)

/* A row; in the memory context of whoever read it. */
typedef struct JaFactor
{
	pg_uuid_t	id;
	pg_uuid_t	user;
	JaString	name;			/* data NULL: none */
	JaStored	secret;
	TimestampTz created_at;
	TimestampTz confirmed_at;	/* 0: it guards nothing yet */
} JaFactor;

/* The one type there is. */
#define JA_FACTOR_TOTP "totp"

extern int	ja_factor_list(const pg_uuid_t *user, JaFactor **factors);
extern bool ja_factor_find(const pg_uuid_t *user, const pg_uuid_t *id, JaFactor *factor);
extern bool ja_factor_has_authenticator(const pg_uuid_t *user);
extern bool ja_factor_is_enrolled(const pg_uuid_t *user);
extern void ja_factor_add_members(JaJsonState *state, const pg_uuid_t *id, const char *type,
								  JaString name);
extern bool ja_factor_is_pending(const JaFactor *factor);
extern void ja_factor_insert(JaFactor *factor, const uint8 *secret, size_t length);
extern bool ja_factor_match(const JaFactor *factor, JaString code, int64 *step);
extern bool ja_factor_confirm(const JaFactor *factor, int64 step);
extern bool ja_factor_use(const JaFactor *factor, int64 step);
extern void ja_factor_delete(const pg_uuid_t *id);
extern uint64 ja_factor_delete_all(const pg_uuid_t *user);

#endif							/* JA_FACTOR_ROW_H */
