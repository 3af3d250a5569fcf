/*-------------------------------------------------------------------------
 *
 * one_time_token.c
 *	  One-time tokens: rows, and the links, codes and flows that name them.
 *
 * A link is a handle of purpose, id and nonce; a code is digits of a MAC over id,
 * nonce and recipient; a flow is a handle of the id, and proves that the browser
 * which asked is the one that redeems.  None of them is stored: the row has id
 * and nonce, and the key makes the rest when the mailer asks, and again when
 * somebody redeems.  So whoever reads the tables can redeem nothing.
 *
 * A token is void once its user's credentials changed, the address is no longer
 * the user's, or the user is disabled.  Redeeming locks the user's row first,
 * then the token's, as all do that lock both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/identifier.h"
#include "account/one_time_token.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/uuid.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/wait.h"

/* Purpose (1 byte), id (16), nonce (16). */
#define LINK_BODY	33

/* Tokens for one address and purpose that may be live. */
#define MAX_LIVE	3

StaticAssertDecl(LINK_BODY <= JA_HANDLE_MAX_BODY, "size of a link's body");

static const char *const purpose_names[] = {
	[JA_PURPOSE_RECOVERY] = "recovery",
};

static JaPlan insert_token = {
	.sql = "INSERT INTO jwt_auth.one_time_tokens (id, user_id, purpose, recipient, canonical,"
	" credentials_version, nonce, key_number, created_at, expires_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
};

static JaPlan consume_oldest = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET consumed_at = $3"
	" WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT t.id FROM jwt_auth.one_time_tokens AS t"
	" WHERE t.canonical OPERATOR(pg_catalog.=) $1 AND t.purpose OPERATOR(pg_catalog.=) $2"
	" AND t.consumed_at IS NULL AND t.expires_at OPERATOR(pg_catalog.>) $3"
	" ORDER BY t.created_at DESC, t.id DESC OFFSET $4))"
};

static JaPlan consume_one = {
	.sql = "UPDATE jwt_auth.one_time_tokens AS t SET consumed_at = $2"
	" WHERE t.id OPERATOR(pg_catalog.=) $1 AND t.consumed_at IS NULL"
	" AND t.expires_at OPERATOR(pg_catalog.>) $2 AND t.failures OPERATOR(pg_catalog.<) $3"
	" AND EXISTS (SELECT FROM jwt_auth.users AS u WHERE u.id OPERATOR(pg_catalog.=) t.user_id"
	" AND u.credentials_version OPERATOR(pg_catalog.=) t.credentials_version"
	" AND u.disabled_at IS NULL)"
	" AND (t.canonical IS NULL OR EXISTS (SELECT FROM jwt_auth.identifiers AS i"
	" WHERE i.canonical OPERATOR(pg_catalog.=) t.canonical"
	" AND i.user_id OPERATOR(pg_catalog.=) t.user_id AND i.verified_at IS NOT NULL))"
	" RETURNING t.user_id"
};

static JaPlan consume_siblings = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET consumed_at = $2"
	" WHERE user_id OPERATOR(pg_catalog.=) $1 AND consumed_at IS NULL"
};

static JaPlan count_for_user = {
	.sql = "UPDATE jwt_auth.users SET code_failures = pg_catalog.int4pl(code_failures, 1)"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND code_failures OPERATOR(pg_catalog.<) $2"
};

static JaPlan count_for_token = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET failures = pg_catalog.int4pl(failures, 1)"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND consumed_at IS NULL"
	" AND failures OPERATOR(pg_catalog.<) $2"
};

/* Finds a purpose by name. */
bool
ja_purpose_find(JaString name, JaPurpose *purpose)
{
	for (size_t i = JA_PURPOSE_RECOVERY; i < lengthof(purpose_names); i++)
	{
		if (ja_string_is(name, purpose_names[i]))
		{
			*purpose = (JaPurpose) i;
			return true;
		}
	}
	return false;
}

static int64
version_of(const JaUser *user)
{
	return user == NULL ? 0 : user->credentials_version;
}

/*
 * Makes a token of the purpose and for the recipient that it has, and fills in the
 * rest; user is NULL for an address that is nobody's.  Of those that are live for
 * the address, the oldest beyond a few give way.  Within a scope of
 * ja_plan_begin(), and with the address's lock for messages.
 */
