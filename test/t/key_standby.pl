# Stored keys on a streaming standby (T75, T93): it verifies and signs with
# what was replayed, notices changes as any session does, refuses to change
# anything itself, and can be promoted.
# At least 77 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');

$primary->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$primary->start;
$primary->safe_psql('postgres', q{CREATE EXTENSION jwt_auth; SELECT jwt_create_key('ES256', 'e1');
	SELECT jwt_create_key('HS256', 'h1')});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');

$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
my $here = JwtAuthSession->new($primary);
my $there = JwtAuthSession->new($standby);

is($there->query('SELECT pg_is_in_recovery()'), 't', 'the server is a standby');

# Verifying, publishing, explaining and signing
for my $kid ('e1', 'h1')
{
	my $token = quote($here->query("SELECT jwt_sign('{}', kid => '$kid')"));

	is($there->state_of("SELECT jwt_verify($token)"), '', "$kid: the standby verifies");
	is($there->state_of("SELECT jwt_verify($token)"), '', "$kid: the standby verifies a second time");
	is($there->state_of("SELECT jwt_verify($token || 'A')"), '28J00', "$kid: the standby refuses a tampered token");
	is($there->query("SELECT jwt_introspect($token) ->> 'active', jwt_explain($token) ->> 'valid'"), 'true|true',
		"$kid: jwt_introspect and jwt_explain work on the standby");
	$token = quote($there->query("SELECT jwt_sign('{}', kid => '$kid')"));
	is($here->state_of("SELECT jwt_verify($token)"), '', "$kid: the primary verifies what the standby signed");
}
is($there->query('SELECT jwt_jwks()'), $here->query('SELECT jwt_jwks()'), 'primary and standby publish the same keys');

# Changes, replayed
sub replay
{
	$primary->wait_for_catchup($standby);
	return;
}

sub token_of
{
	my ($kid) = @_;
	my $sub = $kid eq 'delete_user' ? '019a0000-0000-7000-8000-000000000001' : 'service';

	$here->query("SELECT jwt_create_key('ES256', '$kid')");
	my $token = quote($here->query("SELECT jwt_sign('{\"jti\":\"$kid\",\"sub\":\"$sub\"}', kid => '$kid')"));
	replay();
	is($there->state_of("SELECT jwt_verify($token)"), '', "$kid: a new key is known") for 1, 2;
	return $token;
}

for my $change (
	[ 'revoke', q{SELECT jwt_revoke_key('revoke')}, '28J00' ],
	[ 'retire', q{SELECT jwt_retire_key('retire')}, '28J00' ],
	[ 'update', q{UPDATE jwt_auth.keys SET verify_until = now() WHERE kid = 'update'}, '28J00' ],
	[ 'delete', q{DELETE FROM jwt_auth.keys WHERE kid = 'delete'}, '28J00' ],
	[ 'deny', q{INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'deny', now())}, '28J02' ],
	[ 'delete_user', q{INSERT INTO jwt_auth.deleted_users VALUES ('019a0000-0000-7000-8000-000000000001', now())}, '28J02' ],
	[ 'rollback', q{BEGIN; SELECT jwt_revoke_key('rollback'); ROLLBACK; SELECT jwt_create_key()}, '' ],
	[ 'rotate', q{SELECT jwt_rotate_key()}, '' ])
{
	my ($kid, $statement, $state) = @$change;
	my $token = token_of($kid);

	is($here->state_of($statement), '', "$kid: the statement succeeds on the primary");
	replay();
	is($there->state_of("SELECT jwt_verify($token)"), $state, "$kid: the standby has the new verdict");
	is($there->state_of("SELECT jwt_verify($token)"), $state, "$kid: the standby has the new verdict again");
}

# Under an older snapshot of the standby's
{
	my $token = token_of('older');

	$there->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	is($there->state_of("SELECT jwt_verify($token)"), '', 'an older transaction on the standby accepts the token');
	$here->query(q{SELECT jwt_revoke_key('older')});
	replay();
	$there->state_of("SELECT jwt_verify($token)");
	$there->query('ROLLBACK');
	is($there->state_of("SELECT jwt_verify($token)"), '28J00', 'after the older transaction, the standby refuses the token');
}

# Issuers
{
	my $key = quote($here->query(q{SELECT jwk_generate('ES256', 'i')}));
	my $token = quote($here->query("SELECT jwt_sign_with(jsonb_build_object('iss', 'https://a.example', 'aud', 'api',
		'exp', extract(epoch FROM now())::bigint + 600), $key)"));

	is($there->state_of("SELECT jwt_verify($token)"), '28J00', 'before an issuer is trusted, the standby refuses its token');
	$here->query("SELECT jwt_trust_issuer('https://a.example', jwk_public($key), 'api')");
	replay();
	is($there->state_of("SELECT jwt_verify($token)"), '', 'after an issuer was trusted, the standby accepts its token') for 1, 2;
	$here->query(q{SELECT jwt_distrust_issuer('https://a.example')});
	replay();
	is($there->state_of("SELECT jwt_verify($token)"), '28J00', 'after an issuer was distrusted, the standby refuses its token');
}

# Nothing is changed on a standby
for my $call (
	'jwt_create_key()', 'jwt_rotate_key()', q{jwt_retire_key('h1')}, q{jwt_revoke_key('h1')},
	q{jwt_import_key(jwk_generate('ES256'))}, 'jwt_rotate_refresh_key()',
	q{jwt_trust_issuer('https://b.example', jwk_public(jwk_generate('ES256')), 'api')},
	q{jwt_distrust_issuer('https://b.example')}, 'jwt_seal_keys()', 'jwt_reset_after_restore()')
{
	is($there->state_of("SELECT $call"), '25006', "not on a standby: $call");
}

# Promotion: the session stays, and keys can be changed
{
	my $signed = quote($there->query(q{SELECT jwt_sign('{}')}));
	my $active = $there->query(qq{SELECT (jwt_decode($signed)).header ->> 'kid'});

	$standby->promote;
	ok($standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'the standby is promoted');
	is($there->state_of("SELECT jwt_verify($signed)"), '', 'promoted: a token that the standby signed is accepted');
	is($there->state_of('SELECT jwt_rotate_key()'), '', 'promoted: keys can be rotated');
	isnt($there->query(q{SELECT (jwt_decode(jwt_sign('{}'))).header ->> 'kid'}), $active, 'promoted: after a rotation, another key signs');
	is($there->state_of("SELECT jwt_verify($signed)"), '', 'promoted: after a rotation, the former key verifies');
	is($there->state_of("SELECT jwt_revoke_key('$active')"), '', 'promoted: a key can be revoked');
	is($there->state_of("SELECT jwt_verify($signed)"), '28J00', 'promoted: a token by a revoked key is refused');
}

$_->close for $here, $there;
done_testing();
