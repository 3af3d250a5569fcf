/*-------------------------------------------------------------------------
 *
 * expected.c
 *	  Reads what the relying party expects of a ceremony.
 *
 * The relying party's own code writes it, so that what is missing, unknown or of
 * another type is a mistake, and never taken for leave to skip a check.  The
 * members that belong to a stored credential are refused for a registration:
 * an assertion whose public key was not found, and is NULL, must not be judged
 * as one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "jose/base64url.h"
#include "webauthn/ceremony.h"
#include "webauthn/cose_key.h"
#include "webauthn/credential.h"

/* Bytes of a challenge (WebAuthn section 13.4.3). */
#define MIN_CHALLENGE	16
#define MAX_CHALLENGE	1024

/* Most strings of an array, and the longest, in bytes. */
#define MAX_STRINGS 64
#define MAX_STRING	1024

typedef JaStatus (*ReadMember) (const JsonbValue *value, JaCeremony *ceremony);

typedef struct MemberRow
{
	const char *name;
	ReadMember	read;
	bool		is_stored;		/* of a credential: for assertions only */
	bool		is_required;
} MemberRow;

static bool
is_string(const JsonbValue *value)
{
	return value->type == jbvString && value->val.string.len > 0 &&
		value->val.string.len <= MAX_STRING;
}

static JaStatus
read_base64url(const JsonbValue *value, size_t shortest, size_t longest, JaString *text)
{
	uint8		bytes[MAX_CHALLENGE + 3];
	size_t		length;

	if (value->type != jbvString)
		return JA_EXPECTED_VALUE;
	length = JA_BASE64URL_DECODED((size_t) value->val.string.len);
	if (length < shortest || length > longest ||
		!ja_base64url_decode(value->val.string.val, value->val.string.len, bytes))
		return JA_EXPECTED_VALUE;
	*text = ja_json_text(value);
	return JA_OK;
}

static JaStatus
read_expected_strings(const JsonbValue *value, const JsonbContainer **strings)
{
	JsonbContainer *array = ja_json_array(value);

	if (array == NULL || JsonContainerSize(array) == 0 || JsonContainerSize(array) > MAX_STRINGS)
		return JA_EXPECTED_VALUE;
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		if (!is_string(getIthJsonbValueFromContainer(array, i)))
			return JA_EXPECTED_VALUE;
	}
	*strings = array;
	return JA_OK;
}

static JaStatus
read_challenge(const JsonbValue *value, JaCeremony *ceremony)
{
	return read_base64url(value, MIN_CHALLENGE, MAX_CHALLENGE, &ceremony->challenge);
}

static JaStatus
read_rp_id(const JsonbValue *value, JaCeremony *ceremony)
{
	if (!is_string(value))
		return JA_EXPECTED_VALUE;
	ceremony->rp_id = ja_json_text(value);
	return JA_OK;
}

static JaStatus
read_origins(const JsonbValue *value, JaCeremony *ceremony)
{
	return read_expected_strings(value, &ceremony->origins);
}

static JaStatus
read_top_origins(const JsonbValue *value, JaCeremony *ceremony)
{
	return read_expected_strings(value, &ceremony->top_origins);
}

static JaStatus
read_expected_cross_origin(const JsonbValue *value, JaCeremony *ceremony)
{
	if (value->type != jbvBool)
		return JA_EXPECTED_VALUE;
	ceremony->may_be_cross_origin = value->val.boolean;
	return JA_OK;
}

/* The values of UserVerificationRequirement (section 5.8.6). */
static JaStatus
read_user_verification(const JsonbValue *value, JaCeremony *ceremony)
{
	JaString	word;

	if (value->type != jbvString)
		return JA_EXPECTED_VALUE;
	word = ja_json_text(value);
	ceremony->may_be_unverified = !ja_string_is(word, "required");
	return !ceremony->may_be_unverified || ja_string_is(word, "preferred") ||
		ja_string_is(word, "discouraged") ? JA_OK : JA_EXPECTED_VALUE;
}

static JaStatus
read_algorithms(const JsonbValue *value, JaCeremony *ceremony)
{
	JaStatus	status = read_expected_strings(value, &ceremony->algorithms);

	if (status != JA_OK)
		return status;
	for (uint32 i = 0; i < JsonContainerSize(ceremony->algorithms); i++)
	{
		JsonbValue *name = getIthJsonbValueFromContainer((JsonbContainer *) ceremony->algorithms, i);
		const JaAlgorithm *algorithm = ja_algorithm_find(ja_json_text(name));

		if (algorithm == NULL || !ja_cose_has_algorithm(algorithm))
			return JA_EXPECTED_VALUE;
	}
	return JA_OK;
}