void
ja_one_time_token_create(JaOneTimeToken *token, const JaUser *user, int64 ttl_seconds)
{
	TimestampTz now = GetCurrentTimestamp();
	const char *purpose = purpose_names[token->purpose];
	JaValue		canonical = ja_null(BYTEAOID);

	if (token->canonical.data != NULL)
		canonical = ja_bytes_of(token->canonical.data, token->canonical.length);
	token->has_user = user != NULL;
	token->credentials_version = version_of(user);
	token->key_number = ja_handle_key_number(JA_HANDLE_ONE_TIME_TOKEN);
	token->expires_at = ja_seconds_from(now, ttl_seconds);
	ja_check(ja_secret_random(&token->nonce, UUID_LEN));
	ja_plan_write_one(&insert_token,
					  JA_VALUES(ja_uuid(&token->id), ja_uuid(user == NULL ? NULL : &user->id),
								ja_text(purpose), ja_string(token->recipient), canonical,
								ja_bigint(token->credentials_version), ja_uuid(&token->nonce),
								ja_integer(token->key_number), ja_time(now),
								ja_time(token->expires_at)));
	if (token->canonical.data != NULL)
		ja_plan_run_as_of_now(&consume_oldest,
							  JA_VALUES(canonical, ja_text(purpose), ja_time(now),
										ja_bigint(MAX_LIVE)));
}

static void
read_one_time_row(const JaScan *scan, JaOneTimeToken *token)
{
	JaString	purpose = ja_scan_string(scan, Anum_one_time_tokens_purpose);

	token->user = (pg_uuid_t) {0};
	token->has_user = !ja_scan_is_null(scan, Anum_one_time_tokens_user_id);
	if (token->has_user)
		token->user = ja_scan_uuid(scan, Anum_one_time_tokens_user_id);
	if (!ja_purpose_find(purpose, &token->purpose))
		elog(ERROR, "stored one-time token has an unknown purpose");
	token->recipient = ja_scan_string(scan, Anum_one_time_tokens_recipient);
	token->canonical = (JaString) {NULL, 0};
	if (token->recipient.data != NULL)
	{
		bytea	   *canonical = ja_scan_bytes(scan, Anum_one_time_tokens_canonical);

		token->canonical = (JaString) {VARDATA_ANY(canonical), VARSIZE_ANY_EXHDR(canonical)};
	}
	token->credentials_version = ja_scan_bigint(scan, Anum_one_time_tokens_credentials_version);
	token->nonce = ja_scan_uuid(scan, Anum_one_time_tokens_nonce);
	token->key_number = ja_scan_integer(scan, Anum_one_time_tokens_key_number);
	token->failures = ja_scan_integer(scan, Anum_one_time_tokens_failures);
	token->expires_at = ja_scan_time(scan, Anum_one_time_tokens_expires_at);
	token->is_consumed = !ja_scan_is_null(scan, Anum_one_time_tokens_consumed_at);
}

/* Finds a token by id, as of now. */
bool
ja_one_time_token_find(const pg_uuid_t *id, JaOneTimeToken *token)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_ONE_TIME_TOKENS, JA_ONE_TIME_TOKENS_PKEY,
					  JA_WHERE(ja_equal(Anum_one_time_tokens_id, ja_uuid(id)))))
		return false;
	token->id = *id;
	read_one_time_row(&scan, token);
	ja_scan_end(&scan);
	return true;
}

/* Whether the address is still the user's, if the token was sent to one. */
static bool
is_to_owner(const JaOneTimeToken *token)
{
	JaIdentifier identifier;
	pg_uuid_t	owner;

	return token->canonical.data == NULL ||
		(ja_identifier_find(token->canonical, &owner, &identifier) && identifier.is_verified &&
		 ja_uuid_equals(&owner, &token->user));
}

/*
 * Whether a token could be redeemed now, and by whom.  One for nobody takes as
 * many look-ups as any other.
 */
bool
ja_one_time_token_is_live(const JaOneTimeToken *token, JaUser *user)
{
	bool		is_known = ja_user_find_by_id(token->has_user ? &token->user : &token->id, user);
	bool		is_to_user = is_to_owner(token);

	return token->has_user && is_known && is_to_user && !user->is_disabled &&
		!token->is_consumed && token->failures < JA_CODE_MAX_FAILURES &&
		token->expires_at > GetCurrentTimestamp() &&
		token->credentials_version == user->credentials_version;
}

