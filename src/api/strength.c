/*-------------------------------------------------------------------------
 *
 * strength.c
 *	  The SQL function that rates passwords; for anyone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "api/arguments.h"
#include "base/error.h"
#include "password/new_password.h"

PG_FUNCTION_INFO_V1(jwt_password_strength);

/* The elements of an array of text, without NULLs; raises 22023 for too much. */
static JaStrings
words_argument(FunctionCallInfo fcinfo, int number)
{
	JaString   *words;
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	int			present = 0;

	if (PG_ARGISNULL(number))
		return (JaStrings) {NULL, 0};
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	if (count > JA_STRENGTH_MAX_WORDS)
		ja_raise(JA_PASSWORD_WORDS);
	words = palloc(JA_STRENGTH_MAX_WORDS * sizeof(JaString));
	for (int i = 0; i < count; i++)
	{
		text	   *word = nulls[i] ? NULL : DatumGetTextPP(elements[i]);

		if (word == NULL)
			continue;
		if (VARSIZE_ANY_EXHDR(word) > JA_UNICODE_MAX_BYTES)
			ja_raise(JA_PASSWORD_WORDS);
		words[present++] = (JaString) {VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word)};
	}
	return (JaStrings) {words, present};
}

/*
 * jwt_password_strength(password text, words text[] DEFAULT '{}') → jsonb
 */
Datum
jwt_password_strength(PG_FUNCTION_ARGS)
{
	JaString	password = ja_argument_required_text(fcinfo, 0);
	JaJsonState state = {0};
	JaVerdict	verdict;

	ja_check(ja_new_password_rate(words_argument(fcinfo, 1), password, &verdict));
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_integer(&state, "bits", verdict.strength.bits);
	ja_json_add_bool(&state, "accepted", verdict.reasons == 0);
	ja_verdict_write_reasons(&verdict, &state);
	ja_verdict_write_patterns(&verdict, &state);
	PG_RETURN_JSONB_P(ja_json_end_object(&state));
}
