# Keys that the background worker fetches, from a real HTTPS server: those of a token
# that names an unknown one are fetched at once, at most once a minute, and a login with
# a provider whose keys have changed needs no administrator; what cannot be stored is not
# fetched again at once; and a server that does not answer keeps nobody waiting who ends
# the worker, drops its database or the extension, or stops the server (T189).
# Time limit: 900 s
# At least 60 assertions

use strict;
use warnings;

use JSON::PP ();
use JwtAuthTest;
use KeyServer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Time::HiRes qw(sleep time);

# How often something is tried whose moment a busy machine may miss
my $TRIES = 5;

my $WORKER = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'jwt_auth worker' AND query LIKE 'fetching %' AND datname = };

my $json = JSON::PP->new->canonical->utf8;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $server = KeyServer->new($dir);
my @conf = (
	"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'postgres, doomed'",
	'jwt_auth.worker_naptime = 1', q{jwt_auth.fetch_ca_file = '} . $server->ca_file . q{'},
	"jwt_auth.issuer = 'https://own.example'");
my $node = start_node('keys', conf => \@conf);
my ($former, $latter, $other) = map { $json->decode(value_of($node, "SELECT jwk_generate('ES256', '$_')")) } qw(former latter other);

value_of($node, 'SELECT jwt_create_key()');
fetches_unknown_keys();
lets_users_in_after_a_rotation();
stores_later();
ends_at_once();
lets_databases_go();
lets_the_extension_go();
lets_the_server_stop();
$server->stop;
tells_of_a_missing_library();
done_testing();

# A token of an issuer for us
sub token_of
{
	my ($name, $key, %claims) = @_;
	my %all = (iss => issuer_of($name), aud => 'api', sub => 'alice', iat => int time, exp => 300 + int time, %claims);

	return value_of($node, 'SELECT jwt_sign_with(' . quote($json->encode(\%all)) . ', ' . quote($json->encode($key)) . ')');
}

sub state_of_token
{
	my ($token) = @_;

	return state_of($node, 'SELECT jwt_verify(' . quote($token) . ')');
}

# Has keys fetched for the first time, and lets some minutes go by
sub begin
{
	my ($name) = @_;

	$server->serve("/$name", as => 'body', body => set_of($former));
	trust($node, $name, $former, $server->uri("/$name"));
	await_success($name);
	let_time_go_by(issuer_of($name));
	return;
}

sub await_success
{
	my ($name) = @_;

	await($node, "$name: keys are fetched", 'SELECT count(*) = 1 FROM jwt_auth.key_fetches WHERE error IS NULL AND fetched_at >= tried_at AND name = ' . quote(issuer_of($name)));
	return;
}

sub let_time_go_by
{
	my ($source) = @_;

	execute($node, q{UPDATE jwt_auth.key_fetches SET tried_at = tried_at - interval '2 min', fetched_at = fetched_at - interval '2 min' WHERE name = } . quote($source));
	return;
}

sub fetches_unknown_keys
{
	begin('rotated');
	is(state_of_token(token_of('rotated', $former)), '', 'a token by the key that is published is accepted');
	$server->serve('/rotated', as => 'body', body => set_of($latter));
	await_visit($node);
	is($server->requests('/rotated')->{count}, 1, 'keys are not fetched before their time');
	is(state_of_token(token_of('rotated', { %$latter, kid => 'former' })), '28J00', 'a wrong signature by a known key is refused');
	await_visit($node);
	is($server->requests('/rotated')->{count}, 1, 'and no reason to fetch');

	is(state_of_token(token_of('rotated', $latter)), '28J00', 'a token by a key that is not known yet is refused');
	await($node, 'its set is fetched', q{SELECT jwks::text LIKE '%"latter"%' FROM jwt_auth.issuers WHERE issuer = 'https://rotated.example'});
	is(state_of_token(token_of('rotated', $latter)), '', 'and the next one is accepted');
	is(state_of_token(token_of('rotated', $former)), '28J00', 'one by the former key no longer');

	is(state_of_token(token_of('rotated', { %$other, kid => "other$_" })), '28J00', "an unknown key is refused: $_") for 1 .. 10;
	await_visit($node);
	is($server->requests('/rotated')->{count}, 2, 'and not asked for again within a minute');
	is(state_of_token(token_of('rotated', $latter)), '', 'the keys are those of before');
	is(kids_of($node, 'rotated'), 'latter', 'and no others');
	return;
}

