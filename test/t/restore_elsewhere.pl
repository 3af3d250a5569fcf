# Dump and restore into another server (T54, T72, T90), where other roles
# are: by a superuser of another name, plain, custom and in parallel, without
# owners and rights and with them; sealed and not. Users log in, what was good is
# good, what was dead is dead, and nobody has a right that the install script did
# not give. Who is no superuser neither restores nor dumps, and is told so.
#
# Time limit: 900 s
# At least 447 assertions

use strict;
use warnings;

use AccountTest;
use CatalogTest;
use IPC::Run qw(run);
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @TABLES = qw(users sessions refresh_tokens revoked_tokens deleted_users login_throttle audit_log keys issuers);
my $OWNER = 'regress_first_owner';
my $RESTORER = 'regress_second_admin';
my $dir = PostgreSQL::Test::Utils::tempdir();
my $first = start_server('first');
my $second = start_server('second');

execute($first, "CREATE ROLE $OWNER LOGIN SUPERUSER; CREATE ROLE regress_first_app; CREATE ROLE regress_first_gateway LOGIN NOINHERIT;
	GRANT regress_first_app TO regress_first_gateway; CREATE ROLE regress_first_reader LOGIN IN ROLE pg_read_all_data;
	CREATE ROLE regress_first_keeper LOGIN");
execute($second, "CREATE ROLE $RESTORER LOGIN SUPERUSER; CREATE ROLE regress_second_owner LOGIN CREATEDB;
	CREATE ROLE regress_second_anyone LOGIN; CREATE ROLE regress_second_reader LOGIN IN ROLE pg_read_all_data, pg_write_all_data, pg_monitor");
my $sealing = master_key();
my %told = (clear => fill('clear'), sealed => fill('sealed', $sealing));

execute($second, 'CREATE DATABASE fresh');
$second->safe_psql('fresh', 'CREATE EXTENSION jwt_auth', extra_params => [ '-U', $RESTORER ]);
my @fresh = catalog_of($second, 'fresh');

restore_without_roles();
restore_with_roles();
refuse_missing_roles();
refuse_ordinary_owner();
refuse_to_dump();
done_testing();

sub start_server
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', $_)
	  for "session_preload_libraries = 'jwt_auth'", 'jwt_auth.argon2_memory = 8', 'jwt_auth.argon2_iterations = 1', 'jwt_auth.refresh_grace = 60',
	  'jwt_auth.access_token_ttl = 1h';
	$node->start;
	return $node;
}

sub master_key
{
	append_to_file("$dir/master", 'mk1 ' . encode_base64(join('', map { chr int rand 256 } 1 .. 32), '') . "\n");
	chmod 0600, "$dir/master" or die "could not protect a file: $!\n";
	return "jwt_auth.master_key_file = '$dir/master'";
}

sub answer { return JSON::PP::decode_json(scalar $_[0]->query("SELECT $_[1]")); }

sub refreshed { return answer($_[0], "jwt_refresh('$_[1]{refresh_token}')"); }

sub verdict
{
	my ($session, $token) = @_;

	return $session->state_of('SELECT jwt_verify(' . quote(ref $token ? $token->{access_token} : $token) . ')');
}

# A database of the first server with all there is, made by its owner; and the
# tokens of it.
sub fill
{
	my ($database, @settings) = @_;
	my %token;

	execute($first, "CREATE DATABASE $database OWNER $OWNER");
	execute($first, "ALTER DATABASE $database SET $_") for @settings;
	my $session = JwtAuthSession->new($first, dbname => $database, role => $OWNER);
	my (undef, $errors) = $session->query(qq{
		SET client_min_messages = error;
		CREATE EXTENSION jwt_auth;
		SELECT jwt_create_key('ES256', 'one'), jwt_create_key('HS256', 'secret'), jwt_create_key('RS256', 'dead');
		SELECT jwt_create_user(name, '$PASSWORD', 'regress_first_app', '{"tenant":"t1"}') FROM unnest('{alice,bob}'::text[]) AS name;
		SELECT jwt_import_user('imported', '\$2b\$04\$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS');
		SELECT jwt_disable_user(jwt_create_user('disabled', '$PASSWORD'));
		SELECT jwt_login('mallory', 'wrong');
		UPDATE jwt_auth.login_throttle SET failures = 20;
		CREATE TABLE public.own (owner uuid DEFAULT jwt_user_id(), tenant text DEFAULT 't1');
		INSERT INTO public.own SELECT id FROM jwt_auth.users;
		ALTER TABLE public.own ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own_rows ON public.own USING (owner = jwt_user_id() AND tenant = jwt_claim('tenant'));
		GRANT SELECT ON public.own TO regress_first_app;
		GRANT EXECUTE ON FUNCTION jwt_login, jwt_refresh TO regress_first_gateway;
		CREATE TABLE public.kept (id integer); INSERT INTO public.kept VALUES (7);
		ALTER TABLE public.kept OWNER TO regress_first_keeper});

	die "the database could not be filled: $errors\n" if $errors =~ /ERROR/;
	for my $alg (qw(ES256 HS256))
	{
		my $key = quote($session->query("SELECT jwk_generate('$alg', 'i')"));
		my $public = $alg eq 'HS256' ? $key : "jwk_public($key)";

		$session->query("SELECT jwt_trust_issuer('https://$alg.example', $public, 'web')");
		$token{"issuer_$alg"} = $session->query("SELECT jwt_sign_with(jsonb_build_object('iss', 'https://$alg.example', 'aud', 'web',
			'exp', extract(epoch FROM now())::bigint + 3600), $key)");
	}
	$token{$_} = $session->query("SELECT jwt_sign('{}', '1 h', '$_')") for qw(one secret dead);
	$session->query(q{SELECT jwt_revoke_key('dead')});
	$token{$_} = answer($session, "jwt_login('alice', '$PASSWORD')") for qw(live parent revoked replayed);
	$token{child} = refreshed($session, $token{parent});
	refreshed($session, refreshed($session, $token{replayed}));
	$session->query("SELECT jwt_refresh('$token{replayed}{refresh_token}') FROM set_config('jwt_auth.refresh_grace', '0', true)");
	$token{denied} = $session->query(q{SELECT jwt_sign('{}')});
	$session->query("SELECT jwt_revoke('$token{revoked}{refresh_token}'), jwt_revoke('$token{denied}')");
	$token{digest} = digest_of($session);
	$session->close;
	return \%token;
}

