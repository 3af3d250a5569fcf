/*-------------------------------------------------------------------------
 *
 * former.c
 *	  What a user was called before a change, as the rows of undo tokens have it.
 *
 * The canonical forms are kept with the values: what was stored under the rules of
 * another version may have another form today, or none, and is to come back as it
 * was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/former.h"
#include "base/error.h"
#include "base/uuid.h"
#include "jose/base64url.h"
#include "jose/json.h"

/* A form in base64url: the database encoding may lack some of its characters. */
static void
add_canonical(JaJsonState *state, JaString canonical)
{
	char	   *text = palloc(JA_BASE64URL_ENCODED(canonical.length));
	size_t		length = ja_base64url_encode((const uint8 *) canonical.data, canonical.length, text);

	ja_json_add_string(state, "canonical", text, length);
}

static void
add_former(JaJsonState *state, const JaIdentifier *identifier)
{
	const char *kind = ja_identifier_kind_name(identifier->kind);

	ja_json_push(state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(state, "kind", kind, strlen(kind));
	ja_json_add_string(state, "value", identifier->value.data, identifier->value.length);
	add_canonical(state, identifier->canonical);
	ja_json_push(state, WJB_END_OBJECT, NULL);
}

/*
 * The change, under an id of its own, and all that the user was called.  What was
 * not proven let nobody in, and must not come back as if it were.
 */
Jsonb *
ja_former_write(const JaIdentifier *identifiers, int count)
{
	JaJsonState state = {0};
	pg_uuid_t	id;

	ja_check(ja_uuid_make(GetCurrentTimestamp(), &id));
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_uuid(&state, "change", &id);
	ja_json_add_key(&state, "former");
	ja_json_push(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
	{
		if (identifiers[i].is_verified)
			add_former(&state, &identifiers[i]);
	}
	ja_json_push(&state, WJB_END_ARRAY, NULL);
	return ja_json_end_object(&state);
}

/* Reads the form; false for one that was never written. */
static bool
read_canonical(const JsonbContainer *object, JaCanonical *canonical)
{
	JaString	text;

	if (ja_json_string(object, "canonical", &text) != JA_PRESENT)
		return false;
	canonical->length = JA_BASE64URL_DECODED(text.length);
	if (canonical->length == 0 || canonical->length >= sizeof(canonical->bytes))
		return false;
	canonical->bytes[canonical->length] = '\0';
	return ja_base64url_decode(text.data, text.length, (uint8 *) canonical->bytes);
}

static bool
read_former(const JsonbValue *value, JaFormer *former)
{
	const JsonbContainer *object = value->val.binary.data;
	JaString	kind;

	return value->type == jbvBinary &&
		ja_json_string(object, "kind", &kind) == JA_PRESENT &&
		ja_identifier_find_kind(kind, &former->canonical.kind) &&
		ja_json_string(object, "value", &former->value) == JA_PRESENT &&
		read_canonical(object, &former->canonical);
}

/* Reads it again, pointing into the data; returns how many there are. */
int
ja_former_read(const Jsonb *data, JaFormer **former)
{
	JsonbValue	array;
	int			count;

	if (!ja_json_member(&data->root, "former", &array) || array.type != jbvBinary)
		elog(ERROR, "stored one-time token has no change to undo");
	count = (int) JsonContainerSize(array.val.binary.data);
	*former = palloc(Max(count, 1) * sizeof(JaFormer));
	for (int i = 0; i < count; i++)
	{
		if (!read_former(getIthJsonbValueFromContainer(array.val.binary.data, i), &(*former)[i]))
			elog(ERROR, "stored one-time token has an identifier without kind, value and form");
	}
	return count;
}
