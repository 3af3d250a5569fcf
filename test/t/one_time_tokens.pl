# One-time tokens among many (T105, T111, T113, T115, T122): of 200 redemptions at
# once one counts, a dump and all rows hold nothing that redeems, rollbacks forget no
# message and no wrong code, known and unknown addresses write as much WAL and take
# as long, wrong codes included, and who listens learns nothing.
# At least 53 assertions

use strict;
use warnings;

use AccountTest;
use IPC::Run qw(run);
use JSON::PP;
use JwtAuthTest;
use MIME::Base64 qw(decode_base64url);
use Test::More;

my $redeemers = 200;
my $samples = 200;
my $node = start_account_node('one_time_tokens', conf => [ 'max_connections = 230', 'max_prepared_transactions = 2', 'full_page_writes = off', 'autovacuum = off', 'jwt_auth.sign_up = on', "shared_preload_libraries = 'jwt_auth'" ]);
my @connection = ('-h', $node->host, '-p', $node->port);
my $password = 'another horse battery';
my %purpose_of = (jwt_request_recovery => 'recovery', jwt_request_login => 'login');
my @requests = sort keys %purpose_of;

$node->safe_psql('postgres', "SELECT jwt_create_user('m' || n, '$PASSWORD', email => 'm' || n || '\@known.example') FROM generate_series(1, 5) AS n");

sub forget { return execute($node, 'TRUNCATE jwt_auth.login_throttle'); }

# What is handed out, and the parts of it that nobody else may know: as text, the MAC at
# its end, and as bytes in hexadecimal, as a row shows them.
sub secrets_in
{
	my ($handed_out) = @_;

	return $handed_out unless $handed_out =~ /^ja[tf]_(.+)$/;
	return ($handed_out, substr($handed_out, -40), unpack('H*', decode_base64url($1)), unpack('H*', substr(decode_base64url($1), -32)));
}

# Asks for recovery, or what is named, and plays the mailer
sub message_for
{
	my ($number, $request) = @_;

	forget();
	my $flow = value_of($node, 'SELECT ' . ($request // 'jwt_request_recovery') . "('m$number\@known.example') ->> 'flow'");
	my ($message) = grep { $_->{token} } @{ decode_json(value_of($node, 'SELECT jwt_outbox_claim(100)')) };
	return { %$message, flow => $flow };
}

sub error_of_recovery
{
	my ($token, $flow) = @_;
	my $with = defined $flow ? ", '$flow'" : '';

	return value_of($node, "SELECT coalesce(a ->> 'status', a ->> 'error') FROM jwt_recover('$token', '$password'$with) AS a");
}

# What a call of a session sends, with the flow that it answers, if it does
sub messages_after
{
	my ($session, $call) = @_;

	forget();
	value_of($node, 'SELECT jwt_outbox_claim(100)');
	my ($flow) = value_of($session, "SELECT $call") =~ /"flow": "(jaf_[^"]+)"/;
	return map { +{ %$_, flow => $flow } } grep { $_->{token} } @{ decode_json(value_of($node, 'SELECT jwt_outbox_claim(100)')) };
}

# One of each purpose that is not asked for by somebody's address.  What confirms an
# address is sent back, and so in the log; the others are not.
sub messages_of_others
{
	my $session = connect_to($node);

	value_of($session, "SELECT set_config('jwt_auth.token', jwt_login('m5', '$PASSWORD') ->> 'access_token', false) IS NOT NULL");
	my ($confirmed) = messages_after($session, q{jwt_add_identifier('m5@other.example')});
	return (
		messages_after($session, "jwt_confirm_identifier('$confirmed->{token}')"),
		map { messages_after($session, $_) } q{jwt_add_identifier('m5@third.example')}, "jwt_sign_up('signs-up\@other.example', '$PASSWORD')", q{jwt_invite('invited@other.example')});
}

# Lets all redeem the same, each on a connection of its own, and keeps the answers.
sub redeem_at_once
{
	my ($how, $call) = @_;
	my $script = PostgreSQL::Test::Utils::tempdir() . "/$how.sql";
	my $output = '';

	open my $file, '>', $script or die "could not write a script: $!\n";
	print $file "INSERT INTO outcome SELECT '$how', $call;\n";
	close $file or die "could not write a script: $!\n";
	execute($node, 'CREATE TABLE IF NOT EXISTS outcome (how text, answer jsonb)');
	run([ 'pgbench', '-n', '-c', $redeemers, '-j', 2, '-t', 1, '-f', $script, @connection, 'postgres' ], '>', \$output, '2>&1');
	return;
}

