/*-------------------------------------------------------------------------
 *
 * verify.c
 *	  Verification of a whole token: size, shape, header, key, signature,
 *	  and only then the claims (RFC 7519 section 7.2).
 *
 * With the stored keys, what follows from bytes and keys is remembered; what
 * depends on the call, the settings or the clock is checked at each use, and
 * revocation whenever there were any.  The one thing that is read of a
 * payload before its signature is checked is "iss", which picks the keys that
 * may have made it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/settings.h"
#include "keyring/issuer.h"
#include "keyring/stored_key.h"
#include "store/signal.h"
#include "token/foreign.h"
#include "token/signature_check.h"
#include "token/tally.h"
#include "token/token_cache.h"
#include "token/verify.h"

/* Fails with JA_TOKEN_SIZE before anything of an oversized token is read. */
JaStatus
ja_verify_size(JaString token)
{
	return token.length <= (size_t) ja_settings.max_token_size ? JA_OK : JA_TOKEN_SIZE;
}

/*
 * Verifies a token with the caller's keys, without tables.  The claims are in
 * the current memory context.  Fails with JA_TOKEN_....
 */
JaStatus
ja_verify_with_keys(JaString token, JaKeySet *keys,
					const JaExpectation *expected, Jsonb **claims)
{
	JaCompact	compact;
	JaHeader	header;
	JaClaims	read;
	JaStatus	status = ja_verify_size(token);

	if (status == JA_OK)
		status = ja_jws_split(token, &compact);
	if (status == JA_OK)
		status = ja_keyset_verify(keys, &compact, &header);
	if (status == JA_OK)
		status = ja_claims_read(compact.payload, &read);
	if (status == JA_OK)
		status = ja_claims_check_names(header.type, &read.json->root, expected);
	if (status == JA_OK)
		status = ja_claims_read_times(&read);
	if (status == JA_OK)
		status = ja_claims_check_times(&read.times, ja_claims_moment());
	if (status == JA_OK)
		*claims = read.json;
	return status;
}

/* Whether the issuer is the one that our own tokens carry, or none if unset. */
static bool
is_our_issuer(JaString issuer)
{
	if (ja_settings.issuer == NULL || ja_settings.issuer[0] == '\0')
		return issuer.data == NULL;
	return issuer.data != NULL && ja_string_is(issuer, ja_settings.issuer);
}

/* Checks the signature of one of our own tokens, which carry a kid. */
static JaStatus
check_own_signature(const JaCompact *token, const JaHeader *header, JaVerified *verified)
{
	const JaStoredKey *key;
	JaStatus	status;

	if (header->kid.data == NULL)
		return JA_TOKEN_KID_MISSING;
	status = ja_stored_key_verifying(header->kid, &key);
	if (status == JA_KEYRING_KID_UNKNOWN)
		return JA_TOKEN_KEY_UNKNOWN;
	if (status != JA_OK)
		return status;
	if (key->is_revoked)
		return JA_TOKEN_KEY_REVOKED;
	if (key->key == NULL)
		return JA_TOKEN_KEY_RETIRED;
	if (!ja_key_permits(key->key, header->algorithm))
		return JA_TOKEN_KEY_ALGORITHM;
	verified->may_be_kept = !key->row.is_own;
	verified->key_has_end = key->has_end;
	verified->key_end = key->verify_until;
	(void) ja_json_string(&verified->claims->root, "role", &verified->role);
	return ja_signature_check_shared(token, key->key, header->algorithm, verified);
}

/* Checks the signature of a token of another issuer, with its keys only. */
static JaStatus
check_foreign_signature(const JaCompact *token, const JaHeader *header,
						const JaIssuer *issuer, JaVerified *verified)
{
	JaKey	   *key;
	JaStatus	status = ja_keyset_choose(issuer->keys, header, &key);

	if (status == JA_OK)
		status = ja_signature_check_shared(token, key, header->algorithm, verified);
	if (status != JA_OK)
		return status;
	verified->may_be_kept = !issuer->row.is_own;
	ja_foreign_read(issuer, verified);
	return JA_OK;
}

/* Whether the header names a key of ours, in whatever state. */
static bool
names_own_key(const JaHeader *header)
{
	const JaStoredKey *key;

	return header->kid.data != NULL &&
		ja_stored_key_verifying(header->kid, &key) != JA_KEYRING_KID_UNKNOWN;
}

/*
 * The other issuer that may have made the token.  Without iss that is the one
 * whose tokens carry none, and never where the token names a key of ours, or
 * where that issuer was given a name that is ours now: its tokens would be
 * taken for our own.  Fails with JA_ISSUER_UNKNOWN, or as a sealed key does.
 */
