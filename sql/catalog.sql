-- The catalog surface: every object of the extensions, and for functions what
-- the planner and the access checks rely on.  Whoever adds a function
-- regenerates expected/catalog.out and reads the difference.
CREATE EXTENSION jwt_auth;
CREATE EXTENSION jwt_auth_pgjwt;
\pset format unaligned
\pset fieldsep ' | '
\pset footer off

-- Functions. The rights are those of roles other than the owner.
SELECT p.proname || '(' || pg_catalog.pg_get_function_arguments(p.oid) || ')' AS "function",
	   pg_catalog.pg_get_function_result(p.oid) AS result,
	   CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable'
						  WHEN 'v' THEN 'volatile' END AS volatility,
	   CASE WHEN p.proisstrict THEN 'strict' ELSE 'called on null' END AS nulls,
	   CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted'
						  WHEN 'u' THEN 'unsafe' END AS parallel,
	   CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END AS security,
	   CASE WHEN p.proleakproof THEN 'leakproof' ELSE '' END AS leakproof,
	   l.lanname AS language,
	   coalesce(p.proconfig::text, '') AS settings,
	   coalesce((SELECT string_agg(CASE acl.grantee WHEN 0 THEN 'PUBLIC'
										ELSE pg_get_userbyid(acl.grantee) END
								   || '=' || acl.privilege_type
								   || CASE WHEN acl.is_grantable THEN '*' ELSE '' END,
								   ',' ORDER BY acl.grantee, acl.privilege_type)
				 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
				 WHERE acl.grantee <> p.proowner), '') AS rights
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid
							  AND d.deptype = 'e'
JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
								 AND d.refclassid = 'pg_catalog.pg_extension'::regclass
WHERE e.extname IN ('jwt_auth', 'jwt_auth_pgjwt')
ORDER BY p.proname COLLATE "C";

-- Everything else, but for the row types of tables and the types of arrays,
-- which only some major versions list as members
SELECT o.type, o.identity
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
								 AND d.refclassid = 'pg_catalog.pg_extension'::regclass,
	 pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) AS o
WHERE e.extname IN ('jwt_auth', 'jwt_auth_pgjwt') AND d.deptype = 'e' AND o.type <> 'function'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS t
				  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
				  WHERE d.classid = 'pg_catalog.pg_type'::regclass AND t.oid = d.objid
					AND (c.relkind <> 'c' OR t.typcategory = 'A'))
ORDER BY o.type COLLATE "C", o.identity COLLATE "C";

-- Tables: row-level security, and the rights of roles other than the owner
SELECT c.oid::pg_catalog.regclass AS "table", c.relrowsecurity AS "row security",
	   (SELECT count(*) FROM pg_catalog.pg_policy WHERE polrelid = c.oid) AS policies,
	   coalesce((SELECT string_agg(CASE acl.grantee WHEN 0 THEN 'PUBLIC'
										ELSE pg_get_userbyid(acl.grantee) END
								   || '=' || acl.privilege_type, ',' ORDER BY acl.grantee, acl.privilege_type)
				 FROM aclexplode(c.relacl) AS acl
				 WHERE acl.grantee <> c.relowner), '') AS rights
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
							  AND d.deptype = 'e'
JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
								 AND d.refclassid = 'pg_catalog.pg_extension'::regclass
WHERE e.extname IN ('jwt_auth', 'jwt_auth_pgjwt') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY c.relname COLLATE "C";

-- Settings, which the library defines when it is loaded
LOAD 'jwt_auth';
SELECT name, vartype, context, coalesce(boot_val, '') AS initial, coalesce(unit, '') AS unit,
	   coalesce(min_val, '') AS lowest, coalesce(max_val, '') AS highest,
	   coalesce(enumvals::text, '') AS "values"
FROM pg_catalog.pg_settings
WHERE name LIKE 'jwt\_auth.%'
ORDER BY name COLLATE "C";

SELECT extname AS name, extrelocatable AS relocatable, extversion AS version,
	   extconfig::pg_catalog.regclass[] AS dumped
FROM pg_catalog.pg_extension WHERE extname IN ('jwt_auth', 'jwt_auth_pgjwt')
ORDER BY extname COLLATE "C";

DROP EXTENSION jwt_auth_pgjwt;
DROP EXTENSION jwt_auth;
