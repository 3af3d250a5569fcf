# Keys and issuers that come by logical replication act in the sessions of the
# subscriber like any other change (T75): its apply worker fires the triggers.
# At least 50 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $publisher = start_node('publisher', conf => [ 'wal_level = logical', 'max_wal_senders = 5', 'max_replication_slots = 5' ]);
my $subscriber = start_node('subscriber');
my $here = JwtAuthSession->new($publisher);
my $there = JwtAuthSession->new($subscriber);
my $connection = quote($publisher->connstr('postgres'));

$here->query(q{SELECT jwt_create_key('ES256', 'first')});
my $first = quote($here->query(q{SELECT jwt_sign('{}')}));

is($there->state_of("SELECT jwt_verify($first)"), '28J00', 'before the subscription, the key is unknown');
$publisher->safe_psql('postgres', 'CREATE PUBLICATION keys FOR TABLE jwt_auth.keys, jwt_auth.issuers, jwt_auth.revoked_tokens, jwt_auth.deleted_users');
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION keys CONNECTION $connection PUBLICATION keys");
$subscriber->wait_for_subscription_sync($publisher, 'keys');
is($there->state_of("SELECT jwt_verify($first)"), '', 'after the copy, the key verifies on the subscriber') for 1, 2;
is($here->state_of('SELECT jwt_verify(' . quote($there->query(q{SELECT jwt_sign('{}')})) . ')'), '',
	'after the copy, the key signs on the subscriber');

sub arrive
{
	$publisher->wait_for_catchup('keys');
	return;
}

for my $change (
	[ 'revoke', q{SELECT jwt_revoke_key('revoke')}, '28J00' ],
	[ 'retire', q{SELECT jwt_retire_key('retire')}, '28J00' ],
	[ 'update', q{UPDATE jwt_auth.keys SET verify_until = now() WHERE kid = 'update'}, '28J00' ],
	[ 'delete', q{DELETE FROM jwt_auth.keys WHERE kid = 'delete'}, '28J00' ],
	[ 'deny', q{INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'deny', now())}, '28J02' ],
	[ 'delete_user', q{INSERT INTO jwt_auth.deleted_users VALUES ('019a0000-0000-7000-8000-000000000001', now())}, '28J02' ],
	[ 'rotate', 'SELECT jwt_rotate_key()', '' ],
	[ 'truncate', 'TRUNCATE jwt_auth.keys', '28J00' ])
{
	my ($kid, $statement, $state) = @$change;

	$here->query("SELECT jwt_create_key('ES256', '$kid')");
	my $sub = $kid eq 'delete_user' ? '019a0000-0000-7000-8000-000000000001' : 'service';
	my $token = quote($here->query("SELECT jwt_sign('{\"jti\":\"$kid\",\"sub\":\"$sub\"}', kid => '$kid')"));
	arrive();
	is($there->state_of("SELECT jwt_verify($token)"), '', "$kid: a new key verifies on the subscriber") for 1, 2;
	is($here->state_of($statement), '', "$kid: the change succeeds on the publisher");
	arrive();
	is($there->state_of("SELECT jwt_verify($token)"), $state, "$kid: the change takes effect on the subscriber");
	is($there->state_of("SELECT jwt_verify($token)"), $state, "$kid: the change stays in effect");
}

{
	my $key = quote($here->query(q{SELECT jwk_generate('ES256', 'i')}));
	my $token = quote($here->query("SELECT jwt_sign_with(jsonb_build_object('iss', 'https://a.example', 'aud', 'api',
		'exp', extract(epoch FROM now())::bigint + 600), $key)"));

	for my $undo (q{SELECT jwt_distrust_issuer('https://a.example')}, 'TRUNCATE jwt_auth.issuers')
	{
		$here->query("SELECT jwt_trust_issuer('https://a.example', jwk_public($key), 'api')");
		arrive();
		is($there->state_of("SELECT jwt_verify($token)"), '', "a trusted issuer is accepted on the subscriber") for 1, 2;
		$here->query($undo);
		arrive();
		is($there->state_of("SELECT jwt_verify($token)"), '28J00', "an issuer is refused on the subscriber after $undo");
	}
}
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION keys');
$_->close for $here, $there;
done_testing();
