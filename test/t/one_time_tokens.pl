# One-time tokens among many (T105, T111, T113, T115, T122): of 200 redemptions at
# once one counts, a dump and all rows hold nothing that redeems, rollbacks forget no
# message and no wrong code, known and unknown addresses write as much WAL and take
# as long, and who listens learns nothing.
# At least 24 assertions

use strict;
use warnings;

use AccountTest;
use IPC::Run qw(run);
use JSON::PP;
use JwtAuthTest;
use Test::More;

my $redeemers = 200;
my $samples = 200;
my $node = start_account_node('one_time_tokens', conf => [ 'max_connections = 230', "shared_preload_libraries = 'jwt_auth'" ]);
my @connection = ('-h', $node->host, '-p', $node->port);
my $password = 'another horse battery';

$node->safe_psql('postgres', "SELECT jwt_create_user('m' || n, '$PASSWORD', email => 'm' || n || '\@known.example') FROM generate_series(1, 4) AS n");

sub forget { return execute($node, 'TRUNCATE jwt_auth.login_throttle'); }

# Asks for recovery, and plays the mailer
sub message_for
{
	my ($number) = @_;

	forget();
	my $flow = value_of($node, "SELECT jwt_request_recovery('m$number\@known.example') ->> 'flow'");
	my ($message) = grep { $_->{token} } @{ decode_json(value_of($node, 'SELECT jwt_outbox_claim(100)')) };
	return { %$message, flow => $flow };
}

sub error_of_recovery
{
	my ($token, $flow) = @_;
	my $with = defined $flow ? ", '$flow'" : '';

	return value_of($node, "SELECT coalesce(a ->> 'status', a ->> 'error') FROM jwt_recover('$token', '$password'$with) AS a");
}

# Everybody at once, by link and by code
for my $how (qw(link code))
{
	my $message = message_for($how eq 'link' ? 1 : 2);
	my $arguments = $how eq 'link' ? "'$message->{token}', '$password'" : "'$message->{code}', '$password', '$message->{flow}'";
	my $script = PostgreSQL::Test::Utils::tempdir() . "/$how.sql";
	my $output = '';

	open my $file, '>', $script or die "could not write a script: $!\n";
	print $file "INSERT INTO outcome SELECT '$how', jwt_recover($arguments);\n";
	close $file or die "could not write a script: $!\n";
	execute($node, 'CREATE TABLE IF NOT EXISTS outcome (how text, answer jsonb)');
	run([ 'pgbench', '-n', '-c', $redeemers, '-j', 2, '-t', 1, '-f', $script, @connection, 'postgres' ], '>', \$output, '2>&1');
	is(value_of($node, "SELECT count(*) FROM outcome WHERE how = '$how'"), $redeemers, "$how: each was answered");
	is(value_of($node, "SELECT count(*) FROM outcome WHERE how = '$how' AND answer ->> 'status' = 'password_set'"), 1, "$how: one redeemed it");
	is(value_of($node, "SELECT count(*) FROM outcome WHERE how = '$how' AND answer ->> 'error' NOT IN ('invalid_grant', 'temporarily_unavailable')"), 0,
		"$how: and the others did not");
	is(value_of($node, "SELECT count(*) FROM jwt_auth.outbox WHERE kind = 'password_changed' AND recipient ~ '^m" . ($how eq 'link' ? 1 : 2) . "'"), 1,
		"$how: the user is told once");
}

# Whoever reads everything can redeem nothing
my @messages = map { message_for($_) } 1, 3, 3, 4;
my $link = value_of($node, "SELECT jwt_create_link(jwt_find_user('m4'), 'recovery')");
my @secrets = ($link, map { ($_->{token}, $_->{code}, $_->{flow}, substr($_->{token}, 70)) } @messages);
my $dump = '';

run([ 'pg_dump', @connection, 'postgres' ], '>', \$dump);
my $rows = join "\n", map { value_of($node, "SELECT string_agg(t::text, chr(10)) FROM jwt_auth.$_ AS t") } split /\n/,
  value_of($node, "SELECT string_agg(relname, chr(10)) FROM pg_class WHERE relnamespace = 'jwt_auth'::regnamespace AND relkind = 'r' AND relname !~ 'signal'");
