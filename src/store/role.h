/*-------------------------------------------------------------------------
 *
 * role.h
 *	  Which roles policies do not bind.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ROLE_H
#define JA_ROLE_H

#include "catalog/pg_authid.h"

/*
 * Whether the role itself reads what policies hide.  One with REPLICATION does so
 * by SQL, too: with pg_create_logical_replication_slot() it sees all rows that are
 * written, those with keys and password hashes among them.  Who reads or writes the
 * server's files, or runs its programs, is as good as a superuser.
 */
static inline bool
ja_role_escapes_policies(Form_pg_authid role)
{
	return role->rolsuper || role->rolbypassrls || role->rolreplication ||
		role->oid == ROLE_PG_READ_SERVER_FILES ||
		role->oid == ROLE_PG_WRITE_SERVER_FILES ||
		role->oid == ROLE_PG_EXECUTE_SERVER_PROGRAM;
}

#endif							/* JA_ROLE_H */
