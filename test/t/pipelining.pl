# BEGIN, jwt_authenticate, a query and COMMIT in one round trip, as the guide says
# (T24, T27): with libpq and node-postgres, each directly and through pgbouncer. A
# token that is denied aborts before the query runs, and leaves nothing behind; one
# statement in place of the four is no substitute.
#
# Time limit: 900 s
# At least 56 assertions

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use IPC::Run qw(run);
use JSON::PP ();
use JwtAuthTest;
use Pages qw(block_of write_file);
use PgBouncer;
use PostgreSQL::Test::Utils;
use Test::More;

my $ROLE = 'regress_pipeline_gateway';
my $dir = PostgreSQL::Test::Utils::tempdir();
my $peers = dirname(abs_path(__FILE__)) . '/pipelining';
my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my $node = start_node('pipelined', conf => ["session_preload_libraries = 'jwt_auth'"]);

# A sequence shows whether a query ran, whatever became of its transaction.
$node->safe_psql('postgres', q{
	CREATE ROLE regress_pipeline_gateway LOGIN NOINHERIT;
	CREATE ROLE regress_pipeline_app;
	GRANT regress_pipeline_app TO regress_pipeline_gateway;
	SELECT jwt_create_key();
	SELECT jwt_create_user(name, 'correct horse of ' || name, role => 'regress_pipeline_app') FROM unnest('{alice,bob}'::text[]) AS name;
	CREATE SEQUENCE ran;
	CREATE TABLE note (owner uuid NOT NULL DEFAULT jwt_user_id(), body text NOT NULL, number integer UNIQUE DEFERRABLE INITIALLY DEFERRED);
	ALTER TABLE note ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON note USING (owner = jwt_user_id());
	GRANT SELECT, INSERT ON note TO regress_pipeline_app;
	GRANT USAGE ON SEQUENCE ran TO PUBLIC;
	INSERT INTO note SELECT id, 'of ' || username FROM jwt_auth.users});
my ($alice, $bob, $former) = map { value_of($node, "SELECT jwt_login('$_', 'correct horse of $_') ->> 'access_token'") } qw(alice bob bob);
my $forged = tampered($alice);

execute($node, "SELECT jwt_revoke('$former')");

my $body = 'SELECT string_agg(body, \',\') FROM note';
my $touch = 'SELECT nextval(\'ran\')';
my $nobody = q{SELECT concat_ws(' ', current_user, jwt_user_id(), current_setting('jwt_auth.token'))};

# Token, query, and what comes of it: a value or an SQLSTATE
my @cases = (
	[ $alice, $body, 'of alice' ],
	[ $bob, $body, 'of bob' ],
	[ "Bearer $alice", $body, 'of alice' ],
	[ $forged, $touch, '28J00' ],
	[ $former, $touch, '28J02' ],
	[ '', $touch, '28J03' ],
	[ $alice, 'SELECT 1 / 0', '22012' ],
	[ $alice, 'SELECT count(*) FROM jwt_auth.users', '42501' ],
	[ $alice, q{INSERT INTO note (body, number) VALUES ('a', 1), ('b', 1)}, '23505' ],
	[ $bob, $body, 'of bob' ]);

build_libpq_peer();
install_node_peer();
my $pool = PgBouncer->new($node, role => $ROLE);

for my $way ([ $node, 'directly' ], [ $pool, 'through pgbouncer' ])
{
	my ($where, $name) = @$way;

	check("libpq, $name", ask_libpq($where, @cases));
	check("node-postgres, $name", ask_node($where, @cases));
}
is(join(',', ask_libpq($node, [ $alice, $touch ]), ask_node($pool, [ $alice, $touch ])), '1,2', 'a query runs with a valid token');
$pool->stop;
check_one_statement();
done_testing();

sub check
{
	my ($name, @answers) = @_;

	is(scalar @answers, scalar @cases, "$name: each request is answered");
	is($answers[$_], $cases[$_][2], "$name: the answer to $cases[$_][1] is $cases[$_][2]") for 0 .. $#cases;
	is(value_of($node, 'SELECT is_called FROM ran'), 'f', "$name: no query runs with a denied token");
	is(value_of($node, 'SELECT count(*) FROM note'), 2, "$name: failed requests are rolled back");
	return;
}

sub guide
{
	my ($language) = @_;

	return block_of('doc/drivers.md', 'One round trip', $language);
}

sub connection_to
{
	my ($where) = @_;

	return $where->connstr('postgres') . " user=$ROLE";
}

sub build_libpq_peer
{
	my @flags = split ' ', `pkg-config --cflags --libs libpq`;
	my $output = '';

	write_file("$dir/guide.c", guide('c'));
	run([ 'cc', '-Wall', '-Wextra', '-Werror', "-I$dir", '-o', "$dir/peer", "$peers/peer.c", @flags ], '>&', \$output)
	  or BAIL_OUT("the guide's C code does not compile: $output");
	return;
}

sub ask_libpq
{
	my ($where, @cases) = @_;
	my ($output, $errors) = ('', '');

	run([ "$dir/peer", connection_to($where), map { @$_[ 0, 1 ] } @cases ], '>', \$output, '2>', \$errors);
	diag($errors) if $errors ne '';
	return split /\n/, $output;
}

sub install_node_peer
{
	my $output = '';

	local $ENV{HOME} = $dir;
	run([ qw(npm install --silent --no-audit --no-fund --prefix), $dir, '--cache', "$dir/cache", 'pg@8.23.1' ], '>&', \$output)
	  or BAIL_OUT("npm could not install pg: $output");
	write_file("$dir/guide.mjs", guide('js'));
	copy("$peers/peer.mjs", $dir) or die "could not copy the peer: $!\n";
	return;
}

sub ask_node
{
	my ($where, @cases) = @_;
	my ($input, $output, $errors) = (join('', map { $json->encode([ @$_[ 0, 1 ] ]) . "\n" } @cases), '', '');
	my $url = "postgres://$ROLE\@/postgres?host=" . $where->host . '&port=' . $where->port;

	run([ 'node', "$dir/peer.mjs", $url ], '<', \$input, '>', \$output, '2>', \$errors);
	diag($errors) if $errors ne '';
	return map { $_->{error} // $_->{rows}[0][0] } map { $json->decode($_) } split /\n/, $output;
}

# The rights are those of the role before, so that it fails where it should not,
# and the identity is not there before the function was called.
sub check_one_statement
{
	my $session = connect_to($node);

	execute($session, "SET SESSION AUTHORIZATION $ROLE");
	is(state_of($session, "SELECT body FROM jwt_authenticate('$alice', true), note"), '42501', 'one statement with jwt_authenticate in FROM lacks the rights');
	is(state_of($session, "SELECT jwt_authenticate('$alice', true), body FROM note"), '42501', 'one statement with jwt_authenticate in the select list lacks the rights');
	is(value_of($session, $nobody), "$ROLE ", 'a failed statement leaves no identity');
	return;
}
