/*-------------------------------------------------------------------------
 *
 * client_options.c
 *	  What a client may do, and how it is authenticated, as an administrator
 *	  writes it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/user_attribute.h"
#include "base/error.h"
#include "keyring/issuer_keys.h"
#include "keyring/option.h"
#include "machine/client_options.h"
#include "token/scope.h"

/* Longest list of scopes, in bytes. */
#define MAX_SCOPE 1024

static JaStatus
read_client_role(const JsonbValue *value, void *options)
{
	JaString	role;
	JaStatus	status = ja_option_read_string(value, NAMEDATALEN - 1, &role);

	if (status == JA_OK)
		((JaClientOptions *) options)->role = pnstrdup(role.data, role.length);
	return status;
}

static JaStatus
read_client_scope(const JsonbValue *value, void *options)
{
	JaString   *scope = &((JaClientOptions *) options)->scope;

	if (value->type != jbvString || value->val.string.len > MAX_SCOPE)
		return JA_ISSUER_OPTION_VALUE;
	*scope = ja_option_text(value);
	return ja_scope_is_well_formed(*scope) ? JA_OK : JA_ISSUER_OPTION_VALUE;
}

static JaStatus
read_client_jwks(const JsonbValue *value, void *options)
{
	if (value->type != jbvBinary)
		return JA_ISSUER_OPTION_VALUE;
	((JaClientOptions *) options)->jwks = JsonbValueToJsonb(unconstify(JsonbValue *, value));
	return JA_OK;
}

static const JaOptionRow client_option_rows[] = {
	{"role", read_client_role, false},
	{"scope", read_client_scope, false},
	{"jwks", read_client_jwks, false},
};

static const JaOptionTable client_options = {client_option_rows, lengthof(client_option_rows)};

/* Brings keys to the form in which they are stored; raises unless they are public. */
static Jsonb *
read_client_keys(const Jsonb *jwks)
{
	JaKeySet   *keys = ja_issuer_keys_read(jwks);

	if (keys->keys[0]->type->kind == JA_OCT)
		ja_raise(JA_CLIENT_SECRET_KEY);
	return ja_issuer_keys_write(keys, false);
}

/*
 * Reads options into the current memory context.  Raises JA_CLIENT_OPTION_UNKNOWN,
 * JA_CLIENT_OPTION_VALUE, or for a role or keys that cannot be used.
 */
void
ja_client_options_read(const JsonbContainer *json, JaClientOptions *options)
{
	JaStatus	status;

	*options = (JaClientOptions) {.scope = {"", 0}};
	status = ja_option_read_all(&client_options, json, options);
	if (status == JA_ISSUER_OPTION_UNKNOWN)
		ja_raise(JA_CLIENT_OPTION_UNKNOWN);
	if (status != JA_OK)
		ja_raise(JA_CLIENT_OPTION_VALUE);
	if (options->role != NULL)
		ja_user_attribute_check_role(options->role);
	if (options->jwks != NULL)
		options->jwks = read_client_keys(options->jwks);
}
