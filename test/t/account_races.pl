# Many at once (F13, T38, T40, T42, T49, T86): one refresh token presented by fifty
# sessions gives one child; attempts that are cancelled, timed out or rolled
# back reveal nothing and leave nothing; an idle transaction that holds a
# name's lock delays nobody else's logins.
# At least 107 assertions

use strict;
use warnings;

use AccountTest;
use IPC::Run qw(start);
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $clients = 50;
my $node = start_account_node('races', conf => [ 'max_connections = 120', 'max_prepared_transactions = 2', 'jwt_auth.login_max_failures = 100' ]);

$node->safe_psql('postgres', 'CREATE TABLE child (token text)');

# Fifty sessions that present a token; those who would rotate it wait for the
# row, and are let go at once.
sub present_at_once
{
	my ($token, $session, $is_replay) = @_;
	my $grace = $is_replay ? " FROM set_config('jwt_auth.refresh_grace', '0', true)" : '';
	my $script = PostgreSQL::Test::Utils::tempdir() . '/refresh.sql';
	my $holder = JwtAuthSession->new($node);
	my $output = '';

	open my $file, '>', $script or die "could not write a script: $!\n";
	print $file "INSERT INTO child SELECT jwt_refresh(:token) ->> 'refresh_token'$grace;\n";
	close $file or die "could not write a script: $!\n";
	$node->safe_psql('postgres', 'TRUNCATE child');
	ask($holder, "BEGIN; SELECT FROM jwt_auth.refresh_tokens WHERE session_id = '$session' FOR UPDATE");
	my $bench = start(
		[
			'pgbench', '-n', '-c', $clients, '-j', 2, '-t', 1, '-M', 'extended', '-D', "token=$token", '-f', $script,
			'-h', $node->host, '-p', $node->port, 'postgres'
		],
		'>', \$output, '2>&1');
	wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'INSERT INTO child' AND wait_event_type = 'Lock'", $clients)
	  unless $is_replay;
	ask($holder, 'COMMIT');
	$bench->finish;
	$holder->close;
	return $output;
}

sub session_of
{
	my ($answer) = @_;

	return value_of($node, "SELECT (jwt_decode('$answer->{access_token}')).claims ->> 'sid'");
}

{
	my $parent = log_in($node, 'alice');
	my $session = session_of($parent);
	my $row = "FROM jwt_auth.refresh_tokens WHERE session_id = '$session'";

	present_at_once($parent->{refresh_token}, $session);
	is(value_of($node, 'SELECT count(token), count(DISTINCT token) FROM child'), "$clients|1", 'fifty clients with one refresh token get the same child');
	is(value_of($node, "SELECT generation, count(*) $row GROUP BY generation"), '2|1', 'fifty clients with one refresh token make one rotation');
	is(value_of($node, "SELECT generation $row AND earlier IS NOT NULL"), 2, 'after one rotation, the row has generation 2');
	my ($child) = value_of($node, 'SELECT DISTINCT token FROM child');
	my $next = refresh_with($node, $child);

	is(error_of($next), 'ok', 'the child that fifty clients got can be refreshed');
	is(error_of(replay_with($node, $parent->{refresh_token})), 'invalid_grant', 'the parent that fifty clients used is a replay after its grace');
	is(error_of(refresh_with($node, $next->{refresh_token})), 'invalid_grant', 'a replay after the race ends the session');
}

# Under REPEATABLE READ one wins, and the others are told to try again
for my $level ('repeatable read', 'serializable')
{
	my $parent = log_in($node, 'alice');
	my $session = session_of($parent);

	local $ENV{PGOPTIONS} = "-c default_transaction_isolation=" . $level =~ s/ /\\ /r;
	my $output = present_at_once($parent->{refresh_token}, $session);

	is(value_of($node, 'SELECT count(token), count(DISTINCT token) FROM child'), '1|1', "$level: all clients that get a child get the same one");
	unlike($output, qr/ERROR:(?!.*could not serialize)/, "$level: clients get no other error than one of serialization");
	is(value_of($node, "SELECT generation FROM jwt_auth.refresh_tokens WHERE session_id = '$session'"), 2, "$level: clients with one refresh token make one rotation");
	is(refresh_with($node, $parent->{refresh_token})->{refresh_token}, value_of($node, 'SELECT token FROM child'), "$level: trying again gives the child");
}

