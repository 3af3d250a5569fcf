# Attempts that meet each other (F06, F09, F14, F52, T40, T42): under an older snapshot
# failures and sessions count as they are now; an attempt whose turn does not come
# is told so, and not that it failed; nobody waits without limit for a transaction
# that somebody left open, and a purge holds no name longer than that either.
# At least 78 assertions

use strict;
use warnings;

use AccountTest;
use JSON::PP ();
use JwtAuthSession;
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(time);

my $node = start_account_node('account_waits', conf => ['jwt_auth.login_max_failures = 5']);
my $id = value_of($node, q{SELECT jwt_find_user('alice')});
my $right = "SELECT coalesce(jwt_login('alice', '$PASSWORD') ->> 'error', 'ok')";
my $audited = q{SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'login_busy'};

# Twelve transactions with the same snapshot guess in turn
for my $level ('repeatable read', 'serializable')
{
	my $name = "guessed $level";
	my @guessers = map { JwtAuthSession->new($node) } 1 .. 12;
	my %count = (invalid_grant => 0);

	ask($_, "BEGIN ISOLATION LEVEL $level; SELECT FROM pg_class LIMIT 1") for @guessers;
	for my $guesser (@guessers)
	{
		$count{ ask($guesser, "SELECT jwt_login('$name', 'wrong') ->> 'error'") }++;
		ask($guesser, 'COMMIT');
	}
	is($count{invalid_grant}, 5, "$level: five guesses were checked");
	is($count{temporarily_unavailable}, 7, "$level: the others had to wait");

	# Success clears what such a snapshot does not show
	$node->safe_psql('postgres', 'DELETE FROM jwt_auth.login_throttle');
	ask($_, "BEGIN ISOLATION LEVEL $level; SELECT FROM pg_class LIMIT 1") for @guessers[ 0, 1 ];
	is(ask($guessers[0], q{SELECT jwt_login('bob', 'wrong') ->> 'error'}), 'invalid_grant', "$level: a failure");
	ask($guessers[0], 'COMMIT');
	like(ask($guessers[1], "SELECT coalesce(jwt_login('bob', '$PASSWORD') ->> 'error', 'ok')"),
		$level eq 'serializable' ? qr/^(?:ok|ERROR 40001)$/ : qr/^ok$/, "$level: and a success under an older snapshot");
	ask($guessers[1], 'COMMIT');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.login_throttle'), 0, 'which clears the count') if $level eq 'repeatable read';
	$node->safe_psql('postgres', 'DELETE FROM jwt_auth.login_throttle');
	$_->close for @guessers;
}

