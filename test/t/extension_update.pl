# ALTER EXTENSION UPDATE (T79). Each released version, installed from a frozen
# copy of its script, becomes the current one while sessions are live: all that
# was valid stays valid, all that was revoked stays so, policies stay, and the
# catalogs are those of a new installation.
#
# A rehearsal shows that this finds what an upgrade script leaves out. It makes
# two versions up in a copy of the installation: the next one, whose scripts
# agree, and for each statement one whose upgrade script lacks that statement.
#
# Time limit: 900 s
# At least 49 assertions

use strict;
use warnings;

use AccountTest;
use CatalogTest;
use File::Basename qw(basename dirname);
use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = $ENV{JWT_AUTH_SOURCE};
my $released = "$source/test/released";
my $install = copy_installation();
my $scripts = pg_config($install, 'sharedir') . '/extension';
my ($current) = slurp_file("$source/jwt_auth.control") =~ /^default_version = '(.*)'/m;

my $node = PostgreSQL::Test::Cluster->new('update', install_path => $install);
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', $_)
  for 'jwt_auth.argon2_memory = 8', 'jwt_auth.argon2_iterations = 1', "session_preload_libraries = 'jwt_auth'";
$node->start;
execute($node, 'CREATE ROLE regress_update_app; CREATE ROLE regress_update_other');

check_released_scripts();
check_rehearsal();
done_testing();

sub check_released_scripts
{
	my @frozen = map { basename($_) } glob "'$released'/*.sql";
	my @old = grep { $_ ne $current } versions_of(map { basename($_) } glob "'$source'/sql/jwt_auth--*.sql");

	note 'no version is released yet' unless @frozen;
	for my $file (@frozen)
	{
		ok(-e "$source/sql/$file" && slurp_file("$source/sql/$file") eq slurp_file("$released/$file"), "$file is as it was released");
	}
	for my $version (@old)
	{
		ok(-e "$released/jwt_auth--$version.sql", "version $version has a frozen copy in test/released");
	}
	check_update($_, $current) for versions_of(@frozen);
	return;
}

# The versions that can be installed.
sub versions_of
{
	my (@files) = @_;

	return map { /^jwt_auth--((?:(?!--).)+)\.sql$/ ? $1 : () } @files;
}

# What a next version may add, by name; each is one statement that its upgrade
# script could lack. Those that the others build on stand first.
sub next_version
{
	return (
		[ table => 'CREATE TABLE jwt_auth.device (id uuid NOT NULL CONSTRAINT device_pkey PRIMARY KEY, name text)' ],
		[ function => q{CREATE FUNCTION jwt_device(name text) RETURNS text LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
			SET search_path = pg_catalog, pg_temp AS 'SELECT name'} ],
		[ column => q{ALTER TABLE jwt_auth.users ADD COLUMN note text NOT NULL DEFAULT ''} ],
		[ rights => 'REVOKE ALL ON FUNCTION jwt_device(text) FROM PUBLIC' ],
		[ comment => q{COMMENT ON FUNCTION jwt_device(text) IS 'A device'} ],
		[ column_comment => q{COMMENT ON COLUMN jwt_auth.device.name IS 'Its name'} ],
		[ not_null => 'ALTER TABLE jwt_auth.device ALTER COLUMN name SET NOT NULL' ],
		[ default => q{ALTER TABLE jwt_auth.device ALTER COLUMN name SET DEFAULT 'new'} ],
		[ check => q{ALTER TABLE jwt_auth.device ADD CONSTRAINT device_name_check CHECK (name OPERATOR(pg_catalog.<>) '')} ],
		[ foreign_key => 'ALTER TABLE jwt_auth.device ADD CONSTRAINT device_id_fkey FOREIGN KEY (id) REFERENCES jwt_auth.users ON DELETE CASCADE' ],
		[ index => 'CREATE INDEX device_name_idx ON jwt_auth.device (name)' ],
		[ fillfactor => 'ALTER TABLE jwt_auth.device SET (fillfactor = 90)' ],
		[ row_security => 'ALTER TABLE jwt_auth.device ENABLE ROW LEVEL SECURITY' ],
		[ policy => 'CREATE POLICY device_none ON jwt_auth.device USING (false)' ],
		[ trigger => 'CREATE TRIGGER device_trigger BEFORE UPDATE ON jwt_auth.device FOR EACH ROW EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()' ],
		[ dump => q{SELECT pg_catalog.pg_extension_config_dump('jwt_auth.device', '')} ],
		[ changed_function => 'ALTER FUNCTION jwt_decode(text) STRICT' ],
		[ storage => 'ALTER TABLE jwt_auth.users ALTER COLUMN username SET STORAGE MAIN' ]);
}

