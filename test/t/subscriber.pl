# A server that subscribes to what tokens are verified with, and has no secret:
# it verifies the publisher's tokens, obeys what ends them there, and refuses what
# needs a secret.  With remote_apply, half of the reads on it and half on a hot
# standby, nobody is let in after a log-out that returned, and nobody is refused
# who is in.  Nothing is written there that would stop the subscription (T188).
# At least 82 assertions
# Time limit: 900 s

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $LOGINS = 1000;
my $PASSWORD = 'correct horse battery staple';

my $publisher = start_node('publisher',
	cluster => { allows_streaming => 1 },
	conf => [
		'wal_level = logical',
		'jwt_auth.argon2_memory = 8',
		'jwt_auth.argon2_iterations = 1',
		"jwt_auth.issuer = 'https://own.example'" ]);
my $subscriber = start_node('subscriber', conf => ["jwt_auth.issuer = 'https://own.example'"]);

$publisher->safe_psql('postgres', qq{
	SELECT jwt_create_key('ES256', 'first'), jwt_create_user('alice', '$PASSWORD');
	SELECT jwt_login('alice', '$PASSWORD')});
is($publisher->psql('postgres', from_guide('CREATE PUBLICATION .*?;')), 0, 'the publication of the guide can be made');
is($publisher->psql('postgres', from_guide('CREATE ROLE replicator .*?\\\\gexec')), 0, 'and so can the role that reads it');
my $connection = $publisher->connstr('postgres') . ' user=replicator ' . from_guide('options=\\S+?(?=\')') . ' application_name=nodes';
my $subscribe = 'CREATE SUBSCRIPTION nodes CONNECTION ' . quote($connection) . ' PUBLICATION auth_nodes';

refuses_to_copy_nothing();
$publisher->safe_psql('postgres', 'ALTER ROLE replicator BYPASSRLS');
$subscriber->safe_psql('postgres', $subscribe);
$subscriber->wait_for_subscription_sync($publisher, 'nodes');

my $here = JwtAuthSession->new($publisher);
my $there = JwtAuthSession->new($subscriber);

has_no_secret();
obeys_what_ends_tokens();
knows_levels();
refuses_what_needs_a_secret();
writes_nothing();
survives_updates();
nobody_is_let_in_after_logging_out();
takes_over();
$_->close for $here, $there;
done_testing();

# What the guide has.
sub from_guide
{
	my ($pattern) = @_;

	open my $guide, '<', 'doc/several-machines.md' or die "could not read the guide: $!\n";
	local $/ = undef;
	my ($found) = <$guide> =~ /($pattern)/ms or die "the guide has no $pattern\n";
	return $found;
}

# Policies would hide all rows from a role that they bind.
sub refuses_to_copy_nothing
{
	my $end = time + 120;

	$publisher->safe_psql('postgres', 'ALTER ROLE replicator NOBYPASSRLS');
	$subscriber->safe_psql('postgres', $subscribe);
	until (slurp_file($subscriber->logfile) =~ /affected by row-level security/)
	{
		die "the copy said nothing\n" if time > $end;
		sleep 1;
	}
	is($subscriber->safe_psql('postgres', q{SELECT count(*) FROM pg_subscription_rel WHERE srsubstate IN ('r', 's') AND srrelid = 'jwt_auth.keys'::regclass}), 0,
		'a role that policies bind copies nothing, and does not go on');
	$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION nodes');
	return;
}

sub arrive
{
	$publisher->wait_for_catchup('nodes');
	return;
}

sub has_no_secret
{
	is($there->query('SELECT count(*) FROM jwt_auth.keys WHERE private_jwk IS NOT NULL'), 0, 'no private key arrives');
	is($there->query('SELECT count(*) FROM jwt_auth.keys'), $here->query('SELECT count(*) FROM jwt_auth.keys'), 'but all keys do');
	is($there->query('SELECT count(*) FROM jwt_auth.users WHERE password_hash IS NOT NULL OR username IS NOT NULL'), 0,
		'no password hash arrives, and no name');
	is($there->query("SELECT sum(n) FROM unnest('{identifiers,refresh_tokens,api_tokens,one_time_tokens,outbox,factors,"
		  . "recovery_codes,webauthn_credentials,audit_log}'::text[]) AS t, LATERAL (SELECT (xpath('/row/n/text()', "
		  . "query_to_xml(format('SELECT count(*) AS n FROM jwt_auth.%I', t), true, true, '')))[1]::text::bigint AS n) AS c"),
		0, 'and no row of other tables');
	return;
}

