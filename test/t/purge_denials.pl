# A purge beside a statement that runs for long (T87, T93, F15): the denial of a
# token stays as long as a statement that began before the token expired, which
# may still come upon it; on a standby, where no purge knows of the statement, the
# token is not accepted for long. Rows that somebody has locked do not keep
# a small purge from the others.
# At least 44 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_account_node(
	'purge_denials',
	cluster => { allows_streaming => 1 },
	conf => [ 'jwt_auth.leeway = 0', 'max_prepared_transactions = 1' ]);
my $admin = connect_to($node);

execute($admin, $_) for (
	q{CREATE FUNCTION verdict_of(token text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM set_config('jwt_auth.token', token, true);
		RETURN coalesce(jwt_claim('sub'), 'nobody');
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$},
	# Judges once nobody holds the lock any more
	q{CREATE FUNCTION late_verdict(token text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_advisory_xact_lock_shared(1);
		RETURN verdict_of(token);
	END $$},
	'CREATE ROLE regress_purge_admin LOGIN',
	'GRANT EXECUTE ON FUNCTION jwt_purge TO regress_purge_admin',
	'CREATE ROLE regress_purge_user LOGIN');
my $purger = JwtAuthSession->new($node, role => 'regress_purge_admin');

check_running();
check_locked();
check_standby();
$purger->close;
done_testing();

# A token without session that is good for so many seconds
sub token_for
{
	my ($seconds, $name) = @_;

	return value_of($admin, "SELECT jwt_sign(jsonb_build_object('sub', '$name', 'jti', '$name',"
		  . " 'exp', extract(epoch FROM clock_timestamp()) + $seconds))");
}

sub start_session
{
	my ($statement, %options) = @_;
	my $session = JwtAuthSession->new($node, %options);

	$session->query($options{first}) if defined $options{first};
	$session->begin_query($statement);
	return $session;
}

# As if the minutes for which a denial outlives its token were over
sub let_minutes_pass
{
	my ($jti) = @_;

	execute($admin, "UPDATE jwt_auth.revoked_tokens SET expires_at = expires_at - interval '300 s' WHERE jti = '$jti'");
	wait_for($node, "SELECT expires_at < clock_timestamp() - interval '11 s' FROM jwt_auth.revoked_tokens WHERE jti = '$jti'", 't');
	return;
}

# A role that purges and sees of others' transactions nothing
sub purge
{
	my ($rows) = @_;

	return $purger->query('SELECT jwt_purge(' . ($rows // '') . ')');
}

# Statements that began before a token expired, and come upon it later
sub check_running
{
	my $denied = token_for(6, 'denied');
	my $good = token_for(6, 'good');

	execute($admin, 'SELECT pg_advisory_lock(1)');
	execute($admin, "SELECT jwt_revoke('$denied')");
	is(value_of($admin, "SELECT verdict_of('$denied')"), '28J02', 'before it expires, a denied token is refused as revoked');
	is(value_of($admin, "SELECT verdict_of('$good')"), 'good', 'before it expires, a token that was not denied is accepted');

	# What runs nothing that could come upon it
	execute($admin, 'CREATE DATABASE other');
	my $other = start_session('BEGIN; SELECT 1', dbname => 'other');

	$node->safe_psql('postgres', q{BEGIN; SELECT 1; PREPARE TRANSACTION 'p'});

	my @late = map { start_session("SELECT late_verdict('$denied')", %$_) }
	  ({}, { role => 'regress_purge_user' }, { first => 'SET default_transaction_isolation = serializable' });
	my $control = start_session("SELECT late_verdict('$good')");
	my $silent = start_session("SELECT late_verdict('$denied')", first => 'SET track_activities = off');

	wait_for($node, q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}, 5);
	let_minutes_pass('denied');
	is(value_of($admin, "SELECT verdict_of('$denied')"), '28J01', 'a statement that begins after the end of the token refuses it as expired');
	is(purge(), 0, 'while older statements run, a purge keeps the denial');
	execute($admin, 'SELECT pg_advisory_unlock(1)');
	is(answer_of($control), 'good', 'a statement that began with a valid token ends with it');
	is(answer_of($_), '28J02', 'a statement that began before the end refuses the denied token') for @late, $silent;

	# Sessions without transaction keep nothing, unless nobody can know
	is(purge(), 0, 'while an untracked session lives, a purge keeps the denial');
	$silent->query('RESET track_activities');
	is(purge(), 1, 'when no older statement runs, a purge removes the denial');
	is(value_of($admin, "SELECT verdict_of('$denied')"), '28J01', 'after the purge, the denied token is refused as expired');
	is(value_of($admin, q{SELECT count(*) FROM pg_prepared_xacts}), 1, 'a prepared transaction does not keep the denial');
	is($other->answer, '1', 'a transaction of another database does not keep the denial');
	$node->safe_psql('postgres', q{ROLLBACK PREPARED 'p'});
	$_->close for @late, $control, $silent, $other;
	return;
}

# A batch that is smaller than what others have locked
sub check_locked
{
	my $holder = JwtAuthSession->new($node);

	for my $case (
		[ 'sessions', 'id', q{UPDATE jwt_auth.sessions SET expires_at = now() - interval '1 h' + n * interval '1 ms'
			FROM (SELECT id AS i, row_number() OVER () AS n FROM jwt_auth.sessions) AS v WHERE id = i}, 'expires_at' ],
		[ 'sessions', 'id', q{UPDATE jwt_auth.sessions SET revoked_at = now() - interval '30 h'}, 'revoked_at' ],
		[ 'sessions', 'id', q{UPDATE jwt_auth.sessions SET created_at = now() - interval '20 d'}, 'created_at' ],
		[ 'revoked_tokens', 'jti', q{INSERT INTO jwt_auth.revoked_tokens SELECT '', n, now() - interval '1 h' + n * interval '1 ms' FROM generate_series(1, 20) AS n}, 'expires_at' ],
		[ 'audit_log', 'id', q{UPDATE jwt_auth.audit_log SET at = now() - interval '91 d' WHERE id IN (SELECT id FROM jwt_auth.audit_log LIMIT 20)}, 'at' ],
		[ 'login_throttle', 'name_hash', q{INSERT INTO jwt_auth.login_throttle SELECT sha256(n::text::bytea), 1, now() - interval '2 h' + n * interval '1 ms' FROM generate_series(1, 20) AS n}, 'last_failure_at' ])
	{
		my ($table, $key, $fill, $time) = @$case;

		execute($admin, 'DELETE FROM jwt_auth.audit_log');
		execute($admin, 'DELETE FROM jwt_auth.sessions');
		log_in($admin, 'alice') for 1 .. ($table eq 'sessions' ? 20 : 0);
		execute($admin, q{SELECT jwt_create_user('user' || n || clock_timestamp()) FROM generate_series(1, 20) AS n}) if $table eq 'audit_log';
		execute($admin, q{UPDATE jwt_auth.refresh_tokens SET rotated_at = now() - interval '20 d'}) if $time eq 'created_at';
		execute($admin, $fill);
		$holder->query("BEGIN; SELECT count(*) FROM (SELECT FROM jwt_auth.$table ORDER BY $time, $key LIMIT 10 FOR UPDATE) AS v");
		is(purge(3), 3, "$table by $time: a small batch of those behind what is locked");
		is(purge(), 7, '$table by $time: a purge removes all rows that are not locked');
		is(purge(3), 0, '$table by $time: a purge keeps rows that are locked');
		$holder->query('COMMIT');
		is(purge(), 10, '$table by $time: once the lock is released, a purge removes the rows');
	}
	$holder->close;
	return;
}

# A standby replays what a purge on the primary deleted
sub check_standby
{
	$node->backup('base');
	my $standby = PostgreSQL::Test::Cluster->new('purge_standby');

	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->start;

	my %token = map { $_ => token_for(5, $_) } qw(good denied);
	my %late = map { $_ => JwtAuthSession->new($standby) } qw(soon good denied);

	execute($admin, "SELECT jwt_revoke('$token{denied}')");
	$node->wait_for_catchup($standby);
	is($late{soon}->query("SELECT verdict_of('$token{$_}')"), $_ eq 'good' ? 'good' : '28J02', "$_ on the standby") for qw(good denied);
	$late{soon}->begin_query("SELECT verdict_of('$token{good}') FROM pg_sleep(10)");
	$late{$_}->begin_query("SELECT verdict_of('$token{$_}') FROM pg_sleep(38)") for qw(good denied);
	is($late{soon}->answer, 'good', 'a statement on the standby that began before a token expired accepts it');
	let_minutes_pass('denied');
	is(purge(), 1, 'a purge on the primary does not wait for statements on the standby');
	$node->wait_for_catchup($standby);
	is($standby->safe_psql('postgres', 'SELECT count(*) FROM jwt_auth.revoked_tokens'), 0, 'rows that a purge removed are gone on the standby');
	is($late{$_}->answer, '28J01', "$_: half a minute after its end, the token is refused on the standby") for qw(denied good);
	$_->close for values %late;
	$standby->stop;
	return;
}
