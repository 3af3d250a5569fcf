/*-------------------------------------------------------------------------
 *
 * password_parse.c
 *	  Reading the text of a password hash, step by step.
 *
 * The text may come from anywhere, such as a hash that an operator imports:
 * each form has exactly one way to be written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "jose/base64url.h"
#include "password/password_method.h"

/* Longest base64 text that ja_password_decode() looks at. */
#define MAX_BASE64 JA_BASE64URL_ENCODED(JA_PASSWORD_MAX_DECODED)

static void
advance(JaString *rest, size_t length)
{
	rest->data += length;
	rest->length -= length;
}

/* Takes exactly these characters. */
bool
ja_password_take(JaString *rest, const char *literal)
{
	JaString	head = {rest->data, strlen(literal)};

	if (rest->length < head.length || !ja_string_is(head, literal))
		return false;
	advance(rest, head.length);
	return true;
}

static bool
is_decimal_digit(char character)
{
	return character >= '0' && character <= '9';
}

/*
 * Takes a decimal number without sign or leading zeros.  One that is too
 * large for an uint32 becomes the largest, which is beyond every bound.
 */
bool
ja_password_take_number(JaString *rest, uint32 *number)
{
	uint64		value = 0;
	size_t		digits = 0;

	for (; digits < rest->length && is_decimal_digit(rest->data[digits]); digits++)
	{
		value = value * 10 + (rest->data[digits] - '0');
		value = Min(value, PG_UINT32_MAX);
	}
	if (digits == 0 || (digits > 1 && rest->data[0] == '0'))
		return false;
	advance(rest, digits);
	*number = (uint32) value;
	return true;
}

/* Takes what stands before the next such character, and that one, too. */
bool
ja_password_take_until(JaString *rest, char end, JaString *field)
{
	const char *found = memchr(rest->data, end, rest->length);

	if (found == NULL)
		return false;
	field->data = rest->data;
	field->length = found - rest->data;
	advance(rest, field->length + 1);
	return true;
}

/* Takes what stands before the next dollar sign, and that sign, too. */
bool
ja_password_take_field(JaString *rest, JaString *field)
{
	return ja_password_take_until(rest, '$', field);
}

/* Keeps a salt of printable ASCII; false for any other text. */
bool
ja_password_keep_salt(JaString text, JaParsedHash *hash)
{
	if (text.length == 0 || text.length > JA_PASSWORD_MAX_SALT)
		return false;
	for (size_t i = 0; i < text.length; i++)
	{
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	}
	memcpy(hash->salt, text.data, text.length);
	hash->salt_length = text.length;
	return true;
}

/* Takes a number and exactly the characters that follow it. */
bool
ja_password_take_number_before(JaString *rest, uint32 *number, const char *literal)
{
	return ja_password_take_number(rest, number) && ja_password_take(rest, literal);
}

/* Takes a field, and keeps it as ja_password_keep_salt() does. */
bool
ja_password_take_salt(JaString *rest, JaParsedHash *hash)
{
	JaString	salt;

	return ja_password_take_field(rest, &salt) && ja_password_keep_salt(salt, hash);
}

/* Decodes at most max bytes; false for any other text. */
bool
ja_password_decode(JaString base64, uint8 *out, size_t max, size_t *length)
{
	char		url[MAX_BASE64];

	if (base64.length > sizeof(url) || JA_BASE64URL_DECODED(base64.length) > max)
		return false;
	for (size_t i = 0; i < base64.length; i++)
	{
		switch (base64.data[i])
		{
			case '+':
				url[i] = '-';
				break;
			case '/':
				url[i] = '_';
				break;
			case '-':
			case '_':
				return false;
			default:
				url[i] = base64.data[i];
		}
	}
	if (!ja_base64url_decode(url, base64.length, out))
		return false;
	*length = JA_BASE64URL_DECODED(base64.length);
	return true;
}

/* The same for a text that is padded to a multiple of four characters. */
bool
ja_password_decode_padded(JaString base64, uint8 *out, size_t max, size_t *length)
{
	if (base64.length % 4 != 0)
		return false;
	for (int i = 0; i < 2 && base64.length > 0 && base64.data[base64.length - 1] == '='; i++)
		base64.length--;
	return ja_password_decode(base64, out, max, length);
}

static int
hex_value(char character)
{
	if (is_decimal_digit(character))
		return character - '0';
	return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* The same for hexadecimal digits, in small letters. */
bool
ja_password_decode_hex(JaString hex, uint8 *out, size_t max, size_t *length)
{
	if (hex.length % 2 != 0 || hex.length / 2 > max)
		return false;
	for (size_t i = 0; i < hex.length; i += 2)
	{
		int			high = hex_value(hex.data[i]);
		int			low = hex_value(hex.data[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8) (high << 4 | low);
	}
	*length = hex.length / 2;
	return true;
}

/* Encodes into out, adds a NUL, and returns where that is. */
char *
ja_password_encode(const uint8 *bytes, size_t length, char *out)
{
	char	   *end = out + ja_base64url_encode(bytes, length, out);

	for (; out < end; out++)
	{
		if (*out == '-')
			*out = '+';
		else if (*out == '_')
			*out = '/';
	}
	*end = '\0';
	return end;
}
