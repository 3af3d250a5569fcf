/*-------------------------------------------------------------------------
 *
 * input.c
 *	  Reading a target's input: lines, and jsonb as SQL would get it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "fuzz.h"

/* Takes the characters up to the first newline off the rest. */
bool
fuzz_next_line(JaString *rest, JaString *line)
{
	const char *newline = memchr(rest->data, '\n', rest->length);

	if (newline == NULL)
		return false;
	line->data = rest->data;
	line->length = newline - rest->data;
	rest->data += line->length + 1;
	rest->length -= line->length + 1;
	return true;
}

static Jsonb *
call_jsonb_in(const char *text)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb	   *volatile json = NULL;

	PG_TRY();
	{
		json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	}
	PG_CATCH();
	{
		FUZZ_EXPECT(geterrcode() != ERRCODE_INTERNAL_ERROR);
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	return json;
}

/*
 * The bytes as an argument of type jsonb; NULL where the server refuses them
 * before any function of ours is called.
 */
Jsonb *
fuzz_jsonb_in(const uint8 *data, size_t size)
{
	char	   *text = pnstrdup((const char *) data, size);

	if (strlen(text) != size ||
		pg_encoding_verifymbstr(GetDatabaseEncoding(), text, (int) size) != (int) size)
		return NULL;
	return call_jsonb_in(text);
}

bool
fuzz_jsonb_equals(const Jsonb *a, const Jsonb *b)
{
	return compareJsonbContainers((JsonbContainer *) &a->root,
								  (JsonbContainer *) &b->root) == 0;
}