/*
 * Redeems a token, whose user's row the caller has locked; false if it is not live
 * any more.  All others of the user are consumed with it.  Within a scope of
 * ja_plan_begin().
 */
bool
ja_one_time_token_consume(const JaOneTimeToken *token)
{
	TimestampTz now = GetCurrentTimestamp();

	if (ja_plan_run_on_latest(&consume_one,
							  JA_VALUES(ja_uuid(&token->id), ja_time(now),
										ja_integer(JA_CODE_MAX_FAILURES))) != 1)
		return false;
	ja_plan_run_on_latest(&consume_siblings, JA_VALUES(ja_uuid(&token->user), ja_time(now)));
	return true;
}

/*
 * Counts a wrong code for the token and its user; with the address's lock for
 * codes, within a scope of ja_plan_begin().
 */
void
ja_one_time_token_count_failure(const JaOneTimeToken *token)
{
	JaWait		wait;

	ja_wait_begin(&wait);
	ja_plan_run(&count_for_user, JA_VALUES(ja_uuid(token->has_user ? &token->user : NULL),
										   ja_integer(JA_CODE_MAX_USER_FAILURES)));
	ja_plan_run_as_of_now(&count_for_token, JA_VALUES(ja_uuid(&token->id),
													  ja_integer(JA_CODE_MAX_FAILURES)));
	ja_wait_end(&wait);
}

/* Reads a link of the purpose; false if form, MAC or purpose is wrong. */
bool
ja_one_time_token_read(JaString text, JaPurpose purpose, pg_uuid_t *id, pg_uuid_t *nonce)
{
	uint8		body[LINK_BODY];
	int32		key_number;

	if (!ja_handle_read(JA_HANDLE_ONE_TIME_TOKEN, text, &key_number, body) ||
		body[0] != (uint8) purpose)
		return false;
	memcpy(id, body + 1, UUID_LEN);
	memcpy(nonce, body + 1 + UUID_LEN, UUID_LEN);
	return true;
}

/* Writes the link; its key must be one that ja_handle_can_write(). */
JaString
ja_one_time_token_write(const JaOneTimeToken *token)
{
	uint8		body[LINK_BODY];
	size_t		length = JA_HANDLE_LENGTH(LINK_BODY);
	char	   *text = palloc0(length + 1);

	body[0] = (uint8) token->purpose;
	memcpy(body + 1, &token->id, UUID_LEN);
	memcpy(body + 1 + UUID_LEN, &token->nonce, UUID_LEN);
	ja_handle_write(JA_HANDLE_ONE_TIME_TOKEN, token->key_number, body, text);
	return (JaString) {text, length};
}

/* Reads a flow: the id of the token that was asked for. */
bool
ja_flow_read(JaString text, pg_uuid_t *id)
{
	uint8		body[UUID_LEN];
	int32		key_number;

	if (!ja_handle_read(JA_HANDLE_FLOW, text, &key_number, body))
		return false;
	memcpy(id, body, UUID_LEN);
	return true;
}

/* Writes a flow, also for an id that no token has. */
JaString
ja_flow_write(const pg_uuid_t *id)
{
	size_t		length = JA_HANDLE_LENGTH(UUID_LEN);
	char	   *text = palloc0(length + 1);

	ja_handle_write(JA_HANDLE_FLOW, ja_handle_key_number(JA_HANDLE_FLOW), id->data, text);
	return (JaString) {text, length};
}

/* Writes the code of a token that has a recipient, JA_CODE_DIGITS digits and NUL. */
void
ja_one_time_token_code(const JaOneTimeToken *token, char *code)
{
	StringInfoData input;

	initStringInfo(&input);
	appendBinaryStringInfo(&input, (const char *) token->id.data, UUID_LEN);
	appendBinaryStringInfo(&input, (const char *) token->nonce.data, UUID_LEN);
	appendBinaryStringInfo(&input, token->recipient.data, (int) token->recipient.length);
	ja_handle_write_code(token->key_number, (JaString) {input.data, input.len}, code);
}
