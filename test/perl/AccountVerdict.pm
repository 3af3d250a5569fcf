# What must hold after the clients of an AccountLoad were disturbed, whatever
# happened: each has what it was told, and nobody has more.

package AccountVerdict;

use strict;
use warnings;

use AccountLoad;
use AccountTest;
use DBI ();
use Exporter qw(import);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(check_load);

my $SECONDS_TO_WAIT = 60;

# Sessions whose tokens are used up in the end.
my $CHAINS_TRIED = 6;

# Checks on a server that works again.  Options: may_lose => tokens that were
# told may be lost, though no session is revoked; is_counted => 0 where
# failures need not be those that were audited.
sub check_load
{
	my ($node, $load, $name, %options) = @_;
	my %session;
	my (@bad, %failed, %told);

	for my $lines ($load->lines)
	{
		for my $line (@$lines)
		{
			my ($what, $session, $token, $access) = @$line;

			push @{ $session{$session}{told} }, [ $token, $access ] if $what eq 'session' || $what eq 'token';
			push @{ $session{$session}{lost} }, $token if $what eq 'lost';
			$session{$session}{state} = $what if $what eq 'revoking' || $what eq 'revoked';
			$session{$session}{is_in_doubt} = $what eq 'doubt' if $what eq 'doubt' || $what eq 'token';
			push @bad, $session if $what eq 'bad';
			$told{$session}++ if $what eq 'told';
			$failed{"$session: " . ($token // '')}++ if $what eq 'failed';
		}
	}
	note("$name: told of " . join(', ', map { "$told{$_} $_" } sort keys %told));
	note("$name: failed " . join(', ', map { "$_ ($failed{$_})" } sort keys %failed));
	is(scalar @bad, 0, "$name: no client was answered what it must not") or diag(join "\n", @bad[ 0 .. ($#bad < 9 ? $#bad : 9) ]);

	my $server = connect_to($node);

	store($server, \%session);
	check_tokens($server, $name, %options);
	check_rows($server, $name, %options);
	check_chains($server, $name, \%session) unless $options{may_lose};
	check_users($server, $load, $name, %options);
	check_locks($server, $name);
	$server->disconnect;
	return;
}

sub connect_to
{
	my ($node) = @_;

	return DBI->connect(AccountLoad::source_of($node), undef, undef,
		{ RaiseError => 1, PrintError => 0, PrintWarn => 0, pg_server_prepare => 0, pg_bool_tf => 1 });
}

# The columns of a query's one row, as psql shows them.
sub value_of
{
	my ($server, $query, @values) = @_;

	return join '|', map { $_ // '' } $server->selectrow_array($query, {}, @values);
}

sub outcome_of
{
	my ($server, $query, @values) = @_;

	return error_of(JSON::PP::decode_json(value_of($server, $query, @values)));
}

# What was told, as a table of the order it was told in.  A session is in doubt
# if a refresh failed that may have been committed.
sub store
{
	my ($server, $session) = @_;
	my @rows;

	for my $name (sort keys %$session)
	{
		my $order = 0;
		my $state = $session->{$name}{state}
		  // ($session->{$name}{is_in_doubt} ? 'doubt' : $session->{$name}{told} ? 'live' : 'none');

		push @rows, join "\t", $name, $state, 'told', ++$order, @$_ for @{ $session->{$name}{told} // [] };
		push @rows, join "\t", $name, $state, 'lost', 0, $_, '' for @{ $session->{$name}{lost} // [] };
	}

	$server->do(q{CREATE TEMPORARY VIEW client_session AS SELECT s.* FROM jwt_auth.sessions AS s JOIN jwt_auth.users AS u ON u.id = s.user_id
		WHERE username LIKE 'member%'});
	$server->do('CREATE TEMPORARY TABLE told (session text, state text, kind text, number integer, token text, access text)');
	$server->do('COPY told FROM stdin');
	$server->pg_putcopydata("$_\n") for @rows;
	$server->pg_putcopyend;
	return;
}

# How many sessions there are for which the condition on their tokens holds.
sub count_sessions
{
	my ($server, $grace, $condition) = @_;

	$server->do("SET jwt_auth.refresh_grace = $grace");
	return value_of($server, "
		WITH token AS MATERIALIZED (
			SELECT session, state, kind, number, access, (jwt_introspect(token) ->> 'active')::boolean AS is_active,
				number = max(number) OVER (PARTITION BY session) AS is_last
			FROM told)
		SELECT count(*) FROM (SELECT FROM token GROUP BY session, state HAVING $condition) AS s");
}

# A parent is good for as long as its grace only, so that sessions in doubt are
# judged by their rows: they are one rotation ahead, or none.
sub count_unlike_told
{
	my ($server) = @_;

	return value_of($server, q{
		WITH last AS (
			SELECT DISTINCT ON (session) state, number, ((jwt_decode(access)).claims ->> 'sid')::uuid AS id
			FROM told WHERE kind = 'told' AND state IN ('live', 'doubt') ORDER BY session, number DESC)
		SELECT count(*) FROM last LEFT JOIN jwt_auth.sessions AS s USING (id) LEFT JOIN jwt_auth.refresh_tokens AS r ON r.session_id = s.id
		WHERE s.revoked_at IS NOT NULL OR coalesce(r.generation, 0) NOT IN (number, number + (state = 'doubt')::integer)});
}

sub check_tokens
{
	my ($server, $name, %options) = @_;

	cmp_ok(count_sessions($server, 0, "state = 'live'"), '>', 0, "$name: there are sessions");
	is(count_sessions($server, 0, "state = 'live' AND NOT bool_or(is_active AND is_last AND kind = 'told')"),
		0, "$name: each client's last token is good")
	  unless $options{may_lose};
	is(count_unlike_told($server), 0, "$name: no session has rotated more than its client knows of, nor ended") unless $options{may_lose};
	is(count_sessions($server, 0, 'count(*) FILTER (WHERE is_active) > 1'), 0, "$name: no session has two good tokens");
	is(count_sessions($server, 60, "bool_or(is_active AND kind = 'lost')"), 0, "$name: no token that was rolled back is good");
	is(count_sessions($server, 60, "state = 'revoked' AND bool_or(is_active)"), 0, "$name: what was revoked stays so")
	  unless $options{may_lose};
	return if $options{may_lose};
	is( value_of($server, "SELECT count(*) FROM told WHERE kind = 'told' AND state = 'revoked' AND (jwt_introspect(access) ->> 'active')::boolean"),
		0, "$name: for access tokens, too");
	return;
}

# Sums that an interrupted transaction would leave unequal
sub check_rows
{
	my ($server, $name, %options) = @_;

	is( value_of($server, 'SELECT count(*) FROM jwt_auth.sessions AS s FULL JOIN jwt_auth.refresh_tokens AS r ON r.session_id = s.id
			WHERE s.id IS NULL OR r.session_id IS NULL OR (generation > 1) <> (earlier IS NOT NULL)'),
		0, "$name: each session has one row of its refresh token");
	is( value_of($server, q{SELECT count(*) FROM jwt_auth.sessions AS s
			FULL JOIN (SELECT session_id, count(*) FROM jwt_auth.audit_log WHERE event = 'login' GROUP BY session_id) AS a ON a.session_id = s.id
			WHERE a.count IS DISTINCT FROM 1}),
		0, "$name: each session has one login in the audit log");
	is( value_of($server, q{SELECT count(*) FROM client_session AS s
			LEFT JOIN (SELECT session_id, count(*) FROM jwt_auth.audit_log WHERE event = 'session_revoked' GROUP BY session_id) AS a ON a.session_id = s.id
			WHERE coalesce(a.count, 0) <> (s.revoked_at IS NOT NULL)::integer}),
		0, "$name: and one end, if it has ended");
	is(value_of($server, q{SELECT count(*) FROM client_session AS s JOIN jwt_auth.audit_log AS a ON a.session_id = s.id WHERE event = 'refresh_replayed'}),
		0, "$name: nothing was taken for a replay");
	is(value_of($server, q{SELECT string_agg(use, ' ' ORDER BY use) FROM jwt_auth.keys WHERE activated_at IS NOT NULL AND verify_until IS NULL AND revoked_at IS NULL}),
		'handle hash refresh sig', "$name: one key of each use is active");
	is( value_of($server, q{SELECT coalesce(sum(failures), 0) FROM jwt_auth.login_throttle}),
		count_denials($server),
		"$name: as many failures are counted as audited")
	  if $options{is_counted} // 1;
	return;
}

# Of names that the clients guess at
sub count_denials
{
	my ($server) = @_;

	return value_of($server, q{SELECT count(*) FROM jwt_auth.audit_log AS a LEFT JOIN jwt_auth.users AS u ON u.id = a.user_id
		WHERE event = 'login_denied' AND coalesce(username, 'alice') = 'alice'});
}

# No attempt that was answered is missing, unless it may be lost, and none
# counts twice.
sub check_guesses
{
	my ($server, $load, $name, %options) = @_;
	my %count;

	$count{ $_->[0] }++ for map { @$_ } $load->lines;

	my $audited = count_denials($server);
	my $least = $options{may_lose} ? 0 : $count{denied} // 0;

	ok($least <= $audited && $audited <= ($count{guess} // 0), "$name: each failure that must not be lost is audited, and none twice")
	  or diag(($count{denied} // 0) . " denied, $audited audited, " . ($count{guess} // 0) . ' tried');
	return;
}

# Tokens go on, and the use of two of one session ends it.
sub check_chains
{
	my ($server, $name, $session) = @_;
	my @live = grep { !$session->{$_}{state} && !$session->{$_}{is_in_doubt} && $session->{$_}{told} } sort keys %$session;
	my $wrong = '';

	for my $chosen (splice @live, 0, $CHAINS_TRIED)
	{
		my @tokens = $session->{$chosen}{told}[-1][0];
		my @outcomes;

		for my $turn (1 .. 4)
		{
			my $answer = JSON::PP::decode_json(value_of($server, "SELECT jwt_refresh(?) FROM set_config('jwt_auth.refresh_grace', '0', true)", $tokens[ $turn == 3 ? 0 : -1 ]));

			push @outcomes, error_of($answer);
			push @tokens, $answer->{refresh_token} // $tokens[-1];
		}
		$wrong .= "$chosen: @outcomes\n" if "@outcomes" ne 'ok ok invalid_grant invalid_grant';
	}
	is($wrong, '', "$name: a token goes on once, and a replay ends its session");
	return;
}

sub check_users
{
	my ($server, $load, $name, %options) = @_;

	check_guesses($server, $load, $name, %options);
	is(join(' ', map { outcome_of($server, 'SELECT jwt_login(?, ?)', $_, $PASSWORD) } $load->users),
		join(' ', map { 'ok' } $load->users), "$name: each user can log in");
	value_of($server, "SELECT jwt_unlock_user(id) FROM jwt_auth.users WHERE username = 'alice'");
	is(outcome_of($server, 'SELECT jwt_login(?, ?)', 'alice', $PASSWORD), 'ok', "$name: so can one whose name others tried, once unlocked");
	return;
}

# No lock of ours, nor one that a transaction has left.  What clients left may
# still be ending.
sub check_locks
{
	my ($server, $name) = @_;
	my $end = time + $SECONDS_TO_WAIT;
	my $locks;

	do
	{
		sleep 0.02 if defined $locks;
		$locks = value_of($server, q{SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND pid IN
			(SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend') OR locktype = 'advisory'});
	} while ($locks > 0 && time < $end);
	is($locks, 0, "$name: no lock is left");
	is(value_of($server, 'SELECT count(*) FROM pg_prepared_xacts'), 0, "$name: nor a transaction");
	return;
}

1;
