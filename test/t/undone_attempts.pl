# Denied attempts that a rollback undid (T38, F07, F44): they count for every
# connection, also a new one, whatever the rollback was; for a name that was tried
# more often than others, whatever else is tried; an administrator can clear them
# for all; and the server log says that it happened. Without preloading they count
# for the connection alone, as the guide says.
# At least 2 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $FAIL = q{SELECT jwt_login('%s', 'wrong') ->> 'error'};

# How an attempt can be undone
my %UNDO = (
	'a rollback' => 'BEGIN; %s; ROLLBACK',
	'a savepoint' => 'BEGIN; SAVEPOINT s; %s; ROLLBACK TO s; COMMIT',
	'a savepoint inside another' => 'BEGIN; SAVEPOINT s; SAVEPOINT t; %s; RELEASE t; ROLLBACK TO s; COMMIT',
	'an error' => 'BEGIN; %s; SELECT 1 / 0; COMMIT',
	'an error of the statement' => q{SELECT (jwt_login('%s', 'wrong') ->> 'error')::integer},
	'an error at the commit' => 'BEGIN; INSERT INTO late VALUES (1); %s; COMMIT',
	'a timeout' => q{BEGIN; %s; SET LOCAL statement_timeout = 1; SELECT pg_sleep(9); COMMIT},
	'the end of the connection' => 'BEGIN; %s; SELECT pg_terminate_backend(pg_backend_pid()); COMMIT');

for my $preload (1, 0)
{
	subtest $preload ? 'shared' : 'alone' => sub { try_server($preload) };
}
done_testing();

sub try_server
{
	my ($preload) = @_;
	my $node = start_account_node(
		$preload ? 'shared' : 'alone',
		conf => [
			'shared_preload_libraries = ' . ($preload ? "'jwt_auth'" : "''"), 'jwt_auth.login_max_failures = 3',
			'log_statement = none'
		]);

	$node->safe_psql('postgres', 'CREATE TABLE late (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO late VALUES (1)');
	try_undoing($node, $preload);
	try_junk_names($node, $preload);
	try_codes($node, $preload);
	try_unlock($node, $preload);
	try_many_in_one($node, $preload);
	try_success($node);
	try_mixture($node);
	try_first_attempts($node, $preload);
	try_database($node) if $preload;
	$node->stop;
	return;
}

# The answer to an attempt in a new connection, with the right or a wrong password
sub attempt
{
	my ($node, $name, $password) = @_;

	return error_of(log_in($node, $name, $password // 'wrong'));
}

sub undone
{
	my ($node, $name, $how) = @_;
	my $fail = sprintf $FAIL, $name;
	my $statements = $how =~ /'%s'/ ? sprintf($how, $name) : $how =~ s/%s/$fail/r;

	# A session that is not told to stop at errors, and may be ended
	$node->psql('postgres', $statements, on_error_stop => 0);
	return;
}

sub try_undoing
{
	my ($node, $preload) = @_;

	for my $how (sort keys %UNDO)
	{
		my $name = "user $how";
		my $logged = -s $node->logfile;

		undone($node, $name, $UNDO{$how}) for 1 .. 3;
		is(attempt($node, $name), $preload ? 'temporarily_unavailable' : 'invalid_grant', "$how: counts for a new connection");
		my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile, $logged);

		is(scalar(() = $log =~ /LOG:  jwt_auth: a rollback undid 1 denied attempt/g), 3, "$how: the server log says that an attempt was undone");
		unlike($log, qr/LOG:  jwt_auth.*\n(?:.*\n)?.*STATEMENT.*wrong/, "$how: the server log does not contain the statement");
	}
	is(value_of($node, 'SELECT coalesce(max(failures), 0) FROM jwt_auth.login_throttle'), $preload ? 0 : 1, 'the table has none of the attempts that were undone');

	my $logged = -s $node->logfile;

	is(attempt($node, 'committed'), 'invalid_grant', 'a denial that commits is answered as usual');
	execute($node, "BEGIN; SAVEPOINT s; RELEASE s; SELECT jwt_login('committed', 'wrong'); COMMIT");
	unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile, $logged), qr/a rollback undid/, 'a denial that commits is not logged as undone');
	return;
}

# As many names as were remembered of old, four times. That may take longer than
# the wait for three failures; after a fourth one the next must wait longer.
sub try_junk_names
{
	my ($node, $preload) = @_;

	undone($node, 'victim', $UNDO{'a rollback'}) for 1 .. 3;
	$node->safe_psql('postgres', q{BEGIN; SELECT jwt_login('junk' || n, 'wrong') FROM generate_series(1, 1000) AS n; ROLLBACK});
	attempt($node, 'victim');
	is(attempt($node, 'victim'), $preload ? 'temporarily_unavailable' : 'invalid_grant', 'a thousand other names do not displace a name that waits');

	my $session = connect_to($node);

	for my $attempt (1 .. 3)
	{
		execute($session, $_) for 'BEGIN', sprintf($FAIL, 'own victim'), 'ROLLBACK';
	}
	execute($session, 'BEGIN');
	execute($session, q{SELECT jwt_login('more junk' || n, 'wrong') FROM generate_series(1, 1000) AS n});
	execute($session, 'ROLLBACK');
	value_of($session, sprintf($FAIL, 'own victim'));
	is(value_of($session, sprintf($FAIL, 'own victim')), 'temporarily_unavailable', 'a thousand other names do not displace it in its own connection');
	return;
}

