/*-------------------------------------------------------------------------
 *
 * client_assertion.c
 *	  Clients that sign who they are: private_key_jwt (RFC 7523 section 3, OpenID
 *	  Connect Core section 9).
 *
 * An attacker controls the text, and has assertions that clients made for other
 * servers.  Of the payload only "sub" is used before the signature is right: it
 * picks the keys.  The audience must be our issuer as one string, since whoever is
 * listed beside us could show the assertion here.  An assertion counts once, and
 * lives for some minutes only, which bounds what has to be remembered of it.  That it
 * was shown again is audited, once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "base/time.h"
#include "base/uuid.h"
#include "jose/keyset.h"
#include "keyring/used_handle.h"
#include "machine/client_assertion.h"
#include "store/audit.h"
#include "store/plan.h"
#include "token/claims.h"
#include "token/verify.h"

/* How far ahead an assertion may expire. */
#define MAX_LIFE_SECONDS (10 * SECS_PER_MINUTE)

/* Longest "jti", in bytes. */
#define MAX_JTI 255

/* An assertion that is being verified. */
typedef struct Assertion
{
	JaCompact	compact;
	JaHeader	header;
	JaClaims	claims;
	JaString	subject;
	JaString	jti;
} Assertion;

/* Size, shape and header, and the subject, whose keys it must be signed with. */
static JaStatus
read_client_assertion(JaString text, Assertion *assertion)
{
	JaStatus	status = ja_verify_size(text);

	if (status != JA_OK)
		return status;
	status = ja_jws_split(text, &assertion->compact);
	if (status != JA_OK)
		return status;
	status = ja_jws_header(assertion->compact.header, &assertion->header);
	if (status != JA_OK)
		return status;
	status = ja_claims_read(assertion->compact.payload, &assertion->claims);
	if (status != JA_OK)
		return status;
	return ja_json_string(&assertion->claims.json->root, "sub", &assertion->subject) == JA_PRESENT ?
		JA_OK : JA_ASSERTION_SUBJECT;
}

/* The client that the assertion names, if it signs its assertions with keys. */
static JaStatus
find_subject(const Assertion *assertion, JaClientRow *client)
{
	pg_uuid_t	id;

	if (!ja_uuid_parse(assertion->subject.data, assertion->subject.length, &id) ||
		!ja_client_find(&id, client) || client->jwks == NULL)
		return JA_ASSERTION_SUBJECT;
	return JA_OK;
}

static JaStatus
check_assertion_signature(const Assertion *assertion, const JaClientRow *client)
{
	JaKeySet   *keys;
	JaKey	   *key;
	JaStatus	status = ja_keyset_read(&client->jwks->root, &keys);

	if (status != JA_OK)
		return status;
	status = ja_keyset_choose(keys, &assertion->header, &key);
	if (status != JA_OK)
		return status;
	return ja_jws_check_signature(&assertion->compact, key, assertion->header.algorithm);
}

/* By the client, for us alone, and no token of another kind. */
static JaStatus
check_assertion_names(Assertion *assertion)
{
	const JsonbContainer *claims = &assertion->claims.json->root;
	JaString	issuer;
	JaString	audience;

	if (assertion->header.type != JA_TYPE_ABSENT && assertion->header.type != JA_TYPE_JWT)
		return JA_TOKEN_TYPE;
	if (ja_json_string(claims, "iss", &issuer) != JA_PRESENT ||
		!ja_string_equals(issuer, assertion->subject))
		return JA_TOKEN_ISSUER;
	if (ja_json_string(claims, "aud", &audience) != JA_PRESENT ||
		!ja_string_equals(audience, ja_settings_text(ja_settings.issuer)))
		return JA_TOKEN_AUDIENCE;
	return ja_json_string(claims, "jti", &assertion->jti) == JA_PRESENT &&
		assertion->jti.length > 0 && assertion->jti.length <= MAX_JTI ?
		JA_OK : JA_ASSERTION_ID;
}

/* Valid now, and not for long. */
static JaStatus
check_assertion_times(Assertion *assertion)
{
	const JaMoment moment = ja_claims_moment();
	JaStatus	status = ja_claims_check_bounded_times(&assertion->claims, moment);

	if (status != JA_OK)
		return status;
	return assertion->claims.times.expiry.seconds <= ja_claims_seconds(moment.now) + MAX_LIFE_SECONDS +
		ja_settings.leeway_seconds ? JA_OK : JA_ASSERTION_LONG;
}

/*
 * Notes of the assertion that it was used, or used again; false if that was noted.  Its
 * "jti" is the client's own.  Within a scope of ja_plan_begin().
 */
static bool
note_assertion(const Assertion *assertion, const char *note)
{
	char	   *text = psprintf("%s %.*s %.*s", note,
								(int) assertion->subject.length, assertion->subject.data,
								(int) assertion->jti.length, assertion->jti.data);
	TimestampTz end = ja_seconds_from(ja_claims_time(assertion->claims.times.expiry.seconds),
									  ja_settings.leeway_seconds + 1);

	return ja_used_handle_add((JaString) {text, strlen(text)}, end);
}

static JaStatus
spend_assertion(const Assertion *assertion, const JaClientRow *client)
{
	JaPlanScope scope;
	bool		is_first;

	ja_plan_begin(&scope);
	is_first = note_assertion(assertion, "client assertion");
	if (!is_first && note_assertion(assertion, "client assertion again"))
		ja_audit_write(&(JaAuditEvent)
					   {
						   .event = "client_denied", .reason = "the assertion was used before",
						   .client = &client->id
					   });
	ja_plan_end(&scope);
	return is_first ? JA_OK : JA_ASSERTION_USED;
}

/*
 * Verifies an assertion, once, and finds its client.  Raises 55000 where
 * jwt_auth.issuer, for which it must be, is not set.  Fails with JA_TOKEN_... or
 * JA_ASSERTION_....
 */
JaStatus
ja_client_assertion_redeem(JaString text, JaClientRow *client)
{
	Assertion	assertion;
	JaStatus	status = read_client_assertion(text, &assertion);

	if (ja_settings_text(ja_settings.issuer).data == NULL)
		ja_raise(JA_CLIENT_ISSUER_UNSET);
	if (status == JA_OK)
		status = find_subject(&assertion, client);
	if (status == JA_OK)
		status = check_assertion_signature(&assertion, client);
	if (status == JA_OK)
		status = check_assertion_names(&assertion);
	if (status == JA_OK)
		status = check_assertion_times(&assertion);
	return status == JA_OK ? spend_assertion(&assertion, client) : status;
}