sub digest_of
{
	my ($session) = @_;

	return join "\n",
	  map { scalar $session->query("SELECT '$_', count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM jwt_auth.$_ AS t") } @TABLES;
}

# Runs a program against a database; returns whether it worked, and what it said.
sub try_to
{
	my ($node, $database, $user, @command) = @_;
	my ($output, $errors) = ('', '');
	my $worked = run([ @command, '-d', $node->connstr($database) . " user=$user" ], '<', \'', '>', \$output, '2>', \$errors);

	return ($worked, $errors, $output);
}

sub dump_from
{
	my ($database, $file, @options) = @_;
	my ($worked, $errors) = try_to($first, $database, $OWNER, 'pg_dump', '--no-sync', "--file=$dir/$file", @options);

	ok($worked, "$file: the dump succeeds") or diag $errors;
	return;
}

sub restore_command
{
	my ($file, @options) = @_;

	return $file =~ /plain/ ? ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '--single-transaction', '-f', "$dir/$file")
	  : ('pg_restore', '--exit-on-error', @options, "$dir/$file");
}

sub new_copy
{
	my ($database, $owner, @settings) = @_;

	execute($second, "CREATE DATABASE $database OWNER $owner");
	execute($second, "ALTER DATABASE $database SET $_") for @settings;
	return;
}