# Codes cost no hash: however many are tried, they displace no password's count.
sub try_codes
{
	my ($node, $preload) = @_;
	my $session = connect_to($node);

	execute($session, q{SELECT jwt_create_user(NULL, email => 'c' || n || '@junk.example') FROM generate_series(1, 400) AS n});
	execute($session, q{CREATE TEMPORARY TABLE flows AS SELECT jwt_request_login('c' || n || '@junk.example') ->> 'flow' AS flow FROM generate_series(1, 400) AS n});
	for my $attempt (1 .. 3)
	{
		execute($session, $_) for 'BEGIN', sprintf($FAIL, 'guessed'), 'ROLLBACK';
	}
	execute($session, 'BEGIN');
	is(value_of($session, q{SELECT count(*) FROM flows, generate_series(1, 3), LATERAL (SELECT jwt_login_code('00000000', flow) ->> 'error' AS error) AS a WHERE error = 'invalid_grant'}), 1200, 'codes are tried on many addresses');
	execute($session, 'ROLLBACK');
	value_of($session, sprintf($FAIL, 'guessed'));
	is(value_of($session, sprintf($FAIL, 'guessed')), 'temporarily_unavailable', 'undone codes displace no name whose password was tried');
	return;
}

# An administrator clears a name for all who have it in mind.
sub try_unlock
{
	my ($node, $preload) = @_;
	my ($session, $other) = map { connect_to($node) } 1, 2;
	my $unlock = q{SELECT jwt_unlock_user(id) FROM jwt_auth.users WHERE username = 'alice'};

	for my $attempt (1 .. 3)
	{
		execute($session, $_) for 'BEGIN', sprintf($FAIL, 'alice'), 'ROLLBACK';
	}
	is(value_of($session, "SELECT jwt_login('alice', '$PASSWORD') ->> 'error'"), 'temporarily_unavailable', 'a user whose failures were undone must wait in that connection');
	is(attempt($node, 'alice', $PASSWORD), $preload ? 'temporarily_unavailable' : 'ok', 'a user whose failures were undone must wait in other connections');
	execute($other, $unlock);
	is(value_of($session, "SELECT coalesce(jwt_login('alice', '$PASSWORD') ->> 'error', 'ok')"), $preload ? 'ok' : 'temporarily_unavailable',
		'until another connection unlocks the name');
	is(attempt($node, 'alice', $PASSWORD), 'ok', 'after jwt_unlock_user, the user logs in from other connections');
	return;
}

# More in one transaction than are watched over
sub try_many_in_one
{
	my ($node, $preload) = @_;

	$node->safe_psql('postgres', q{BEGIN; SELECT jwt_login('many', 'wrong') FROM generate_series(1, 3);
		SELECT jwt_login('other' || n, 'wrong') FROM generate_series(1, 200) AS n; ROLLBACK});
	is(attempt($node, 'many'), $preload ? 'temporarily_unavailable' : 'invalid_grant', 'after two hundred other attempts, undone failures still count');
	return;
}

# Who gives the right password is not held back by what was undone before.
sub try_success
{
	my ($node) = @_;
	my $session = connect_to($node);

	execute($session, 'BEGIN');
	execute($session, sprintf($FAIL, 'bob')) for 1, 2;
	execute($session, "SELECT jwt_login('bob', '$PASSWORD')");
	execute($session, 'ROLLBACK');
	is(value_of($session, sprintf($FAIL, 'bob')), 'invalid_grant', "failure $_ after a success") for 1 .. 3;
	is(value_of($session, sprintf($FAIL, 'bob')), 'temporarily_unavailable', 'after three failures, the name waits');
	return;
}

# Who commits some attempts and undoes others has no more of them.
sub try_mixture
{
	my ($node) = @_;
	my $session = connect_to($node);

	for my $end (qw(COMMIT ROLLBACK COMMIT))
	{
		execute($session, 'BEGIN');
		is(value_of($session, sprintf($FAIL, 'mixed')), 'invalid_grant', "before a $end a failure is free");
		execute($session, $end);
	}
	is(value_of($session, sprintf($FAIL, 'mixed')), 'temporarily_unavailable', 'after three failures with several ends, the name waits');
	is(value_of($session, 'SELECT count(*) FROM jwt_auth.audit_log WHERE event = \'login_throttled\' AND at > now() - interval \'1 s\' * 30 AND name_hash = (SELECT name_hash FROM jwt_auth.login_throttle ORDER BY last_failure_at DESC LIMIT 1)'), 1,
		'which is audited');
	return;
}

# Where nobody ever logged in, a rollback must not take the key of the hashes along.
sub try_first_attempts
{
	my ($node, $preload) = @_;
	my $session;

	execute($node, 'CREATE DATABASE fresh');
	execute($node, 'CREATE EXTENSION jwt_auth', dbname => 'fresh');
	execute($node, $_, dbname => 'fresh') for 'SELECT jwt_create_key()', "SELECT jwt_create_user('eve', '$PASSWORD')";
	$session = connect_to($node, dbname => 'fresh');
	for my $attempt (1 .. 3)
	{
		execute($session, $_) for 'BEGIN', sprintf($FAIL, 'eve'), 'ROLLBACK';
	}
	is(value_of($session, sprintf($FAIL, 'eve')), 'temporarily_unavailable', 'the first attempts in a database count');
	return;
}

# A name is a subject of its own in each database, also in a copy of one.
sub try_database
{
	my ($node) = @_;

	execute($node, 'CREATE DATABASE copy TEMPLATE fresh') if eval { wait_for($node, q{SELECT count(*) FROM pg_stat_activity WHERE datname = 'fresh'}, 0); 1 };
	is(error_of(log_in($node, 'eve', $PASSWORD, dbname => 'copy')), 'ok', 'a copy of the database has a count of its own');
	is(error_of(log_in($node, 'eve', $PASSWORD, dbname => 'fresh')), 'temporarily_unavailable', 'the original database keeps its count');
	return;
}