sub check_rehearsal
{
	my $script = slurp_file("$source/sql/jwt_auth--$current.sql");
	my ($start, $final) = $script =~ /^(.*?)^(--\n-- ALTER DEFAULT PRIVILEGES applies.*)\z/ms
	  or die "the install script does not end with the block that takes rights back\n";
	my $final_upgrade = of_new_objects($final);
	my @pieces = next_version();
	my $all = join '', map { "$_->[1];\n" } @pieces;
	my $number = 0;

	write_script("jwt_auth--rehearsal.sql", $start . $all . $final);
	write_script("jwt_auth--$current--rehearsal.sql", $all . $final_upgrade);
	check_update($current, 'rehearsal');

	execute($node, "CREATE DATABASE fresh");
	grant_by_default('fresh');
	execute($node, "CREATE EXTENSION jwt_auth VERSION 'rehearsal'", dbname => 'fresh');
	my @fresh = catalog_of($node, 'fresh');

	for my $lacking (grep { $_->[0] !~ /^(?:table|function)$/ } @pieces)
	{
		my $upgrade = join '', map { "$_->[1];\n" } grep { $_ != $lacking } @pieces;

		check_lack($lacking->[0], $upgrade . $final_upgrade, \@fresh);
	}
	check_lack('rights_taken_back', $all, \@fresh);
	execute($node, 'DROP DATABASE fresh');
	return;
}

# An upgrade script takes rights back only on what it creates: on the rest they
# are the administrator's. The rows of this transaction have no age.
sub of_new_objects
{
	my ($block) = @_;

	$block =~ s/^(\s*AND )member\.deptype .*\n\K/$1pg_catalog.age(member.xmin) OPERATOR(pg_catalog.<=) 0\n/m
	  or die "the last block of the install script does not read as expected\n";
	return $block;
}

# An upgrade script that lacks something gives other catalogs.
sub check_lack
{
	my ($name, $upgrade, $fresh) = @_;

	write_script("jwt_auth--$current--lack_$name.sql", $upgrade);
	execute($node, 'CREATE DATABASE lack');
	grant_by_default('lack');
	execute($node, "CREATE EXTENSION jwt_auth VERSION '$current'", dbname => 'lack');
	execute($node, "ALTER EXTENSION jwt_auth UPDATE TO 'lack_$name'", dbname => 'lack');
	my @differences = differences([ catalog_of($node, 'lack') ], $fresh);

	ok(@differences > 0, "an incomplete upgrade script is detected: $name") and note explain \@differences;
	execute($node, 'DROP DATABASE lack');
	return;
}

