# pg_upgrade from an older major version: users log in, sessions go on, tokens
# and keys are what they were, sealed or not, and what ended stays ended.
#
# OLD_PG_CONFIG names the older installation, which has the extension, too;
# matrix/upgrade makes one.
# At least 60 assertions

use strict;
use warnings;

use AccountTest;
use CatalogTest;
use File::Basename qw(dirname);
use JSON::PP qw(decode_json);
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'OLD_PG_CONFIG names no older PostgreSQL' unless $ENV{OLD_PG_CONFIG};

my $dir = PostgreSQL::Test::Utils::tempdir();
my $master_key = "$dir/master_key";
my @sealed = (0, 1);

open my $handle, '>', $master_key or die;
chmod 0600, $master_key or die;
print $handle 'mk1 ' . encode_base64(join('', map { chr int rand 256 } 1 .. 32), '') . "\n";
close $handle or die;

my $old = make_node('old', install_path => dirname(dirname($ENV{OLD_PG_CONFIG})));
my $new = make_node('new');

$old->start;
$old->safe_psql('postgres', 'CREATE ROLE regress_upgrade_app; CREATE ROLE regress_upgrade_gateway LOGIN NOINHERIT;
	GRANT regress_upgrade_app TO regress_upgrade_gateway');
my %before = map { $_ => fill_database($_) } @sealed;
my @oids = role_oids($old);
$old->stop;

upgrade();
$new->start;
is_deeply([ role_oids($new) ], \@oids, 'roles keep their OIDs');
check_database($_, $before{$_}) for @sealed;
check_invalidation();
$new->stop;
done_testing();

# Both sides have checksums or neither has; the default changed in 18.
sub make_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, %options);

	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8', '--data-checksums' ]);
	$node->append_conf('postgresql.conf', $_)
	  for "session_preload_libraries = 'jwt_auth'", 'jwt_auth.argon2_memory = 8', 'jwt_auth.argon2_iterations = 1',
	  'jwt_auth.refresh_grace = 60';
	return $node;
}

sub upgrade
{
	my ($old_bin, $new_bin) = map { dirname($_) } $ENV{OLD_PG_CONFIG}, $ENV{PG_CONFIG};
	my @command = (
		'pg_upgrade', '--no-sync', '--old-datadir', $old->data_dir, '--new-datadir', $new->data_dir,
		'--old-bindir', $old_bin, '--new-bindir', $new_bin, '--socketdir', $new->host,
		'--old-port', $old->port, '--new-port', $new->port);

	chdir $dir or die "could not enter $dir: $!\n";
	command_ok([ @command, '--check' ], 'pg_upgrade --check succeeds');
	command_ok(\@command, 'pg_upgrade succeeds') or diag logs_of_upgrade();
	return;
}

# What the logs say of errors, and the statements that they are about
sub logs_of_upgrade
{
	my $logs = $new->data_dir . '/pg_upgrade_output.d';

	return join "\n", map { slurp_file($_) =~ /^(?=.*(?:ERROR|FATAL|error:|warning:)).*\n(?:.*\n){0,5}/mg }
	  split /\n/, `find '$logs' -name '*.log' -o -name '*.txt'`;
}

# The session of a database
sub database { return $_[0] ? 'sealed' : 'clear'; }

sub session_of
{
	my ($node, $sealed) = @_;

	return JwtAuthSession->new($node, dbname => database($sealed));
}