# Everybody at once, by link and by code
for my $how (qw(link code))
{
	my $message = message_for($how eq 'link' ? 1 : 2);
	my $arguments = $how eq 'link' ? "'$message->{token}', '$password'" : "'$message->{code}', '$password', '$message->{flow}'";

	redeem_at_once($how, "jwt_recover($arguments)");
	is(value_of($node, "SELECT count(*) FROM outcome WHERE how = '$how'"), $redeemers, "$how: each redemption is answered");
	is(value_of($node, "SELECT count(*) FROM outcome WHERE how = '$how' AND answer ->> 'status' = 'password_set'"), 1, "$how: of 200 redemptions at once, one succeeds");
	is(value_of($node, "SELECT count(*) FROM outcome WHERE how = '$how' AND answer ->> 'error' NOT IN ('invalid_grant', 'temporarily_unavailable')"), 0,
		"$how: of 200 redemptions at once, the others are denied");
	is(value_of($node, "SELECT count(*) FROM jwt_auth.outbox WHERE kind = 'password_changed' AND recipient ~ '^m" . ($how eq 'link' ? 1 : 2) . "'"), 1,
		"$how: the user is notified once");
}

# Logins, too: one session begins
for my $how (qw(token code))
{
	my $message = message_for(4, 'jwt_request_login');
	my $name = "login_by_$how";
	my $sessions = value_of($node, 'SELECT count(*) FROM jwt_auth.sessions');

	redeem_at_once($name, "jwt_login_code('$message->{$how}', '$message->{flow}')");
	is(value_of($node, "SELECT count(*) FROM outcome WHERE how = '$name'"), $redeemers, "$name: each redemption is answered");
	is(value_of($node, "SELECT count(*) FROM outcome WHERE how = '$name' AND answer ? 'access_token'"), 1, "$name: of 200 redemptions at once, one succeeds");
	is(value_of($node, "SELECT count(*) FROM outcome WHERE how = '$name' AND answer ->> 'error' NOT IN ('invalid_grant', 'temporarily_unavailable')"), 0,
		"$name: of 200 redemptions at once, the others are denied");
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.sessions'), $sessions + 1, "$name: one session starts");
}

# Whoever reads everything can redeem nothing
my @messages = map { message_for($_) } 1, 3, 3, 4;

push @messages, message_for(3, $_), message_for(4, $_) for @requests;
push @messages, messages_of_others();
my @flows_of_nobody = map { value_of($node, "SELECT $_('$_\@other.example') ->> 'flow'") } @requests;
my @links = map { value_of($node, "SELECT jwt_create_link(jwt_find_user('m4'), '$purpose_of{$_}')") } @requests;
my @secrets = (map { secrets_in($_) } @flows_of_nobody, @links, map { grep { defined } @$_{qw(token code flow)} } @messages);
my $dump = '';

run([ 'pg_dump', @connection, 'postgres' ], '>', \$dump);
run([ 'pg_dump', '--inserts', @connection, 'postgres' ], '>>', \$dump);
my $rows = join "\n", map { value_of($node, "SELECT string_agg(t::text, chr(10)) FROM jwt_auth.$_ AS t") } split /\n/,
  value_of($node, "SELECT string_agg(relname, chr(10)) FROM pg_class WHERE relnamespace = 'jwt_auth'::regnamespace AND relkind IN ('r', 'v') AND relname !~ 'invalidation'");
cmp_ok(scalar @secrets, '>', 90, 'there are secrets of each purpose');
like($dump, qr/COPY jwt_auth.one_time_tokens/, 'a dump has the rows of tokens');
like($dump, qr/'$_'/, "a dump has tokens of purpose $_") for qw(identifier invitation login recovery sign_up undo);
is(scalar(grep { index($dump, $_) >= 0 } @secrets), 0, 'a dump holds no token, code or flow');
is(scalar(grep { index($rows, $_) >= 0 } @secrets), 0, 'no row holds a token, code or flow');
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
is(scalar(grep { index($log, $_) >= 0 } @secrets), 0, 'the server log holds no token, code or flow');
is(error_of_recovery($messages[1]{token}), 'password_set', 'a dumped link still sets the password');