# A new user's token, and the user's id.
sub log_in
{
	my ($name) = @_;
	my $id = $here->query("SELECT jwt_create_user('$name', '$PASSWORD')");
	my $token = $here->query("SELECT jwt_login('$name', '$PASSWORD') ->> 'access_token'");

	arrive();
	return (quote($token), $id);
}

sub obeys_what_ends_tokens
{
	for my $change (
		[ 'log-out', 'SELECT jwt_revoke_session(jwt_session_id()) FROM jwt_authenticate(%1$s)', '28J02' ],
		[ 'disabling', 'SELECT jwt_disable_user(\'%2$s\')', '28J02' ],
		[ 'a ban', 'SELECT jwt_ban_user(\'%2$s\')', '28J02' ],
		[ 'deletion', 'SELECT jwt_delete_user(\'%2$s\')', '28J0[02]' ],
		[ 'denial of the jti', 'SELECT jwt_revoke(%1$s)', '28J02' ],
		[ 'a purge', 'DELETE FROM jwt_auth.sessions WHERE user_id = \'%2$s\'', '28J00' ],
		[ 'rotation', 'SELECT jwt_rotate_key()', '' ],
		[ 'revocation of the key', 'SELECT jwt_revoke_key((jwt_decode(%1$s)).header ->> \'kid\')', '28J00' ])
	{
		my ($what, $statement, $state) = @$change;
		my ($token, $id) = log_in("user of $what");

		is($there->state_of("SELECT jwt_verify($token)"), '', "before $what, the token is verified there") for 1, 2;
		is($here->state_of('BEGIN; ' . sprintf($statement, $token, $id) . '; COMMIT'), '', "$what: done on the publisher");
		arrive();
		like($there->state_of("SELECT jwt_verify($token)"), qr/^$state$/, "$what is obeyed there") for 1, 2;
	}
	return;
}

