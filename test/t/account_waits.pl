# Attempts that meet each other (F06, F09, F14, F52, T40, T42): under an older snapshot
# failures and sessions count as they are now; an attempt whose turn does not come
# is told so, and not that it failed; nobody waits without limit for a transaction
# that somebody left open, and a purge holds no name longer than that either.
# At least 112 assertions

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
	is(ask($guessers[0], q{SELECT jwt_login('bob', 'wrong') ->> 'error'}), 'invalid_grant', "$level: a wrong password is denied as usual");
	ask($guessers[0], 'COMMIT');
	like(ask($guessers[1], "SELECT coalesce(jwt_login('bob', '$PASSWORD') ->> 'error', 'ok')"),
		$level eq 'serializable' ? qr/^(?:ok|ERROR 40001)$/ : qr/^ok$/, "$level: and a success under an older snapshot");
	ask($guessers[1], 'COMMIT');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.login_throttle'), 0, "$level: a success under an older snapshot clears the count") if $level eq 'repeatable read';
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
	is(join(' ', sort grep { !/^(?:ok|ERROR 40001)$/ } keys %count), '', 'logins beyond the limit succeed, or are transactions to repeat');
	cmp_ok($count{ok}, '>=', 3, 'at least three logins beyond the limit succeed');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE user_id = '$id' AND revoked_at IS NULL"), 3, 'after logins at the same time, no more sessions live than the limit');
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

			is(error_of($answer), 'temporarily_unavailable', "round $round: an attempt whose turn does not come is told to try again");
			unlike($answer->{error_description}, qr/fail/, "round $round: an attempt whose turn does not come is not called a failure");
			cmp_ok($answer->{retry_after}, '>=', 1, "round $round: an attempt whose turn does not come may soon be tried again");
		}
		is(value_of($node, $audited), 1, "round $round: one event is written for all waiting attempts");
	}
	is(value_of($node, q{SELECT user_id FROM jwt_auth.audit_log WHERE event = 'login_busy'}), $id, 'the event of waiting attempts names the user');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.login_throttle'), 0, 'waiting attempts are not counted as failures');
	ask($holder, 'ROLLBACK');
	is(ask($waiters[0], $right), 'ok', 'when the open transaction ends, the next attempt logs in');

	is(ask($holder, q{BEGIN; SELECT jwt_login('nobody', 'wrong') ->> 'error'}), 'invalid_grant', 'an attempt on an unknown name in an open transaction is denied');
	like(ask($waiters[0], q{SELECT jwt_login('nobody', 'wrong') ->> 'error_description'}), qr/not ended/, 'an attempt that waits on an unknown name gets the same text');
	is(value_of($node, "$audited AND user_id IS NULL AND name_hash IS NOT NULL"), 1, 'the event of an attempt that waits on an unknown name has its hash');
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
	is(value_of($node, q{SELECT count(*) FROM burst WHERE answer ->> 'error_description' ~ 'fail'}), 0, 'burst: no answer calls it a failure');
	cmp_ok(value_of($node, q{SELECT count(*) FROM burst WHERE answer ? 'access_token'}), '>=', 3, 'burst: there were logins');
	cmp_ok(value_of($node, q{SELECT count(*) FROM burst WHERE answer ? 'error'}), '>=', 1, 'burst: some attempts waited in vain');
	cmp_ok(value_of($node, "$audited AND user_id = '$carol'"), '<=', 1 + int((time - $start) / 60), 'burst: at most one event a minute is written');
	cmp_ok(value_of($node, "$audited AND user_id = '$carol'"), '>=', 1, 'burst: at least one event is written');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.login_throttle'), 0, 'burst: no failure is counted');
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
	is(ask($admin, "SELECT $change{disable}"), 'ERROR 55P03', 'disabling a user beside an open login gives up');
	cmp_ok(time - $start, '<', 20, 'disabling a user beside an open login gives up within 20 s');
	cmp_ok(time - $start, '>', 3, 'disabling a user beside an open login waits for more than 3 s');
	is(ask($admin, 'SHOW lock_timeout'), '0', 'a call that gave up leaves lock_timeout as it was');
	$start = time;
	is(ask($admin, "SELECT jwt_unlock_user('$id')"), 'ERROR 55P03', 'unlocking a user beside an open login gives up');
	cmp_ok(time - $start, '<', 10, 'unlocking a user beside an open login gives up within 10 s');
	ask($admin, q{SET lock_timeout = '100 ms'});
	$start = time;
	is(ask($admin, "SELECT $change{$_}"), 'ERROR 55P03', "$_ follows a shorter lock_timeout") for sort keys %change;
	cmp_ok(time - $start, '<', 4, 'with lock_timeout 100 ms, all changes give up within 4 s');
	ask($user, 'COMMIT');
	is(ask($admin, "SELECT $change{disable}"), '', 'after the login has ended, the user can be disabled');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE user_id = '$id' AND revoked_at IS NULL"), 0, 'disabling the user ends all sessions');
	is(ask($admin, "SELECT $change{enable}"), '', 'the user can be enabled again');

	# The other way round
	ask($admin, "BEGIN; SELECT $change{update}");
	ask($user, q{SET lock_timeout = '100 ms'});
	is(ask($user, $right), 'ERROR 55P03', 'a login beside an open change of the user gives up at lock_timeout');
	ask($admin, 'ROLLBACK');
	is(ask($user, $right), 'ok', 'after the change was rolled back, the user logs in');
	$_->close for $user, $admin;
}

