# A look for revocation that is cancelled halfway (T86, T93) says nothing, and
# must not be remembered as one that found nothing. Where a session may ignore
# indexes, as any can, such a look takes long enough to be cancelled; and no other
# key is then taken for the active one.
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

# A session that reads whole tables; it has loaded the key of the token.
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
	$node->safe_psql('postgres',
		"INSERT INTO jwt_auth.users (id, username, created_at)"
		  . " SELECT gen_random_uuid(), n, now() FROM generate_series(1, $rows) AS n");
	my $user = value_of($node, "SELECT jwt_create_user('last')");
	my $token = value_of($node, "SELECT jwt_sign(jsonb_build_object('sub', '$user'))");
	my $cancelled = 0;

	is(state_of($node, "SELECT jwt_verify('$token')"), '', 'a token without session');
	$node->safe_psql('postgres', "SELECT jwt_disable_user('$user')");
	for my $timeout (@timeouts)
	{
		my ($first, $second) = verdicts_after_timeout(slow_session(), $timeout, $token);

		$cancelled += $first eq 'ERROR 57014';
		is($second, 'ERROR 28J02', "disabled, after a look of $timeout ms");
	}
	cmp_ok($cancelled, '>', 0, 'some were cut short');
}

# A denied token, in sessions that know of no denial yet. What they must pass
# over are rows that are gone.
{
	my $token = value_of($node, "SELECT jwt_sign('{\"sub\":\"service\"}')");
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
		is($second, 'ERROR 28J02', "denied, after a look of $timeout ms");
	}
	cmp_ok($cancelled, '>', 0, 'some were cut short');
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
