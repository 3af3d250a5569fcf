/*-------------------------------------------------------------------------
 *
 * api_roles.h
 *	  SQL for the roles that requests come in with, and what they reach.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_API_ROLES_H
#define JA_API_ROLES_H

/* A function of the extension: "p". */
#define JA_SQL_FUNCTIONS \
	"pg_catalog.pg_extension AS e JOIN pg_catalog.pg_depend AS d" \
	" ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass" \
	" AND d.refobjid OPERATOR(pg_catalog.=) e.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'" \
	" AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass" \
	" AND e.extname OPERATOR(pg_catalog.=) 'jwt_auth'" \
	" JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) d.objid"

/* Those that the reference calls gateway. */
#define JA_SQL_IS_GATEWAY \
	"p.proname OPERATOR(pg_catalog.=) ANY ('{jwt_login,jwt_refresh,jwt_change_password,jwt_consume," \
	"jwt_enroll_totp,jwt_confirm_totp,jwt_remove_factor,jwt_make_recovery_codes,jwt_mfa_options," \
	"jwt_mfa_verify,jwt_request_recovery,jwt_recover,jwt_request_login,jwt_login_code," \
	"jwt_add_identifier,jwt_confirm_identifier,jwt_remove_identifier,jwt_undo_change," \
	"jwt_passkey_register,jwt_passkey_login_options,jwt_passkey_login,jwt_external_nonce," \
	"jwt_login_external,jwt_link_external,jwt_unlink_external,jwt_sign_up,jwt_confirm_sign_up," \
	"jwt_sign_up_anonymous,jwt_accept_invitation,jwt_create_api_token,jwt_api_tokens," \
	"jwt_revoke_api_token,jwt_login_api_token,jwt_token}'::pg_catalog.name[])"

/* A membership by which the member may become the role; PostgreSQL 15 has no other. */
#define MAY_SET \
	"COALESCE((pg_catalog.to_jsonb(m) OPERATOR(pg_catalog.->>) 'set_option')::pg_catalog.bool, true)"

/*
 * gateway: roles that were granted a gateway function, and those that may become
 * one of them.  api: these, whatever they may become, and roles that tokens may
 * name; superusers are left out.
 */
#define JA_SQL_WITH_API_ROLES \
	"WITH RECURSIVE gateway (oid) AS (" \
	"SELECT a.grantee FROM " JA_SQL_FUNCTIONS ", pg_catalog.aclexplode(p.proacl) AS a" \
	" WHERE " JA_SQL_IS_GATEWAY " AND a.grantee OPERATOR(pg_catalog.<>) p.proowner" \
	" AND a.grantee OPERATOR(pg_catalog.<>) 0" \
	" UNION SELECT m.member FROM gateway AS g JOIN pg_catalog.pg_auth_members AS m" \
	" ON m.roleid OPERATOR(pg_catalog.=) g.oid WHERE " MAY_SET "), reached (oid) AS (" \
	"SELECT g.oid FROM gateway AS g" \
	" UNION SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) ANY (" \
	"SELECT u.role FROM jwt_auth.users AS u" \
	" UNION SELECT c.role FROM jwt_auth.clients AS c" \
	" UNION SELECT pg_catalog.unnest(i.roles) FROM jwt_auth.issuers AS i" \
	" UNION SELECT pg_catalog.current_setting('jwt_auth.sign_up_role')::pg_catalog.name)" \
	" UNION SELECT m.roleid FROM reached AS r JOIN pg_catalog.pg_auth_members AS m" \
	" ON m.member OPERATOR(pg_catalog.=) r.oid WHERE " MAY_SET "), api (oid) AS (" \
	"SELECT r.oid FROM reached JOIN pg_catalog.pg_roles AS r" \
	" ON r.oid OPERATOR(pg_catalog.=) reached.oid WHERE NOT r.rolsuper) "

/* Whether "c" of pg_class is the operator's, in a schema of the operator's. */
#define JA_SQL_IS_OWN_RELATION \
	"c.relpersistence OPERATOR(pg_catalog.<>) 't' AND c.relnamespace OPERATOR(pg_catalog.<>) ALL (" \
	"SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname OPERATOR(pg_catalog.=)" \
	" ANY ('{pg_catalog,information_schema,jwt_auth}'::pg_catalog.name[]))" \
	" AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d" \
	" WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass" \
	" AND d.objid OPERATOR(pg_catalog.=) c.oid AND d.deptype OPERATOR(pg_catalog.=) 'e')"

/* Whether requests reach it. */
#define JA_SQL_IS_REACHED \
	"EXISTS (SELECT FROM api AS a" \
	" WHERE pg_catalog.has_schema_privilege(a.oid, c.relnamespace, 'USAGE')" \
	" AND (pg_catalog.has_table_privilege(a.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')" \
	" OR pg_catalog.has_any_column_privilege(a.oid, c.oid, 'SELECT, INSERT, UPDATE')))"

#endif							/* JA_API_ROLES_H */