# The limit of sessions
{
	my @users = map { JwtAuthSession->new($node) } 1 .. 10;
	my %count;

	for my $user (@users)
	{
		ask($user, 'SET jwt_auth.max_sessions_per_user = 3');
		ask($user, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM jwt_auth.sessions');
	}
	for my $user (@users)
	{
		$count{ ask($user, $right) }++;
		ask($user, 'COMMIT');
	}
	is(join(' ', sort grep { !/^(?:ok|ERROR 40001)$/ } keys %count), '', 'logins, or transactions to repeat');
	cmp_ok($count{ok}, '>=', 3, 'there were logins');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE user_id = '$id' AND revoked_at IS NULL"), 3, 'no more sessions than the limit');
	$_->close for @users;
}

# Right passwords that wait for each other
{
	my $holder = JwtAuthSession->new($node);
	my @waiters = map { JwtAuthSession->new($node) } 1 .. 4;

	is(ask($holder, "BEGIN; $right"), 'ok', 'a login whose transaction stays open');
	for my $round (1, 2)
	{
		$_->begin_query("SELECT jwt_login('alice', '$PASSWORD')") for @waiters;
		for my $waiter (@waiters)
		{
			my $answer = JSON::PP::decode_json(answer_of($waiter));

			is(error_of($answer), 'temporarily_unavailable', "round $round: the turn did not come");
			unlike($answer->{error_description}, qr/fail/, "round $round: which is no failure");
			cmp_ok($answer->{retry_after}, '>=', 1, "round $round: and may soon be tried again");
		}
		is(value_of($node, $audited), 1, "round $round: one row tells of all");
	}
	is(value_of($node, q{SELECT user_id FROM jwt_auth.audit_log WHERE event = 'login_busy'}), $id, 'and whom it concerns');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.login_throttle'), 0, 'nothing was counted');
	ask($holder, 'ROLLBACK');
	is(ask($waiters[0], $right), 'ok', 'the turn comes when the transaction ends');

	is(ask($holder, q{BEGIN; SELECT jwt_login('nobody', 'wrong') ->> 'error'}), 'invalid_grant', 'the same for an unknown name');
	like(ask($waiters[0], q{SELECT jwt_login('nobody', 'wrong') ->> 'error_description'}), qr/not ended/, 'is told alike');
	is(value_of($node, "$audited AND user_id IS NULL AND name_hash IS NOT NULL"), 1, 'and audited by its hash');
	ask($holder, 'ROLLBACK');
	$_->close for $holder, @waiters;
}

# A burst of right logins, which cost enough that not all of them get their turn
{
	my $script = $node->basedir . '/burst.sql';
	my ($carol, $start);

	$node->append_conf('postgresql.conf', "jwt_auth.argon2_memory = 65536\njwt_auth.argon2_iterations = 3");
	$node->reload;
	$carol = value_of($node, "SELECT jwt_create_user('carol', '$PASSWORD')");
	execute($node, 'CREATE TABLE public.burst (answer jsonb)');
	PostgreSQL::Test::Utils::append_to_file($script, "INSERT INTO public.burst SELECT jwt_login('carol', '$PASSWORD');\n");
	$start = time;
	$node->command_ok([ 'pgbench', '-n', '-c', 50, '-t', 3, '-f', $script, 'postgres' ], 'fifty clients log in thrice');
	is(value_of($node, q{SELECT count(*) FROM burst WHERE coalesce(answer ->> 'error', 'temporarily_unavailable') = 'temporarily_unavailable'}), 150, 'burst: each gets tokens or is told to come again');
	is(value_of($node, q{SELECT count(*) FROM burst WHERE answer ->> 'error_description' ~ 'fail'}), 0, 'burst: nobody hears of failures');
	cmp_ok(value_of($node, q{SELECT count(*) FROM burst WHERE answer ? 'access_token'}), '>=', 3, 'burst: there were logins');
	cmp_ok(value_of($node, q{SELECT count(*) FROM burst WHERE answer ? 'error'}), '>=', 1, 'burst: and some that waited in vain');
	cmp_ok(value_of($node, "$audited AND user_id = '$carol'"), '<=', 1 + int((time - $start) / 60), 'burst: one row a minute tells of them');
	cmp_ok(value_of($node, "$audited AND user_id = '$carol'"), '>=', 1, 'burst: and one does');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.login_throttle'), 0, 'burst: nothing was counted');
	note(value_of($node, q{SELECT string_agg(format('%s %s', n, what), ', ') FROM (SELECT count(*) AS n, coalesce(answer ->> 'error', 'ok') AS what FROM burst GROUP BY 2) AS b}));
	$node->append_conf('postgresql.conf', "jwt_auth.argon2_memory = 8\njwt_auth.argon2_iterations = 1");
	$node->reload;
}

# An admin behind a login that stays open
{
	my $user = JwtAuthSession->new($node);
	my $admin = JwtAuthSession->new($node);
	my %change = (
		disable => "jwt_disable_user('$id')",
		delete => "jwt_delete_user('$id')",
		set_password => "jwt_set_password('$id', 'another horse battery')",
		enable => "jwt_enable_user('$id')",
		update => qq{jwt_update_user('$id', claims => '{"a":1}')});
	my $start;

	is(ask($user, "BEGIN; $right"), 'ok', 'a login whose transaction stays open');
	$start = time;
	is(ask($admin, "SELECT $change{disable}"), 'ERROR 55P03', 'the change gives up');
	cmp_ok(time - $start, '<', 20, 'by itself');
	cmp_ok(time - $start, '>', 3, 'after a while');
	is(ask($admin, 'SHOW lock_timeout'), '0', 'and leaves the setting as it was');
	$start = time;
	is(ask($admin, "SELECT jwt_unlock_user('$id')"), 'ERROR 55P03', 'unlocking gives up');
	cmp_ok(time - $start, '<', 10, 'by itself');
	ask($admin, q{SET lock_timeout = '100 ms'});
	$start = time;
	is(ask($admin, "SELECT $change{$_}"), 'ERROR 55P03', "$_ follows a shorter lock_timeout") for sort keys %change;
	cmp_ok(time - $start, '<', 4, 'of the session');
	ask($user, 'COMMIT');
	is(ask($admin, "SELECT $change{disable}"), '', 'and is done when the login has ended');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE user_id = '$id' AND revoked_at IS NULL"), 0, 'with all sessions');
	is(ask($admin, "SELECT $change{enable}"), '', 'enabled');

	# The other way round
	ask($admin, "BEGIN; SELECT $change{update}");
	ask($user, q{SET lock_timeout = '100 ms'});
	is(ask($user, $right), 'ERROR 55P03', 'nor does a login wait for an admin without limit');
	ask($admin, 'ROLLBACK');
	is(ask($user, $right), 'ok', 'and goes on afterwards');
	$_->close for $user, $admin;
}

# A purge that stays open holds the names whose dead rows it deleted, as a login does
{
	my $purger = JwtAuthSession->new($node);
	my $user = JwtAuthSession->new($node);

	is(error_of(log_in($node, $_, 'wrong')), 'invalid_grant', "$_ fails") for qw(alice bob);
	$node->safe_psql('postgres', q{UPDATE jwt_auth.login_throttle SET last_failure_at = now() - interval '2 h'});
	is(ask($user, q{BEGIN; SELECT jwt_login('bob', 'wrong') ->> 'error'}), 'invalid_grant', 'bob fails again, and the transaction stays open');
	$node->safe_psql('postgres', q{SELECT jwt_purge()});
	ask($purger, 'BEGIN; SELECT jwt_purge()');
	is(ask($user, 'COMMIT'), '', 'a name in use is left alone');
	is(value_of($node, 'SELECT max(failures) FROM jwt_auth.login_throttle'), 1, 'and its row stays');
	ask($purger, 'ROLLBACK');

	$node->safe_psql('postgres', q{UPDATE jwt_auth.login_throttle SET last_failure_at = now() - interval '2 h'});
	is(ask($purger, 'BEGIN; SELECT jwt_purge()'), 1, 'a purge that stays open');
	is(ask($user, q{SELECT jwt_login('bob', 'wrong') ->> 'error'}), 'temporarily_unavailable', 'whose name is told to come again');
	is(value_of($node, 'SELECT jwt_purge()'), 0, 'and another purge leaves it alone');
	ask($purger, 'COMMIT');
	is(error_of(log_in($node, 'bob')), 'ok', 'until the transaction ends');
	$_->close for $purger, $user;
}

done_testing();
