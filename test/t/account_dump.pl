# Dump and restore of a live installation (T55): users log in and sessions go
# on in the copy, what ended stays ended, and jwt_reset_after_restore() cuts a
# clone off from the original. Only a superuser dumps the rows.
# At least 80 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_account_node('account_dump', conf => ['jwt_auth.refresh_grace = 60']);
my $dir = PostgreSQL::Test::Utils::tempdir();
my @connection = ('-h', $node->host, '-p', $node->port);

# All there is: live, rotated, revoked, replayed; a wait, a denial, a role
$node->safe_psql('postgres', <<"SQL");
CREATE ROLE regress_dump_member;
SELECT jwt_create_user('carol', '$PASSWORD', 'regress_dump_member', '{"tenant":"t1"}');
SELECT jwt_import_user('imported', '\$2b\$04\$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS');
SELECT jwt_disable_user(jwt_create_user('disabled', '$PASSWORD'));
SELECT jwt_create_user('deleted', '$PASSWORD');
SELECT jwt_login('mallory', 'wrong');
UPDATE jwt_auth.login_throttle SET failures = 20;
SQL
my %token = map { $_ => log_in($node, 'carol') } qw(live rotated revoked replayed lost);
my $child = refresh_with($node, $token{rotated}{refresh_token});
my $denied = value_of($node, "SELECT jwt_sign('{}')");
my $of_deleted = value_of($node, q{SELECT jwt_sign(jsonb_build_object('sub', jwt_find_user('deleted')))});

is(state_of($node, "SELECT jwt_verify('$of_deleted')"), '', 'a token without session is valid before its user is deleted');
execute($node, q{SELECT jwt_delete_user(jwt_find_user('deleted'))});
execute($node, "SELECT jwt_revoke('$token{revoked}{refresh_token}'), jwt_revoke('$denied')");
refresh_with($node, refresh_with($node, $token{replayed}{refresh_token})->{refresh_token});
replay_with($node, $token{replayed}{refresh_token});

for my $format (qw(plain custom))
{
	my $file = "$dir/dump.$format";
	my @where = (dbname => "copy_$format");

	command_ok([ 'pg_dump', @connection, "--format=$format", "--file=$file", 'postgres' ], "$format: pg_dump succeeds");
	execute($node, "CREATE DATABASE copy_$format");
	command_ok(
		$format eq 'plain'
		? [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', @connection, '-d', "copy_$format", '-f', $file ]
		: [ 'pg_restore', '--exit-on-error', @connection, '-d', "copy_$format", $file ],
		"$format: the restore succeeds");
	for my $table (qw(users sessions refresh_tokens revoked_tokens deleted_users login_throttle audit_log keys))
	{
		my $query = "SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM jwt_auth.$table AS t";

		is(value_of($node, $query, @where), value_of($node, $query), "$format: rows of $table");
	}
	is(error_of(log_in($node, $_, $PASSWORD, @where)), 'ok', "$format: $_ logs in") for qw(alice carol imported);
	is(error_of(log_in($node, $_, $PASSWORD, @where)), 'invalid_grant', "$format: $_ cannot log in") for qw(disabled nobody);
	is(error_of(log_in($node, 'mallory', 'wrong', @where)), 'temporarily_unavailable', "$format: mallory waits after failures of the original");
	is(state_of($node, "SELECT jwt_verify('$token{live}{access_token}')", @where), '', "$format: an access token of a live session is valid");
	is(state_of($node, "SELECT jwt_verify('$_')", @where), '28J02', "$format: a revoked token is refused")
	  for $token{revoked}{access_token}, $token{replayed}{access_token}, $denied, $of_deleted;
	my $next = refresh_with($node, $token{live}{refresh_token}, @where);

	is(error_of($next), 'ok', "$format: a live session can be refreshed");
	is(value_of($node, "SELECT (jwt_decode('$next->{access_token}')).claims ->> 'tenant'", @where), 't1', "$format: a refreshed session has the user's claims");
	# Even if dump and restore took longer than the grace
	$node->safe_psql("copy_$format", 'UPDATE jwt_auth.refresh_tokens SET earlier = substr(earlier, 1, 16) || timestamptz_send(now()) WHERE generation = 2');
	is(refresh_with($node, $token{rotated}{refresh_token}, @where)->{refresh_token}, $child->{refresh_token}, "$format: a parent in its grace gives its child");
	is(error_of(refresh_with($node, $token{$_}{refresh_token}, @where)), 'invalid_grant', "$format: a $_ refresh token is denied") for qw(revoked replayed);

	# A copy that lags behind: a token that it has not given out is no replay
	my $ahead = refresh_with($node, refresh_with($node, $token{lost}{refresh_token}, @where)->{refresh_token}, @where);
	is(error_of($ahead), 'ok', "$format: the copy can rotate twice");
	is(error_of(refresh_with($node, $ahead->{refresh_token})), 'invalid_grant', "$format: the original denies a token that the copy rotated");
	is(error_of(refresh_with($node, $ahead->{refresh_token}, @where)), 'ok', "$format: the copy accepts a token that it rotated");

	# A clone, cut off
	$node->safe_psql("copy_$format", 'SELECT jwt_reset_after_restore()');
	like(state_of($node, "SELECT jwt_verify('$_->{access_token}')", @where), qr/^28J0[02]$/, "$format, reset: access tokens from before are refused") for $token{live}, $next;
	is(error_of(refresh_with($node, $_->{refresh_token}, @where)), 'invalid_grant', "$format, reset: refresh tokens from before are denied") for $next, $child;
	my $fresh = log_in($node, 'carol', $PASSWORD, @where);

	is(error_of($fresh), 'ok', "$format, reset: a user logs in");
	is(state_of($node, "SELECT jwt_verify('$fresh->{access_token}')"), '28J00', "$format, reset: the original refuses access tokens of the copy");
	is(error_of(refresh_with($node, $fresh->{refresh_token})), 'invalid_grant', "$format, reset: the original denies refresh tokens of the copy");
	is(state_of($node, "SELECT jwt_verify('$token{live}{access_token}')"), '', "$format, reset: the original accepts its own access tokens");
}
is(error_of(refresh_with($node, $token{lost}{refresh_token})), 'ok', 'after resets of copies, the original accepts its refresh tokens');

# Others cannot dump the rows, and are told so
execute($node, 'CREATE ROLE regress_dump_reader LOGIN IN ROLE pg_read_all_data');
command_fails_like([ 'pg_dump', @connection, '-U', 'regress_dump_reader', '--data-only', 'postgres' ], qr/row-level security/, 'a role that reads all data cannot dump the tables');
command_ok([ 'pg_dump', @connection, '-U', 'regress_dump_reader', '-T', 'jwt_auth.*', '--file', "$dir/without", 'postgres' ], 'a role that reads all data can dump without the tables');
unlike(slurp_file("$dir/without"), qr/argon2id|COPY jwt_auth/, 'a dump without the tables has no hash and no row of them');

done_testing();
