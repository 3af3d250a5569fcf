# Signatures that backends know together to be right (T75, T81, T93): whichever
# backend checked one, a token is judged by each backend's own keys and tables.
# All of it holds without shared memory, too, where each backend checks for
# itself.
#
# At least 5 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep time);

my $PRELOAD = "shared_preload_libraries = 'jwt_auth'";

for my $case (
	{ name => 'alone', conf => ["shared_preload_libraries = ''"], then => 'signature' },
	{ name => 'shared', conf => [$PRELOAD], then => 'shared memory' },
	{ name => 'switched_off', conf => [ $PRELOAD, 'jwt_auth.shared_tokens = 0' ], then => 'signature' })
{
	subtest $case->{name} => sub { try_server($case) };
}
subtest 'one set' => \&try_one_set;
subtest 'statistics' => \&try_statistics;
done_testing();

sub try_server
{
	my ($case) = @_;
	my $node = start_account_node(
		$case->{name},
		conf => [ 'restart_after_crash = on', @{ $case->{conf} } ],
		cluster => { allows_streaming => 1 });

	try_algorithms($node, $case);
	try_rolled_back_key($node, $case);
	try_revoked_key($node, $case);
	try_altered_tokens($node, $case);
	try_ended_session($node, $case);
	try_issuer($node, $case);
	try_other_database($node, $case);
	try_parallel_worker($node, $case);
	try_standby($node, $case);
	try_crash($node, $case);
	$node->stop;
	return;
}

# How a new session knows that the signature is right, or its SQLSTATE
sub source_in
{
	my ($where, $token, %options) = @_;

	return value_of($where, "SELECT coalesce(e ->> 'verified_by', e ->> 'sqlstate') FROM jwt_explain('$token') AS e", %options);
}

sub is_known
{
	my ($node, $token, $source, $name) = @_;

	is(source_in($node, $token), $source, "$name: known by $source");
	return;
}

# Only public keys are worth it.
sub try_algorithms
{
	my ($node, $case) = @_;

	for my $alg (available_algs($node, qw(ES256 RS256 PS256 EdDSA ES512 ML-DSA-44)))
	{
		my $kid = value_of($node, "SELECT jwt_create_key('$alg')");
		my $token = value_of($node, "SELECT jwt_sign('{}', kid => '$kid')");

		is_known($node, $token, 'signature', "$alg, first backend");
		is_known($node, $token, $case->{then}, "$alg, second backend");
	}
	my $kid = value_of($node, q{SELECT jwt_create_key('HS256')});
	my $token = value_of($node, "SELECT jwt_sign('{}', kid => '$kid')");

	is_known($node, $token, 'signature', "HS256, backend $_") for 1, 2;

	my $session = connect_to($node);

	is(source_in($session, $token), $_, "in one session, a token is known by $_") for 'signature', 'backend memory';
	return;
}

# A key that a transaction imported, used and rolled back
sub try_rolled_back_key
{
	my ($node, $case) = @_;
	my ($first, $second) = map { value_of($node, "SELECT jwk_generate('ES256', 'borrowed')") } 1, 2;
	my $token = value_of($node, "SELECT jwt_sign_with(jsonb_build_object('exp', extract(epoch FROM now())::int + 600), '$first')");
	my $session = connect_to($node);

	execute($session, 'BEGIN');
	execute($session, "SELECT jwt_import_key('$first')");
	is(source_in($session, $token), 'signature', 'a token by an uncommitted key is checked in its session');
	is(source_in($node, $token), '28J00', 'a token by an uncommitted key is refused in another session');
	execute($session, 'ROLLBACK');
	is(source_in($session, $token), '28J00', 'after the rollback of its key, a token is refused in that session');
	is(source_in($node, $token), '28J00', 'after the rollback of its key, a token is refused in a new session');
	execute($node, "SELECT jwt_import_key('$second')");
	is(source_in($_, $token), '28J00', 'a token is refused by another key with that kid') for $node, $session;
	execute($node, q{DELETE FROM jwt_auth.keys WHERE kid = 'borrowed'});
	execute($node, "SELECT jwt_import_key('$first')");
	is(source_in($node, $token), $case->{then}, 'once its key is committed, the token is known or checked');
	return;
}

sub try_revoked_key
{
	my ($node, $case) = @_;
	my $session = connect_to($node);

	execute($node, q{SELECT jwt_create_key('ES256', 'doomed')});
	my $token = value_of($node, q{SELECT jwt_sign('{}', kid => 'doomed')});

	is_known($node, $token, 'signature', 'before the key is revoked');
	is_known($session, $token, $case->{then}, 'before the key is revoked');
	execute($node, q{SELECT jwt_revoke_key('doomed')});
	is(source_in($_, $token), '28J00', 'a token by a revoked key is refused') for $node, $session;
	return;
}

