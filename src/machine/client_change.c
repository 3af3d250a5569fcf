/*-------------------------------------------------------------------------
 *
 * client_change.c
 *	  Creating and deleting clients, and replacing their secrets.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "machine/client_change.h"
#include "machine/client_options.h"
#include "machine/client_secret.h"
#include "session/answer.h"
#include "store/audit.h"
#include "store/plan.h"

static void
audit_client(const char *event, const pg_uuid_t *id)
{
	ja_audit_write(&(JaAuditEvent) {.event = event, .client = id});
}

/* What an administrator is shown; a secret now only. */
static Jsonb *
answer_client(const pg_uuid_t *id, JaString secret)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_uuid(&state, "client_id", id);
	if (secret.data != NULL)
		ja_json_add_string(&state, "client_secret", secret.data, secret.length);
	return ja_answer_object(&state);
}

/*
 * Creates a client, with a secret unless it has keys.  Raises for options that
 * cannot be used.
 */
Jsonb *
ja_client_change_create(JaString name, const Jsonb *json)
{
	JaClientOptions options;
	JaClientRow client = {0};
	JaString	secret = {NULL, 0};
	JaPlanScope scope;

	ja_client_options_read(&json->root, &options);
	ja_check(ja_uuid_make(GetCurrentTimestamp(), &client.id));
	client.role = options.role;
	client.scope = options.scope;
	client.jwks = options.jwks;
	if (client.jwks == NULL)
		secret = ja_client_secret_make(&client.id, &client.current);
	else
		ja_check(ja_secret_random(&client.current.id, sizeof(client.current.id)));
	ja_plan_begin(&scope);
	ja_client_insert(&client, name);
	ja_plan_end(&scope);
	audit_client("client_created", &client.id);
	return answer_client(&client.id, secret);
}

/*
 * Gives a client another secret beside the one of now; what it had before that, and
 * the tokens that were made with it, are void.  Raises JA_CLIENT_UNKNOWN.
 */
Jsonb *
ja_client_change_rotate(const pg_uuid_t *id)
{
	JaClientCredential credential;
	JaString	secret = ja_client_secret_make(id, &credential);
	JaPlanScope scope;

	ja_plan_begin(&scope);
	if (!ja_client_replace_secret(id, &credential))
		ja_raise(JA_CLIENT_UNKNOWN);
	ja_plan_end(&scope);
	audit_client("client_secret_rotated", id);
	return answer_client(id, secret);
}

/* Deletes a client, whose tokens are void from now on.  Raises JA_CLIENT_UNKNOWN. */
void
ja_client_change_delete(const pg_uuid_t *id)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	if (!ja_client_delete(id))
		ja_raise(JA_CLIENT_UNKNOWN);
	ja_plan_end(&scope);
	audit_client("client_deleted", id);
}
