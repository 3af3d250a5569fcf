# Malformed names of hooks that were stored, or set before the library was loaded
# (F39): PostgreSQL would drop what a check refuses then, and passwords would go
# unchecked. They stay, and each call fails, whatever loads the library.
#
# At least 40 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthTest;
use Test::More;

my $node = start_account_node('names');
my $SETTING = 'jwt_auth.password_check_function';
my $sets_password = "SELECT jwt_set_password(jwt_find_user('alice'), '$PASSWORD')";

$node->safe_psql('postgres', q{
	CREATE FUNCTION public.accepts(username text, password text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'});
is(state_of($node, $sets_password), '', 'a password is set without a hook');
for my $way ('no library', 'session_preload_libraries', 'shared_preload_libraries')
{
	for my $case ([ 'accepts', '55000' ], [ 'a.b.c', '55000' ], [ '"public', '42602' ], [ 'public.accepts', '' ])
	{
		my ($name, $state) = @$case;

		check_stored($way, $name, $state);
		check_file($way, $name, $state);
		is(state_of($node, "SET $SETTING = '$name'; $sets_password"), $state && ($way eq 'no library' ? $state : '22023'), "$way: a hook set by SET is checked: $name");
	}
}
is(state_of($node, $sets_password), '', 'a password is set after the hook was removed');
is(state_of($node, "LOAD 'jwt_auth'; SET $SETTING = 'accepts'"), '22023', 'a hook of the wrong form is refused where the library is loaded');
is(state_of($node, "LOAD 'jwt_auth'; ALTER DATABASE postgres SET $SETTING = 'accepts'"), '22023', 'a hook of the wrong form is refused for a database');
done_testing();

# Stored while no library was there to refuse it
sub check_stored
{
	my ($way, $name, $state) = @_;

	$node->append_conf('postgresql.conf', "$_ = ''") for qw(session_preload_libraries shared_preload_libraries);
	$node->restart;
	$node->safe_psql('postgres', "ALTER DATABASE postgres SET $SETTING = '$name'");
	$node->append_conf('postgresql.conf', "$way = 'jwt_auth'") if $way ne 'no library';
	$node->restart;
	is(state_of($node, $sets_password), $state, "$way: a hook set for the database is checked: $name");
	$node->safe_psql('postgres', "ALTER DATABASE postgres RESET $SETTING");
	return;
}

sub check_file
{
	my ($way, $name, $state) = @_;

	$node->append_conf('postgresql.conf', "$SETTING = '$name'");
	$node->restart;
	is(state_of($node, $sets_password), $state, "$way: a hook set in a file is checked: $name");
	$node->append_conf('postgresql.conf', "$SETTING = ''");
	$node->restart;
	return;
}
