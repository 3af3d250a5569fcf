/*-------------------------------------------------------------------------
 *
 * verify.c
 *	  Verification of a whole token: size, shape, header, key, signature,
 *	  and only then the claims (RFC 7519 section 7.2).
 *
 * With the stored keys, what follows from bytes and keys is remembered; what
 * depends on the call, the settings or the clock is checked at each use, and
 * revocation is looked up again after each invalidation of them.
 *
 * The payload has to be parsed before the signature is checked, since "iss"
 * picks the keys that may have signed.  So an attacker reaches the JSON parser,
 * which bounds nesting and the size of numbers, and what reads claims from
 * jsonb.  But no claim except "iss" decides anything until the signature is
 * right.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/settings.h"
#include "keyring/issuer.h"
#include "keyring/stored_key.h"
#include "shared/worker_board.h"
#include "store/invalidation.h"
#include "token/foreign.h"
#include "token/signature_check.h"
#include "token/tally.h"
#include "token/token_cache.h"
#include "token/verify.h"

static JaVerified *find_remembered(JaString token);
static JaStatus read_issued(JaString token, JaVerified *verified);
static JaStatus check_issuer(const JaCompact *token, const JaHeader *header,
							 JaVerified *verified);
static JaStatus find_other_issuer(const JaHeader *header, JaString name,
								  const JaIssuer **issuer);
static bool names_stored_key(const JaHeader *header);
static JaStatus check_local_signature(const JaCompact *token, const JaHeader *header,
									  JaVerified *verified);
static JaStatus check_foreign_signature(const JaCompact *token, const JaHeader *header,
										const JaIssuer *issuer, JaVerified *verified);
static bool is_our_name(JaString issuer);
static JaStatus check_use(JaVerified *verified, const JaExpectation *expected,
						  JaMoment moment);
static JaStatus check_expectation(const JaVerified *verified, const JaExpectation *expected);
static JaStatus check_use_audience(const JaVerified *verified, JaString audience);
static JaStatus check_not_revoked(JaVerified *verified, TimestampTz now);

/*
 * Fails with JA_TOKEN_NULL for no token, and with JA_TOKEN_SIZE before anything
 * of an oversized one is read.
 */
JaStatus
ja_verify_size(JaString token)
{
	if (token.data == NULL)
		return JA_TOKEN_NULL;
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

	if (status != JA_OK)
		return status;
	status = ja_jws_split(token, &compact);
	if (status != JA_OK)
		return status;
	status = ja_keyset_verify(keys, &compact, &header);
	if (status != JA_OK)
		return status;
	status = ja_claims_read(compact.payload, &read);
	if (status != JA_OK)
		return status;
	status = ja_claims_check_names(header.type, &read.json->root, expected);
	if (status != JA_OK)
		return status;
	status = ja_claims_read_times(&read);
	if (status != JA_OK)
		return status;
	status = ja_claims_check_times(&read.times, ja_claims_moment());
	if (status != JA_OK)
		return status;
	*claims = read.json;
	return JA_OK;
}

/*
 * Verifies a token with the stored keys and trusted issuers.  The result
 * belongs to the cache of verified tokens, or else to the current memory
 * context.  It is valid until the next call, which code of others can make,
 * too: copy what must outlive an SQL statement or a hook.  Fails with
 * JA_TOKEN_..., or JA_KEYRING_SEALED and its kin if its key is a secret that
 * can't be opened; *verified is set on success only.
 */
JaStatus
ja_verify_stored(JaString token, const JaExpectation *expected, JaMoment moment,
				 const JaVerified **verified)
{
	JaVerified *found = NULL;
	bool		is_new = false;
	JaStatus	status = ja_verify_size(token);

	if (status == JA_OK)
		found = find_remembered(token);
	if (status == JA_OK && found == NULL)
	{
		is_new = true;
		found = palloc(sizeof(JaVerified));
		status = read_issued(token, found);
	}
	if (status == JA_OK)
		status = check_use(found, expected, moment);
	if (status != JA_OK)
	{
		ja_tally_denied(status);
		return status;
	}
	*verified = is_new ? ja_token_cache_keep(token, found) : found;
	ja_tally_accepted((*verified)->source);
	return JA_OK;
}

