/*-------------------------------------------------------------------------
 *
 * token_request.c
 *	  Requests to the token endpoint (RFC 6749 section 3.2): clients get access
 *	  tokens (section 4.4), and users refresh theirs (section 6).
 *
 * The parameters are those of the form that a client sent, as a JSON object of
 * strings.  What is wrong with them is answered as section 5.2 says, and never
 * raised.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/login.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "machine/client_assertion.h"
#include "machine/client_secret.h"
#include "machine/token_request.h"
#include "session/refresh.h"
#include "session/session.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "token/scope.h"

/* Longest parameter but for an assertion, in bytes. */
#define MAX_PARAMETER 1024

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* Parameters; data NULL: absent, or without a value, which is the same (section 3.2). */
typedef struct Request
{
	JaString	grant_type;
	JaString	client_id;
	JaString	client_secret;
	JaString	assertion_type;
	JaString	assertion;
	JaString	scope;
	JaString	refresh_token;
} Request;

typedef struct Parameter
{
	const char *name;
	size_t		offset;			/* in a Request */
	bool		is_token;		/* may be longer */
} Parameter;

static const Parameter parameters[] = {
	{"grant_type", offsetof(Request, grant_type), false},
	{"client_id", offsetof(Request, client_id), false},
	{"client_secret", offsetof(Request, client_secret), false},
	{"client_assertion_type", offsetof(Request, assertion_type), false},
	{"client_assertion", offsetof(Request, assertion), true},
	{"scope", offsetof(Request, scope), false},
	{"refresh_token", offsetof(Request, refresh_token), false},
};

static Jsonb *
answer_invalid(const char *description)
{
	return ja_answer_error(JA_ERROR_INVALID_REQUEST, description);
}

/* Reads a parameter; false if it is no string, or too long. */
static bool
read_parameter(const JsonbContainer *json, const Parameter *parameter, Request *request)
{
	JaString	value = {NULL, 0};
	JaString   *place = (JaString *) ((char *) request + parameter->offset);

	if (ja_json_string(json, parameter->name, &value) == JA_MISTYPED ||
		(!parameter->is_token && value.length > MAX_PARAMETER))
		return false;
	*place = value.length == 0 ? (JaString) {NULL, 0} : value;
	return true;
}

/* Reads the parameters that mean something here; others are ignored. */
static bool
read_parameters(const JsonbContainer *json, Request *request)
{
	for (size_t i = 0; i < lengthof(parameters); i++)
	{
		if (!read_parameter(json, &parameters[i], request))
			return false;
	}
	return true;
}

static Jsonb *
deny_client(void)
{
	ja_count(JA_COUNT_ATTEMPTS_DENIED);
	return ja_answer_invalid_client();
}

static Jsonb *
authenticate_by_assertion(const Request *request, JaClientRow *client, pg_uuid_t *credential)
{
	JaStatus	status;
	char		id[JA_UUID_TEXT];

	if (request->assertion_type.data == NULL ||
		!ja_string_is(request->assertion_type, ASSERTION_TYPE))
		return answer_invalid("client_assertion_type is not known");
	status = ja_client_assertion_redeem(request->assertion, client);
	if (status != JA_OK)
	{
		ja_log_refusal(status);
		return deny_client();
	}
	ja_uuid_write(&client->id, id);
	if (request->client_id.data != NULL &&
		!ja_string_equals(request->client_id, (JaString) {id, sizeof(id)}))
		return deny_client();
	*credential = client->current.id;
	return NULL;
}

static Jsonb *
authenticate_by_secret(const Request *request, JaClientRow *client, pg_uuid_t *credential)
{
	const pg_uuid_t *shown;
	pg_uuid_t	id;

	if (request->client_id.data == NULL ||
		!ja_uuid_parse(request->client_id.data, request->client_id.length, &id))
		return deny_client();
	/* An unknown client has no secret, but takes as long to refuse. */
	if (!ja_client_find(&id, client))
		client->id = id;
	shown = ja_client_secret_match(client, request->client_secret);
	if (shown == NULL)
		return deny_client();
	*credential = *shown;
	return NULL;
}

/* Authenticates the client in one way (section 2.3).  Returns NULL, or the answer. */
static Jsonb *
authenticate_client(const Request *request, JaClientRow *client, pg_uuid_t *credential)
{
	if (request->client_secret.data != NULL && request->assertion.data != NULL)
		return answer_invalid("client_secret and client_assertion must not both be sent");
	if (request->assertion.data != NULL)
		return authenticate_by_assertion(request, client, credential);
	if (request->client_secret.data != NULL)
		return authenticate_by_secret(request, client, credential);
	return deny_client();
}

