# What changes nothing writes nothing (F04): a refused token that is presented
# again and again, a revocation that is in force already, a log-out with nothing
# to end. An hour brings at most one row of the audit log, and a repetition gets
# no transaction id, so that it writes no WAL and waits for no disk. Each row
# names whom it concerns (F16).
# At least 136 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthTest;
use Test::More;

my $node = start_account_node('repeated', conf => ['autovacuum = off']);
my @sessions = map { connect_to($node) } 1 .. 2;
my $admin = connect_to($node);

my %id = map { $_ => value_of($admin, "SELECT id FROM jwt_auth.users WHERE username = '$_'") } qw(alice bob);

check_refused_tokens();
check_tokens_without_session();
check_logout();
done_testing();

sub login
{
	my ($name) = @_;
	my $answer = log_in($admin, $name);

	$answer->{id} = value_of($admin, "SELECT claims ->> 'sid' FROM jwt_decode('$answer->{access_token}')");
	return $answer;
}

sub audited
{
	return value_of($admin, 'SELECT count(*) FROM jwt_auth.audit_log');
}

sub last_event
{
	return value_of($admin, q{SELECT concat_ws(' ', event, reason, user_id, session_id, issuer, jti)
		FROM jwt_auth.audit_log ORDER BY at DESC, id DESC LIMIT 1});
}

# Whether a transaction with the statement gets an id; it commits.
sub writes
{
	my ($session, $statement) = @_;

	execute($session, 'BEGIN');
	execute($session, $statement);
	my $has_id = value_of($session, 'SELECT pg_current_xact_id_if_assigned() IS NOT NULL');
	execute($session, 'COMMIT');
	return $has_id eq 't';
}

# Runs a statement, which may write so many rows of the audit log, and then by
# turns in several sessions, where it may write nothing.
sub writes_once
{
	my ($what, $statement, $rows, $event) = @_;
	my $start = audited();

	for my $time (1 .. $rows)
	{
		ok(writes($sessions[0], $statement), "$what: audited, $time of $rows");
	}
	is(audited(), $start + $rows, "$what: one row each is added");
	is(last_event(), $event, "$what: the row says whose it is");
	ok(!writes($sessions[ $_ % @sessions ], $statement), "$what: nothing is written, $_") for 1 .. 4;
	is(audited(), $start + $rows, "$what: no further row is added");
	return;
}

sub check_refused_tokens
{
	my %token = map { $_ => login('alice') } qw(ended replayed idle lost expired gone);

	$token{disabled} = login('bob');
	execute($admin, "SELECT jwt_revoke('$token{ended}{refresh_token}')");
	is(last_event(), "session_revoked token revoked $id{alice} $token{ended}{id}", 'the row of a revoked session says whose it is');
	execute($admin, "SELECT jwt_refresh('$token{replayed}{refresh_token}')");
	execute($admin, 'SET jwt_auth.refresh_grace = 0');
	execute($_, 'SET jwt_auth.refresh_grace = 0') for @sessions;
	execute($admin, "UPDATE jwt_auth.refresh_tokens SET rotated_at = now() - interval '8 days' WHERE session_id = '$token{idle}{id}'");
	execute($admin, "UPDATE jwt_auth.sessions SET created_at = created_at - interval '40 days', expires_at = expires_at - interval '40 days'"
		  . " WHERE id = '$token{expired}{id}'");
	execute($admin, "DELETE FROM jwt_auth.sessions WHERE id = '$token{gone}{id}'");
	execute($admin, 'BEGIN');
	my $child = refresh_with($admin, $token{lost}{refresh_token});
	execute($admin, 'ROLLBACK');
	execute($admin, "SELECT jwt_disable_user('$id{bob}')");
	$token{lost}{refresh_token} = $child->{refresh_token};

	for my $case (
		[ 'ended', 1, "session revoked $id{alice}" ], [ 'idle', 1, "session was idle for too long $id{alice}" ],
		[ 'lost', 1, "its rotation was lost $id{alice}" ], [ 'expired', 1, "session expired $id{alice}" ],
		[ 'gone', 1, 'unknown session' ], [ 'disabled', 1, "session revoked $id{bob}" ])
	{
		my ($name, $rows, $reason) = @$case;

		writes_once("a token, $name", "SELECT jwt_refresh('$token{$name}{refresh_token}')", $rows, "refresh_denied $reason $token{$name}{id}");
	}

	# The replay ends the session, once; what follows is a token of an ended one.
	my $replay = "SELECT jwt_refresh('$token{replayed}{refresh_token}')";

	ok(writes($sessions[0], $replay), 'a replay is written');
	is(last_event(), "refresh_replayed session revoked $id{alice} $token{replayed}{id}", 'the row of a replay says whose it is');
	writes_once('replayed again', $replay, 1, "refresh_denied session revoked $id{alice} $token{replayed}{id}");

	# An hour later, for another reason, and of another session
	execute($admin, "UPDATE jwt_auth.audit_log SET at = at - interval '61 minutes'");
	writes_once('an hour later', $replay, 1, "refresh_denied session revoked $id{alice} $token{replayed}{id}");
	execute($admin, "DELETE FROM jwt_auth.sessions WHERE id = '$token{replayed}{id}'");
	writes_once('for another reason', $replay, 1, "refresh_denied unknown session $token{replayed}{id}");
	return;
}