/*
 * Verifies a token as ja_verify_stored() does that is to become an identity.
 * Fails with JA_TOKEN_USE or JA_TOKEN_CONFIRMATION, too.
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

/*
 * Verifies that a token was issued with a stored key or by a trusted issuer,
 * and reads what follows from its bytes.  Whether it is valid now, for this
 * use, and not revoked, is not checked.  The claims, and whatever else is
 * pointed to, are in the current memory context.  Fails as ja_verify_stored().
 */
JaStatus
ja_verify_issued(JaString token, JaVerified *verified)
{
	JaStatus	status = ja_verify_size(token);

	if (status != JA_OK)
		return status;
	return read_issued(token, verified);
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
	if (verified->keys_counter != ja_invalidation_counters[JA_INVALIDATION_KEYS] ||
		verified->is_local_issuer != is_our_name(verified->issuer))
	{
		ja_token_cache_drop(verified);
		return NULL;
	}
	verified->source = JA_SIGNATURE_REMEMBERED;
	return verified;
}

/*
 * Does the work of ja_verify_issued() for a token whose size has been checked.
 */
static JaStatus
read_issued(JaString token, JaVerified *verified)
{
	JaCompact	compact;
	JaHeader	header;
	JaClaims	read;
	JaStatus	status;

	memset(verified, 0, sizeof(JaVerified));
	ja_invalidation_watch();
	verified->keys_counter = ja_invalidation_counters[JA_INVALIDATION_KEYS];
	status = ja_jws_split(token, &compact);
	if (status != JA_OK)
		return status;
	status = ja_jws_header(compact.header, &header);
	if (status != JA_OK)
		return status;
	status = ja_claims_read(compact.payload, &read);
	if (status != JA_OK)
		return status;
	verified->claims = read.json;
	verified->type = header.type;
	verified->has_audience = read.watched[JA_WATCHED_AUDIENCE].seen &&
		!read.watched[JA_WATCHED_AUDIENCE].is_null;
	status = check_issuer(&compact, &header, verified);
	if (status != JA_OK)
		return status;
	status = ja_claims_read_times(&read);
	if (status != JA_OK)
		return status;
	status = ja_revocation_read(&read.json->root, verified->is_local_issuer,
								&verified->revocable);
	if (status != JA_OK)
		return status;
	if (verified->issuer.data != NULL)
		verified->revocable.issuer = verified->issuer;
	verified->times = read.times;
	if (read.times.issued_at.is_present)
		verified->revocable.issued_at = ja_claims_time(read.times.issued_at.seconds);
	return JA_OK;
}

/*
 * Finds out whose token it is, and checks its signature with the keys of that
 * issuer only.  A token without iss may be of this database, or of the issuer
 * whose tokens carry none.
 */
static JaStatus
check_issuer(const JaCompact *token, const JaHeader *header, JaVerified *verified)
{
	const JsonbContainer *claims = &verified->claims->root;
	const JaIssuer *issuer;
	JaStatus	status = JA_ISSUER_UNKNOWN;
	bool		may_be_local;

	if (ja_json_string(claims, "iss", &verified->issuer) == JA_MISTYPED)
		return JA_TOKEN_ISSUER;
	may_be_local = is_our_name(verified->issuer);
	if (!may_be_local || verified->issuer.data == NULL)
		status = find_other_issuer(header, verified->issuer, &issuer);
	if (status == JA_OK)
		return check_foreign_signature(token, header, issuer, verified);
	if (status != JA_ISSUER_UNKNOWN)
		return status;
	return may_be_local ? check_local_signature(token, header, verified) : JA_TOKEN_ISSUER;
}

/*
 * The other issuer that may have made the token.  Without iss that is the one
 * whose tokens carry none, and never where the token names a key of ours, or
 * where that issuer was given a name that is ours now: its tokens would be
 * taken for our own.  Fails with JA_ISSUER_UNKNOWN, or as a sealed key does.
 */
static JaStatus
find_other_issuer(const JaHeader *header, JaString name, const JaIssuer **issuer)
{
	JaStatus	status;

	if (name.data != NULL)
		return ja_issuer_find(name, issuer);
	if (names_stored_key(header))
		return JA_ISSUER_UNKNOWN;
	status = ja_issuer_find_anonymous(issuer);
	if (status != JA_OK)
		return status;
	return is_our_name((*issuer)->name) ? JA_ISSUER_UNKNOWN : JA_OK;
}