# Nor does anybody wait without limit for one who ends a session, or uses a token, and
# keeps the transaction open
{
	my @names = qw(u1 u2 u3 u4 u5 u6);
	my (%session, %link, %flow, @calls);
	my $holder = JwtAuthSession->new($node);

	for my $name (@names)
	{
		value_of($node, "SELECT jwt_create_user('$name', '$PASSWORD', email => '$name\@known.example')");
		$session{$name} = log_in($node, $name);
		$link{$name} = value_of($node, "SELECT jwt_create_link(jwt_find_user('$name'), 'recovery')");
	}
	for my $name (@names[ 4, 5 ])
	{
		for my $request (1 .. 3)
		{
			execute($node, 'DELETE FROM jwt_auth.login_throttle');
			my $flow = value_of($node, "SELECT jwt_request_recovery('$name\@known.example') ->> 'flow'");
			$flow{$name} //= $flow;
		}
	}
	execute($node, 'DELETE FROM jwt_auth.login_throttle');

	ask($holder, 'BEGIN');
	for my $name (@names[ 0 .. 3 ])
	{
		ask($holder, "SET LOCAL jwt_auth.token = '$session{$name}{access_token}'");
		is(ask($holder, 'SELECT jwt_logout()'), '', "$name: a session is ended, and the transaction stays open");
	}
	is(ask($holder, "SELECT jwt_recover('12345678', 'another horse battery', '$flow{$_}') ->> 'error'"), 'invalid_grant', "$_: the oldest code is denied")
	  for @names[ 4, 5 ];
	ask($holder, "SET LOCAL jwt_auth.token = ''");
	is(error_of(log_in($node, 'u5')), 'temporarily_unavailable', 'logins beside a denied code are told to come again');

	my @waiters = (
		[ 'recovery', "SELECT jwt_recover('$link{u1}', 'another horse battery')" ],
		[ 'change of password', "SELECT jwt_change_password('$PASSWORD', 'another horse battery')", 'u2' ],
		[ 'logout everywhere', "SELECT jwt_logout('global')", 'u3' ],
		[ 'revocation', "SELECT jwt_revoke('$session{u4}{refresh_token}')" ],
		[ 'use of a sibling', "SELECT jwt_recover('$link{u6}', 'another horse battery')" ]);
	for my $waiter (@waiters)
	{
		my ($name, $call, $user) = @$waiter;
		my $other = JwtAuthSession->new($node);

		my $token = defined $user ? log_in($node, $user)->{access_token} : '';
		ask($other, "SET jwt_auth.token = '$token'; SET statement_timeout = '20 s'");
		$other->begin_query($call);
		push @calls, [ $name, $other ];
	}
	for my $call (@calls)
	{
		my ($name, $other) = @$call;

		like(answer_of($other), qr/^ERROR 55P03$|"temporarily_unavailable"/, "$name gives up by itself");
		$other->close;
	}

	# A way on that waits for nobody, and a login that must know whether a session ends
	my $start = time;
	is(value_of($node, q{SELECT jwt_request_recovery('u5@known.example') ->> 'status'}), 'sent', 'a request is answered beside a token in use');
	cmp_ok(time - $start, '<', 4, 'at once');
	my $login = JwtAuthSession->new($node);
	ask($login, q{SET jwt_auth.max_sessions_per_user = 1; SET lock_timeout = '1 s'});
	is(ask($login, "SELECT jwt_login('u1', '$PASSWORD')"), 'ERROR 55P03', 'a login whose surplus session is held gives up');
	ask($login, 'RESET lock_timeout');
	ask($holder, 'ROLLBACK');
	is(ask($login, "SELECT jwt_recover('$link{u1}', 'another horse battery') ->> 'status'"), 'password_set', 'and what gave up can be repeated');

	# A recovery that stays open has the user's turn
	is(ask($holder, "BEGIN; SELECT jwt_recover('$link{u6}', 'another horse battery') ->> 'status'"), 'password_set', 'a recovery whose transaction stays open');
	is(error_of(log_in($node, 'u6')), 'temporarily_unavailable', 'lets logins come again');
	ask($holder, 'ROLLBACK');
	$_->close for $holder, $login;
}

