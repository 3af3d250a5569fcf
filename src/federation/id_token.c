/*-------------------------------------------------------------------------
 *
 * id_token.c
 *	  What an ID token says, once it is verified (OpenID Connect Core 3.1.3.7).
 *
 * An attacker controls the token, and has ID tokens of others' applications and of
 * other tenants.  Nothing of the payload is read before the signature is right.
 * Nothing that the caller hands in says for whom the token must be, and the nonce is
 * one of ours: two values of one request, compared with each other, would prove
 * nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/settings.h"
#include "base/time.h"
#include "base/uuid.h"
#include "factor/challenge.h"
#include "federation/id_token.h"
#include "federation/id_token_claims.h"
#include "jose/base64url.h"
#include "shared/worker_board.h"
#include "token/assurance.h"
#include "token/verify.h"

/* How old an ID token may be. */
#define MAX_AGE_SECONDS (10 * SECS_PER_MINUTE)

/* Longest subject, in bytes (OpenID Connect Core section 2). */
#define MAX_SUBJECT 255

/* A token that is being verified. */
typedef struct Checked
{
	const JaIdTokenRequest *request;
	const JaProvider *provider;
	JaCompact	compact;
	JaHeader	header;
	JaClaims	claims;
	TimestampTz at;
} Checked;

static const JsonbContainer *
claims_of(const Checked *checked)
{
	return &checked->claims.json->root;
}

/* Size, shape, header, key and signature, as with any token. */
static JaStatus
check_signed(Checked *checked)
{
	JaKey	   *key;
	JaStatus	status = ja_verify_size(checked->request->id_token);

	if (status != JA_OK)
		return status;
	status = ja_jws_split(checked->request->id_token, &checked->compact);
	if (status != JA_OK)
		return status;
	status = ja_jws_header(checked->compact.header, &checked->header);
	if (status != JA_OK)
		return status;
	status = ja_keyset_choose(checked->provider->keys, &checked->header, &key);
	if (status != JA_OK)
		return status;
	return ja_jws_check_signature(&checked->compact, key, checked->header.algorithm);
}

/*
 * An ID token is a JWT of no other type; tokens for logouts and events carry
 * "events", and access tokens of some providers say so in "token_use".
 */
static JaStatus
check_kind(const Checked *checked)
{
	JsonbValue	value;
	JaString	use;
	JaPresence	presence = ja_json_string(claims_of(checked), "token_use", &use);

	if (checked->header.type != JA_TYPE_ABSENT && checked->header.type != JA_TYPE_JWT)
		return JA_TOKEN_TYPE;
	if (presence == JA_MISTYPED || (presence == JA_PRESENT && !ja_string_is(use, "id")))
		return JA_ID_TOKEN_USE;
	return ja_json_member(claims_of(checked), "events", &value) ? JA_ID_TOKEN_USE : JA_OK;
}

/* The tenant, where tenants are listed, and the issuer that is the tenant's. */
static JaStatus
check_provider_issuer(const Checked *checked, JaString *issuer)
{
	const JaStringList *tenants = &checked->provider->options.tenants;
	JaString	tenant = {NULL, 0};
	JaString	expected = checked->provider->issuer;

	if (ja_json_string(claims_of(checked), "iss", issuer) != JA_PRESENT)
		return JA_TOKEN_ISSUER;
	if (tenants->count > 0)
	{
		if (ja_json_string(claims_of(checked), "tid", &tenant) != JA_PRESENT ||
			!ja_option_lists(tenants, tenant))
			return JA_ID_TOKEN_TENANT;
		expected = ja_provider_issuer_of(expected, tenant);
	}
	return ja_string_equals(*issuer, expected) ? JA_OK : JA_TOKEN_ISSUER;
}

/*
 * For one of the clients, and if for several, or if it is told who asked for it,
 * asked for by one of them (section 3.1.3.7, steps 3 to 5).
 */
