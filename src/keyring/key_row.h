/*-------------------------------------------------------------------------
 *
 * key_row.h
 *	  Rows of the table jwt_auth.keys, as changes of keys write them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEY_ROW_H
#define JA_KEY_ROW_H

#include "datatype/timestamp.h"

#include "jose/key.h"
#include "keyring/key_use.h"

/* A row to insert. */
typedef struct JaKeyRow
{
	JaKey	   *key;			/* of an own use: an HMAC secret */
	JaKeyUse	use;
	int32		number;			/* 0: none */
	bool		is_active;
	TimestampTz verify_until;	/* 0: none */
	TimestampTz created_at;
} JaKeyRow;

extern JaStatus ja_key_row_insert(JaKeyRow *row);
extern void ja_key_row_set_kid(JaKey *key, JaString kid);
extern JaKey *ja_key_row_generate(const JaAlgorithm *algorithm, JaString kid);

#endif							/* JA_KEY_ROW_H */