like($dump, qr/COPY jwt_auth.one_time_tokens/, 'a dump has the rows');
is(scalar(grep { index($dump, $_) >= 0 } @secrets), 0, 'a dump holds no token, code or flow');
is(scalar(grep { index($rows, $_) >= 0 } @secrets), 0, 'nor does any row');
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
is(scalar(grep { index($log, $_) >= 0 } map { $_->{token} } @messages), 0, 'nor does the server log');
is(error_of_recovery($messages[1]{token}), 'password_set', 'one that was made is good all the same');

# A rollback undoes what was written, and no counting
{
	forget();
	execute($node, 'BEGIN; SELECT jwt_request_recovery(\'m1@known.example\'); ROLLBACK');
	my $before = value_of($node, 'SELECT count(*) FROM jwt_auth.outbox');
	execute($node, q{SELECT jwt_request_recovery('m1@known.example')});
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.outbox'), $before, 'a message that was rolled back counts');
	my $message = message_for(4);
	my $wrong = sprintf '%08d', ($message->{code} + 1) % 1e8;
	execute($node, "BEGIN; SELECT jwt_recover('$wrong', '$password', '$message->{flow}'); ROLLBACK") for 1 .. 5;
	is(error_of_recovery($message->{code}, $message->{flow}), 'temporarily_unavailable', 'and so do wrong codes');
	is(error_of_recovery($message->{token}), 'password_set', 'a link need not wait');
}

# Known and unknown addresses differ in nothing that can be measured
execute($node, 'CREATE TABLE sample (kind text, microseconds double precision, bytes numeric)');
$node->safe_psql('postgres', <<'SQL');
CREATE PROCEDURE measure(samples integer) LANGUAGE plpgsql AS
$$
DECLARE
	start timestamptz;
	lsn pg_lsn;
	kind text;
BEGIN
	FOR n IN 1 .. samples LOOP
		FOREACH kind IN ARRAY CASE n % 2 WHEN 0 THEN '{known,other}' ELSE '{other,known}' END::text[] LOOP
			TRUNCATE jwt_auth.login_throttle;
			COMMIT;
			lsn := pg_current_wal_insert_lsn();
			start := clock_timestamp();
			PERFORM jwt_request_recovery('m3@' || kind || '.example');
			INSERT INTO sample (kind, microseconds, bytes)
			VALUES (kind, extract(epoch FROM clock_timestamp() - start) * 1e6, pg_current_wal_insert_lsn() - lsn);
			COMMIT;
		END LOOP;
	END LOOP;
END
$$;
CALL measure(20);
TRUNCATE sample;
SQL
execute($node, 'TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens');
execute($node, "CALL measure($samples)");
my ($known, $other) = map { value_of($node, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) FROM sample WHERE kind = '$_'") } qw(known other);
my ($known_bytes, $other_bytes) = map { value_of($node, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bytes) FROM sample WHERE kind = '$_'") } qw(known other);
note("medians: known $known us, $known_bytes bytes; unknown $other us, $other_bytes bytes");
cmp_ok(abs($known / $other - 1), '<', 0.1, 'known and unknown addresses take the same time');
cmp_ok(abs($known_bytes - $other_bytes), '<', 200, 'and write as much WAL');
is(value_of($node, "SELECT count(*) FROM jwt_auth.outbox WHERE recipient ~ '$_.example'"), $samples, "$_: as many messages") for qw(known other);

# Notifications say that there is something, and nothing else
for my $notify (qw(on off))
{
	my ($out, $err) = ('', '');

	forget();
	run([ 'psql', '-Xq', @connection, '-d', 'postgres', '-c', "SET jwt_auth.outbox_notify = $notify", '-c', 'LISTEN jwt_auth_outbox',
		'-c', q{SELECT jwt_request_recovery('m2@known.example') ->> 'status'} ], '>', \$out, '2>', \$err);
	if ($notify eq 'on') { like($out, qr/notification "jwt_auth_outbox" received from/, 'a listener is told') }
	else { unlike($out, qr/notification/, 'unless the operator turned that off') }
	unlike($out, qr/payload/, "notify $notify: without payload");
}

done_testing();
