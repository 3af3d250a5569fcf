/*-------------------------------------------------------------------------
 *
 * handle.h
 *	  Handles: opaque strings that we hand out and recognise again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_HANDLE_H
#define JA_HANDLE_H

#include "base/status.h"
#include "base/string.h"
#include "jose/base64url.h"

#define JA_HANDLE_PREFIX_LENGTH 4
#define JA_HANDLE_HEADER_SIZE	5	/* version and key number */
#define JA_HANDLE_MAC_SIZE		32

/* Largest body of any kind. */
#define JA_HANDLE_MAX_BODY		141

/*
 * Characters of a handle with a body of this size, without a NUL: behind its prefix,
 * and with it.
 */
#define JA_HANDLE_RAW_LENGTH(body_size) \
	JA_BASE64URL_ENCODED(JA_HANDLE_HEADER_SIZE + (body_size) + JA_HANDLE_MAC_SIZE)
#define JA_HANDLE_LENGTH(body_size) \
	(JA_HANDLE_PREFIX_LENGTH + JA_HANDLE_RAW_LENGTH(body_size))

typedef enum JaHandleKind
{
	JA_HANDLE_REFRESH_TOKEN,
	JA_HANDLE_ONE_TIME_TOKEN,
	JA_HANDLE_FLOW,
	JA_HANDLE_CHALLENGE,
	JA_HANDLE_TICKET,
	JA_HANDLE_LINK_TICKET,
	JA_HANDLE_API_TOKEN
} JaHandleKind;

/* Digits of a code, which people type. */
#define JA_CODE_DIGITS 8

extern bool ja_handle_has_prefix(JaHandleKind kind, JaString text);
extern bool ja_handle_read(JaHandleKind kind, JaString text, int32 *key_number, uint8 *body);
extern int32 ja_handle_key_number(JaHandleKind kind);
extern bool ja_handle_can_write(JaHandleKind kind, int32 key_number);
extern void ja_handle_write(JaHandleKind kind, int32 key_number, const uint8 *body, char *text);
extern void ja_handle_write_code(int32 key_number, JaString input, char *code);

#endif							/* JA_HANDLE_H */
