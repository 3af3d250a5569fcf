# A transaction that stays idle delays nobody for more than two seconds (T40):
# neither the first login of an installation, which makes keys, nor a failed
# attempt on a name that an admin wants to unlock or enable.
# At least 33 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(time);

# A statement that is still waiting after this is taken to wait for ever.
my $FOR_EVER = '8s';

my $node = start_account_node('idle');

first_login($_) for "'alice', '$PASSWORD'", "'alice', 'wrong'", "'nobody', 'wrong'";
admin_against_attempt($_) for 'jwt_unlock_user', 'jwt_enable_user';
done_testing();

# What a statement answers; it must do so in time.
sub answer_in_time
{
	my ($session, $statement, $what) = @_;
	my $start = time;
	my $answer = ask($session, $statement);
	my $elapsed = time - $start;

	cmp_ok($elapsed, '<', 5, sprintf('%s: answered in time (%.2f s)', $what, $elapsed));
	return $answer;
}

# Each in a database that has no key for refresh tokens or names yet
sub first_login
{
	my ($arguments) = @_;
	my $what = 'first login with ' . $arguments;

	$node->safe_psql('postgres', 'CREATE DATABASE fresh');
	$node->safe_psql('fresh', 'CREATE EXTENSION jwt_auth');
	$node->safe_psql('fresh', "SELECT jwt_create_key(), jwt_create_user('alice', '$PASSWORD'), jwt_create_user('bob', '$PASSWORD')");

	my ($idle, $other) = map { JwtAuthSession->new($node, dbname => 'fresh') } 1, 2;

	ask($other, "SET statement_timeout = '$FOR_EVER'");
	ask($idle, "BEGIN; SELECT jwt_login($arguments) ->> 'error'");

	my $answer = answer_in_time($other, "SELECT coalesce(jwt_login('bob', '$PASSWORD') ->> 'error', 'ok')", "$what: another name is answered in time");
	like($answer, qr/^(?:ok|temporarily_unavailable)$/, "$what: another name logs in or is told to try again");
	$answer = answer_in_time($other, "SELECT coalesce(jwt_login('carol', 'wrong') ->> 'error', 'ok')", "$what: an unknown name is answered in time");
	like($answer, qr/^(?:invalid_grant|temporarily_unavailable)$/, "$what: an unknown name is denied or told to try again");
	ask($idle, 'ROLLBACK');
	is(ask($other, "SELECT coalesce(jwt_login('bob', '$PASSWORD') ->> 'error', 'ok')"), 'ok', "$what: after the rollback, another name logs in");
	is(ask($idle, "SELECT coalesce(jwt_login('alice', '$PASSWORD') ->> 'error', 'ok')"), 'ok', "$what: after the rollback, the same name logs in");
	is( value_of($node, "SELECT count(*) FILTER (WHERE use = 'refresh'), count(*) FILTER (WHERE use = 'hash') FROM jwt_auth.keys", dbname => 'fresh'),
		'1|1', "$what: there is one key of each use");
	$_->close for $idle, $other;
	$node->safe_psql('postgres', 'DROP DATABASE fresh');
	return;
}

# The admin may be told to try again, and then does.
sub admin_against_attempt
{
	my ($function) = @_;
	my ($idle, $admin) = map { JwtAuthSession->new($node) } 1, 2;
	my $call = "SELECT $function(id) FROM jwt_auth.users WHERE username = 'alice'";

	log_in($node, 'alice', 'wrong') for 1 .. 4;
	ask($admin, "SET statement_timeout = '$FOR_EVER'");
	is(ask($idle, "BEGIN; SELECT jwt_login('alice', 'wrong') ->> 'error'"), 'invalid_grant', "$function: an attempt stays open");

	my $answer = answer_in_time($admin, $call, $function);
	like($answer, qr/^(?:|ERROR (?:55P03|40001))$/, "$function: the call succeeds, or may have to be tried again");
	ask($idle, 'COMMIT');
	is(ask($admin, $call), '', "$function: the call succeeds when it is tried again") if $answer ne '';
	is(error_of(log_in($node, 'alice')), 'ok', "$function: the user can log in at once");
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.login_throttle'), 0, "$function: no failure is left in the table");
	$_->close for $idle, $admin;
	return;
}
