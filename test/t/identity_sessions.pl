# What ends in one session acts in the others (T59, T75, T93): logout, disabling,
# a revoked key and the like, at their next transaction at the latest, and for
# good, also when it fell into a transaction with an old snapshot.
# At least 345 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_node('sessions');

$node->safe_psql('postgres', q{
	CREATE ROLE regress_sessions_app LOGIN;
	SELECT jwt_create_key();
	CREATE TABLE document (id integer, owner uuid);
	ALTER TABLE document ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON document USING (owner = jwt_user_id());
	GRANT SELECT ON document TO PUBLIC;
	CREATE FUNCTION verdict() RETURNS text LANGUAGE plpgsql STABLE AS
	$$ BEGIN RETURN (SELECT CASE WHEN jwt_user_id() IS NULL THEN 'nobody' ELSE count(*) || ' rows' END FROM document);
	   EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$});
my $here = JwtAuthSession->new($node);
my $serial = 0;

# What is done, and what the sessions of the user "$id" with the session "$sid"
# and the token "$token" then have
my @changes = (
	[ 'jwt_revoke', q{SELECT jwt_revoke('$token')}, '28J02' ],
	[ 'jwt_logout', q{BEGIN; SET LOCAL jwt_auth.token = '$token'; SELECT jwt_logout(); COMMIT}, '28J02' ],
	[ 'jwt_logout of all', q{BEGIN; SET LOCAL jwt_auth.token = '$token'; SELECT jwt_logout('global'); COMMIT}, '28J02' ],
	[ 'jwt_logout of the others', q{BEGIN; SET LOCAL jwt_auth.token = '$token'; SELECT jwt_logout('others'); COMMIT}, '1 rows' ],
	[ 'jwt_revoke_session', q{BEGIN; SET LOCAL jwt_auth.token = '$token'; SELECT jwt_revoke_session('$sid'); COMMIT}, '28J02' ],
	[ 'jwt_end_sessions', q{SELECT jwt_end_sessions('$id')}, '28J02' ],
	[ 'jwt_disable_user', q{SELECT jwt_disable_user('$id')}, '28J02' ],
	[ 'jwt_set_password', q{SELECT jwt_set_password('$id', 'another horse battery')}, '28J02' ],
	[ 'jwt_delete_user', q{SELECT jwt_delete_user('$id')}, '28J00' ],
	[ 'UPDATE of the session', q{UPDATE jwt_auth.sessions SET revoked_at = now() WHERE id = '$sid'}, '28J02' ],
	[ 'UPDATE of its end', q{UPDATE jwt_auth.sessions SET expires_at = now() - interval '1 min' WHERE id = '$sid'}, '28J02' ],
	[ 'DELETE of the session', q{DELETE FROM jwt_auth.sessions WHERE id = '$sid'}, '28J00' ],
	[ 'DELETE of the user', q{DELETE FROM jwt_auth.users WHERE id = '$id'}, '28J00' ],
	[ 'a replayed refresh token', q{UPDATE jwt_auth.refresh_tokens SET rotated_at = now() - interval '1 hour' WHERE session_id = '$sid';
		SELECT jwt_refresh('$refresh') IS NULL; UPDATE jwt_auth.refresh_tokens SET earlier = NULL
		WHERE session_id = '$sid'; SELECT jwt_refresh('$refresh')}, '28J02' ],
	[ 'jwt_revoke_key', q{SELECT jwt_revoke_key((jwt_decode('$token')).header ->> 'kid')}, '28J00' ],
	[ 'jwt_rotate_key', q{SELECT jwt_rotate_key()}, '1 rows' ],
	[ 'jwt_reset_after_restore', q{SELECT jwt_reset_after_restore()}, '28J00' ],
	[ 'jwt_refresh', q{SELECT jwt_refresh('$refresh')}, '1 rows' ],
	[ 'a logout that is rolled back', q{BEGIN; SELECT jwt_revoke('$token'); ROLLBACK}, '1 rows' ],
	[ 'a logout in a savepoint that is undone', q{BEGIN; SAVEPOINT s; SELECT jwt_revoke('$token'); ROLLBACK TO SAVEPOINT s; COMMIT}, '1 rows' ],
	[ 'a logout in a savepoint that is kept', q{BEGIN; SAVEPOINT s; SELECT jwt_revoke('$token'); RELEASE s; COMMIT}, '28J02' ],
	[ 'a logout with synchronous_commit off', q{SET synchronous_commit = off; SELECT jwt_revoke('$token'); RESET synchronous_commit}, '28J02' ],
	[ 'the logout of somebody else', q{SELECT jwt_revoke('$other')}, '1 rows' ]);

