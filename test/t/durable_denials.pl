# What denies something is on the disk before the client hears of it (T98, T127, F50),
# also for a client that does not wait for its commits.  Nothing but the call can
# write WAL to the disk here: the WAL writer is stopped, and whatever else would is
# switched off.
#
# At least 67 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthTest;
use Test::More;

my $node = start_account_node(
	'durable',
	conf => [
		'synchronous_commit = off', 'autovacuum = off', 'checkpoint_timeout = 1h', 'bgwriter_lru_maxpages = 0',
		'wal_buffers = 16MB', 'jwt_auth.login_max_failures = 1000'
	]);
my $session = connect_to($node);
my $number = 0;

execute($session, 'CREATE TABLE written (n integer)');
execute($session, q{SELECT jwt_trust_issuer('https://them.example', jwk_public(jwk_generate('ES256', 't')), 'api')});

my $writer = value_of($session, q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'});

kill 'STOP', $writer or die "could not stop the WAL writer: $!\n";
check_control();
check_denials();
check_crash();

# A process that is stopped would not end with its server.
END
{
	local $?;

	kill 'CONT', $writer if $writer;
}

done_testing();

# Each statement in a transaction of its own; what it returns, and whether the end
# of WAL on the disk has moved.
sub run
{
	my ($statement) = @_;
	my $before = value_of($session, 'SELECT pg_current_wal_flush_lsn()');
	my $result = value_of($session, $statement);

	return ($result, value_of($session, "SELECT pg_current_wal_flush_lsn() > '$before'"));
}

sub waits
{
	my ($statement, $expected, $name) = @_;
	my ($result, $has_moved) = run($statement);

	like($result, $expected, "$name: the call succeeds");
	is($has_moved, 't', "$name: its WAL is flushed before the call returns");
	return;
}

# A commit of somebody who does not wait
sub check_control
{
	for my $statement ('INSERT INTO written VALUES (1)', q{SELECT jwt_create_user('somebody')})
	{
		my ($result, $has_moved) = run($statement);

		is($has_moved, 'f', "WAL is not flushed after $statement");
	}
	return;
}

# A user with two sessions, as whom the first one acts
sub new_user
{
	my $name = 'user' . ++$number;
	my $id = value_of($session, "SELECT jwt_create_user('$name', '$PASSWORD', email => '$name\@own.example')");
	my ($first, $second) = map { log_in($session, $name) } 1, 2;

	execute($session, "SELECT set_config('jwt_auth.token', '$first->{access_token}', false)");
	return {
		id => $id,
		name => $name,
		access => $first->{access_token},
		refresh => $first->{refresh_token},
		other => value_of($session, "SELECT (jwt_decode('$second->{access_token}')).claims ->> 'sid'"),
		service => value_of($session, "SELECT jwt_sign(jsonb_build_object('sub', '$id'))"),
		idle => value_of($session, "SELECT jwt_create_user('idle$name', '$PASSWORD')"),
		link => value_of($session, "SELECT jwt_create_link('$id', 'login')"),
		invitation => value_of($session, "SELECT jwt_invite('$name\@invited.example')"),
		single => value_of($session, q{SELECT jwt_sign('{"jti":"single"}')})
	};
}

sub check_denials
{
	my $nothing = qr/^$/;

	for my $case (
		[ 'a refresh token is revoked', q{SELECT jwt_revoke('%{refresh}')}, $nothing ],
		[ 'an access token is revoked', q{SELECT jwt_revoke('%{access}')}, $nothing ],
		[ 'a token without session is revoked', q{SELECT jwt_revoke('%{service}')}, $nothing ],
		[ 'a token is consumed', q{SELECT jwt_consume('%{single}') ->> 'jti'}, qr/^single$/ ],
		[ 'a user logs out', q{SELECT jwt_logout()}, $nothing ],
		[ 'a user logs out other sessions', q{SELECT jwt_logout('others')}, $nothing ],
		[ 'a user logs out everywhere', q{SELECT jwt_logout('global')}, $nothing ],
		[ 'a session is ended by its user', q{SELECT jwt_revoke_session('%{other}')}, $nothing ],
		[ 'a user changes the password', "SELECT jwt_change_password('$PASSWORD', 'another $PASSWORD')", qr/^\{\}$/ ],
		[ 'a wrong password is denied', q{SELECT jwt_login('%{name}', 'wrong') ->> 'error'}, qr/^invalid_grant$/ ],
		[ 'an unknown name is denied', q{SELECT jwt_login('nobody', 'wrong') ->> 'error'}, qr/^invalid_grant$/ ],
		[ 'a wrong current password is denied', q{SELECT jwt_change_password('wrong', 'wrong') ->> 'error'}, qr/^invalid_grant$/ ],
		[ 'sessions are ended', q{SELECT jwt_end_sessions('%{id}')}, qr// ],
		[ 'a password is set', "SELECT jwt_set_password('%{id}', 'another $PASSWORD')", qr// ],
		[ 'a password is set of whom has no session', "SELECT jwt_set_password('%{idle}', 'another $PASSWORD')", qr// ],
		[ 'factors are reset of whom has none', q{SELECT jwt_reset_factors('%{idle}')}, qr// ],
		[ 'a second factor is required', q{SELECT jwt_update_user('%{id}', mfa_enrollment => 'required')}, qr// ],
		[ 'a role is taken away', q{SELECT jwt_update_user('%{id}', role => '')}, qr// ],
		[ 'an identifier is removed', q{SELECT jwt_remove_identifier('%{name}@own.example') ->> 'status'}, qr/^identifier_removed$/ ],
		[ 'a link is redeemed', q{SELECT jwt_login_code('%{link}') ->> 'token_type'}, qr/^Bearer$/ ],
		[ 'an invitation is revoked', q{SELECT jwt_revoke_invitation('%{invitation}')}, qr// ],
		[ 'a user is disabled', q{SELECT jwt_disable_user('%{id}')}, qr// ],
		[ 'a user is disabled by UPDATE', q{UPDATE jwt_auth.users SET disabled_at = now() WHERE id = '%{id}' RETURNING 'disabled'}, qr/^disabled$/ ],
		[ 'a user is deleted', q{SELECT jwt_delete_user('%{id}')}, qr// ],
		[ 'sessions are ended by UPDATE', q{UPDATE jwt_auth.sessions SET revoked_at = now() WHERE user_id = '%{id}' RETURNING 'ended'}, qr/^ended\nended$/ ])
	{
		my ($name, $statement, $expected) = @$case;
		my $user = new_user();

		waits($statement =~ s/%\{(\w+)\}/$user->{$1}/gr, $expected, $name);
	}
	replay();
	for my $case (
		[ 'a key is rotated', q{SELECT jwt_rotate_key()} ],
		[ 'a key is revoked', q{SELECT jwt_revoke_key(jwt_create_key('ES256', 'doomed'))} ],
		[ 'a key is retired', q{SELECT jwt_retire_key(jwt_create_key('ES256', 'old'))} ],
		[ 'an issuer is distrusted', q{SELECT jwt_distrust_issuer('https://them.example')} ],
		[ 'everything is reset', 'SELECT jwt_reset_after_restore()' ])
	{
		waits($case->[1], qr//, $case->[0]);
	}
	return;
}

# The end of a session whose token is replayed
sub replay
{
	my $user = new_user();

	execute($session, "SELECT jwt_refresh('$user->{refresh}')");
	execute($session, 'SET jwt_auth.refresh_grace = 0');
	waits("SELECT jwt_refresh('$user->{refresh}') ->> 'error'", qr/^invalid_grant$/, 'a replayed token ends its session');
	execute($session, 'RESET jwt_auth.refresh_grace');
	return;
}

# A server that is killed before anything else can write
sub check_crash
{
	my $alice = log_in($session, 'alice');

	execute($session, "SELECT jwt_revoke('$alice->{refresh_token}')");
	execute($session, 'INSERT INTO written VALUES (2)');
	kill_server($node);
	$writer = undef;
	$node->start;
	is(state_of($node, "SELECT jwt_verify('$alice->{access_token}')"), '28J02', 'after a crash, the revoked access token is denied');
	is(error_of(refresh_with($node, $alice->{refresh_token})), 'invalid_grant', 'after a crash, the revoked refresh token is denied');
	is(value_of($node, 'SELECT count(*) FROM written WHERE n = 2'), 0, 'after a crash, a commit that did not wait is lost');
	return;
}
