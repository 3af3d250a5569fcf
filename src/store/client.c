/*-------------------------------------------------------------------------
 *
 * client.c
 *	  What is known of the client of the running request.
 *
 * PostgREST hands the request's headers over in a setting, as a JSON object.
 * The client controls their values, and anyone the setting, so they are for
 * people to read, never for a decision: they are cut, and control characters
 * are replaced, which could forge a line of a log or steer a terminal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/guc.h"

#include "base/unicode.h"
#include "jose/json.h"
#include "store/client.h"

/* Largest value of the setting that is read, and of a text that is kept. */
#define MAX_HEADERS (64 * 1024)
#define MAX_TEXT	255

/* Controls, line and paragraph separators, and marks that turn text around. */
static bool
is_harmful(int32 character)
{
	switch (utf8proc_category(character))
	{
		case UTF8PROC_CATEGORY_CC:
		case UTF8PROC_CATEGORY_CF:
		case UTF8PROC_CATEGORY_ZL:
		case UTF8PROC_CATEGORY_ZP:
			return true;
		default:
			return false;
	}
}

/* Appends UTF-8 text without what is harmful. */
static void
append_harmless(StringInfo out, const char *utf8, size_t length)
{
	while (length > 0)
	{
		int32		character;
		size_t		size = ja_unicode_next(utf8, length, &character);

		if (is_harmful(character))
			appendStringInfoChar(out, '?');
		else
			appendBinaryStringInfo(out, utf8, (int) size);
		utf8 += size;
		length -= size;
	}
}

/*
 * Replaces what is harmful in a text of the database encoding, and what has no
 * meaning there, as in a database without encoding.  NULL if that leaves
 * nothing which could be written.
 */
static char *
make_harmless(const char *text, size_t length)
{
	char	   *utf8 = palloc(JA_ENCODING_ROOM(length));
	char	   *server;
	size_t		size;
	StringInfoData harmless;

	if (!ja_encoding_from_server(text, length, utf8, &size) ||
		pg_encoding_verifymbstr(PG_UTF8, utf8, (int) size) != (int) size)
	{
		for (size = 0; size < length; size++)
			utf8[size] = IS_HIGHBIT_SET(text[size]) ? '?' : text[size];
	}
	initStringInfo(&harmless);
	append_harmless(&harmless, utf8, size);
	server = palloc(JA_ENCODING_ROOM(harmless.len));
	return ja_encoding_to_server(harmless.data, harmless.len, server, &size) ? server : NULL;
}

/* A header's value, cut and made harmless; NULL if there is none. */
static char *
read_request_header(const JsonbContainer *headers, const char *name)
{
	JaString	value;

	if (ja_json_string(headers, name, &value) != JA_PRESENT || value.length == 0)
		return NULL;
	return make_harmless(value.data,
						 pg_mbcliplen(value.data, (int) value.length, MAX_TEXT));
}

/* Reads what PostgREST tells of the client; nothing outside of it. */
void
ja_client_read(JaClient *client)
{
	const char *headers = GetConfigOption("request.headers", true, false);
	Jsonb	   *json;

	client->user_agent = NULL;
	client->claimed_address = NULL;
	if (headers == NULL || strlen(headers) > MAX_HEADERS ||
		ja_json_parse_text(headers, &json) != JA_OK)
		return;
	client->user_agent = read_request_header(&json->root, "user-agent");
	client->claimed_address = read_request_header(&json->root, "x-forwarded-for");
}
