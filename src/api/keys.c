/*-------------------------------------------------------------------------
 *
 * keys.c
 *	  SQL functions on the stored keys and trusted issuers; for admins.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "account/outbox.h"
#include "api/arguments.h"
#include "base/error.h"
#include "keyring/issuer.h"
#include "keyring/jwks.h"
#include "keyring/key_change.h"
#include "keyring/key_replace.h"
#include "keyring/reseal.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_create_key);
PG_FUNCTION_INFO_V1(jwt_rotate_key);
PG_FUNCTION_INFO_V1(jwt_retire_key);
PG_FUNCTION_INFO_V1(jwt_revoke_key);
PG_FUNCTION_INFO_V1(jwt_import_key);
PG_FUNCTION_INFO_V1(jwt_rotate_refresh_key);
PG_FUNCTION_INFO_V1(jwt_rotate_handle_key);
PG_FUNCTION_INFO_V1(jwt_jwks);
PG_FUNCTION_INFO_V1(jwt_trust_issuer);
PG_FUNCTION_INFO_V1(jwt_distrust_issuer);
PG_FUNCTION_INFO_V1(jwt_seal_keys);
PG_FUNCTION_INFO_V1(jwt_replace_unsealed_keys);
PG_FUNCTION_INFO_V1(jwt_reset_after_restore);

static void
audit_key(const char *event, JaString kid)
{
	ja_audit_write(&(JaAuditEvent) {.event = event, .kid = kid});
}

static void
audit_issuer(const char *event, JaString issuer)
{
	ja_audit_write(&(JaAuditEvent) {.event = event, .issuer = issuer});
}

static Datum
kid_datum(JaString string)
{
	return PointerGetDatum(cstring_to_text_with_len(string.data, (int) string.length));
}

/*
 * jwt_create_key(alg text DEFAULT 'ES256', kid text DEFAULT NULL) → text
 */
Datum
jwt_create_key(PG_FUNCTION_ARGS)
{
	const JaAlgorithm *algorithm = ja_argument_algorithm(fcinfo, 0);
	JaString	kid = ja_argument_text(fcinfo, 1);

	ja_plan_refuse_read_only("jwt_create_key");
	kid = ja_key_change_create(algorithm, kid);
	audit_key("key_created", kid);
	PG_RETURN_DATUM(kid_datum(kid));
}

/*
 * jwt_rotate_key(alg text DEFAULT NULL) → text
 */
Datum
jwt_rotate_key(PG_FUNCTION_ARGS)
{
	const JaAlgorithm *algorithm = NULL;
	JaString	kid;

	if (!PG_ARGISNULL(0))
		algorithm = ja_argument_algorithm(fcinfo, 0);
	ja_plan_refuse_read_only("jwt_rotate_key");
	kid = ja_key_change_rotate(algorithm);
	audit_key("key_rotated", kid);
	PG_RETURN_DATUM(kid_datum(kid));
}

/*
 * jwt_retire_key(kid text) → void
 */
