/*-------------------------------------------------------------------------
 *
 * keyset.c
 *	  JWK Sets (RFC 7517 section 5), and which key verifies a token.
 *
 * A token names a key of the set by "kid" and never an algorithm of its own
 * choice: the chosen key decides that.  There is no trying of one key after
 * another.  Sets that mix secrets with asymmetric keys are refused, since
 * there a public key could be taken for a secret.
 *
 * Whoever publishes a set controls it.  Keys of it that can't be used here are
 * skipped and noted, so that a key for encryption, or one of a kind that is
 * yet to come, does not keep the others from verifying.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "jose/jwk.h"
#include "jose/keyset.h"

/* Longest part of a kid that is kept to name a key that was skipped. */
#define MAX_SKIPPED_KID 64

/*
 * Whether a set may skip a key that is unusable for this reason: one that is
 * not understood, lacks a member, or has a value out of range (RFC 7517
 * section 5).  What went wrong on our side is no fault of the key.
 */
static bool
may_skip(JaStatus status)
{
	return status != JA_OK && status != JA_CRYPTO && status != JA_MEMORY;
}

/*
 * Two keys must not have the same name, which is "kid" and "alg" together, nor
 * leave open which of them a "kid" means for an algorithm.
 */
static bool
is_ambiguous(const JaKey *a, const JaKey *b)
{
	if (a->kid.data == NULL || b->kid.data == NULL || !ja_string_equals(a->kid, b->kid))
		return false;
	if (a->algorithm == b->algorithm)
		return true;
	for (size_t i = 0; ja_algorithm_at(i) != NULL; i++)
	{
		if (ja_key_permits(a, ja_algorithm_at(i)) && ja_key_permits(b, ja_algorithm_at(i)))
			return true;
	}
	return false;
}

/* Adds a usable key, whose name must be free. */
static JaStatus
add_key(JaKeySet *set, JaKey *key)
{
	for (int i = 0; i < set->count; i++)
	{
		if (is_ambiguous(set->keys[i], key))
			return JA_KEY_SET_DUPLICATE;
	}
	set->keys[set->count++] = key;
	return JA_OK;
}

/* Notes that the element at the index was skipped, and why. */
static void
add_skipped(JaKeySet *set, uint32 index, const JsonbValue *element, JaStatus status)
{
	JaSkippedKey *skipped = &set->skipped[set->skipped_count++];
	JaString	kid;

	*skipped = (JaSkippedKey) {.position = (int) index + 1, .status = status};
	if (element->type == jbvBinary &&
		ja_json_string(element->val.binary.data, "kid", &kid) == JA_PRESENT)
	{
		skipped->kid.length = pg_mbcliplen(kid.data, (int) kid.length, MAX_SKIPPED_KID);
		skipped->kid.data = pnstrdup(kid.data, skipped->kid.length);
	}
}

/* Reads an element of a set, whose keys can only verify. */
static JaStatus
read_element(const JsonbValue *element, JaKey **key)
{
	JaStatus	status;

	if (element->type != jbvBinary)
		return JA_KEY_NOT_OBJECT;
	status = ja_jwk_read(element->val.binary.data, key);
	if (status != JA_OK)
		return status;
	return ((*key)->operations & JA_MAY_VERIFY) ? JA_OK : JA_KEY_OPERATION;
}

/*
 * Whether an element that was skipped is a secret all the same: one that is
 * not said to be for something else than signatures.
 */
static bool
is_unusable_secret(const JsonbValue *element, JaStatus status)
{
	JaString	type;

	return status != JA_KEY_USE && status != JA_KEY_OPERATION &&
		status != JA_KEY_ALGORITHM_UNKNOWN && element->type == jbvBinary &&
		ja_json_string(element->val.binary.data, "kty", &type) == JA_PRESENT &&
		ja_string_is(type, ja_key_type_oct.name);
}

static JaStatus
read_members(JaKeySet *set, JsonbContainer *array)
{
	bool		has_secret = false;
	bool		has_asymmetric = false;

	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);
		JaKey	   *key = NULL;
		JaStatus	status;

		/* Large keys take long, and their contexts free what they hold. */
		CHECK_FOR_INTERRUPTS();
		status = read_element(element, &key);
		if (may_skip(status))
		{
			add_skipped(set, i, element, status);
			has_secret |= is_unusable_secret(element, status);
			continue;
		}
		if (status != JA_OK)
			return status;
		status = add_key(set, key);
		if (status != JA_OK)
			return status;
		has_secret |= key->type->kind == JA_OCT;
		has_asymmetric |= key->type->kind != JA_OCT;
	}
	if (has_secret && has_asymmetric)
		return JA_KEY_SET_MIXED;
	return set->count > 0 ? JA_OK : JA_KEY_SET_EMPTY;
}

