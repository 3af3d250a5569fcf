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

#include "mb/pg_wchar.h"
#include "utils/guc.h"

#include "account/client.h"
#include "jose/json.h"

/* Largest value of the setting that is read, and of a text that is kept. */
#define MAX_HEADERS (64 * 1024)
#define MAX_TEXT	255

/* A header's value, made harmless; NULL if there is none. */
static char *
read_header(const JsonbContainer *headers, const char *name)
{
	JaString	value;
	char	   *text;
	int			length;

	if (ja_json_string(headers, name, &value) != JA_PRESENT || value.length == 0)
		return NULL;
	length = pg_mbcliplen(value.data, (int) value.length, MAX_TEXT);
	text = pnstrdup(value.data, length);
	for (int i = 0; i < length; i++)
	{
		if ((unsigned char) text[i] < ' ' || text[i] == '\x7f')
			text[i] = '?';
	}
	return text;
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
		ja_json_parse_object((const uint8 *) headers, strlen(headers), NULL, 0, &json) != JA_OK)
		return;
	client->user_agent = read_header(&json->root, "user-agent");
	client->claimed_address = read_header(&json->root, "x-forwarded-for");
}
