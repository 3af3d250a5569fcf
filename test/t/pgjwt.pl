# Moving from pgjwt with the blocks of doc/pgjwt.md: policies, views and defaults call
# the drop-in afterwards and keep what they were; whatever else is bound to pgjwt
# stops the move, and nothing has happened; dumps from before and after it come
# back without pgjwt; and databases that are not UTF-8.
#
# Time limit: 900 s
# At least 87 assertions

use strict;
use warnings;
use utf8;

use Encode qw(encode);
use IPC::Run qw(run);
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('pgjwt');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $page = slurp_file("$ENV{JWT_AUTH_SOURCE}/doc/pgjwt.md");
my ($move) = $page =~ /^```sql\n(DO \$\$\nDECLARE\n    place text.*?)^```$/ms or die "the page has no script\n";
my ($restore) = $page =~ /^```sh\n(createdb app_moved\n.*?)^```$/ms or die "the page has no way to restore\n";
my $SECRET = 'a secret of the application';
my $token;

execute($node, 'CREATE ROLE regress_owner; CREATE ROLE regress_reader');
move();
refuse();
restore_old();
restore_new();
other_encodings();
execute($node, 'DROP DATABASE moved');
done_testing();

# A database that uses pgjwt in every way that the move takes care of
sub fill
{
	my ($database) = @_;

	execute($node, "CREATE DATABASE $database");
	execute($node, "ALTER DATABASE $database SET app.secret = '$SECRET'");
	$node->safe_psql($database, <<'END');
CREATE EXTENSION jwt_auth;
CREATE SCHEMA extensions;
CREATE EXTENSION pgcrypto SCHEMA extensions;
CREATE EXTENSION pgjwt SCHEMA extensions;
GRANT USAGE ON SCHEMA extensions TO PUBLIC;
CREATE FUNCTION public.subject() RETURNS text LANGUAGE sql STABLE SET search_path = extensions AS
	$$ SELECT payload->>'sub' FROM verify(current_setting('app.token'), current_setting('app.secret')) WHERE valid $$;
CREATE TABLE public."Letter box" (id integer, owner text,
	"the receipt" text DEFAULT extensions.sign('{"read":false}', current_setting('app.secret')),
	number float8 DEFAULT extensions.try_cast_double('1.5'));
CREATE POLICY "read own" ON public."Letter box" AS PERMISSIVE FOR SELECT TO regress_reader USING (owner = (
	SELECT v.payload->>'sub' FROM extensions.verify(current_setting('app.token'), current_setting('app.secret')) AS v WHERE v.valid));
CREATE POLICY "write own" ON public."Letter box" FOR INSERT TO regress_reader WITH CHECK (owner = (
	SELECT v.payload->>'sub' FROM extensions.verify(current_setting('app.token'), current_setting('app.secret')) AS v WHERE v.valid));
CREATE POLICY limits ON public."Letter box" AS RESTRICTIVE TO regress_reader
	USING (extensions.try_cast_double(id::text) < 100) WITH CHECK (extensions.try_cast_double(id::text) < 50);
ALTER TABLE public."Letter box" ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON public."Letter box" TO regress_reader;
CREATE VIEW public.caller WITH (security_barrier, security_invoker) AS
	SELECT v.payload->>'sub' AS name, v.valid
	FROM extensions.verify(current_setting('app.token'), current_setting('app.secret'), 'HS256') AS v;
ALTER VIEW public.caller OWNER TO regress_owner;
GRANT SELECT ON public.caller TO regress_reader;
COMMENT ON VIEW public.caller IS 'who asks';
CREATE VIEW public.on_top AS SELECT name FROM public.caller WHERE valid;
GRANT SELECT ON public.on_top TO regress_reader;
INSERT INTO public."Letter box" (id, owner) VALUES (1, 'carol'), (2, 'dave'), (200, 'carol');
END
	return;
}

