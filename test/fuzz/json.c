/*-------------------------------------------------------------------------
 *
 * json.c
 *	  Fuzz target for the JSON of tokens, held against jsonb_in().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "fuzz.h"
#include "jose/json.h"

/* What is read can be written, and read again to the same. */
static void
check_writing(const Jsonb *json)
{
	StringInfoData text;
	Jsonb	   *again;

	initStringInfo(&text);
	FUZZ_EXPECT(ja_json_write(&json->root, &text) == JA_OK);
	FUZZ_EXPECT(ja_json_parse_object((uint8 *) text.data, text.len, NULL, 0,
									 &again) == JA_OK);
	FUZZ_EXPECT(fuzz_jsonb_equals(json, again));
}

/* What was noted of a member while reading is what it is. */
static void
check_watch(const JaJsonWatch *watch, const Jsonb *json)
{
	JsonbValue	value;

	FUZZ_EXPECT(watch->seen == ja_json_member(&json->root, watch->name, &value));
	if (!watch->is_integer)
		return;
	FUZZ_EXPECT(watch->seen && value.type == jbvNumeric);
	FUZZ_EXPECT(DatumGetInt64(DirectFunctionCall1(numeric_int8,
												  NumericGetDatum(value.val.numeric))) ==
				watch->integer);
}

/* Refusals that go beyond what jsonb_in() refuses. */
static bool
is_own_refusal(JaStatus status)
{
	return status == JA_TOKEN_JSON_DEPTH || status == JA_TOKEN_JSON_DUPLICATE ||
		status == JA_TOKEN_JSON_NUMBER;
}

static void
compare_with_server(JaStatus status, const Jsonb *json, const Jsonb *server)
{
	if (status == JA_OK)
		FUZZ_EXPECT(server != NULL && fuzz_jsonb_equals(json, server));
	else if (server != NULL && ja_json_is_object(&server->root))
		FUZZ_EXPECT(is_own_refusal(status));
}

void
fuzz_json(const uint8 *data, size_t size,
		  const FuzzKeys *keys pg_attribute_unused())
{
	JaJsonWatch watches[] = {{.name = "exp"}, {.name = "a"}};
	Jsonb	   *json = NULL;
	JaStatus	status = ja_json_parse_object(data, size, watches,
											  lengthof(watches), &json);

	FUZZ_EXPECT((status == JA_OK) == (json != NULL));
	if (json != NULL)
	{
		check_writing(json);
		for (size_t i = 0; i < lengthof(watches); i++)
			check_watch(&watches[i], json);
	}
	/* In other encodings the same bytes are another text. */
	if (GetDatabaseEncoding() == PG_UTF8)
		compare_with_server(status, json, fuzz_jsonb_in(data, size));
}