# None of the first server's roles exists in the second one.
sub restore_without_roles
{
	my @bare = ('--no-owner', '--no-privileges');

	# As in doc/operating.md, for restoring in parallel: an archive does not say that rows of
	# an extension's tables refer to each other.
	my @steps = (
		['--section=pre-data'],
		[ '--section=data', '--schema=jwt_auth' ],
		[ '--section=data', '--section=post-data', '--exclude-schema=jwt_auth', '--jobs=4' ]);

	for my $case (
		[ 'clear', 'plain', [@bare], [] ],
		[ 'clear', 'custom', [], [ '--single-transaction' ] ],
		[ 'clear', 'directory', [ '--jobs=2' ], @steps ],
		[ 'sealed', 'custom', [], [] ])
	{
		my ($source, $format, $dumping, @restoring) = @$case;
		my $name = "${source}_$format";

		dump_from($source, $name, "--format=$format", @$dumping);
		unlike(slurp_file("$dir/$name"), qr/^(?:ALTER .* OWNER|GRANT|REVOKE) /m, "$name: the dump grants no rights") if $format eq 'plain';
		new_copy($name, $RESTORER, $source eq 'sealed' ? $sealing : ());
		for my $options (@restoring)
		{
			my ($worked, $errors) = try_to($second, $name, $RESTORER, restore_command($name, @bare, @$options));

			ok($worked, "$name: restored @$options") or diag $errors;
		}
		is_deeply([ differences(\@fresh, [ catalog_of($second, $name) ]) ], [], "$name: the restored extension is as one newly created");
		check_copy($name, $told{$source});
		check_rights($name);
		check_policy($name, $told{$source});
		execute($second, "DROP DATABASE $name");
	}
	return;
}