# What somebody with a token gets to see, and may write
sub behaviour_of
{
	my ($database, $as) = @_;
	my $session = connect_to($node, dbname => $database);

	execute($session, $_) for 'SET ROLE regress_reader', 'SET app.token = ' . quote($as);
	return join "\n", (
		map { value_of($session, $_) } 'SELECT id, owner FROM public."Letter box" ORDER BY id',
		'SELECT * FROM public.caller', 'SELECT * FROM public.on_top', 'SELECT public.subject()'),
	  map { verdict_on_writing($session, $_) } "3, 'carol'", "3, 'dave'", "60, 'carol'";
}

sub verdict_on_writing
{
	my ($session, $row) = @_;

	execute($session, 'BEGIN');
	my $state = state_of($session, "INSERT INTO public.\"Letter box\" (id, owner) VALUES ($row)");
	execute($session, 'ROLLBACK');
	return $state;
}

# Everything about the dependent objects but which functions they call
sub shape_of
{
	my ($database) = @_;

	return value_of($node, <<'END', dbname => $database);
SELECT polname, polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
FROM pg_policy ORDER BY polname;
SELECT relname, relowner::regrole, relacl, reloptions, obj_description(oid), pg_get_viewdef(oid)
FROM pg_class WHERE relname IN ('caller', 'on_top') ORDER BY relname;
SELECT attname, pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
WHERE adrelid = 'public."Letter box"'::regclass ORDER BY attnum;
END
}

# The extensions of pgjwt's functions that policies, views and defaults call
sub called_by
{
	my ($database) = @_;

	return value_of($node, <<'END', dbname => $database);
SELECT string_agg(DISTINCT extname, ' '), count(DISTINCT (caller.classid, caller.objid)) FROM pg_depend AS caller
JOIN pg_depend AS member ON member.deptype = 'e' AND (member.classid, member.objid) = (caller.refclassid, caller.refobjid)
JOIN pg_extension AS e ON e.oid = member.refobjid
WHERE extname LIKE '%pgjwt' AND caller.deptype = 'n' AND caller.classid <> 'pg_extension'::regclass
END
}

sub bash
{
	my ($script) = @_;
	my ($output, $errors) = ('', '');
	local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
	my $is_good = run([ 'bash', '-euo', 'pipefail', '-c', "cd '$dir'\n$script" ], '>', \$output, '2>', \$errors);

	return $is_good ? '' : "failed: $errors";
}

sub move
{
	fill('moved');
	$token = value_of($node, "SELECT extensions.sign('{\"sub\":\"carol\"}', '$SECRET')", dbname => 'moved');
	is(bash('pg_dump --format=custom --file=before.dump moved'), '', 'a database with pgjwt is dumped');
	my %before = map { $_ => behaviour_of('moved', $_) } $token, "${token}x";
	my $shape = shape_of('moved');

	like($before{$token}, qr/^1\|carol\n.*carol/s, 'with pgjwt, carol sees her row');
	is(called_by('moved'), 'pgjwt|6', 'before the move, pgjwt is called');
	is(state_of($node, $move, dbname => 'moved'), '', 'the script moves a database');
	is(called_by('moved'), 'jwt_auth_pgjwt|6', 'after the move, the drop-in is called');
	is(value_of($node, "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension WHERE extname LIKE '%jwt%'", dbname => 'moved'),
		'jwt_auth jwt_auth_pgjwt', 'the move drops pgjwt');
	is(shape_of('moved'), $shape, 'the move keeps owners, rights, options, roles and texts');
	is(behaviour_of('moved', $_), $before{$_}, 'a token works as before the move') for sort keys %before;
	is(value_of($node, q{INSERT INTO public."Letter box" (id) VALUES (9) RETURNING "the receipt" = extensions.sign('{"read":false}',
		current_setting('app.secret')), number}, dbname => 'moved'), 't|1.5', 'a moved default signs');
	is(value_of($node, 'DELETE FROM public."Letter box" WHERE id = 9 RETURNING id', dbname => 'moved'), '9', 'a row with a moved default is deleted');
	is(state_of($node, 'DROP EXTENSION jwt_auth_pgjwt', dbname => 'moved'), '2BP01', 'the drop-in is not dropped while objects depend on it');
	is(state_of($node, 'DROP EXTENSION jwt_auth', dbname => 'moved'), '2BP01', 'jwt_auth is not dropped while the drop-in depends on it');
	return;
}

