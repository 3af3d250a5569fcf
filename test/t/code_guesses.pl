# Ten thousand guesses of codes (T115), over flows, purposes, addresses, backends and
# hours of a clock that rows are moved by: five a code, the waits of the address, and
# a hundred an account.  Who has spent these tries the right code, in vain.  What the
# attacker asks for meanwhile, messages included, buys no further try.
# At least 21 assertions
# Time limit: 900 s

use strict;
use warnings;

use AccountTest;
use IPC::Run qw(run);
use JwtAuthTest;
use Test::More;

my $guesses = 10_000;
my $backends = 8;
my $seed = $ENV{SEED} // int(rand(1e6));
my $node = start_account_node('code_guesses', conf => ["shared_preload_libraries = 'jwt_auth'"]);

note("seed $seed");
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE address (address text PRIMARY KEY, victim text);
INSERT INTO address VALUES ('gil@known.example', 'gil'), ('+491701234567', 'gil'), ('hana@known.example', 'hana'), ('nobody@other.example', NULL);
SELECT jwt_create_user('gil', 'correct horse battery staple', email => 'gil@known.example', phone => '+491701234567'),
	   jwt_create_user('hana', 'correct horse battery staple', email => 'hana@known.example');
CREATE TABLE flow (id uuid PRIMARY KEY, flow text, victim text, redeem text, code text, token text);
CREATE TABLE guess (flow text, victim text, has_code boolean, is_spent boolean, answer text);

-- Later by as much, for all that the attacker may wait for
CREATE FUNCTION pass_time(seconds double precision) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	passed interval := seconds * interval '1 s';
BEGIN
	PERFORM pg_advisory_xact_lock(1);
	UPDATE jwt_auth.login_throttle SET last_failure_at = last_failure_at - passed;
	UPDATE jwt_auth.one_time_tokens SET created_at = created_at - passed, expires_at = expires_at - passed WHERE expires_at > now() - interval '1 h';
	UPDATE jwt_auth.outbox SET leased_until = leased_until - passed, expires_at = expires_at - passed WHERE sent_at IS NULL AND failed_at IS NULL;
	INSERT INTO clock VALUES (passed);
END
$$;
CREATE TABLE clock (passed interval);

-- Asks for a code.  The test learns it, as if the account had no failures yet: an
-- attacker who has spent all tries may have the right one, too.
CREATE FUNCTION ask_for_code(wanted text, request text) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	answer jsonb;
	failed integer;
	asked address;
BEGIN
	PERFORM pg_advisory_xact_lock(2);
	SELECT * INTO STRICT asked FROM address WHERE address = wanted;
	EXECUTE format('SELECT public.%I(%L)', request, wanted) INTO answer;
	INSERT INTO flow (id, flow, victim, redeem) VALUES (encode(substr(decode(translate(substr(answer ->> 'flow', 5, 71), '-_', '+/') || '=', 'base64'), 6, 16), 'hex')::uuid,
		answer ->> 'flow', asked.victim, CASE request WHEN 'jwt_request_login' THEN 'login_code' ELSE 'recover' END);
	SELECT code_failures INTO failed FROM jwt_auth.users WHERE id = jwt_find_user(wanted) FOR UPDATE;
	UPDATE jwt_auth.users SET code_failures = 0 WHERE id = jwt_find_user(wanted) AND failed > 0;
	UPDATE flow SET code = m ->> 'code', token = m ->> 'token' FROM jsonb_array_elements(jwt_outbox_claim(100)) AS m
	JOIN jwt_auth.outbox AS o ON o.id = (m ->> 'id')::uuid WHERE flow.id = o.token_id;
	UPDATE jwt_auth.users SET code_failures = failed WHERE id = jwt_find_user(wanted) AND failed > 0;
END
$$;

