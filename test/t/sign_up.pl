# Sign-ups among many (T100, T101, T105, T111, T113, T115): of 200 confirmations at
# once one begins a session, whether of one sign-up or of several for an address, a
# dump holds no secret, rollbacks undo messages and forget no wrong code, and known and
# unknown addresses take as long and write as much WAL.
#
# Alone
# At least 30 assertions

use strict;
use warnings;

use AccountTest;
use IPC::Run qw(run);
use JSON::PP;
use JwtAuthTest;
use Test::More;

my $redeemers = 200;
my $samples = 60;
my $tries = 6;
my $node = start_account_node('sign_up', conf => [ 'max_connections = 230', "log_statement = 'none'", 'jwt_auth.sign_up = on', "shared_preload_libraries = 'jwt_auth'" ]);
my @connection = ('-h', $node->host, '-p', $node->port);
my $another = 'another horse battery';

execute($node, 'CREATE TABLE outcome (how text, answer jsonb)');

sub forget { return execute($node, 'TRUNCATE jwt_auth.login_throttle'); }

sub count_of { return value_of($node, "SELECT count(*) FROM $_[0]"); }

# Plays the mailer, and returns what it got with a token
sub claimed { return grep { $_->{token} } @{ decode_json(value_of($node, 'SELECT jwt_outbox_claim(100)')) }; }

