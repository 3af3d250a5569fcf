/*-------------------------------------------------------------------------
 *
 * verdict.c
 *	  Why a new password is refused, for people and for forms.
 *
 * No text here holds any of the password.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "base/settings.h"
#include "password/verdict.h"

typedef struct ReasonRow
{
	const char *name;
	JaStatus	status;
} ReasonRow;

static const ReasonRow reasons[JA_REASON_COUNT] = {
	[JA_REASON_SHORT] = {"too_short", JA_PASSWORD_SHORT},
	[JA_REASON_CHARACTER] = {"character", JA_PASSWORD_CHARACTER},
	[JA_REASON_BLOCKED] = {"blocked", JA_PASSWORD_BLOCKED},
	[JA_REASON_WEAK] = {"too_weak", JA_PASSWORD_WEAK},
	[JA_REASON_REFUSED] = {"refused", JA_PASSWORD_REFUSED},
};

static const char *const pattern_names[JA_PATTERN_COUNT] = {
	[JA_PATTERN_NAME] = "name",
	[JA_PATTERN_DICTIONARY] = "dictionary",
	[JA_PATTERN_KEYBOARD] = "keyboard",
	[JA_PATTERN_SEQUENCE] = "sequence",
	[JA_PATTERN_REPETITION] = "repetition",
	[JA_PATTERN_DATE] = "date",
};

void
ja_verdict_add(JaVerdict *verdict, JaReason reason)
{
	verdict->reasons |= 1U << reason;
}

/* The status of the first reason of a refusal. */
static JaStatus
first_status(const JaVerdict *verdict)
{
	int			reason = 0;

	while ((verdict->reasons & (1U << reason)) == 0)
		reason++;
	return reasons[reason].status;
}

static char *
hint_of(JaStatus status)
{
	if (status == JA_PASSWORD_SHORT)
		return psprintf("A password needs at least %d characters (jwt_auth.password_min_length).",
						ja_settings.password_min_length);
	if (status == JA_PASSWORD_WEAK)
		return psprintf("Choose one that takes more guesses: at least %d bits (jwt_auth.password_min_bits).",
						ja_settings.password_min_bits);
	return pstrdup(ja_status_row(status)->hint);
}

/* "Found in it: name, date.", or NULL if there is no pattern. */
static const char *
describe_patterns(const JaStrength *strength)
{
	StringInfoData text;

	if (strength->patterns == 0)
		return NULL;
	initStringInfo(&text);
	for (int i = 0; i < JA_PATTERN_COUNT; i++)
	{
		if (strength->patterns & (1U << i))
			appendStringInfo(&text, "%s%s", text.len == 0 ? "Found in it: " : ", ",
							 pattern_names[i]);
	}
	appendStringInfoChar(&text, '.');
	return text.data;
}

/* Raises the first reason of a refusal; returns if there is none. */
void
ja_verdict_raise(const JaVerdict *verdict)
{
	const char *detail = verdict->refusal;
	JaStatus	status;

	if (verdict->reasons == 0)
		return;
	status = first_status(verdict);
	if (status == JA_PASSWORD_WEAK)
		detail = describe_patterns(&verdict->strength);
	ereport(ERROR,
			(errcode(ja_status_row(status)->sqlstate),
			 errmsg("%s", ja_status_row(status)->message),
			 detail == NULL ? 0 : errdetail("%s", detail),
			 errhint("%s", hint_of(status)),
			 errhidestmt(true)));
}

/* The first reason of a refusal as a text for people. */
const char *
ja_verdict_description(const JaVerdict *verdict)
{
	JaStatus	status = first_status(verdict);
	const char *message = ja_status_row(status)->message;

	if (verdict->refusal != NULL)
		return verdict->refusal;
	return status != JA_PASSWORD_SHORT ? message :
		psprintf("%s, it needs at least %d characters", message,
				 ja_settings.password_min_length);
}

static void
write_name(JaJsonState *array, const char *name)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = unconstify(char *, name);
	value.val.string.len = (int) strlen(name);
	ja_json_push(array, WJB_ELEM, &value);
}

/* Adds the member "reasons", an array of names. */
void
ja_verdict_write_reasons(const JaVerdict *verdict, JaJsonState *object)
{
	ja_json_add_key(object, "reasons");
	ja_json_push(object, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < JA_REASON_COUNT; i++)
	{
		if (verdict->reasons & (1U << i))
			write_name(object, reasons[i].name);
	}
	ja_json_push(object, WJB_END_ARRAY, NULL);
}

/* Adds the member "patterns": what makes it easy to guess. */
void
ja_verdict_write_patterns(const JaVerdict *verdict, JaJsonState *object)
{
	ja_json_add_key(object, "patterns");
	ja_json_push(object, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < JA_PATTERN_COUNT; i++)
	{
		if (verdict->strength.patterns & (1U << i))
			write_name(object, pattern_names[i]);
	}
	ja_json_push(object, WJB_END_ARRAY, NULL);
}