# Verdicts, logins and sessions, as the restorer
sub check_copy
{
	my ($name, $token) = @_;
	my $session = JwtAuthSession->new($second, dbname => $name, role => $RESTORER);

	is(digest_of($session), $token->{digest}, "$name: all rows are restored");
	is(verdict($session, $token->{$_}), '', "$name: accepted: $_") for qw(one secret issuer_ES256 issuer_HS256 live parent child);
	is(verdict($session, $token->{$_}), '28J02', "$name: refused: $_") for qw(revoked replayed denied);
	is(verdict($session, $token->{dead}), '28J00', "$name: refused: a token by a revoked key");
	is(error_of(answer($session, "jwt_login('$_', '$PASSWORD')")), 'ok', "$name: $_ logs in") for qw(alice bob imported);
	is(error_of(answer($session, "jwt_login('$_', '$PASSWORD')")), 'invalid_grant', "$name: $_ cannot log in") for qw(disabled nobody);
	is(error_of(refreshed($session, $token->{live})), 'ok', "$name: a live session can be refreshed");

	# Even if it all took longer than the grace, or the wait
	$session->query('UPDATE jwt_auth.refresh_tokens SET earlier = substr(earlier, 1, 16) || timestamptz_send(clock_timestamp()) WHERE generation = 2;
		UPDATE jwt_auth.login_throttle SET last_failure_at = clock_timestamp() WHERE failures > 19');
	is(error_of(answer($session, "jwt_login('mallory', 'wrong')")), 'temporarily_unavailable', "$name: mallory waits");
	is(refreshed($session, $token->{parent})->{refresh_token}, $token->{child}{refresh_token}, "$name: a parent in its grace gives the same child");
	is(error_of(refreshed($session, $token->{child})), 'ok', "$name: the child can be refreshed");
	is(error_of(refreshed($session, $token->{$_})), 'invalid_grant', "$name: ended: $_") for qw(revoked replayed);
	is( error_of(answer($session, "jwt_refresh('$token->{parent}{refresh_token}') FROM set_config('jwt_auth.refresh_grace', '0', true)")),
		'invalid_grant', "$name: a replay is denied");
	is($session->query(q{SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'refresh_replayed'}), 2, "$name: the replay is audited");
	is($session->state_of(q{SELECT jwt_create_key('ES256', 'dead')}), '22023', "$name: a former kid is refused");
	is($session->state_of('SELECT jwt_rotate_key(), jwt_rotate_refresh_key(), jwt_purge()'), '', "$name: rotations and a purge succeed");
	$session->close;
	return;
}

# What others may: call what is anyone's, and read and write no row
sub check_rights
{
	my ($name) = @_;
	my $reader = JwtAuthSession->new($second, dbname => $name, role => 'regress_second_reader');
	my $anyone = JwtAuthSession->new($second, dbname => $name, role => 'regress_second_anyone');

	is($reader->query("SELECT count(*) FROM jwt_auth.$_"), 0, "$name: who reads all data reads nothing of $_") for @TABLES;
	is($reader->query('WITH d AS (DELETE FROM jwt_auth.users RETURNING 1) SELECT count(*) FROM d'), 0, "$name: a role that reads all data deletes no user");
	is($anyone->state_of("SELECT * FROM jwt_auth.$_"), '42501', "$name: anyone may not read $_") for @TABLES;
	is($anyone->state_of("SELECT $_"), '42501', "$name: anyone may not call $_")
	  for "jwt_login('alice', '$PASSWORD')", q{jwt_refresh('x')}, q{jwt_create_user('x')}, q{jwt_sign('{}')}, 'jwt_reset_after_restore()',
	  'jwt_create_key()', 'jwt_purge()', q{jwt_introspect('x')};
	is($anyone->state_of(q{SELECT jwt_verify('x')}), '28J00', "$name: anyone may call jwt_verify");
	$_->close for $reader, $anyone;
	return;
}

# The application's own policy, for a role of the second server; the one that
# tokens name does not exist here.
sub check_policy
{
	my ($name, $token) = @_;
	my $admin = JwtAuthSession->new($second, dbname => $name, role => $RESTORER);
	my $anyone = JwtAuthSession->new($second, dbname => $name, role => 'regress_second_anyone');
	my $live = answer($admin, "jwt_login('alice', '$PASSWORD')")->{access_token};

	is($anyone->state_of('SELECT * FROM public.own'), '42501', "$name: former grants on tables are not restored");
	$admin->query('GRANT SELECT ON public.own TO regress_second_anyone');
	is($anyone->query('SELECT count(*) FROM public.own'), 0, "$name: a policy shows nothing to nobody");
	is($anyone->query("SET jwt_auth.token = '$live'; SELECT count(*) FROM public.own"), 1, "$name: a policy shows its row to a user");
	is($anyone->state_of("SELECT jwt_authenticate('$live', true)"), '42501', "$name: a role that is not here cannot be assumed");
	$_->close for $admin, $anyone;
	return;
}

# Roles of the same names, of which none is a superuser here
sub restore_with_roles
{
	execute($second, "CREATE ROLE $_ LOGIN") for $OWNER, qw(regress_first_app regress_first_gateway regress_first_keeper);
	execute($second, 'GRANT regress_first_app TO regress_first_gateway');
	for my $format (qw(plain custom))
	{
		my $name = "roles_$format";

		dump_from('clear', $name, "--format=$format");
		new_copy($name, $OWNER);
		my ($worked, $errors) = try_to($second, $name, $RESTORER, restore_command($name));

		ok($worked, "$name: restored") or diag $errors;
		check_copy($name, $told{clear});
		check_rights($name);
		my $gateway = JwtAuthSession->new($second, dbname => $name, role => 'regress_first_gateway');
		my $owner = JwtAuthSession->new($second, dbname => $name, role => $OWNER);
		my $login = answer($gateway, "jwt_login('alice', '$PASSWORD')");

		is(error_of($login), 'ok', "$name: the gateway logs users in");
		is($gateway->query("BEGIN; SELECT jwt_authenticate('$login->{access_token}', true) IS NOT NULL; SELECT count(*) FROM public.own; COMMIT"),
			"t\n1", "$name: and acts for them");
		is($gateway->state_of('SELECT jwt_create_key()'), '42501', "$name: the gateway has no other right");
		is($owner->state_of("SELECT $_"), '42501', "$name: the owner of the database may not call $_")
		  for 'jwt_create_key()', "jwt_login('alice', '$PASSWORD')", 'jwt_reset_after_restore()', 'count(*) FROM jwt_auth.keys';
		is($owner->state_of('DROP EXTENSION jwt_auth CASCADE'), '42501', "$name: the owner of the database cannot drop the extension");
		is($owner->query(q{SELECT extowner::regrole FROM pg_extension WHERE extname = 'jwt_auth'}), $RESTORER, "$name: the restorer owns the extension");
		$_->close for $gateway, $owner;
		execute($second, "DROP DATABASE $name");
	}
	execute($second, "DROP ROLE $_") for $OWNER, qw(regress_first_app regress_first_gateway regress_first_keeper);
	return;
}

# With owners and rights, and without the roles: an error that names one, and
# nothing is left.
sub refuse_missing_roles
{
	new_copy('missing', $RESTORER);
	for my $format (qw(plain custom))
	{
		my ($worked, $errors) = try_to($second, 'missing', $RESTORER, restore_command("roles_$format", '--single-transaction'));

		ok(!$worked, "$format, roles missing: the restore fails");
		like($errors, qr/role "regress_first_\w+" does not exist/, "$format, roles missing: the error names the role");
		is(value_of($second, q{SELECT count(*) FROM pg_extension WHERE extname = 'jwt_auth'}, dbname => 'missing'), 0, "$format, roles missing: nothing is restored");
	}
	return;
}

# Who owns the database but is no superuser: neither creates the extension nor
# fills one that is there.
sub refuse_ordinary_owner
{
	my $owner = 'regress_second_owner';

	for my $format (qw(plain custom))
	{
		my $name = "ordinary_$format";
		my @command = restore_command("clear_$format", '--no-owner', '--no-privileges', '--single-transaction');

		new_copy($name, $owner);
		my ($worked, $errors) = try_to($second, $name, $owner, @command);

		ok(!$worked, "$name: the restore fails");
		like($errors, qr/permission denied to create extension "jwt_auth"/, "$name: the error says that the extension cannot be created");
		like($errors, qr/Must be superuser/, "$name: the error says who may create it");
		$second->safe_psql($name, 'CREATE EXTENSION jwt_auth', extra_params => [ '-U', $RESTORER ]);
		($worked, $errors) = try_to($second, $name, $owner, @command);
		ok(!$worked, "$name: a restore into an existing extension fails");
		like($errors, qr/permission denied|must be owner/, "$name: the error says why the existing extension is not filled");
		is(value_of($second, 'SELECT count(*) FROM jwt_auth.users', dbname => $name), 0, "$name: no row is restored");
		is(value_of($second, q{SELECT count(*) FROM pg_class WHERE relname = 'own'}, dbname => $name), 0, "$name: no table is restored");
	}
	return;
}

# An error, never a dump without the rows
sub refuse_to_dump
{
	execute($first, 'CREATE ROLE regress_first_database LOGIN; ALTER DATABASE clear OWNER TO regress_first_database');
	$first->safe_psql('clear', 'GRANT SELECT ON public.own, public.kept TO regress_first_reader, regress_first_database, regress_first_gateway');
	for my $role (qw(regress_first_reader regress_first_database regress_first_gateway regress_first_keeper))
	{
		for my $options ([], ['--data-only'], [ '--format=custom', "--file=$dir/refused" ], [ '--table=jwt_auth.users', '--data-only' ])
		{
			my ($worked, $errors, $output) = try_to($first, 'clear', $role, 'pg_dump', '--no-sync', @$options);

			ok(!$worked, "$role dumps nothing: @{ [ grep { !/file/ } @$options ] }");
			like($errors, qr/permission denied|row-level security/, "$role: the error says why the dump fails");
			unlike($output, qr/argon2id|^COPY jwt_auth.*\n./m, "$role: the failed dump contains no row");
		}
		my ($worked, $errors, $output) = try_to($first, 'clear', $role, 'pg_dump', '--no-sync', '--exclude-table=jwt_auth.*', '--exclude-table=public.own');

		ok($worked, "$role dumps the rest without them") or diag $errors;
		like($output, qr/^7$/m, "$role: the dump without the tables contains the other rows");
	}
	return;
}
