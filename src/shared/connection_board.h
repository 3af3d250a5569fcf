/*-------------------------------------------------------------------------
 *
 * connection_board.h
 *	  The public keys of databases, for those who open a connection to one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CONNECTION_BOARD_H
#define JA_CONNECTION_BOARD_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* Largest document of a database. */
#define JA_PUBLICATION_BYTES (16 * 1024)

/* What a database publishes. */
typedef struct JaPublication
{
	TimestampTz at;
	bool		is_cut;			/* keys were left out that do not fit */
	int			length;
	char		document[JA_PUBLICATION_BYTES]; /* JSON in UTF-8 */
} JaPublication;

extern Size ja_connection_board_size(void);
extern void ja_connection_board_attach(void *memory, bool is_new);
extern bool ja_connection_board_exists(void);

/* For those who change keys, and who connect. */
extern void ja_connection_board_want(void);
extern bool ja_connection_board_read(Oid database, JaPublication *copy);

/* For the launcher. */
extern void ja_connection_board_keep(const List *databases);
extern bool ja_connection_board_is_wanted(Oid database);
extern void ja_connection_board_drop_want(Oid database);

/* For the worker. */
extern bool ja_connection_board_put(const JaPublication *publication);
extern void ja_connection_board_withdraw(void);

#endif							/* JA_CONNECTION_BOARD_H */
