/*-------------------------------------------------------------------------
 *
 * base32.h
 *	  Bytes as text that people type.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_BASE32_H
#define JA_BASE32_H

/* Characters for so many bytes, without padding and without a NUL. */
#define JA_BASE32_LENGTH(bytes) (((bytes) * 8 + 4) / 5)

/* RFC 4648 section 6, as authenticators read it. */
extern const char ja_base32_standard[];

/* Crockford's, without letters that look like others. */
extern const char ja_base32_crockford[];

extern void ja_base32_encode(const char *alphabet, const uint8 *bytes, size_t length, char *text);

#endif							/* JA_BASE32_H */
