# Changes of identifiers at once (T104, T105, T111, T113, T126): one address has one
# owner, a removal voids a confirmation, the last way in stays whoever removes the
# others, known and unknown addresses differ in nothing, and a dump and the log hold
# nothing that redeems.
# At least 95 assertions

use strict;
use warnings;

use AccountTest;
use IPC::Run qw(run);
use JSON::PP;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $samples = 200;
my $node = start_account_node('identifier_races');
my @connection = ('-h', $node->host, '-p', $node->port);

# A session that acts for a user, by a login of now
sub session_of
{
	my ($name, $isolation) = @_;
	my $session = JwtAuthSession->new($node);

	ask($session, "SELECT set_config('jwt_auth.token', jwt_login('$name', '$PASSWORD') ->> 'access_token', false) IS NOT NULL");
	ask($session, "SET default_transaction_isolation = '$isolation'") if defined $isolation;
	return $session;
}

sub claimed
{
	execute($node, 'TRUNCATE jwt_auth.login_throttle');
	return @{ decode_json(value_of($node, 'SELECT jwt_outbox_claim(100)')) };
}

# Asks for an address, and plays the mailer
sub link_for
{
	my ($session, $address) = @_;

	claimed();
	ask($session, "SELECT jwt_add_identifier('$address')");
	my ($message) = grep { $_->{token} } claimed();
	return $message->{token};
}

sub confirm { return "SELECT coalesce(a ->> 'status', a ->> 'error') FROM jwt_confirm_identifier('$_[0]') AS a"; }
sub remove { return "SELECT coalesce(a ->> 'status', a ->> 'error') FROM jwt_remove_identifier('$_[0]') AS a"; }
sub undo { return "SELECT coalesce(a ->> 'status', a ->> 'error') FROM jwt_undo_change('$_[0]') AS a"; }

sub owner_of { return value_of($node, "SELECT username FROM jwt_auth.users WHERE id = jwt_find_user('$_[0]')"); }

# What the second gets that waits for the first, which ends in COMMIT or ROLLBACK
sub second_of
{
	my ($first, $statement, $expected, $second, $other, $end) = @_;
	my $pid = ask($second, 'SELECT pg_backend_pid()');

	is(ask($first, "BEGIN; $statement"), $expected, "$end: the first call succeeds");
	$second->begin_query($other);
	wait_for($node, "SELECT wait_event_type IN ('Lock', 'Extension') FROM pg_stat_activity WHERE pid = $pid", 't');
	ask($first, $end);
	return answer_of($second);
}

# Two users prove one address
for my $end (qw(COMMIT ROLLBACK))
{
	my ($alice, $bob) = map { session_of($_) } qw(alice bob);
	my $address = lc($end) . '@example.org';
	my ($one, $two) = map { link_for($_, $address) } $alice, $bob;

	is(second_of($alice, confirm($one), 'identifier_added', $bob, confirm($two), $end), $end eq 'COMMIT' ? 'invalid_grant' : 'identifier_added', "$end: the second confirmation waits for the first");
	is(owner_of($address), $end eq 'COMMIT' ? 'alice' : 'bob', "$end: the address has one owner");
	$_->close for $alice, $bob;
}

