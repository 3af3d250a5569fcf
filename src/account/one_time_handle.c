/*-------------------------------------------------------------------------
 *
 * one_time_handle.c
 *	  Links, codes and flows that name one-time tokens.
 *
 * A link is a handle of purpose, id and nonce; a code is digits of a MAC over id,
 * nonce and recipient; a flow is a handle of the id, and proves that the browser
 * which asked is the one that redeems.  None of them is stored: the row has id
 * and nonce, and the key makes the rest when the mailer asks, and again when
 * somebody redeems.  So nobody who reads the tables can redeem anything.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "account/one_time_token.h"

/* Purpose (1 byte), id (16), nonce (16). */
#define LINK_BODY	33

StaticAssertDecl(LINK_BODY <= JA_HANDLE_MAX_BODY, "size of a link's body");

/* Reads a link of the purpose; false if form, MAC or purpose is wrong. */
bool
ja_one_time_token_read(JaString text, JaPurpose purpose, pg_uuid_t *id, pg_uuid_t *nonce)
{
	uint8		body[LINK_BODY];
	int32		key_number;

	if (!ja_handle_read(JA_HANDLE_ONE_TIME_TOKEN, text, &key_number, body) ||
		body[0] != (uint8) purpose)
		return false;
	memcpy(id, body + 1, UUID_LEN);
	memcpy(nonce, body + 1 + UUID_LEN, UUID_LEN);
	return true;
}

/* Writes the link; its key must be one that ja_handle_can_write(). */
JaString
ja_one_time_token_write(const JaOneTimeToken *token)
{
	uint8		body[LINK_BODY];
	size_t		length = JA_HANDLE_LENGTH(LINK_BODY);
	char	   *text = palloc0(length + 1);

	body[0] = (uint8) token->purpose;
	memcpy(body + 1, &token->id, UUID_LEN);
	memcpy(body + 1 + UUID_LEN, &token->nonce, UUID_LEN);
	ja_handle_write(JA_HANDLE_ONE_TIME_TOKEN, token->key_number, body, text);
	return (JaString) {text, length};
}

/* Reads a flow: the id of the token that was asked for. */
bool
ja_flow_read(JaString text, pg_uuid_t *id)
{
	uint8		body[UUID_LEN];
	int32		key_number;

	if (!ja_handle_read(JA_HANDLE_FLOW, text, &key_number, body))
		return false;
	memcpy(id, body, UUID_LEN);
	return true;
}

/* Writes a flow, also for an id that no token has. */
JaString
ja_flow_write(const pg_uuid_t *id)
{
	size_t		length = JA_HANDLE_LENGTH(UUID_LEN);
	char	   *text = palloc0(length + 1);

	ja_handle_write(JA_HANDLE_FLOW, ja_handle_key_number(JA_HANDLE_FLOW), id->data, text);
	return (JaString) {text, length};
}

/* Writes the code of a token that has a recipient, JA_CODE_DIGITS digits and NUL. */
void
ja_one_time_token_code(const JaOneTimeToken *token, char *code)
{
	StringInfoData input;

	initStringInfo(&input);
	appendBinaryStringInfo(&input, (const char *) token->id.data, UUID_LEN);
	appendBinaryStringInfo(&input, (const char *) token->nonce.data, UUID_LEN);
	appendBinaryStringInfo(&input, token->recipient.data, (int) token->recipient.length);
	ja_handle_write_code(token->key_number, (JaString) {input.data, input.len}, code);
}