static JaStatus
check_clients(const Checked *checked)
{
	const JaStringList *ids = &checked->provider->client_ids;
	JsonbValue	value;
	JaString	party;
	JaPresence	presence = ja_json_string(claims_of(checked), "azp", &party);
	JaStatus	status = JA_TOKEN_AUDIENCE;

	for (int i = 0; i < ids->count && status != JA_OK; i++)
		status = ja_claims_check_audience(claims_of(checked), ids->strings[i]);
	if (status != JA_OK)
		return status;
	if (presence == JA_PRESENT)
		return ja_option_lists(ids, party) ? JA_OK : JA_ID_TOKEN_AZP;
	return presence == JA_ABSENT && ja_json_member(claims_of(checked), "aud", &value) &&
		(value.type == jbvString || JsonContainerSize(value.val.binary.data) == 1) ?
		JA_OK : JA_ID_TOKEN_AZP;
}

/* Valid at the time, with a beginning and an end, and issued not long before. */
static JaStatus
check_id_times(Checked *checked)
{
	const JaMoment moment = {.now = checked->at,.start = checked->at};
	const JaTimes *times = &checked->claims.times;
	JaStatus	status = ja_claims_check_bounded_times(&checked->claims, moment);

	if (status != JA_OK)
		return status;
	return times->issued_at.is_present && times->issued_at.seconds + MAX_AGE_SECONDS +
		ja_settings.leeway_seconds >= ja_claims_seconds(checked->at) ? JA_OK : JA_ID_TOKEN_OLD;
}

static JaStatus
check_subject(const Checked *checked, JaString *subject)
{
	if (ja_json_string(claims_of(checked), "sub", subject) != JA_PRESENT ||
		subject->length == 0 || subject->length > MAX_SUBJECT)
		return JA_ID_TOKEN_SUBJECT;
	return JA_OK;
}

/* Writes the SHA-256 of a nonce in hexadecimal digits, as many as the array has. */
void
ja_id_token_hash_nonce(JaString nonce, char digits[JA_NONCE_DIGITS])
{
	uint8		hash[JA_NONCE_DIGITS / 2];

	ja_check(ja_digest_compute(JA_SHA256, nonce.data, nonce.length, hash));
	hex_encode((const char *) hash, sizeof(hash), digits);
}

static bool
is_nonce_hash(JaString claim, JaString nonce)
{
	char		digits[JA_NONCE_DIGITS];

	ja_id_token_hash_nonce(nonce, digits);
	return ja_secret_equals(claim.data, claim.length, digits, sizeof(digits));
}

/* Whether the claim stands for the nonce that was shown, as the provider writes it. */
static bool
fits_nonce(const Checked *checked, JaString claim, JaString *nonce)
{
	const JaString *shown = &checked->request->nonce;

	if (checked->provider->options.nonce == JA_NONCE_SHA256)
	{
		*nonce = *shown;
		return shown->data != NULL && is_nonce_hash(claim, *shown);
	}
	*nonce = claim;
	return shown->data == NULL ||
		ja_secret_equals(claim.data, claim.length, shown->data, shown->length);
}

/* The nonce is one of ours, and of the session if that must be. */
static JaStatus
check_nonce(const Checked *checked, JaIdToken *token)
{
	const pg_uuid_t *session = checked->request->session;
	JaChallenge challenge;
	JaString	claim;

	token->nonce = (JaString) {NULL, 0};
	if (checked->provider->options.nonce == JA_NONCE_NONE)
		return JA_OK;
	if (ja_json_string(claims_of(checked), "nonce", &claim) != JA_PRESENT ||
		!fits_nonce(checked, claim, &token->nonce) ||
		!ja_challenge_read(token->nonce, JA_CHALLENGE_EXTERNAL, &challenge) ||
		(session != NULL && !ja_uuid_equals(&challenge.owner, session)))
		return JA_ID_TOKEN_NONCE;
	token->nonce_until = challenge.expires_at;
	return JA_OK;
}

/*
 * The left half of the hash of an access token that came with the ID token, by the
 * hash of the token's algorithm (section 3.1.3.6); of Ed25519 that is SHA-512.
 */
