/*-------------------------------------------------------------------------
 *
 * one_time_token.c
 *	  The rows of one-time tokens.
 *
 * A token is void once its user's credentials changed, the user is disabled
 * or banned, or the address belongs to somebody else than its purpose says.  Redeeming locks the
 * user's row first, then the token's, as all do that lock both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
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

/* Tokens for one address and purpose that may be live. */
#define MAX_LIVE	3

static JaPlan insert_token = {
	.sql = "INSERT INTO jwt_auth.one_time_tokens (id, user_id, purpose, recipient, canonical,"
	" credentials_version, nonce, key_number, created_at, expires_at, data)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
};

/*
 * By id, which grows with time, and by an index, whenever it was planned; but not those
 * that another transaction holds: a request waits for nobody.
 */
static JaPlan consume_oldest = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET consumed_at = $3, data = NULL"
	" WHERE canonical OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=)"
	" ANY (ARRAY(SELECT o.id FROM jwt_auth.one_time_tokens AS o"
	" WHERE o.canonical OPERATOR(pg_catalog.=) $1 AND o.purpose OPERATOR(pg_catalog.=) $2"
	" AND o.consumed_at IS NULL AND o.expires_at OPERATOR(pg_catalog.>) $3"
	" AND o.id OPERATOR(pg_catalog.<=) (SELECT t.id FROM jwt_auth.one_time_tokens AS t"
	" WHERE t.canonical OPERATOR(pg_catalog.=) $1 AND t.purpose OPERATOR(pg_catalog.=) $2"
	" AND t.consumed_at IS NULL AND t.expires_at OPERATOR(pg_catalog.>) $3"
	" ORDER BY t.id DESC OFFSET $4 LIMIT 1) FOR UPDATE SKIP LOCKED))"
};

/* Whether the token of a user can be redeemed, or one that makes a user. */
static JaPlan consume_one = {
	.sql = "UPDATE jwt_auth.one_time_tokens AS t SET consumed_at = $2, data = NULL"
	" WHERE t.id OPERATOR(pg_catalog.=) $1 AND t.consumed_at IS NULL"
	" AND t.expires_at OPERATOR(pg_catalog.>) $2 AND t.failures OPERATOR(pg_catalog.<) $3"
	" AND (CASE WHEN $4 THEN EXISTS (SELECT FROM jwt_auth.users AS u"
	" WHERE u.id OPERATOR(pg_catalog.=) t.user_id"
	" AND ($6 OR u.credentials_version OPERATOR(pg_catalog.=) t.credentials_version)"
	" AND u.disabled_at IS NULL"
	" AND (u.banned_until IS NULL OR u.banned_until OPERATOR(pg_catalog.<=) $2))"
	" ELSE t.user_id IS NULL END)"
	" AND (t.canonical IS NULL OR $5 IS NULL OR $5 OPERATOR(pg_catalog.=)"
	" EXISTS (SELECT FROM jwt_auth.identifiers AS i"
	" WHERE i.canonical OPERATOR(pg_catalog.=) t.canonical AND (NOT $5"
	" OR i.user_id OPERATOR(pg_catalog.=) t.user_id AND i.verified_at IS NOT NULL)))"
};

static JaPlan consume_siblings = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET consumed_at = $2, data = NULL"
	" WHERE user_id OPERATOR(pg_catalog.=) $1 AND consumed_at IS NULL"
	" AND purpose OPERATOR(pg_catalog.<>) 'undo'"
	" AND ($3 IS NULL OR purpose OPERATOR(pg_catalog.=) $3)"
};

/* Of those that would make a user. */
static JaPlan consume_siblings_of_address = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET consumed_at = $2, data = NULL"
	" WHERE canonical OPERATOR(pg_catalog.=) $1 AND user_id IS NULL AND consumed_at IS NULL"
};

static JaPlan count_for_user = {
	.sql = "UPDATE jwt_auth.users SET code_failures = pg_catalog.int4pl(code_failures, 1)"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND code_failures OPERATOR(pg_catalog.<) $2"
};

/* Written in place of the count of a user whom there is not, or whose count is full. */
static JaPlan count_for_nobody = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET failures = failures"
	" WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan count_for_token = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET failures = pg_catalog.int4pl(failures, 1)"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND consumed_at IS NULL"
	" AND failures OPERATOR(pg_catalog.<) $2"
};

