/*-------------------------------------------------------------------------
 *
 * recovery_code.c
 *	  Recovery codes, which stand in for a second factor that was lost.
 *
 * Each has 80 bits, in Crockford's base32, and counts once.  What is kept is a
 * keyed hash of user and code, so that nobody who reads the table learns one, and a
 * row is of no use to another user.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "factor/base32.h"
#include "factor/recovery_code.h"
#include "keyring/name_hash.h"
#include "store/plan.h"

#define HASH_PURPOSE "jwt_auth recovery code"

#define CODES		10
#define CODE_BYTES	10
#define CODE_LENGTH JA_BASE32_LENGTH(CODE_BYTES)

/* Characters between two hyphens. */
#define GROUP 4

static JaPlan insert_code = {
	.sql = "INSERT INTO jwt_auth.recovery_codes (user_id, hash, created_at) VALUES ($1, $2, $3)"
};

static JaPlan use_code = {
	.sql = "DELETE FROM jwt_auth.recovery_codes WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND hash OPERATOR(pg_catalog.=) $2"
};

static JaPlan delete_codes = {
	.sql = "DELETE FROM jwt_auth.recovery_codes WHERE user_id OPERATOR(pg_catalog.=) $1"
};

static JaPlan count_codes = {
	.sql = "SELECT pg_catalog.count(*) FROM jwt_auth.recovery_codes"
	" WHERE user_id OPERATOR(pg_catalog.=) $1"
};

/* Hashes the CODE_LENGTH characters of a code for its user. */
static JaValue
hash_code(const pg_uuid_t *user, const char *code)
{
	char		input[UUID_LEN + CODE_LENGTH];
	uint8		hash[JA_NAME_HASH_SIZE];

	memcpy(input, user->data, UUID_LEN);
	memcpy(input + UUID_LEN, code, CODE_LENGTH);
	ja_name_hash_make(HASH_PURPOSE, input, sizeof(input), hash);
	OPENSSL_cleanse(input, sizeof(input));
	return ja_bytes_of(hash, sizeof(hash));
}

/* Adds a code to the array as people read it: in groups, with hyphens. */
static void
push_code(JaJsonState *array, const char *code)
{
	char	   *text = palloc(CODE_LENGTH + CODE_LENGTH / GROUP);
	JsonbValue	value = {.type = jbvString};
	int			length = 0;

	for (int i = 0; i < CODE_LENGTH; i++)
	{
		if (i > 0 && i % GROUP == 0)
			text[length++] = '-';
		text[length++] = code[i];
	}
	value.val.string.val = text;
	value.val.string.len = length;
	ja_json_push(array, WJB_ELEM, &value);
}

/*
 * Makes codes for a user, whose former ones are void, and adds them to an array;
 * they are shown now only.  Within a scope of ja_plan_begin().
 */
void
ja_recovery_codes_make(const pg_uuid_t *user, JaJsonState *array)
{
	pg_uuid_t	owner = *user;
	uint8		bytes[CODE_BYTES];
	char		code[CODE_LENGTH];

	ja_recovery_codes_delete(&owner);
	for (int i = 0; i < CODES; i++)
	{
		ja_check(ja_secret_random(bytes, sizeof(bytes)));
		ja_base32_encode(ja_base32_crockford, bytes, sizeof(bytes), code);
		ja_plan_write_one(&insert_code, JA_VALUES(ja_uuid(&owner), hash_code(&owner, code),
												  ja_time(GetCurrentTimestamp())));
		push_code(array, code);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(code, sizeof(code));
}

/* The character that somebody meant who typed this one; 0 for none. */
static char
read_character(char typed)
{
	char		upper = (char) pg_toupper((unsigned char) typed);

	if (upper == 'O')
		return '0';
	if (upper == 'I' || upper == 'L')
		return '1';
	if (upper == '\0' || strchr(ja_base32_crockford, upper) == NULL)
		return '\0';
	return upper;
}

/* Reads what was typed, with or without hyphens and spaces; false for what is no code. */
static bool
read_code(JaString typed, char *code)
{
	int			length = 0;

	for (size_t i = 0; i < typed.length; i++)
	{
		char		character = read_character(typed.data[i]);

		if (typed.data[i] == '-' || typed.data[i] == ' ')
			continue;
		if (character == '\0' || length == CODE_LENGTH)
			return false;
		code[length++] = character;
	}
	return length == CODE_LENGTH;
}

/* Uses up a code of the user; false if it is none. */
bool
ja_recovery_code_use(const pg_uuid_t *user, JaString typed)
{
	char		code[CODE_LENGTH] = "";
	bool		is_code = read_code(typed, code);
	JaValue		hash = hash_code(user, code);

	OPENSSL_cleanse(code, sizeof(code));
	return is_code && ja_plan_run_on_latest(&use_code, JA_VALUES(ja_uuid(user), hash)) == 1;
}

void
ja_recovery_codes_delete(const pg_uuid_t *user)
{
	ja_plan_run_on_latest(&delete_codes, JA_VALUES(ja_uuid(user)));
}

/* How many codes a user has left. */
int64
ja_recovery_codes_left(const pg_uuid_t *user)
{
	bool		is_null;

	ja_plan_run_on_latest(&count_codes, JA_VALUES(ja_uuid(user)));
	return DatumGetInt64(ja_plan_result(0, 1, &is_null));
}