sub check_tokens_without_session
{
	my $token = value_of($admin, "SELECT jwt_sign('{\"sub\":\"$id{alice}\",\"jti\":\"one\"}')");
	my $other = value_of($admin, q{SELECT jwt_sign('{"sub":"nobody","jti":"two"}')});
	my $long = value_of($admin, q{SELECT jwt_sign(jsonb_build_object('jti', repeat('x', 300)))});

	writes_once('a token', "SELECT jwt_revoke('$token')", 1, "token_denied $id{alice} one");
	writes_once('one of no user', "SELECT jwt_revoke('$other')", 1, 'token_denied two');
	writes_once('one with a long jti', "SELECT jwt_revoke('$long')", 1, 'token_denied ' . 'x' x 255);
	is(state_of($sessions[1], "SELECT jwt_verify('$_')"), '28J02', 'they are denied') for $token, $other, $long;

	# A longer denial is news, and a denial that was undone is none.
	execute($admin, "UPDATE jwt_auth.revoked_tokens SET expires_at = now() + interval '1 minute' WHERE jti = 'one'");
	ok(writes($sessions[0], "SELECT jwt_revoke('$token')"), 'one that would end too early is prolonged');
	execute($admin, q{DELETE FROM jwt_auth.revoked_tokens WHERE jti = 'two'});
	is(state_of($sessions[1], "SELECT jwt_verify('$other')"), '', 'without its row a token is good');
	execute($sessions[0], $_) for 'BEGIN', "SELECT jwt_revoke('$other')", 'ROLLBACK';
	ok(writes($sessions[0], "SELECT jwt_revoke('$other')"), 'after a rollback, it is written');
	is(state_of($sessions[1], "SELECT jwt_verify('$other')"), '28J02', 'and denied');

	my $session = login('alice');

	writes_once('a session', "SELECT jwt_revoke('$session->{access_token}')", 1, "session_revoked token revoked $id{alice} $session->{id}");
	ok(!writes($sessions[0], "SELECT jwt_revoke('$session->{refresh_token}')"), 'nor by its other token');
	ok(!writes($sessions[0], "SELECT jwt_revoke('$_')"), 'nor by junk') for 'x', '', tampered($token);
	return;
}

sub check_logout
{
	my $kept = login('alice');

	execute($admin, "SELECT jwt_end_sessions('$id{alice}')");
	$kept = login('alice');
	my $ended = login('alice');

	execute($_, "SET jwt_auth.token = '$kept->{access_token}'") for @sessions;
	writes_once('the others', q{SELECT jwt_logout('others')}, 1, "sessions_ended ended by user $id{alice}");
	is(state_of($sessions[0], 'SELECT jwt_user_id()'), '', 'the session itself goes on');
	is(state_of($sessions[0], "SELECT jwt_verify('$ended->{access_token}')"), '28J02', 'the other does not');
	writes_once('one that is ended', "SELECT jwt_revoke_session('$ended->{id}')", 0, "sessions_ended ended by user $id{alice}");
	login('alice');
	ok(writes($sessions[0], q{SELECT jwt_logout('others')}), 'another session is ended again');
	return;
}
