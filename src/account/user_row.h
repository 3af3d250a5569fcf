/*-------------------------------------------------------------------------
 *
 * user_row.h
 *	  What follows from changes of users' rows, whoever makes them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_USER_ROW_H
#define JA_USER_ROW_H

#include "access/htup.h"
#include "utils/rel.h"

#include "base/compat.h"

extern void ja_user_row_updated(Relation users, HeapTuple before, HeapTuple after);
extern void ja_user_row_deleted(Relation users, HeapTuple before);
extern void ja_user_row_renamed(Relation identifiers, HeapTuple before, HeapTuple after);
extern void ja_user_row_truncate(void);
JA_NORETURN extern void ja_user_row_keep_session(void);

#endif							/* JA_USER_ROW_H */
