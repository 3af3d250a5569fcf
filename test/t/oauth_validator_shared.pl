# A token opens the connection by keys that the worker has published in shared memory
# (T190), from PostgreSQL 18 on, without any file: as soon as keys are made, rotated or
# revoked; for each database its own keys, issuer and audience; on standbys, too.  And
# that nothing connects where nothing is published, or what is there is too old, belongs
# to another database, has been dropped, does not fit or is not public.
# At least 151 assertions

use strict;
use warnings;

use JSON::PP ();
use JwtAuthTest;
use OAuthClient;
use Pages qw(slurp write_file);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $ISSUER = 'https://api.example.com';
my $APP = 'regress_shared_app';
my $SECONDS = 90;
my $json = JSON::PP->new->canonical->ascii;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = start_node(
	'shared',
	cluster => { allows_streaming => 1 },
	conf => [
		"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'postgres, twin, bare'",
		'jwt_auth.worker_naptime = 300', "jwt_auth.issuer = '$ISSUER'", "jwt_auth.audience = 'api'",
		'jwt_auth.argon2_memory = 8', 'jwt_auth.argon2_iterations = 1', 'restart_after_crash = on', 'log_statement = none' ]);

plan skip_all => 'PostgreSQL has validators for OAuth since 18'
  if value_of($node, 'SHOW server_version_num') < 180000;

# What the end of each refused connection's log says
my %REASON = (
	off => 'nobody publishes keys for connections', missing => 'the database publishes no keys', stale => 'are out of date',
	no_issuer => 'the database has no issuer', key => 'no key fits the header', signature => 'signature is wrong',
	issuer => '"iss" is not the expected issuer', other => 'of the line of pg_hba.conf is not jwt_auth.issuer',
	audience => '"aud" does not contain', role => 'another role than the requested one', type => 'only access tokens open connections',
	powerful => 'bypasses row-level security, or accesses files or programs', file => 'the file of keys for connections cannot be read');
my $UNUSABLE = qr/^error\|the keys published for connections cannot be used\|jwt_auth\.worker_databases$/;
my @secrets;

prepare();
my $client = OAuthClient->new($dir, issuer => $ISSUER, user => $APP);
my $admin;

check_first_key();
check_databases();
check_changes();
check_failed_visits();
check_settings();
check_contents();
check_unwritable_key();
check_room();
check_file_first();
check_owners();
check_subscriber();
check_standby();
check_crash();
check_drop();
check_age();
check_off();
check_log();
done_testing();

sub prepare
{
	my $superuser = value_of($node, 'SELECT current_user');

	$node->safe_psql('postgres', $_) for
	  "CREATE ROLE $APP LOGIN", 'CREATE ROLE regress_shared_boss LOGIN SUPERUSER', 'CREATE ROLE regress_shared_owner LOGIN CREATEDB',
	  'CREATE DATABASE twin', 'CREATE DATABASE bare', 'CREATE DATABASE unserved';
	execute($node, 'CREATE EXTENSION jwt_auth', dbname => $_) for qw(twin unserved);
	my $oauth = qq{oauth issuer="$ISSUER" scope="" delegate_ident_mapping=1};

	write_file($node->data_dir . '/pg_hba.conf', <<"END");
local all         "$superuser",regress_shared_owner trust
local replication "$superuser" trust
local foreigner   all oauth issuer="https://other.example" scope="" delegate_ident_mapping=1
local all,replication all $oauth
END
	$node->append_conf('postgresql.conf', "oauth_validator_libraries = 'jwt_auth'");
	$node->restart;
	return;
}