# What differs in one bit is another token.
sub try_altered_tokens
{
	my ($node, $case) = @_;
	my @token = map { value_of($node, "SELECT jwt_sign('{\"sub\":\"$_\"}')") } qw(a b);
	my $session = connect_to($node);
	my ($input, $signature) = segments_of($token[0]);
	my ($other_input) = segments_of($token[1]);
	my $accepted = 0;

	is(source_in($node, $_), 'signature', 'a token that is used for the first time is checked') for @token;
	execute($session, 'SET jwt_auth.token_cache_size = 0');
	for my $bit (0 .. 8 * length($signature) - 1)
	{
		my $altered = $signature;

		vec($altered, $bit, 1) ^= 1;
		$accepted++ if source_in($session, "$input." . encode_base64url($altered)) ne '28J00';
	}
	is($accepted, 0, 'a signature with one other bit is never accepted');
	is(source_in($session, "$other_input." . encode_base64url($signature)), '28J00', 'a known signature with another payload is refused');
	for my $position (0 .. length($input) - 1)
	{
		my $altered = $input;

		substr($altered, $position, 1) =~ tr/A-Za-z0-9/B-ZAb-za1-90/;
		$accepted++ if $altered ne $input && source_in($session, "$altered." . encode_base64url($signature)) ne '28J00';
	}
	is($accepted, 0, 'a token with another character anywhere is never accepted');
	is(source_in($session, $token[0]), $case->{then}, 'after all variants, the valid token is still known');
	return;
}

sub try_ended_session
{
	my ($node, $case) = @_;
	my $session = connect_to($node);
	my $alice = log_in($node, 'alice');
	my $token = $alice->{access_token};

	is_known($node, $token, 'signature', 'a session that lives');
	is_known($session, $token, $case->{then}, 'a session that lives');
	execute($node, "SELECT jwt_revoke('$alice->{refresh_token}')");
	is(source_in($_, $token), '28J02', 'after the end of its session, a known token is refused') for $node, $session;

	my $soon = value_of($node, q{SELECT jwt_sign('{}', expires_in => '1 s')});

	is_known($node, $soon, 'signature', 'a token that expires soon');
	is(state_of($node, "SET jwt_auth.leeway = 0; SELECT pg_sleep(1.1); SELECT jwt_verify('$soon')"), '28J01', 'a known token is refused after it has expired');
	return;
}

# Another issuer's token, until it is trusted no more
sub try_issuer
{
	my ($node, $case) = @_;
	my $key = value_of($node, q{SELECT jwk_generate('ES256', 't1')});
	my $other = value_of($node, q{SELECT jwk_generate('ES256', 't1')});
	my $token = value_of($node, "SELECT jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'api', 'exp', extract(epoch FROM now())::int + 600), '$key')");

	execute($node, "SELECT jwt_trust_issuer('https://them.example', jwk_public('$key'), 'api')");
	is_known($node, $token, 'signature', 'another issuer, first backend');
	is_known($node, $token, $case->{then}, 'another issuer, second backend');
	execute($node, "SELECT jwt_trust_issuer('https://them.example', jwk_public('$other'), 'api')");
	is(source_in($node, $token), '28J00', "after its issuer's keys were replaced, a known token is refused");
	execute($node, "SELECT jwt_trust_issuer('https://them.example', jwk_public('$key'), 'web')");
	is(source_in($node, $token), '28J00', "after its issuer's audience was replaced, a known token is refused");
	execute($node, q{SELECT jwt_distrust_issuer('https://them.example')});
	is(source_in($node, $token), '28J00', 'after its issuer was distrusted, a known token is refused');
	return;
}

sub try_other_database
{
	my ($node, $case) = @_;

	execute($node, 'CREATE DATABASE other');
	execute($node, 'CREATE EXTENSION jwt_auth', dbname => 'other');
	execute($node, 'SELECT jwt_create_key()', dbname => 'other');
	my $token = value_of($node, q{SELECT jwt_sign('{}')});

	is_known($node, $token, 'signature', 'in its own database');
	is(source_in($node, $token, dbname => 'other'), '28J00', 'a token known in one database is refused in another');
	my $public = value_of($node, q{SELECT k FROM jsonb_array_elements(jwt_jwks() -> 'keys') AS k WHERE k ->> 'kid' = }
		  . "(SELECT (jwt_decode('$token')).header ->> 'kid')");

	execute($node, 'SELECT jwt_import_key(' . quote($public) . ')', dbname => 'other');
	is(source_in($node, $token, dbname => 'other'), $case->{then}, 'a token is known in another database that has its key');
	return;
}

sub try_parallel_worker
{
	my ($node, $case) = @_;
	my $token = value_of($node, q{SELECT jwt_sign('{"sub":"worker"}')});
	my $session = connect_to($node);

	execute($session, 'CREATE TABLE row AS SELECT n FROM generate_series(1, 1000) AS n');
	execute($session, "SET $_")
	  for 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0', 'parallel_leader_participation = off',
	  "jwt_auth.token = '$token'";
	is(value_of($session, q{SELECT count(*) FROM row WHERE jwt_claim('sub') = 'worker'}), 1000, 'parallel workers verify all rows');
	is_known($node, $token, $case->{then}, 'and others know by them');
	return;
}