# One user shows one link twice, removes beside it, or changes the username
for my $case (
	[ 'the same link', sub { confirm($_[0]) }, 'identifier_added' ],
	[ 'a removal', sub { remove('bob') }, 'identifier_removed' ],
	[ 'another username', sub { q{SELECT jwt_add_identifier('robert') ->> 'status'} }, 'username_changed' ],
	[ 'another password', sub { "SELECT jwt_change_password('$PASSWORD', '$PASSWORD')" }, '{}', 'ERROR 28J03' ])
{
	my ($what, $statement, $answer, $refusal) = @$case;
	my $name = value_of($node, "SELECT coalesce(username, 'rollback\@example.org') FROM jwt_auth.users WHERE id = jwt_find_user('rollback\@example.org')");
	my ($first, $second) = map { session_of($name) } 1, 2;
	my $link = link_for($first, 'bob' . ($what =~ s/ //gr) . '@example.org');

	is(second_of($first, $statement->($link), $answer, $second, confirm($link), 'COMMIT'), $refusal // 'invalid_grant', "$what voids a confirmation beside it");
	ask($first, q{SELECT jwt_add_identifier('bob')});
	$_->close for $first, $second;
}

# Two users want one username: whoever comes later is answered, and keeps the former one
for my $end (qw(COMMIT ROLLBACK))
{
	my ($alice, $bob) = map { session_of($_) } qw(alice bob);
	my $change = sub { "SELECT coalesce(a ->> 'status', a ->> 'error') FROM jwt_add_identifier('$_[0]') AS a" };
	my $is_free = $end eq 'ROLLBACK';

	claimed();
	is(second_of($alice, $change->('wanted'), 'username_changed', $bob, $change->('wanted'), $end), $is_free ? 'username_changed' : 'invalid_request', "$end: the second of two who want a username is answered");
	is(owner_of('wanted'), 'wanted', "$end: a username that two want has one owner");
	is(value_of($node, q{SELECT count(*) FROM jwt_auth.users AS u JOIN jwt_auth.identifiers AS i ON i.user_id = u.id AND i.kind = 'username' WHERE u.username = i.value AND i.canonical IN ('alice', 'bob', 'wanted')}), 2, "$end: each of two who want a username has one");
	is(value_of($node, q{SELECT jwt_find_user('bob') IS NULL}), $is_free ? 't' : 'f', "$end: a former username is free only if it was given up");
	execute($node, q{SELECT jwt_update_user(jwt_find_user('wanted'), '} . ($is_free ? 'bob' : 'alice') . q{')});
	$_->close for $alice, $bob;
}

# An undo wants the username back that somebody else is about to get
for my $end (qw(COMMIT ROLLBACK))
{
	my $name = 'undone' . lc $end;
	execute($node, "SELECT jwt_create_user('$name', '$PASSWORD', email => '$name\@example.org')");
	my ($session, $other, $victim) = (session_of($name), session_of('alice'), JwtAuthSession->new($node));

	claimed();
	ask($session, "SELECT jwt_add_identifier('${name}2')");
	my ($undo) = map { $_->{token} // () } claimed();
	is(second_of($other, "SELECT jwt_add_identifier('$name') ->> 'status'", 'username_changed', $victim, undo($undo), $end), $end eq 'COMMIT' ? 'partly_undone' : 'undone', "$end: an undo beside another user of the name is answered");
	is(value_of($node, "SELECT string_agg(value, ' ' ORDER BY canonical) FROM jwt_auth.identifiers WHERE user_id = jwt_find_user('$name\@example.org')"), $end eq 'COMMIT' ? "$name\@example.org" : "$name $name\@example.org", "$end: an undo brings back what is free");
	execute($node, "SELECT jwt_update_user(jwt_find_user('$name'), 'alice')") if $end eq 'COMMIT';
	$_->close for $session, $other, $victim;
}

# The last two ways in, removed at once
for my $isolation ('read committed', 'repeatable read', 'serializable')
{
	my $mail = ($isolation =~ s/ //gr) . '@example.org';
	my $phone = '+4917012345' . length $isolation;
	my $id = value_of($node, "SELECT jwt_create_user(NULL, '$PASSWORD', email => '$mail', phone => '$phone')");
	my ($first, $second) = map { session_of($mail, $isolation) } 1, 2;

	is(second_of($first, remove($mail), 'identifier_removed', $second, remove($phone), 'COMMIT'),
		$isolation eq 'read committed' ? 'invalid_request' : 'ERROR 40001', "$isolation: one of the last two ways in stays");
	is(value_of($node, "SELECT string_agg(value, ' ') FROM jwt_auth.identifiers WHERE user_id = '$id'"), $phone, "$isolation: the phone number is left");
	$_->close for $first, $second;
}

# An undo beside another, and beside a login that has not ended
{
	execute($node, "SELECT jwt_create_user('carol', '$PASSWORD', email => 'carol\@example.org')");
	my $session = session_of('carol');
	claimed();
	ask($session, q{SELECT jwt_add_identifier('caroline')});
	my ($message) = grep { $_->{kind} eq 'identifier_changed' } claimed();
	my ($first, $second, $login) = map { JwtAuthSession->new($node) } 1 .. 3;

	is(second_of($first, undo($message->{token}), 'undone', $second, undo($message->{token}), 'ROLLBACK'), 'undone', 'an undo that was rolled back leaves the link');
	is(owner_of('carol'), 'carol', 'another undo redeems the link');
	ask($session, "SELECT set_config('jwt_auth.token', jwt_login('carol', '$PASSWORD') ->> 'access_token', false) IS NOT NULL");
	ask($session, q{SELECT jwt_add_identifier('caroline')});
	($message) = grep { $_->{kind} eq 'identifier_changed' && $_->{token} } claimed();
	is(second_of($login, "SELECT jwt_login('caroline', '$PASSWORD') ? 'access_token'", 't', $second, undo($message->{token}), 'COMMIT'), 'undone', 'an undo waits for an open login');
	is(value_of($node, q{SELECT count(*) FROM jwt_auth.sessions WHERE revoked_at IS NULL AND user_id = jwt_find_user('carol')}), 0, 'an undo ends the session of a login it waited for');
	is(error_of(log_in($node, 'carol')), 'ok', 'the user logs in after the undo');
	$_->close for $session, $first, $second, $login;
}

# Nobody waits without limit for a transaction that somebody left open
{
	execute($node, "SELECT jwt_create_user('dora', '$PASSWORD', email => 'dora\@example.org')");
	my ($holder, $session) = (JwtAuthSession->new($node), session_of('dora'));
	claimed();
	ask($session, q{SELECT jwt_add_identifier('dorothea')});
	my ($undo) = map { $_->{token} // () } claimed();
	my $link = link_for($session, 'waits@example.org');
	ask($holder, q{BEGIN; SELECT FROM jwt_auth.users WHERE username = 'dorothea' FOR UPDATE});
	for my $statement (confirm($link), remove('dora@example.org'), undo($undo), q{SELECT jwt_add_identifier('thea')})
	{
		is(ask($session, $statement), 'ERROR 55P03', 'a call gives up on a locked row: ' . substr $statement, 41, 30);
	}
	ask($holder, 'ROLLBACK');
	is(ask($session, confirm($link)), 'identifier_added', 'a call that gave up does not consume the link');
	$_->close for $holder, $session;
}

# A thief who leaves a change open keeps the user from logging in for two seconds, with an answer
{
	execute($node, "SELECT jwt_create_user('frida', '$PASSWORD', email => 'frida\@example.org')");
	my ($thief, $other) = map { session_of('frida') } 1, 2;
	my $link = link_for($other, 'frida@example.net');

	for my $statement (q{SELECT jwt_add_identifier('freya')}, remove('frida@example.org'), confirm($link))
	{
		my $what = substr $statement, 7, 60;

		ask($thief, "BEGIN; $statement");
		is(error_of(log_in($node, 'frida')), 'temporarily_unavailable', "a login beside an open change is told to retry: $what");
		is(ask($other, remove('frida@example.org')), 'temporarily_unavailable', "another change beside an open one is told to retry: $what");
		is(ask($thief, q{PREPARE TRANSACTION 'thief'}), 'ERROR 0A000', "an open change cannot be prepared: $what");
	}
	is(error_of(log_in($node, 'frida')), 'ok', 'the user logs in after the change ended');
	$_->close for $thief, $other;
}

# A change that waits while an undo ends its session does not go on after it
for my $case ([ 'a removal', remove('+491701110000') ], [ 'another username', q{SELECT jwt_add_identifier('gwen')} ])
{
	my ($what, $statement) = @$case;

	execute($node, q{SELECT jwt_delete_user(id) FROM jwt_auth.users WHERE id = jwt_find_user('gerda@example.org')});
	execute($node, "SELECT jwt_create_user('gerda', '$PASSWORD', email => 'gerda\@example.org', phone => '+491701110000')");
	my ($thief, $victim) = (session_of('gerda'), JwtAuthSession->new($node));
	claimed();
	ask($thief, q{SELECT jwt_add_identifier('gertrude')});
	my ($undo) = map { $_->{token} // () } claimed();

	is(second_of($victim, undo($undo), 'undone', $thief, $statement, 'COMMIT'), 'ERROR 28J03', "$what that waited for an undo is refused");
	is(value_of($node, q{SELECT string_agg(value, ' ' ORDER BY canonical) FROM jwt_auth.identifiers WHERE user_id = jwt_find_user('gerda@example.org')}),
		'+491701110000 gerda gerda@example.org', "$what that was refused changes nothing");
	$_->close for $thief, $victim;
}

# Whoever signs up or was invited, while somebody else gets the address, is denied and raises nothing
for my $end (qw(COMMIT ROLLBACK))
{
	my ($admin, $other) = map { JwtAuthSession->new($node) } 1, 2;
	my $address = lc($end) . '@sign-up.example';

	ask($_, 'SET jwt_auth.sign_up = on') for $admin, $other;
	for my $kind (qw(sign_up invitation))
	{
		claimed();
		ask($admin, $kind eq 'sign_up' ? "SELECT jwt_sign_up('$address')" : "SELECT jwt_invite('$address')");
		my ($message) = claimed();
		my $redeem = $kind eq 'sign_up' ? 'jwt_confirm_sign_up' : 'jwt_accept_invitation';
		my $call = "SELECT coalesce(a ->> 'error', a ->> 'token_type') FROM $redeem(token => '$message->{token}', password => '$PASSWORD') AS a";

		is(second_of($admin, "SELECT jwt_create_user('u', NULL, email => '$address') IS NOT NULL", 't', $other, $call, $end),
			$end eq 'COMMIT' ? 'invalid_grant' : 'Bearer', "$end, $kind: the second owner is denied or confirmed");
		is(value_of($node, "SELECT count(*) FROM jwt_auth.identifiers WHERE canonical = '$address'"), 1, "$end, $kind: the address has one owner");
		is(value_of($node, 'SELECT count(*) FROM jwt_auth.users AS u WHERE NOT EXISTS (SELECT FROM jwt_auth.identifiers WHERE user_id = u.id)'), 0, "$end, $kind: no user is without an identifier");
		ask($admin, "SELECT jwt_delete_user(jwt_find_user('$address'))");
	}
	$_->close for $admin, $other;
}

# Rolled back, a request counts all the same
{
	my $session = session_of('bob');

	execute($node, 'TRUNCATE jwt_auth.login_throttle');
	ask($session, "BEGIN; SELECT jwt_add_identifier('undone$_\@example.org'); ROLLBACK") for 1 .. 10;
	is(ask($session, q{SELECT jwt_add_identifier('undone@example.org') ->> 'error'}), 'temporarily_unavailable', 'ten requests that were rolled back count towards the limit');
	$session->close;
}

# Whoever reads everything can redeem nothing
{
	my $session = session_of('alice');
	my $link = link_for($session, 'secret@example.org');
	ask($session, confirm($link));
	my @links = ($link, map { $_->{token} // () } claimed());
	my $dump = '';

	is(scalar @links, 2, 'there is a link to add an address and one to undo it');
	run([ 'pg_dump', @connection, 'postgres' ], '>', \$dump);
	is(scalar(grep { index($dump, $_) >= 0 } @links), 0, 'a dump holds no link');
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
	is(index($log, $links[1]), -1, 'the log holds no unused link');
	$session->close;
}

# Whose an address is shows neither in time nor in WAL
execute($node, q{SELECT jwt_create_user('owner', NULL, email => 'm@known.example')});
execute($node, 'CREATE TABLE sample (kind text, microseconds double precision, bytes numeric)');
$node->safe_psql('postgres', <<'SQL');
CREATE PROCEDURE measure(samples integer) LANGUAGE plpgsql AS
$$
DECLARE
	start timestamptz;
	lsn pg_lsn;
	kind text;
BEGIN
	FOR n IN 1 .. samples LOOP
		FOREACH kind IN ARRAY CASE n % 2 WHEN 0 THEN '{known,other}' ELSE '{other,known}' END::text[] LOOP
			TRUNCATE jwt_auth.login_throttle;
			COMMIT;
			lsn := pg_current_wal_insert_lsn();
			start := clock_timestamp();
			PERFORM jwt_add_identifier('m@' || kind || '.example');
			INSERT INTO sample (kind, microseconds, bytes)
			VALUES (kind, extract(epoch FROM clock_timestamp() - start) * 1e6, pg_current_wal_insert_lsn() - lsn);
			COMMIT;
		END LOOP;
	END LOOP;
END
$$;
SQL
for my $notices (qw(all none))
{
	my $session = session_of('alice');

	ask($session, "SET jwt_auth.notices = $notices");
	ask($session, 'CALL measure(20)');
	ask($session, 'TRUNCATE sample, jwt_auth.outbox, jwt_auth.one_time_tokens');
	ask($session, "CALL measure($samples)");
	my ($known, $other) = map { value_of($node, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) FROM sample WHERE kind = '$_'") } qw(known other);
	my ($known_bytes, $other_bytes) = map { value_of($node, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bytes) FROM sample WHERE kind = '$_'") } qw(known other);
	note("notices $notices: medians: known $known us, $known_bytes bytes; unknown $other us, $other_bytes bytes");
	cmp_ok(abs($known / $other - 1), '<', 0.1, "notices $notices: known and unknown addresses take the same time");
	cmp_ok(abs($known_bytes - $other_bytes), '<', 200, "notices $notices: known and unknown addresses write as much WAL");
	is(value_of($node, "SELECT count(*) FROM jwt_auth.outbox WHERE recipient ~ '$_.example'"), $samples, "notices $notices: each request to a $_ address writes a message") for qw(known other);
	$session->close;
}

done_testing();
