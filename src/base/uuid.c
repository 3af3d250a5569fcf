/*-------------------------------------------------------------------------
 *
 * uuid.c
 *	  UUIDs: made in the order of time (version 7, RFC 9562 section 5.7), read
 *	  and written in the text form of RFC 9562 section 4.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/secret.h"
#include "base/uuid.h"

/* Makes a UUID of version 7: 48 bits of milliseconds, 74 random bits. */
JaStatus
ja_uuid_make(TimestampTz now, pg_uuid_t *uuid)
{
	const int64 epoch_days = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;
	uint64		milliseconds = (uint64) (now / 1000 + epoch_days * SECS_PER_DAY * 1000);
	JaStatus	status = ja_secret_random(uuid->data + 6, UUID_LEN - 6);

	for (int i = 0; i < 6; i++)
		uuid->data[i] = (uint8) (milliseconds >> (40 - 8 * i));
	uuid->data[6] = (uuid->data[6] & 0x0F) | 0x70;
	uuid->data[8] = (uuid->data[8] & 0x3F) | 0x80;
	return status;
}

/* Whether a hyphen stands before the byte in the text form. */
static bool
hyphen_before(int byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

/* A bit that the values of all hexadecimal digits have. */
#define IS_DIGIT 0x10

/* Values of all characters.  Branches would be taken at random. */
static const uint8 digit_values[256] = {
	['0'] = 0x10,['1'] = 0x11,['2'] = 0x12,['3'] = 0x13,['4'] = 0x14,
	['5'] = 0x15,['6'] = 0x16,['7'] = 0x17,['8'] = 0x18,['9'] = 0x19,
	['a'] = 0x1A,['b'] = 0x1B,['c'] = 0x1C,['d'] = 0x1D,['e'] = 0x1E,['f'] = 0x1F,
	['A'] = 0x1A,['B'] = 0x1B,['C'] = 0x1C,['D'] = 0x1D,['E'] = 0x1E,['F'] = 0x1F,
};

/* Reads the 36 characters of the text form; false for anything else. */
bool
ja_uuid_parse(const char *text, size_t length, pg_uuid_t *uuid)
{
	pg_uuid_t	read;
	uint8		all = IS_DIGIT;

	if (length != JA_UUID_TEXT)
		return false;
	for (int i = 0; i < UUID_LEN; i++)
	{
		uint8		high;
		uint8		low;

		if (hyphen_before(i) && *text++ != '-')
			return false;
		high = digit_values[(uint8) *text++];
		low = digit_values[(uint8) *text++];
		all &= high & low;
		read.data[i] = (unsigned char) (high << 4 | (low & 0x0F));
	}
	if ((all & IS_DIGIT) == 0)
		return false;
	*uuid = read;
	return true;
}

/* Writes JA_UUID_TEXT characters, without a NUL. */
void
ja_uuid_write(const pg_uuid_t *uuid, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (hyphen_before(i))
			*text++ = '-';
		*text++ = digits[uuid->data[i] >> 4];
		*text++ = digits[uuid->data[i] & 0x0F];
	}
}

/* Whether two are the same, in constant time, since a nonce is a secret. */
bool
ja_uuid_equals(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return ja_secret_equals(a, UUID_LEN, b, UUID_LEN);
}
