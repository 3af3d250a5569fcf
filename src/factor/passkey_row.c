/*-------------------------------------------------------------------------
 *
 * passkey_row.c
 *	  Passkeys as the table jwt_auth.webauthn_credentials has them.
 *
 * Whoever changes the passkeys of a user, or uses one, has locked the user's row, so
 * that what is found as of now stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "base/uuid.h"
#include "factor/passkey_row.h"
#include "jose/jwk.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/wait.h"

/* Names of what a passkey proves. */
#define MAX_METHODS 3

static JaPlan insert_passkey = {
	.sql = "INSERT INTO jwt_auth.webauthn_credentials (id, user_id, credential_id, public_key,"
	" user_handle, counter, backup_eligible, backed_up, aaguid, transports, name, created_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
	" ON CONFLICT (credential_id) DO NOTHING"
};

static JaPlan note_use = {
	.sql = "UPDATE jwt_auth.webauthn_credentials SET counter = $2, backed_up = $3, last_used_at = $4"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan delete_passkey = {
	.sql = "DELETE FROM jwt_auth.webauthn_credentials"
	" WHERE user_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2"
};

static JaPlan delete_passkeys = {
	.sql = "DELETE FROM jwt_auth.webauthn_credentials WHERE user_id OPERATOR(pg_catalog.=) $1"
};

static void
read_passkey(const JaScan *scan, void *row)
{
	JaPasskey  *passkey = row;

	passkey->id = ja_scan_uuid(scan, Anum_webauthn_credentials_id);
	passkey->user = ja_scan_uuid(scan, Anum_webauthn_credentials_user_id);
	passkey->credential_id = ja_scan_octets(scan, Anum_webauthn_credentials_credential_id);
	passkey->public_key = ja_scan_jsonb(scan, Anum_webauthn_credentials_public_key);
	passkey->user_handle = ja_scan_uuid(scan, Anum_webauthn_credentials_user_handle);
	passkey->counter = ja_scan_bigint(scan, Anum_webauthn_credentials_counter);
	passkey->is_backup_eligible = ja_scan_bool(scan, Anum_webauthn_credentials_backup_eligible);
	passkey->is_backed_up = ja_scan_bool(scan, Anum_webauthn_credentials_backed_up);
	passkey->name = ja_scan_string(scan, Anum_webauthn_credentials_name);
	passkey->created_at = ja_scan_time(scan, Anum_webauthn_credentials_created_at);
	passkey->last_used_at = ja_scan_is_null(scan, Anum_webauthn_credentials_last_used_at) ? 0 :
		ja_scan_time(scan, Anum_webauthn_credentials_last_used_at);
	passkey->transports = ja_scan_is_null(scan, Anum_webauthn_credentials_transports) ? NULL :
		ja_scan_jsonb(scan, Anum_webauthn_credentials_transports);
}

static const JaRowType passkey_rows = {
	JA_WEBAUTHN_CREDENTIALS, sizeof(JaPasskey), read_passkey
};

/* Finds a passkey by the id of its credential, as of now. */
bool
ja_passkey_find(JaString credential_id, JaPasskey *passkey)
{
	return ja_scan_read(&passkey_rows, JA_WEBAUTHN_CREDENTIALS_ID,
						JA_WHERE(ja_equal(Anum_webauthn_credentials_credential_id,
										  ja_octets(credential_id))), passkey);
}

/* Lists the passkeys of a user, as of now; returns how many there are. */
int
ja_passkey_list(const pg_uuid_t *user, JaPasskey **passkeys)
{
	int			count;

	*passkeys = ja_scan_read_all(&passkey_rows, JA_WEBAUTHN_CREDENTIALS_USER,
								 JA_WHERE(ja_equal(Anum_webauthn_credentials_user_id, ja_uuid(user))),
								 &count);
	return count;
}

/* An array of strings that lies in a larger document; NULL for NULL. */
static Jsonb *
copy_strings(const JsonbContainer *array)
{
	JaJsonState state = {0};

	if (array == NULL)
		return NULL;
	ja_json_push(&state, WJB_BEGIN_ARRAY, NULL);
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
		ja_json_push(&state, WJB_ELEM, getIthJsonbValueFromContainer((JsonbContainer *) array, i));
	ja_json_push(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(state.result);
}

/*
 * Stores a new passkey of the user and the handle given, and gives it an id; false if
 * anybody has the credential.  Within a scope of ja_plan_begin().
 */
bool
ja_passkey_insert(JaPasskey *passkey, const JaRegistration *registration, JaString name)
{
	const JaAuthenticatorData *data = &registration->attestation.data;
	TimestampTz now = GetCurrentTimestamp();
	JaWait		wait;
	uint64		rows;

	ja_check(ja_uuid_make(now, &passkey->id));
	ja_check(ja_jwk_write(registration->key, false, &passkey->public_key));
	ja_wait_begin(&wait);
	rows = ja_plan_run(&insert_passkey,
					   JA_VALUES(ja_uuid(&passkey->id), ja_uuid(&passkey->user),
								 ja_octets(data->credential_id),
								 ja_jsonb(passkey->public_key), ja_uuid(&passkey->user_handle),
								 ja_bigint(data->counter),
								 ja_bool((data->flags & JA_FLAG_BACKUP_ELIGIBLE) != 0),
								 ja_bool((data->flags & JA_FLAG_BACKED_UP) != 0),
								 ja_uuid((const pg_uuid_t *) data->aaguid),
								 ja_jsonb(copy_strings(registration->credential.transports)),
								 ja_string(name), ja_time(now)));
	ja_wait_end(&wait);
	return rows == 1;
}

/* Notes that a passkey was used; within a scope of ja_plan_begin(). */
void
ja_passkey_note_use(const pg_uuid_t *id, const JaAssertion *assertion)
{
	ja_plan_write_one(&note_use,
					  JA_VALUES(ja_uuid(id), ja_bigint(assertion->counter),
								ja_bool((assertion->data.flags & JA_FLAG_BACKED_UP) != 0),
								ja_time(GetCurrentTimestamp())));
}

/*
 * What a passkey proves with these flags (RFC 8176): to have a key that can leave its
 * device or not, to be there, and, if the authenticator has asked for it, a PIN or a
 * part of the body, which is a second kind of proof.
 */
JaProof
ja_passkey_proof(const pg_uuid_t *id, uint8 flags)
{
	bool		is_verified = (flags & JA_FLAG_USER_VERIFIED) != 0;
	Datum		names[MAX_METHODS];
	int			count = 0;

	names[count++] = CStringGetTextDatum(flags & JA_FLAG_BACKUP_ELIGIBLE ? "swk" : "hwk");
	names[count++] = CStringGetTextDatum("user");
	if (is_verified)
		names[count++] = CStringGetTextDatum("mfa");
	return (JaProof) {
		.level = is_verified ? JA_AAL2 : JA_AAL1,
		.amr = construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT),
		.has_factor = true,
		.factor = *id,
		.method = "passkey"
	};
}

/* Deletes a passkey of a user; false if there is none.  Within a scope of ja_plan_begin(). */
bool
ja_passkey_delete(const pg_uuid_t *user, const pg_uuid_t *id)
{
	return ja_plan_run_on_latest(&delete_passkey, JA_VALUES(ja_uuid(user), ja_uuid(id))) > 0;
}

/* Deletes all of a user, and returns how many there were. */
uint64
ja_passkey_delete_all(const pg_uuid_t *user)
{
	return ja_plan_run_on_latest(&delete_passkeys, JA_VALUES(ja_uuid(user)));
}