# A rollback undoes messages, which then keep nobody from getting one, and no counting of codes
{
	forget();
	execute($node, 'BEGIN; SELECT jwt_request_recovery(\'m1@known.example\'); ROLLBACK') for 1 .. 5;
	my $before = value_of($node, 'SELECT count(*) FROM jwt_auth.outbox');
	execute($node, q{SELECT jwt_request_recovery('m1@known.example')});
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.outbox'), $before + 1, 'a message that was rolled back does not count towards the limit');
	execute($node, q{SELECT jwt_request_recovery('m1@known.example')});
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.outbox'), $before + 1, 'a message that was sent counts towards the limit');
	my $message = message_for(4);
	my $wrong = sprintf '%08d', ($message->{code} + 1) % 1e8;
	execute($node, "BEGIN; SELECT jwt_recover('$wrong', '$password', '$message->{flow}'); ROLLBACK") for 1 .. 5;
	is(error_of_recovery($message->{code}, $message->{flow}), 'temporarily_unavailable', 'wrong codes that were rolled back count');
	is(error_of_recovery($message->{token}), 'password_set', 'a link need not wait for wrong codes');
}

# A redemption whose session is gone would hold its user
{
	my $link = value_of($node, "SELECT jwt_create_link(jwt_find_user('alice'), 'recovery')");

	is($node->psql('postgres', "SET jwt_auth.outbox_notify = off; BEGIN; SELECT jwt_recover('$link', '$password'); PREPARE TRANSACTION 'x'"), 3, 'a redemption cannot be prepared');
	is(value_of($node, 'SELECT count(*) FROM pg_prepared_xacts'), 0, 'a failed PREPARE TRANSACTION leaves no prepared transaction');
	is(error_of_recovery($link), 'password_set', 'a failed PREPARE TRANSACTION does not consume the link');
}

# Known and unknown addresses differ in nothing that can be measured: each is asked
# for once, one after the other, before as many rows as that makes
$node->safe_psql('postgres', <<"SQL");
SELECT jwt_create_user(NULL, email => 'w' || n || '\@known.example') FROM generate_series(1, $samples) AS n;
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens, jwt_auth.login_throttle, jwt_auth.audit_log;
CREATE TABLE sample (request text, kind text, microseconds double precision, bytes numeric);
SQL
$node->safe_psql('postgres', <<'SQL');
CREATE PROCEDURE measure(request text, samples integer) LANGUAGE plpgsql AS
$$
DECLARE
	start timestamptz;
	lsn pg_lsn;
	kind text;
BEGIN
	FOR n IN 1 .. samples LOOP
		FOREACH kind IN ARRAY CASE n % 2 WHEN 0 THEN '{known,other}' ELSE '{other,known}' END::text[] LOOP
			lsn := pg_current_wal_insert_lsn();
			start := clock_timestamp();
			EXECUTE format('SELECT %I($1)', request) USING format('w%s@%s.example', n, kind);
			INSERT INTO sample VALUES (request, kind, extract(epoch FROM clock_timestamp() - start) * 1e6, pg_current_wal_insert_lsn() - lsn);
			COMMIT;
		END LOOP;
	END LOOP;
	TRUNCATE jwt_auth.login_throttle;
