# What the operator sets for a database, a role or the server holds, whatever
# an ordinary role brings along (T22, T23, F02): each setting, each way of
# loading the library; options in the startup packet by all spellings, SET
# before the library is loaded, ALTER ROLE, and SET clauses of functions.
# At least 1568 assertions

use strict;
use warnings;

use JwtAuthTest;
use PgWire;
use Test::More;

my $node = start_node('operator');
my $LOAD = 'SELECT jwt_jwks() IS NULL';

# All that an operator may set for a database, and values for it: what the
# operator sets, and what others try.
my %settings = settings();
cmp_ok(scalar keys %settings, '>=', 20, 'the settings are known');

$node->safe_psql('postgres', q{
	CREATE ROLE regress_operator_app LOGIN;
	CREATE ROLE regress_operator_granted LOGIN;
	GRANT CREATE ON SCHEMA public TO regress_operator_app;
	CREATE FUNCTION shown(wanted text) RETURNS text LANGUAGE sql SECURITY DEFINER AS
	'SELECT setting FROM pg_settings WHERE name = wanted'});
$node->safe_psql('postgres', "ALTER DATABASE postgres SET jwt_auth.$_ = '$settings{$_}[0]'") for keys %settings;

for my $way ('no library', 'session_preload_libraries', 'shared_preload_libraries')
{
	$node->append_conf('postgresql.conf',
		join "\n", map { "$_ = '" . ($way eq $_ ? 'jwt_auth' : '') . "'" } qw(session_preload_libraries shared_preload_libraries));
	$node->restart;
	for my $name (sort keys %settings)
	{
		check_options($way, $name);
		check_set($way, $name);
	}
	check_spellings($way);
	check_allowed($way);
	check_role_and_function($way);
	check_configuration_file($way);
}
done_testing();