static JaStatus
check_access_token(const Checked *checked)
{
	const JaAlgorithm *algorithm = checked->header.algorithm;
	JaDigest	digest = algorithm->digest == JA_NO_DIGEST ? JA_SHA512 : algorithm->digest;
	JaString	shown = checked->request->access_token;
	uint8		hash[EVP_MAX_MD_SIZE];
	char		expected[JA_BASE64URL_ENCODED(EVP_MAX_MD_SIZE)];
	JaString	claim;
	size_t		half;

	if (shown.data == NULL)
		return JA_OK;
	if (ja_json_string(claims_of(checked), "at_hash", &claim) != JA_PRESENT)
		return JA_ID_TOKEN_ACCESS_TOKEN;
	ja_check(ja_digest_compute(digest, shown.data, shown.length, hash));
	half = (size_t) EVP_MD_get_size(ja_digest(digest)) / 2;
	half = ja_base64url_encode(hash, half, expected);
	return ja_secret_equals(claim.data, claim.length, expected, half) ?
		JA_OK : JA_ID_TOKEN_ACCESS_TOKEN;
}

static JaStatus
check_id_claims(Checked *checked, JaIdToken *token)
{
	JaStatus	status = check_kind(checked);

	if (status == JA_OK)
		status = check_provider_issuer(checked, &token->issuer);
	if (status == JA_OK)
		status = check_clients(checked);
	if (status == JA_OK)
		status = check_id_times(checked);
	if (status == JA_OK)
		status = check_subject(checked, &token->subject);
	if (status == JA_OK && checked->request->at == 0)
		status = check_nonce(checked, token);
	if (status == JA_OK)
		status = check_access_token(checked);
	return status;
}

static JaString
copy_text(JaString text)
{
	if (text.data != NULL)
		text.data = pnstrdup(text.data, text.length);
	return text;
}

/*
 * Notes what the token says, apart from the provider, which may be forgotten at any
 * time.
 */
static void
note_token(const Checked *checked, JaIdToken *token)
{
	const JaProvider *provider = checked->provider;
	TimestampTz issued_at = ja_claims_time(checked->claims.times.issued_at.seconds);

	token->provider = copy_text(provider->name);
	token->provider_added_at = provider->added_at;
	token->linking = provider->options.linking;
	token->sign_up = provider->options.sign_up;
	token->claims = checked->claims.json;
	token->level = ja_id_token_level(claims_of(checked), &provider->options);
	token->proved_at = ja_id_token_auth_time(claims_of(checked), Min(issued_at, checked->at));
	ja_id_token_email(claims_of(checked), provider, token);
	token->signed_until = ja_seconds_from(issued_at,
										  MAX_AGE_SECONDS + ja_settings.leeway_seconds + 1);
}

/* Has the worker fetch them, or tells the operator's job. */
static void
want_keys(JaString name, const JaProvider *provider)
{
	if (provider->options.jwks_uri.data != NULL)
		ja_worker_board_want(JA_SOURCE_PROVIDER, name);
	ja_provider_want_keys(name);
}

/*
 * Verifies an ID token of a provider.  Fails with JA_PROVIDER_UNKNOWN, JA_TOKEN_... or
 * JA_ID_TOKEN_...; *is_authentic then tells whether its signature was right, and with it
 * the token's signed part is set.
 */
JaStatus
ja_id_token_verify(const JaIdTokenRequest *request, JaIdToken *token, bool *is_authentic)
{
	Checked		checked = {.request = request,.at = request->at};
	JaStatus	status = ja_provider_find(request->provider, &checked.provider);

	*is_authentic = false;
	if (status != JA_OK)
		return status;
	if (request->at == 0)
		checked.at = GetCurrentTimestamp();
	status = check_signed(&checked);
	if (status == JA_TOKEN_KEY_UNKNOWN)
		want_keys(request->provider, checked.provider);
	if (status != JA_OK)
		return status;
	token->signed_part = checked.compact.signed_part;
	*is_authentic = true;
	status = ja_claims_read(checked.compact.payload, &checked.claims);
	if (status == JA_OK)
		status = check_id_claims(&checked, token);
	if (status == JA_OK)
		note_token(&checked, token);
	return status;
}
