/*-------------------------------------------------------------------------
 *
 * roles.c
 *	  What is set up wrongly or weakly: who may call what, and as whom.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "inspect/api_roles.h"
#include "inspect/inspection.h"

/* Roles of the gateway: "r". */
#define FROM_GATEWAY \
	" FROM gateway JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) gateway.oid"
#define GATEWAYS \
	JA_SQL_WITH_API_ROLES "SELECT r.oid::pg_catalog.regrole::pg_catalog.text" FROM_GATEWAY

/* Whether the function was created without a right of PUBLIC. */
#define IS_CLOSED \
	"EXISTS (SELECT FROM pg_catalog.pg_init_privs AS i" \
	" WHERE i.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass" \
	" AND i.objoid OPERATOR(pg_catalog.=) p.oid AND NOT EXISTS (" \
	"SELECT FROM pg_catalog.aclexplode(i.initprivs) AS a" \
	" WHERE a.grantee OPERATOR(pg_catalog.=) 0))"

/* Whether only people should call the function. */
#define IS_ADMIN \
	IS_CLOSED " AND p.pronamespace OPERATOR(pg_catalog.<>) ALL (SELECT n.oid" \
	" FROM pg_catalog.pg_namespace AS n WHERE n.nspname OPERATOR(pg_catalog.=) 'jwt_auth')" \
	" AND NOT " JA_SQL_IS_GATEWAY " AND p.proname OPERATOR(pg_catalog.<>) ALL" \
	" ('{jwt_outbox_claim,jwt_outbox_sent,jwt_outbox_failed,jwt_statistics}'::pg_catalog.name[])"

JaInspection ja_inspect_roles[] = {
	{
		JA_SEVERITY_ERROR, "anybody may call the function",
		"REVOKE EXECUTE ON FUNCTION ... FROM PUBLIC.",
		{
			.sql = "SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text FROM " JA_SQL_FUNCTIONS
			" WHERE " IS_CLOSED " AND EXISTS (SELECT FROM pg_catalog.aclexplode("
			"COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a"
			" WHERE a.grantee OPERATOR(pg_catalog.=) 0)"
		}
	},
	{
		JA_SEVERITY_ERROR, "a role of the gateway bypasses policies",
		"ALTER ROLE ... NOSUPERUSER NOBYPASSRLS NOREPLICATION, and revoke its membership in roles that do.",
		{
			.sql = GATEWAYS " WHERE r.rolsuper OR r.rolbypassrls OR r.rolreplication OR EXISTS ("
			"SELECT FROM pg_catalog.pg_roles AS b WHERE (b.rolsuper OR b.rolbypassrls OR b.rolreplication"
			" OR b.rolname OPERATOR(pg_catalog.=) ANY ('{pg_read_server_files,pg_write_server_files,"
			"pg_execute_server_program}'::pg_catalog.name[]))"
			" AND pg_catalog.pg_has_role(r.oid, b.oid, 'MEMBER'))"
		}
	},
	{
		JA_SEVERITY_ERROR, "a role of the gateway has rights on tables of jwt_auth",
		"REVOKE ALL ON ALL TABLES IN SCHEMA jwt_auth FROM it, and its membership in roles that have any.",
		{
			.sql = GATEWAYS " WHERE NOT r.rolsuper AND EXISTS (SELECT FROM pg_catalog.pg_class AS c"
			" JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace"
			" AND n.nspname OPERATOR(pg_catalog.=) 'jwt_auth'"
			" WHERE c.relkind OPERATOR(pg_catalog.=) 'r'"
			" AND (pg_catalog.has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
			" OR pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE')))"
		}
	},
	{
		JA_SEVERITY_WARNING, "a role of the gateway may call functions for administrators",
		"REVOKE EXECUTE ON FUNCTION ... FROM it, unless your application needs it.",
		{
			.sql = JA_SQL_WITH_API_ROLES
			"SELECT pg_catalog.concat(r.oid::pg_catalog.regrole::pg_catalog.text, ': ',"
			" (SELECT pg_catalog.string_agg(p.proname, ', ' ORDER BY p.proname) FROM " JA_SQL_FUNCTIONS
			" WHERE " IS_ADMIN " AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')))"
			FROM_GATEWAY " WHERE NOT r.rolsuper AND EXISTS (SELECT FROM " JA_SQL_FUNCTIONS
			" WHERE " IS_ADMIN " AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE'))"
		}
	},
	{
		JA_SEVERITY_WARNING, "a login role of the gateway inherits rights on tables",
		"ALTER ROLE ... NOINHERIT, from PostgreSQL 16 on also GRANT ... WITH INHERIT FALSE.",
		{
			.sql = GATEWAYS " WHERE r.rolcanlogin AND NOT r.rolsuper AND EXISTS ("
			"SELECT FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS a"
			" WHERE " JA_SQL_IS_OWN_RELATION
			" AND a.grantee OPERATOR(pg_catalog.<>) r.oid AND a.grantee OPERATOR(pg_catalog.<>) 0"
			" AND pg_catalog.pg_has_role(r.oid, a.grantee, 'USAGE'))"
		}
	},
	{0}
};