for my $change (@changes)
{
	my ($name, $statement, $verdict) = @$change;

	check_next_transaction($name, $statement, $verdict);
	check_old_snapshot($name, $statement, $verdict, $serial % 2 ? 'REPEATABLE READ' : 'SERIALIZABLE');
	check_old_snapshot_first($name, $statement, $verdict);
}
done_testing();

# A new user with a session, and one session more
sub make_case
{
	my ($statement) = @_;
	my $name = 'user' . ++$serial;
	my %case;

	$case{id} = $here->query("SELECT jwt_create_user('$name', 'correct horse of $name')");
	@case{qw(token refresh)} = split /\|/, $here->query(
		"SELECT l ->> 'access_token', l ->> 'refresh_token' FROM jwt_login('$name', 'correct horse of $name') AS l");
	$case{sid} = $here->query("SELECT (jwt_decode('$case{token}')).claims ->> 'sid'");
	$case{other} = $here->query("SELECT jwt_login('$name', 'correct horse of $name') ->> 'access_token'");
	$here->query("INSERT INTO document VALUES ($serial, '$case{id}')");
	$case{statement} = $statement =~ s/\$(\w+)/$case{$1}/gr;
	return %case;
}

sub new_session
{
	my ($token) = @_;
	my $session = JwtAuthSession->new($node, role => 'regress_sessions_app');

	$session->query("SET jwt_auth.token = '$token'");
	return $session;
}

sub act
{
	my ($name, $case) = @_;

	is($here->state_of($case->{statement}), '', "$name: the statement succeeds");
	return;
}

# Whatever the other had remembered, and whether it had
sub check_next_transaction
{
	my ($name, $statement, $verdict) = @_;
	my %case = make_case($statement);
	my $there = new_session($case{token});
	my $fresh = new_session($case{token});

	is($there->query('SELECT verdict()'), '1 rows', "$name: before it, another session sees its row") for 1, 2;
	act($name, \%case);
	is($there->query('SELECT verdict()'), $verdict, "$name: after it, the other session's next transaction has the verdict") for 1, 2;
	is($fresh->query('SELECT verdict()'), $verdict, "$name: after it, a session that has not looked before has the verdict");
	$_->close for $there, $fresh;
	return;
}

# Inside a transaction that goes on, the former answer or the new one; then the
# new one, and never again the former
sub check_old_snapshot
{
	my ($name, $statement, $verdict, $level) = @_;
	my %case = make_case($statement);
	my $there = new_session($case{token});

	$there->query("BEGIN ISOLATION LEVEL $level");
	is($there->query('SELECT verdict()'), '1 rows', "$name, $level: before it, a transaction sees its row");
	act("$name, $level", \%case);
	like($there->query('SELECT verdict()'), qr/^(1 rows|\Q$verdict\E)$/, "$name, $level: the open transaction sees its row or has the verdict");
	$there->query('COMMIT');
	is($there->query('SELECT verdict()'), $verdict, "$name, $level: the next transaction has the verdict") for 1, 2;
	$there->close;
	return;
}

# The first look of a session falls under the older snapshot
sub check_old_snapshot_first
{
	my ($name, $statement, $verdict) = @_;
	my %case = make_case($statement);
	my $there = new_session($case{token});

	$there->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
	act("$name, first look", \%case);
	like($there->query('SELECT verdict()'), qr/^(1 rows|\Q$verdict\E)$/, "$name: a first look under an older snapshot sees the row or has the verdict");
	$there->query('COMMIT');
	is($there->query('SELECT verdict()'), $verdict, "$name: after an older snapshot, the next transaction has the verdict") for 1, 2;
	$there->close;
	return;
}
