/*-------------------------------------------------------------------------
 *
 * base32.c
 *	  Bytes as text that people type.
 *
 * The bytes are secrets, and so is the text: the alphabet is read in whole for
 * each character, so that no cache tells which of it was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "factor/base32.h"

#define ALPHABET_SIZE 32

const char	ja_base32_standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const char	ja_base32_crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Picks a character by its number. */
static char
pick_character(const char *alphabet, uint32 number)
{
	uint8		picked = 0;

	for (uint32 i = 0; i < ALPHABET_SIZE; i++)
	{
		uint8		mask = (uint8) (((i ^ number) - 1) >> 8);

		picked |= mask & (uint8) alphabet[i];
	}
	return (char) picked;
}

/* Writes JA_BASE32_LENGTH() characters. */
void
ja_base32_encode(const char *alphabet, const uint8 *bytes, size_t length, char *text)
{
	uint32		buffer = 0;
	int			bits = 0;

	for (size_t i = 0; i < length; i++)
	{
		buffer = (buffer << 8) | bytes[i];
		for (bits += 8; bits >= 5; bits -= 5)
			*text++ = pick_character(alphabet, (buffer >> (bits - 5)) & 31);
	}
	if (bits > 0)
		*text = pick_character(alphabet, (buffer << (5 - bits)) & 31);
}
