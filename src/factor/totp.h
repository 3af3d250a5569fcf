/*-------------------------------------------------------------------------
 *
 * totp.h
 *	  Time-based one-time passwords (RFC 6238).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TOTP_H
#define JA_TOTP_H

#include "datatype/timestamp.h"

#include "base/status.h"
#include "base/string.h"

/* As many bits as the hash has (RFC 4226 section 4). */
#define JA_TOTP_SECRET_SIZE 20

#define JA_TOTP_DIGITS	6
#define JA_TOTP_PERIOD	30

extern JaStatus ja_totp_make(const uint8 *secret, size_t length, int64 step, char *code);
extern bool ja_totp_is_code(JaString text);
extern JaStatus ja_totp_match(const uint8 *secret, size_t length, JaString code,
							  TimestampTz now, int64 *step);

#endif							/* JA_TOTP_H */
