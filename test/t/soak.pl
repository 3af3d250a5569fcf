# All ways in at once, for as long as one likes, through pgbouncer, while backends and servers are
# killed, restarted and promoted, the clock steps, keys rotate, a purge runs and thieves are at
# work (T56, T88): in the end the audit log, the sessions and what each client saw
# agree on both servers, and when all has ended and is purged, nothing is left.
#
# Environment read: SOAK_SECONDS (30), SOAK_REPORT (a file that gets a line a minute, and the
# report), SEED.
#
# Time limit: 1800 s
# At least 36 assertions

use strict;
use warnings;

use AccountTest;
use AccountVerdict;
use JwtAuthTest;
use List::Util qw(sum0);
use PgBouncer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SoakLoad;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds_to_wait = 300;
my $seconds = $ENV{SOAK_SECONDS} // 30;
my $seed = AccountLoad::seed();

# Within the leeway, so that no token is refused for it; and the last is the latest, so
# that no row is from the future in the end.
my @steps = qw(-14s -7s +0 +7s +14s);
my $latest = '+15s';
my ($faketime) = glob '/usr/lib/*/faketime/libfaketime.so.1 /usr/lib/faketime/libfaketime.so.1';
my $clock = PostgreSQL::Test::Utils::tempdir() . '/clock';

my %event = (
	'a backend is killed' => \&kill_backend,
	'connections are ended' => \&end_connections,
	'the server restarts' => \&restart,
	'the server dies' => \&die_and_start,
	'the standby is promoted' => \&promote,
	'the standby restarts' => sub { with_clock(sub { standby()->restart('immediate') }); },
	'a purge' => \&purge,
	'all keys rotate' => sub { execute(primary(), 'SELECT jwt_rotate_key(); SELECT jwt_rotate_refresh_key()'); },
	($faketime ? ('the clock steps' => sub { step($steps[ rand @steps ]); }) : ()));

step('+0');
my @nodes = (start_primary());
my $role = value_of(primary(), 'SELECT current_user');
my $pool = PgBouncer->new(primary(), role => $role, size => 12, lines => "server_login_retry = 0.2\nquery_wait_timeout = 120");
my $load = SoakLoad->new(
	primary(),
	seed => $seed,
	connect => sub { 'dbi:Pg:dbname=postgres;user=' . $role . ';host=' . $pool->host . ';port=' . $pool->port },
	may_fail => qr/^(?:57P0[123]|08...|22000|25006|40001)$/);

add_standby();
$load->start;
my %count = disturb(time + $seconds);
step($latest);
$load->await(3);
$load->stop;
report();
check_servers();
check_ways();
check_load(primary(), $load, 'in the end', is_counted => 0);
check_nothing_left();
$pool->stop;
done_testing();

sub primary { return $nodes[0]; }
sub standby { return $nodes[1]; }

sub with_clock
{
	my ($work) = @_;

	return $work->() unless $faketime;
	local $ENV{LD_PRELOAD} = $faketime;
	local $ENV{FAKETIME_TIMESTAMP_FILE} = $clock;
	local $ENV{FAKETIME_NO_CACHE} = 1;
	local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;
	# Its lock for times of files outlives a process that is killed
	local $ENV{NO_FAKE_STAT} = 1;

	return $work->();
}

# Sets the servers' clock, as an offset from the true one.
sub step
{
	my ($offset) = @_;

	PostgreSQL::Test::Utils::append_to_file("$clock.new", "$offset\n");
	rename "$clock.new", $clock or die "could not set the clock: $!\n";
	return;
}

sub start_primary
{
	return with_clock(sub {
		start_account_node(
			'soak_0',
			cluster => { allows_streaming => 1 },
			conf => [
				@AccountLoad::CONF, "shared_preload_libraries = 'jwt_auth'", 'restart_after_crash = on', 'synchronous_commit = remote_apply',
				"jwt_auth.webauthn_rp_id = 'example.org'", 'jwt_auth.max_password_hashes = 100', 'wal_keep_size = 256MB'
			]);
	});
}