# Updates a database in use from one version to another.
sub check_update
{
	my ($from, $to) = @_;
	my $name = "$from to $to";
	my @where = (dbname => 'updated');

	execute($node, "CREATE DATABASE $_") for qw(updated fresh);
	grant_by_default($_) for qw(updated fresh);
	use_frozen_script($from);
	execute($node, "CREATE EXTENSION jwt_auth VERSION '$from'", dbname => 'updated');
	execute($node, "CREATE EXTENSION jwt_auth VERSION '$to'", dbname => 'fresh');

	$node->safe_psql($_, 'GRANT EXECUTE ON FUNCTION jwt_login TO regress_update_app') for qw(updated fresh);

	my $session = JwtAuthSession->new($node, @where);
	my $token = fill_database($session);
	my $seen = $session->query('SELECT * FROM own');
	my $contents = contents_of($session);

	isnt($seen, '', "$name: a policy lets the user's row through");
	execute($node, "ALTER EXTENSION jwt_auth UPDATE TO '$to'", dbname => 'updated');
	is(value_of($node, q{SELECT extversion FROM pg_extension WHERE extname = 'jwt_auth'}, @where), $to, "$name: the version is the new one");
	is_deeply([ differences([ catalog_of($node, 'updated') ], [ catalog_of($node, 'fresh') ]) ], [], "$name: the catalogs equal those of a new installation");
	is(contents_of($session), $contents, "$name: all rows are kept");

	for my $which ([ 'a session from before', $session ], [ 'a new session', JwtAuthSession->new($node, @where) ])
	{
		check_session("$name: $which->[0]", $which->[1], $token, $seen);
		$which->[1]->close;
	}
	execute($node, "DROP DATABASE $_") for qw(updated fresh);
	return;
}

# A gift that the scripts have to take back
sub grant_by_default
{
	my ($database) = @_;
	my $session = connect_to($node, dbname => $database);

	execute($session, "ALTER DEFAULT PRIVILEGES GRANT ALL ON $_ TO regress_update_other") for qw(TABLES FUNCTIONS SEQUENCES SCHEMAS);
	return;
}

# Users, keys, an issuer, sessions, what is revoked, and a table under a
# policy; the session acts for alice and has used all plans.
sub fill_database
{
	my ($session) = @_;
	my %token;
	my (undef, $errors) = $session->query(qq{
		SET client_min_messages = error;
		SELECT jwt_create_key('ES256', 'first'), jwt_create_key('HS256', 'secret');
		SELECT jwt_create_user(name, '$PASSWORD', 'regress_update_app', '{"tenant":"t1"}') FROM unnest('{alice,bob}'::text[]) AS name;
		SELECT jwt_trust_issuer('https://other.example', jwk_public(jwk_generate('ES256', 'other')), 'api');
		CREATE TABLE own (owner uuid);
		INSERT INTO own SELECT id FROM jwt_auth.users;
		ALTER TABLE own ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own_rows ON own USING (owner = jwt_user_id() AND jwt_claim('tenant') = 't1');
		GRANT SELECT ON own TO regress_update_app});

	die "the database could not be filled: $errors\n" if $errors =~ /ERROR/;
	$token{$_} = log_in_with($session) for qw(live rotated revoked);
	$token{rotated} = refreshed($session, $token{rotated});
	$session->query("SELECT jwt_revoke('$token{revoked}{refresh_token}')");
	$token{signed}{access_token} = $session->query(q{SELECT jwt_sign('{"sub":"x"}', kid => 'secret')});
	$token{denied}{access_token} = $session->query(q{SELECT jwt_sign('{"sub":"y"}')});
	$session->query("SELECT jwt_revoke('$token{denied}{access_token}')");
	$session->query("SET jwt_auth.token = '$token{live}{access_token}'; SET ROLE regress_update_app");
	return \%token;
}

