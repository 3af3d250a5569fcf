# A look for revocation that is cancelled halfway (T86, T93) says nothing, and
# must not be remembered as one that found nothing. Where many rows are gone that
# an index still has, such a look takes long enough to be cancelled. And a session
# that ignores system indexes, as any may, takes no other key for the active one.
# At least 25 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_account_node('interrupted', conf => ['autovacuum = off']);
my @timeouts = map { 1 + 4 * $_ } 0 .. 9;
my $rows = 100000;

# A session that would read whole tables; it has loaded the key of the token.
sub slow_session
{
	my ($token) = @_;

	local $ENV{PGOPTIONS} = '-c ignore_system_indexes=on';
	my $session = JwtAuthSession->new($node);

	ask($session, "SELECT jwt_verify('$token')") if defined $token;
	return $session;
}

# Whether the session accepts the token after a look that was cut short.
sub verdicts_after_timeout
{
	my ($session, $milliseconds, $token) = @_;

	ask($session, "SET statement_timeout = $milliseconds");
	my $first = ask($session, "SELECT jwt_verify('$token')");
	ask($session, 'SET statement_timeout = 0');
	my $second = ask($session, "SELECT jwt_verify('$token')");

	$session->close;
	return ($first, $second);
}

# A disabled user's token that belongs to no session
{
	my $user = value_of($node, "SELECT jwt_create_user('last')");
	my $token = value_of($node, "SELECT jwt_sign(jsonb_build_object('sub', '$user'))");
	my $cancelled = 0;

	is(state_of($node, "SELECT jwt_verify('$token')"), '', 'a token without a session is valid');
	$node->safe_psql('postgres', <<~"END");
		SET session_replication_role = replica;
		INSERT INTO jwt_auth.users (id, created_at, disabled_at)
			SELECT lpad(to_hex(n), 32, '0')::uuid, now(), now() FROM generate_series(1, $rows) AS n;
		DELETE FROM jwt_auth.users WHERE username IS NULL;
		SELECT jwt_disable_user('$user');
		END
	for my $timeout (@timeouts)
	{
		my ($first, $second) = verdicts_after_timeout(slow_session(), $timeout, $token);

		$cancelled += $first eq 'ERROR 57014';
		is($second, 'ERROR 28J02', "a disabled user is refused after a check cut off at $timeout ms");
	}
	cmp_ok($cancelled, '>', 0, 'some checks of the user were cut off');
}

# A denied token, in sessions that know of no denial yet. What they must pass
# over are rows that are gone.
{
	my $token = value_of($node, "SELECT jwt_sign('{\"sub\":\"service\",\"jti\":\"the last\"}')");
	my @sessions = map { slow_session($token) } @timeouts;
	my $cancelled = 0;

	$node->safe_psql('postgres', <<~"END");
		INSERT INTO jwt_auth.revoked_tokens SELECT '', n, now() FROM generate_series(1, $rows) AS n;
		DELETE FROM jwt_auth.revoked_tokens;
		SELECT jwt_revoke('$token');
		END
	for my $timeout (@timeouts)
	{
		my ($first, $second) = verdicts_after_timeout(shift @sessions, $timeout, $token);

		$cancelled += $first eq 'ERROR 57014';
		is($second, 'ERROR 28J02', "a denied token is refused after a check cut off at $timeout ms");
	}
	cmp_ok($cancelled, '>', 0, 'some checks of the token were cut off');
}

# Nor does it take a former key for the active one
{
	my $former = value_of($node, q{SELECT (jwt_decode(jwt_sign('{}'))).header ->> 'kid'});
	my $active = value_of($node, 'SELECT jwt_rotate_key()');
	my $session = slow_session();

	isnt($active, $former, 'another key is active');
	is(ask($session, q{SELECT (jwt_decode(jwt_sign('{}'))).header ->> 'kid'}), $active, 'the active key signs');
	$session->close;
}

done_testing();