static JaStatus
find_issuer(const JaHeader *header, JaString name, const JaIssuer **issuer)
{
	JaStatus	status = JA_ISSUER_UNKNOWN;

	if (name.data != NULL)
		return ja_issuer_find(name, issuer);
	if (!names_own_key(header))
		status = ja_issuer_find_anonymous(issuer);
	return status == JA_OK && is_our_issuer((*issuer)->name) ? JA_ISSUER_UNKNOWN : status;
}

static JaStatus
check_signature(const JaCompact *token, const JaHeader *header, JaVerified *verified)
{
	const JsonbContainer *claims = &verified->claims->root;
	const JaIssuer *issuer;
	JaStatus	status = JA_ISSUER_UNKNOWN;

	if (ja_json_string(claims, "iss", &verified->issuer) == JA_MISTYPED)
		return JA_TOKEN_ISSUER;
	verified->is_own = is_our_issuer(verified->issuer);
	/* Without iss it may be ours, and yet another's. */
	if (!verified->is_own || verified->issuer.data == NULL)
		status = find_issuer(header, verified->issuer, &issuer);
	if (status == JA_OK)
	{
		verified->is_own = false;
		return check_foreign_signature(token, header, issuer, verified);
	}
	if (status != JA_ISSUER_UNKNOWN)
		return status;
	return verified->is_own ? check_own_signature(token, header, verified) : JA_TOKEN_ISSUER;
}

/*
 * Verifies the signature with the stored keys, and reads what follows from
 * the bytes.  The claims, and whatever else is pointed to, are in the current
 * memory context.
 */
JaStatus
ja_verify_signature(JaString token, JaVerified *verified)
{
	JaCompact	compact;
	JaHeader	header;
	JaClaims	read;
	JaStatus	status = ja_verify_size(token);

	memset(verified, 0, sizeof(JaVerified));
	ja_signal_watch();
	verified->keys_counter = ja_signal_counters[JA_SIGNAL_KEYS];
	if (status == JA_OK)
		status = ja_jws_split(token, &compact);
	if (status == JA_OK)
		status = ja_jws_header(compact.header, &header);
	if (status == JA_OK)
		status = ja_claims_read(compact.payload, &read);
	if (status != JA_OK)
		return status;
	verified->claims = read.json;
	verified->type = header.type;
	verified->has_audience = read.watched[JA_WATCHED_AUDIENCE].seen &&
		!read.watched[JA_WATCHED_AUDIENCE].is_null;
	status = check_signature(&compact, &header, verified);
	if (status == JA_OK)
		status = ja_claims_read_times(&read);
	if (status == JA_OK)
		status = ja_revocation_read(&read.json->root, verified->is_own, &verified->revocable);
	if (verified->issuer.data != NULL)
		verified->revocable.issuer = verified->issuer;
	verified->times = read.times;
	return status;
}

/*
 * The remembered token, if keys and issuer are still what they were.  The cache
 * of verified tokens owns it.
 */
static JaVerified *
find_remembered(JaString token)
{
	JaVerified *verified = ja_token_cache_find(token);

	if (verified == NULL)
		return NULL;
	if (verified->keys_counter == ja_signal_counters[JA_SIGNAL_KEYS] &&
		verified->is_own == is_our_issuer(verified->issuer))
		return verified;
	ja_token_cache_drop(verified);
	return NULL;
}

/*
 * Whether the token is for the audience: by "aud", or where that is absent, by
 * the claim that stands in for it.  Fails with JA_TOKEN_AUDIENCE.
 */
JaStatus
ja_verified_check_audience(const JaVerified *verified, JaString audience)
{
	const JsonbContainer *claims = &verified->claims->root;
	JaString	value;

	if (verified->has_audience)
		return ja_claims_check_audience(claims, audience);
	return verified->audience_claim != NULL &&
		ja_json_string(claims, verified->audience_claim, &value) == JA_PRESENT &&
		ja_string_equals(value, audience) ? JA_OK : JA_TOKEN_AUDIENCE;
}

/*
 * Tokens that are right but were made for something else never become an
 * identity.  Which values of token_use do is for the issuer's options to say,
 * if they do.  Fails with JA_TOKEN_USE or JA_TOKEN_CONFIRMATION.
 */
JaStatus
ja_verified_check_identity(const JaVerified *verified)
{
	const JsonbContainer *claims = &verified->claims->root;
	JaPresence	presence = JA_ABSENT;
	JaString	use;
	JsonbValue	value;

	if (!verified->judges_use)
		presence = ja_json_string(claims, "token_use", &use);
	if (presence == JA_MISTYPED || (presence == JA_PRESENT && !ja_string_is(use, "access")))
		return JA_TOKEN_USE;
	return ja_json_member(claims, "cnf", &value) ? JA_TOKEN_CONFIRMATION : JA_OK;
}

