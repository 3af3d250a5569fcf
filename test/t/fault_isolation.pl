# Callers of all isolation levels at once (T49, T97): one token presented by
# many has one child; a user who is disabled meanwhile has no live session; what
# can't be decided is 40001, and goes through when tried again.
#
# Environment read: ROUNDS (2), SEED.
#
# Time limit: 1800 s
# At least 24 assertions

use strict;
use warnings;

use AccountLoad;
use AccountTest;
use AccountVerdict;
use JSON::PP ();
use JwtAuthSession;
use JwtAuthTest;
use POSIX ();
use Test::More;

my $callers = 6;
my $tries_at_most = 200;
my @levels = ('read committed', 'repeatable read', 'serializable');
my $rounds = $ENV{ROUNDS} // 2;
my $seed = AccountLoad::seed();
my $node = start_account_node('isolation', conf => [@AccountLoad::CONF]);
my $load = AccountLoad->new($node, seed => $seed, clients => 4, may_fail => qr/^40001$/, weights => { rotate => 6, revoke => 8 }, before_call => \&choose_level);
my $bob = value_of($node, q{SELECT id FROM jwt_auth.users WHERE username = 'bob'});

$load->start;
for my $round (1 .. $rounds)
{
	my $parent = log_in($node, 'bob');
	my $session = value_of($node, "SELECT (jwt_decode('$parent->{access_token}')).claims ->> 'sid'");
	my @tokens = map { $_->{refresh_token} // $_->{error} }
	  call_at_once("SELECT FROM jwt_auth.refresh_tokens WHERE session_id = '$session' FOR UPDATE", ([ 'SELECT jwt_refresh(?)', $parent->{refresh_token} ]) x $callers);

	is(scalar(keys %{ { map { $_ => 1 } @tokens } }), 1, "round $round: all clients get the same token");
	like($tokens[0], qr/^jar_/, "round $round: the clients get a refresh token");
	is(value_of($node, "SELECT generation FROM jwt_auth.refresh_tokens WHERE session_id = '$session'"), 2, "round $round: the token is rotated once");

	call_at_once("SELECT FROM jwt_auth.users WHERE id = '$bob' FOR UPDATE",
		(map { [ 'SELECT jwt_login(?, ?)', 'bob', $PASSWORD ] } 2 .. $callers), [ 'SELECT jwt_disable_user(?)', $bob ]);
	is(value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE user_id = '$bob' AND revoked_at IS NULL"),
		0, "round $round: a disabled user has no session");
	value_of($node, "SELECT jwt_enable_user('$bob')");
	is(error_of(log_in($node, 'bob')), 'ok', "round $round: a user who is enabled again logs in");
}
$load->await(3);
$load->stop;
check_load($node, $load, 'mixed levels');
done_testing();

sub choose_level
{
	my ($connection) = @_;

	$connection->do("SET default_transaction_isolation = '$levels[ rand @levels ]'");
	return;
}

# What each query answers. All start while somebody holds what they wait for,
# each in a process and at a level of its own.
sub call_at_once
{
	my ($lock, @queries) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $holder = JwtAuthSession->new($node);
	my @pids;

	ask($holder, "BEGIN; $lock");
	for my $number (0 .. $#queries)
	{
		my $chosen = $levels[ rand @levels ];
		my $pid = fork // die "could not fork: $!\n";

		if (!$pid)
		{
			eval { call_until_answered("$dir/$number", $chosen, @{ $queries[$number] }); 1 } or print STDERR $@;
			POSIX::_exit($@ ? 1 : 0);
		}
		push @pids, $pid;
	}
	wait_for($node, q{SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'at once' AND wait_event_type = 'Lock'}, 't');
	ask($holder, 'COMMIT');
	$holder->close;
	for my $pid (@pids)
	{
		waitpid $pid, 0;
		die "a caller failed\n" if $? != 0;
	}
	return map { JSON::PP::decode_json(PostgreSQL::Test::Utils::slurp_file("$dir/$_") || '{}') } 0 .. $#queries;
}

# An answer that asks to come again is one to retry, too.
sub call_until_answered
{
	my ($path, $chosen, $query, @values) = @_;
	my $connection = DBI->connect(AccountLoad::source_of($node) . ";application_name='at once'",
		undef, undef, { RaiseError => 1, PrintError => 0, pg_server_prepare => 0 });

	$connection->do("SET default_transaction_isolation = '$chosen'");
	for (1 .. $tries_at_most)
	{
		my $answer;

		if (eval { ($answer) = $connection->selectrow_array($query, {}, @values); 1 })
		{
			next if ($answer // '') =~ /temporarily_unavailable/;
			PostgreSQL::Test::Utils::append_to_file($path, $answer // '');
			return;
		}
		die $@ unless $connection->state eq '40001';
	}
	die "gave up after $tries_at_most tries\n";
}
