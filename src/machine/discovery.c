/*-------------------------------------------------------------------------
 *
 * discovery.c
 *	  What clients may know of this authorization server (RFC 8414 section 2).
 *
 * The database does not know under which addresses a gateway serves it: where
 * the settings name none, the gateway adds them.  The keys stand in the document
 * itself unless it says where they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "base/settings.h"
#include "jose/algorithm.h"
#include "keyring/jwks.h"
#include "machine/discovery.h"

static void
add_element(JaJsonState *state, const char *text)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = unconstify(char *, text);
	value.val.string.len = (int) strlen(text);
	ja_json_push(state, WJB_ELEM, &value);
}

static void
add_list(JaJsonState *state, const char *name, const char *const *texts, size_t count)
{
	ja_json_add_key(state, name);
	ja_json_push(state, WJB_BEGIN_ARRAY, NULL);
	for (size_t i = 0; i < count; i++)
		add_element(state, texts[i]);
	ja_json_push(state, WJB_END_ARRAY, NULL);
}

/* The algorithms with which clients may sign assertions: all but those with a secret. */
static void
add_algorithms(JaJsonState *state)
{
	const JaAlgorithm *algorithm;

	ja_json_add_key(state, "token_endpoint_auth_signing_alg_values_supported");
	ja_json_push(state, WJB_BEGIN_ARRAY, NULL);
	for (size_t i = 0; (algorithm = ja_algorithm_at(i)) != NULL; i++)
	{
		if (algorithm->kind != JA_OCT && ja_algorithm_available(algorithm) == JA_OK)
			add_element(state, algorithm->name);
	}
	ja_json_push(state, WJB_END_ARRAY, NULL);
}

/* Adds a setting's value; false if there is none. */
static bool
add_setting(JaJsonState *state, const char *name, const char *setting)
{
	JaString	value = ja_settings_text(setting);

	if (value.data == NULL)
		return false;
	ja_json_add_string(state, name, value.data, value.length);
	return true;
}

/* Makes the document; raises JA_CLIENT_ISSUER_UNSET. */
Jsonb *
ja_discovery_make(void)
{
	static const char *const grants[] = {"client_credentials", "refresh_token"};
	static const char *const methods[] = {
		"client_secret_basic", "client_secret_post", "private_key_jwt", "none"
	};
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	if (!add_setting(&state, "issuer", ja_settings.issuer))
		ja_raise(JA_CLIENT_ISSUER_UNSET);
	(void) add_setting(&state, "token_endpoint", ja_settings.token_endpoint);
	if (!add_setting(&state, "jwks_uri", ja_settings.jwks_uri))
		ja_json_add_container(&state, "jwks", &ja_jwks_make()->root);
	add_list(&state, "response_types_supported", NULL, 0);
	add_list(&state, "grant_types_supported", grants, lengthof(grants));
	add_list(&state, "token_endpoint_auth_methods_supported", methods, lengthof(methods));
	add_algorithms(&state);
	return ja_json_end_object(&state);
}