# A report of a message behind a claim that stays open
{
	my $claimer = JwtAuthSession->new($node);
	my @reporters = map { JwtAuthSession->new($node) } 1 .. 2;

	execute($node, q{TRUNCATE jwt_auth.outbox; SELECT jwt_request_recovery('stranger@known.example')});
	my $message = value_of($node, 'SELECT id FROM jwt_auth.outbox');

	like(ask($claimer, 'BEGIN; SELECT jwt_outbox_claim()'), qr/stranger/, 'a claim whose transaction stays open');
	ask($_, q{SET statement_timeout = '20 s'}) for @reporters;
	$reporters[0]->begin_query("SELECT jwt_outbox_sent('$message')");
	$reporters[1]->begin_query("SELECT jwt_outbox_failed('$message', 'greylisted')");
	is(answer_of($_), 'ERROR 55P03', 'a report gives up by itself') for @reporters;
	ask($claimer, 'COMMIT');
	is(ask($reporters[0], "SELECT jwt_outbox_sent('$message')"), '', 'and is taken when the claim has ended');
	$_->close for $claimer, @reporters;
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

# A wrong code beside a login that stays open, which has the user's turn and row: it is
# denied, and counts for its token
{
	my $holder = JwtAuthSession->new($node);
	my $guesser = JwtAuthSession->new($node);
	my $user = value_of($node, "SELECT jwt_create_user('erin', '$PASSWORD', email => 'erin\@known.example')");
	my $flow = value_of($node, q{SELECT jwt_request_login('erin@known.example') ->> 'flow'});

	is(ask($holder, "BEGIN; SELECT coalesce(jwt_login('erin', '$PASSWORD') ->> 'error', 'ok')"), 'ok', 'a login of one who asked for a code stays open');
	is(ask($guesser, "SELECT jwt_login_code('00000000', '$flow') ->> 'error'"), 'invalid_grant', 'a wrong code beside an open login of its user is denied');
	is(value_of($node, "SELECT failures FROM jwt_auth.one_time_tokens WHERE user_id = '$user'"), 1, 'a wrong code beside an open login counts for its token');
	is(value_of($node, "SELECT code_failures FROM jwt_auth.users WHERE id = '$user'"), 0, 'a wrong code beside an open login leaves the row that the login holds');
	ask($holder, 'ROLLBACK');
	is(ask($guesser, "SELECT jwt_login_code('00000001', '$flow') ->> 'error'"), 'invalid_grant', 'a wrong code after that is denied');
	is(value_of($node, "SELECT code_failures FROM jwt_auth.users WHERE id = '$user'"), 1, 'a wrong code counts for the user once the login has ended');
	$_->close for $holder, $guesser;
}

# Nobody waits without limit for who revokes an invitation and keeps the transaction open
{
	my ($holder, $other) = map { JwtAuthSession->new($node) } 1, 2;
	my @ids = map { value_of($node, q{SELECT jwt_invite('greta@known.example')}) } 1, 2;

	ask($other, q{SET statement_timeout = '60 s'});
	is(ask($holder, "BEGIN; SELECT jwt_revoke_invitation('$ids[0]')"), '', 'an invitation is revoked, and the transaction stays open');
	is(ask($other, "SELECT jwt_revoke_invitation('$ids[1]')"), 'ERROR 55P03', 'revoking another to the same address gives up by itself');
	is(ask($other, q{SELECT jwt_invite('greta@known.example')}), 'ERROR 55P03', 'inviting there once more gives up by itself');
	ask($holder, 'ROLLBACK');
	is(ask($other, "SELECT jwt_revoke_invitation('$ids[1]')"), '', 'once that was rolled back, it is revoked');
	$_->close for $holder, $other;
}

done_testing();
