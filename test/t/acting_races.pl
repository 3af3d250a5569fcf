# A user who is kept out while beginning to act as another (T171): what ends the sessions of
# who acts ends that one, too, whichever comes first, and nobody waits in a circle.
# At least 22 assertions

use strict;
use warnings;

use AccountTest;
use JSON::PP;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_account_node('acting_races');
my ($holder, $acting, $admin) = map { JwtAuthSession->new($node) } 1 .. 3;
my %id = map { $_ => value_of($node, "SELECT jwt_find_user('$_')") } qw(alice bob);

# Rows are locked in the order of ids: that of who acts comes first, and last
for my $pair ([ 'alice', 'bob' ], [ 'bob', 'alice' ])
{
	keep_out(@$pair, $_) for 'jwt_ban_user', 'jwt_end_sessions';
}

# As each other, at once
{
	my @rounds = 1 .. 10;

	for my $pair ([ $acting, 'alice', 'bob' ], [ $admin, 'bob', 'alice' ])
	{
		my ($session, $who, $user) = @$pair;

		$session->query("SET jwt_auth.token = '" . log_in($node, $who)->{access_token} . "'");
		$session->begin_query(join ";\n", ("SELECT jwt_impersonate('$id{$user}', 'why') ? 'access_token'") x @rounds);
	}
	is(answer_of($_), join("\n", ('t') x @rounds), 'two act as each other at once') for $acting, $admin;
}

# Beside a login of the user that stays open, acting is told to come again
for my $who (qw(alice bob))
{
	my ($user) = grep { $_ ne $who } qw(alice bob);

	$acting->query("SET jwt_auth.token = '" . log_in($node, $who)->{access_token} . "'");
	for my $busy ($who, $user)
	{
		$holder->query("BEGIN; SELECT jwt_login('$busy', '$PASSWORD') ->> 'error'");
		is(ask($acting, "SELECT jwt_impersonate('$id{$user}', 'why') ->> 'error'"), 'temporarily_unavailable', "$who acts as $user while $busy logs in");
		$holder->query('ROLLBACK');
	}
}
$_->close for $holder, $acting, $admin;
done_testing();

# One who begins to act as a user waits for the user's row; somebody ends the sessions meanwhile
sub keep_out
{
	my ($who, $user, $function) = @_;
	my $what = "$who acts as $user, $function";

	$acting->query("SET jwt_auth.token = '" . log_in($node, $who)->{access_token} . "'");
	$holder->query("BEGIN; SELECT FROM jwt_auth.users WHERE id = '$id{$user}' FOR UPDATE");
	$acting->begin_query("SELECT jwt_impersonate('$id{$user}', 'why')");
	wait_for($node, q{SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT jwt_impersonate' AND wait_event_type = 'Lock'}, 1);
	$admin->begin_query("SELECT $function('$id{$who}')");
	wait_for($node, qq{SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT $function' AND (wait_event_type = 'Lock' OR state = 'idle')}, 1);
	$holder->query('COMMIT');

	my $answer = answer_of($acting);
	my $ended = answer_of($admin);

	# On a machine that is too busy, either gives up
	$ended = state_of($node, "SELECT $function('$id{$who}')") if $ended =~ /55P03/;
	is($ended, '', "$what: the sessions are ended");
	like($answer, qr/"access_token"|ERROR (?:28J03|55P03)/, "$what: acting begins, or is refused");
	is(verdict_of($answer), '28J02', "$what: the token is revoked") if $answer =~ /"access_token"/;
	is(value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE actor = '$id{$who}' AND revoked_at IS NULL"), 0, "$what: no session acts on");
	is(value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE user_id = '$id{$who}' AND actor IS NULL AND revoked_at IS NULL"), 0, "$what: nor any of its own");
	execute($node, "SELECT jwt_unban_user('$id{$who}')");
	return;
}

sub verdict_of
{
	my ($answer) = @_;

	return state_of($node, "SELECT jwt_verify('" . decode_json($answer)->{access_token} . "')");
}
