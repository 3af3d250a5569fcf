# The background worker (F59) in databases that hold what others have put there: objects
# of the names that it uses, settings and event triggers, locks, row-level security that
# is forced on the owner of the tables; databases of strange names, that are renamed,
# closed, dropped or templates.  It does its work as ever, hands no rights to anybody,
# and a database that keeps it busy does not keep it from others.
#
# At least 76 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Time::HiRes qw(sleep time);

# For what a worker does on a busy machine
my $SECONDS = 120;

# How often something is tried whose moment a busy machine may miss
my $TRIES = 20;

my $LONG = 'x' x 63;
my @STRANGE = (' Quo"te, UPPER ', q{apo'str\\ophe}, "new\nline", $LONG);

my $node = start_node(
	'hostile',
	conf => [
		"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'postgres, tenant'",
		'jwt_auth.worker_naptime = 1', 'log_statement = none' ]);
my $superuser = value_of($node, 'SELECT current_user');
my $major = int(value_of($node, 'SHOW server_version_num') / 10000);

$node->safe_psql('postgres', 'CREATE ROLE regress_tenant LOGIN CREATEDB; CREATE DATABASE tenant OWNER regress_tenant');
make_objects();
execute($node, 'CREATE EXTENSION jwt_auth', dbname => 'tenant');
value_of($node, q{SELECT jwt_create_key('ES256', 'first')}, dbname => 'tenant');

works_beside_objects();
obeys_no_settings();
takes_only_settings_of_superusers();
works_beside_event_triggers();
works_under_forced_security();
works_while_a_table_is_locked();
gives_way_in_deadlocks();
serves_strange_names();
lets_databases_change();
finds_no_extension_in_a_schema();
done_testing();

sub await
{
	my ($what, $query, $dbname) = @_;
	my $end = time + $SECONDS;
	my $answer = '';

	until ($answer eq 't' || time > $end)
	{
		$answer = value_of($node, $query, dbname => $dbname // 'tenant');
		sleep 0.1;
	}
	return is($answer, 't', $what) || diag(grep { /WARNING:  jwt_auth/ } split /^/, slurp_file($node->logfile));
}

sub await_log
{
	my ($what, $pattern, $count) = @_;
	my $end = time + $SECONDS;

	sleep 0.1 until logged($pattern) >= ($count // 1) || time > $end;
	return cmp_ok(logged($pattern), '>=', $count // 1, $what);
}

sub logged
{
	my ($pattern) = @_;
	my @found = slurp_file($node->logfile) =~ /$pattern/g;

	return scalar @found;
}

sub add_dead_rows
{
	my ($count, $dbname) = @_;

	execute($node, qq{INSERT INTO jwt_auth.used_handles SELECT sha256(gen_random_uuid()::text::bytea),
		now() - interval '2 days' FROM generate_series(1, $count)}, dbname => $dbname // 'tenant');
	return;
}

# Waits until a worker has purged a row
sub await_purge
{
	my ($what, $dbname) = @_;

	add_dead_rows(1, $dbname);
	return await($what, 'SELECT count(*) = 0 FROM jwt_auth.used_handles', $dbname);
}

# Statements as the tenant, who owns the database
sub as_tenant
{
	my ($sql, $dbname) = @_;

	$node->safe_psql($dbname // 'tenant', "SET SESSION AUTHORIZATION regress_tenant; $sql");
	return;
}

# Has a list served as it is
sub serve
{
	my ($list) = @_;

	$list =~ s/\\/\\\\/g;
	$list =~ s/\n/\\n/g;
	$list =~ s/'/''/g;
	$node->append_conf('postgresql.conf', "jwt_auth.worker_databases = '$list'");
	$node->reload;
	return;
}

# Whatever of the tenant has run as somebody else
sub check_rights
{
	my ($what) = @_;

	is(value_of($node, q{SELECT count(*) FROM trap.seen WHERE who <> 'regress_tenant'}, dbname => 'tenant'), 0, "$what: nothing of the tenant was run as another");
	is(value_of($node, q{SELECT rolsuper OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = 'regress_tenant'}), 'f', "$what: who got no rights");
	return;
}

# Objects that stand in for those that a worker uses, if it looks for them by name
# alone.  Each of them notes who runs it, and tries to make its owner a superuser.
sub make_objects
{
	my %operators = (
		'=' => 'text,text uuid,uuid timestamptz,timestamptz bytea,bytea smallint,smallint integer,integer tid,tid oid,oid boolean,boolean',
		'<' => 'timestamptz,timestamptz integer,integer', '<=' => 'timestamptz,timestamptz', '>=' => 'timestamptz,timestamptz',
		'>' => 'timestamptz,timestamptz', '->>' => 'jsonb,text', '->' => 'jsonb,text', '?' => 'jsonb,text',
		'+' => 'timestamptz,interval integer,integer', '-' => 'timestamptz,interval', '||' => 'text,text');
	my %functions = (
		'now' => '', 'clock_timestamp' => '', 'array_agg' => 'uuid', 'count' => '', 'lower' => 'text', 'sha256' => 'bytea',
		'get_extension_oid' => 'text,boolean', 'gen_random_uuid' => '', 'jsonb_typeof' => 'jsonb');
	my @sql = ('CREATE SCHEMA trap', 'CREATE SCHEMA regress_tenant',
		'CREATE TABLE trap.seen (who name, what text)', 'GRANT USAGE ON SCHEMA trap TO PUBLIC', 'GRANT INSERT ON trap.seen TO PUBLIC',
		q{CREATE FUNCTION trap.spring(what text) RETURNS boolean LANGUAGE plpgsql AS $f$
			BEGIN
				INSERT INTO trap.seen VALUES (current_user, what);
				BEGIN
					ALTER ROLE regress_tenant SUPERUSER BYPASSRLS REPLICATION;
				EXCEPTION WHEN insufficient_privilege THEN
					NULL;
				END;
				RETURN true;
			END $f$});

	for my $schema (qw(public regress_tenant))
	{
		for my $name (sort keys %operators)
		{
			for my $types (split ' ', $operators{$name})
			{
				my ($left, $right) = split /,/, $types;
				my $function = "$schema.operator_" . join '_', unpack('H*', $name), $left, $right;
				my $type = $name =~ /^[<=>?]/ ? 'boolean' : $name =~ /^-|[|]/ ? 'text' : $left;

				push @sql, qq{CREATE FUNCTION $function($left, $right) RETURNS $type LANGUAGE sql AS \$f\$ SELECT CASE WHEN trap.spring('$name $types') THEN NULL::$type END \$f\$},
				  "CREATE OPERATOR $schema.$name (FUNCTION = $function, LEFTARG = $left, RIGHTARG = $right)";
			}
		}
		push @sql, map { "CREATE FUNCTION $schema.$_($functions{$_}) RETURNS boolean LANGUAGE sql AS \$f\$ SELECT trap.spring('$_') \$f\$" } sort keys %functions;
		push @sql, map { "CREATE TABLE $schema.$_ (kid text, hash bytea, id uuid, expires_at timestamptz)" }
		  qw(keys sessions used_handles key_fetches issuers providers pg_class pg_namespace audit_log);
		push @sql, "CREATE VIEW $schema.pg_extension AS SELECT trap.spring('pg_extension') AS extname",
		  "CREATE DOMAIN $schema.timestamptz AS pg_catalog.timestamptz CHECK (trap.spring('domain'))",
		  "CREATE DOMAIN $schema.uuid AS pg_catalog.uuid CHECK (trap.spring('domain'))",
		  "CREATE TYPE $schema.hostile AS (a text)",
		  "CREATE FUNCTION $schema.cast_hostile($schema.hostile) RETURNS pg_catalog.text LANGUAGE sql AS \$f\$ SELECT trap.spring('cast')::pg_catalog.text \$f\$",
		  "CREATE CAST ($schema.hostile AS pg_catalog.text) WITH FUNCTION $schema.cast_hostile($schema.hostile) AS IMPLICIT";
	}
	as_tenant(join ";\n", @sql);
	return;
}

sub works_beside_objects
{
	my $paths = 'regress_tenant, public, trap, pg_catalog';

	as_tenant("ALTER DATABASE tenant SET search_path = $paths");
	execute($node, "ALTER ROLE CURRENT_USER IN DATABASE tenant SET search_path = $paths");
	execute($node, "ALTER ROLE ALL SET search_path = $paths");
	{
		local $ENV{PGOPTIONS} = '-c search_path=pg_catalog,public';

		# With keys to fetch, and one to rotate
		$node->safe_psql('tenant', q{ALTER DATABASE tenant SET jwt_auth.rotate_after = '1h';
			UPDATE jwt_auth.keys SET activated_at = activated_at - interval '2 h', created_at = created_at - interval '2 h';
			SELECT jwt_trust_issuer('https://a.example', jwk_public(jwk_generate('ES256')), 'api', options => '{"jwks_uri":"https://127.0.0.1:1/"}')});
		await_purge('beside objects of the same names, a worker purges');
		await('publishes the next key', q{SELECT count(*) = 1 FROM jwt_auth.key_states WHERE use = 'sig' AND state = 'next'});
		execute($node, q{UPDATE jwt_auth.keys SET created_at = created_at - interval '2 h' WHERE use = 'sig' AND activated_at IS NULL}, dbname => 'tenant');
		await('rotates', q{SELECT state = 'retiring' FROM jwt_auth.key_states WHERE kid = 'first'});
		await('and fetches', q{SELECT count(*) = 1 FROM jwt_auth.key_fetches WHERE failures > 0 AND error LIKE '%connect%'});
		is(value_of($node, 'SELECT count(*) FROM trap.seen', dbname => 'tenant'), 0, 'it uses none of them');
		check_rights('objects');
		execute($node, 'ALTER ROLE CURRENT_USER IN DATABASE tenant RESET ALL');
		execute($node, 'ALTER ROLE ALL RESET ALL');
		execute($node, 'ALTER DATABASE tenant RESET ALL');
	}
	return;
}

# What any owner of a database may set, at its worst
sub hostile_settings
{
	my %settings = (
		role => 'regress_tenant', session_authorization => 'regress_tenant',
		default_transaction_read_only => 'on', default_transaction_isolation => 'serializable', default_transaction_deferrable => 'on',
		statement_timeout => '1ms', lock_timeout => '1ms', transaction_timeout => '1ms',
		idle_in_transaction_session_timeout => '1ms', idle_session_timeout => '1ms',
		row_security => 'off', check_function_bodies => 'off', local_preload_libraries => 'nothing', exit_on_error => 'on',
		search_path => 'nowhere', client_encoding => 'SQL_ASCII', standard_conforming_strings => 'off', transform_null_equals => 'on',
		backslash_quote => 'off', array_nulls => 'off', DateStyle => 'SQL, DMY', IntervalStyle => 'sql_standard', TimeZone => 'Asia/Kathmandu',
		bytea_output => 'escape', extra_float_digits => '-15', lc_time => 'C', restrict_nonsystem_relation_kind => 'view, foreign-table',
		default_table_access_method => 'heap', temp_tablespaces => '', work_mem => '64kB', temp_buffers => '800kB', maintenance_work_mem => '1MB',
		force_parallel_mode => 'on', debug_parallel_query => 'on', max_parallel_workers_per_gather => '8', parallel_setup_cost => '0', parallel_tuple_cost => '0',
		min_parallel_table_scan_size => '0', jit => 'on', jit_above_cost => '0', plan_cache_mode => 'force_generic_plan',
		debug_print_parse => 'on', debug_print_plan => 'on', debug_print_rewritten => 'on', client_min_messages => 'debug5',
		constraint_exclusion => 'on', quote_all_identifiers => 'on', synchronous_commit => 'off', vacuum_cost_delay => '100ms',
		(map { ("enable_$_" => 'off') } qw(indexscan indexonlyscan bitmapscan tidscan seqscan nestloop hashjoin mergejoin sort hashagg)),
		'jwt_auth.token' => 'junk');

	return map { value_of($node, "SELECT count(*) FROM pg_settings WHERE lower(name) = lower('$_')") || /^(?:session_auth.*|jwt_auth.token|role)$/ ? ($_ => $settings{$_}) : () } keys %settings;
}

sub obeys_no_settings
{
	my %settings = hostile_settings();
	my $failures = logged(qr/jwt_auth worker could not|FATAL/);

	as_tenant("ALTER DATABASE tenant SET $_ = '$settings{$_}'", 'postgres') for sort keys %settings;
	{
		local $ENV{PGOPTIONS} = join ' ', "-c session_authorization=$superuser", '-c role=none', '-c search_path=pg_catalog,public', '-c client_min_messages=warning', '-c local_preload_libraries=', '-c jit=off', '-c max_parallel_workers_per_gather=0',
		  '-c debug_print_parse=off', '-c debug_print_plan=off', '-c debug_print_rewritten=off',
		  '-c exit_on_error=off', map { "-c $_=0" } grep { /_timeout$/ || /read_only$/ } sort keys %settings;

		await_purge('with the worst settings of an owner, a worker purges');
		execute($node, 'UPDATE jwt_auth.key_fetches SET failures = 0, error = NULL, next_at = now()', dbname => 'tenant');
		await('and fetches', q{SELECT count(*) = 1 FROM jwt_auth.key_fetches WHERE failures > 0 AND error LIKE '%connect%'});
		is(logged(qr/jwt_auth worker could not|FATAL/), $failures + 1, 'nothing else fails')
		  or diag(grep { /jwt_auth worker could not|FATAL/ } split /^/, slurp_file($node->logfile));
		is(logged(qr/parse tree:|rewritten parse tree:|\{PLANNEDSTMT/), 0, 'and no plan is printed');
		check_rights('settings');
	}
	execute($node, 'ALTER DATABASE tenant RESET ALL');
	return;
}

sub takes_only_settings_of_superusers
{
	for my $setting ('session_preload_libraries = nothing', q{session_replication_role = 'replica'}, q{deadlock_timeout = '1h'},
		q{jwt_auth.rotate_after = '1s'}, q{jwt_auth.issuer = 'https://evil.example'}, q{jwt_auth.check_revocation = 'off'},
		q{jwt_auth.audit = 'none'}, q{jwt_auth.max_token_ttl = '1y'}, q{jwt_auth.claims_function = 'trap.spring'}, q{jwt_auth.audit_retention = '0'})
	{
		is(state_in_session($node, "ALTER DATABASE tenant SET $setting"), '42501', "an owner may not set $setting");
	}
	for my $setting (q{jwt_auth.worker_databases = 'x'}, q{jwt_auth.worker_naptime = '1h'}, q{jwt_auth.fetch_ca_file = '/tmp/x'})
	{
		like(state_in_session($node, "ALTER DATABASE tenant SET $setting"), qr/^(?:42501|55P02)$/, "nor $setting");
		is(state_of($node, "ALTER DATABASE tenant SET $setting"), '55P02', 'which nobody may set for one database');
	}
	return;
}

sub state_in_session
{
	my ($where, $statement) = @_;
	my $session = connect_to($where);

	execute($session, 'SET SESSION AUTHORIZATION regress_tenant');
	return state_of($session, $statement);
}

sub works_beside_event_triggers
{
	my @events = qw(ddl_command_start ddl_command_end sql_drop table_rewrite);

	push @events, 'login' if $major >= 17;
	as_tenant(q{CREATE FUNCTION trap.on_event() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM trap.spring(tg_event); END $f$});
	{
		# The sessions of this test are let in.
		local $ENV{PGOPTIONS} = $major >= 17 ? '-c event_triggers=off' : '';

		$node->safe_psql('tenant', join ';', map { "CREATE EVENT TRIGGER regress_$_ ON $_ EXECUTE FUNCTION trap.on_event(); ALTER EVENT TRIGGER regress_$_ ENABLE ALWAYS" } @events);
		execute($node, q{ALTER DATABASE tenant SET event_triggers = 'on'}) if $major >= 17;
		await_purge('beside event triggers, a worker purges');
		is(value_of($node, q{SELECT count(*) FROM trap.seen WHERE what = 'login'}, dbname => 'tenant'), 0, 'and sets off none of them');
		$node->safe_psql('tenant', join ';', map { "DROP EVENT TRIGGER regress_$_" } @events);
		execute($node, 'TRUNCATE trap.seen', dbname => 'tenant');
		check_rights('event triggers');
	}
	return;
}

# Where the tables have been given to a role that is no superuser: policies and indexes
# are that role's, and so are the rights with which a worker runs them.
sub works_under_forced_security
{
	execute($node, 'CREATE DATABASE forced');
	$node->safe_psql('forced', q{
		CREATE EXTENSION jwt_auth;
		GRANT ALL ON SCHEMA jwt_auth, public TO regress_tenant;
		CREATE SCHEMA trap AUTHORIZATION regress_tenant;
		DO $$
		DECLARE
			t record;
		BEGIN
			FOR t IN SELECT c.oid::regclass AS name, relkind FROM pg_class AS c WHERE relnamespace = 'jwt_auth'::regnamespace AND relkind IN ('r', 'v')
			LOOP
				EXECUTE format('ALTER TABLE %s OWNER TO regress_tenant', t.name);
				IF t.relkind = 'r' THEN
					EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.name);
					EXECUTE format('CREATE POLICY nobody ON %s AS RESTRICTIVE USING (false) WITH CHECK (false)', t.name);
				END IF;
			END LOOP;
		END $$});
	as_tenant(q{
		CREATE TABLE trap.seen (who name, what text);
		CREATE FUNCTION trap.act() RETURNS void LANGUAGE plpgsql AS $f$
			BEGIN
				INSERT INTO trap.seen VALUES (current_user, 'index');
				BEGIN
					ALTER ROLE regress_tenant SUPERUSER;
				EXCEPTION WHEN insufficient_privilege THEN
					NULL;
				END;
			END $f$;
		CREATE FUNCTION trap.note(at timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN PERFORM trap.act(); RETURN at; END $f$;
		CREATE INDEX ON jwt_auth.key_fetches (trap.note(tried_at));
		CREATE INDEX ON jwt_auth.used_handles ((1)) WHERE trap.note(expires_at) > '2000-01-01'}, 'forced');
	serve('postgres, tenant, forced');
	value_of($node, q{SELECT jwt_trust_issuer('https://a.example', jwk_public(jwk_generate('ES256')), 'api', options => '{"jwks_uri":"https://127.0.0.1:1/"}')}, dbname => 'forced');
	await('under row-level security that is forced on the owner, keys are fetched', q{SELECT count(*) = 1 FROM jwt_auth.key_fetches WHERE error LIKE '%connect%'}, 'forced');
	execute($node, 'ALTER TABLE jwt_auth.used_handles DISABLE ROW LEVEL SECURITY', dbname => 'forced');
	as_tenant(q{INSERT INTO jwt_auth.used_handles SELECT sha256('x'), now() - interval '2 days'}, 'forced');
	execute($node, 'ALTER TABLE jwt_auth.used_handles ENABLE ROW LEVEL SECURITY', dbname => 'forced');
	await('and rows are purged', 'SELECT count(*) = 0 FROM jwt_auth.used_handles', 'forced');
	is(value_of($node, 'SELECT string_agg(DISTINCT who, $$,$$) FROM trap.seen', dbname => 'forced'), 'regress_tenant', 'functions of indexes are run as the owner');
	is(value_of($node, q{SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_tenant'}), 'f', 'who is no superuser afterwards');
	serve('postgres, tenant');
	return;
}

sub works_while_a_table_is_locked
{
	my $session = JwtAuthSession->new($node, dbname => 'tenant');

	add_dead_rows(1);
	$session->query('BEGIN; LOCK TABLE jwt_auth.used_handles, jwt_auth.key_fetches, jwt_auth.keys IN ACCESS EXCLUSIVE MODE');
	await_log('a worker gives up where a table stays locked', qr/could not purge .* in database "tenant": canceling statement due to lock timeout/);
	for my $round (1 .. 3)
	{
		await_purge("and goes on elsewhere: $round", 'postgres');
	}
	is($session->query('SELECT count(*) FROM jwt_auth.used_handles'), 1, 'the table has stayed locked');
	is(logged(qr/could not purge .* in database "tenant"/), 1, 'it is told once');
	$session->query('ROLLBACK');
	$session->close;
	await_purge('when the lock is gone, a worker purges');
	return;
}

# A worker that waits for a lock on a table; undef if a busy machine missed it
sub waiting_worker
{
	my $end = time + 15;
	my $pid = '';

	while ($pid eq '' && time < $end)
	{
		$pid = value_of($node, q{SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE backend_type = 'jwt_auth worker' AND NOT granted AND relation = 'jwt_auth.outbox'::regclass},
			dbname => 'tenant');
	}
	return $pid || undef;
}

# A worker has locked revoked_tokens, waits for outbox, which the second session lets go,
# and then for used_handles, which the first one has locked, and which waits for it.
sub gives_way_in_deadlocks
{
	my ($first, $second) = map { JwtAuthSession->new($node, dbname => 'tenant') } 1, 2;
	my $states = '';
	my $met = 0;

	execute($node, q{INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'dead', now() - interval '2 days')}, dbname => 'tenant');
	add_dead_rows(1);
	for (1 .. $TRIES)
	{
		$second->query('BEGIN; LOCK TABLE jwt_auth.outbox');
		$first->query('BEGIN; LOCK TABLE jwt_auth.used_handles');
		my $pid = waiting_worker();

		$first->begin_query('LOCK TABLE jwt_auth.revoked_tokens');
		$second->query('COMMIT');
		my (undef, $messages) = $first->answer;

		$states .= $messages;
		$first->query('ROLLBACK');
		$met++ if defined $pid;
		last if $met == 3;
	}
	is($met, 3, 'a worker was met that waits for a lock');
	is($states, '', 'a transaction and a worker that wait for each other: the worker gives way');
	$_->close for $first, $second;
	await_purge('and purges later');
	return;
}

sub identifier
{
	my ($name) = @_;

	return '"' . $name =~ s/"/""/gr . '"';
}

# Waits until a worker has purged a row of a database that DBI cannot name
sub await_purge_by_psql
{
	my ($dbname) = @_;
	my $end = time + $SECONDS;
	my $count = 1;

	$node->safe_psql($dbname, q{INSERT INTO jwt_auth.used_handles VALUES ('x', now() - interval '2 days')});
	until ($count == 0 || time > $end)
	{
		sleep 0.2;
		$count = $node->safe_psql($dbname, 'SELECT count(*) FROM jwt_auth.used_handles');
	}
	is($count, 0, "a database is served whose name is $dbname, and which admits nobody else");
	return;
}

sub serves_strange_names
{
	for my $name (@STRANGE)
	{
		execute($node, 'CREATE DATABASE ' . identifier($name));
		$node->safe_psql($name, 'CREATE EXTENSION jwt_auth; ALTER DATABASE ' . identifier($name) . ' CONNECTION LIMIT 0') if $name !~ /\n/;
	}
	serve(join ',', map { identifier($_) } @STRANGE, @STRANGE, 'postgres', "y$LONG", 'Postgres', 'template0', '');
	is(logged(qr/invalid value for parameter "jwt_auth.worker_databases"|syntax error in .*worker_databases/), 0, 'a list of strange names is one');
	await_purge_by_psql($_) for grep { !/\n/ } @STRANGE;
	await_log('one that does not exist is told', qr/database "$_" of setting .* does not exist/) for "y$LONG", 'Postgres', '';
	await_log('one that admits nobody at all, too', qr/database "template0" of setting .* does not accept connections/);
	is(logged(qr/database "(?: Quo"te, UPPER |apo[^"]*|new\nline|x{63})" of setting/), 0, 'those that exist are not');
	serve(identifier(substr($LONG, 0, 62)) . ', postgres');
	add_dead_rows(1, $LONG);
	await_purge('a part of a name is another name', 'postgres') for 1 .. 2;
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.used_handles', dbname => $LONG), 1, 'under which nothing is served');
	serve('postgres');
	execute($node, 'DROP DATABASE ' . identifier($_)) for @STRANGE;
	return;
}

sub lets_databases_change
{
	my %seconds;
	my @failed;

	execute($node, "CREATE DATABASE $_") for qw(one two);
	execute($node, 'CREATE EXTENSION jwt_auth', dbname => $_) for qw(one two);
	serve('postgres, one, two, model');
	for (1 .. 3)
	{
		add_dead_rows(3000, 'one');
		push @failed, state_of($node, $_) for 'ALTER DATABASE one RENAME TO model', 'ALTER DATABASE model RENAME TO one';
	}
	is(join(',', grep { $_ ne '' } @failed), '', 'a database can be renamed');
	await('and is served', 'SELECT count(*) = 0 FROM jwt_auth.used_handles', 'one');
	execute($node, 'ALTER DATABASE one RENAME TO unserved');
	add_dead_rows(1, 'unserved');
	await_purge('where it has been renamed', 'two') for 1 .. 2;
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.used_handles', dbname => 'unserved'), 1, 'it is not served by its new name');
	execute($node, 'ALTER DATABASE unserved RENAME TO one');
	await('but again by the former one', 'SELECT count(*) = 0 FROM jwt_auth.used_handles', 'one');

	execute($node, 'ALTER DATABASE one RENAME TO model');
	execute($node, 'ALTER DATABASE model IS_TEMPLATE true');
	await_purge('a template that is named is served', 'model');
	@failed = ();
	for my $round (1 .. 3)
	{
		add_dead_rows(3000, 'model');
		push @failed, state_of($node, "CREATE DATABASE copy$round TEMPLATE model");
	}
	is(join(',', grep { $_ ne '' } @failed), '', 'and can be copied');
	execute($node, 'ALTER DATABASE model IS_TEMPLATE false');

	execute($node, 'ALTER DATABASE two ALLOW_CONNECTIONS false');
	await_log('a database is closed', qr/database "two" of setting .* does not accept connections/);
	execute($node, 'ALTER DATABASE two ALLOW_CONNECTIONS true');
	await_purge('and opened again', 'two');

	add_dead_rows(3000, $_) for qw(model two);
	my %session = map { $_ => JwtAuthSession->new($node) } qw(model two);
	my $began = time;

	$session{$_}->begin_query("DROP DATABASE $_") for sort keys %session;
	my $messages = join '', map { ($session{$_}->answer)[1] } sort keys %session;

	cmp_ok(time - $began, '<', 10, 'two databases are dropped at once, and wait for no worker');
	is($messages, '', 'nor are they refused');
	$_->close for values %session;
	serve('postgres, tenant');
	return;
}

# A schema of that name is no extension
sub finds_no_extension_in_a_schema
{
	as_tenant('CREATE DATABASE fake', 'postgres');
	as_tenant(q{
		CREATE SCHEMA trap; CREATE TABLE trap.seen (who name, what text);
		CREATE SCHEMA jwt_auth;
		CREATE TABLE jwt_auth.used_handles (hash bytea PRIMARY KEY, expires_at timestamptz);
		CREATE INDEX used_handles_expires_at_idx ON jwt_auth.used_handles (expires_at);
		CREATE TABLE jwt_auth.keys (kid text);
		INSERT INTO jwt_auth.used_handles VALUES ('x', now() - interval '2 days');
		CREATE FUNCTION trap.note() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO trap.seen VALUES (current_user, 'row'); RETURN OLD; END $f$;
		CREATE TRIGGER note BEFORE DELETE ON jwt_auth.used_handles FOR EACH ROW EXECUTE FUNCTION trap.note()}, 'fake');
	execute($node, 'SELECT jwt_reset_statistics()');
	serve('fake, postgres');
	await('workers come to a database with a schema of that name', q{SELECT sum(value) > 2 FROM jwt_auth.statistics WHERE database = 'fake' AND name = 'worker_visits'}, 'postgres');
	is(value_of($node, 'SELECT count(*) FROM trap.seen', dbname => 'fake'), 0, 'and run nothing there');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.used_handles', dbname => 'fake'), 1, 'nor touch its tables');
	isnt(state_of($node, 'CREATE EXTENSION jwt_auth', dbname => 'fake'), '', 'the extension is not created over them');
	is(logged(qr/PANIC|terminated by signal/), 0, 'no process has crashed');
	return;
}