static JaStatus
read_credential_id(const JsonbValue *value, JaCeremony *ceremony)
{
	return read_base64url(value, 1, JA_MAX_CREDENTIAL_ID, &ceremony->credential_id);
}

static JaStatus
read_expected_user_handle(const JsonbValue *value, JaCeremony *ceremony)
{
	return read_base64url(value, 1, JA_MAX_USER_HANDLE, &ceremony->user_handle);
}

/* A signature counter has 32 bits (section 6.1.1), so at most ten digits. */
static JaStatus
read_counter(const JsonbValue *value, JaCeremony *ceremony)
{
	const char *number;
	size_t		length;

	if (value->type != jbvNumeric)
		return JA_EXPECTED_VALUE;
	number = DatumGetCString(DirectFunctionCall1(numeric_out,
												 NumericGetDatum(value->val.numeric)));
	length = strlen(number);
	if (length > 10 || strspn(number, "0123456789") != length)
		return JA_EXPECTED_VALUE;
	ceremony->counter = strtoll(number, NULL, 10);
	return ceremony->counter <= PG_UINT32_MAX ? JA_OK : JA_EXPECTED_VALUE;
}

/* A boolean, or null where it was not stored. */
static JaStatus
read_backup_eligible(const JsonbValue *value, JaCeremony *ceremony)
{
	if (value->type != jbvBool && value->type != jbvNull)
		return JA_EXPECTED_VALUE;
	ceremony->knows_backup_eligible = value->type == jbvBool;
	ceremony->is_backup_eligible = value->type == jbvBool && value->val.boolean;
	return JA_OK;
}

static const MemberRow members[] = {
	{"challenge", read_challenge, false, true},
	{"origins", read_origins, false, true},
	{"rp_id", read_rp_id, false, true},
	{"user_verification", read_user_verification, false, false},
	{"algorithms", read_algorithms, false, false},
	{"cross_origin", read_expected_cross_origin, false, false},
	{"top_origins", read_top_origins, false, false},
	{"credential_id", read_credential_id, true, false},
	{"user_handle", read_expected_user_handle, true, false},
	{"counter", read_counter, true, true},
	{"backup_eligible", read_backup_eligible, true, true},
};

static JaStatus
read_expected_member(const JsonbValue *key, const JsonbValue *value, JaCeremony *ceremony)
{
	JaString	name = ja_json_text(key);

	for (size_t i = 0; i < lengthof(members); i++)
	{
		if (!ja_string_is(name, members[i].name))
			continue;
		if (members[i].is_stored && ceremony->kind == JA_REGISTRATION)
			return JA_EXPECTED_STORED;
		return members[i].read(value, ceremony);
	}
	return JA_EXPECTED_UNKNOWN;
}

static JaStatus
check_required(const JsonbContainer *expected, JaCeremonyKind kind)
{
	for (size_t i = 0; i < lengthof(members); i++)
	{
		JsonbValue	value;

		if (!members[i].is_required || (members[i].is_stored && kind == JA_REGISTRATION))
			continue;
		if (!ja_json_member(expected, members[i].name, &value))
			return members[i].is_stored ? JA_EXPECTED_NOT_STORED : JA_EXPECTED_MISSING;
	}
	return JA_OK;
}

/*
 * Reads what is expected; it points into the jsonb.  Fails with
 * JA_EXPECTED_...
 */
JaStatus
ja_ceremony_read(const JsonbContainer *expected, JaCeremonyKind kind, JaCeremony *ceremony)
{
	JaCeremony	read = {.kind = kind};
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;
	JaStatus	status;

	if (!ja_json_is_object(expected))
		return JA_EXPECTED_NOT_OBJECT;
	status = check_required(expected, kind);
	if (status != JA_OK)
		return status;
	iterator = JsonbIteratorInit((JsonbContainer *) expected);
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&iterator, &value, true);
		status = read_expected_member(&key, &value, &read);
		if (status != JA_OK)
			return status;
	}
	*ceremony = read;
	return JA_OK;
}
