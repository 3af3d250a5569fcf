# The extension as the catalogs describe it, to compare two installations of
# it: one line for each property of each object.

package CatalogTest;

use strict;
use warnings;

use Exporter qw(import);
use JwtAuthTest;

our @EXPORT = qw(catalog_of differences);

# What belongs to the extension
my $MEMBERS = q{
	WITH member AS (
		SELECT classid, objid, objsubid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
		WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND extname = 'jwt_auth'),
	relation AS (
		SELECT c.* FROM member JOIN pg_class AS c ON c.oid = objid AND classid = 'pg_class'::regclass)};

# The rights of all but one role, which is the owner: what owners have differs
# between major versions.
my $RIGHTS = q{(SELECT string_agg(grantee::regrole || '=' || privilege_type || is_grantable, ' '
	ORDER BY grantee::regrole::text, privilege_type) FROM aclexplode(%s) WHERE grantee IS DISTINCT FROM %s)};

# Each gives the object's identity and a description.
my @QUERIES = (
	[ extension => q{SELECT extname, concat_ws(' ', extnamespace::regnamespace, extrelocatable,
		(SELECT string_agg(format('%s %L', c.oid::regclass, extcondition[n]), ' ' ORDER BY c.oid::regclass::text)
			FROM unnest(extconfig) WITH ORDINALITY AS u (id, n) JOIN pg_class AS c ON c.oid = id))
		FROM pg_extension WHERE extname = 'jwt_auth'} ],

	# Row and array types are members in some major versions only.
	[ member => qq{$MEMBERS SELECT type || ' ' || identity, coalesce((SELECT description FROM pg_description AS d
			WHERE (d.classoid, d.objoid, d.objsubid) = (classid, objid, member.objsubid)), 'no comment')
		FROM member, pg_identify_object(classid, objid, objsubid)
		WHERE NOT EXISTS (SELECT FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = typrelid
			WHERE classid = 'pg_type'::regclass AND t.oid = objid AND (relkind <> 'c' OR typcategory = 'A'))} ],
	[ initial_rights => qq{SELECT type || ' ' || identity, concat_ws(' ', privtype, } . sprintf($RIGHTS, 'initprivs', 'NULL') . qq{)
		FROM pg_init_privs AS i, pg_identify_object(classoid, objoid, objsubid)
		WHERE EXISTS ($MEMBERS SELECT FROM member WHERE (classid, objid) = (i.classoid, i.objoid))} ],
	[ schema => qq{$MEMBERS SELECT nspname, concat_ws(' ', nspowner::regrole, } . sprintf($RIGHTS, 'nspacl', 'nspowner') . q{)
		FROM member JOIN pg_namespace AS n ON n.oid = objid AND classid = 'pg_namespace'::regclass} ],
	[ function => qq{$MEMBERS SELECT p.oid::regprocedure, concat_ws(' ', proowner::regrole, procost, prorows, } . sprintf($RIGHTS, q{coalesce(proacl, acldefault('f', proowner))}, 'proowner') . q{,
			CASE prokind WHEN 'a' THEN '' ELSE pg_get_functiondef(p.oid) END)
		FROM member JOIN pg_proc AS p ON p.oid = objid AND classid = 'pg_proc'::regclass} ],
	[ relation => qq{$MEMBERS SELECT oid::regclass, concat_ws(' ', relkind, relowner::regrole, relpersistence, relrowsecurity,
			relforcerowsecurity, relreplident, reloptions::text, } . sprintf($RIGHTS, 'relacl', 'relowner') . q{,
			CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END, (SELECT s::text FROM pg_sequence AS s WHERE seqrelid = oid))
		FROM relation} ],
	[ column => qq{$MEMBERS SELECT attrelid::regclass || '.' || attname, concat_ws(' ', attnum, format_type(atttypid, atttypmod), attnotnull,
			attcollation::regcollation, attstorage, attcompression, attidentity, attgenerated, } . sprintf($RIGHTS, 'attacl', 'relowner') . q{,
			pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
		FROM relation JOIN pg_attribute AS a ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
		LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum} ],
	[ constraint => qq{$MEMBERS SELECT conrelid::regclass || '.' || conname, concat_ws(' ', contype, convalidated, pg_get_constraintdef(c.oid),
			obj_description(c.oid, 'pg_constraint'))
		FROM relation JOIN pg_constraint AS c ON conrelid = relation.oid} ],
	[ index => qq{$MEMBERS SELECT indexrelid::regclass, concat_ws(' ', indisvalid, pg_get_indexdef(indexrelid),
			obj_description(indexrelid, 'pg_class'))
		FROM relation JOIN pg_index ON indrelid = relation.oid} ],
	[ trigger => qq{$MEMBERS SELECT tgrelid::regclass || '.' || tgname, concat_ws(' ', tgenabled, pg_get_triggerdef(t.oid),
			obj_description(t.oid, 'pg_trigger'))
		FROM relation JOIN pg_trigger AS t ON tgrelid = relation.oid AND NOT tgisinternal} ],
	[ rule => qq{$MEMBERS SELECT ev_class::regclass || '.' || rulename, concat_ws(' ', ev_enabled, pg_get_ruledef(r.oid))
		FROM relation JOIN pg_rewrite AS r ON ev_class = relation.oid} ],
	[ policy => qq{$MEMBERS SELECT polrelid::regclass || '.' || polname, concat_ws(' ', polpermissive, polcmd,
			(SELECT string_agg(CASE id WHEN 0 THEN 'PUBLIC' ELSE id::regrole::text END, ' ' ORDER BY id) FROM unnest(polroles) AS id),
			pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(p.oid, 'pg_policy'))
		FROM relation JOIN pg_policy AS p ON polrelid = relation.oid} ]);

# All properties of the extension in a database, sorted.
sub catalog_of
{
	my ($node, $database) = @_;
	my $statements = 'SET search_path = pg_catalog;';

	for my $query (@QUERIES)
	{
		my ($kind, $text) = @$query;

		$statements .= "SELECT format('$kind %s: %s', identity, regexp_replace(description, '\\s+', ' ', 'g'))
			FROM ($text) AS rows (identity, description);";
	}
	return sort split /\n/, value_of($node, $statements, dbname => $database);
}

# The lines that only one of two lists has: "- " of the first, "+ " of the other.
sub differences
{
	my ($first, $second) = @_;
	my %in_first = map { $_ => 1 } @$first;
	my %in_second = map { $_ => 1 } @$second;

	return ((map { "- $_" } grep { !$in_second{$_} } @$first), (map { "+ $_" } grep { !$in_first{$_} } @$second));
}

1;