# Who commits waits for the standby, so that nothing that was told is lost with its primary.
sub add_standby
{
	my $name = 'soak_' . ++$count{standbys};
	my $standby = PostgreSQL::Test::Cluster->new($name);

	primary()->backup($name);
	$standby->init_from_backup(primary(), $name, has_streaming => 1);
	with_clock(sub { $standby->start });
	push @nodes, $standby;
	primary()->append_conf('postgresql.conf', "synchronous_standby_names = '*'");
	primary()->reload;
	await_standby();
	return;
}

# Waits until a query gives this result on the primary, which may be restarting.
sub await
{
	my ($query, $result, $what) = @_;
	my $end = time + $seconds_to_wait;

	until ((eval { value_of(primary(), $query) } // '') eq $result)
	{
		die "waited in vain until $what\n" if time > $end;
		sleep 0.1;
	}
	return;
}

sub await_standby
{
	await(q{SELECT coalesce(max(sync_state), 'none') FROM pg_stat_replication WHERE state = 'streaming'}, 'sync', 'the standby follows');
	return;
}

# Does harm until a time; returns how often what was done.
sub disturb
{
	my ($end) = @_;
	my @all = sort keys %event;
	my $minute = time + 60;
	my @next;

	while (time < $end || @next)
	{
		# Each comes before any comes again.
		@next = sort { $a->[0] <=> $b->[0] } map { [ rand, $_ ] } @all if !@next;
		my $name = (shift @next)->[1];

		$event{$name}->();
		$count{$name}++;
		$load->await(3);
		next if time < $minute;
		say_so(sprintf 'soak: %d minutes to go, %d disturbances', ($end - time) / 60, sum0(@count{ grep { $count{$_} } @all }));
		$minute = time + 60;
	}
	return %count;
}

# What runs on the primary; nothing, if that cannot be asked now.
sub backends
{
	my ($condition) = @_;
	my $pids = eval { value_of(primary(), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND $condition ORDER BY random()") };

	return split /\n/, $pids // '';
}

# PostgreSQL then restarts them all, its own as well.
sub kill_backend
{
	my $end = time + $seconds_to_wait;
	my $started = q{SELECT backend_start FROM pg_stat_activity WHERE backend_type = 'checkpointer'};
	my $before = value_of(primary(), $started);
	my $is_killed = 0;

	until ($is_killed || time > $end)
	{
		my ($pid) = backends(q{query ~ 'jwt_'});

		$is_killed = $pid && kill 'KILL', $pid;
		sleep 0.02 unless $is_killed;
	}
	die "no backend could be killed\n" unless $is_killed;
	await("SELECT ($started) <> '$before'", 't', 'the server restarts');
	await_standby();
	return;
}

sub end_connections
{
	kill 'TERM', (backends('true'))[ 0 .. 2 ];
	return;
}

sub restart
{
	with_clock(sub { primary()->restart(rand() < 0.5 ? 'fast' : 'immediate') });
	await_standby();
	return;
}

sub die_and_start
{
	kill_server(primary());
	with_clock(sub { primary()->start });
	await_standby();
	return;
}

# The primary is gone for good, and its standby has another one.
sub promote
{
	my $former = shift @nodes;

	kill_server($former);
	with_clock(sub { primary()->promote });
	$pool->point_to(primary());
	add_standby();
	$former->clean_node;
	return;
}

sub purge
{
	while (value_of(primary(), 'SELECT jwt_purge()') > 0) { }
	return;
}

sub say_so
{
	my ($line) = @_;

	note($line);
	PostgreSQL::Test::Utils::append_to_file($ENV{SOAK_REPORT}, "$line\n") if $ENV{SOAK_REPORT};
	return;
}

# What was done and seen, as a table
sub report
{
	my $gone = $load->gone;

	say_so(sprintf '| %-24s | %-9s |', @$_)
	  for [ 'what was done to them', 'how often' ], [ '-' x 24, '-' x 9 ], (map { [ $_, $count{$_} // 0 ] } sort keys %event),
	  map { [ "way to its end: $_", $gone->{$_} ] } sort keys %$gone;
	is(join(', ', grep { !$count{$_} } sort keys %event), '', 'all that can be done to them was done');
	is(join(', ', grep { !$gone->{$_} } 'API token', 'acting', 'ban', 'client', 'forger', 'limit', 'link', 'logout', 'passkey', 'password', 'provider', 'recovery', 'second factor', 'thief'),
		'', 'and each way was gone to its end');
	return;
}

# The two servers have the same rows, and neither has seen what must not be.
sub check_servers
{
	primary()->wait_for_catchup(standby());
	for my $table (qw(users sessions refresh_tokens used_handles one_time_tokens factors api_tokens identities revoked_tokens audit_log))
	{
		my $rows = "SELECT count(*), sum(hashtext(t::text)) FROM jwt_auth.$table AS t";

		is(value_of(standby(), $rows), value_of(primary(), $rows), "$table: the same on the standby");
	}
	for my $node (@nodes)
	{
		my @lines = grep { /PANIC|TRAP:|leaked|leak:|segfault|signal 11|was not closed|stuck/ } split /^/, slurp_file($node->logfile);

		is("@lines", '', $node->name . ': nothing in its log that must not be');
	}
	return;
}

# Sessions of the ways, and how each began
sub check_ways
{
	my $own = q{(SELECT id FROM jwt_auth.users WHERE username IS NULL OR username LIKE 'own%')};

	is( value_of(primary(), qq{SELECT count(*) FROM jwt_auth.sessions AS s LEFT JOIN (SELECT session_id, count(*) FROM jwt_auth.audit_log
			WHERE event IN ('login', 'session_started', 'impersonated', 'api_token_created') GROUP BY session_id) AS a ON a.session_id = s.id
			WHERE s.user_id IN $own AND a.count IS DISTINCT FROM 1}),
		0, 'each session of a way has its beginning in the audit log');
	is( value_of(primary(), qq{SELECT count(*) FROM jwt_auth.sessions AS s WHERE user_id IN $own AND revoked_at IS NOT NULL AND revoke_reason IS NULL}),
		0, 'each that ended says why');
	is( value_of(primary(), q{SELECT count(*) FROM jwt_auth.sessions AS s JOIN jwt_auth.users AS u ON u.id = s.user_id
			WHERE max_sessions = 1 AND revoked_at IS NULL GROUP BY user_id HAVING count(*) > 1}),
		'', 'nobody has more sessions than the limit');

	# The verdict is about the others.
	execute(primary(), qq{DELETE FROM jwt_auth.audit_log WHERE user_id IN $own OR issuer IS NOT NULL; SELECT jwt_delete_user(id) FROM $own AS u});
	return;
}

# All sessions end, and their time passes.
sub check_nothing_left
{
	execute(primary(), $_)
	  for 'SELECT jwt_delete_user(id) FROM jwt_auth.users', q{UPDATE jwt_auth.audit_log SET at = at - interval '10 years'},
	  q{UPDATE jwt_auth.used_handles SET expires_at = now() - interval '1 d'}, q{UPDATE jwt_auth.one_time_tokens SET expires_at = now() - interval '1 d'},
	  q{UPDATE jwt_auth.revoked_tokens SET expires_at = now() - interval '1 d'}, q{UPDATE jwt_auth.outbox SET expires_at = now() - interval '1 d'},
	  q{UPDATE jwt_auth.login_throttle SET last_failure_at = now() - interval '30 d'},
	  'DELETE FROM jwt_auth.audit_log WHERE user_id IS NULL';
	purge();
	is(value_of(primary(), "SELECT count(*) FROM jwt_auth.$_"), 0, "$_: nothing is left")
	  for qw(sessions refresh_tokens used_handles one_time_tokens factors api_tokens identities revoked_tokens outbox login_throttle audit_log);
	is(value_of(primary(), 'SELECT count(*) FROM pg_replication_slots'), 0, 'no slot is left');
	is(join(' ', glob(primary()->data_dir . '/base/pgsql_tmp/*')), '', 'nor a temporary file');
	return;
}