sub settings
{
	my %values;

	for my $row (split /\n/, value_of($node, q{
		LOAD 'jwt_auth';
		SELECT substr(name, 10), vartype, boot_val, max_val, array_to_string(enumvals, ' ') FROM pg_settings
		WHERE name LIKE 'jwt\_auth.%' AND context = 'superuser'}))
	{
		my ($name, $type, $default, $highest, $enumerated) = split /\|/, $row;
		my @others = grep { $_ ne $default } split / /, $enumerated // '';

		$values{$name} =
		    $type eq 'integer' ? ($default + 2 <= $highest ? [ $default + 1, $default + 2 ] : [ $default - 1, $default - 2 ])
		  : $type eq 'bool' ? [ $default eq 'on' ? ('off', 'on') : ('on', 'off') ]
		  : $type eq 'enum' ? [ $others[0], $others[1] // $default ]
		  : $name =~ /_file$/ ? [ '/operator/file', '/other/file' ]
		  : $name eq 'notices' ? [ 'none', 'password_changed' ]
		  : $name eq 'webauthn_origins' ? [ 'https://operator.example', 'https://other.example' ]
		  : [ 'operator.f', 'other.f' ];
	}
	return %values;
}

# What the session goes by: the raw value, without a unit, also of what only the
# operator may see.
sub shown
{
	my ($name) = @_;

	return "SELECT shown('jwt_auth.$name')";
}

sub connect_as
{
	my ($user, %parameters) = @_;

	return PgWire->new($node, user => $user, database => 'postgres', %parameters);
}

# Either the connection is refused, or whatever needs the library is, each time.
sub is_refused
{
	my ($way, $what, %parameters) = @_;
	my $session = connect_as('regress_operator_app', %parameters);

	return is($session->state, '42501', "$way: $what: the connection is refused")
	  unless $way eq 'no library';
	is($session->state_of($LOAD), '42501', "$way: $what: the library is refused");
	is($session->state_of("RESET ALL; $LOAD"), '42501', "$way: $what: the library is refused after RESET ALL");
	return;
}

sub check_options
{
	my ($way, $name) = @_;
	my $value = $settings{$name}[1];

	is_refused($way, "$name as startup parameter", "jwt_auth.$name" => $value);
	is_refused($way, "$name in options", options => "-c jwt_auth.$name=$value");
	return;
}

# A value that is set before the library is loaded, and without privilege
sub check_set
{
	my ($way, $name) = @_;
	my ($right, $wrong) = @{ $settings{$name} };
	my $set = "jwt_auth.$name = '$wrong'";
	my $session;

	for my $case (
		[ 'SET', "SET $set; $LOAD" ],
		[ 'set_config', "SELECT set_config('jwt_auth.$name', '$wrong', false); $LOAD" ],
		[ 'SET LOCAL', "BEGIN; SET LOCAL $set; $LOAD" ],
		[ 'a savepoint', "BEGIN; SAVEPOINT s; SET $set; SAVEPOINT t; SET LOCAL $set; $LOAD" ])
	{
		my ($what, $statements) = @$case;

		$session = connect_as('regress_operator_app');
		$session->value_of($_) for split /; /, $statements;
		$session->value_of('ROLLBACK') if $session->state ne '';
		is($session->value_of("$LOAD; " . shown($name)), $right, "$way: $name after $what");
		$session->value_of('ROLLBACK');
		is($session->value_of(shown($name)), $right, "$way: $name after $what and ROLLBACK");
		for my $reset ("RESET jwt_auth.$name", 'RESET ALL', 'DISCARD ALL')
		{
			$session->value_of($reset);
			is($session->value_of(shown($name)), $right, "$way: $name after $what and $reset");
		}
	}
	return;
}

sub check_spellings
{
	my ($way) = @_;

	my @spellings = (
		[ 'capitals', 'JWT_Auth.Session_TTL' => '9d' ],
		[ 'capitals in options', options => '-c JWT_AUTH.SESSION_TTL=9d' ],
		[ 'dashes', options => '--jwt-auth.session-ttl=9d' ],
		[ 'among others', options => '-c work_mem=1MB -c jwt_auth.leeway=5 -c jwt_auth.token=x' ],
		[ 'an empty value', 'jwt_auth.password_check_function' => '' ],
		[ 'the default value', 'jwt_auth.session_ttl' => '30d' ]);

	# Where the settings are known, these have SQLSTATEs of their own.
	push @spellings, [ 'no valid value', 'jwt_auth.session_ttl' => 'soon' ], [ 'no setting', 'jwt_auth.nonsense' => 'x' ]
	  unless $way =~ /^shared/;
	is_refused($way, @$_) for @spellings;
	my $session = connect_as('regress_operator_app', 'jwt_auth.token' => 'x', options => '-c work_mem=1MB');

	is($session->value_of("$LOAD; " . shown('session_ttl')), $settings{session_ttl}[0],
		"$way: a token and settings of PostgreSQL are accepted");
	return;
}

# Whoever may set them, may set them in options, too.
sub check_allowed
{
	my ($way) = @_;
	my $name = 'session_ttl';
	my %option = ("jwt_auth.$name" => $settings{$name}[1]);
	my $session = connect_as($node->connstr =~ /user=(\w+)/ ? $1 : scalar getpwuid $<, %option);

	is($session->value_of("$LOAD; " . shown($name)), $settings{$name}[1], "$way: a superuser's connection option is accepted");
	$node->safe_psql('postgres', "GRANT SET ON PARAMETER jwt_auth.$name TO regress_operator_granted");
	$session = connect_as('regress_operator_granted', %option);
	is($session->value_of("$LOAD; " . shown($name)), $settings{$name}[1], "$way: the option of a role with SET privilege is accepted");
	$node->safe_psql('postgres', "REVOKE SET ON PARAMETER jwt_auth.$name FROM regress_operator_granted");
	$session = connect_as('regress_operator_granted', %option);
	is($session->state || $session->state_of($LOAD), '42501', "$way: the option is refused once the privilege is revoked");
	return;
}

sub check_role_and_function
{
	my ($way) = @_;
	my $name = 'session_ttl';
	my ($right, $wrong) = @{ $settings{$name} };
	my $session = connect_as('regress_operator_app');

	is($session->state_of("ALTER ROLE regress_operator_app SET jwt_auth.$name = $wrong"), '42501',
		"$way: a role does not set it for itself");
	is( $session->state_of("CREATE FUNCTION f() RETURNS int LANGUAGE sql SET jwt_auth.$name = $wrong AS 'SELECT 1'"),
		'42501', "$way: a role does not set it for a function");
	$node->safe_psql('postgres', qq{
		CREATE OR REPLACE FUNCTION operators() RETURNS text LANGUAGE plpgsql SET jwt_auth.$name = $wrong AS
		'BEGIN PERFORM jwt_jwks(); RETURN (SELECT setting FROM pg_settings WHERE name = ''jwt_auth.$name''); END'});
	$session = connect_as('regress_operator_app');
	isnt($session->value_of('SELECT operators()') // $right, $wrong, "$way: a function of another role does not change it");
	is($session->value_of("$LOAD; " . shown($name)), $right, "$way: the operator's value holds after a refused function");

	$node->safe_psql('postgres', "ALTER ROLE regress_operator_app SET jwt_auth.$name = 3600");
	$session = connect_as('regress_operator_app');
	is($session->value_of("$LOAD; " . shown($name)), '3600', "$way: the operator's value for the role holds");
	is($session->value_of("RESET ALL; " . shown($name)), '3600', "$way: the operator's value for the role holds after RESET ALL");
	is_refused($way, 'an option against that of the role', "jwt_auth.$name" => $wrong);
	$node->safe_psql('postgres', "ALTER ROLE regress_operator_app RESET jwt_auth.$name");
	return;
}

sub check_configuration_file
{
	my ($way) = @_;
	my $name = 'session_ttl';

	$node->safe_psql('postgres', "ALTER DATABASE postgres RESET jwt_auth.$name");
	$node->append_conf('postgresql.conf', "jwt_auth.$name = 4000");
	$node->restart;
	is(connect_as('regress_operator_app')->value_of("$LOAD; " . shown($name)), '4000', "$way: the value of the configuration file holds");
	is_refused($way, 'an option against that of the file', "jwt_auth.$name" => 9999);
	$node->safe_psql('postgres', "ALTER DATABASE postgres SET jwt_auth.$name = $settings{$name}[0]");
	return;
}