sub sign_up
{
	my ($address, $password) = @_;

	forget();
	my $flow = value_of($node, "SELECT jwt_sign_up('$address', " . quote($password // $PASSWORD) . ") ->> 'flow'");
	my ($message) = claimed();
	return { %$message, flow => $flow };
}

sub confirm
{
	my ($token, $flow, $password) = @_;

	return value_of($node, sprintf q{SELECT coalesce(a ->> 'error', a ->> 'token_type') FROM jwt_confirm_sign_up(%s, %s, %s) AS a}, map { quote($_) } $token, $flow, $password);
}

# Many at once, each with one of some calls
sub at_once
{
	my ($how, @calls) = @_;
	my $output = '';
	my @scripts;

	for my $number (0 .. $#calls)
	{
		push @scripts, PostgreSQL::Test::Utils::tempdir() . "/$number.sql";
		open my $file, '>', $scripts[-1] or die "could not write a script: $!\n";
		print $file "INSERT INTO outcome SELECT '$how', $calls[$number];\n";
		close $file or die "could not write a script: $!\n";
	}
	run([ 'pgbench', '-n', '-c', $redeemers, '-j', 2, '-t', 1, (map { ('-f', $_) } @scripts), @connection, 'postgres' ], '>', \$output, '2>&1');
	is(count_of("outcome WHERE how = '$how'"), $redeemers, "$how: each call is answered");
	is(count_of("outcome WHERE how = '$how' AND answer ? 'access_token'"), 1, "$how: one session starts");
	is(count_of("outcome WHERE how = '$how' AND answer ->> 'error' NOT IN ('invalid_grant', 'temporarily_unavailable', 'password_required')"), 0,
		"$how: the other calls are denied");
	return;
}

sub check_one_user
{
	my ($how, $address) = @_;

	is(value_of($node, "SELECT count(*) || ' ' || count(s.id) FROM jwt_auth.identifiers AS i LEFT JOIN jwt_auth.sessions AS s USING (user_id) WHERE i.canonical = '$address'"),
		'1 1', "$how: one user has the address and one session");
	return;
}

# One token
for my $how (qw(link code))
{
	my $message = sign_up("$how\@once.example");
	my $token = $how eq 'link' ? $message->{token} : $message->{code};

	at_once($how, "jwt_confirm_sign_up('$token', '$message->{flow}')");
	check_one_user($how, "$how\@once.example");
}
{
	my $how = 'invitation';
	value_of($node, q{SELECT jwt_invite('invitation@once.example')});
	my ($message) = claimed();

	at_once($how, "jwt_accept_invitation('$message->{token}')");
	check_one_user($how, 'invitation@once.example');
}

# Several for one address, and invitations with them: the first one proven ends the others
{
	my @messages = map { sign_up('several@once.example', "$_ horse battery staple") } 'first', 'second', 'third';
	my $how = "of $redeemers sign-ups for one address";

	value_of($node, q{SELECT jwt_invite('several@once.example')});
	my ($invitation) = claimed();
	at_once($how, (map { "jwt_confirm_sign_up('$_->{token}', '$_->{flow}')" } @messages), "jwt_accept_invitation('$invitation->{token}')");
	check_one_user($how, 'several@once.example');
	is(count_of("jwt_auth.one_time_tokens WHERE canonical = 'several\@once.example' AND (consumed_at IS NULL OR data IS NOT NULL)"), 0, "$how: no pending data is left");
}

# The owner has the link, and the attacker, who signed up, all the time a flow
{
	my $how = 'an owner and an attacker at once';
	my $message = sign_up('victim@once.example', 'the password of an attacker');

	at_once($how, "jwt_confirm_sign_up('$message->{token}', NULL, '$another')", "jwt_confirm_sign_up('$message->{token}')", "jwt_confirm_sign_up('$message->{flow}', '$message->{flow}')");
	check_one_user($how, 'victim@once.example');
	is(log_in($node, 'victim@once.example', 'the password of an attacker')->{error}, 'invalid_grant', "$how: the attacker's password is denied");
	is(error_of(log_in($node, 'victim@once.example', $another)), 'ok', "$how: the owner's password logs in");
}

# Whoever reads everything can redeem nothing
{
	my $message = sign_up('dumped@once.example', 'a password that waits for a user');
	my @secrets = (@$message{qw(token code flow)}, 'a password that waits for a user');
	my $dump = '';

	run([ 'pg_dump', @connection, 'postgres' ], '>', \$dump);
	like($dump, qr/dumped\@once\.example.*\$argon2id\$/, 'a dump has the sign-up with its hash');
	is(scalar(grep { index($dump, $_) >= 0 } @secrets), 0, 'a dump holds no password, token, code or flow');
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
	is(scalar(grep { index($log, $_) >= 0 } @secrets), 0, 'the server log holds no password, token, code or flow');
	is(confirm($message->{code}, $message->{flow}), 'Bearer', 'a dumped sign-up is still confirmed');
}

# The function of the operator raises what the client sent: the log does not say it
{
	$node->safe_psql('postgres', q{CREATE FUNCTION public.fails(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught %', data; END $$});
	is(state_of($node, q{SET jwt_auth.sign_up_function = 'public.fails'; SELECT jwt_sign_up('f@once.example', NULL, '{"secret":"very private"}')}), '38000', 'a sign-up fails with its function');
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
	like($log, qr/a hook function failed with SQLSTATE P0001/, 'the log has the SQLSTATE of a failed function');
	unlike($log, qr/very private/, 'the log does not have what the client sent');
}

# A rollback undoes messages, and no counting of codes
{
	forget();
	execute($node, q{BEGIN; SELECT jwt_sign_up('undone@once.example'); ROLLBACK});
	my $before = count_of('jwt_auth.outbox');
	execute($node, q{SELECT jwt_sign_up('undone@once.example')}) for 1 .. 2;
	is(count_of('jwt_auth.outbox'), $before + 1, 'only messages that were sent count towards the limit');
	claimed();
	my $message = sign_up('undone2@once.example');
	my $wrong = sprintf '%08d', ($message->{code} + 1) % 1e8;
	execute($node, "BEGIN; SELECT jwt_confirm_sign_up('$wrong', '$message->{flow}'); ROLLBACK") for 1 .. 5;
	is(confirm($message->{code}, $message->{flow}), 'temporarily_unavailable', 'wrong codes that were rolled back count');
	execute($node, "BEGIN; SELECT jwt_confirm_sign_up('$message->{token}', '$message->{flow}'); ROLLBACK");
	is(value_of($node, q{SELECT jwt_find_user('undone2@once.example') IS NULL}), 't', 'a confirmation that is rolled back creates no user');
	is(confirm($message->{token}, $message->{flow}), 'Bearer', 'a confirmation that is rolled back does not consume the link');
}

# Known and unknown addresses differ in nothing that can be measured, at the default
# cost of a hash
$node->append_conf('postgresql.conf', "jwt_auth.argon2_memory = '19 MB'\njwt_auth.argon2_iterations = 2");
$node->reload;
$node->safe_psql('postgres', <<"SQL");
CREATE TABLE sample (kind text, microseconds double precision, bytes numeric);
SELECT jwt_create_user('m' || n, NULL, email => 'm' || n || '\@known.example') FROM generate_series(1, $samples) AS n;
CREATE PROCEDURE measure(samples integer, password text) LANGUAGE plpgsql AS
\$\$
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
			PERFORM jwt_sign_up('m' || n || '\@' || kind || '.example', password);
			INSERT INTO sample (kind, microseconds, bytes)
			VALUES (kind, extract(epoch FROM clock_timestamp() - start) * 1e6, pg_current_wal_insert_lsn() - lsn);
			COMMIT;
		END LOOP;
	END LOOP;
END
\$\$;
CALL measure(4, '$PASSWORD');
TRUNCATE sample;
SQL
compare();
done_testing();

sub median
{
	my ($what, $kind) = @_;

	return value_of($node, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY $what) FROM sample WHERE kind = '$kind'");
}

# Samples of all tries count together, so that none is picked for its luck.
sub compare
{
	my $difference;

	execute($node, 'TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens');
	for my $try (1 .. $tries)
	{
		execute($node, "CALL measure($samples, '$PASSWORD')");
		my ($known, $other) = map { median('microseconds', $_) } qw(known other);
		$difference = abs($known / $other - 1);
		note("try $try: medians: known $known us, unknown $other us");
		last if $try >= 2 && $difference < 0.03;
	}
	cmp_ok($difference, '<', 0.03, 'sign-up takes the same time for known and unknown addresses');
	cmp_ok(abs(median('bytes', 'known') - median('bytes', 'other')), '<', 200, 'sign-up writes as much WAL for known and unknown addresses');
	is(count_of("jwt_auth.outbox WHERE recipient ~ 'known.example' AND kind = 'account_exists'"), count_of("jwt_auth.outbox WHERE recipient ~ 'other.example' AND kind = 'sign_up'"), 'sign-up writes as many messages for known and unknown addresses');
	return;
}
