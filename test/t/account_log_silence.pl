# The server log (T47, F54) of accounts: no password, token, hash or key is in it,
# whatever succeeds, is denied or fails, hooks included. Values travel as bind
# parameters; as literals, too, where the error is raised within the extension.
# At least 159 assertions

use strict;
use warnings;

use AccountTest;
use IPC::Run qw(run);
use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_account_node(
	'account_silence',
	conf => [
		'log_min_messages = debug1', 'log_min_error_statement = error', 'log_error_verbosity = verbose',
		"log_statement = 'none'", 'log_min_duration_statement = -1', 'jwt_auth.login_max_failures = 1000',
		'log_parameter_max_length_on_error = 0'
	]);
my $dir = PostgreSQL::Test::Utils::tempdir();
my $canary = 'canary battery staple';
my $wrong = 'wrong canary password';
my $hash = '$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS';

$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA hooks;
CREATE FUNCTION hooks.claims(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the reason of the claims hook'; END $$;
CREATE FUNCTION hooks.nothing(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
CREATE FUNCTION hooks.reserved(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"sub":"canary"}'::jsonb $$;
CREATE FUNCTION hooks.cast(username text, password text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM password::integer; RETURN NULL; END $$;
CREATE FUNCTION hooks.quote(username text, password text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'bad password %', password USING DETAIL = password, HINT = password; END $$;
CREATE FUNCTION hooks.waits(username text, password text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
CREATE FUNCTION hooks.waits(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(60); RETURN '{}'; END $$;
CREATE FUNCTION hooks.refuse(username text, password text) RETURNS text LANGUAGE sql AS $$ SELECT 'not this one' $$;
SQL

my $id = value_of($node, "SELECT jwt_create_user('carol', '$canary')");
value_of($node, "SET jwt_auth.argon2_memory = 65536; SET jwt_auth.argon2_iterations = 8; SELECT jwt_create_user('slow', '$canary')");
my @answers = map { log_in($node, 'carol', $canary) } 1 .. 8;
my $spent = refresh_with($node, (my $first = pop @answers)->{refresh_token});
refresh_with($node, $spent->{refresh_token});
my @secrets = (
	'canary', $hash, substr($hash, 7),
	map({ ($_->{refresh_token}, substr($_->{refresh_token}, 60), (split /\./, $_->{access_token})[2]) } @answers, $first, $spent),
	map({ /"(?:k|d)": ?"([^"]+)"/ ? $1 : () } split /\n/,
		value_of($node, "SELECT convert_from(private_jwk, 'UTF8') FROM jwt_auth.keys WHERE private_jwk IS NOT NULL")));

cmp_ok(scalar @secrets, '>', 20, 'there are more than twenty secrets to look for');

sub take { return (shift @answers)->{ $_[0] }; }

# As bind parameters
check('login', '', 'SELECT jwt_login(:n, :p)', n => 'carol', p => $canary);
check('login, wrong', '', 'SELECT jwt_login(:n, :p)', n => 'carol', p => $wrong);
check('login, unknown', '', 'SELECT jwt_login(:n, :p)', n => 'canary name', p => $wrong);
check('login, a password as name', '', 'SELECT jwt_login(:n, :p)', n => $canary, p => $canary);
check('login, long', '22023', 'SELECT jwt_login(:n, :p)', n => 'carol', p => $canary x 60);
check('login, read only', '25006', 'SET default_transaction_read_only = on', 'SELECT jwt_login(:n, :p)', n => 'carol', p => $canary);
check('login, timed out', '57014', "SET statement_timeout = '20 ms'; SET jwt_auth.argon2_memory = 65536; SET jwt_auth.argon2_iterations = 8",
	'SELECT jwt_login(:n, :p)', n => 'slow', p => $canary);
check('login, behind PostgREST', '', "SET request.method = 'POST'", 'SELECT jwt_login(:n, :p)', n => 'carol', p => $wrong);
check('refresh', '', 'SELECT jwt_refresh(:t)', t => take('refresh_token'));
check('refresh, replayed', '', 'SET jwt_auth.refresh_grace = 0', 'SELECT jwt_refresh(:t)', t => $first->{refresh_token});
check('refresh, tampered', '', 'SELECT jwt_refresh(:t)', t => tampered($answers[0]{refresh_token}));
check('refresh, long', '22023', 'SELECT jwt_refresh(:t)', t => $answers[0]{refresh_token} x 10);
check('refresh, read only', '25006', 'SET default_transaction_read_only = on', 'SELECT jwt_refresh(:t)', t => $answers[0]{refresh_token});
check('revoke', '', 'SELECT jwt_revoke(:t)', t => take('refresh_token'));
check('revoke, an access token', '', 'SELECT jwt_revoke(:t)', t => take('access_token'));
check('revoke, tampered', '', 'SELECT jwt_revoke(:t)', t => $answers[0]{access_token} . 'A');
value_of($node, "SELECT jwt_add_provider('idp', 'https://idp.example', '{app}', jwk_public(jwk_generate('ES256', 'e1')))");
check('external login', '', 'SELECT jwt_login_external(:i, :t, :n, :a)', i => 'idp', t => $canary, n => $canary, a => $canary);
check('external login, an access token', '', 'SELECT jwt_login_external(:i, :t)', i => 'idp', t => $answers[0]{access_token});
check('external link', '28J03', 'SELECT jwt_link_external(:i, :t, :n, :a, :l)', i => 'idp', t => $canary, n => $canary, a => $canary, l => $canary);
check('introspect', '', 'SELECT jwt_introspect(:t)', t => $answers[0]{refresh_token});
check('authenticate', '', 'SELECT jwt_authenticate(:t)', t => $answers[0]{access_token});
check('authenticate, tampered', '28J00', 'SELECT jwt_authenticate(:t)', t => $answers[0]{access_token} . 'A');
check('change password, wrong', '', "SELECT set_config('jwt_auth.token', :t, false)", 'SELECT jwt_change_password(:p, :q)',
	t => $answers[0]{access_token}, p => $wrong, q => $canary);
check('change password, short', '', "SELECT set_config('jwt_auth.token', :t, false)", 'SELECT jwt_change_password(:p, :q)',
	t => $answers[0]{access_token}, p => $canary, q => 'canary');
check('change password', '', "SELECT set_config('jwt_auth.token', :t, false)", 'SELECT jwt_change_password(:p, :q)',
	t => take('access_token'), p => $canary, q => "new $canary");
check('change password, nobody', '28J03', 'SELECT jwt_change_password(:p, :q)', p => $canary, q => "new $canary");
check('create user', '', 'SELECT jwt_create_user(:n, :p)', n => 'dave', p => $canary);
check('create user, taken', '23505', 'SELECT jwt_create_user(:n, :p)', n => 'carol', p => $canary);
check('create user, short', '22023', 'SELECT jwt_create_user(:n, :p)', n => 'x', p => 'canary');
check('create user, claims', '22023', 'SELECT jwt_create_user(:n, :p, NULL, :c)', n => 'x', p => $canary, c => '{"sub":"canary"}');
check('import user', '', 'SELECT jwt_import_user(:n, :h)', n => 'imported', h => $hash);
check('import user, refused', '22023', 'SELECT jwt_import_user(:n, :h)', n => 'x', h => $hash . 'A');
check('import user, plain', '22023', 'SELECT jwt_import_user(:n, :h)', n => 'x', h => $canary);
check('set password', '', 'SELECT jwt_set_password(:i, :p)', i => $id, p => $canary);
check('set password, unknown user', '22023', 'SELECT jwt_set_password(gen_random_uuid(), :p)', p => $canary);
check('a name in two statements', '23505', "UPDATE jwt_auth.identifiers SET canonical = (SELECT canonical FROM jwt_auth.identifiers WHERE value = 'carol') WHERE value = :n",
	n => 'bob');

# Hooks: an error of the claims hook is told to the log; what a password hook
# quotes is not
for my $hook (qw(claims nothing))
{
	my $setting = "SET jwt_auth.claims_function = 'hooks.$hook'";

	check("claims hook $hook, login", '38000', $setting, 'SELECT jwt_login(:n, :p)', n => 'carol', p => $canary);
	check("claims hook $hook, refresh", '38000', $setting, 'SELECT jwt_refresh(:t)', t => log_in($node, 'carol', $canary)->{refresh_token});
}
like(slurp_file($node->logfile), qr/the reason of the claims hook/, 'the reason of the claims hook is in the log');
check('claims hook, reserved', '', "SET jwt_auth.claims_function = 'hooks.reserved'", 'SELECT jwt_login(:n, :p)', n => 'carol', p => $canary);
for my $hook (qw(cast quote))
{
	my $setting = "SET jwt_auth.password_check_function = 'hooks.$hook'";

	check("password hook $hook, create user", '38000', $setting, 'SELECT jwt_create_user(:n, :p)', n => 'x', p => $canary);
	check("password hook $hook, set password", '38000', $setting, 'SELECT jwt_set_password(:i, :p)', i => $id, p => $canary);
}
check('password hook, refused', '22023', "SET jwt_auth.password_check_function = 'hooks.refuse'", 'SELECT jwt_create_user(:n, :p)', n => 'x', p => $canary);

# As literals: errors within the extension's calls hide the statement
my $slowly = "SET statement_timeout = '20 ms'; SET jwt_auth.argon2_memory = 65536; SET jwt_auth.argon2_iterations = 8";
my $link = value_of($node, "SELECT jwt_create_link('$id', 'recovery')");
my $in_hook = "SET statement_timeout = '100 ms'; SET jwt_auth.sign_up = on; SET jwt_auth.";
my $holder = JwtAuthSession->new($node);

push @secrets, $link;

value_of($node, <<'SQL');
ALTER TABLE jwt_auth.users ADD CHECK (username <> 'forbidden');
CREATE FUNCTION hooks.raise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
CREATE TRIGGER raise BEFORE INSERT ON jwt_auth.users FOR EACH ROW WHEN (NEW.username = 'raised') EXECUTE FUNCTION hooks.raise();
SQL
ask($holder, "BEGIN; SELECT FROM jwt_auth.users WHERE username = 'slow' FOR UPDATE");
for my $case (
	[ '22023', "SELECT jwt_create_user('x', 'canary')" ], [ '23505', "SELECT jwt_create_user('carol', '$canary')" ],
	[ '22023', "SELECT jwt_import_user('x', '$canary')" ], [ '22023', "SELECT jwt_set_password(gen_random_uuid(), '$canary')" ],
	[ '22023', "SELECT jwt_login_external(NULL, '$canary')" ], [ '28J03', "SELECT jwt_link_external('idp', '$canary', '$canary')" ],
	[ '22023', "SELECT jwt_login(NULL, '$canary')" ], [ '28J03', "SELECT jwt_change_password('$canary', 'x')" ],
	[ '22023', "SELECT jwt_create_user('x', '$canary', 'nobody_at_all')" ],
	[ '55000', "SET jwt_auth.claims_function = 'hooks.missing'; SELECT jwt_login('carol', '$canary')" ],
	[ '38000', "SET jwt_auth.password_check_function = 'hooks.cast'; SELECT jwt_create_user('x', '$canary')" ],
	# what PostgreSQL raises within our statements
	[ '57014', "$slowly; SELECT jwt_login('slow', '$canary')" ],
	[ '23514', "SELECT jwt_create_user('forbidden', '$canary')" ],
	[ 'P0001', "SELECT jwt_create_user('raised', '$canary')" ],
	[ '55P03', "SET lock_timeout = '50 ms'; SELECT jwt_set_password(jwt_find_user('slow'), '$canary')" ],
	# what is cancelled while a hook runs
	[ '57014', "${in_hook}sign_up_function = 'hooks.waits'; SELECT jwt_sign_up('x\@x.example', '$canary')" ],
	(map { [ '57014', "${in_hook}password_check_function = 'hooks.waits'; SELECT $_" ] } "jwt_sign_up('x\@x.example', '$canary')",
		"jwt_create_user('x', '$canary')", "jwt_set_password('$id', '$canary')", "jwt_recover('$link', '$canary')"),
	# what must write, and cannot
	map { [ '25006', "SET default_transaction_read_only = on; BEGIN; SELECT $_" ] } "jwt_login('carol', '$canary')",
	"jwt_change_password('$canary', '$canary')", "jwt_create_user('x', '$canary')", "jwt_import_user('x', '$hash')",
	"jwt_set_password('$id', '$canary')", "jwt_refresh('$first->{refresh_token}')", "jwt_revoke('$first->{refresh_token}')",
	"jwt_consume('$first->{access_token}')", "jwt_login_external('idp', '$canary')", "jwt_link_external('idp', '$canary', '$canary')",
	qq{jwt_import_key('{"kty":"oct","alg":"HS256","k":"canary"}')},
	qq{jwt_trust_issuer('https://x.example', '{"keys":[{"kty":"oct","alg":"HS256","k":"canary"}]}', 'x')})
{
	my ($state, $statement) = @$case;
	my $offset = -s $node->logfile;

	is(state_of($node, $statement), $state, "as a literal: the statement ends with $state");
	silent_since($offset, 'as a literal: the log has no secret of the statement');
}

$holder->close;

# Nor is any of it in the catalogs of statistics, but for what a client writes as a literal
is(value_of($node, "SELECT count(*) FROM jwt_auth.audit_log WHERE audit_log::text ~ 'canary'"), 0, 'the audit log has no secret');

done_testing();

sub silent_since
{
	my ($offset, $name) = @_;
	my $log = substr slurp_file($node->logfile), $offset;
	my @found = grep { index($log, $_) >= 0 } @secrets;

	ok(!@found, $name) or diag "in the log: @found\n", grep { my $line = $_; grep { index($line, $_) >= 0 } @found } split /^/, $log;
	return;
}

# Runs statements with bind parameters, and looks at the SQLSTATE in the log.
sub check
{
	my ($name, $state, @rest) = @_;
	my @statements = (shift @rest);

	push @statements, shift @rest if @rest % 2;
	my %parameters = @rest;
	my $offset = -s $node->logfile;
	my ($output, $errors) = ('', '');

	open my $file, '>', "$dir/script" or die "could not write a script: $!\n";
	print $file map { "$_;\n" } map { /^SET/ ? split /; / : $_ } @statements;
	close $file or die "could not write a script: $!\n";
	run([
			'pgbench', '-n', '-t', '1', '-M', 'extended', '-f', "$dir/script",
			'-h', $node->host, '-p', $node->port,
			(map { ('-D', "$_=$parameters{$_}") } sort keys %parameters), 'postgres'
		],
		'>', \$output, '2>', \$errors);
	my $log = substr slurp_file($node->logfile), $offset;
	my ($had) = $log =~ /ERROR:\s+(\w{5}):/;

	my ($done) = $output =~ /actually processed: (\d)/;

	is(join(' ', $done // 'not run', $had // ()), $state eq '' ? 1 : "0 $state", "$name: the call ends with its SQLSTATE") or diag $errors;
	silent_since($offset, "$name: the log has no secret");
	return;
}