END
$$;
SQL
for my $request (@requests)
{
	my %written;

	execute($node, "CALL measure('$request', $samples)");
	my ($known, $other) = map { value_of($node, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) FROM sample WHERE request = '$request' AND kind = '$_'") } qw(known other);
	my ($known_bytes, $other_bytes) = map { value_of($node, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bytes) FROM sample WHERE request = '$request' AND kind = '$_'") } qw(known other);
	my ($known_all, $other_all) = map { value_of($node, "SELECT avg(bytes) FROM sample WHERE request = '$request' AND kind = '$_'") } qw(known other);

	note("$request, medians: known $known us, $known_bytes bytes; unknown $other us, $other_bytes bytes; means: $known_all and $other_all bytes");
	cmp_ok(abs($known / $other - 1), '<', 0.2, "$request: known and unknown addresses take the same time");
	cmp_ok(abs($known_bytes - $other_bytes), '<=', 48, "$request: known and unknown addresses write as much WAL, but for the id of the user");
	cmp_ok(abs($known_all - $other_all), '<', 1024, "$request: known and unknown addresses write as much WAL, page splits included");
	$written{$_} = rows_written($request, $_) for qw(known other);
	is($written{known}, $written{other}, "$request: known and unknown addresses write the same rows");
	is($written{known}, "$samples tokens, $samples messages, $samples audited", "$request: each request writes one token, message and event");
}

# Nor does a wrong code tell whether its flow was asked for by somebody
$node->safe_psql('postgres', <<'SQL');
CREATE PROCEDURE measure_codes(samples integer) LANGUAGE plpgsql AS
$$
DECLARE
	start timestamptz;
	lsn pg_lsn;
	kind text;
	flow text;
BEGIN
	FOR n IN 1 .. samples LOOP
		FOREACH kind IN ARRAY CASE n % 2 WHEN 0 THEN '{known,other}' ELSE '{other,known}' END::text[] LOOP
			flow := jwt_request_login(format('w%s@%s.example', n, kind)) ->> 'flow';
			COMMIT;
			lsn := pg_current_wal_insert_lsn();
			start := clock_timestamp();
			PERFORM jwt_login_code('00000000', flow);
			INSERT INTO sample VALUES ('wrong code', kind, extract(epoch FROM clock_timestamp() - start) * 1e6, pg_current_wal_insert_lsn() - lsn);
			COMMIT;
		END LOOP;
	END LOOP;
	TRUNCATE jwt_auth.login_throttle;
END
$$;
SQL
execute($node, "CALL measure_codes($samples)");
{
	my ($known, $other) = map { value_of($node, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) FROM sample WHERE request = 'wrong code' AND kind = '$_'") } qw(known other);
	my ($known_bytes, $other_bytes) = map { value_of($node, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bytes) FROM sample WHERE request = 'wrong code' AND kind = '$_'") } qw(known other);

	note("wrong codes, medians: known $known us, $known_bytes bytes; unknown $other us, $other_bytes bytes");
	cmp_ok(abs($known / $other - 1), '<', 0.2, 'a wrong code takes the same time for known and unknown addresses');
	cmp_ok(abs($known_bytes - $other_bytes), '<=', 128, 'a wrong code writes as much WAL for known and unknown addresses');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'code_denied' AND user_id IS " . ($_ eq 'known' ? 'NOT NULL' : 'NULL')), $samples, "$_ addresses: each wrong code is audited")
	  for qw(known other);
}

# What a request has written for all addresses of a kind.
sub rows_written
{
	my ($request, $kind) = @_;
	my $purpose = $purpose_of{$request};

	return join ', ',
	  value_of($node, "SELECT count(*) FROM jwt_auth.one_time_tokens WHERE purpose = '$purpose' AND recipient ~ '^w.*$kind.example'") . ' tokens',
	  value_of($node, "SELECT count(*) FROM jwt_auth.outbox AS o JOIN jwt_auth.one_time_tokens AS t ON t.id = o.token_id WHERE t.purpose = '$purpose' AND o.recipient ~ '^w.*$kind.example'") . ' messages',
	  value_of($node, "SELECT count(*) FROM jwt_auth.audit_log WHERE event = '${purpose}_requested' AND user_id IS " . ($kind eq 'known' ? 'NOT NULL' : 'NULL')) . ' audited';
}

# Notifications say that there is something, and nothing else
for my $notify (qw(on off))
{
	my ($out, $err) = ('', '');

	forget();
	run([ 'psql', '-Xq', @connection, '-d', 'postgres', '-c', "SET jwt_auth.outbox_notify = $notify", '-c', 'LISTEN jwt_auth_outbox',
		'-c', q{SELECT jwt_request_recovery('m2@known.example') ->> 'status'} ], '>', \$out, '2>', \$err);
	if ($notify eq 'on') { like($out, qr/notification "jwt_auth_outbox" received from/, 'a listener is notified') }
	else { unlike($out, qr/notification/, 'a listener is not notified with outbox_notify off') }
	unlike($out, qr/payload/, "notify $notify: a notification has no payload");
}

done_testing();