/*
 * Makes a token of the purpose and for the recipient that it has, and fills in the
 * rest; user is NULL for an address that is nobody's, and then the version of
 * credentials is as it was given.  Of those that are live for
 * the address, the oldest beyond a few give way.  Within a scope of
 * ja_plan_begin(), and with the address's lock for messages.
 */
void
ja_one_time_token_create(JaOneTimeToken *token, const JaUser *user, int64 ttl_seconds)
{
	TimestampTz now = GetCurrentTimestamp();
	const JaPurposeRow *purpose = ja_purpose_row(token->purpose);
	JaValue		canonical = ja_octets(token->canonical);

	token->has_user = user != NULL;
	if (user != NULL)
		token->credentials_version = user->credentials_version;
	token->key_number = ja_handle_key_number(JA_HANDLE_ONE_TIME_TOKEN);
	token->expires_at = ja_seconds_from(now, ttl_seconds);
	ja_check(ja_secret_random(&token->nonce, UUID_LEN));
	ja_plan_write_one(&insert_token,
					  JA_VALUES(ja_uuid(&token->id), ja_uuid(user == NULL ? NULL : &user->id),
								ja_text(purpose->name), ja_string(token->recipient), canonical,
								ja_bigint(token->credentials_version), ja_uuid(&token->nonce),
								ja_integer(token->key_number), ja_time(now),
								ja_time(token->expires_at), ja_jsonb(token->data)));
	if (token->canonical.data == NULL || purpose->outlives_changes)
		return;
	ja_plan_run_as_of_now(&consume_oldest, JA_VALUES(canonical, ja_text(purpose->name), ja_time(now),
													 ja_bigint(MAX_LIVE)));
}

static void
read_one_time_row(const JaScan *scan, void *row)
{
	JaOneTimeToken *token = row;
	JaString	purpose = ja_scan_string(scan, Anum_one_time_tokens_purpose);

	token->id = ja_scan_uuid(scan, Anum_one_time_tokens_id);
	token->user = (pg_uuid_t) {0};
	token->has_user = !ja_scan_is_null(scan, Anum_one_time_tokens_user_id);
	if (token->has_user)
		token->user = ja_scan_uuid(scan, Anum_one_time_tokens_user_id);
	if (!ja_purpose_find(purpose, &token->purpose))
		elog(ERROR, "stored one-time token has an unknown purpose");
	token->recipient = ja_scan_string(scan, Anum_one_time_tokens_recipient);
	token->canonical = ja_scan_octets(scan, Anum_one_time_tokens_canonical);
	token->credentials_version = ja_scan_bigint(scan, Anum_one_time_tokens_credentials_version);
	token->nonce = ja_scan_uuid(scan, Anum_one_time_tokens_nonce);
	token->key_number = ja_scan_integer(scan, Anum_one_time_tokens_key_number);
	token->failures = ja_scan_integer(scan, Anum_one_time_tokens_failures);
	token->expires_at = ja_scan_time(scan, Anum_one_time_tokens_expires_at);
	token->is_consumed = !ja_scan_is_null(scan, Anum_one_time_tokens_consumed_at);
	token->data = ja_scan_jsonb(scan, Anum_one_time_tokens_data);
}

static const JaRowType one_time_rows = {
	JA_ONE_TIME_TOKENS, sizeof(JaOneTimeToken), read_one_time_row
};

/* Finds a token by id, as of now. */
bool
ja_one_time_token_find(const pg_uuid_t *id, JaOneTimeToken *token)
{
	return ja_scan_read(&one_time_rows, JA_ONE_TIME_TOKENS_PKEY,
						JA_WHERE(ja_equal(Anum_one_time_tokens_id, ja_uuid(id))), token);
}

/* Whether the address, if the token was sent to one, is whose it must be. */
static bool
is_to_owner(const JaOneTimeToken *token)
{
	JaIdentifier identifier;
	pg_uuid_t	owner;
	bool		is_somebodys;

	if (token->canonical.data == NULL)
		return true;
	is_somebodys = ja_identifier_find(token->canonical, &owner, &identifier);
	switch (ja_purpose_row(token->purpose)->owner)
	{
		case JA_OWNER_USER:
			return is_somebodys && identifier.is_verified && ja_uuid_equals(&owner, &token->user);
		case JA_OWNER_NOBODY:
			return !is_somebodys;
		case JA_OWNER_ANYBODY:
			break;
	}
	return true;
}

