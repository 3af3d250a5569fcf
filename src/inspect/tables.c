/*-------------------------------------------------------------------------
 *
 * tables.c
 *	  What is set up wrongly or weakly: tables, policies, views and functions of the
 *	  application.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "inspect/api_roles.h"
#include "inspect/inspection.h"

#define SELECT_RELATION "SELECT c.oid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_class AS c"
#define IS_TABLE "c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog.\"char\"[])"

/* Policies of the application with their expressions: "p". */
#define POLICIES \
	"(SELECT l.oid, l.polrelid, pg_catalog.concat(pg_catalog.quote_ident(l.polname), ' on '," \
	" l.polrelid::pg_catalog.regclass::pg_catalog.text) AS label, pg_catalog.concat_ws(' '," \
	" pg_catalog.pg_get_expr(l.polqual, l.polrelid)," \
	" pg_catalog.pg_get_expr(l.polwithcheck, l.polrelid)) AS expression" \
	" FROM pg_catalog.pg_policy AS l JOIN pg_catalog.pg_class AS c" \
	" ON c.oid OPERATOR(pg_catalog.=) l.polrelid WHERE " JA_SQL_IS_OWN_RELATION ") AS p"

#define READS_CLAIMS "OPERATOR(pg_catalog.~) 'request[.]jwt[.]'"

/*
 * How PostgreSQL prints a comparison of a column, perhaps cast, with an accessor, also
 * for clients that have all names quoted.
 */
#define COLUMN "([a-z_][a-z0-9_$]*|\"(?:[^\"]|\"\")+\")[)]*(::[a-z ]+)?"
#define EQUALS "[)]* (?:=|OPERATOR[(]pg_catalog[.]=[)]) [(]*"
#define ACCESSOR "(?: ?SELECT )?[(]*(?:[^ ()=]+[.])?\"?jwt_[a-z_]+\"?[(]"

/* Columns that a policy compares with an accessor, either way round: "m". */
#define COMPARISONS \
	"(SELECT f.parts FROM pg_catalog.regexp_matches(p.expression," \
	" '" COLUMN EQUALS ACCESSOR "', 'g') AS f (parts)" \
	" UNION ALL SELECT b.parts FROM pg_catalog.regexp_matches(p.expression," \
	" 'jwt_[a-z_]+\"?[(][^()]*[)](?: AS [a-z_\"]+)?[)]*(?:::[a-z ]+)?" EQUALS COLUMN "', 'g')" \
	" AS b (parts)) AS m"

/* Whether an index serves the comparison: of the column itself, or of an expression. */
#define IS_INDEXED \
	"EXISTS (SELECT FROM pg_catalog.pg_index AS i" \
	" WHERE i.indrelid OPERATOR(pg_catalog.=) p.polrelid AND i.indisvalid AND i.indpred IS NULL" \
	" AND (i.indkey[0] OPERATOR(pg_catalog.=) 0 OR i.indkey[0] OPERATOR(pg_catalog.=) t.attnum" \
	" AND (m.parts[2] IS NULL OR t.atttypid OPERATOR(pg_catalog.=)" \
	" 'pg_catalog.varchar'::pg_catalog.regtype)))"

/* Relations that return rows of protected tables, directly or through others. */
#define COVERED \
	", covered (oid) AS (SELECT c.oid FROM pg_catalog.pg_class AS c" \
	" WHERE " IS_TABLE " AND c.relrowsecurity" \
	" UNION SELECT w.ev_class FROM covered AS t JOIN pg_catalog.pg_depend AS d" \
	" ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass" \
	" AND d.refobjid OPERATOR(pg_catalog.=) t.oid" \
	" AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass" \
	" JOIN pg_catalog.pg_rewrite AS w ON w.oid OPERATOR(pg_catalog.=) d.objid" \
	" AND w.ev_type OPERATOR(pg_catalog.=) '1') "