# Keys in every state, an issuer, users, sessions in every state, a denied
# token, a failed login, a policy, rights; and the tokens of all.
sub fill_database
{
	my ($sealed) = @_;
	my $database = database($sealed);
	my %token;

	$old->safe_psql('postgres', "CREATE DATABASE $database");
	$old->safe_psql('postgres', "ALTER DATABASE $database SET jwt_auth.issuer = 'https://us.example'");
	$old->safe_psql('postgres', "ALTER DATABASE $database SET jwt_auth.master_key_file = '$master_key'") if $sealed;
	$old->safe_psql($database, 'CREATE SCHEMA api; CREATE EXTENSION jwt_auth SCHEMA api');
	$old->safe_psql('postgres', "ALTER DATABASE $database SET search_path = api, public");

	my $session = session_of($old, $sealed);
	my (undef, $errors) = $session->query(qq{
		SET client_min_messages = error;
		SELECT jwt_create_key('ES256', 'first'), jwt_create_key('EdDSA', 'next'), jwt_create_key('HS256', 'secret'),
			jwt_create_key('RS256', 'revoked'), jwt_create_key('ES384', 'retired');
		SELECT jwt_rotate_refresh_key();
		SELECT jwt_create_user(name, '$PASSWORD', 'regress_upgrade_app', '{"tenant":"t1"}') FROM unnest('{alice,bob}'::text[]) AS name;
		SELECT jwt_disable_user(jwt_create_user('disabled', '$PASSWORD'));
		SELECT jwt_import_user('imported', '\$2b\$04\$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS');
		SELECT jwt_login('mallory', 'wrong');
		UPDATE jwt_auth.login_throttle SET failures = 20;
		GRANT USAGE ON SCHEMA api TO regress_upgrade_app, regress_upgrade_gateway;
		GRANT EXECUTE ON FUNCTION jwt_login, jwt_refresh TO regress_upgrade_gateway;
		CREATE TABLE public.own (owner uuid DEFAULT jwt_user_id());
		INSERT INTO public.own SELECT id FROM jwt_auth.users;
		ALTER TABLE public.own ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own_rows ON public.own USING (owner = jwt_user_id() AND jwt_claim('tenant') = 't1');
		GRANT SELECT ON public.own TO regress_upgrade_app});

	die "the database could not be filled: $errors\n" if $errors =~ /ERROR/;
	my $issuer_key = quote($session->query(q{SELECT jwk_generate('ES256', 'other')}));
	$session->query("SELECT jwt_trust_issuer('https://other.example', jwk_public($issuer_key), 'web', '{regress_upgrade_app}')");
	$token{issuer}{access_token} = $session->query("SELECT jwt_sign_with(jsonb_build_object('iss', 'https://other.example', 'aud', 'web',
		'exp', extract(epoch FROM now())::bigint + 3600), $issuer_key)");
	for my $kid (qw(first next secret revoked retired))
	{
		$token{"key_$kid"}{access_token} = $session->query("SELECT jwt_sign('{}', '1 h', '$kid')");
	}
	$session->query(q{SELECT jwt_rotate_key(), jwt_revoke_key('revoked'), jwt_retire_key('retired')});
	$token{$_} = answer($session, "jwt_login('alice', '$PASSWORD')") for qw(live parent revoked replayed);
	$token{child} = refreshed($session, $token{parent});
	refreshed($session, refreshed($session, $token{replayed}));
	$session->query("SELECT jwt_refresh('$token{replayed}{refresh_token}') FROM set_config('jwt_auth.refresh_grace', '0', true)");
	$token{denied}{access_token} = $session->query(q{SELECT jwt_sign('{}')});
	$session->query("SELECT jwt_revoke('$token{revoked}{refresh_token}'), jwt_revoke('$token{denied}{access_token}')");

	my %seen = (token => \%token, rows => rows_seen($session, $token{live}), contents => contents_of($session),
		jwks => scalar $session->query('SELECT jwt_jwks()'), catalog => [ comparable_catalog($old, $database) ]);
	isnt($seen{rows}, '', "$database: a user sees rows");
	is($session->query('SELECT bool_and(sealed_by IS NOT NULL) FROM jwt_auth.keys WHERE private_jwk IS NOT NULL'), $sealed ? 't' : 'f',
		"$database: keys are sealed only with a master key");
	$session->close;
	return \%seen;
}

