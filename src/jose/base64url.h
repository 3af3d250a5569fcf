/*-------------------------------------------------------------------------
 *
 * base64url.h
 *	  Strict base64url without padding (RFC 7515 section 2, RFC 4648 5).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_BASE64URL_H
#define JA_BASE64URL_H

/* Bytes that the text decodes to, and characters that bytes encode to. */
#define JA_BASE64URL_DECODED(length)	((length) / 4 * 3 + ((length) % 4) * 3 / 4)
#define JA_BASE64URL_ENCODED(length)	(((length) * 4 + 2) / 3)

extern bool ja_base64url_decode(const char *text, size_t length, uint8 *out);
extern size_t ja_base64url_encode(const uint8 *bytes, size_t length, char *out);

#endif							/* JA_BASE64URL_H */