/* A single JWK is a set of one, of which nothing may be skipped. */
static JaStatus
read_single(JaKeySet *set, const JsonbContainer *jwk)
{
	JaKey	   *key;
	JaStatus	status = ja_jwk_read(jwk, &key);

	if (status != JA_OK)
		return status;
	set->keys = palloc(sizeof(JaKey *));
	return add_key(set, key);
}

static JaStatus
read_set(JaKeySet *set, JsonbContainer *array)
{
	if (array == NULL)
		return JA_KEY_SET;
	if (JsonContainerSize(array) > JA_MAX_KEYS)
		return JA_KEY_SET_SIZE;
	set->is_set = true;
	set->keys = palloc(sizeof(JaKey *) * (JsonContainerSize(array) + 1));
	set->skipped = palloc(sizeof(JaSkippedKey) * (JsonContainerSize(array) + 1));
	return read_members(set, array);
}

/*
 * Reads a JWK Set, or a single JWK, into the current memory context, which
 * owns all keys also when reading fails.  Fails with JA_KEY_....
 */
JaStatus
ja_keyset_read(const JsonbContainer *json, JaKeySet **set)
{
	JaKeySet   *read = palloc0(sizeof(JaKeySet));
	JsonbValue	keys;
	JaStatus	status;

	if (!ja_json_is_object(json))
		return JA_KEY_NOT_OBJECT;
	if (ja_json_member(json, "keys", &keys))
		status = read_set(read, ja_json_array(&keys));
	else
		status = read_single(read, json);
	if (status != JA_OK)
		return status;
	*set = read;
	return JA_OK;
}

/* The one key of the set that permits the algorithm, or NULL. */
static JaKey *
find_by_algorithm(JaKeySet *set, const JaAlgorithm *algorithm)
{
	JaKey	   *found = NULL;
	int			count = 0;

	for (int i = 0; i < set->count; i++)
	{
		if (ja_key_permits(set->keys[i], algorithm))
		{
			found = set->keys[i];
			count++;
		}
	}
	return count == 1 ? found : NULL;
}

/*
 * The key that the kid names for the algorithm, or else one of that kid.  A
 * key without kid serves a kid that no key has, if no other key of the set
 * permits the algorithm.
 */
static JaKey *
find_by_kid(JaKeySet *set, const JaHeader *header)
{
	JaKey	   *named = NULL;
	JaKey	   *only;

	for (int i = 0; i < set->count; i++)
	{
		JaKey	   *key = set->keys[i];

		if (key->kid.data == NULL || !ja_string_equals(key->kid, header->kid))
			continue;
		if (ja_key_permits(key, header->algorithm))
			return key;
		named = key;
	}
	if (named != NULL)
		return named;
	only = find_by_algorithm(set, header->algorithm);
	return only != NULL && only->kid.data == NULL ? only : NULL;
}

/*
 * Chooses the key for a header.  Fails with JA_TOKEN_KEY_UNKNOWN,
 * JA_TOKEN_KEY_ALGORITHM, or JA_KEY_OPERATION if the key may not verify.
 */
JaStatus
ja_keyset_choose(JaKeySet *set, const JaHeader *header, JaKey **key)
{
	JaKey	   *found;

	found = header->kid.data != NULL ?
		find_by_kid(set, header) : find_by_algorithm(set, header->algorithm);
	if (found == NULL)
		return JA_TOKEN_KEY_UNKNOWN;
	if (!ja_key_permits(found, header->algorithm))
		return JA_TOKEN_KEY_ALGORITHM;
	if (!(found->operations & JA_MAY_VERIFY))
		return JA_KEY_OPERATION;
	*key = found;
	return JA_OK;
}

/*
 * Verifies the signature of a token with the key of the set that its header
 * chooses, and returns the header.
 */
JaStatus
ja_keyset_verify(JaKeySet *set, const JaCompact *token, JaHeader *header)
{
	JaKey	   *key;
	JaStatus	status = ja_jws_header(token->header, header);

	if (status != JA_OK)
		return status;
	status = ja_keyset_choose(set, header, &key);
	if (status != JA_OK)
		return status;
	return ja_jws_check_signature(token, key, header->algorithm);
}

/* Begins to write a set; the state must be zero. */
void
ja_keyset_begin(JaJsonState *set)
{
	ja_json_push(set, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_key(set, "keys");
	ja_json_push(set, WJB_BEGIN_ARRAY, NULL);
}

/* Adds a key, which must outlive the writing. */
void
ja_keyset_add(JaJsonState *set, Jsonb *jwk)
{
	JsonbValue	value;

	value.type = jbvBinary;
	value.val.binary.data = &jwk->root;
	value.val.binary.len = (int) (VARSIZE(jwk) - VARHDRSZ);
	ja_json_push(set, WJB_ELEM, &value);
}

/* The set in the current memory context. */
Jsonb *
ja_keyset_end(JaJsonState *set)
{
	ja_json_push(set, WJB_END_ARRAY, NULL);
	return ja_json_end_object(set);
}
