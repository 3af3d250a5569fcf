# Plans that a session has printed, to itself and the log (T47): those of the
# extension's own statements, which hold new keys, hashes and nonces, are not
# among them, whoever asks for it; nor does auto_explain log their values, or those
# of the operator's hook functions.
# At least 33 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthTest;
use Test::More;

my $node = start_node(
	'plans',
	conf => [
		'jwt_auth.argon2_memory = 8', 'jwt_auth.argon2_iterations = 1', "session_preload_libraries = 'auto_explain'", 'auto_explain.log_min_duration = -1',
		'auto_explain.log_nested_statements = on', 'auto_explain.log_verbose = on', 'auto_explain.log_analyze = on', 'log_statement = none'
	]);
my $oct = q({"kty":"oct","alg":"HS256","kid":"o","k":"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE"});

# What a role is shown of a statement: messages, with printed bytes as text.
sub shown
{
	my ($role, $statement) = @_;
	my ($output, $messages) = ('', '');

	local $ENV{PGOPTIONS} = '-c client_min_messages=log -c debug_pretty_print=off'
	  . join '', map { " -c debug_print_$_=on" } qw(parse rewritten plan);
	$node->psql('postgres', $statement, extra_params => [ '-U', $role ], stdout => \$output, stderr => \$messages);
	my $bytes = join '', map { chr($_ & 255) } map { split ' ' } $messages =~ /:constvalue \d+ \[ ([-\d\s]+)\]/g;

	return ($output, "$messages\n$bytes");
}

# Everything secret that the tables hold now.
sub secrets
{
	return split /\n/, value_of($node, <<~'END');
		SELECT coalesce(j ->> 'd', j ->> 'k') FROM jwt_auth.keys,
			LATERAL (SELECT convert_from(private_jwk, 'UTF8')::jsonb AS j) AS v WHERE private_jwk IS NOT NULL
		UNION ALL SELECT convert_from(secret_jwks, 'UTF8')::jsonb #>> '{keys,0,k}' FROM jwt_auth.issuers WHERE secret_jwks IS NOT NULL
		UNION ALL SELECT split_part(password_hash, '$', 6) FROM jwt_auth.users WHERE password_hash IS NOT NULL
		END
}

$node->safe_psql('postgres', <<~'END');
	CREATE ROLE regress_plans_gateway LOGIN;
	CREATE ROLE regress_plans_admin LOGIN;
	SELECT jwt_create_key();
	SELECT jwt_create_user('alice', 'correct horse battery staple');
	GRANT EXECUTE ON FUNCTION jwt_login, jwt_refresh, jwt_change_password TO regress_plans_gateway;
	GRANT EXECUTE ON FUNCTION jwt_create_key, jwt_rotate_key, jwt_rotate_refresh_key, jwt_reset_after_restore, jwt_create_user,
		jwt_set_password, jwt_trust_issuer TO regress_plans_admin;
	END

my $answer = "(SELECT jwt_login('alice', '$PASSWORD'))";
my @statements = (
	# The first login makes the keys of refresh tokens and names.
	[ 'regress_plans_gateway', "SELECT jwt_login('nobody', 'wrong')" ],
	[ 'regress_plans_gateway', "SELECT jwt_login('alice', '$PASSWORD') ? 'access_token'" ],
	[ 'regress_plans_gateway', "SELECT jwt_refresh($answer ->> 'refresh_token') ? 'access_token'" ],
	[
		'regress_plans_gateway',
		"SELECT set_config('jwt_auth.token', $answer ->> 'access_token', false) IS NULL, jwt_change_password('$PASSWORD', '$PASSWORD')"
	],
	[ 'regress_plans_admin', 'SELECT jwt_create_key()' ],
	[ 'regress_plans_admin', "SELECT jwt_create_key('HS256')" ],
	[ 'regress_plans_admin', 'SELECT jwt_rotate_key()' ],
	[ 'regress_plans_admin', 'SELECT jwt_rotate_refresh_key()' ],
	[ 'regress_plans_admin', "SELECT jwt_create_user('bob', '$PASSWORD')" ],
	[ 'regress_plans_admin', "SELECT jwt_set_password(jwt_create_user('carol'), '$PASSWORD')" ],
	[ 'regress_plans_admin', "SELECT jwt_trust_issuer('https://them.example', '$oct'::text::jsonb - 'x', 'api')" ],
	[ 'regress_plans_admin', 'SELECT jwt_reset_after_restore()' ]);
my $printed = '';

for my $row (@statements)
{
	my ($role, $statement) = @$row;
	my (undef, $messages) = shown($role, $statement);
	my @seen = grep { index($messages, $_) >= 0 } secrets();

	# The caller's own statement is printed, with what the caller put in it.
	@seen = grep { index($statement, $_) < 0 } @seen;
	my $plans = () = $messages =~ /LOG:\s+plan:/g;

	is($plans, 1, "one plan is printed: $statement");
	is("@seen", '', "no secret is printed: $statement");
	$printed .= $messages;
}
cmp_ok(scalar(secrets()), '>', 5, 'there are secrets');
like($printed, qr/nobody/, 'printed plans are readable');

# What the session asked for goes on.
my ($output) = shown('regress_plans_gateway', "SELECT jwt_login('alice', 'wrong') ->> 'error', current_setting('debug_print_plan')");

is($output, 'invalid_grant|on', 'debug_print_plan stays on');

# The operator has statements explained, with their parameters
{
	my $logged = -s $node->logfile;
	my $hidden = 'the password that a hook gets';

	$node->safe_psql('postgres', <<~"END");
		CREATE TABLE passwords AS SELECT '$hidden'::text AS password;
		CREATE FUNCTION public.accepts(username text, password text) RETURNS text LANGUAGE plpgsql AS
		\$\$ BEGIN RETURN (SELECT CASE relname WHEN password THEN 'no' END FROM pg_class WHERE relname = 'pg_class'); END \$\$;
		END
	$node->append_conf('postgresql.conf', "auto_explain.log_min_duration = 0\njwt_auth.password_check_function = 'public.accepts'");
	$node->reload;
	wait_for($node, 'SHOW auto_explain.log_min_duration', '0');
	execute($node, q{SELECT jwt_create_user('dave', password) FROM passwords});
	execute($node, q{SELECT jwt_login('dave', password) ? 'access_token' FROM passwords});
	execute($node, $_) for 'SELECT jwt_create_key()', "SELECT jwt_create_key('HS256')", 'SELECT jwt_rotate_refresh_key()';
	is(value_of($node, 'SHOW auto_explain.log_min_duration'), '0', 'auto_explain stays as the operator set it');
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile, $logged);

	like($log, qr/plan:\s+Query Text: SELECT jwt_create_user\('dave', password\)/, 'statements of callers are explained');
	unlike($log, qr/Query Text: [^\n]*jwt_auth\.|Query Text:[^\n]*pg_class/, 'statements of the extension and of hooks are not explained');
	is(scalar(grep { index($log, $_) >= 0 } secrets()), 0, 'the log has no key or hash');
	is(index($log, $hidden), -1, 'the log has no password that a hook gets');
	like(join("\n", secrets()), qr/\S{20}/, 'there are keys and hashes to find');
}

done_testing();
