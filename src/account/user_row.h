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

extern void ja_user_row_updated(Relation users, HeapTuple before, HeapTuple after);
extern void ja_user_row_deleted(Relation users, HeapTuple before);
extern void ja_user_row_truncate(void);
extern void ja_user_row_keep_session(void) pg_attribute_noreturn();

#endif							/* JA_USER_ROW_H */