JaInspection ja_inspect_tables[] = {
	{
		JA_SEVERITY_ERROR, "requests reach a table without row-level security",
		"ALTER TABLE ... ENABLE ROW LEVEL SECURITY, and create policies; USING (true) for what everyone may read.",
		{
			.sql = JA_SQL_WITH_API_ROLES SELECT_RELATION
			" WHERE " IS_TABLE " AND NOT c.relrowsecurity AND " JA_SQL_IS_OWN_RELATION
			" AND " JA_SQL_IS_REACHED
		}
	},
	{
		JA_SEVERITY_ERROR, "requests run as the owner of a table, whom its policies do not bind",
		"ALTER TABLE ... OWNER TO a role that nobody connects as, or FORCE ROW LEVEL SECURITY.",
		{
			.sql = JA_SQL_WITH_API_ROLES SELECT_RELATION
			" WHERE " IS_TABLE " AND c.relrowsecurity AND NOT c.relforcerowsecurity"
			" AND " JA_SQL_IS_OWN_RELATION
			" AND EXISTS (SELECT FROM api AS a WHERE a.oid OPERATOR(pg_catalog.=) c.relowner)"
		}
	},
	{
		JA_SEVERITY_ERROR, "requests reach protected rows through a view of its owner's",
		"ALTER VIEW ... SET (security_invoker = on); a materialized view has no such option: revoke the rights on it.",
		{
			.sql = JA_SQL_WITH_API_ROLES COVERED SELECT_RELATION
			" JOIN covered ON covered.oid OPERATOR(pg_catalog.=) c.oid"
			" WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{v,m}'::pg_catalog.\"char\"[])"
			" AND NOT EXISTS (SELECT FROM pg_catalog.pg_options_to_table(c.reloptions) AS o"
			" WHERE o.option_name OPERATOR(pg_catalog.=) 'security_invoker'"
			" AND o.option_value::pg_catalog.bool)"
			" AND " JA_SQL_IS_OWN_RELATION " AND " JA_SQL_IS_REACHED
		}
	},
	{
		JA_SEVERITY_WARNING, "a policy reads request.jwt.claims, which anybody can set",
		"Use jwt_user_id(), jwt_claim() and the other functions, which verify the token.",
		{
			.sql = "SELECT p.label FROM " POLICIES " WHERE p.expression " READS_CLAIMS
			" OR EXISTS (SELECT FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_proc AS f"
			" ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass"
			" AND f.oid OPERATOR(pg_catalog.=) d.refobjid"
			" WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_policy'::pg_catalog.regclass"
			" AND d.objid OPERATOR(pg_catalog.=) p.oid"
			" AND pg_catalog.concat(f.prosrc, pg_catalog.pg_get_function_sqlbody(f.oid)) " READS_CLAIMS ")"
		}
	},
	{
		JA_SEVERITY_WARNING, "a function with its owner's rights takes the caller's search_path",
		"ALTER FUNCTION ... SET search_path = ..., pg_temp.",
		{
			.sql = "SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text FROM pg_catalog.pg_proc AS p"
			" WHERE p.prosecdef AND p.pronamespace OPERATOR(pg_catalog.<>) ALL (SELECT n.oid"
			" FROM pg_catalog.pg_namespace AS n WHERE n.nspname OPERATOR(pg_catalog.=)"
			" ANY ('{pg_catalog,information_schema}'::pg_catalog.name[]))"
			" AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS s (entry)"
			" WHERE pg_catalog.starts_with(s.entry, 'search_path='))"
			" AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d"
			" WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass"
			" AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e')"
		}
	},
	{
		JA_SEVERITY_NOTICE, "a policy compares a column that no index serves",
		"CREATE INDEX ON the table (column); if the policy casts the column, cast the other side, or index the expression.",
		{
			.sql = "SELECT DISTINCT pg_catalog.concat(p.label, ': ', pg_catalog.quote_ident(t.attname))"
			" FROM " POLICIES ", LATERAL " COMPARISONS ", pg_catalog.pg_attribute AS t"
			" WHERE t.attrelid OPERATOR(pg_catalog.=) p.polrelid AND t.attnum OPERATOR(pg_catalog.>) 0"
			" AND pg_catalog.quote_ident(t.attname) OPERATOR(pg_catalog.=) m.parts[1]"
			" AND NOT " IS_INDEXED
		}
	},
	{
		JA_SEVERITY_NOTICE, "row-level security without a policy hides all rows",
		"CREATE POLICY, or revoke the rights on the table.",
		{
			.sql = JA_SQL_WITH_API_ROLES SELECT_RELATION
			" WHERE " IS_TABLE " AND c.relrowsecurity AND " JA_SQL_IS_OWN_RELATION
			" AND " JA_SQL_IS_REACHED " AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy AS l"
			" WHERE l.polrelid OPERATOR(pg_catalog.=) c.oid)"
		}
	},
	{0}
};