sub try_standby
{
	my ($node, $case) = @_;
	my $standby = PostgreSQL::Test::Cluster->new("$case->{name}_standby");
	my $alice = log_in($node, 'alice');
	my $token = $alice->{access_token};

	is_known($node, $token, 'signature', 'on the primary');
	$node->backup('base');
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->start;
	is_known($standby, $token, 'signature', 'on a standby, first backend');
	is_known($standby, $token, $case->{then}, 'on a standby, second backend');
	execute($node, "SELECT jwt_revoke('$alice->{refresh_token}')");
	$node->wait_for_catchup($standby);
	is(source_in($standby, $token), '28J02', 'on the standby, a known token is refused after the end of its session');
	$standby->stop;
	return;
}

# What backends shared is gone with them.
sub try_crash
{
	my ($node, $case) = @_;
	my $token = value_of($node, q{SELECT jwt_sign('{}')});
	my $session = JwtAuthSession->new($node);
	my $pid = $session->query('SELECT pg_backend_pid()');

	is_known($node, $token, 'signature', 'before a crash');
	kill 'KILL', $pid;
	wait_for_restart($node, $pid);
	eval { $session->close; };
	is_known($node, $token, 'signature', 'after a crash');
	is_known($node, $token, $case->{then}, 'and from then on');
	return;
}

sub wait_for_restart
{
	my ($node, $pid) = @_;
	my $end = time + 60;

	until ((eval { value_of($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") } // 1) eq '0')
	{
		die "the server did not come back\n" if time > $end;
		sleep 0.05;
	}
	return;
}

# Room for 15 entries, four times as many tokens, and two backends at once: what
# is right is accepted, and nothing else
sub try_one_set
{
	my $node = start_account_node('one_set', conf => [ $PRELOAD, 'jwt_auth.shared_tokens = 15', 'jwt_auth.token_cache_size = 0' ]);

	$node->safe_psql('postgres', q{
		CREATE TABLE token AS SELECT n, jwt_sign(jsonb_build_object('sub', n::text)) AS good FROM generate_series(1, 60) AS n;
		ALTER TABLE token ADD bad text;
		UPDATE token AS t SET bad = split_part(t.good, '.', 1) || '.' || split_part(t.good, '.', 2) || '.' || split_part(o.good, '.', 3)
			FROM token AS o WHERE o.n = t.n % 60 + 1});
	my @session = map { JwtAuthSession->new($node) } 1, 2;

	$_->begin_query(q{
		DO $$
		DECLARE
			picked public.token;
			number integer;
		BEGIN
			FOR i IN 1 .. 6000 LOOP
				number := 1 + floor(random() * CASE WHEN i % 2 = 0 THEN 12 ELSE 60 END);
				SELECT * INTO picked FROM public.token WHERE n = number;
				IF jwt_verify(picked.good) ->> 'sub' <> picked.n::text THEN
					RAISE 'the claims of another token' USING ERRCODE = 'ZZ001';
				END IF;
				CONTINUE WHEN i % 4 <> 0;
				BEGIN
					PERFORM jwt_verify(picked.bad);
					RAISE 'a wrong signature was accepted' USING ERRCODE = 'ZZ002';
				EXCEPTION WHEN SQLSTATE '28J00' THEN
				END;
			END LOOP;
		END
		$$}) for @session;
	is(answer_of($_), '', 'each of several backends accepts exactly the valid tokens') for @session;
	cmp_ok(counter($node, 'tokens_shared'), '>', 100, 'more than a hundred tokens were known');
	cmp_ok(counter($node, 'tokens_new'), '>', 100, 'more than a hundred tokens had to be checked again');
	is(counter($node, 'tokens_denied_signature'), 3000, 'all invalid tokens were denied');
	$node->stop;
	return;
}

sub counter
{
	my ($node, $name) = @_;

	return value_of($node, "SELECT value FROM jwt_auth.statistics WHERE database = 'postgres' AND name = '$name'");
}

# The statistics tell which way a token was verified.
sub try_statistics
{
	my $node = start_account_node('counted', conf => [$PRELOAD]);
	my $token = value_of($node, q{SELECT jwt_sign('{}')});

	execute($node, 'SELECT jwt_reset_statistics()');
	is(value_of($node, "SELECT jwt_verify('$token') IS NOT NULL, jwt_verify('$token') IS NOT NULL"), 't|t', 'each of three backends uses the token twice')
	  for 1 .. 3;
	is(counter($node, 'tokens_new'), 1, 'one backend checks the signature');
	is(counter($node, 'tokens_shared'), 2, 'two backends use what the first one found');
	is(counter($node, 'tokens_remembered'), 3, 'three uses are remembered by their backend');
	$node->stop;
	return;
}
