/*-------------------------------------------------------------------------
 *
 * scope.c
 *	  Scopes: lists of words, and the claims that hold them (RFC 6749 section
 *	  3.3, RFC 8693 section 4.2).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "token/scope.h"

/* Whether a scope may have the character; the space separates them. */
static bool
is_scope_character(char character)
{
	return character > ' ' && character <= '~' && character != '"' && character != '\\';
}

/* Whether a list is empty, or words with one space between two of them. */
bool
ja_scope_is_well_formed(JaString list)
{
	bool		is_in_word = false;

	for (size_t i = 0; i < list.length; i++)
	{
		if (list.data[i] == ' ' ? !is_in_word : !is_scope_character(list.data[i]))
			return false;
		is_in_word = list.data[i] != ' ';
	}
	return is_in_word || list.length == 0;
}

/* Takes the next word, which may be empty, from the front of a list; false at its end. */
bool
ja_scope_next(JaString *list, JaString *scope)
{
	const char *space;

	if (list->length == 0)
		return false;
	space = memchr(list->data, ' ', list->length);
	*scope = (JaString) {list->data, space != NULL ? (size_t) (space - list->data) : list->length};
	list->data += scope->length;
	list->length -= scope->length;
	if (list->length > 0)
	{
		list->data++;
		list->length--;
	}
	return true;
}

static bool
list_holds(JaString list, JaString scope)
{
	JaString	word;

	while (ja_scope_next(&list, &word))
	{
		if (ja_string_equals(word, scope))
			return true;
	}
	return false;
}

/*
 * Finds the claim that holds the scopes: the one of the name, or where that is
 * none, "scope", or else "scp".
 */
bool
ja_scope_find(const JsonbContainer *claims, JaString name, JsonbValue *value)
{
	if (name.data != NULL)
		return getKeyJsonValueFromContainer((JsonbContainer *) claims, name.data,
											(int) name.length, value) != NULL;
	if (ja_json_member(claims, "scope", value) && value->type != jbvNull)
		return true;
	return ja_json_member(claims, "scp", value);
}

/* Whether a claim holds a scope: it is a string, and of some issuers an array. */
bool
ja_scope_holds(const JsonbValue *value, JaString scope)
{
	JsonbContainer *array;

	if (scope.length == 0)
		return false;
	if (value->type == jbvString)
		return list_holds(ja_json_text(value), scope);
	array = ja_json_array(value);
	return array != NULL && ja_json_array_find(array, scope) >= 0;
}

/* Whether claims of ours have all scopes of a list. */
bool
ja_scope_covers(const JsonbContainer *claims, JaString list)
{
	JsonbValue	value;
	bool		has_any = ja_scope_find(claims, (JaString) {NULL, 0}, &value);
	JaString	word;

	while (ja_scope_next(&list, &word))
	{
		if (!has_any || !ja_scope_holds(&value, word))
			return false;
	}
	return true;
}

/* Those scopes of a list that claims of ours have, as a list. */
JaString
ja_scope_common(const JsonbContainer *claims, JaString list)
{
	char	   *common = palloc(list.length + 1);
	size_t		length = 0;
	JsonbValue	value;
	JaString	word;

	if (!ja_scope_find(claims, (JaString) {NULL, 0}, &value))
		return (JaString) {common, 0};
	while (ja_scope_next(&list, &word))
	{
		if (!ja_scope_holds(&value, word))
			continue;
		if (length > 0)
			common[length++] = ' ';
		memcpy(common + length, word.data, word.length);
		length += word.length;
	}
	return (JaString) {common, length};
}