# What the script does not make anew stops it
sub refuse
{
	fill('refusing');
	my %kind = (
		'an index' => [ 'CREATE INDEX letter_index ON public."Letter box" (extensions.try_cast_double(owner))', 'DROP INDEX letter_index' ],
		'a constraint' => [ 'ALTER TABLE public."Letter box" ADD CONSTRAINT c CHECK (extensions.try_cast_double(owner) IS NULL)',
			'ALTER TABLE public."Letter box" DROP CONSTRAINT c' ],
		'a materialized view' => [ "CREATE MATERIALIZED VIEW public.m AS SELECT extensions.sign('{}', 'x')", 'DROP MATERIALIZED VIEW public.m' ],
		'a generated column' => [ 'ALTER TABLE public."Letter box" ADD g float8 GENERATED ALWAYS AS (extensions.try_cast_double(owner)) STORED',
			'ALTER TABLE public."Letter box" DROP g' ],
		'a function' => [ "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql RETURN extensions.sign('{}', 'x')", 'DROP FUNCTION public.f()' ]);
	my $before = shape_of('refusing') . behaviour_of('refusing', $token);

	for my $name (sort keys %kind)
	{
		my ($make, $drop) = @{ $kind{$name} };

		$node->safe_psql('refusing', $make);
		is(state_of($node, $move, dbname => 'refusing'), '2BP01', "$name stops the move");
		is(called_by('refusing') =~ /^pgjwt\|/, 1, "$name: pgjwt is still called");
		is(value_of($node, "SELECT count(*) FROM pg_extension WHERE extname = 'jwt_auth_pgjwt'", dbname => 'refusing'), '0',
			"$name: the drop-in is not installed");
		is(shape_of('refusing') . behaviour_of('refusing', $token), $before, "$name: a stopped move changes nothing") if $name ne 'a generated column';
		$node->safe_psql('refusing', $drop);
	}
	$node->safe_psql('refusing', 'CREATE SCHEMA other');
	is(state_of($node, 'CREATE EXTENSION jwt_auth_pgjwt SCHEMA extensions', dbname => 'refusing'), '42723', 'the drop-in is not created in the schema of pgjwt');
	is(state_of($node, "SET ROLE regress_owner; $move", dbname => 'refusing'), '42501', 'only a superuser may move a database');
	is(state_of($node, $move, dbname => 'refusing'), '', 'without dependent objects, the script moves a database');
	is(state_of($node, $move, dbname => 'refusing') ne '', 1, 'the script refuses to move a database twice');
	execute($node, 'DROP DATABASE refusing');
	return;
}

# A dump of a database with pgjwt
sub restore_old
{
	is(bash($restore), '', 'a dump from before is restored without pgjwt');
	execute($node, "ALTER DATABASE app_moved SET app.secret = '$SECRET'");
	is(called_by('app_moved'), 'jwt_auth_pgjwt|6', 'a restored database calls the drop-in');
	is(value_of($node, "SELECT count(*) FROM pg_extension WHERE extname = 'pgjwt'", dbname => 'app_moved'), '0', 'a restored database has no pgjwt');
	is(shape_of('app_moved'), shape_of('moved'), 'a restored database has the same policies, views and defaults');
	is(behaviour_of('app_moved', $_), behaviour_of('moved', $_), 'a token works alike in a restored database') for $token, "${token}x";
	execute($node, 'DROP DATABASE app_moved');
	return;
}

