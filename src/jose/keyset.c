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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "jose/jwk.h"
#include "jose/keyset.h"

/* Whether a set may pass over a key, as RFC 7517 section 5 wants. */
static bool
may_skip(JaStatus status)
{
	switch (status)
	{
		case JA_KEY_TYPE:
		case JA_KEY_CURVE:
		case JA_KEY_USE:
		case JA_KEY_OPERATION:
		case JA_KEY_ALGORITHM_UNKNOWN:
		case JA_KEY_ALGORITHM_UNAVAILABLE:
			return true;
		default:
			return false;
	}
}

static bool
same_kid(const JaKey *a, const JaKey *b)
{
	return a->kid.data != NULL && b->kid.data != NULL && ja_string_equals(a->kid, b->kid);
}

/* Adds a key, which must fit beside those that are there. */
static JaStatus
add_key(JaKeySet *set, JaKey *key)
{
	for (int i = 0; i < set->count; i++)
	{
		if (same_kid(set->keys[i], key))
			return JA_KEY_SET_DUPLICATE;
	}
	if (set->count > 0 &&
		(set->keys[0]->type->kind == JA_OCT) != (key->type->kind == JA_OCT))
		return JA_KEY_SET_MIXED;
	set->keys[set->count++] = key;
	return JA_OK;
}

static JaStatus
read_members(JaKeySet *set, JsonbContainer *array)
{
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);
		JaKey	   *key;
		JaStatus	status = JA_KEY_NOT_OBJECT;

		/* Large keys take long, and their contexts free what they hold. */
		CHECK_FOR_INTERRUPTS();
		if (element->type == jbvBinary)
			status = ja_jwk_read(element->val.binary.data, &key);
		if (status == JA_OK)
			status = add_key(set, key);
		if (status != JA_OK && !may_skip(status))
			return status;
		set->skipped += status != JA_OK;
	}
	return set->count > 0 ? JA_OK : JA_KEY_SET_EMPTY;
}

/* A single JWK is a set of one, of which nothing may be skipped. */
static JaStatus
read_single(JaKeySet *set, const JsonbContainer *jwk)
{
	JaKey	   *key;
	JaStatus	status = ja_jwk_read(jwk, &key);

	return status == JA_OK ? add_key(set, key) : status;
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
	if (!ja_json_member(json, "keys", &keys))
	{
		read->keys = palloc(sizeof(JaKey *));
		status = read_single(read, json);
	}
	else if (keys.type != jbvBinary || !JsonContainerIsArray(keys.val.binary.data))
		status = JA_KEY_SET;
	else if (JsonContainerSize(keys.val.binary.data) > JA_MAX_KEYS)
		status = JA_KEY_SET_SIZE;
	else
	{
		read->is_set = true;
		read->keys = palloc(sizeof(JaKey *) * (JsonContainerSize(keys.val.binary.data) + 1));
		status = read_members(read, keys.val.binary.data);
	}
	if (status == JA_OK)
		*set = read;
	return status;
}

/*
 * The key that a kid names.  A key without kid stands in only where it is the
 * one such key that permits the algorithm.
 */
static JaKey *
find_by_kid(JaKeySet *set, const JaHeader *header)
{
	JaKey	   *nameless = NULL;
	int			nameless_count = 0;

	for (int i = 0; i < set->count; i++)
	{
		JaKey	   *key = set->keys[i];

		if (key->kid.data != NULL)
		{
			if (ja_string_equals(key->kid, header->kid))
				return key;
		}
		else if (ja_key_permits(key, header->algorithm))
		{
			nameless = key;
			nameless_count++;
		}
	}
	return nameless_count == 1 && !set->needs_kid ? nameless : NULL;
}

/* The one key of the set that permits the algorithm. */
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

	if (status == JA_OK)
		status = ja_keyset_choose(set, header, &key);
	if (status == JA_OK)
		status = ja_jws_check_signature(token, key, header->algorithm);
	return status;
}
