# The token that a connection brings along (T22, T24, T94): in its options, for
# its role, or set before the library is loaded, whenever that is; a first load
# inside a parallel operation, which loses no token; and the warning outside of
# a transaction block.
# At least 165 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_node('connection');

$node->safe_psql('postgres', q{
	CREATE ROLE regress_connection_app LOGIN;
	CREATE ROLE regress_connection_fixed LOGIN;
	SELECT jwt_create_key();
	SELECT jwt_create_user(name, 'correct horse of ' || name) FROM unnest('{alice,bob}'::text[]) AS name;
	CREATE TABLE document (owner uuid);
	INSERT INTO document SELECT id FROM jwt_auth.users;
	ALTER TABLE document ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON document USING (owner = jwt_user_id());
	GRANT SELECT ON document TO PUBLIC});
my %id = map { $_ => value_of($node, "SELECT id FROM jwt_auth.users WHERE username = '$_'") } qw(alice bob);
my %token = map { $_ => value_of($node, "SELECT jwt_login('$_', 'correct horse of $_') ->> 'access_token'") } qw(alice bob);
my ($signature) = $token{alice} =~ /([^.]+)$/;
my $who = 'SELECT jwt_user_id()';
my $parallel =
  value_of($node, 'SHOW server_version_num') >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode';

for my $preload ('no library', 'session_preload_libraries', 'shared_preload_libraries')
{
	$node->append_conf('postgresql.conf', "session_preload_libraries = 'jwt_auth'")
	  if $preload =~ /^session/;
	$node->append_conf('postgresql.conf', "session_preload_libraries = ''\nshared_preload_libraries = 'jwt_auth'")
	  if $preload =~ /^shared/;
	$node->restart;
	check_options($preload);
	check_settings($preload);
	check_role($preload);
	check_parallel($preload);
}
check_warning();
done_testing();

