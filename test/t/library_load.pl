# How the library comes into a session (T22, T94): settings set before it is
# loaded, by whom, a first load inside a parallel operation, and sizes of shared
# memory where there is none.
# At least 15 assertions

use strict;
use warnings;

use JwtAuthTest;
use Test::More;

my $node = start_node('load');
my $key = value_of($node, "SELECT jwk_generate('HS256')");
my $no_exp = value_of($node, "SELECT jwt_sign_with('{\"sub\":\"alice\"}', " . quote($key) . ')');
my $verify = 'SELECT jwt_verify_with(' . quote($no_exp) . ', ' . quote($key) . ')';

$node->safe_psql('postgres', 'CREATE ROLE regress_load_user LOGIN');

# A session's own settings, made while they are mere placeholders
for my $case (
	[ 'require_exp', 'off' ], [ 'leeway', '300' ], [ 'leeway', '999999' ],
	[ 'max_token_size', '1048576' ], [ 'issuer', 'x' ], [ 'nonsense', 'x' ])
{
	my ($name, $value) = @$case;
	my $shown = "SELECT coalesce(current_setting('jwt_auth.$name', true), '')";

	my $default = last_line(undef, "$verify IS NULL; $shown");
	is(last_line('regress_load_user', "SET jwt_auth.$name = '$value'; $verify IS NULL; $shown"),
		$default, "$name = $value, set before the load by anyone: without effect");
}
is(last_line(undef, "SET jwt_auth.require_exp = off; $verify ->> 'sub'"), 'alice',
	'set before the load by a superuser: in effect');
is(last_line('regress_load_user', "SET jwt_auth.require_exp = off; $verify ->> 'sub'"), '',
	'set before the load by anyone: the check is made');

# Connection options of anyone
{
	local $ENV{PGOPTIONS} = '-c jwt_auth.require_exp=off -c jwt_auth.leeway=300';

	is(last_line('regress_load_user', "$verify ->> 'sub'"), '',
		'connection options: the check is not avoided');
}

# What the operator sets for a database holds, whoever connects
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET jwt_auth.require_exp = off');
is(last_line('regress_load_user', "$verify ->> 'sub'"), 'alice',
	'a setting of the database holds for an ordinary role');
is(last_line('regress_load_user', "SET jwt_auth.require_exp = on; $verify ->> 'sub'"),
	'alice', 'an ordinary role cannot override the setting of the database');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET jwt_auth.require_exp');

# A first load inside a parallel operation. The function hides its call from
# the planner, which would load the library beforehand.
my $parallel =
  value_of($node, "SHOW server_version_num") >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode';

$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION decoded(token text) RETURNS jsonb LANGUAGE plpgsql PARALLEL SAFE AS
$$
DECLARE
	result jsonb;
BEGIN
	EXECUTE 'SELECT claims FROM jwt_decode($1)' INTO result USING token;
	RETURN result;
END
$$;
CREATE TABLE one AS SELECT 1 AS n;
ANALYZE one;
SQL
my $call = "SET $parallel = on; SELECT decoded(" . quote($no_exp) . ') FROM one';

is(state_of($node, $call), '55000', 'a first load inside a parallel operation is refused');
is(state_of($node, "LOAD 'jwt_auth'; $call"), '', 'after LOAD, a parallel worker loads the library as well');
is( value_of($node,
		"SET jwt_auth.require_exp = off; LOAD 'jwt_auth'; SET $parallel = on; "
		  . "SELECT jwt_verify_with(" . quote($no_exp) . ', ' . quote($key) . ") ->> 'sub' FROM one"),
	'alice', 'a worker has the session\'s settings');
$node->safe_psql('postgres',
	"ALTER DATABASE postgres SET session_preload_libraries = 'jwt_auth'");
is(state_of($node, $call), '', 'with session_preload_libraries, the first call can be parallel');
check_sizes();
done_testing();

# Sizes of shared memory: one warning that says what to do, and nothing breaks
sub check_sizes
{
	my $preloads = 'library "jwt_auth" is not preloaded, so these settings have no effect: ';

	return if $ENV{PRELOAD};
	unlike(messages_of('SELECT 1'), qr/\S/, 'without shared settings, there is no warning');
	$node->append_conf('postgresql.conf', "jwt_auth.shared_tokens = 1000\njwt_auth.shared_attempts = 5000\njwt_auth.max_password_hashes = 3");
	$node->reload;
	value_of($node, 'SELECT pg_sleep(0.2)');

	my $messages = messages_of('SELECT 1');

	like($messages, qr/^WARNING:  \Q$preloads\Ejwt_auth.max_password_hashes, jwt_auth.shared_attempts, jwt_auth.shared_tokens$/m, 'the warning names the settings without effect');
	like($messages, qr/^HINT:  Add jwt_auth to shared_preload_libraries/m, 'and says what to do');
	is(scalar(() = $messages =~ /WARNING/g), 1, 'it is the only one');
	is(state_of($node, 'SET jwt_auth.shared_tokens = 5'), '55P02', 'but not set in a session');
	is(state_of($node, 'SET jwt_auth.shared_token = 5'), '42602', 'and one that does not exist is refused');
	is(value_of($node, 'SHOW jwt_auth.shared_tokens'), 1000, 'it is shown as it is set');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.statistics'), 0, 'there is no shared memory');
	is(scalar(() = messages_of("SET $parallel = on; $call") =~ /WARNING/g), 1, 'no worker repeats it');

	# With the library preloaded they count
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'jwt_auth'");
	$node->restart;
	unlike(messages_of('SELECT 1'), qr/\S/, 'preloaded: no warning');
	is(value_of($node, q{SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name LIKE 'jwt\_auth.%' AND context = 'postmaster'}),
		'jwt_auth.max_password_hashes=3 jwt_auth.max_waiting_password_hashes=-1 jwt_auth.shared_attempts=5000 jwt_auth.shared_tokens=1000', 'and they count');
	return;
}

sub messages_of
{
	my ($statement) = @_;
	my (undef, undef, $messages) = $node->psql('postgres', $statement);

	return $messages;
}


# The last line that statements print for a role, by default the superuser.
sub last_line
{
	my ($role, $statements) = @_;
	my $output = '';

	$node->psql(
		'postgres', $statements,
		stdout => \$output,
		on_error_stop => 0,
		extra_params => defined $role ? [ '-U', $role ] : []);
	my @lines = split /\n/, $output;

	return $lines[-1] // '';
}
