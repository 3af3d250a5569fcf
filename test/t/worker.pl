# The background worker: in the databases that are named, and in no other, it purges
# until nothing is left and rotates the signing key by its age, whatever a role or
# database has set, and whatever lies in its way; what fails is told once and stops
# nothing else; nobody who drops a database or the extension waits for it; after a
# crash and without a free slot it goes on (F59).
#
# At least 40 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Time::HiRes qw(sleep time);

my $OTHER = 'Other, one';
my $node = start_node(
	'worker',
	conf => [
		"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'postgres'",
		'jwt_auth.worker_naptime = 1', 'restart_after_crash = on', 'log_statement = none' ]);

$node->safe_psql('postgres', $_)
  for qq{CREATE DATABASE "$OTHER"}, 'CREATE DATABASE unnamed', 'CREATE DATABASE bare',
  'CREATE DATABASE closed ALLOW_CONNECTIONS false';
execute($node, 'CREATE EXTENSION jwt_auth', dbname => $_) for 'unnamed', $OTHER;
execute($node, q{SELECT jwt_create_key('ES256', 'first')});
serve(qq{postgres, "$OTHER", missing, closed, bare});

serves_named_databases();
rotates_by_age();
leaves_subscribers_alone();
obeys_no_settings();
has_few_rights();
tells_once();
is_not_in_the_way();
survives();
done_testing();

# Has these databases served from now on
sub serve
{
	my ($names) = @_;

	execute($node, "ALTER SYSTEM SET jwt_auth.worker_databases = '$names'");
	execute($node, 'SELECT pg_reload_conf()');
	return;
}