/* Whether the header names a stored key, in whatever state. */
static bool
names_stored_key(const JaHeader *header)
{
	const JaStoredKey *key;

	return header->kid.data != NULL &&
		ja_stored_key_verifying(header->kid, &key) != JA_KEYRING_KID_UNKNOWN;
}

/* Checks the signature of a token of this database, which carries a kid. */
static JaStatus
check_local_signature(const JaCompact *token, const JaHeader *header, JaVerified *verified)
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
	verified->is_local_issuer = true;
	verified->may_be_kept = !key->row.is_uncommitted;
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

	if (status == JA_TOKEN_KEY_UNKNOWN && issuer->options.jwks_uri.data != NULL)
		ja_worker_board_want(JA_SOURCE_ISSUER, issuer->name);
	if (status != JA_OK)
		return status;
	status = ja_signature_check_shared(token, key, header->algorithm, verified);
	if (status != JA_OK)
		return status;
	verified->may_be_kept = !issuer->row.is_uncommitted;
	ja_foreign_read(issuer, verified);
	return JA_OK;
}

/* Whether tokens of this database carry this iss: jwt_auth.issuer, or none. */
static bool
is_our_name(JaString issuer)
{
	JaString	ours = ja_settings_text(ja_settings.issuer);

	if (ours.data == NULL || issuer.data == NULL)
		return ours.data == issuer.data;
	return ja_string_equals(issuer, ours);
}

/*
 * Checks what depends on the call, the settings and the clock, and looks for
 * revocation.
 */
static JaStatus
check_use(JaVerified *verified, const JaExpectation *expected, JaMoment moment)
{
	JaStatus	status;

	if (verified->key_has_end && moment.start >= verified->key_end)
		return JA_TOKEN_KEY_RETIRED;
	status = check_expectation(verified, expected);
	if (status != JA_OK)
		return status;
	status = ja_claims_check_times(&verified->times, moment);
	if (status != JA_OK)
		return status;
	return check_not_revoked(verified, moment.start);
}

static JaStatus
check_expectation(const JaVerified *verified, const JaExpectation *expected)
{
	JaStatus	status;

	if (verified->type == JA_TYPE_OTHER)
		return JA_TOKEN_TYPE;
	if (expected->issuer.data != NULL &&
		(verified->issuer.data == NULL ||
		 !ja_string_equals(verified->issuer, expected->issuer)))
		return JA_TOKEN_ISSUER;
	status = check_use_audience(verified, expected->audience);
	if (status != JA_OK)
		return status;
	return verified->checks_use && !verified->fits_use ? JA_TOKEN_USE : JA_OK;
}

/*
 * The audience that counts: the call's, else ours or the issuer's.  Where none
 * is known, a token with "aud" is meant for somebody else (RFC 7519 4.1.3).
 */
static JaStatus
check_use_audience(const JaVerified *verified, JaString audience)
{
	if (audience.data == NULL && !verified->is_local_issuer)
		return verified->fits_audience ? JA_OK : JA_TOKEN_AUDIENCE;
	if (audience.data == NULL)
		audience = ja_settings_text(ja_settings.audience);
	if (audience.data == NULL)
		return verified->has_audience ? JA_TOKEN_AUDIENCE : JA_OK;
	return ja_verified_check_audience(verified, audience);
}

/*
 * Looks for revocation, unless there was none since the last look.  That a
 * session reaches its end is no revocation, and is checked each time.
 */
static JaStatus
check_not_revoked(JaVerified *verified, TimestampTz now)
{
	uint64		counter = ja_invalidation_counters[JA_INVALIDATION_REVOCATIONS];
	JaRevocationAnswer answer;
	JaStatus	status;

	if (!ja_settings.check_revocation)
		return JA_OK;
	if (verified->revocations_counter == counter)
		return now < verified->session_end ? JA_OK : JA_TOKEN_SESSION_ENDED;
	status = ja_revocation_check(&verified->revocable, now, &answer);
	verified->session_end = answer.session_end;
	verified->session_assurance = answer.session_assurance;
	verified->revocations_counter = status == JA_OK && answer.is_final ? counter : 0;
	return status;
}
