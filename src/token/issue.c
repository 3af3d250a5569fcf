/*-------------------------------------------------------------------------
 *
 * issue.c
 *	  Signing claims as a token.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"
#include "base/uuid.h"
#include "keyring/stored_key.h"
#include "token/claims.h"
#include "token/issue.h"

/*
 * Signs exactly these claims with a private key, with the given value of
 * "typ".  Appends to the empty string.  Fails with JA_SIZE if the token could
 * not be verified here again, JA_ENCODING or JA_CRYPTO.
 */
JaStatus
ja_issue_with_key(const JsonbContainer *claims, JaKey *key, const char *type, StringInfo token)
{
	const JaAlgorithm *algorithm = ja_key_signing_algorithm(key);
	StringInfoData payload;
	JaString	header;
	JaStatus	status;

	status = ja_jws_jwt_header(key, algorithm, type, &header);
	if (status != JA_OK)
		return status;
	initStringInfo(&payload);
	status = ja_json_write(claims, &payload);
	if (status != JA_OK)
		return status;
	status = ja_jws_sign(key, algorithm, header,
						 (JaString) {payload.data, payload.len}, token);
	if (status != JA_OK)
		return status;
	return token->len > ja_settings.max_token_size ? JA_SIZE : JA_OK;
}

static bool
is_absent(const JsonbContainer *claims, const char *name)
{
	JsonbValue	value;

	return !ja_json_member(claims, name, &value);
}

/* Claims that identify something must be what our own verification takes. */
static JaStatus
check_issued_names(const JsonbContainer *claims)
{
	static const char *const strings[] = {"jti", "sub", "sid"};
	JaString	issuer = ja_settings_text(ja_settings.issuer);
	JaString	value;

	for (size_t i = 0; i < lengthof(strings); i++)
	{
		if (ja_json_string(claims, strings[i], &value) == JA_MISTYPED)
			return JA_CLAIMS_NAME;
	}
	if (ja_claims_check_audience(claims, (JaString) {NULL, 0}) != JA_OK)
		return JA_CLAIMS_NAME;
	switch (ja_json_string(claims, "iss", &value))
	{
		case JA_ABSENT:
			return JA_OK;
		case JA_PRESENT:
			return issuer.data != NULL && ja_string_equals(value, issuer) ?
				JA_OK : JA_CLAIMS_NAME;
		case JA_MISTYPED:
			return JA_CLAIMS_NAME;
	}
	return JA_CLAIMS_NAME;
}

/* null stands for no audience, in a token as in claims to sign. */
static bool
has_no_audience(const JsonbContainer *claims)
{
	JsonbValue	value;

	return !ja_json_member(claims, "aud", &value) || value.type == jbvNull;
}

/* Time claims that the caller sets must be in range, and the end near. */
static JaStatus
check_issued_times(const JsonbContainer *claims, double now)
{
	JaClaims	read;

	if (ja_claims_read_json(claims, &read) != JA_OK)
		return JA_CLAIMS_TIME;
	if (read.times.expiry.is_present &&
		read.times.expiry.seconds > now + ja_settings.max_token_ttl_seconds)
		return JA_CLAIMS_TTL;
	return JA_OK;
}

/* Adds iss, aud, iat, exp and jti where they are absent. */
static JaStatus
complete_claims(const JsonbContainer *claims, int64 ttl_seconds, TimestampTz now, Jsonb **completed)
{
	JaString	issuer = ja_settings_text(ja_settings.issuer);
	JaString	audience = ja_settings_text(ja_settings.audience);
	JaJsonState state = {0};
	int64		seconds = (int64) ja_claims_seconds(now);
	pg_uuid_t	id;
	char		jti[JA_UUID_TEXT];
	JaStatus	status = ja_uuid_make(now, &id);

	ja_uuid_write(&id, jti);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_members(&state, claims);
	if (issuer.data != NULL && is_absent(claims, "iss"))
		ja_json_add_string(&state, "iss", issuer.data, issuer.length);
	if (audience.data != NULL && has_no_audience(claims))
		ja_json_add_string(&state, "aud", audience.data, audience.length);
	if (is_absent(claims, "iat"))
		ja_json_add_integer(&state, "iat", seconds);
	if (is_absent(claims, "exp"))
		ja_json_add_integer(&state, "exp", seconds + ttl_seconds);
	if (is_absent(claims, "jti"))
		ja_json_add_string(&state, "jti", jti, sizeof(jti));
	*completed = ja_json_end_object(&state);
	return status;
}

/*
 * Signs claims with the active key, or the one that kid names unless its data
 * is NULL.  Fails with JA_CLAIMS_..., JA_KEYRING_..., or as
 * ja_issue_with_key().
 */
JaStatus
ja_issue_stored(const JsonbContainer *claims, int64 ttl_seconds, JaString kid,
				TimestampTz now, StringInfo token)
{
	const JaStoredKey *key;
	Jsonb	   *completed;
	JaStatus	status = check_issued_names(claims);

	if (status != JA_OK)
		return status;
	status = check_issued_times(claims, ja_claims_seconds(now));
	if (status != JA_OK)
		return status;
	if (ttl_seconds <= 0 || ttl_seconds > ja_settings.max_token_ttl_seconds)
		return JA_CLAIMS_TTL;
	status = kid.data != NULL ? ja_stored_key_signing(kid, &key) :
		ja_stored_key_active(JA_USE_SIGNATURE, &key);
	if (status != JA_OK)
		return status;
	status = complete_claims(claims, ttl_seconds, now, &completed);
	if (status != JA_OK)
		return status;
	return ja_issue_with_key(&completed->root, key->key, JA_TYPE_NAME_JWT, token);
}

/*
 * Signs the claims of a session's access token (RFC 9068) with the active
 * key.  Fails with JA_KEYRING_..., or as ja_issue_with_key().
 */
JaStatus
ja_issue_access_token(const JsonbContainer *claims, int64 ttl_seconds,
					  TimestampTz now, StringInfo token)
{
	const JaStoredKey *key;
	Jsonb	   *completed;
	JaStatus	status = ja_stored_key_active(JA_USE_SIGNATURE, &key);

	if (status != JA_OK)
		return status;
	status = complete_claims(claims, ttl_seconds, now, &completed);
	if (status != JA_OK)
		return status;
	return ja_issue_with_key(&completed->root, key->key, JA_TYPE_NAME_ACCESS_TOKEN, token);
}
