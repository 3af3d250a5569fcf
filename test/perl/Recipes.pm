# The recipes of doc/drivers.md and doc/orms.md: a server with the users and the table
# of the five-minute start, and what each recipe must do with them, directly and
# through pgbouncer.
#
# A recipe runs in a program that has opened a pool: each line of its input is a request
# as JSON, and each line of its output the answer (see t/recipes/peer.mjs).

package Recipes;

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use JwtAuthTest;
use PgBouncer;
use Test::More;

our @EXPORT_OK = qw(start_recipes check_recipe stop_recipes url_of);

my $ROLE = 'regress_recipe_gateway';
my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my ($node, $pool, %token);

# Whose connection it is, and whose identity it has: nobody's.
my $nobody = q{SELECT concat_ws(' ', current_user::text, jwt_user_id()::text, current_setting('jwt_auth.token'), pg_sleep(0.05)::text) AS body};

# Drivers of Java know no Unix sockets.
sub start_recipes
{
	$node = start_node('recipes', conf => [ "session_preload_libraries = 'jwt_auth'", "listen_addresses = '127.0.0.1'" ]);
	$node->safe_psql('postgres', q{
		CREATE ROLE regress_recipe_gateway LOGIN NOINHERIT;
		CREATE ROLE regress_recipe_user;
		GRANT regress_recipe_user TO regress_recipe_gateway;
		SELECT jwt_create_key();
		SELECT jwt_create_user(name, 'correct horse of ' || name, role => 'regress_recipe_user') FROM unnest('{alice,bob}'::text[]) AS name;
		CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner uuid NOT NULL DEFAULT jwt_user_id(), body text NOT NULL);
		ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own_notes ON notes USING (owner = jwt_user_id());
		GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO regress_recipe_user});
	$pool = PgBouncer->new($node, role => $ROLE, lines => "listen_addr = 127.0.0.1\nignore_startup_parameters = extra_float_digits\n");
	%token = map { $_ => login($_) } qw(alice bob);
	$token{tampered} = tampered($token{alice});
	$token{revoked} = login('bob');
	$token{expired} = value_of($node, q{SELECT jwt_sign(jsonb_build_object('sub', id, 'role', role, 'exp', 1)) FROM jwt_auth.users WHERE username = 'alice'});
	$token{empty} = '';
	execute($node, "SELECT jwt_revoke('$token{revoked}')");
	return;
}

sub login
{
	my ($name) = @_;

	return value_of($node, "SELECT jwt_login('$name', 'correct horse of $name') ->> 'access_token'");
}

# For a driver: of the server, or of pgbouncer
sub url_of
{
	my ($where) = @_;

	return "postgres://$ROLE\@127.0.0.1:" . { server => $node, pgbouncer => $pool }->{$where}->port . '/postgres';
}

# Runs a recipe: start->(where) starts its program, as an NpmPeer.  Options: is_told =>
# the SQLSTATE, if an error that the work catches surfaces nevertheless; no_savepoints;
# is_bound_late => whether a query is by intention that of the request that runs it.
sub check_recipe
{
	my ($name, $start, %options) = @_;
	my $peer = $start->('server');

	execute($node, q{TRUNCATE notes; INSERT INTO notes (owner, body) SELECT id, 'of ' || username FROM jwt_auth.users});
	check_reading($name, $peer);
	check_denials($name, $peer);
	check_writing($name, $peer, %options);
	check_astray($name, $peer, %options);
	check_together($name, $peer);
	$peer->stop;
	$peer = $start->('pgbouncer');
	check_reading("$name through pgbouncer", $peer);
	check_together("$name through pgbouncer", $peer);
	$peer->stop;
	return;
}

sub check_reading
{
	my ($name, $peer) = @_;
	my %list = (work => 'list');

	is(shown($peer->ask({ %list, token => $token{alice} })), 'of alice', "$name: alice sees her rows");
	is(shown($peer->ask({ %list, token => $token{bob} })), 'of bob', "$name: bob sees his, and none of alice");
	is(shown($peer->ask({ %list, token => "Bearer $token{alice}" })), 'of alice', "$name: a whole header does, too");
	return;
}