CREATE FUNCTION redeem(how text, token text, flow text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT coalesce(a ->> 'error', 'redeemed') FROM (SELECT CASE how WHEN 'recover' THEN jwt_recover(token, 'another horse battery', flow) ELSE jwt_login_code(token, flow) END) AS s (a) $$;

-- Whether no try is left.  Both counts only grow while nobody redeems anything.
CREATE FUNCTION is_spent(flow flow) RETURNS boolean LANGUAGE sql VOLATILE AS
$$ SELECT EXISTS (SELECT FROM jwt_auth.one_time_tokens AS t WHERE t.id = flow.id AND t.failures >= 5)
	   OR EXISTS (SELECT FROM jwt_auth.users AS u WHERE u.id = jwt_find_user(flow.victim) AND u.code_failures >= 100) $$;

-- One guess: a wrong code, or the right one where none may count any more
CREATE FUNCTION guess_code() RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	target flow;
	spent boolean;
	tried text;
BEGIN
	SELECT * INTO target FROM flow WHERE flow IN (SELECT f.flow FROM flow AS f ORDER BY f.id DESC LIMIT 12) ORDER BY random() LIMIT 1;
	spent := target.code IS NOT NULL AND is_spent(target);
	tried := CASE WHEN spent THEN target.code ELSE lpad(((coalesce(target.code, '0')::integer + 1 + floor(random() * 99999998)::integer) % 100000000)::text, 8, '0') END;
	INSERT INTO guess VALUES (target.flow, target.victim, target.code IS NOT NULL, spent, redeem(target.redeem, tried, target.flow));
END
$$;
SELECT ask_for_code(address, request) FROM address, unnest('{jwt_request_login,jwt_request_recovery}'::text[]) AS request;
SQL

# An attacker on many connections, who waits, asks and guesses at random
my $script = PostgreSQL::Test::Utils::tempdir() . '/guess.sql';

open my $file, '>', $script or die "could not write a script: $!\n";
print $file <<'SQL';
\set seconds random_exponential(0, 1800, 5)
\set chance random(1, 20)
\set recovers random(0, 1)
\set number random(0, 3)
SELECT pass_time(:seconds);
\if :chance <= 3
SELECT ask_for_code((SELECT address FROM address ORDER BY address OFFSET :number LIMIT 1), CASE :recovers WHEN 0 THEN 'jwt_request_login' ELSE 'jwt_request_recovery' END);
\endif
SELECT guess_code();
SQL
close $file or die "could not write a script: $!\n";
my $output = '';

ok(run([ 'pgbench', '-n', '-c', $backends, '-j', 2, '-t', $guesses / $backends, "--random-seed=$seed", '-f', $script,
		'-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$output, '2>&1'), 'the attacker script runs') or diag($output);
is(value_of($node, 'SELECT count(*) FROM guess'), $guesses, 'the attacker guesses as often as planned');
note(value_of($node, q{SELECT 'hours: ' || extract(epoch FROM sum(passed))::bigint / 3600 FROM clock}));
note(value_of($node, q{SELECT string_agg(concat_ws(' ', victim, has_code, is_spent, answer, n), ', ') FROM (SELECT victim, has_code, is_spent, answer, count(*) AS n FROM guess GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4) AS s}));

# No try beyond the bound was right, and none was let in that the bound forbids
is(value_of($node, q{SELECT count(*) FROM guess WHERE answer NOT IN ('invalid_grant', 'temporarily_unavailable')}), 0, 'no guess succeeds, not even the right code after the limit');
cmp_ok(value_of($node, q{SELECT count(*) FROM guess WHERE is_spent AND answer = 'invalid_grant'}), '>', 100, 'the right code is tried often after the limit');
is(value_of($node, 'SELECT max(failures) <= 5 FROM jwt_auth.one_time_tokens'), 't', 'a code has at most five failures');
for my $victim (qw(gil hana))
{
	my $tried = value_of($node, qq{SELECT count(*) FROM guess WHERE victim = '$victim' AND has_code AND NOT is_spent AND answer = 'invalid_grant'});
	my $counted = value_of($node, qq{SELECT code_failures FROM jwt_auth.users WHERE id = jwt_find_user('$victim')});

	note("$victim: $tried tries, $counted counted");
	is($counted, 100, "$victim: a hundred failures are counted for the account");
	cmp_ok(value_of($node, qq{SELECT sum(least(failures, 5)) FROM jwt_auth.one_time_tokens WHERE user_id = jwt_find_user('$victim')}), '>=', 100, "$victim: the failures of codes add up to at least a hundred");
	cmp_ok(value_of($node, qq{SELECT count(*) FROM flow WHERE victim = '$victim' AND code IS NOT NULL}), '>', 20, "$victim: more than twenty messages with codes are sent");
	cmp_ok($tried, '<=', 100 + $backends, "$victim: no more guesses are checked than the limit and those at the same time");
	is(value_of($node, qq{SELECT count(*) FROM jwt_auth.sessions WHERE user_id = jwt_find_user('$victim')}), 0, "$victim: no session starts");
}
cmp_ok(value_of($node, q{SELECT count(*) FROM guess WHERE victim IS NULL AND answer = 'temporarily_unavailable'}), '>', 0, 'codes of an unknown address must wait');
cmp_ok(value_of($node, q{SELECT count(*) FROM guess WHERE answer = 'temporarily_unavailable'}), '>', 0, 'codes of a known address must wait');

# The owner still has links, passwords, and a count that begins anew
execute($node, 'TRUNCATE jwt_auth.login_throttle');
is(error_of(log_in($node, 'gil')), 'ok', 'guesses of codes do not throttle the password');
execute($node, q{SELECT ask_for_code('gil@known.example', 'jwt_request_login')});
my ($token, $flow) = split /\|/, value_of($node, q{SELECT token || '|' || flow FROM flow WHERE token IS NOT NULL ORDER BY id DESC LIMIT 1});

is(value_of($node, "SELECT redeem('login_code', '$token', '$flow')"), 'redeemed', 'a link logs in after a hundred failures');
is(value_of($node, q{SELECT code_failures FROM jwt_auth.users WHERE id = jwt_find_user('gil')}), 0, 'a login by link resets the count of failures');
execute($node, 'TRUNCATE jwt_auth.login_throttle');
execute($node, q{SELECT ask_for_code('gil@known.example', 'jwt_request_login')});
my $code;

($code, $flow) = split /\|/, value_of($node, q{SELECT code || '|' || flow FROM flow WHERE token IS NOT NULL ORDER BY id DESC LIMIT 1});
is(value_of($node, "SELECT redeem('login_code', '$code', '$flow')"), 'redeemed', 'a code logs in after the count was reset');
done_testing();