sub check_session
{
	my ($name, $session, $token, $seen) = @_;

	$session->query("SET jwt_auth.token = '$token->{live}{access_token}'; SET ROLE regress_update_app");
	is($session->query('SELECT * FROM own'), $seen, "$name: the policy gives the same rows");
	is($session->query('SET jwt_auth.token = DEFAULT; SELECT count(*) FROM own'), 0, "$name: the policy gives no rows without a token");
	isnt($session->query(qq{SELECT jwt_login('alice', '$PASSWORD') ->> 'access_token'}), '', "$name: a granted right stays");
	is($session->state_of(q{SELECT jwt_create_key()}), '42501', "$name: a right that was not granted is refused");
	$session->query('RESET ROLE');
	is($session->state_of("SELECT jwt_verify('$token->{$_}{access_token}')"), '', "$name: a token is valid: $_") for qw(live rotated signed);
	is($session->state_of("SELECT jwt_verify('$token->{$_}{access_token}')"), '28J02', "$name: a revoked token is refused: $_") for qw(revoked denied);
	$token->{rotated} = refreshed($session, $token->{rotated});
	is(error_of($token->{rotated}), 'ok', "$name: a session can be refreshed");
	is(error_of(refreshed($session, $token->{revoked})), 'invalid_grant', "$name: a revoked session cannot be refreshed");
	is(error_of(log_in_with($session)), 'ok', "$name: users log in");
	is($session->state_of('SELECT jwt_rotate_key()'), '', "$name: keys rotate");
	is($session->state_of('DROP EXTENSION jwt_auth'), '2BP01', "$name: the extension is not dropped while policies depend on it");
	return;
}

sub log_in_with
{
	my ($session) = @_;

	return JSON::PP::decode_json(scalar $session->query("SELECT jwt_login('alice', '$PASSWORD')"));
}

sub refreshed
{
	my ($session, $answer) = @_;

	return JSON::PP::decode_json(scalar $session->query("SELECT jwt_refresh('$answer->{refresh_token}')"));
}

# The rows of all tables, by the columns that there are now
sub contents_of
{
	my ($session) = @_;

	return scalar $session->query(q{SELECT count(*), md5(string_agg(concat_ws(' ', s.id, s.user_id, s.revoked_at, r.generation, r.nonce,
		u.username, u.password_hash, u.claims), ' ' ORDER BY s.id)), (SELECT md5(string_agg(concat_ws(' ', kid, private_jwk), ' ' ORDER BY kid)) FROM jwt_auth.keys),
		(SELECT string_agg(jti, ' ' ORDER BY jti) FROM jwt_auth.revoked_tokens), (SELECT string_agg(issuer, ' ') FROM jwt_auth.issuers)
		FROM jwt_auth.sessions AS s JOIN jwt_auth.refresh_tokens AS r ON r.session_id = s.id JOIN jwt_auth.users AS u ON u.id = s.user_id});
}

# PostgreSQL finds its extensions beside its programs, so these are copied.
sub copy_installation
{
	my $tree = PostgreSQL::Test::Utils::tempdir() . '/tree';
	my %dir = map { $_ => pg_config(undef, $_) } qw(bindir pkglibdir sharedir);

	for my $dir (values %dir)
	{
		my $from = -d "$ENV{JWT_AUTH_TREE}$dir" ? "$ENV{JWT_AUTH_TREE}$dir" : $dir;

		system_or_bail('mkdir', '-p', "$tree$dir");
		system_or_bail('cp', $dir eq $dir{bindir} ? '-r' : '-rs', "$from/.", "$tree$dir");
	}
	return $tree . dirname($dir{bindir});
}

# A directory of an installation, without the place that it was copied to
sub pg_config
{
	my ($path, $name) = @_;
	my $program = defined $path ? "$path/bin/pg_config" : $ENV{PG_CONFIG};
	my $answer = `'$program' --$name`;

	chomp $answer;
	return $answer if defined $path;
	return $answer =~ s/^\Q$ENV{JWT_AUTH_TREE}\E//r;
}

sub use_frozen_script
{
	my ($version) = @_;
	my $frozen = "$released/jwt_auth--$version.sql";

	write_script("jwt_auth--$version.sql", slurp_file($frozen)) if -e $frozen;
	return;
}

sub write_script
{
	my ($file, $text) = @_;

	unlink "$scripts/$file";
	open my $handle, '>', "$scripts/$file" or die "could not write $scripts/$file: $!\n";
	print $handle $text;
	close $handle or die;
	return;
}