# A replay among them: whatever order they come in, the session ends
{
	my $first = log_in($node, 'alice');
	my $session = session_of($first);
	my $second = refresh_with($node, $first->{refresh_token});
	my $third = refresh_with($node, $second->{refresh_token});

	present_at_once($first->{refresh_token}, $session, 'replay');
	is(value_of($node, 'SELECT count(token) FROM child'), 0, 'fifty replays get no token');
	is(value_of($node, "SELECT revoke_reason FROM jwt_auth.sessions WHERE id = '$session'"), 'refresh token replayed', 'fifty replays end the session');
	is(value_of($node, "SELECT generation FROM jwt_auth.refresh_tokens WHERE session_id = '$session'"), 3, 'fifty replays rotate nothing');
}

# Cancelled, timed out or killed while it hashes: the same for every name and
# password, and nothing is left. The hash takes some 300 ms.
{
	my $before = value_of($node, 'SELECT count(*) FROM jwt_auth.sessions');
	my $slow = 'SET jwt_auth.argon2_memory = 65536; SET jwt_auth.argon2_iterations = 8';
	my %attempt = (right => "'alice', '$PASSWORD'", wrong => "'alice', 'wrong'", unknown => "'nobody', 'wrong'");
	my $left = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";

	# Stored hashes that are slow, too: one of them stands in for an unknown name's
	$node->safe_psql('postgres', "$slow; SELECT jwt_set_password(id, '$PASSWORD') FROM jwt_auth.users");
	for my $kind (sort keys %attempt)
	{
		my $session = JwtAuthSession->new($node);

		ask($session, $slow);
		ask($session, "SET statement_timeout = '50 ms'");
		is(ask($session, "SELECT jwt_login($attempt{$kind})"), 'ERROR 57014', "$kind: an attempt ends at statement_timeout");
		ask($session, 'SET statement_timeout = 0');
		is(value_of($node, $left), 0, "$kind: after statement_timeout, no lock is left");

		my $pid = ask($session, 'SELECT pg_backend_pid()');
		my $running = "SELECT count(*) FROM pg_stat_activity AS a JOIN pg_locks AS l USING (pid)"
		  . " WHERE a.pid = $pid AND l.locktype = 'advisory'";

		$session->begin_query("SELECT jwt_login($attempt{$kind})");
		wait_for($node, $running, 1);
		is(value_of($node, "SELECT pg_cancel_backend($pid)"), 't', "$kind: an attempt is cancelled");
		is(answer_of($session), 'ERROR 57014', "$kind: an attempt can be cancelled while it hashes");
		is(value_of($node, $left), 0, "$kind: after a cancel, no lock is left");
		$session->begin_query("SELECT jwt_login($attempt{$kind})");
		wait_for($node, $running, 1);
		is(value_of($node, "SELECT pg_terminate_backend($pid, 30000)"), 't', "$kind: an attempt's backend is terminated");
		is(value_of($node, $left), 0, "$kind: after a termination, no lock is left");

	}
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.sessions'), $before, 'interrupted attempts begin no session');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.login_throttle'), 0, 'interrupted attempts count no failure');
	$node->safe_psql('postgres', "SELECT jwt_set_password(id, '$PASSWORD') FROM jwt_auth.users");
	is(error_of(log_in($node, 'alice')), 'ok', 'after interrupted attempts, the name can log in at once');
}

# Rolled back over and over by one connection
{
	my $session = JwtAuthSession->new($node);

	ask($session, 'SET jwt_auth.login_max_failures = 5');
	is(ask($session, "BEGIN; SELECT jwt_login('carol', 'wrong') ->> 'error'; ROLLBACK"), 'invalid_grant', 'a failure in a transaction that is rolled back is denied as usual') for 1 .. 5;
	is(ask($session, "BEGIN; SELECT jwt_login('carol', 'wrong') ->> 'error'; ROLLBACK"), 'temporarily_unavailable', 'five failures in transactions that were rolled back bring a wait');
	$session->close;
}

