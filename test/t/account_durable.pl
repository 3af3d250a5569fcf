# What must survive a crash is on disk when the call returns (F50, T98), though
# the client does not wait for its commits, and nothing else writes the WAL for
# ten seconds.
# At least 18 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_account_node('durable', conf => [ 'fsync = on', 'wal_writer_delay = 10s', 'wal_writer_flush_after = 100MB', 'autovacuum = off', 'jwt_auth.login_max_failures = 100' ]);
my $session = JwtAuthSession->new($node);
my $id = value_of($node, q{SELECT id FROM jwt_auth.users WHERE username = 'bob'});
my %login = map { $_ => log_in($node, 'alice') } qw(refresh access logout others replayed own);
my $token = value_of($node, q{SELECT jwt_sign('{"jti":"j1"}')});
my $single = value_of($node, q{SELECT jwt_sign('{"jti":"j2"}')});
my $kid = value_of($node, q{SELECT jwt_create_key('ES256')});

refresh_with($node, $login{replayed}{refresh_token});
ask($session, "SELECT jwt_login('alice', 'wrong')");    # what a backend does once
ask($session, 'CREATE TABLE public.lost (n integer); INSERT INTO public.lost VALUES (0)');
ask($session, 'SET synchronous_commit = off');

# A write that need not survive shows that nothing else flushes
ok(!is_flushed('INSERT INTO public.lost VALUES (1)'), 'a commit that nobody waits for is not in the WAL on disk');

for my $case (
	[ 'jwt_revoke of a refresh token', "SELECT jwt_revoke('$login{refresh}{refresh_token}')" ],
	[ 'jwt_revoke of an access token', "SELECT jwt_revoke('$login{access}{access_token}')" ],
	[ 'jwt_revoke of a token without session', "SELECT jwt_revoke('$token')" ],
	[ 'jwt_consume', "SELECT jwt_consume('$single')" ],
	[ 'jwt_logout', "SELECT jwt_logout()", $login{logout} ],
	[ 'jwt_revoke_session', "SELECT jwt_revoke_session(((jwt_decode('$login{own}{access_token}')).claims ->> 'sid')::uuid)", $login{others} ],
	[ 'a replay', "SELECT jwt_refresh('$login{replayed}{refresh_token}') FROM set_config('jwt_auth.refresh_grace', '0', true)" ],
	[ 'a failed login', "SELECT jwt_login('alice', 'wrong')" ],
	[ 'a failed login of an unknown name', "SELECT jwt_login('nobody', 'wrong')" ],
	[ 'jwt_disable_user', "SELECT jwt_disable_user('$id')" ],
	[ 'disabling in the table', "UPDATE jwt_auth.users SET disabled_at = now() WHERE username = 'alice'" ],
	[ 'jwt_delete_user', "SELECT jwt_delete_user('$id')" ],
	[ 'jwt_rotate_key', 'SELECT jwt_rotate_key()' ],
	[ 'jwt_revoke_key', "SELECT jwt_revoke_key('$kid')" ])
{
	my ($what, $statement, $identity) = @$case;

	ask($session, $identity ? "SET jwt_auth.token = '$identity->{access_token}'" : q{SET jwt_auth.token = ''});
	ok(is_flushed($statement), "$what is in the WAL on disk");
}
is(value_of($node, q{SELECT count(*) FROM jwt_auth.sessions AS s JOIN jwt_auth.users AS u ON u.id = s.user_id WHERE revoked_at IS NULL}), 0, 'they did what they should');
is(value_of($node, q{SELECT count(*) FROM jwt_auth.revoked_tokens WHERE jti IN ('j1', 'j2')}), 2, 'and denied the tokens');
ok(!is_flushed('INSERT INTO public.lost VALUES (2)'), 'still, nothing else flushes');
$session->close;
done_testing();

# Whether all that a statement wrote is flushed when it returns.
sub is_flushed
{
	my ($statement) = @_;
	my $start = value_of($node, 'SELECT pg_current_wal_insert_lsn()');
	my $answer = ask($session, $statement);
	my ($wrote, $flushed) = split /\|/,
	  value_of($node, "SELECT pg_current_wal_insert_lsn() > '$start', pg_current_wal_flush_lsn() > '$start'");

	diag("$statement: $answer") if $answer =~ /^ERROR/;
	return $answer !~ /^ERROR/ && $wrote eq 't' && $flushed eq 't';
}