/* Whether the token's user, if its purpose has one, is as when it was made. */
static bool
is_of_user(const JaOneTimeToken *token, const JaUser *user, bool is_known)
{
	const JaPurposeRow *purpose = ja_purpose_row(token->purpose);

	if (!purpose->has_user)
		return !token->has_user;
	return token->has_user && is_known && !user->is_disabled &&
		(purpose->outlives_changes ||
		 token->credentials_version == user->credentials_version);
}

/*
 * Whether a token could be redeemed now, and by whom, if its purpose has a user.
 * One for nobody takes as many look-ups as any other.
 */
bool
ja_one_time_token_is_live(const JaOneTimeToken *token, JaUser *user)
{
	bool		is_known = ja_user_find_standing(token->has_user ? &token->user : &token->id, user);
	bool		is_to_user = is_to_owner(token);

	return is_of_user(token, user, is_known) && is_to_user && !token->is_consumed &&
		token->failures < JA_CODE_MAX_FAILURES && token->expires_at > GetCurrentTimestamp();
}

/* What consume_one needs to know of the recipient's owner; NULL: nothing. */
static JaValue
must_be_owned(JaPurposeOwner owner)
{
	return owner == JA_OWNER_ANYBODY ? ja_null(BOOLOID) : ja_bool(owner == JA_OWNER_USER);
}

/*
 * Redeems a token, whose user's row the caller has locked; false if it is not live
 * any more.  Others of the user, or for the address that becomes one's, are consumed
 * with it, and all that durably.  Within a scope of ja_plan_begin().
 */
bool
ja_one_time_token_consume(const JaOneTimeToken *token)
{
	const JaPurposeRow *purpose = ja_purpose_row(token->purpose);
	TimestampTz now = GetCurrentTimestamp();
	JaWait		wait;
	bool		is_live;

	ForceSyncCommit();
	ja_wait_begin(&wait);
	is_live = ja_plan_run_on_latest(&consume_one,
									JA_VALUES(ja_uuid(&token->id), ja_time(now),
											  ja_integer(JA_CODE_MAX_FAILURES),
											  ja_bool(purpose->has_user),
											  must_be_owned(purpose->owner),
											  ja_bool(purpose->outlives_changes))) == 1;
	if (is_live && token->has_user)
		ja_plan_run_on_latest(&consume_siblings,
							  JA_VALUES(ja_uuid(&token->user), ja_time(now),
										ja_text(purpose->spares_others ? purpose->name : NULL)));
	else if (is_live)
		ja_plan_run_on_latest(&consume_siblings_of_address,
							  JA_VALUES(ja_octets(token->canonical),
										ja_time(now)));
	ja_wait_end(&wait);
	return is_live;
}

/*
 * Takes as long as a user's row takes to be found and written: that has triggers, and
 * a row of tokens has none, so that it is written twice.
 */
static void
count_nowhere(const JaOneTimeToken *token)
{
	for (int i = 0; i < 2; i++)
		ja_plan_run_as_of_now(&count_for_nobody, JA_VALUES(ja_uuid(&token->id)));
}

/*
 * Counts a wrong code for the token and its user; with the address's lock for
 * codes, within a scope of ja_plan_begin().  It takes the user's turn before the row,
 * so that logins beside a denial that stays open are told to come again; without
 * it, only the token counts.
 */
void
ja_one_time_token_count_failure(const JaOneTimeToken *token)
{
	JaWait		wait;
	bool		has_turn = ja_user_wait_turn(token->has_user ? &token->user : &token->id);

	ja_wait_begin(&wait);
	if (has_turn &&
		ja_plan_run(&count_for_user,
					JA_VALUES(ja_uuid(token->has_user ? &token->user : NULL),
							  ja_integer(JA_CODE_MAX_USER_FAILURES))) == 0)
		count_nowhere(token);
	ja_plan_run_as_of_now(&count_for_token, JA_VALUES(ja_uuid(&token->id),
													  ja_integer(JA_CODE_MAX_FAILURES)));
	ja_wait_end(&wait);
}
