/*-------------------------------------------------------------------------
 *
 * totp.c
 *	  Time-based one-time passwords (RFC 6238): HMAC-SHA1 over the number of the
 *	  step of time, six digits of it.
 *
 * An attacker controls the code.  It is compared with those of all steps in
 * constant time.  That it counts once is for whoever keeps the last step.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "port/pg_bswap.h"

#include "base/secret.h"
#include "factor/totp.h"

/* Bytes of HMAC-SHA1. */
#define MAC_SIZE 20

/* Steps before and after the current one that are accepted (RFC 6238 section 5.2). */
#define TOLERANCE 1

/* Writes the code of a step, JA_TOTP_DIGITS digits and a NUL (RFC 4226 section 5.3). */
JaStatus
ja_totp_make(const uint8 *secret, size_t length, int64 step, char *code)
{
	uint64		counter = pg_hton64((uint64) step);
	uint8		mac[MAC_SIZE];
	size_t		size;
	uint32		number;
	bool		done;

	ERR_clear_error();
	done = EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, secret, length,
					 (const unsigned char *) &counter, sizeof(counter),
					 mac, sizeof(mac), &size) != NULL && size == MAC_SIZE;
	ERR_clear_error();
	if (!done)
		return JA_CRYPTO;
	memcpy(&number, mac + (mac[MAC_SIZE - 1] & 0x0f), sizeof(number));
	number = pg_ntoh32(number) & 0x7fffffff;
	snprintf(code, JA_TOTP_DIGITS + 1, "%06u", number % 1000000);
	OPENSSL_cleanse(mac, sizeof(mac));
	return JA_OK;
}

/* Whether a text could be a code at all. */
bool
ja_totp_is_code(JaString text)
{
	if (text.data == NULL || text.length != JA_TOTP_DIGITS)
		return false;
	for (size_t i = 0; i < text.length; i++)
	{
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	}
	return true;
}

/*
 * Finds the latest step about now whose code this is; 0 if there is none.  The
 * latest, so that a code that happens to belong to two counts once.
 */
JaStatus
ja_totp_match(const uint8 *secret, size_t length, JaString code, TimestampTz now, int64 *step)
{
	int64		since_epoch = now +
	(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	int64		current = since_epoch / (JA_TOTP_PERIOD * USECS_PER_SEC);
	char		right[JA_TOTP_DIGITS + 1];

	*step = 0;
	for (int64 candidate = current - TOLERANCE; candidate <= current + TOLERANCE; candidate++)
	{
		JaStatus	status = ja_totp_make(secret, length, candidate, right);

		if (status != JA_OK)
			return status;
		if (ja_secret_equals(code.data, code.length, right, JA_TOTP_DIGITS))
			*step = candidate;
	}
	OPENSSL_cleanse(right, sizeof(right));
	return JA_OK;
}
