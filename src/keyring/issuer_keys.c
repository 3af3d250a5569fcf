/*-------------------------------------------------------------------------
 *
 * issuer_keys.c
 *	  JWK Sets that others publish, before they are stored.
 *
 * The issuer controls the set.  What is stored is our own writing of the keys
 * that can be used, so that no member that we don't know is kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/json.h"

#include "base/error.h"
#include "jose/jwk.h"
#include "keyring/issuer_keys.h"

/* Whether the object has any member that belongs to a private key only. */
static bool
has_private_member(const JsonbContainer *jwk)
{
	static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "priv"};
	JsonbValue	value;

	for (size_t i = 0; i < lengthof(members); i++)
	{
		if (ja_json_member(jwk, members[i], &value))
			return true;
	}
	return false;
}

/* Whether the members of the object mean what they mean in a key of ours. */
static bool
is_known_kind(const JsonbContainer *jwk)
{
	JaString	type;

	return ja_json_string(jwk, "kty", &type) == JA_PRESENT && ja_key_type_find(type) != NULL;
}

static bool
set_has_private_member(const JsonbContainer *jwks)
{
	JsonbValue	keys;
	JsonbContainer *array = NULL;

	if (has_private_member(jwks))
		return true;
	if (ja_json_member(jwks, "keys", &keys))
		array = ja_json_array(&keys);
	for (uint32 i = 0; array != NULL && i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type == jbvBinary && is_known_kind(element->val.binary.data) &&
			has_private_member(element->val.binary.data))
			return true;
	}
	return false;
}

/* Tells which keys were skipped and why; kids come from the issuer. */
static void
report_skipped(const JaKeySet *set)
{
	StringInfoData detail;

	if (set->skipped_count == 0)
		return;
	initStringInfo(&detail);
	for (int i = 0; i < set->skipped_count; i++)
	{
		const JaSkippedKey *skipped = &set->skipped[i];

		appendStringInfo(&detail, "%sKey %d", i > 0 ? "\n" : "", skipped->position);
		if (skipped->kid.data != NULL)
		{
			appendStringInfoString(&detail, ", kid ");
			escape_json(&detail, skipped->kid.data);
		}
		appendStringInfo(&detail, ": %s.", ja_status_row(skipped->status)->message);
	}
	ereport(NOTICE,
			(errmsg_plural("%d key of the JWK Set cannot be used here and was skipped",
						   "%d keys of the JWK Set cannot be used here and were skipped",
						   set->skipped_count, set->skipped_count),
			 errdetail_internal("%s", detail.data),
			 errhidestmt(true)));
}

/*
 * Reads and checks a published JWK Set, or a single JWK, into the current
 * memory context, and tells in a NOTICE which keys are skipped.  Raises 22023
 * for a set that is unusable, or that holds what nobody should publish.
 */
JaKeySet *
ja_issuer_keys_read(const Jsonb *jwks)
{
	JaKeySet   *set;

	if (VARSIZE(jwks) > JA_MAX_KEYSET_SIZE)
		ja_raise(JA_KEY_SET_SIZE);
	if (set_has_private_member(&jwks->root))
		ja_raise(JA_ISSUER_PRIVATE);
	ja_check(ja_keyset_read(&jwks->root, &set));
	for (int i = 0; i < set->count; i++)
	{
		if (set->keys[i]->type->kind == JA_OCT && set->keys[i]->algorithm == NULL)
			ja_raise(JA_ISSUER_SECRET_ALGORITHM);
		/* Nothing of a single JWK is skipped. */
		if (!(set->keys[i]->operations & JA_MAY_VERIFY))
			ja_raise(JA_KEY_OPERATION);
	}
	report_skipped(set);
	return set;
}

/*
 * Writes the keys as a JWK Set of our own, in the current memory context; the
 * caller wipes it if it is with secrets.
 */
Jsonb *
ja_issuer_keys_write(const JaKeySet *set, bool with_secrets)
{
	JaJsonState state = {0};

	ja_keyset_begin(&state);
	for (int i = 0; i < set->count; i++)
	{
		Jsonb	   *jwk;

		ja_check(ja_jwk_write(set->keys[i], with_secrets, &jwk));
		ja_keyset_add(&state, jwk);
	}
	return ja_keyset_end(&state);
}
