# The server is killed under a load of refreshes (T88, T98): afterwards each
# client goes on with the last token that it was told, its session has no other
# live one, and what was revoked stays so, also for a client that does not wait
# for its commits.
# At least 84 assertions

use strict;
use warnings;

use AccountTest;
use IPC::Run qw(start);
use JwtAuthSession;
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(sleep);

my $clients = 8;
my $node = start_account_node(
	'crash',
	conf => [ 'fsync = on', 'jwt_auth.refresh_grace = 60', 'wal_writer_delay = 10s', 'jwt_auth.login_max_failures = 3' ]);
my $dir = PostgreSQL::Test::Utils::tempdir();

for my $round (1 .. 2)
{
	my @client = map { { number => $_, first => log_in($node, 'alice')->{refresh_token} } } 1 .. $clients;

	run_client($_) for @client;
	for my $client (@client)
	{
		sleep 0.02 until told($client) > 20;
	}

	# Revoked without waiting for the commit, and killed at once
	my $session = JwtAuthSession->new($node);
	my ($revoked, $replayed, $out) = map { log_in($node, 'bob') } 1 .. 3;
	my $child = refresh_with($node, $replayed->{refresh_token});
	my $grandchild = refresh_with($node, $child->{refresh_token});

	ask($session, 'SET synchronous_commit = off');
	ask($session, "SELECT jwt_revoke('$revoked->{refresh_token}')");
	ask($session, "SELECT jwt_refresh('$replayed->{refresh_token}') FROM set_config('jwt_auth.refresh_grace', '0', true)");
	ask($session, "SET jwt_auth.token = '$out->{access_token}'; SELECT jwt_logout()");
	ask($session, "SET jwt_auth.token = ''; SELECT jwt_login('mallory', 'wrong')") for 1 .. 3;
	kill_server($node);
	$_->{run}->finish for @client;
	eval { $session->close; };
	$node->start;

	ok(!grep({ told($_) < 20 } @client), "round $round: all clients were refreshing");
	is(error_of(refresh_with($node, $_->{refresh_token})), 'invalid_grant', "round $round: a revoked refresh token is denied after the crash")
	  for $revoked, $grandchild, $out;
	is(state_of($node, "SELECT jwt_verify('$_->{access_token}')"), '28J02', "round $round: a revoked access token is refused after the crash")
	  for $revoked, $grandchild, $out;
	is(value_of($node, 'SELECT failures FROM jwt_auth.login_throttle'), 3, "round $round: three failures are still counted after the crash");
	$node->safe_psql('postgres', 'DELETE FROM jwt_auth.login_throttle');

	for my $client (@client)
	{
		my @told = ($client->{first}, tokens_of($client));
		my $name = "round $round, client $client->{number}";
		my $next = refresh_with($node, $told[-1]);

		is(error_of($next), 'ok', "$name: the last token that it was told is good, after " . $#told);
		my $after = refresh_with($node, $next->{refresh_token});
		is(error_of($after), 'ok', "$name: the child of the last token is accepted");
		is(error_of(replay_with($node, $told[-2])), 'invalid_grant', "$name: the token before the last is a replay");
		is(error_of(refresh_with($node, $after->{refresh_token})), 'invalid_grant', "$name: after the replay, the child is denied");
	}
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.refresh_tokens WHERE generation < 1 OR generation > 1 AND earlier IS NULL'),
		0, "round $round: rows of refresh tokens are sound after the crash");
	is(value_of($node, 'SELECT count(*) FROM (SELECT session_id FROM jwt_auth.refresh_tokens GROUP BY session_id HAVING count(*) > 1) AS twice'),
		0, "round $round: each session has one refresh token after the crash");
}

done_testing();

# A client that refreshes over and over, and writes down what it was told.
sub run_client
{
	my ($client) = @_;
	my $script = "$dir/client";

	unless (-e $script)
	{
		open my $file, '>', $script or die "could not write a script: $!\n";
		print $file "SELECT jwt_refresh(:'token') ->> 'refresh_token' AS token \\gset\n\\echo :token\n" x 50000;
		close $file or die "could not write a script: $!\n";
	}
	$client->{told} = "$dir/told.$client->{number}";
	$client->{run} = start(
		[
			'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-v', "token=$client->{first}", '-d', $node->connstr('postgres'),
			'-f', $script
		],
		'>', $client->{told}, '2>', '/dev/null');
	return;
}

# A line that is not whole was not told.
sub tokens_of
{
	my ($client) = @_;

	open my $file, '<', $client->{told} or die "could not read: $!\n";
	return map { /^(jar_\S+)\n/ ? $1 : () } <$file>;
}

sub told { my @tokens = tokens_of(@_); return scalar @tokens; }
