# A change of keys, issuers or revocations acts in every other session at its
# next transaction (T75, T93): whatever made it, whatever that session had
# remembered, and under any snapshot; what is rolled back acts nowhere.
# Parallel workers judge as their leader.
# At least 283 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_node('invalidation', conf => ['max_prepared_transactions = 2']);
my $one = JwtAuthSession->new($node);
my $two = JwtAuthSession->new($node);
my $serial = 0;

# The SQLSTATE as a value, which leaves the transaction usable
$node->safe_psql('postgres', q{CREATE FUNCTION verdict(token text) RETURNS text LANGUAGE plpgsql AS
	$$ BEGIN PERFORM jwt_verify(token); RETURN ''; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$});

# Changes, as [ name, what is done, what another session then has of a token
# of the key "kid" for the user "user", or of the issuer "iss" ]
my @changes = (
	[ 'revoke', q{SELECT jwt_revoke_key('$kid')}, '28J00' ],
	[ 'retire', q{SELECT jwt_retire_key('$kid')}, '28J00' ],
	[ 'reset', 'SELECT jwt_reset_after_restore()', '28J00' ],
	[ 'rotate', 'SELECT jwt_rotate_key()', '' ],
	[ 'create', 'SELECT jwt_create_key()', '' ],
	[ 'UPDATE of its end', q{UPDATE jwt_auth.keys SET verify_until = now() WHERE kid = '$kid'}, '28J00' ],
	[ 'UPDATE that revokes', q{UPDATE jwt_auth.keys SET revoked_at = now() WHERE kid = '$kid'}, '28J00' ],
	[ 'DELETE', q{DELETE FROM jwt_auth.keys WHERE kid = '$kid'}, '28J00' ],
	[ 'DELETE of another', q{DELETE FROM jwt_auth.keys WHERE kid <> '$kid'}, '' ],
	[ 'TRUNCATE', 'TRUNCATE jwt_auth.keys', '28J00' ],
	[ 'DELETE with the triggers of a replica',
		q{SET session_replication_role = replica; DELETE FROM jwt_auth.keys WHERE kid = '$kid';
		  RESET session_replication_role}, '28J00' ],
	[ 'a statement that frees the kid for another key',
		q{BEGIN; DELETE FROM jwt_auth.keys WHERE kid = '$kid'; SELECT jwt_create_key('ES256', '$kid'); COMMIT}, '28J00' ],
	[ 'a denied jti', q{INSERT INTO jwt_auth.revoked_tokens VALUES ('', '$kid', now())}, '28J02' ],
	[ 'a deleted user', q{INSERT INTO jwt_auth.deleted_users VALUES ('$user', now())}, '28J02' ],
	[ 'in a savepoint that is kept',
		q{BEGIN; SAVEPOINT s; SELECT jwt_revoke_key('$kid'); RELEASE s; COMMIT}, '28J00' ],
	[ 'UPDATE in a prepared transaction',
		q{BEGIN; UPDATE jwt_auth.keys SET revoked_at = now() WHERE kid = '$kid'; PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'}, '28J00' ],
	[ 'without audit log', q{SET jwt_auth.audit = off; SELECT jwt_revoke_key('$kid'); RESET jwt_auth.audit}, '28J00' ],
	[ 'distrust', q{SELECT jwt_distrust_issuer('$iss')}, '28J00', 'issuer' ],
	[ 'other keys', q{SELECT jwt_trust_issuer('$iss', jwk_public(jwk_generate('ES256', '$kid')), 'api')}, '28J00', 'issuer' ],
	[ 'another audience', q{SELECT jwt_trust_issuer('$iss', jwks, 'web') FROM jwt_auth.issuers WHERE issuer = '$iss'},
		'28J00', 'issuer' ],
	[ 'trust in another', q{SELECT jwt_trust_issuer('$iss.x', jwk_public(jwk_generate('ES256')), 'api')}, '', 'issuer' ],
	[ 'UPDATE of issuers', q{UPDATE jwt_auth.issuers SET audience = 'web' WHERE issuer = '$iss'}, '28J00', 'issuer' ],
	[ 'DELETE of issuers', q{DELETE FROM jwt_auth.issuers WHERE issuer = '$iss'}, '28J00', 'issuer' ],
	[ 'TRUNCATE of issuers', 'TRUNCATE jwt_auth.issuers', '28J00', 'issuer' ]);

for my $change (@changes)
{
	my ($name, $statement, $state, $kind) = @$change;
	my $case = make_case($kind, $statement);

	is_good($two, $case, "$name: before it, another session accepts the token");
	changed($case, $name);
	is($two->state_of($case->{verify}), $state, "$name: after it, the other session has the new verdict at once");
	is($two->state_of($case->{verify}), $state, "$name: after it, the other session has the new verdict again");
	is($one->state_of($case->{verify}), $state, "$name: after it, the session that ran it has the new verdict");
}

# Under a snapshot that is older than the change: what was remembered may hold
# to the end of the transaction, and no longer
for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	for my $kind (undef, 'issuer')
	{
		my $case = make_case($kind, $kind ? q{SELECT jwt_distrust_issuer('$iss')} : q{SELECT jwt_revoke_key('$kid')});
		my $what = "$level, " . ($kind // 'key');

		is_good($two, $case, "$what: before the change, another session accepts the token");
		$two->query("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM jwt_auth.keys");
		is($two->state_of($case->{verify}), '', "$what: an open transaction of the other session accepts the token");
		changed($case, $what);
		$two->query("SELECT verdict($case->{token})") for 1 .. 3;
		$two->query('ROLLBACK');
		is($two->state_of($case->{verify}), '28J00', "$what: the next transaction refuses the token");
		is($two->state_of($case->{verify}), '28J00', "$what: a later transaction refuses the token");

		# Nothing remembered: the first look is a fresh one
		$case = make_case($kind, $kind ? q{SELECT jwt_distrust_issuer('$iss')} : q{SELECT jwt_revoke_key('$kid')});
		$two->query("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM jwt_auth.keys");
		changed($case, $what);
		is($two->query("SELECT verdict($case->{token})"), '28J00', "$what: under an older snapshot, the token is refused") for 1 .. 3;
		$two->query('ROLLBACK');
		is($two->state_of($case->{verify}), '28J00', "$what: after an older snapshot, the token is refused");
	}
}

# A statement that began before the change fills the cache after it
for my $level ('READ COMMITTED', 'REPEATABLE READ')
{
	for my $remembered (0, 1)
	{
		for my $kind (undef, 'issuer')
		{
			my $case = make_case($kind, $kind ? q{SELECT jwt_distrust_issuer('$iss')} : q{SELECT jwt_revoke_key('$kid')});
			my $what = "$level, running statement, " . ($kind // 'key') . ($remembered ? ', remembered' : '');

			is_good($two, $case, "$what: before the change, another session accepts the token") if $remembered;
			$one->query('SELECT pg_advisory_lock(1)');
			$two->query("BEGIN ISOLATION LEVEL $level");
			$two->begin_query("SELECT verdict($case->{token}), verdict($case->{token}), verdict($case->{token})
				FROM (SELECT pg_advisory_xact_lock(1) OFFSET 0) AS wait");
			ok($node->poll_query_until('postgres',
					"SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"),
				"$what: the running statement waits");
			changed($case, $what);
			$one->query('SELECT pg_advisory_unlock(1)');
			$two->answer;
			$two->query('COMMIT');
			is($two->state_of($case->{verify}), '28J00', "$what: after the running statement, the next transaction refuses the token");
			is($two->state_of($case->{verify}), '28J00', "$what: a later transaction refuses the token");
		}
	}
}

# What is rolled back acts nowhere
for my $undo ([ '', 'ROLLBACK' ], [ 'SAVEPOINT s;', 'ROLLBACK TO s; COMMIT' ])
{
	my ($begin, $end) = @$undo;

	for my $kind (undef, 'issuer')
	{
		my $case = make_case($kind, $kind ? q{SELECT jwt_distrust_issuer('$iss')} : q{SELECT jwt_revoke_key('$kid')});
		my $what = "$end, " . ($kind // 'key');

		is_good($two, $case, "$what: before the change, another session accepts the token");
		is_good($one, $case, "$what: before the change, the session itself accepts the token");
		$one->query("BEGIN; $begin");
		changed($case, $what);
		is($one->state_of("SAVEPOINT t; $case->{verify}"), '28J00', "$what: after the change, the session itself refuses the token");
		is($two->state_of($case->{verify}), '', "$what: before the commit, another session accepts the token");
		$one->query("ROLLBACK TO t; $end");
		is($one->state_of($case->{verify}), '', "$what: after the rollback, the session itself accepts the token");
		is($two->state_of($case->{verify}), '', "$what: after the rollback, another session accepts the token");
	}
}

# A key that does not exist yet, or never did
{
	$one->query(q{BEGIN; SELECT jwt_create_key('ES256', 'unborn')});
	my $token = quote($one->query(q{SELECT jwt_sign('{}', kid => 'unborn')}));

	is($one->state_of("SELECT jwt_verify($token)"), '', 'a token by an uncommitted key is accepted in its session');
	is($two->state_of("SELECT jwt_verify($token)"), '28J00', 'a token by an uncommitted key is refused in another session');
	$one->query('COMMIT');
	is($two->state_of("SELECT jwt_verify($token)"), '', 'a token by a committed key is accepted in another session');
	$one->query(q{BEGIN; SELECT jwt_create_key('ES256', 'never')});
	$token = quote($one->query(q{SELECT jwt_sign('{}', kid => 'never')}));
	is($one->state_of("SELECT jwt_verify($token)"), '', 'a token by a key that will be rolled back is accepted in its session');
	$one->query('ROLLBACK');
	is($one->state_of("SELECT jwt_verify($token)"), '28J00', 'a token by a key that was rolled back is refused in its session');
	is($two->state_of("SELECT jwt_verify($token)"), '28J00', 'a token by a key that was rolled back is refused in another session');
}

# An import, and the key that signs
{
	my $key = quote($one->query(q{SELECT jwk_generate('ES256', 'imported')}));
	my $token = quote($one->query("SELECT jwt_sign_with(jsonb_build_object('exp', extract(epoch FROM now())::bigint + 60), $key)"));

	is($two->state_of("SELECT jwt_verify($token)"), '28J00', 'before the import of its key, a token is refused in another session');
	$one->query("SELECT jwt_import_key(jwk_public($key))");
	is($two->state_of("SELECT jwt_verify($token)"), '', 'after the import of its key, a token is accepted in another session');

	my $signer = q{SELECT (jwt_decode(jwt_sign('{}'))).header ->> 'kid'};

	for my $change ('jwt_rotate_key()', 'jwt_rotate_key()', 'jwt_reset_after_restore()')
	{
		my $before = $two->query($signer);

		is($before, $one->query($signer), "$change: before it, both sessions sign with one key");
		$one->query("SELECT $change");
		isnt($two->query($signer), $before, "$change: after it, another session signs with another key");
		is($two->query($signer), $one->query($signer), "$change: after it, both sessions sign with one key");
	}
	my $before = $two->query($signer);
	$one->query("SELECT jwt_revoke_key('$before')");
	isnt($two->query($signer), $before, 'a revoked key does not sign in another session');
}

# The library is loaded, and the extension made, in another order
{
	$node->safe_psql('postgres', 'CREATE DATABASE other');
	my $session = JwtAuthSession->new($node, dbname => 'other');

	$session->query(q{LOAD 'jwt_auth'});
	$node->safe_psql('other', q{CREATE EXTENSION jwt_auth; SELECT jwt_create_key('ES256', 'k')});
	my $token = quote($session->query(q{SELECT jwt_sign('{}')}));
	is($session->state_of("SELECT jwt_verify($token)"), '', 'a token by a key that another session created is accepted');
	$node->safe_psql('other', q{DROP EXTENSION jwt_auth; CREATE EXTENSION jwt_auth; SELECT jwt_create_key('ES256', 'k')});
	is($session->state_of("SELECT jwt_verify($token)"), '28J00', 'after another session dropped and created the extension, a former token is refused');
	is($session->state_of(q{SELECT jwt_verify(jwt_sign('{}'))}), '', 'after another session dropped and created the extension, its key signs');
	$session->close;
}

# Parallel workers
{
	my $name = value_of($node,
		"SELECT name FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode')");
	my $case = make_case(undef, q{SELECT jwt_revoke_key('$kid')});

	$two->query("SET $name = on");
	like($two->query("EXPLAIN (ANALYZE, COSTS off, TIMING off) $case->{verify}"), qr/Workers Launched: 1/,
		'parallel: the plan has a worker');
	is_good($two, $case, 'parallel: a token by a stored key is accepted');
	is($two->state_of("SELECT jwt_verify($case->{token} || 'A')"), '28J00', 'parallel: a tampered token is refused');
	is($two->state_of("SELECT jwt_verify($case->{token}, 'api')"), '28J00', 'parallel: refused for its audience');
	$two->query(q{SET jwt_auth.audience = 'api'});
	is($two->state_of($case->{verify}), '28J00', 'parallel: a setting of the session applies in the worker');
	$two->query('RESET jwt_auth.audience; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	is($two->state_of($case->{verify}), '', 'parallel: a token is accepted in a transaction');
	changed($case, 'parallel');
	is($two->state_of($case->{verify}), '28J00', 'parallel: after a change of keys, the worker refuses the token');
	$two->query('ROLLBACK');
	is($two->state_of($case->{verify}), '28J00', 'parallel: after the transaction, the token is refused');
	$two->query(q{BEGIN; SELECT jwt_create_key('ES256', 'parallel')});
	my $token = quote($two->query(q{SELECT jwt_sign('{}', kid => 'parallel')}));
	is($two->state_of("SELECT jwt_verify($token)"), '', 'parallel: a token by a key of the running transaction is accepted');
	$two->query('ROLLBACK');
	is($two->state_of("SELECT jwt_verify($token)"), '28J00', 'parallel: after the rollback of its key, a token is refused');
	$case = make_case('issuer', q{SELECT jwt_distrust_issuer('$iss')});
	is_good($two, $case, 'parallel: the token of an issuer is accepted');
	changed($case, 'parallel');
	is($two->state_of($case->{verify}), '28J00', 'parallel: the token of a distrusted issuer is refused');
	$two->query("RESET $name");

	# Many rows, several workers
	$case = make_case(undef, q{SELECT jwt_revoke_key('$kid')});
	$two->query("CREATE TABLE request AS SELECT $case->{token} AS token FROM generate_series(1, 5000);
		ALTER TABLE request SET (parallel_workers = 2); ANALYZE request;
		SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0");
	my $count = q{SELECT count(*) FROM request WHERE jwt_verify(token) ->> 'jti' IS NOT NULL};
	like($two->query("EXPLAIN (COSTS off) $count"), qr/Workers Planned: 2/, 'parallel: the plan scans with two workers');
	is($two->query($count), '5000', 'parallel: before the change, all rows verify');
	changed($case, 'parallel');
	is($two->state_of($count), '28J00', 'parallel: after the change, the scan is refused');
}

$_->close for $one, $two;
done_testing();

# A key or issuer of its own, a token of it, and what shall be done to it.
sub make_case
{
	my ($kind, $statement) = @_;
	my $kid = 'k' . ++$serial;
	my $iss = "https://$kid.example";
	my $user = sprintf '019a0000-0000-7000-8000-%012d', $serial;
	my $token;

	if ($kind)
	{
		my $key = quote($one->query("SELECT jwk_generate('ES256', '$kid')"));

		$one->query("SELECT jwt_trust_issuer('$iss', jwk_public($key), 'api')");
		$token = $one->query("SELECT jwt_sign_with(jsonb_build_object('iss', '$iss', 'aud', 'api',
			'exp', extract(epoch FROM now())::bigint + 600), $key)");
	}
	else
	{
		$one->query('SELECT jwt_create_key() WHERE NOT EXISTS (SELECT FROM jwt_auth.keys)');
		$one->query("SELECT jwt_create_key('ES256', '$kid')");
		$token = $one->query("SELECT jwt_sign('{\"jti\":\"$kid\",\"sub\":\"$user\"}', kid => '$kid')");
	}
	$statement =~ s/\$kid/$kid/g;
	$statement =~ s/\$user/$user/g;
	$statement =~ s/\$iss/$iss/g;
	return { statement => $statement, token => quote($token), verify => 'SELECT jwt_verify(' . quote($token) . ')' };
}

# Twice, so that the second one is a hit of the cache.
sub is_good
{
	my ($session, $case, $name) = @_;

	is(join(' ', map { $session->state_of($case->{verify}) || 'good' } 1, 2), 'good good', $name);
	return;
}

sub changed
{
	my ($case, $name) = @_;

	is($one->state_of($case->{statement}), '', "$name: the statement succeeds");
	return;
}