# Accessors and policies see the lower of token and session.
sub knows_levels
{
	my ($token) = log_in('levels');

	is($there->query("BEGIN; SELECT jwt_authenticate($token); SELECT jwt_aal(); ROLLBACK") =~ s/.*\n//sr, 1, 'a level is known there');
	$here->query('UPDATE jwt_auth.sessions SET auth_time = created_at, aal = 1');
	arrive();
	is($there->state_of("BEGIN; SELECT jwt_authenticate($token); SELECT jwt_require_aal(2); ROLLBACK"), '28J04', 'and required');
	$there->query('ROLLBACK');
	return;
}

sub refuses_what_needs_a_secret
{
	my $refresh = quote($here->query("SELECT jwt_login('alice', '$PASSWORD') ->> 'refresh_token'"));

	arrive();
	for my $call (
		q{jwt_sign('{}')},
		"jwt_login('alice', '$PASSWORD')",
		"jwt_refresh($refresh)",
		"jwt_create_user('mallory', '$PASSWORD')")
	{
		is($there->state_of("SELECT $call"), '55000', $call =~ s/\(.*//sr . ' is refused there');
	}
	is($there->query('SELECT count(*) FROM jwt_auth.audit_log'), 0, 'and writes nothing');
	is($here->query("SELECT jwt_refresh($refresh) ? 'access_token'"), 't', 'a refresh token that was refused there is good here');
	return;
}

# A row of its own would stop the subscription when the same key arrives, and with it
# all log-outs and bans: anyone who has a token could do that.
sub writes_nothing
{
	my ($session) = log_in('writer');
	my $token = quote($here->query(q{SELECT jwt_sign('{"sub":"someone","jti":"twice"}')}));
	my $tables = "SELECT (SELECT count(*) FROM jwt_auth.keys), (SELECT count(*) FROM jwt_auth.users WHERE disabled_at IS NULL), "
	  . '(SELECT count(*) FROM jwt_auth.sessions WHERE revoked_at IS NULL), (SELECT count(*) FROM jwt_auth.revoked_tokens), '
	  . '(SELECT count(*) FROM jwt_auth.audit_log)';
	my $before = $there->query($tables);

	for my $call (
		"jwt_revoke($token)", "jwt_revoke($session)", "jwt_consume($token)", "jwt_logout() FROM jwt_authenticate($session)",
		"jwt_revoke_session(jwt_session_id()) FROM jwt_authenticate($session)", "jwt_refresh('jar_x')", q{jwt_create_key('ES256', 'own')},
		'jwt_rotate_key()', q{jwt_revoke_key('first')}, 'jwt_rotate_refresh_key()', 'jwt_purge()', 'jwt_reset_after_restore()',
		'jwt_disable_user(id) FROM jwt_auth.users', 'jwt_end_sessions(id) FROM jwt_auth.users', 'jwt_delete_user(id) FROM jwt_auth.users')
	{
		is($there->state_of("BEGIN; SELECT $call; COMMIT"), '55000', "$call is refused there");
		$there->query('ROLLBACK');
	}
	$subscriber->safe_psql('postgres', 'CREATE ROLE regress_anyone');
	is($there->state_of("SET ROLE regress_anyone; SELECT jwt_revoke($token)"), '55000', 'whoever calls');
	$there->query('RESET ROLE');
	is($there->query($tables), $before, 'and nothing is written');
	is($here->state_of("SELECT jwt_revoke($token)"), '', 'what was refused there is done here');
	arrive();
	is($there->state_of("SELECT jwt_verify($token)"), '28J02', 'and arrives');
	return;
}

# Without the subscription, the tables are its own.
sub takes_over
{
	$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION nodes DISABLE');
	is($there->state_of(q{SELECT jwt_create_key('ES256', 'own')}), '55000', 'a subscription that is disabled may go on');
	$subscriber->safe_psql('postgres', q{
		CREATE ROLE regress_subscription_owner SUPERUSER;
		ALTER SUBSCRIPTION nodes OWNER TO regress_subscription_owner;
		ALTER ROLE regress_subscription_owner NOSUPERUSER});
	is($there->state_of(q{BEGIN; SELECT jwt_create_key('ES256', 'own'); ROLLBACK}), '', 'one of a role that may not write the tables keeps nobody from it');
	$subscriber->safe_psql('postgres', 'GRANT pg_write_all_data TO regress_subscription_owner');
	is($there->state_of(q{BEGIN; SELECT jwt_create_key('ES256', 'own'); ROLLBACK}), '', 'nor one of a role that policies bind');
	$subscriber->safe_psql('postgres', 'ALTER ROLE regress_subscription_owner BYPASSRLS');
	is($there->state_of(q{SELECT jwt_create_key('ES256', 'own')}), '55000', 'but where it may');
	$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION nodes');
	is($there->state_of(q{SELECT jwt_create_key('ES256', 'own')}), '', 'a subscriber that takes over creates keys');
	return;
}

sub survives_updates
{
	is($publisher->safe_psql('postgres', q{
		ALTER EXTENSION jwt_auth DROP FUNCTION jwt_check;
		ALTER EXTENSION jwt_auth ADD FUNCTION jwt_check;
		SELECT count(*) FROM pg_publication_tables WHERE pubname = 'auth_nodes'}), 7, 'the publication has its seven tables');
	return;
}

# The answers are waited for, as a gateway would.
sub nobody_is_let_in_after_logging_out
{
	my $standby = add_standby();
	my @readers = ($there, JwtAuthSession->new($standby));
	my ($refused, $let_in) = (0, 0);

	$here->query("SELECT jwt_create_user('crowd', '$PASSWORD')");
	$here->query('SET synchronous_commit = remote_apply');
	for my $i (1 .. $LOGINS)
	{
		my $reader = $readers[ $i % 2 ];
		my ($token, $refresh) = split /\|/,
		  $here->query("SELECT l ->> 'access_token', l ->> 'refresh_token' FROM jwt_login('crowd', '$PASSWORD') AS l");

		$refused++ if $reader->state_of("SELECT jwt_verify('$token')") ne '';
		$here->query("SELECT jwt_revoke('$refresh')");
		$let_in++ if $reader->state_of("SELECT jwt_verify('$token')") ne '28J02';
	}
	is($refused, 0, "nobody of $LOGINS is refused after a login");
	is($let_in, 0, "nobody of $LOGINS is let in after a log-out");
	$readers[1]->close;
	return;
}

sub add_standby
{
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	$publisher->backup('base');
	$standby->init_from_backup($publisher, 'base', has_streaming => 1);
	$standby->start;
	$publisher->append_conf('postgresql.conf', q{synchronous_standby_names = '2 (nodes, standby)'});
	$publisher->reload;
	$publisher->wait_for_catchup($standby);
	$publisher->poll_query_until('postgres', q{SELECT count(*) = 2 FROM pg_stat_replication WHERE sync_state = 'sync'})
	  or die "the nodes did not become synchronous\n";
	return $standby;
}
