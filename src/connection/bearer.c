/*-------------------------------------------------------------------------
 *
 * bearer.c
 *	  What a token must be to open a connection.
 *
 * An attacker controls every byte of the token, before anybody is
 * authenticated.  Only access tokens of this database's own sessions and
 * clients are taken, as RFC 9068 marks them: what else the same keys sign is
 * meant for something else.
 *
 * No table can be read here, so that revocation is not looked up.  Whoever
 * asks for the identity later has the token verified again, with all checks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"
#include "connection/bearer.h"
#include "connection/public_keys.h"
#include "connection/publication.h"
#include "token/scope.h"
#include "token/verify.h"

/* What stands in an address of a discovery document (RFC 8414 section 3). */
#define WELL_KNOWN "/.well-known/"

/*
 * What tokens for the database are verified with: the file and the settings of the
 * server where a file is configured, or else what the database publishes.  The issuer
 * is only unknown with a file.
 */
static JaStatus
read_trusted(Oid database, JaPublished *trusted)
{
	if (!ja_public_keys_are_configured())
		return ja_publication_read(database, trusted);
	trusted->issuer = ja_settings_text(ja_settings.issuer);
	trusted->audience = ja_settings_text(ja_settings.audience);
	return ja_public_keys_read(&trusted->keys);
}

/*
 * The iss that tokens must have: that of the line, which must also be ours if
 * that is known.  Where the line has the address of a discovery document, only
 * ours tells it.
 */
static JaStatus
find_issuer(JaString line, JaString ours, JaString *issuer)
{
	bool		is_plain = line.length > 0 && strstr(line.data, WELL_KNOWN) == NULL;

	if (ours.data == NULL && !is_plain)
		return JA_CONNECTION_ISSUER_UNKNOWN;
	if (ours.data != NULL && is_plain && !ja_string_equals(ours, line))
		return JA_CONNECTION_ISSUER_OTHER;
	*issuer = is_plain ? line : ours;
	return JA_OK;
}

/* Tokens of ours name their key, and say that they are access tokens. */
static JaStatus
check_bearer_header(JaString token)
{
	JaCompact	compact;
	JaHeader	header;
	JaStatus	status = ja_verify_size(token);

	if (status != JA_OK)
		return status;
	status = ja_jws_split(token, &compact);
	if (status != JA_OK)
		return status;
	status = ja_jws_header(compact.header, &header);
	if (status != JA_OK)
		return status;
	if (header.kid.data == NULL)
		return JA_TOKEN_KID_MISSING;
	return header.type == JA_TYPE_ACCESS_TOKEN ? JA_OK : JA_CONNECTION_TYPE;
}

/* Verifies all that jwt_verify() would, but for revocation. */
static JaStatus
verify_bearer(JaString token, const JaBearerRule *rule, Jsonb **claims)
{
	JaExpectation expected = {0};
	JaPublished trusted;
	JaVerified	verified = {0};
	JsonbValue	value;
	JaStatus	status = read_trusted(rule->database, &trusted);

	if (status != JA_OK)
		return status;
	status = find_issuer(rule->issuer, trusted.issuer, &expected.issuer);
	if (status != JA_OK)
		return status;
	expected.audience = trusted.audience;
	status = ja_verify_with_keys(token, trusted.keys, &expected, &verified.claims);
	if (status != JA_OK)
		return status;
	*claims = verified.claims;
	/* Where no audience is known, the token is meant for somebody else. */
	if (expected.audience.data == NULL &&
		ja_json_member(&verified.claims->root, "aud", &value) && value.type != jbvNull)
		return JA_TOKEN_AUDIENCE;
	return ja_verified_check_identity(&verified);
}

static bool
has_claim(const JsonbContainer *claims, const char *name)
{
	JsonbValue	value;

	return ja_json_member(claims, name, &value);
}

/*
 * Whether this holder may connect.  Those who act for a user, and visitors
 * without a name, may not; programs and machines only where a scope says so.
 */
static JaStatus
check_holder(const JsonbContainer *claims, const JaBearerRule *rule)
{
	JaString	scope = rule->scope;

	if (has_claim(claims, "act"))
		return JA_IMPERSONATED;
	if (has_claim(claims, "anonymous"))
		return JA_ANONYMOUS;
	if (scope.length == 0 && (has_claim(claims, "api_token") || has_claim(claims, "client_id")))
		return JA_SCOPE_MISSING;
	return ja_scope_is_well_formed(scope) && ja_scope_covers(claims, scope) ?
		JA_OK : JA_SCOPE_MISSING;
}

/*
 * Verifies a token that is to open a connection, and returns its sub, which is
 * in the current memory context.  Fails with JA_TOKEN_..., JA_JWKS_FILE_...,
 * JA_PUBLICATION_..., JA_CONNECTION_..., or what check_holder() finds.
 */
JaStatus
ja_bearer_verify(JaString token, const JaBearerRule *rule, JaString *subject)
{
	const JsonbContainer *container;
	Jsonb	   *claims;
	JaString	role;
	JaStatus	status = check_bearer_header(token);

	if (status != JA_OK)
		return status;
	status = verify_bearer(token, rule, &claims);
	if (status != JA_OK)
		return status;
	container = &claims->root;
	status = check_holder(container, rule);
	if (status != JA_OK)
		return status;
	if (rule->role.data != NULL &&
		(ja_json_string(container, "role", &role) != JA_PRESENT ||
		 !ja_string_equals(role, rule->role)))
		return JA_CONNECTION_ROLE;
	return ja_json_string(container, "sub", subject) == JA_PRESENT && subject->length > 0 ?
		JA_OK : JA_CONNECTION_SUBJECT;
}