# A session with the token in the connection's options.
sub connect_with
{
	my ($token, $role) = @_;
	local $ENV{PGOPTIONS} = "-c jwt_auth.token=$token";

	return JwtAuthSession->new($node, role => $role // 'regress_connection_app');
}

sub check_options
{
	my ($preload) = @_;
	my $session = connect_with($token{alice});

	is($session->query($who), $id{alice}, "$preload: a token in the options gives an identity");
	is($session->query('SELECT count(*) FROM document'), '1', "$preload: policies use the token of the options");
	unlike($session->query('SHOW jwt_auth.token; SELECT current_setting(\'jwt_auth.token\'), s FROM pg_settings AS s'),
		qr/\Q$signature\E/, "$preload: the signature of the token is not shown");
	$session->query("SET jwt_auth.token = '$token{bob}'");
	is($session->query($who), $id{bob}, "$preload: SET replaces the token of the options");
	for my $reset ('RESET jwt_auth.token', 'RESET ALL', 'DISCARD ALL', 'SET jwt_auth.token TO DEFAULT')
	{
		$session->query("SET jwt_auth.token = '$token{bob}'");
		$session->query($reset);
		is($session->query($who), $id{alice}, "$preload: $reset restores the token of the options");
	}
	is($session->query("BEGIN; SELECT jwt_authenticate('$token{bob}') IS NULL; $who; COMMIT; $who"),
		"f\n$id{bob}\n$id{alice}", "$preload: jwt_authenticate lasts for one transaction");
	is($session->query("BEGIN; SELECT jwt_pre_request(); $who; COMMIT; $who"),
		"\n\n$id{alice}", "$preload: a request without credentials has no identity");
	$session->close;

	for my $junk ('x', $token{alice} . 'A', $token{alice} =~ s/[^.]+$//r, 'a' x 9000)
	{
		$session = connect_with($junk);
		is($session->query('SELECT 1'), '1', "$preload: a malformed token in the options does not stop queries");
		is($session->state_of($who), '28J00', "$preload: a malformed token in the options is refused when it is used");
		is($session->state_of('SELECT * FROM document'), '28J00', "$preload: a malformed token in the options is refused by a policy");
		$session->query("SET jwt_auth.token = ''");
		is($session->query("$who; SELECT count(*) FROM document"), "\n0", "$preload: without the malformed token, there is no identity");
		$session->close;
	}
	check_other_options($preload);
	return;
}

# Others than the token refuse the connection, or, where the library comes
# later, whatever needs it.
sub check_other_options
{
	my ($preload) = @_;
	local $ENV{PGOPTIONS} = '-c jwt_auth.check_revocation=off -c jwt_auth.issuer=x';

	if ($preload ne 'no library')
	{
		my $errors = '';

		$node->psql('postgres', $who, stderr => \$errors, extra_params => [ '-U', 'regress_connection_app' ]);
		like($errors, qr/permission denied to set parameter "jwt_auth\.(?:check_revocation|issuer)"/,
			"$preload: other settings in the options refuse the connection");
		return;
	}
	my $session = JwtAuthSession->new($node, role => 'regress_connection_app');

	is($session->state_of($who), '42501', "$preload: other settings in the options refuse the identity");
	is($session->state_of("SET jwt_auth.token = '$token{alice}'; $who"), '42501', "$preload: other settings in the options refuse a token");
	is($session->state_of('SELECT * FROM document'), '42501', "$preload: other settings in the options refuse a policy");
	$session->close;
	return;
}

# Each in a new session, where the first query may be what loads the library.
sub check_settings
{
	my ($preload) = @_;

	for my $case (
		[ 'SET', "SET jwt_auth.token = '$token{alice}'; $who", $id{alice} ],
		[ 'set_config', "SELECT set_config('jwt_auth.token', '$token{alice}', false) = ''; $who", "f\n$id{alice}" ],
		[ 'SET LOCAL', "BEGIN; SET LOCAL jwt_auth.token = '$token{alice}'; $who; COMMIT; $who", "$id{alice}\n" ],
		[ 'SET LOCAL, undone', "BEGIN; SET LOCAL jwt_auth.token = '$token{alice}'; ROLLBACK; $who", '' ],
		[ 'SET, undone', "BEGIN; SET jwt_auth.token = '$token{alice}'; ROLLBACK; $who", '' ],
		[ 'SET, then SET LOCAL', "SET jwt_auth.token = '$token{bob}'; BEGIN; SET LOCAL jwt_auth.token = '$token{alice}'; $who; COMMIT; $who",
			"$id{alice}\n$id{bob}" ],
		[ 'a savepoint', "BEGIN; SET LOCAL jwt_auth.token = '$token{alice}'; SAVEPOINT s; SET LOCAL jwt_auth.token = '$token{bob}'; "
			  . "$who; ROLLBACK TO SAVEPOINT s; $who; COMMIT; $who", "$id{bob}\n$id{alice}\n" ],
		[ 'a savepoint, loaded after it', "BEGIN; SET LOCAL jwt_auth.token = '$token{alice}'; SAVEPOINT s; SET LOCAL jwt_auth.token = '$token{bob}'; "
			  . "ROLLBACK TO SAVEPOINT s; $who; COMMIT; $who", "$id{alice}\n" ],
		[ 'RESET', "SET jwt_auth.token = '$token{alice}'; RESET jwt_auth.token; $who", '' ],
		[ 'an empty one', "SET jwt_auth.token = ''; $who", '' ])
	{
		my ($what, $statements, $expected) = @$case;
		my $session = JwtAuthSession->new($node, role => 'regress_connection_app');

		is($session->query($statements), $expected, "$preload: $what sets the identity in the first query");
		is($session->query("RESET jwt_auth.token; $who"), '', "$preload: after $what and RESET, there is no identity");
		$session->close;
	}
	return;
}

# What an operator sets for a role, and nobody else can
sub check_role
{
	my ($preload) = @_;

	$node->safe_psql('postgres', "ALTER ROLE regress_connection_fixed SET jwt_auth.token = '$token{alice}'");
	my $session = JwtAuthSession->new($node, role => 'regress_connection_fixed');
	is($session->query($who), $id{alice}, "$preload: the token set for a role gives an identity");
	is($session->query("SET jwt_auth.token = '$token{bob}'; $who; RESET jwt_auth.token; $who"), "$id{bob}\n$id{alice}",
		"$preload: RESET restores the token set for a role");
	$session->close;
	$session = connect_with($token{bob}, 'regress_connection_fixed');
	is($session->query($who), $id{bob}, "$preload: the token of the options overrides that of a role");
	$session->close;
	$node->safe_psql('postgres', 'ALTER ROLE regress_connection_fixed RESET jwt_auth.token');
	return;
}

# The function hides its call from the planner, which would load the library.
sub check_parallel
{
	my ($preload) = @_;

	$node->safe_psql('postgres', <<'SQL');
CREATE OR REPLACE FUNCTION hidden_user() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE AS
$$ DECLARE id uuid; BEGIN EXECUTE 'SELECT jwt_user_id()' INTO id; RETURN id; END $$;
SQL
	my $session = connect_with($token{alice});
	my $call = "BEGIN; SET LOCAL $parallel = on; SELECT hidden_user(); COMMIT";

	if ($preload eq 'no library')
	{
		is($session->state_of($call), '55000', "$preload: a first load in a parallel operation is refused");
		$session->query('ROLLBACK');
		is($session->state_of($call), '55000', "$preload: a second load in a parallel operation is refused");
		$session->query('ROLLBACK');
		is($session->query($who), $id{alice}, "$preload: a refused load keeps the token");
	}
	is($session->query($call), $id{alice}, "$preload: a parallel operation has the identity");
	is($session->query($who), $id{alice}, "$preload: the identity stays after a parallel operation");
	$session->close;
	return;
}

sub check_warning
{
	my $session = JwtAuthSession->new($node, role => 'regress_connection_app');
	my $call = "SELECT jwt_authenticate('$token{alice}') IS NULL";
	my ($answer, $messages) = $session->query($call);

	is($answer, 'f', 'jwt_authenticate verifies outside a transaction block');
	like($messages, qr/WARNING:\s+25P01/, 'jwt_authenticate warns outside a transaction block');
	is($session->query($who), '', 'jwt_authenticate outside a transaction block leaves no identity');
	($answer, $messages) = $session->query("BEGIN; $call; COMMIT");
	is($messages, '', 'jwt_authenticate does not warn inside a transaction block');
	$session->close;
	return;
}