/*
 * The audience that counts: the call's, else ours or the issuer's.  Where none
 * is known, a token with "aud" is meant for somebody else (RFC 7519 4.1.3).
 */
static JaStatus
check_audience(const JaVerified *verified, JaString audience)
{
	if (audience.data == NULL && !verified->is_own)
		return verified->fits_audience ? JA_OK : JA_TOKEN_AUDIENCE;
	if (audience.data == NULL && ja_settings.audience != NULL && ja_settings.audience[0] != '\0')
		audience = (JaString) {ja_settings.audience, strlen(ja_settings.audience)};
	if (audience.data == NULL)
		return verified->has_audience ? JA_TOKEN_AUDIENCE : JA_OK;
	return ja_verified_check_audience(verified, audience);
}

static JaStatus
check_names(const JaVerified *verified, const JaExpectation *expected)
{
	JaStatus	status;

	if (verified->type == JA_TYPE_OTHER)
		return JA_TOKEN_TYPE;
	if (expected->issuer.data != NULL &&
		(verified->issuer.data == NULL ||
		 !ja_string_equals(verified->issuer, expected->issuer)))
		return JA_TOKEN_ISSUER;
	status = check_audience(verified, expected->audience);
	if (status == JA_OK && verified->judges_use && !verified->fits_use)
		status = JA_TOKEN_USE;
	return status;
}

/*
 * Looks for revocation, unless there was none since the last look.  That a
 * session reaches its end is no revocation, and is judged each time.
 */
static JaStatus
check_revocation(JaVerified *verified, TimestampTz now)
{
	uint64		counter = ja_signal_counters[JA_SIGNAL_REVOCATIONS];
	JaRevocationAnswer answer;
	JaStatus	status;

	if (!ja_settings.check_revocation)
		return JA_OK;
	if (verified->revocations_counter == counter)
		return now < verified->session_end ? JA_OK : JA_TOKEN_SESSION_ENDED;
	status = ja_revocation_check(&verified->revocable, now, &answer);
	verified->session_end = answer.session_end;
	verified->revocations_counter = status == JA_OK && answer.is_final ? counter : 0;
	return status;
}

/* Checks what depends on the call, the settings and the clock. */
static JaStatus
check_use(JaVerified *verified, const JaExpectation *expected, JaMoment moment)
{
	JaStatus	status;

	if (verified->key_has_end && moment.start >= verified->key_end)
		return JA_TOKEN_KEY_RETIRED;
	status = check_names(verified, expected);
	if (status == JA_OK)
		status = ja_claims_check_times(&verified->times, moment);
	if (status == JA_OK)
		status = check_revocation(verified, moment.start);
	return status;
}

static JaStatus
verify_stored(JaString token, const JaExpectation *expected, JaMoment moment,
			  const JaVerified **verified)
{
	JaVerified *found = find_remembered(token);
	JaVerified *kept;
	JaStatus	status;

	if (found == NULL)
	{
		found = palloc(sizeof(JaVerified));
		status = ja_verify_signature(token, found);
		if (status != JA_OK)
			return status;
		status = check_use(found, expected, moment);
		kept = status == JA_OK ? ja_token_cache_keep(token, found) : NULL;
		*verified = kept != NULL ? kept : found;
		return status;
	}
	if (token.length > (size_t) ja_settings.max_token_size)
		return JA_TOKEN_SIZE;
	found->source = JA_SIGNATURE_REMEMBERED;
	*verified = found;
	return check_use(found, expected, moment);
}

/*
 * Verifies a token with the stored keys and trusted issuers.  The result
 * belongs to the cache of verified tokens, or else to the current memory
 * context.  It is valid until the next call, which code of others can make,
 * too: copy what must outlive an SQL statement or a hook.  Fails with
 * JA_TOKEN_..., or JA_KEYRING_SEALED and its kin if its key is a secret that
 * can't be opened.
 */
JaStatus
ja_verify_stored(JaString token, const JaExpectation *expected, JaMoment moment,
				 const JaVerified **verified)
{
	JaStatus	status = verify_stored(token, expected, moment, verified);

	if (status == JA_OK)
		ja_tally_accepted((*verified)->source);
	else
		ja_tally_denied(status);
	return status;
}

/*
 * The same for a token that is to become an identity.  Fails with
 * JA_TOKEN_USE or JA_TOKEN_CONFIRMATION, too.
 */
JaStatus
ja_verify_identity(JaString token, JaMoment moment, const JaVerified **verified)
{
	const JaExpectation any = {{NULL, 0}, {NULL, 0}};
	JaStatus	status = ja_verify_stored(token, &any, moment, verified);

	if (status != JA_OK)
		return status;
	status = ja_verified_check_identity(*verified);
	if (status != JA_OK)
		ja_tally_denied(status);
	return status;
}