sub check_database
{
	my ($sealed, $before) = @_;
	my $name = database($sealed);
	my $token = $before->{token};
	my $session = session_of($new, $sealed);

	is(contents_of($session), $before->{contents}, "$name: all rows are kept");
	is(scalar $session->query('SELECT jwt_jwks()'), $before->{jwks}, "$name: the same keys are published");
	is_deeply([ differences($before->{catalog}, [ comparable_catalog($new, $name) ]) ], [], "$name: the catalogs are the same");
	is(state_of_token($session, $token->{$_}), '', "$name: a token is valid: $_") for qw(key_first key_next key_secret issuer live parent child);
	is(state_of_token($session, $token->{$_}), '28J00', "$name: a token of an ended key is refused: $_") for qw(key_revoked key_retired);
	is(state_of_token($session, $token->{$_}), '28J02', "$name: a revoked token is refused: $_") for qw(revoked replayed denied);
	is(rows_seen($session, $token->{live}), $before->{rows}, "$name: the policy gives the same rows");

	# The upgrade may take longer than a grace can last
	$session->query('UPDATE jwt_auth.refresh_tokens SET rotated_at = clock_timestamp() WHERE rotated_at IS NOT NULL');
	is(refreshed($session, $token->{parent})->{refresh_token}, $token->{child}{refresh_token}, "$name: within the grace period, a parent gives the same child");
	is(error_of(refreshed($session, $token->{$_})), 'ok', "$name: a session can be refreshed: $_") for qw(live child);
	is(error_of(refreshed($session, $token->{$_})), 'invalid_grant', "$name: an ended session cannot be refreshed: $_") for qw(revoked replayed);
	is(error_of(answer($session, "jwt_login('$_', '$PASSWORD')")), 'ok', "$name: $_ logs in") for qw(alice bob imported);
	is(error_of(answer($session, "jwt_login('$_', '$PASSWORD')")), 'invalid_grant', "$name: $_ does not log in") for qw(disabled nobody);
	is(error_of(answer($session, "jwt_login('mallory', 'wrong')")), 'temporarily_unavailable', "$name: mallory must wait");
	is($session->state_of(q{SELECT jwt_create_key('ES256', 'revoked')}), '22023', "$name: a used kid is refused");
	is($session->state_of('SELECT jwt_rotate_key(), jwt_rotate_refresh_key()'), '', "$name: keys rotate");
	is(state_of_token($session, $token->{key_first}), '', "$name: a retiring key verifies");
	$session->query('SET ROLE regress_upgrade_gateway');
	is(error_of(answer($session, "jwt_login('alice', '$PASSWORD')")), 'ok', "$name: the gateway logs people in");
	is($session->state_of('SELECT jwt_create_key()'), '42501', "$name: the gateway has no other right");
	is($session->state_of('SELECT * FROM jwt_auth.keys'), '42501', "$name: the gateway cannot read keys");
	$session->close;
	return;
}

# A revocation and a key change reach another session at once.
sub check_invalidation
{
	my @session = map { session_of($new, 1) } 1, 2;
	my $answer = answer($session[0], "jwt_login('bob', '$PASSWORD')");

	is(state_of_token($_, $answer), '', 'invalidation: a new token is valid in both sessions') for @session;
	$session[0]->query("SELECT jwt_revoke('$answer->{refresh_token}')");
	is(state_of_token($session[1], $answer), '28J02', 'invalidation: a revocation reaches the other session');
	my $signed = { access_token => scalar $session[0]->query(q{SELECT jwt_sign('{}', kid => 'secret')}) };

	is(state_of_token($session[1], $signed), '', 'invalidation: another token is valid');
	$session[0]->query(q{SELECT jwt_revoke_key('secret')});
	is(state_of_token($session[1], $signed), '28J00', 'invalidation: a change of keys reaches the other session');
	$_->close for @session;
	return;
}

# NOT NULL constraints are rows of their own since 18, and pg_upgrade records
# no initial rights that equal the default.  Whether a view's columns are
# written behind the name of their table depends on the major.
sub comparable_catalog
{
	my ($node, $database) = @_;

	return map { s/\b[a-z]\.(?=\w)//gr }
	  grep { !/^constraint \S+_not_null: n / && !/^initial_rights / } catalog_of($node, $database);
}

sub answer { return decode_json(scalar $_[0]->query("SELECT $_[1]")); }

sub refreshed { return answer($_[0], "jwt_refresh('$_[1]{refresh_token}')"); }

sub state_of_token
{
	my ($session, $token) = @_;

	return $session->state_of("SELECT jwt_verify('$token->{access_token}')");
}

sub rows_seen
{
	my ($session, $token) = @_;
	my $rows = $session->query(
		"SET jwt_auth.token = '$token->{access_token}'; SET ROLE regress_upgrade_app; SELECT * FROM public.own");

	$session->query('RESET ROLE; RESET jwt_auth.token');
	return $rows;
}

sub role_oids
{
	my ($node) = @_;

	return split /\n/, value_of($node, q{SELECT oid, rolname FROM pg_roles WHERE rolname ~ '^regress' ORDER BY oid});
}

# A digest of each table of the extension
sub contents_of
{
	my ($session) = @_;

	return join "\n", map {
		scalar $session->query("SELECT '$_', count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM jwt_auth.$_ AS t")
	} split /\n/, scalar $session->query(q{SELECT relname FROM pg_class WHERE relnamespace = 'jwt_auth'::regnamespace
		AND relkind = 'r' ORDER BY relname});
}
