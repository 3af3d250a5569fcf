# The limit of sessions beside transactions that stay open (T62, T177): who holds a session that
# a login would end, or a refresh of one that it finds idle, and rolls back or commits later, has
# no more sessions than the limit.
# At least 56 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_account_node('session_limit_races');
my $id = value_of($node, q{SELECT jwt_find_user('alice')});
my $log_in = "SELECT coalesce(jwt_login('alice', '$PASSWORD') ->> 'error', 'ok')";

sub live { return value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE user_id = '$id' AND revoked_at IS NULL"); }
sub evicted { return value_of($node, q{SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'session_evicted'}); }

# Nothing but so many sessions of alice, and the limit
sub begin_with
{
	my ($limit) = @_;

	execute($node, "DELETE FROM jwt_auth.sessions; SELECT jwt_update_user('$id', max_sessions => $limit)");
	return map { log_in($node, 'alice') } 1 .. $limit;
}

# A transaction that stays open after a call with a user's token
sub hold
{
	my ($tokens, $call) = @_;
	my $holder = JwtAuthSession->new($node);

	ask($holder, "BEGIN; SET LOCAL jwt_auth.token = '$tokens->{access_token}'");
	unlike(ask($holder, $call), qr/^ERROR/, "held open: $call");
	return $holder;
}

# A session that has begun to log in, and waits for somebody, or has logged in
sub begin_login
{
	my $login = JwtAuthSession->new($node);

	$login->begin_query($log_in);
	wait_for($node, q{SELECT bool_or(state = 'idle' OR wait_event_type = 'Lock') FROM pg_stat_activity WHERE query LIKE 'SELECT coalesce(jwt_login(%'}, 't');
	return $login;
}

# Who logs out and rolls back keeps the session in place of the one that ended
my ($first) = begin_with(1);
for my $round (1 .. 4)
{
	my $holder = hold($first, 'SELECT jwt_logout()');
	my $login = begin_login();

	ask($holder, 'ROLLBACK');
	is(answer_of($login), 'ok', "round $round: a login beside a logout that is rolled back");
	is(live(), 1, "round $round: leaves one session");
	$_->close for $holder, $login;
	execute($node, 'DELETE FROM jwt_auth.sessions WHERE revoked_at IS NULL');
	$first = log_in($node, 'alice');
}

# Who logs out and commits made room: nothing else ends
{
	my ($one, $two) = begin_with(2);
	my $holder = hold($one, 'SELECT jwt_logout()');
	my $before = evicted();
	my $login = begin_login();

	ask($holder, 'COMMIT');
	is(answer_of($login), 'ok', 'a login beside a logout that commits');
	is(live(), 2, 'leaves as many sessions as the limit');
	is(evicted(), $before, 'and ends none itself');
	$_->close for $holder, $login;
}

# Who never ends the transaction keeps logins out, with a word, and no link is spent
{
	my ($one) = begin_with(1);
	my $link = value_of($node, "SELECT jwt_create_link('$id', 'login')");
	my $holder = hold($one, 'SELECT jwt_logout()');
	my $login = JwtAuthSession->new($node);

	ask($login, q{SET statement_timeout = '60 s'});
	is(ask($login, $log_in), 'ERROR 55P03', 'a login gives up by itself');
	is(ask($login, "SELECT jwt_login_code('$link')"), 'ERROR 55P03', 'as does one by link');
	ask($login, q{SET lock_timeout = '100 ms'});
	is(ask($login, $log_in), 'ERROR 55P03', 'or as soon as the client says');
	is(live(), 1, 'no session begins');
	is(error_of(log_in($node, 'bob')), 'ok', 'another user is not kept out');
	ask($holder, 'ROLLBACK');
	is(ask($login, "SELECT coalesce(jwt_login_code('$link') ->> 'error', 'ok')"), 'ok', 'the link was not spent');
	is(live(), 1, 'and its session is the only one');
	$_->close for $holder, $login;
}

# Who has room waits for nobody
{
	my ($one) = begin_with(2);
	my $holder = hold($one, 'SELECT jwt_logout()');

	execute($node, "SELECT jwt_update_user('$id', max_sessions => 3)");
	is(error_of(log_in($node, 'alice')), 'ok', 'a login below the limit does not wait for a logout');
	ask($holder, 'ROLLBACK');
	is(live(), 3, 'and counts the session that stays');
	$holder->close;
}

# The purge, which notes of sessions that they are not idle
{
	my ($one) = begin_with(1);
	my $holder = JwtAuthSession->new($node);

	execute($node, q{UPDATE jwt_auth.sessions SET created_at = created_at - interval '60 d'});
	ask($holder, 'BEGIN');
	unlike(ask($holder, 'SELECT jwt_purge()'), qr/^ERROR/, 'a purge that stays open');
	my $login = begin_login();
	ask($holder, 'ROLLBACK');
	is(answer_of($login), 'ok', 'a login beside a purge that is rolled back');
	is(live(), 1, 'leaves one session');
	$_->close for $holder, $login;
}

# Nor does a purge wait for a refresh that stays open, and keep the sessions of others meanwhile
for my $aged ('revoked_at', 'expires_at')
{
	my ($held) = begin_with(1);
	my $holder = JwtAuthSession->new($node);
	my $purge = JwtAuthSession->new($node);

	log_in($node, 'bob');
	ask($holder, 'BEGIN');
	is(ask($holder, "SELECT jwt_refresh('$held->{refresh_token}') ->> 'token_type'"), 'Bearer', "$aged: a refresh that stays open");
	execute($node, "UPDATE jwt_auth.sessions SET $aged = created_at - interval '30 d'");
	ask($purge, q{SET statement_timeout = '30 s'});
	is(ask($purge, 'SELECT jwt_purge()'), 1, "$aged: the purge takes the session of somebody else, and waits for none");
	is(value_of($node, 'SELECT user_id FROM jwt_auth.sessions'), $id, "$aged: and leaves that of the refresh");
	ask($holder, 'ROLLBACK');
	is(ask($purge, 'SELECT jwt_purge()'), 1, "$aged: until that has ended");
	$_->close for $holder, $purge;
}
{
	my ($held) = begin_with(1);
	my $holder = JwtAuthSession->new($node);
	my $purge = JwtAuthSession->new($node);

	log_in($node, 'bob');
	execute($node, q{UPDATE jwt_auth.sessions SET created_at = created_at - interval '30 d'; UPDATE jwt_auth.refresh_tokens SET rotated_at = rotated_at - interval '4 d'});
	ask($holder, 'BEGIN');
	is(ask($holder, "SELECT jwt_refresh('$held->{refresh_token}') ->> 'token_type'"), 'Bearer', 'idle: a refresh that stays open');
	ask($purge, q{SET statement_timeout = '30 s'; SET jwt_auth.session_idle_timeout = '1 d'});
	is(ask($purge, 'SELECT jwt_purge()'), 1, 'idle: the purge takes the session of somebody else, and waits for none');
	ask($holder, 'COMMIT');
	is(ask($purge, 'SELECT jwt_purge()'), 0, 'idle: that of the refresh goes on');
	is(live(), 1, 'idle: and is there');
	$_->close for $holder, $purge;
}

# Who logs out and in again in a transaction meets another login: one of them comes again
{
	my ($one) = begin_with(1);
	my $holder = hold($one, 'SELECT jwt_logout()');
	my $login = begin_login();

	my $again = ask($holder, $log_in);
	ask($holder, 'COMMIT');
	my $answers = join(', ', sort($again, answer_of($login)));
	like($answers, qr/^(?:ERROR 40P01, ok|ok, temporarily_unavailable)$/, 'a logout and login at once beside a login');
	is(live(), 1, 'leave one session');
	$_->close for $holder, $login;
}

# Where the limit denies logins, a refresh that stays open while its session becomes idle
for my $end ('COMMIT', 'ROLLBACK')
{
	my @tokens = begin_with(2);

	execute($node, q{UPDATE jwt_auth.refresh_tokens SET rotated_at = rotated_at - interval '1 d'});
	my @holders = map { hold($_, "SELECT jwt_refresh('$_->{refresh_token}') ->> 'refresh_token'") } @tokens;
	my $login = JwtAuthSession->new($node);

	ask($login, q{SET jwt_auth.session_limit_action = deny; SET jwt_auth.session_idle_timeout = '1 h'});
	is(ask($login, $log_in), 'ok', "$end: idle sessions keep nobody out") for 1 .. 2;
	is(ask($login, $log_in), 'session_limit', "$end: those that began count");
	ask($_, $end) for @holders;
	is(live(), 2, "$end: the sessions of refreshes that were held are not beyond the limit");
	is(scalar(grep { error_of(refresh_with($node, $_->{refresh_token})) eq 'ok' } @tokens), 0, "$end: and nobody goes on with them");
	$_->close for @holders, $login;
}

done_testing();