# A dump of one that was moved, in both formats
sub restore_new
{
	for my $way (
		[ 'plain', 'pg_dump --file=after.sql moved; psql -Xq -v ON_ERROR_STOP=1 -d again -f after.sql' ],
		[ 'custom', 'pg_dump --format=custom --file=after.dump moved; pg_restore --exit-on-error -d again after.dump' ])
	{
		my ($format, $script) = @$way;

		execute($node, 'CREATE DATABASE again');
		execute($node, "ALTER DATABASE again SET app.secret = '$SECRET'");
		is(bash($script), '', "$format: a dump of a moved database is restored");
		is(called_by('again'), 'jwt_auth_pgjwt|6', "$format: the restored database calls the drop-in");
		is(shape_of('again'), shape_of('moved'), "$format: the restored database has the same policies, views and defaults");
		is(behaviour_of('again', $_), behaviour_of('moved', $_), "$format: a token works alike in the restored database") for $token, "${token}x";
		execute($node, 'DROP DATABASE again');
	}
	return;
}

# Text is sent as octets, whatever psql makes of the locale.
sub text_of
{
	my ($octets) = @_;

	return "convert_from('\\x" . unpack('H*', $octets) . "'::bytea, getdatabaseencoding())";
}

# Secrets are octets of the database encoding, tokens UTF-8
sub other_encodings
{
	my %name = (LATIN1 => "caf\x{e9}", EUC_JP => "\x{65e5}\x{672c}", SQL_ASCII => "caf\x{e9}");
	my %charset = (LATIN1 => 'iso-8859-1', EUC_JP => 'euc-jp', SQL_ASCII => 'UTF-8');
	my %foreign = (LATIN1 => "\x{20ac}", EUC_JP => "\x{1f600}");

	for my $encoding (sort keys %name)
	{
		my @where = (dbname => lc $encoding);
		my $text = text_of(encode($charset{$encoding}, $name{$encoding}));
		my $payload = "('{\"name\":\"' || $text || '\"}')::json";

		execute($node, "CREATE DATABASE $encoding ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
		$node->safe_psql(lc $encoding, 'CREATE EXTENSION jwt_auth; CREATE SCHEMA old; CREATE EXTENSION pgcrypto SCHEMA old;
			CREATE EXTENSION pgjwt SCHEMA old; CREATE SCHEMA new; CREATE EXTENSION jwt_auth_pgjwt SCHEMA new');
		for my $secret ($text, "'ascii'")
		{
			is(value_of($node, "SELECT new.sign($payload, $secret) = old.sign($payload, $secret)", @where), 't',
				"$encoding: sign gives the same token as pgjwt with the secret $secret");
			for my $asked ($secret, "$secret || ' '")
			{
				is(value_of($node, "SELECT (SELECT v::text FROM new.verify(t, $asked) AS v) = (SELECT v::text FROM old.verify(t, $asked) AS v)
					FROM (SELECT old.sign($payload, $secret)) AS s (t)", @where), 't', "$encoding: verify gives the same row as pgjwt with the secret $asked");
			}
		}
		is(value_of($node, "SELECT v.valid AND v.payload->>'name' = $text FROM new.verify(new.sign($payload, $text), $text) AS v", @where),
			't', "$encoding: a signed payload is verified");
		is(value_of($node, "SELECT new.algorithm_sign($text, $text, 'HS512') = old.algorithm_sign($text, $text, 'HS512')", @where), 't',
			"$encoding: algorithm_sign gives the same MAC as pgjwt");
		is(value_of($node, "SELECT v FROM new.verify('" . sealed($_, 'k') . "', 'k') AS v", @where) =~ /,,f\)$/, 1,
			"$encoding: a payload is invalid and not shown: " . unpack 'H*', $_)
		  for "{\"a\":\"\xff\"}", "{\"a\":\"\xe9\"}", '{"a":"\\u0000"}',
		  $foreign{$encoding} ? encode('UTF-8', "{\"a\":\"$foreign{$encoding}\"}") : ();
		execute($node, "DROP DATABASE $encoding");
	}
	return;
}

# A token over a payload given as octets
sub sealed
{
	my ($payload, $secret) = @_;

	return value_of($node, "SELECT input || '.' || extensions.algorithm_sign(input, '$secret', 'HS256') FROM (SELECT
		extensions.url_encode('{\"alg\":\"HS256\"}') || '.' || extensions.url_encode('\\x" . unpack('H*', $payload) . "')) AS s (input)",
		dbname => 'moved');
}