/* Claims of a client's access token, whose sub no user can have. */
static Jsonb *
make_client_claims(const JaClientRow *client, const pg_uuid_t *credential, JaString scope)
{
	char		id[JA_UUID_TEXT];
	char	   *subject;
	JaJsonState state = {0};

	ja_uuid_write(&client->id, id);
	subject = psprintf(JA_CLIENT_SUBJECT "%.*s", JA_UUID_TEXT, id);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&state, "sub", subject, strlen(subject));
	ja_json_add_string(&state, "client_id", id, JA_UUID_TEXT);
	ja_json_add_uuid(&state, "credential_id", credential);
	ja_json_add_string(&state, "scope", scope.data, scope.length);
	if (client->role != NULL)
		ja_json_add_string(&state, "role", client->role, strlen(client->role));
	return ja_json_end_object(&state);
}

static Jsonb *
answer_client_token(const JaClientRow *client, const pg_uuid_t *credential, JaString scope)
{
	JaTokens	tokens = {.scope = scope};

	tokens.expires_in_seconds = Min(ja_settings.access_token_ttl_seconds,
									ja_settings.max_token_ttl_seconds);
	tokens.access_token = ja_session_sign(make_client_claims(client, credential, scope),
										  tokens.expires_in_seconds, GetCurrentTimestamp());
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "client_login", .level = JA_AUDIT_ALL, .client = &client->id
				   });
	return ja_answer_tokens(&tokens);
}

/* Whether a client has all scopes of a list. */
static bool
has_scopes(const JaClientRow *client, JaString list)
{
	JsonbValue	own = {.type = jbvString};
	JaString	scope;

	own.val.string.val = unconstify(char *, client->scope.data);
	own.val.string.len = (int) client->scope.length;
	while (ja_scope_next(&list, &scope))
	{
		if (!ja_scope_holds(&own, scope))
			return false;
	}
	return true;
}

/* An access token of the client's own (section 4.4). */
static Jsonb *
grant_client_credentials(const Request *request)
{
	JaClientRow client = {0};
	pg_uuid_t	credential;
	Jsonb	   *denial;
	JaString	scope = request->scope;

	ja_login_require_keys();
	denial = authenticate_client(request, &client, &credential);
	if (denial != NULL)
		return denial;
	if (scope.data == NULL)
		scope = client.scope;
	else if (!ja_scope_is_well_formed(scope) || !has_scopes(&client, scope))
		return ja_answer_error(JA_ERROR_INVALID_SCOPE, "the client does not have this scope");
	return answer_client_token(&client, &credential, scope);
}

/*
 * New tokens of a user's session (section 6).  Refresh tokens are of no client, but
 * one that says who it is must be that.
 */
static Jsonb *
grant_refresh(const Request *request)
{
	JaClientRow client = {0};
	pg_uuid_t	credential;
	Jsonb	   *denial = NULL;

	if (request->refresh_token.data == NULL)
		return answer_invalid("refresh_token is missing");
	if (request->scope.data != NULL)
		return ja_answer_error(JA_ERROR_INVALID_SCOPE, "a refresh does not change the scope");
	if (request->client_secret.data != NULL || request->assertion.data != NULL)
		denial = authenticate_client(request, &client, &credential);
	return denial != NULL ? denial : ja_refresh(request->refresh_token);
}

/*
 * Answers a request: with tokens, or an error object.  Raises without a signing key,
 * or if a hook fails.
 */
Jsonb *
ja_token_request(const Jsonb *json)
{
	Request		request = {.grant_type = {NULL, 0}};

	if (!ja_json_is_object(&json->root))
		return answer_invalid("the parameters must be a JSON object");
	if (!read_parameters(&json->root, &request))
		return answer_invalid("a parameter is not a string, or is too long");
	if (request.grant_type.data == NULL)
		return answer_invalid("grant_type is missing");
	if (ja_string_is(request.grant_type, "client_credentials"))
		return grant_client_credentials(&request);
	if (ja_string_is(request.grant_type, "refresh_token"))
		return grant_refresh(&request);
	return ja_answer_error(JA_ERROR_UNSUPPORTED_GRANT_TYPE,
						   "grant_type must be client_credentials or refresh_token");
}
