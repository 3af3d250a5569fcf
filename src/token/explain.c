/*-------------------------------------------------------------------------
 *
 * explain.c
 *	  Why a token is refused, for the operator who debugs a 401.
 *
 * The answer holds header and claims of the token as far as they can be read,
 * and the values that they were compared with; no signature and no key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"
#include "keyring/issuer.h"
#include "keyring/stored_key.h"
#include "token/explain.h"
#include "token/verify.h"

/* Adds a string, or null where there is none. */
static void
add_text_or_null(JaJsonState *state, const char *name, const char *text)
{
	JsonbValue	value = {.type = jbvNull};

	if (text != NULL && text[0] != '\0')
	{
		ja_json_add_string(state, name, text, strlen(text));
		return;
	}
	ja_json_add_key(state, name);
	ja_json_push(state, WJB_VALUE, &value);
}

static void
add_object(JaJsonState *state, const char *name, Jsonb *object)
{
	JsonbValue	value = {.type = jbvNull};

	ja_json_add_key(state, name);
	if (object != NULL)
	{
		value.type = jbvBinary;
		value.val.binary.data = &object->root;
		value.val.binary.len = (int) (VARSIZE(object) - VARHDRSZ);
	}
	ja_json_push(state, WJB_VALUE, &value);
}

/* The key that the header names among our own, as the table knows it. */
static void
add_own_key(JaJsonState *state, Jsonb *header, TimestampTz now)
{
	const JaStoredKey *key;
	const char *key_state = NULL;
	JaString	kid;

	if (header != NULL && ja_json_string(&header->root, "kid", &kid) == JA_PRESENT &&
		ja_stored_key_verifying(kid, &key) == JA_OK)
		key_state = ja_stored_key_state_name(ja_stored_key_state(key, now));
	add_text_or_null(state, "own_key_state", key_state);
}

static void
add_issuer_roles(JaJsonState *state, const JaIssuer *issuer)
{
	JsonbValue	value = {.type = jbvString};

	ja_json_add_key(state, "issuer_roles");
	ja_json_push(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < issuer->role_count; i++)
	{
		value.val.string.val = pstrdup(issuer->roles[i]);
		value.val.string.len = (int) strlen(issuer->roles[i]);
		ja_json_push(state, WJB_ELEM, &value);
	}
	ja_json_push(state, WJB_END_ARRAY, NULL);
}

/*
 * Whether the issuer that the claims name is trusted, and for what.  The
 * issuer may be forgotten before the answer is put together.
 */
static void
add_issuer(JaJsonState *state, Jsonb *claims)
{
	const JaIssuer *issuer;
	JaString	name = {NULL, 0};
	bool		is_trusted = false;

	if (claims != NULL && ja_json_string(&claims->root, "iss", &name) != JA_MISTYPED)
		is_trusted = (name.data != NULL ? ja_issuer_find(name, &issuer) :
					  ja_issuer_find_anonymous(&issuer)) == JA_OK;
	ja_json_add_bool(state, "issuer_is_trusted", is_trusted);
	if (!is_trusted)
		return;
	add_text_or_null(state, "issuer_name", pstrdup(issuer->name.data));
	add_text_or_null(state, "issuer_audience",
					 issuer->audience.data == NULL ? NULL : pstrdup(issuer->audience.data));
	add_issuer_roles(state, issuer);
}

/* The role that counts, and why none does although the token names one. */
static void
add_role(JaJsonState *state, const JaVerified *verified)
{
	char	   *role = verified->role.data == NULL ? NULL :
	pnstrdup(verified->role.data, verified->role.length);

	add_text_or_null(state, "role", role);
	if (role == NULL && verified->names_role)
		add_text_or_null(state, "role_reason",
						 "the issuer may not name this role: jwt_trust_issuer() does not list it");
}

static void
add_compared(JaJsonState *state, Jsonb *header, Jsonb *claims, TimestampTz now)
{
	ja_json_add_key(state, "compared_with");
	ja_json_push(state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_integer(state, "now", (int64) ja_claims_seconds(now));
	ja_json_add_integer(state, "leeway", ja_settings.leeway_seconds);
	ja_json_add_bool(state, "require_exp", ja_settings.require_exp);
	ja_json_add_bool(state, "check_revocation", ja_settings.check_revocation);
	ja_json_add_integer(state, "max_token_size", ja_settings.max_token_size);
	add_text_or_null(state, "issuer", ja_settings.issuer);
	add_text_or_null(state, "audience", ja_settings.audience);
	add_own_key(state, header, now);
	add_issuer(state, claims);
	ja_json_push(state, WJB_END_OBJECT, NULL);
}

/* Only of a token that is valid, and of its last use. */
static const char *const source_names[] = {
	[JA_SIGNATURE_CHECKED] = "signature",
	[JA_SIGNATURE_SHARED] = "shared memory",
	[JA_SIGNATURE_REMEMBERED] = "backend memory",
};

/*
 * Whether the token is valid and an identity, and if not, why.  It is valid
 * unless verified is NULL.
 */
static void
add_explained_verdict(JaJsonState *state, const JaVerified *verified, JaStatus status)
{
	const JaStatusRow *row = ja_status_row(status);

	ja_json_add_bool(state, "valid", verified != NULL);
	ja_json_add_bool(state, "identity", status == JA_OK);
	if (verified != NULL)
		add_text_or_null(state, "verified_by", source_names[verified->source]);
	if (status == JA_OK)
		return;
	/* What has failed without being a token's fault is about a key. */
	add_text_or_null(state, "failed_check", row->check != NULL ? row->check : "key");
	add_text_or_null(state, "sqlstate", unpack_sql_state(row->sqlstate));
	add_text_or_null(state, "message", row->message);
	add_text_or_null(state, "reason", row->reason != NULL ? row->reason : row->message);
}

/*
 * Explains what jwt_verify() says of a token, and if that takes it, whether it
 * can be an identity; data NULL stands for NULL.
 */
Jsonb *
ja_explain_token(JaString token, TimestampTz now)
{
	const JaExpectation any = {{NULL, 0}, {NULL, 0}};
	JaJsonState state = {0};
	const JaVerified *verified = NULL;
	JaCompact	compact;
	Jsonb	   *header = NULL;
	Jsonb	   *claims = NULL;
	JaStatus	status = ja_verify_stored(token, &any, (JaMoment) {now, now}, &verified);

	if (ja_verify_size(token) == JA_OK &&
		ja_jws_split(token, &compact) == JA_OK)
	{
		(void) ja_jws_decode_json(compact.header, NULL, 0, &header);
		(void) ja_jws_decode_json(compact.payload, NULL, 0, &claims);
	}
	if (status == JA_OK)
		status = ja_verified_check_identity(verified);
	else
		verified = NULL;
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_explained_verdict(&state, verified, status);
	if (verified != NULL)
		add_role(&state, verified);
	add_object(&state, "header", header);
	add_object(&state, "claims", claims);
	add_compared(&state, header, claims, now);
	return ja_json_end_object(&state);
}