Datum
jwt_retire_key(PG_FUNCTION_ARGS)
{
	JaString	kid = ja_argument_given_text(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_retire_key");
	ja_key_change_retire(kid);
	audit_key("key_retired", kid);
	PG_RETURN_VOID();
}

/*
 * jwt_revoke_key(kid text) → void
 */
Datum
jwt_revoke_key(PG_FUNCTION_ARGS)
{
	JaString	kid = ja_argument_given_text(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_revoke_key");
	ja_key_change_revoke(kid);
	audit_key("key_revoked", kid);
	PG_RETURN_VOID();
}

/*
 * jwt_import_key(key jsonb) → text
 */
Datum
jwt_import_key(PG_FUNCTION_ARGS)
{
	Jsonb	   *jwk = ja_argument_jsonb(fcinfo, 0, JA_KEY_NULL);
	JaString	kid;

	ja_plan_refuse_read_only("jwt_import_key");
	kid = ja_key_change_import(&jwk->root);
	audit_key("key_imported", kid);
	PG_RETURN_DATUM(kid_datum(kid));
}

static Datum
rotate_secret(const char *function, JaKeyUse use, const char *event)
{
	int32		number;

	ja_plan_refuse_read_only(function);
	number = ja_key_change_rotate_secret(use);
	ja_audit_write(&(JaAuditEvent) {.event = event});
	PG_RETURN_INT32(number);
}

/*
 * jwt_rotate_refresh_key() → integer
 */
Datum
jwt_rotate_refresh_key(PG_FUNCTION_ARGS)
{
	return rotate_secret("jwt_rotate_refresh_key", JA_USE_REFRESH, "refresh_key_rotated");
}

/*
 * jwt_rotate_handle_key() → integer
 */
Datum
jwt_rotate_handle_key(PG_FUNCTION_ARGS)
{
	return rotate_secret("jwt_rotate_handle_key", JA_USE_HANDLE, "handle_key_rotated");
}

/*
 * jwt_jwks() → jsonb
 */
Datum
jwt_jwks(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(ja_jwks_make());
}

/*
 * jwt_trust_issuer(issuer text, jwks jsonb, audience text,
 *					roles name[] DEFAULT '{}', options jsonb DEFAULT '{}') → void
 */
Datum
jwt_trust_issuer(PG_FUNCTION_ARGS)
{
	JaIssuerTrust trust = {
		.name = ja_argument_given_text(fcinfo, 0),
		.audience = ja_argument_text(fcinfo, 2)
	};

	ja_argument_refuse_null(fcinfo, 1);
	ja_argument_refuse_null(fcinfo, 3);
	ja_argument_refuse_null(fcinfo, 4);
	trust.jwks = PG_GETARG_JSONB_P(1);
	trust.roles = PG_GETARG_ARRAYTYPE_P(3);
	trust.options = PG_GETARG_JSONB_P(4);
	ja_plan_refuse_read_only("jwt_trust_issuer");
	ja_issuer_trust(&trust);
	audit_issuer("issuer_trusted", trust.name);
	PG_RETURN_VOID();
}

/*
 * jwt_distrust_issuer(issuer text) → void
 */
Datum
jwt_distrust_issuer(PG_FUNCTION_ARGS)
{
	JaString	issuer = ja_argument_given_text(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_distrust_issuer");
	ja_issuer_distrust(issuer);
	audit_issuer("issuer_distrusted", issuer);
	PG_RETURN_VOID();
}

/*
 * jwt_seal_keys() → integer
 */
Datum
jwt_seal_keys(PG_FUNCTION_ARGS)
{
	bool		was_clear;
	int			count;

	ja_plan_refuse_read_only("jwt_seal_keys");
	count = ja_reseal_all(&was_clear);
	(void) ja_key_replace_next();
	ja_audit_write(&(JaAuditEvent) {.event = "keys_sealed"});
	if (was_clear)
		ereport(WARNING,
				(errmsg("keys that were stored unsealed remain in WAL, old row versions and backups"),
				 errdetail("Next keys were replaced.  The active keys still sign."),
				 errhint("Replace them with jwt_replace_unsealed_keys(), and have issuers change their secrets.")));
	PG_RETURN_INT32(count);
}

/*
 * jwt_replace_unsealed_keys() → integer
 */
Datum
jwt_replace_unsealed_keys(PG_FUNCTION_ARGS)
{
	bool		was_clear;
	int			count;

	ja_plan_refuse_read_only("jwt_replace_unsealed_keys");
	(void) ja_reseal_all(&was_clear);
	count = ja_key_replace_all();
	ja_audit_write(&(JaAuditEvent) {.event = "unsealed_keys_replaced"});
	PG_RETURN_INT32(count);
}

/*
 * jwt_reset_after_restore() → void
 */
Datum
jwt_reset_after_restore(PG_FUNCTION_ARGS)
{
	ja_plan_refuse_read_only("jwt_reset_after_restore");
	ja_key_change_reset();
	ja_session_end_all("reset after restore");
	ja_outbox_give_up_all("reset after restore");
	ja_audit_write(&(JaAuditEvent) {.event = "reset_after_restore"});
	PG_RETURN_VOID();
}
