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

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* Reads the 36 characters of the text form; false for anything else. */
bool
ja_uuid_parse(const char *text, size_t length, pg_uuid_t *uuid)
{
	if (length != JA_UUID_TEXT)
		return false;
	for (int i = 0; i < UUID_LEN; i++)
	{
		int			high;
		int			low;

		if (hyphen_before(i) && *text++ != '-')
			return false;
		high = hex_value(*text++);
		low = hex_value(*text++);
		if (high < 0 || low < 0)
			return false;
		uuid->data[i] = (unsigned char) (high << 4 | low);
	}
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
