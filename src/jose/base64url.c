/*-------------------------------------------------------------------------
 *
 * base64url.c
 *	  Strict base64url without padding (RFC 7515 section 2, RFC 4648 5).
 *
 * An attacker controls the text.  One byte string has exactly one text:
 * padding, foreign characters, white space and stray bits in the last
 * character are refused (RFC 4648 sections 3.2, 3.3 and 3.5), since a token
 * that can be written in two ways would slip past a denial by its bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "jose/base64url.h"

static const char alphabet[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Bits that no value has: a character outside the alphabet. */
#define FOREIGN 0xC0
#define XX FOREIGN

/* Values of all characters. */
static const uint8 values[256] = {
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, 62, XX, XX,
	52, 53, 54, 55, 56, 57, 58, 59,
	60, 61, XX, XX, XX, XX, XX, XX,
	XX, 0, 1, 2, 3, 4, 5, 6,
	7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22,
	23, 24, 25, XX, XX, XX, XX, 63,
	XX, 26, 27, 28, 29, 30, 31, 32,
	33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48,
	49, 50, 51, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX,
};

/* The value of a character, or FOREIGN. */
static inline uint32
sextet_of(char character)
{
	return values[(uint8) character];
}

/* Decodes the last two or three characters; refuses stray bits. */
static bool
decode_tail(const char *text, size_t length, uint8 *out)
{
	uint32		a,
				b,
				c;

	if (length == 0)
		return true;
	if (length == 1)
		return false;
	a = sextet_of(text[0]);
	b = sextet_of(text[1]);
	c = length == 3 ? sextet_of(text[2]) : 0;
	if ((a | b | c) & FOREIGN)
		return false;
	out[0] = (uint8) (a << 2 | b >> 4);
	if (length == 2)
		return (b & 0x0F) == 0;
	out[1] = (uint8) (b << 4 | c >> 2);
	return (c & 0x03) == 0;
}

/*
 * Decodes into out, which has room for JA_BASE64URL_DECODED(length) bytes and
 * is left half written when the text is refused.
 */
bool
ja_base64url_decode(const char *text, size_t length, uint8 *out)
{
	size_t		whole = length - length % 4;
	uint32		all = 0;

	for (size_t i = 0; i < whole; i += 4)
	{
		uint32		a = sextet_of(text[i]);
		uint32		b = sextet_of(text[i + 1]);
		uint32		c = sextet_of(text[i + 2]);
		uint32		d = sextet_of(text[i + 3]);

		all |= a | b | c | d;
		out[0] = (uint8) (a << 2 | b >> 4);
		out[1] = (uint8) (b << 4 | c >> 2);
		out[2] = (uint8) (c << 6 | d);
		out += 3;
	}
	return (all & FOREIGN) == 0 && decode_tail(text + whole, length - whole, out);
}

/*
 * Encodes into out, which has room for JA_BASE64URL_ENCODED(length)
 * characters; returns how many were written.  No NUL is added.
 */
size_t
ja_base64url_encode(const uint8 *bytes, size_t length, char *out)
{
	char	   *start = out;
	size_t		whole = length - length % 3;

	for (size_t i = 0; i < whole; i += 3)
	{
		uint32		group = (uint32) bytes[i] << 16 |
		(uint32) bytes[i + 1] << 8 | bytes[i + 2];

		out[0] = alphabet[group >> 18];
		out[1] = alphabet[group >> 12 & 0x3F];
		out[2] = alphabet[group >> 6 & 0x3F];
		out[3] = alphabet[group & 0x3F];
		out += 4;
	}
	if (length - whole >= 1)
	{
		uint32		group = (uint32) bytes[whole] << 16;

		if (length - whole == 2)
			group |= (uint32) bytes[whole + 1] << 8;
		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 0x3F];
		if (length - whole == 2)
			*out++ = alphabet[group >> 6 & 0x3F];
	}
	return out - start;
}