# Rows, or what an error came to
sub shown
{
	my ($answer) = @_;

	return join ', ', @{ $answer->{rows} } if $answer->{rows};
	return join ' ', map { $_ // 'none' } @$answer{qw(sqlstate status)};
}

sub check_denials
{
	my ($name, $peer) = @_;
	my %state = (tampered => '28J00', expired => '28J01', revoked => '28J02', empty => '28J03', none => '28J03');

	for my $kind (sort keys %state)
	{
		my $answer = $peer->ask({ work => 'list', $kind eq 'none' ? () : (token => $token{$kind}) });
		my $told = $json->encode($answer);

		is(shown($answer), "$state{$kind} 401", "$name: a denied token surfaces with its SQLSTATE: $kind");
		ok(!$answer->{ran}, "$name: the work does not run with a denied token: $kind");
		ok(!$token{$kind} || index($told, $token{$kind}) < 0, "$name: nothing that may be logged has the token in it: $kind");
	}
	is(shown($peer->ask({ work => 'sql', text => 'SELECT jwt_require_aal(2)', token => $token{alice} })), '28J04 401', "$name: a wish for more proof surfaces");
	is(shown($peer->ask({ work => 'sql', text => 'SELECT 1 AS one FROM jwt_auth.users', token => $token{alice} })), '42501 403', "$name: what is not permitted surfaces");
	return;
}

# What an error leaves is rolled back, whether or not the work lets it pass.
sub check_writing
{
	my ($name, $peer, %options) = @_;
	my %by_alice = (token => $token{alice});

	is(shown($peer->ask({ work => 'fail', body => 'failed', %by_alice })), 'none 500', "$name: an error of the application surfaces");
	is(shown($peer->ask({ work => 'swallow', body => 'swallowed', %by_alice })), $options{is_told} ? "$options{is_told} 500" : '', "$name: what becomes of an error that the work catches");
	is(shown($peer->ask({ work => 'list', %by_alice })), 'of alice', "$name: neither leaves a row");
	is(shown($peer->ask({ work => 'savepoint', body => 'before', %by_alice })), 'of alice, before', "$name: a savepoint contains an error") unless $options{no_savepoints};
	execute($node, "DELETE FROM notes WHERE body = 'before'");
	is(shown($peer->ask({ work => 'add', body => 'new', %by_alice })), 'of alice, new', "$name: a row is added");
	is(shown($peer->ask({ work => 'list', token => $token{bob} })), 'of bob', "$name: bob does not see it");
	is(value_of($node, "SELECT string_agg(username, ',') FROM notes JOIN jwt_auth.users AS u ON u.id = owner WHERE body = 'new'"), 'alice', "$name: it is alice's");
	execute($node, "DELETE FROM notes WHERE body = 'new'");
	return;
}

# Queries that do not use the transaction's handle
sub check_astray
{
	my ($name, $peer, %options) = @_;

	is(shown($peer->ask({ work => 'astray', token => $token{alice} })), '42501 403', "$name: a query beside the transaction has no rights");
	is(shown($peer->ask({ work => 'unbound', token => $token{alice} })), '42501 403', "$name: nor has one after jwt_authenticate without a transaction");
	unlike(shown($peer->ask({ first => $token{alice}, second => $token{bob} })), qr/bob/, "$name: a query that is awaited in another request gives none of its rows") unless $options{is_bound_late};
	is(shown($peer->ask({ work => 'list', token => $token{alice} })), 'of alice', "$name: and the next request has those of its user");
	return;
}

# More requests than there are connections, and what they leave behind there
sub check_together
{
	my ($name, $peer) = @_;
	my @kinds = (qw(alice bob tampered bob alice expired)) x 5;
	my $answers = $peer->ask({ together => [ map { { work => 'list', token => $token{$_} } } @kinds ] });
	my %expected = (alice => 'of alice', bob => 'of bob', tampered => '28J00 401', expired => '28J01 401');
	my @wrong = grep { shown($answers->[$_]) ne $expected{ $kinds[$_] } } 0 .. $#kinds;
	my $left = $peer->ask({ outside => 20, text => $nobody });

	is(scalar @$answers, scalar @kinds, "$name: all requests at once are answered");
	is(join(',', @wrong), '', "$name: each with the rows of its own user");
	is(join(',', keys %{ { map { s/\s+$//r => 1 } @{ $left->{rows} } } }), $ROLE, "$name: no connection keeps an identity or a role");
	return;
}

sub stop_recipes
{
	$pool->stop;
	return;
}

1;
