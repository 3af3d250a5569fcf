/*-------------------------------------------------------------------------
 *
 * used_handle.h
 *	  Handles that no row names, and that redeem once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_USED_HANDLE_H
#define JA_USED_HANDLE_H

#include "datatype/timestamp.h"

#include "base/string.h"

extern bool ja_used_handle_is_used(JaString text);
extern bool ja_used_handle_add(JaString text, TimestampTz expires_at);

#endif							/* JA_USED_HANDLE_H */
