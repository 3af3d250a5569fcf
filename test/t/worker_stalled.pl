# A background worker that cannot go on (F59): somebody who owns a database keeps all
# others out of it, or a function there does not end.  It is ended after a time, told of,
# and does not keep the launcher from other databases.
#
# Time limit: 900 s
# At least 12 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Time::HiRes qw(sleep time);

# For what a worker does on a busy machine
my $SECONDS = 180;

my $LATE = qr/WARNING:  jwt_auth worker took longer than 15 seconds in database "stalled", and was ended/;

my $node = start_node(
	'stalled',
	conf => [
		"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'stalled, postgres'",
		'jwt_auth.worker_naptime = 1', 'log_statement = none' ]);

$node->safe_psql('postgres', 'CREATE ROLE regress_tenant LOGIN CREATEDB; CREATE DATABASE stalled OWNER regress_tenant');
execute($node, 'CREATE EXTENSION jwt_auth', dbname => 'stalled');

goes_on_while_a_database_is_locked();
goes_on_while_a_function_runs();
done_testing();

sub await_late
{
	my ($what, $count) = @_;
	my $end = time + $SECONDS;

	sleep 0.1 until logged($LATE) >= $count || time > $end;
	return cmp_ok(logged($LATE), '>=', $count, $what);
}

sub logged
{
	my ($pattern) = @_;
	my @found = slurp_file($node->logfile) =~ /$pattern/g;

	return scalar @found;
}

# Waits until a worker has purged a row
sub await_purge
{
	my ($what, $dbname) = @_;
	my $end = time + $SECONDS;
	my $count = 1;

	execute($node, q{INSERT INTO jwt_auth.used_handles VALUES (sha256(gen_random_uuid()::text::bytea), now() - interval '2 days')}, dbname => $dbname);
	until ($count == 0 || time > $end)
	{
		sleep 0.2;
		$count = value_of($node, 'SELECT count(*) FROM jwt_auth.used_handles', dbname => $dbname);
	}
	return is($count, 0, $what);
}

# A transaction that renames a database keeps everybody from connecting to it.
sub goes_on_while_a_database_is_locked
{
	my $tenant = JwtAuthSession->new($node, role => 'regress_tenant');

	await_purge("a worker purges: $_", $_) for qw(stalled postgres);
	is($tenant->state_of('BEGIN; ALTER DATABASE stalled RENAME TO other'), '', 'the owner locks the database');
	await_late('a worker that cannot connect is ended', 1);
	await_purge('the other database is served', 'postgres');
	is($tenant->state_of('ROLLBACK'), '', 'the lock was there all the time');
	$tenant->close;
	await_purge('and then this one', 'stalled');
	return;
}

# A trigger that lets nobody cancel it
sub goes_on_while_a_function_runs
{
	my $before = logged($LATE);

	$node->safe_psql('stalled', q{
		CREATE FUNCTION public.sleep() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			SET LOCAL lock_timeout = 0;
			LOOP
				BEGIN
					PERFORM pg_catalog.pg_sleep(600);
				EXCEPTION WHEN query_canceled THEN
					NULL;
				END;
			END LOOP;
		END $$;
		CREATE TRIGGER sleeps BEFORE DELETE ON jwt_auth.used_handles FOR EACH ROW EXECUTE FUNCTION public.sleep();
		INSERT INTO jwt_auth.used_handles VALUES ('x', now() - interval '2 days')});
	await_late('a worker that runs a function without end is ended', $before + 1);
	await_purge('the other database is served', 'postgres');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.used_handles', dbname => 'stalled'), 1, 'nothing of it was committed');
	execute($node, 'DROP TRIGGER sleeps ON jwt_auth.used_handles', dbname => 'stalled');
	await_purge('without the function, this one is served again', 'stalled');
	is(logged(qr/PANIC|terminated by signal/), 0, 'no process has crashed');
	return;
}