# A failure counts although the name's row is newer than the transaction's
# snapshot, and counts on when it is rolled back, beside what was committed
{
	my $session = JwtAuthSession->new($node);

	ask($session, 'SET jwt_auth.login_max_failures = 5');
	ask($session, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1');
	is(error_of(log_in($node, 'dora', 'wrong')), 'invalid_grant', 'a failure in another session is denied as usual');
	for my $attempt (1 .. 4)
	{
		ask($session, 'SAVEPOINT attempt');
		is(ask($session, "SELECT jwt_login('dora', 'wrong') ->> 'error'"), 'invalid_grant', "attempt $attempt under an older snapshot");
		ask($session, 'ROLLBACK TO attempt');
	}
	is(ask($session, "SELECT jwt_login('dora', 'wrong') ->> 'error'"), 'temporarily_unavailable', 'failures under an older snapshot bring a wait');
	ask($session, 'ROLLBACK');
	$session->close;
}

# A refresh token that is newer than the transaction's snapshot is told to come again
for my $level ('repeatable read', 'serializable')
{
	my $session = JwtAuthSession->new($node);
	my $former = log_in($node, 'alice');

	ask($session, "BEGIN ISOLATION LEVEL $level; SELECT FROM pg_class LIMIT 1");
	my $newer = refresh_with($node, $former->{refresh_token});

	is(ask($session, "SELECT jwt_refresh('$newer->{refresh_token}')"), 'ERROR 40001', "$level: a token newer than the snapshot");
	ask($session, 'ROLLBACK');
	is(ask($session, "SELECT coalesce(jwt_refresh('$newer->{refresh_token}') ->> 'error', 'ok')"), 'ok', "$level: and again in a new transaction");
	$session->close;
}

# A name's lock held in an idle transaction (T40)
{
	my $tokens = log_in($node, 'alice');
	my $holder = JwtAuthSession->new($node);

	is(ask($holder, "BEGIN; SELECT jwt_login('alice', 'wrong') ->> 'error'"), 'invalid_grant', 'an attempt in a transaction that stays open is denied');
	my ($answer, $seconds) = timed("coalesce(jwt_login('alice', '$PASSWORD') ->> 'error', 'ok')");

	is($answer, 'temporarily_unavailable', 'while an attempt stays open, another one for the name is told to try again');
	ok($seconds >= 1.9 && $seconds < 3, sprintf('after two seconds (%.2f)', $seconds));

	# Each of these would wait as long
	for my $case (
		['another name logs in', 'ok', "coalesce(jwt_login('bob', '$PASSWORD') ->> 'error', 'ok')"],
		['or is denied', 'invalid_grant', "jwt_login('nobody', 'wrong') ->> 'error'"],
		['a refresh goes on', 'ok', "coalesce(jwt_refresh('$tokens->{refresh_token}') ->> 'error', 'ok')"],
		['and so does a token', 't', "jwt_verify('$tokens->{access_token}') ? 'sub'"])
	{
		my ($what, $expected, $expression) = @$case;

		($answer, $seconds) = timed($expression);
		is($answer, $expected, $what);
		cmp_ok($seconds, '<', 1.5, sprintf('%s without a wait (%.2f)', $what, $seconds));
	}

	# Whoever waits can be cancelled
	my $waiter = JwtAuthSession->new($node);
	my $pid = ask($waiter, 'SELECT pg_backend_pid()');

	$waiter->begin_query("SELECT jwt_login('alice', '$PASSWORD')");
	wait_for($node, "SELECT wait_event_type FROM pg_stat_activity WHERE pid = $pid", 'Extension');
	value_of($node, "SELECT pg_cancel_backend($pid)");
	is(answer_of($waiter), 'ERROR 57014', 'an attempt that waits for its turn can be cancelled');
	$waiter->begin_query("SELECT jwt_login('alice', '$PASSWORD') ? 'access_token'");
	ask($holder, 'ROLLBACK');
	is(answer_of($waiter), 't', 'an attempt that waits for its turn goes on when the lock is free');
	$_->close for $holder, $waiter;
}

# Nor can it be kept in a prepared transaction, which outlives its session
for my $tried ("SELECT jwt_login('bob', 'wrong')", "SAVEPOINT s; SELECT jwt_login('bob', 'wrong'); ROLLBACK TO s", "SELECT jwt_login('bob', '$PASSWORD')")
{
	my $session = JwtAuthSession->new($node);

	ask($session, "BEGIN; $tried");
	is(ask($session, "PREPARE TRANSACTION 'kept'"), 'ERROR 0A000', 'a transaction with an attempt is not prepared');
	is(value_of($node, 'SELECT count(*) FROM pg_prepared_xacts'), '0', 'a refused PREPARE TRANSACTION leaves no prepared transaction');
	is(error_of(log_in($node, 'bob')), 'ok', 'after a refused PREPARE TRANSACTION, the name logs in');
	ask($session, $_) for 'BEGIN', 'CREATE TABLE prepared ()', q{PREPARE TRANSACTION 'other'};
	is(value_of($node, 'SELECT gid FROM pg_prepared_xacts'), 'other', 'a transaction without an attempt can be prepared');
	ask($session, q{ROLLBACK PREPARED 'other'});
	$session->close;
}

# Nor can the rows of a user and of sessions, which would keep that user from being banned
for my $tried ('SELECT jwt_logout()', q{SELECT jwt_logout('others')}, q{SELECT jwt_refresh('%s')}, 'SELECT jwt_enroll_totp()', q{SAVEPOINT s; SELECT jwt_logout(); RELEASE s})
{
	log_in($node, 'bob');
	my $tokens = log_in($node, 'bob');
	my $session = JwtAuthSession->new($node);

	unlike(ask($session, "BEGIN; SET LOCAL jwt_auth.token = '$tokens->{access_token}'; " . sprintf($tried, $tokens->{refresh_token})), qr/^ERROR/, "held: $tried");
	is(ask($session, q{PREPARE TRANSACTION 'kept'}), 'ERROR 0A000', "a transaction that holds a row is not prepared: $tried");
	is(value_of($node, 'SELECT count(*) FROM pg_prepared_xacts'), '0', "a refused PREPARE TRANSACTION leaves none: $tried");
	is(value_of($node, q{SELECT jwt_ban_user(jwt_find_user('bob')), jwt_unban_user(jwt_find_user('bob'))}), '|', "the user can be banned: $tried");
	$session->close;
}

# SQL functions cannot take that lock
{
	my $holder = JwtAuthSession->new($node);

	ask($holder, "BEGIN; SELECT jwt_login('bob', 'wrong')");
	my ($class, $object, $sub) = split /\|/,
	  value_of($node, "SELECT classid, objid, objsubid FROM pg_locks WHERE locktype = 'advisory'");

	ok($sub > 2, 'the lock of an attempt is of a class of its own');
	ask($holder, 'ROLLBACK');
	ask($holder, sprintf 'SELECT pg_advisory_lock(%d), pg_advisory_lock(%d, %d)',
		unpack('q', pack 'Q', $class << 32 | $object), unpack('l', pack 'L', $class), unpack('l', pack 'L', $object));
	is(error_of(log_in($node, 'bob')), 'ok', 'locks with the same numbers do not hinder a login');
	$holder->close;
}

# Logins of one user by two names, each of which replaces the hash: all are let in
{
	my $script = PostgreSQL::Test::Utils::tempdir() . '/names.sql';
	my $output = '';

	value_of($node, "SELECT jwt_create_user('carol', '$PASSWORD', email => 'carol\@example.org')");
	open my $file, '>', $script or die "could not write a script: $!\n";
	print $file <<"SQL";
\\if :client_id = 0
SET jwt_auth.argon2_memory = 16;
SELECT 1 / (jwt_login('carol', '$PASSWORD') ? 'access_token')::integer;
\\else
SET jwt_auth.argon2_memory = 24;
SELECT 1 / (jwt_login('carol\@example.org', '$PASSWORD') ? 'access_token')::integer;
\\endif
SQL
	close $file or die "could not write a script: $!\n";
	IPC::Run::run([ 'pgbench', '-n', '-c', 2, '-j', 2, '-t', 100, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
		'>', \$output, '2>&1');
	like($output, qr{actually processed: 200/200$}m, 'two names of one user log in at once') or diag($output);
	is(value_of($node, "SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'login' AND user_id = jwt_find_user('carol')"),
		'200', 'each login by one of two names is audited');
	is(value_of($node, 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'), '0', 'logins by two names cause no deadlock');
}

done_testing();

# What an expression gives, and how many seconds that takes in the server.
sub timed
{
	my ($expression) = @_;

	return split /\n/, value_of($node, <<"SQL");
SELECT clock_timestamp() AS start \\gset
SELECT $expression;
SELECT extract(epoch FROM clock_timestamp() - :'start');
SQL
}