sub lets_users_in_after_a_rotation
{
	my $options = $json->encode({ sign_up => JSON::PP::true, jwks_uri => $server->uri('/idp') });

	$server->serve('/idp', as => 'body', body => set_of($former));
	value_of($node, "SELECT jwt_add_provider('idp', 'https://idp.example', '{app}', " . quote(set_of($former)) . ', ' . quote($options) . ')');
	await($node, 'the keys of a provider are fetched', q{SELECT count(*) = 1 FROM jwt_auth.key_fetches WHERE source = 'provider' AND name = 'idp' AND fetched_at >= tried_at});
	let_time_go_by('idp');
	is(login($former), 'Bearer', 'a user logs in');
	$server->serve('/idp', as => 'body', body => set_of($latter));
	is(login($latter), 'invalid_grant', 'after a rotation, an ID token by a key that is not known yet is refused');
	await($node, 'its set is fetched', q{SELECT jwks::text LIKE '%"latter"%' FROM jwt_auth.providers WHERE name = 'idp'});
	is(login($latter), 'Bearer', 'and the user logs in again');
	is(login($former), 'invalid_grant', 'no longer by the former key');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.users'), 1, 'all of them were one user');
	return;
}

sub login
{
	my ($key) = @_;
	my $nonce = value_of($node, q{SELECT jwt_external_nonce() ->> 'nonce'});
	my $token = token_of('idp', $key, aud => 'app', nonce => $nonce);

	return value_of($node, q{SELECT coalesce(a ->> 'token_type', a ->> 'error') FROM jwt_login_external('idp', } . quote($token) . ') AS a');
}

sub stores_later
{
	begin('unstored');
	$server->serve('/unstored', as => 'body', body => set_of($latter));
	$node->safe_psql('postgres', q{
		CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no way'; END $$;
		CREATE TRIGGER fails BEFORE UPDATE ON jwt_auth.issuers FOR EACH ROW EXECUTE FUNCTION public.fail()});
	fetch_again($node, 'unstored');
	await($node, 'what hinders it from being stored is told', q{SELECT error = 'no way' FROM jwt_auth.key_fetches WHERE name = 'https://unstored.example'});
	await_visit($node);
	is($server->requests('/unstored')->{count}, 2, 'what cannot be stored is not fetched again at once');
	is(kids_of($node, 'unstored'), 'former', 'the keys are those of before');
	$node->safe_psql('postgres', 'DROP TRIGGER fails ON jwt_auth.issuers; DROP FUNCTION public.fail()');
	fetch_again($node, 'unstored');
	await_success('unstored');
	is(kids_of($node, 'unstored'), 'latter', 'and stored when they can be');
	return;
}

# The worker that waits for an answer; undef if a busy machine missed it
sub waiting_worker
{
	my ($name, $as, $dbname) = @_;
	my $end = time + 60;
	my $pid = '';

	$server->serve("/$name", as => $as);
	if (kids_of($node, $name, $dbname) eq '') { trust($node, $name, $former, $server->uri("/$name"), $dbname); }
	else { fetch_again($node, $name, $dbname); }
	sleep 0.02 until $server->requests("/$name")->{open} || time > $end;
	return value_of($node, $WORKER . quote($dbname)) || undef;
}

sub error_of
{
	my ($name) = @_;

	return value_of($node, 'SELECT error FROM jwt_auth.key_fetches WHERE name = ' . quote(issuer_of($name)));
}

# That an attempt was interrupted stays where no worker lived to tell another reason.
sub ends_at_once
{
	for my $as (qw(hang drip))
	{
		my ($held, $is_ended, $error) = ('', '', '');

		for (1 .. $TRIES)
		{
			my $pid = waiting_worker($as, $as, 'postgres') // next;
			my $now = value_of($node, qq{SELECT count(*) FILTER (WHERE xact_start IS NULL AND backend_xmin IS NULL AND query = 'fetching } . $server->uri("/$as")
				  . qq{'), (SELECT count(*) FROM pg_locks WHERE pid = $pid) FROM pg_stat_activity WHERE pid = $pid});

			$is_ended = value_of($node, "SELECT pg_terminate_backend($pid, 60000)");
			$error = error_of($as);
			$held = $now;
			last if $error eq 'the attempt was interrupted';
		}
		is($held, '1|0', "$as: while a worker waits, it holds no lock, snapshot or transaction, and is shown");
		is($is_ended, 't', "$as: it can be ended");
		is($error, 'the attempt was interrupted', "$as: at once");
		is(kids_of($node, $as), 'former', "$as: and the keys are those of before");
	}
	return;
}

sub lets_databases_go
{
	my @states;

	for (1 .. $TRIES)
	{
		make_doomed();
		defined waiting_worker('doomed', 'hang', 'doomed') or next;
		push @states, state_of($node, 'DROP DATABASE doomed');
		last if $states[-1] eq '';
	}
	is($states[-1], '', 'a database whose worker waits for an answer can be dropped');
	make_doomed();
	waiting_worker('doomed', 'hang', 'doomed');
	is(state_of($node, 'DROP DATABASE doomed WITH (FORCE)'), '', 'or by force');
	return;
}

sub make_doomed
{
	execute($node, 'DROP DATABASE IF EXISTS doomed WITH (FORCE)');
	execute($node, 'CREATE DATABASE doomed');
	execute($node, 'CREATE EXTENSION jwt_auth', dbname => 'doomed');
	return;
}

sub lets_the_extension_go
{
	make_doomed();
	waiting_worker('doomed', 'hang', 'doomed');
	is(state_of($node, 'DROP EXTENSION jwt_auth', dbname => 'doomed'), '', 'the extension can be dropped meanwhile');
	await($node, 'the worker ends', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'jwt_auth worker' AND datname = 'doomed'});
	is(state_of($node, 'CREATE EXTENSION jwt_auth', dbname => 'doomed'), '', 'and be created again');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.key_fetches', dbname => 'doomed'), 0, 'where nothing is fetched');
	await_visit($node);
	execute($node, 'DROP DATABASE doomed WITH (FORCE)');
	unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|in database "doomed": (?!Operation timed out)/, 'no worker has failed at that');
	return;
}

sub lets_the_server_stop
{
	my $error = '';

	for (1 .. $TRIES)
	{
		waiting_worker('stopped', 'hang', 'postgres') // next;
		$node->stop('fast');
		$node->start;
		$error = error_of('stopped');
		last if $error eq 'the attempt was interrupted';
	}
	is($error, 'the attempt was interrupted', 'a fast shutdown does not wait for an answer');
	is(kids_of($node, 'stopped'), 'former', 'nor change keys');
	return;
}

# In a copy of the installation that lacks it
sub tells_of_a_missing_library
{
	my $bindir = $node->config_data('--bindir');
	my ($root, $inside) = $bindir =~ m{^(\Q$ENV{JWT_AUTH_TREE}\E)(/.*)/bin$} or die "the server is not of the copy\n";

	system('cp', '-a', $root, "$dir/tree") == 0 or die "could not copy the installation\n";
	unlink glob "$dir/tree" . $node->config_data('--pkglibdir') =~ s/^\Q$root\E//r . '/jwt_auth_fetch.so' or die "could not remove the library\n";
	my $without = PostgreSQL::Test::Cluster->new('without', install_path => "$dir/tree$inside");

	$without->init;
	$without->append_conf('postgresql.conf', $_) for @conf;
	$without->start;
	execute($without, 'CREATE EXTENSION jwt_auth');
	value_of($without, 'SELECT jwt_create_key()');
	is(value_of($without, q{SELECT jwt_verify(jwt_sign('{"sub":"alice"}')) ->> 'sub'}), 'alice', 'without the library, the extension works');
	trust($without, 'unfetched', $former, $server->uri('/unfetched'));
	await($without, 'and the worker tells that it is missing', q{SELECT error LIKE 'could not access file "%jwt_auth_fetch": No such file or directory' FROM jwt_auth.key_fetches});
	is(kids_of($without, 'unfetched'), 'former', 'the keys stay');
	await_visit($without);
	return;
}