# Waits until a query answers with true
sub await
{
	my ($what, $query, $dbname) = @_;
	my $end = time + 60;
	my $answer = '';

	until ($answer eq 't' || time > $end)
	{
		$answer = value_of($node, $query, dbname => $dbname // 'postgres');
		sleep 0.1;
	}
	is($answer, 't', $what) or diag(grep { /jwt_auth worker/ } split /^/, slurp_file($node->logfile));
	return;
}

# Rows that have been dead for two days
sub add_dead_rows
{
	my ($count, $dbname) = @_;

	execute($node, qq{INSERT INTO jwt_auth.used_handles SELECT sha256(gen_random_uuid()::text::bytea),
		now() - interval '2 days' FROM generate_series(1, $count)}, dbname => $dbname // 'postgres');
	return;
}

sub await_purge
{
	my ($what, $dbname) = @_;

	await($what, 'SELECT count(*) = 0 FROM jwt_auth.used_handles', $dbname);
	return;
}

# Waits until workers have begun and ended after now
sub await_visit
{
	my ($dbname) = @_;

	add_dead_rows(1, $dbname);
	await_purge('a worker came and went', $dbname);
	return;
}

# Waits until the log has lines of a pattern
sub await_log
{
	my ($what, $pattern, $count) = @_;
	my $end = time + 60;

	sleep 0.1 until logged($pattern) >= ($count // 1) || time > $end;
	is(logged($pattern), $count // 1, $what);
	return;
}

sub logged
{
	my ($pattern) = @_;
	my @found = slurp_file($node->logfile) =~ /$pattern/g;

	return scalar @found;
}

sub serves_named_databases
{
	add_dead_rows(7001);
	add_dead_rows(1, $_) for $OTHER, 'unnamed';
	await_purge('a worker purges until nothing is left');
	await_purge('also in a database whose name has a comma', $OTHER);
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.used_handles', dbname => 'unnamed'), 1, 'not in one that is not named');
	is(value_of($node, q{SELECT application_name, datname IS NULL FROM pg_stat_activity WHERE backend_type = 'jwt_auth launcher'}),
		'jwt_auth launcher|t', 'the launcher is shown, without a database');
	await_visit();
	is(logged(qr/WARNING:  database "missing" of setting "jwt_auth.worker_databases" does not exist/), 1,
		'a database that does not exist is told once');
	is(logged(qr/WARNING:  database "closed" of setting "jwt_auth.worker_databases" does not accept connections/), 1,
		'one that accepts no connections, too');
	is(logged(qr/database "bare"|FATAL/), 0, 'one without the extension is none');

	execute($node, 'CREATE EXTENSION jwt_auth', dbname => 'bare');
	await_visit('bare');
	serve('postgres, unnamed');
	await_purge('a reload names others', 'unnamed');
	add_dead_rows(1, 'bare');
	await_visit($_) for 'unnamed', 'postgres';
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.used_handles', dbname => 'bare'), 1, 'and no longer those that are not');
	serve('*');
	await_purge('an asterisk names all', 'bare');
	execute($node, 'UPDATE pg_database SET datistemplate = true WHERE datname = $$unnamed$$');
	add_dead_rows(1, 'unnamed');
	await_visit($_) for 'bare', 'postgres';
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.used_handles', dbname => 'unnamed'), 1, 'but no templates');
	execute($node, 'UPDATE pg_database SET datistemplate = false WHERE datname = $$unnamed$$');
	is(state_of($node, "ALTER SYSTEM SET jwt_auth.worker_databases = '$_'"), '22023', "a malformed list is refused: $_")
	  for 'a,,b', 'a,', ',', 'a b', '"a';
	serve('postgres, bare');
	return;
}

# Kids of signing keys by state
sub keys_of
{
	return value_of($node, q{SELECT string_agg(state, ',' ORDER BY created_at, kid) FROM jwt_auth.key_states WHERE use = 'sig'});
}

sub rotates_by_age
{
	await_visit();
	is(keys_of(), 'active', 'no key is rotated by its age unless that is set');
	execute($node, q{ALTER DATABASE postgres SET jwt_auth.rotate_after = '1h'});
	await_visit();
	is(keys_of(), 'active', 'nor one that is younger');
	execute($node, q{UPDATE jwt_auth.keys SET activated_at = activated_at - interval '2 h', created_at = created_at - interval '2 h' WHERE kid = 'first'});
	await('the next key is published first', q{SELECT count(*) = 1 FROM jwt_auth.key_states WHERE use = 'sig' AND state = 'next' AND alg = 'ES256'});
	await_visit();
	is(value_of($node, q{SELECT state FROM jwt_auth.key_states WHERE kid = 'first'}), 'active', 'and does not sign before others know it');
	execute($node, q{UPDATE jwt_auth.keys SET created_at = created_at - interval '2 h' WHERE use = 'sig' AND activated_at IS NULL});
	await('then it is rotated', q{SELECT state = 'retiring' FROM jwt_auth.key_states WHERE kid = 'first'});
	await_visit();
	is(keys_of(), 'retiring,active,next', 'once');
	is(value_of($node, q{SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'key_rotated'}), 1, 'as the audit log says');
	is(logged(qr/LOG:  jwt_auth worker rotated the signing key in database "postgres"/), 1, 'and the server log');
	execute($node, 'ALTER DATABASE postgres RESET jwt_auth.rotate_after');
	return;
}

# Where a subscription brings the tables, they are looked after elsewhere
sub leaves_subscribers_alone
{
	execute($node, q{CREATE SUBSCRIPTION nodes CONNECTION 'host=nowhere.invalid' PUBLICATION nodes WITH (connect = false, slot_name = NONE)});
	execute($node, q{INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, 'jwt_auth.sessions'::regclass, 'r' FROM pg_subscription});
	add_dead_rows(1);
	execute($node, 'SELECT jwt_reset_statistics()');
	await('workers come to a subscriber', q{SELECT value > 1 FROM jwt_auth.statistics WHERE database = current_database() AND name = 'worker_visits'});
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.used_handles'), 1, 'and do nothing there');
	execute($node, 'DROP SUBSCRIPTION nodes');
	await_purge('until it is none');
	return;
}

sub obeys_no_settings
{
	my %settings = (
		default_transaction_read_only => 'on', default_transaction_isolation => 'serializable',
		default_transaction_deferrable => 'on', session_replication_role => 'replica', exit_on_error => 'on',
		lock_timeout => '1ms', statement_timeout => '1ms', search_path => 'nowhere', row_security => 'off',
		enable_indexscan => 'off', 'jwt_auth.token' => 'junk', role => 'regress_worker_nobody');

	execute($node, 'CREATE ROLE regress_worker_nobody');
	$node->safe_psql('postgres', join '', map { "ALTER DATABASE postgres SET $_ = '$settings{$_}'; ALTER ROLE CURRENT_USER SET $_ = '$settings{$_}';" } sort keys %settings);
	{
		local $ENV{PGOPTIONS} = join ' ', '-c role=none',
		  map { "-c $_=0" } qw(lock_timeout statement_timeout default_transaction_read_only exit_on_error);

		add_dead_rows(3);
		await_purge('settings of database and role are no hindrance');
		$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET ALL; ALTER ROLE CURRENT_USER RESET ALL');
	}
	return;
}

# Code of the owner of the tables gets that owner's rights, at the end of the
# transaction, too, and not those of the superuser as whom the server connects
sub has_few_rights
{
	$node->safe_psql('bare', q{
		CREATE ROLE regress_worker_owner;
		DO $$
		DECLARE
			t record;
		BEGIN
			FOR t IN SELECT c.oid::regclass AS name FROM pg_class AS c
				WHERE relnamespace = 'jwt_auth'::regnamespace AND relkind IN ('r', 'v')
			LOOP
				EXECUTE format('ALTER TABLE %s OWNER TO regress_worker_owner', t.name);
			END LOOP;
		END $$;
		GRANT ALL ON SCHEMA jwt_auth, public TO regress_worker_owner;
		SET ROLE regress_worker_owner;
		CREATE TABLE public.seen (who name, what text);
		CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS $f$
		DECLARE
			command text;
		BEGIN
			INSERT INTO public.seen VALUES (current_user, 'row');
			FOREACH command IN ARRAY '{ALTER ROLE regress_worker_owner SUPERUSER,RESET ROLE,RESET SESSION AUTHORIZATION,SET ROLE pg_monitor}'::text[]
			LOOP
				BEGIN
					EXECUTE command;
					INSERT INTO public.seen VALUES (current_user, command);
				EXCEPTION WHEN OTHERS THEN
					NULL;
				END;
			END LOOP;
			RETURN NULL;
		END $f$;
		CREATE CONSTRAINT TRIGGER late AFTER DELETE ON jwt_auth.used_handles DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION public.look()});
	add_dead_rows(2, 'bare');
	await_purge('rows go where a trigger of the owner waits for the commit', 'bare');
	is(value_of($node, 'SELECT string_agg(DISTINCT who || $$ $$ || what, $$,$$) FROM seen', dbname => 'bare'),
		'regress_worker_owner row', 'which runs as the owner, and becomes nobody else');
	is(value_of($node, q{SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_worker_owner'}), 'f', 'who is no superuser afterwards');
	return;
}

sub tells_once
{
	my $failure = qr/WARNING:  jwt_auth worker could not purge what has expired in database "postgres": no way/;

	$node->safe_psql('postgres', q{
		CREATE SCHEMA regress_worker; CREATE FUNCTION regress_worker.fail() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN RAISE EXCEPTION 'no way' USING DETAIL = 'a secret'; END $$;
		CREATE TRIGGER fails BEFORE DELETE ON jwt_auth.used_handles FOR EACH ROW EXECUTE FUNCTION regress_worker.fail()});
	add_dead_rows(1);
	await_log('a step that fails is told', $failure);
	await_visit('bare') for 1 .. 4;
	is(logged($failure), 1, 'once');
	is(logged(qr/a secret/), 0, 'without detail');
	$node->safe_psql('postgres', 'DROP TRIGGER fails ON jwt_auth.used_handles; DROP SCHEMA regress_worker CASCADE');
	await_purge('and works again once it can');
	return;
}

sub is_not_in_the_way
{
	my $refused = 0;
	my @failed;

	serve('postgres, bare, doomed');
	for my $round (1 .. 5)
	{
		execute($node, 'CREATE DATABASE doomed');
		execute($node, 'CREATE EXTENSION jwt_auth', dbname => 'doomed');
		add_dead_rows(3000, 'doomed');
		$refused++ if state_of($node, 'DROP DATABASE doomed') ne '';
	}
	is($refused, 0, 'DROP DATABASE is never refused');
	for my $round (1 .. 5)
	{
		add_dead_rows(3000, 'bare');
		push @failed, state_of($node, $_, dbname => 'bare') for 'DROP EXTENSION jwt_auth CASCADE', 'CREATE EXTENSION jwt_auth';
	}
	is(join(',', grep { $_ ne '' } @failed), '', 'nor DROP EXTENSION while rows are purged');
	is(logged(qr/deadlock detected/), 0, 'and none of them waits for the other');

	my $session = JwtAuthSession->new($node, dbname => 'bare');

	$session->query('BEGIN; DROP EXTENSION jwt_auth');
	await_log('a worker gives up where somebody keeps the extension locked', qr/could not .* in database "bare": canceling statement due to lock timeout/);
	$session->query('ROLLBACK');
	$session->close;
	await_visit('bare');
	return;
}

# The worker while it waits for a lock that the session holds
sub waiting_worker
{
	my ($session) = @_;
	my $pid = '';
	my $end = time + 60;

	$session->query('BEGIN; LOCK TABLE jwt_auth.used_handles');
	until ($pid ne '' || time > $end)
	{
		$pid = value_of($node, q{SELECT pid FROM pg_stat_activity
			WHERE backend_type = 'jwt_auth worker' AND datname = 'postgres' AND wait_event_type = 'Lock'});
		sleep 0.02;
	}
	return $pid;
}

sub survives
{
	my $session = JwtAuthSession->new($node);
	my $pid = waiting_worker($session);
	my $began = time;

	is(value_of($node, "SELECT pg_terminate_backend($pid, 60000)"), 't', 'a worker that waits can be ended');
	cmp_ok(time - $began, '<', 10, 'at once');
	$session->query('ROLLBACK');
	await_visit();
	$pid = waiting_worker($session);
	is(kill(KILL => $pid), 1, 'a worker is killed');
	eval { $session->close; };
	ok($node->poll_query_until('postgres', 'SELECT true'), 'the server starts again');
	await_visit();

	my $launcher = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'jwt_auth launcher'};

	$pid = value_of($node, $launcher);
	is(value_of($node, "SELECT pg_terminate_backend($pid, 60000)"), 't', 'the launcher can be ended');
	await('and comes back', "SELECT EXISTS ($launcher)");
	await_visit();
	$session = JwtAuthSession->new($node);
	waiting_worker($session);
	$began = time;
	$node->stop('fast');
	cmp_ok(time - $began, '<', 30, 'a fast shutdown is one');
	eval { $session->close; };
	$node->append_conf('postgresql.conf', $_) for 'max_logical_replication_workers = 0', 'max_worker_processes = 1';
	$node->start;
	await_log('a missing slot is told', qr/no background worker can be started/);
	execute($node, 'SELECT pg_reload_conf()');
	await_log('again after a reload', qr/no background worker can be started/, 2);
	return;
}