# A user of the database logs in.
sub log_in
{
	my ($dbname) = @_;
	my $token = value_of($node, q{SELECT jwt_login('alice', 'correct horse of alice') ->> 'access_token'}, dbname => $dbname // 'postgres');

	push @secrets, $token;
	return $token;
}

sub add_user
{
	my ($dbname) = @_;

	return value_of($node, "SELECT jwt_create_user('alice', 'correct horse of alice', role => '$APP')", dbname => $dbname);
}

# An access token by a key that the caller has
sub signed
{
	my ($key, %changes) = @_;
	my $now = int time;
	my %claims = (iss => $ISSUER, aud => 'api', sub => 'alice', role => $APP, iat => $now, exp => $now + 3000, jti => 'crafted', %changes);
	my $token = value_of($node, sprintf "SELECT jws_sign(convert_to(%s, 'UTF8'), %s, '{\"typ\": \"at+jwt\"}')",
		quote($json->encode(\%claims)), quote($key));

	push @secrets, $token;
	return $token;
}

sub answer
{
	my ($token, %options) = @_;

	return $client->answers($options{where} // $node, $token, ['SELECT current_user'], %options);
}

sub lets_in
{
	my ($name, $token, %options) = @_;

	is(answer($token, %options), $APP, $name) or diag($client->errors);
	return;
}

# What the log said last when a connection was refused
sub reason_of
{
	my ($token, %options) = @_;
	my $where = $options{where} // $node;
	my $offset = -s $where->logfile;
	my $answer = answer($token, %options);
	my $log = substr slurp($where->logfile), $offset;
	my ($said) = $log =~ /jwt_auth: connection refused: (.*)/;

	return $answer eq 'refused' ? $said // "no reason, but: $log" : $answer;
}

sub refuses
{
	my ($name, $reason, $token, %options) = @_;

	like(reason_of($token, %options), qr/\Q$REASON{$reason}\E/, "refused: $name");
	return;
}

# The same, as soon as it is published
sub soon_lets_in
{
	my ($name, $token, %options) = @_;
	my $end = time + $SECONDS;

	sleep 0.1 while answer($token, %options) ne $APP && time < $end;
	lets_in($name, $token, %options);
	return;
}

sub soon_refuses
{
	my ($name, $reason, $token, %options) = @_;
	my $end = time + $SECONDS;

	sleep 0.1 while reason_of($token, %options) !~ /\Q$REASON{$reason}\E/ && time < $end;
	refuses($name, $reason, $token, %options);
	return;
}

# Sets in postgresql.conf, until new sessions have it; then the worker comes.
sub configure
{
	my ($name, $value, $where) = @_;
	my $server = $where // $node;
	my $end = time + $SECONDS;

	$server->append_conf('postgresql.conf', "jwt_auth.$name = '$value'");
	$server->reload;
	sleep 0.05 while value_of($server, "SELECT setting FROM pg_settings WHERE name = 'jwt_auth.$name'") ne $value && time < $end;
	return;
}

# A reload has the worker come to the database.
sub let_worker_come
{
	my ($dbname) = @_;
	my $visits = "SELECT value FROM jwt_auth.statistics WHERE database = '$dbname' AND name = 'worker_visits'";
	my $before = value_of($node, $visits);
	my $end = time + $SECONDS;

	$node->reload;
	sleep 0.05 while value_of($node, $visits) <= $before && time < $end;
	return;
}

sub findings
{
	my (%options) = @_;

	return value_of($node, q{SELECT string_agg(concat_ws('|', severity, finding, object), ';') FROM jwt_check() WHERE finding ~ 'connection'}, %options);
}

# Whatever jwt_check finds; it may take until the next publication.
sub soon_finds
{
	my ($name, $expected, %options) = @_;
	my $end = time + $SECONDS;

	sleep 0.1 while findings(%options) !~ $expected && time < $end;
	like(findings(%options), $expected, "jwt_check: $name");
	return;
}

sub new_key
{
	my ($alg, $kid) = @_;

	return value_of($node, "SELECT jwk_generate('$alg', '$kid')");
}

# Without a key nothing connects; with the first one it does, long before the worker's
# next visit.
sub check_first_key
{
	my $other = new_key('ES256', 'other');

	refuses('there is no key yet', 'missing', signed($other));
	like(findings(), $UNUSABLE, 'jwt_check: there is no key yet');
	execute($node, 'SELECT jwt_create_key()');
	my $id = add_user('postgres');
	my $token = log_in();

	soon_lets_in('by a key that never was in a file', $token);
	is(findings(), '', 'jwt_check has nothing to say');
	is($client->answers($node, $token, [ 'SELECT jwt_user_id()', 'SELECT system_user', 'RESET ALL', 'SELECT jwt_user_id()' ]),
		"$id\noauth:$id\n\n$id", 'the token is the identity');
	refuses('by a key that is not there', 'key', signed($other));
	refuses('a tampered token', 'signature', tampered($token));
	refuses('as a superuser', 'role', $token, user => 'regress_shared_boss');
	refuses('signed by jwt_sign', 'type', value_of($node, q{SELECT jwt_sign('{}')}));
	return;
}

# Each database has its own keys, though their issuer is the same.
sub check_databases
{
	my $own = log_in();

	refuses('in a database that has no key yet', 'missing', $own, dbname => 'twin');
	execute($node, 'SELECT jwt_create_key()', dbname => 'twin');
	add_user('twin');
	my $twins = log_in('twin');

	soon_lets_in('in the other database, by its own key', $twins, dbname => 'twin');
	lets_in('in its database', $own);
	refuses('in the other database, of the same issuer', 'key', $own, dbname => 'twin');
	refuses('the token of the other database', 'key', $twins);
	execute($node, 'SELECT jwt_create_key()', dbname => 'unserved');
	add_user('unserved');
	my $unserved = log_in('unserved');

	refuses('in a database that no worker serves', 'missing', $unserved, dbname => 'unserved');
	like(findings(dbname => 'unserved'), $UNUSABLE, 'jwt_check: no worker serves the database');
	refuses("its token elsewhere", 'key', $unserved);
	refuses("in a database without the extension", 'missing', $own, dbname => 'bare');
	refuses("in a database that is not there", 'missing', $own, dbname => 'nowhere');
	refuses("in a database with a name of two", 'missing', $own, dbname => 'postgres, twin');
	configure('worker_databases', 'postgres, twin, bare, unserved');
	soon_lets_in('once a worker serves it', $unserved, dbname => 'unserved');
	configure('worker_databases', 'postgres, twin, bare');
	soon_refuses('once no worker serves it any more', 'missing', $unserved, dbname => 'unserved');
	# PostgreSQL removes it when it vacuums its catalogs, and makes it anew.
	for my $case ([ 'lets_in', 'in its database' ], [ 'refuses', 'by a key that is not there', 'key', signed(new_key('ES256', 'other')) ])
	{
		my ($check, $name, @more) = @$case;

		unlink $node->data_dir . '/global/pg_internal.init' or die "could not remove the file of relations: $!\n";
		$check eq 'lets_in' ? lets_in("$name, without the file of relations", $own) : refuses("$name, without the file of relations", @more);
	}
	return;
}

# What is committed counts at once, and what is rolled back does not.
sub check_changes
{
	my $old = log_in();
	my $former = $json->decode(value_of($node, 'SELECT jwt_jwks()'))->{keys}[0]{kid};

	execute($node, 'SELECT jwt_rotate_key()');
	my $new = log_in();

	soon_lets_in('by the key of a rotation', $new);
	lets_in('by the key before it', $old);
	execute($node, "BEGIN; SELECT jwt_revoke_key('$former'); ROLLBACK");
	let_worker_come('postgres') for 1 .. 2;
	lets_in('by a key whose revocation was rolled back', $old);
	execute($node, "BEGIN; SELECT jwt_rotate_key(); SAVEPOINT s; SELECT jwt_revoke_key('$former'); ROLLBACK TO s; COMMIT");
	soon_lets_in('by the key of a second rotation', log_in());
	lets_in('by a key whose revocation was rolled back to a savepoint', $old);
	execute($node, "SELECT jwt_revoke_key('$former')");
	soon_refuses('by a revoked key', 'key', $old);
	lets_in('by the key after it', $new);
	is(findings(), '', 'jwt_check has nothing to say of a revoked key');
	let_worker_come('postgres') for 1 .. 2;
	refuses('by a revoked key, however often it is published', 'key', $old);
	check_direct_changes();
	return;
}

# Rows that are written without our functions
sub check_direct_changes
{
	my $imported = new_key('ES256', 'imported');
	my $token = signed($imported);

	execute($node, 'SELECT jwt_import_key(jwk_public(' . quote($imported) . '))');
	soon_lets_in('by an imported key', $token);
	execute($node, q{UPDATE jwt_auth.keys SET verify_until = now() WHERE kid = 'imported'});
	soon_refuses('by a key whose end a statement has set', 'key', $token);
	execute($node, q{UPDATE jwt_auth.keys SET verify_until = now() + interval '1 hour' WHERE kid = 'imported'});
	soon_lets_in('by a key with a later end', $token);
	execute($node, q{DELETE FROM jwt_auth.keys WHERE kid = 'imported'});
	soon_refuses('by a key that was deleted', 'key', $token);
	return;
}

# A visit that fails forgets nothing: as soon as one succeeds, changes count.
sub check_failed_visits
{
	my %twin = (dbname => 'twin');
	my $token = log_in('twin');
	my $former = $json->decode(value_of($node, 'SELECT jwt_jwks()', %twin))->{keys}[0]{kid};
	my $offset = -s $node->logfile;
	my $end = time + $SECONDS;

	execute($node, 'SELECT jwt_rotate_key()', %twin);
	soon_lets_in('by a key after which visits fail', log_in('twin'), %twin);
	execute($node, q{DO $$BEGIN EXECUTE format('ALTER DATABASE twin SET jwt_auth.audience = %L', repeat('a', 20000)); END$$});
	execute($node, "SELECT jwt_revoke_key('$former')", %twin);
	sleep 0.1 while substr(slurp($node->logfile), $offset) !~ /too long to be published for connections/ && time < $end;
	lets_in('by a key whose revocation could not be published', $token, %twin);
	my $failures = q{SELECT value FROM jwt_auth.statistics WHERE database = 'twin' AND name = 'worker_failures'};
	my $before = value_of($node, $failures);

	cmp_ok($before, '>', 0, 'visits fail');
	sleep 7;
	cmp_ok(value_of($node, $failures) - $before, '<=', 3, 'and are made less and less often');
	execute($node, 'ALTER DATABASE twin RESET jwt_auth.audience');
	soon_refuses('by a revoked key, once visits succeed', 'key', $token, %twin);
	lets_in('by the key after it, once visits succeed', log_in('twin'), %twin);
	return;
}

# Issuer and audience are those of the database.
sub check_settings
{
	my $token = log_in('twin');

	execute($node, q{ALTER DATABASE twin SET jwt_auth.audience = 'other'});
	let_worker_come('twin');
	soon_refuses('for the audience of before', 'audience', $token, dbname => 'twin');
	lets_in('for the audience of the new setting', log_in('twin'), dbname => 'twin');
	execute($node, q{ALTER DATABASE twin SET jwt_auth.audience = ''});
	let_worker_come('twin');
	soon_lets_in('without an audience', log_in('twin'), dbname => 'twin');
	refuses('for an audience, in a database without one', 'audience', $token, dbname => 'twin');
	execute($node, 'ALTER DATABASE twin RESET jwt_auth.audience');
	execute($node, q{ALTER DATABASE twin SET jwt_auth.issuer = 'https://other.example'});
	let_worker_come('twin');
	soon_refuses('in a database with another issuer than the line', 'other', $token, dbname => 'twin');
	execute($node, q{ALTER DATABASE twin SET jwt_auth.issuer = ''});
	let_worker_come('twin');
	soon_refuses('in a database without an issuer', 'no_issuer', $token, dbname => 'twin');
	like(findings(dbname => 'twin'), $UNUSABLE, 'jwt_check: the database has no issuer');
	refuses('a token without one there', 'no_issuer', log_in('twin'), dbname => 'twin');
	execute($node, 'ALTER DATABASE twin RESET jwt_auth.issuer');
	let_worker_come('twin');
	soon_lets_in('with the issuer of the server again', $token, dbname => 'twin');
	return;
}

# Whoever may write the table gets nothing into shared memory but public keys.
sub check_contents
{
	my %key = map { $_ => new_key('ES256', $_) } qw(bad good);
	my $secret = new_key('HS256', 'bad');

	for my $case (
		[ 'a private key in the place of a public one', $key{bad}, signed($key{bad}) ],
		[ 'a secret in the place of a public key', $secret, signed($secret) ],
		[ 'a key without kid', value_of($node, 'SELECT jwk_public(' . quote($key{bad}) . ") - 'kid'"), signed($key{bad}) ],
		[ 'a key without alg', value_of($node, 'SELECT jwk_public(' . quote($key{bad}) . ") - 'alg'"), signed($key{bad}) ],
		[ 'no object', '"bad"', signed($key{bad}) ], [ 'an empty object', '{}', signed($key{bad}) ],
		[ 'a kind that nobody knows', '{"kty":"XYZ","kid":"bad","d":"secret"}', signed($key{bad}) ])
	{
		my ($name, $jwk, $token) = @$case;

		forge($key{good}, 'good');
		soon_lets_in("before: $name", signed($key{good}));
		forge($jwk, 'bad');
		soon_refuses("the key before: $name", 'key', signed($key{good}));
		refuses($name, 'key', $token);
		lets_in("the others stay: $name", log_in());
	}
	execute($node, q{DELETE FROM jwt_auth.keys WHERE kid IN ('bad', 'good')});
	return;
}

# A key that is no text in UTF-8 keeps no other from being published.
sub check_unwritable_key
{
	my %where = (dbname => 'bytes');

	$node->safe_psql('postgres', q{CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0});
	execute($node, $_, %where) for 'CREATE EXTENSION jwt_auth', 'SELECT jwt_create_key()';
	add_user('bytes');
	$node->safe_psql('bytes', <<'SQL');
INSERT INTO jwt_auth.keys (kid, use, alg, public_jwk, created_at, activated_at, verify_until, thumbprint)
SELECT kid, 'sig', 'ES256', jwk_public(jwk_generate('ES256', kid)), now(), now(), now() + interval '1 hour', kid
FROM (VALUES (E'!\xff'), (E'~\xff')) AS bad (kid);
SQL
	configure('worker_databases', 'postgres, twin, bare, bytes');
	soon_lets_in('beside keys that are no text', log_in('bytes'), %where);
	execute($node, 'DROP DATABASE bytes');
	configure('worker_databases', 'postgres, twin, bare');
	return;
}

# A row with this as public key, in place of any other
sub forge
{
	my ($jwk, $kid) = @_;
	my $public = $kid eq 'good' ? 'jwk_public(' . quote($jwk) . ')' : quote($jwk) . '::jsonb';

	execute($node, sprintf q{BEGIN; DELETE FROM jwt_auth.keys WHERE kid IN ('bad', 'good');
		INSERT INTO jwt_auth.keys (kid, use, alg, public_jwk, created_at, activated_at, verify_until, thumbprint)
		SELECT '%s', use, alg, %s, now(), now(), now() + interval '1 hour', gen_random_uuid()::text
		FROM jwt_auth.keys WHERE use = 'sig' AND verify_until IS NULL LIMIT 1; COMMIT}, $kid, $public);
	return;
}

# What does not fit into 16 kB opens nothing, and is found; the active key fits always.
sub check_room
{
	my %key = map { $_ => new_key('ES256', $_) } qw(!first ~last);

	execute($node, 'SELECT jwt_import_key(jwk_public(' . quote($key{$_}) . '))') for sort keys %key;
	soon_lets_in('by the last key, while there is room', signed($key{'~last'}));
	execute($node, q{SELECT count(jwt_import_key(jwk_public(jwk_generate('ES256', 'filling ' || n)))) FROM generate_series(1, 120) AS n});
	soon_refuses('by a key for which there is no room', 'key', signed($key{'~last'}));
	lets_in('by the first key', signed($key{'!first'}));
	lets_in('by the active key', log_in());
	soon_finds('keys without room', qr/(?:^|;)warning\|tokens of a key that is not published open no connections\|~last(?:;|$)/);
	unlike(findings(), qr/!first|active key/, 'jwt_check: not those with room');
	lets_in('the other database has its own room', log_in('twin'), dbname => 'twin');
	execute($node, q{DELETE FROM jwt_auth.keys WHERE kid LIKE 'filling %'});
	soon_lets_in('by the last key, when there is room again', signed($key{'~last'}));
	soon_finds('there is room again', qr/^$/);
	execute($node, q{DELETE FROM jwt_auth.keys WHERE kid IN ('!first', '~last')});
	return;
}

# A file is the only source where one is configured.
sub check_file_first
{
	my $filed = new_key('ES256', 'filed');
	my $token = log_in();

	refuses('by a key that no file has yet', 'key', signed($filed));
	write_file("$dir/keys.json", $json->encode({ keys => [ $json->decode(value_of($node, 'SELECT jwk_public(' . quote($filed) . ')')) ] }));
	chmod 0644, "$dir/keys.json" or die;
	configure('oauth_jwks_file', "$dir/keys.json");
	soon_lets_in('by a key of the file', signed($filed));
	refuses('by a published key that the file lacks', 'key', $token);
	unlink "$dir/keys.json" or die;
	refuses('by a published key, where the file is missing', 'file', $token);
	configure('oauth_jwks_file', '');
	soon_lets_in('by a published key, without a file', $token);
	refuses('by a key of the former file', 'key', signed($filed));
	return;
}

# What a role can do that owns databases, but is no superuser
sub check_owners
{
	my $fake = new_key('ES256', 'fake');
	my $as = "SET ROLE regress_shared_owner;";

	is(state_of($node, "$as ALTER DATABASE postgres SET jwt_auth.issuer = 'x'"), '42501', 'no role sets the issuer of a database');
	execute($node, "$as CREATE DATABASE regress_shared_fake");
	is(state_of($node, "$as ALTER DATABASE regress_shared_fake SET jwt_auth.issuer = 'x'"), '42501', 'not even of its own');
	is(state_of($node, "$as CREATE EXTENSION jwt_auth", dbname => 'regress_shared_fake'), '42501', 'nor makes the extension');
	execute($node, "$as CREATE SCHEMA jwt_auth; CREATE TABLE jwt_auth.keys (kid text PRIMARY KEY, public_jwk jsonb);
		INSERT INTO jwt_auth.keys SELECT 'fake', jwk FROM (VALUES (" . quote($fake) . "::jsonb)) AS v (jwk)", dbname => 'regress_shared_fake');
	configure('worker_databases', '*');
	soon_lets_in('all databases are served', log_in('unserved'), dbname => 'unserved');
	refuses('by a key of tables that are not the extension', 'missing', signed($fake), dbname => 'regress_shared_fake');
	refuses('nor elsewhere', 'key', signed($fake));
	execute($node, 'DROP DATABASE regress_shared_fake');
	execute($node, 'ALTER DATABASE twin OWNER TO regress_shared_owner');
	is(state_of($node, "$as INSERT INTO jwt_auth.keys (kid) VALUES ('fake')", dbname => 'twin'), '42501', 'who owns a database does not write its keys');
	is(state_of($node, "$as CREATE TRIGGER t BEFORE INSERT ON jwt_auth.keys EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()", dbname => 'twin'),
		'42501', 'nor puts triggers on them');
	is(state_of($node, "$as BEGIN; LOCK TABLE jwt_auth.keys; COMMIT", dbname => 'twin'), '42501', 'nor locks them');
	is(state_of($node, "$as DROP EXTENSION jwt_auth", dbname => 'twin'), '42501', 'nor drops the extension');
	execute($node, 'CREATE DATABASE copied TEMPLATE twin');
	my $token = log_in('copied');

	let_worker_come('copied');
	soon_lets_in('in a copy, with its copied keys', $token, dbname => 'copied');
	execute($node, 'SELECT jwt_revoke_key(kid) FROM jwt_auth.key_states WHERE use = $$sig$$ AND state = $$active$$', dbname => 'copied');
	soon_refuses('in a copy, by the key that was revoked there', 'key', $token, dbname => 'copied');
	lets_in('in the original, where it was not', log_in('twin'), dbname => 'twin');
	execute($node, 'DROP DATABASE copied');
	configure('worker_databases', 'postgres, twin, bare');
	return;
}

# The worker of a subscriber writes nothing, but publishes what arrives.
sub check_subscriber
{
	my %twin = (dbname => 'twin');
	my $key = new_key('ES256', 'subscribed');
	my ($stays, $goes) = (log_in('twin'), signed($key));

	execute($node, 'SELECT jwt_import_key(jwk_public(' . quote($key) . '))', %twin);
	soon_lets_in('before the database subscribes', $goes, %twin);
	execute($node, q{CREATE SUBSCRIPTION nodes CONNECTION 'host=nowhere.invalid' PUBLICATION nodes WITH (connect = false, slot_name = NONE)}, %twin);
	execute($node, q{INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, 'jwt_auth.keys'::regclass, 'r' FROM pg_subscription}, %twin);
	is(state_of($node, q{SELECT jwt_revoke_key('subscribed')}, %twin), '55000', 'a subscriber changes no keys');
	execute($node, q{DELETE FROM jwt_auth.keys WHERE kid = 'subscribed'}, %twin);
	soon_refuses('on a subscriber, by a key that is gone', 'key', $goes, %twin);
	lets_in('on a subscriber, by a key that stays', $stays, %twin);
	refuses('on a subscriber, by a tampered token', 'signature', tampered($stays), %twin);
	execute($node, 'DROP SUBSCRIPTION nodes', %twin);
	return;
}

sub check_standby
{
	my $standby = PostgreSQL::Test::Cluster->new('shared_standby');
	my $token = log_in();
	my $former = $json->decode(value_of($node, 'SELECT jwt_jwks()'))->{keys}[0]{kid};

	$node->backup('base');
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->append_conf('postgresql.conf', 'jwt_auth.worker_naptime = 1');
	$standby->start;
	soon_lets_in('on a standby', $token, where => $standby);
	is($client->answers($standby, $token, [ 'SELECT pg_is_in_recovery()', 'SELECT jwt_user_id() IS NOT NULL' ]), "t\nt", 'on a standby, the token is the identity');
	refuses('on a standby: a tampered token', 'signature', tampered($token), where => $standby);
	refuses('on a standby: as a superuser', 'role', $token, user => 'regress_shared_boss', where => $standby);
	refuses('on a standby: in a database without the extension', 'missing', $token, dbname => 'bare', where => $standby);
	is(value_of($standby, q{SELECT count(*) FROM jwt_check() WHERE finding ~ 'connection'}), '0', 'jwt_check has nothing to say on a standby');
	execute($node, 'SELECT jwt_rotate_key()');
	my $new = log_in();

	soon_lets_in('on a standby, by the key of a rotation', $new, where => $standby);
	execute($node, "SELECT jwt_revoke_key('$former')");
	soon_refuses('on a standby, by a revoked key', 'key', $token, where => $standby);
	$node->wait_for_catchup($standby);
	$standby->promote;
	lets_in('by the same keys after a promotion', $new, where => $standby);
	execute($standby, "SELECT jwt_revoke_key(kid) FROM jwt_auth.key_states WHERE use = 'sig' AND state = 'active'");
	soon_refuses('by a key that was revoked after a promotion', 'key', $new, where => $standby);
	soon_lets_in('by the next key', value_of($standby, q{SELECT jwt_login('alice', 'correct horse of alice') ->> 'access_token'}), where => $standby);
	lets_in('the former primary has not heard of it', $new);
	unlike(slurp($standby->logfile), qr/could not|terminated by signal|PANIC|TRAP/, 'nothing failed on the standby');
	$standby->stop;
	return;
}

# Shared memory is empty after a crash, until the worker has published anew.
sub check_crash
{
	my $token = log_in();
	my $victim = connect_to($node);
	my $pid = value_of($victim, 'SELECT pg_backend_pid()');
	my $end = time + $SECONDS;

	kill 'KILL', $pid;
	sleep 0.2 until answer($token) eq $APP || time > $end;
	lets_in('after a crash', $token);
	refuses('after a crash, by a key that is not there', 'key', signed(new_key('ES256', 'other')));
	return;
}

# Keys go with the extension and with the database.
sub check_drop
{
	my $token = log_in('twin');
	my $own = log_in();

	soon_lets_in('in the other database', $token, dbname => 'twin');
	execute($node, 'DROP EXTENSION jwt_auth', dbname => 'twin');
	let_worker_come('twin');
	soon_refuses('without the extension', 'missing', $token, dbname => 'twin');
	execute($node, 'CREATE EXTENSION jwt_auth', dbname => 'twin');
	execute($node, 'SELECT jwt_create_key()', dbname => 'twin');
	let_worker_come('twin');
	soon_refuses('with another extension of another key', 'key', $token, dbname => 'twin');
	execute($node, 'DROP DATABASE twin');
	refuses('without the database', 'missing', $token, dbname => 'twin');
	execute($node, 'CREATE DATABASE twin');
	refuses('in another database of that name', 'missing', $token, dbname => 'twin');
	lets_in('others stay', $own);
	return;
}

# While no worker comes, what is published opens connections for five naptimes, and at
# least for half a minute.
sub check_age
{
	my $token = log_in();
	my $launcher = value_of($node, q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'jwt_auth launcher'});

	lets_in('while a worker comes', $token);
	kill 'STOP', $launcher;
	configure('worker_naptime', 1);
	soon_refuses('when no worker has come for long', 'stale', $token);
	like(findings(), $UNUSABLE, 'jwt_check: no worker has come for long');
	refuses('a tampered token then', 'stale', tampered($token));
	kill 'CONT', $launcher;
	soon_lets_in('when a worker comes again', $token);
	my $lock = connect_to($node);

	execute($lock, 'BEGIN');
	execute($lock, 'LOCK TABLE jwt_auth.keys');
	soon_refuses('while the table of keys is locked for long', 'stale', $token);
	execute($lock, 'ROLLBACK');
	soon_lets_in('when it is not locked any more', $token);
	like(slurp($node->logfile), qr/jwt_auth worker could not publish keys for connections in database "postgres"/, 'the log says why');
	return;
}

# Without a launcher nobody publishes.
sub check_off
{
	my $token = log_in();

	$node->append_conf('postgresql.conf', "jwt_auth.worker_databases = ''");
	$node->reload;
	soon_refuses('when no database is named any more', 'missing', $token);
	$node->restart;
	refuses('without a launcher', 'off', $token);
	like(findings(), $UNUSABLE, 'jwt_check: there is no launcher');
	$node->append_conf('postgresql.conf', "jwt_auth.worker_databases = 'postgres'\nshared_preload_libraries = ''");
	$node->restart;
	refuses('without shared memory', 'off', $token);
	like(findings(), $UNUSABLE, 'jwt_check: there is no shared memory');
	return;
}

# Whatever was tried, no process was harmed but the one, and no token is in the log.
sub check_log
{
	my $log = slurp($node->logfile);
	my @signatures = map { s/.*\.//r } @secrets;

	cmp_ok(scalar @signatures, '>', 40, 'many tokens were tried');
	is(join(' ', grep { length > 20 && index($log, $_) >= 0 } @signatures), '', 'no token is in the log');
	is(scalar(() = $log =~ /terminated by signal/g), 1, 'only one process was killed');
	unlike($log, qr/PANIC|TRAP|terminated by signal (?!9)/, 'no process was harmed');
	return;
}
