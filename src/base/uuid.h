/*-------------------------------------------------------------------------
 *
 * uuid.h
 *	  UUIDs: made in the order of time, read and written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_UUID_H
#define JA_UUID_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "base/status.h"

/* Characters of the text form, without a NUL. */
#define JA_UUID_TEXT 36

extern JaStatus ja_uuid_make(TimestampTz now, pg_uuid_t *uuid);
extern bool ja_uuid_parse(const char *text, size_t length, pg_uuid_t *uuid);
extern bool ja_uuid_equals(const pg_uuid_t *a, const pg_uuid_t *b);
extern void ja_uuid_write(const pg_uuid_t *uuid, char *text);

#endif							/* JA_UUID_H */
