# When the background worker fetches keys (F60): at its time, and when a token names
# an unknown key, in whatever transaction; not more often than once a minute, however
# many tokens ask, and for no other issuer; the next attempt is noted before the
# fetch, what fails removes nothing, is told once and is shown; on a standby nothing
# is written, until that is promoted.  Nobody answers at the addresses.
#
# At least 38 assertions

use strict;
use warnings;

use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Time::HiRes qw(sleep time);

my $NOBODY = 'https://127.0.0.1:1';
my $node = start_node(
	'primary',
	cluster => { allows_streaming => 1 },
	conf => [
		"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'postgres'",
		'jwt_auth.worker_naptime = 86400', 'log_statement = none' ]);

$node->safe_psql('postgres', q{SELECT jwt_create_key();
	CREATE TABLE keys AS SELECT n, jwk_generate('ES256', 'known') AS key, jwk_generate('ES256', 'unknown') AS other
	FROM unnest('{a,b,c,silent}'::text[]) AS n});

is(state_of($node, "SELECT jwt_trust_issuer('https://x.example', jwk_public(key), 'api', options => '{\"jwks_uri\":\"$_\"}') FROM keys LIMIT 1"),
	'22023', "no address to fetch from: $_")
  for 'http://a.example/k', 'file:///etc/passwd', 'https://user@a.example/k', 'https://user:secret@a.example/k', 'https://a.example@b.example';
is(state_of($node, "SELECT jwt_add_provider('x', 'https://x.example', '{app}', jwk_public(key), '{\"jwks_uri\":\"https://user:secret\@a.example/\"}') FROM keys LIMIT 1"),
	'22023', 'nor for a provider');
is(state_of($node, "SELECT jwt_trust_issuer('https://x.example', jwk_public(key), 'api', options => '{\"jwks_uri\":\"$_\"}') FROM keys LIMIT 1"),
	'', "an address: $_")
  for 'https://a.example/@k', 'https://a.example?a=@b', 'https://[::1]:8443/k';
execute($node, q{SELECT jwt_distrust_issuer('https://x.example')});

fetches_at_its_time();
fetches_what_tokens_name();
fetches_for_providers();
begins_anew();
waits_on_a_standby();
done_testing();

sub await
{
	my ($what, $query, $where) = @_;
	my $end = time + 60;
	my $answer = '';

	until ($answer eq 't' || time > $end)
	{
		$answer = value_of($where // $node, $query);
		sleep 0.05;
	}
	is($answer, 't', $what);
	return;
}

sub logged
{
	my ($pattern) = @_;
	my @found = slurp_file($node->logfile) =~ /$pattern/g;

	return scalar @found;
}

# Has the worker come to all
sub visit
{
	execute($node, 'SELECT pg_reload_conf()');
	return;
}

sub failures
{
	my ($name) = @_;

	return value_of($node, "SELECT failures FROM jwt_auth.key_fetches WHERE name = '$name'");
}

# As if the last attempt had been so long ago, and the next one is not yet due
sub rest
{
	my ($seconds) = @_;

	execute($node, "UPDATE jwt_auth.key_fetches SET tried_at = now() - interval '$seconds s', next_at = now() + interval '1 h'");
	return;
}

sub token_of
{
	my ($name, $key) = @_;

	return value_of($node, qq{SELECT jwt_sign_with(jsonb_build_object('iss', 'https://$name.example', 'aud', 'api',
		'exp', extract(epoch FROM now() + interval '1 h')::bigint), $key) FROM keys WHERE n = '$name'});
}

sub fetches_at_its_time
{
	$node->safe_psql('postgres', qq{
		SELECT jwt_trust_issuer('https://' || n || '.example', jwk_public(key), 'api',
			options => CASE n WHEN 'silent' THEN '{}' ELSE jsonb_build_object('jwks_uri', '$NOBODY/' || n) END) FROM keys;
		CREATE TABLE before AS SELECT * FROM jwt_auth.issuers});
	visit();
	await('each source that is new is fetched, one after the other', 'SELECT count(*) = 3 FROM jwt_auth.key_fetches WHERE failures = 1');
	await('the error is shown', q{SELECT bool_and(error <> 'the attempt was interrupted' AND fetched_at IS NULL) FROM jwt_auth.key_fetches});
	is(value_of($node, q{SELECT bool_and(next_at BETWEEN tried_at + interval '59 s' AND tried_at + interval '61 s') FROM jwt_auth.key_fetches}), 't',
		'the next attempt is a minute later');
	is(value_of($node, 'SELECT count(*) FROM ((TABLE jwt_auth.issuers EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE jwt_auth.issuers)) AS x'), 0,
		'nothing was removed or changed');
	is(logged(qr/WARNING:  jwt_auth worker could not fetch the keys of issuer "https:..a.example" in database "postgres"/), 1, 'it is told');
	for my $minutes (2, 4, 8, 16, 32, 60, 60)
	{
		my $failures = failures('https://a.example');

		execute($node, q{UPDATE jwt_auth.key_fetches SET next_at = now() WHERE name = 'https://a.example'});
		visit();
		await("after more failures, an attempt $minutes minutes later", qq{SELECT failures = $failures + 1
			AND next_at BETWEEN tried_at + interval '$minutes min' - interval '1 s' AND tried_at + interval '$minutes min 1 s'
			FROM jwt_auth.key_fetches WHERE name = 'https://a.example'});
	}
	is(logged(qr/could not fetch the keys of issuer "https:..a.example"/), 1, 'and it is told once');
	is(value_of($node, q{SELECT string_agg(name || ' ' || value, ', ' ORDER BY name) FROM jwt_auth.statistics
		WHERE database = current_database() AND name ~ '^worker_(key|fail)'}), 'worker_failures 0, worker_key_fetches 10, worker_key_fetches_failed 10',
		'each attempt is counted');
	execute($node, q{UPDATE jwt_auth.key_fetches SET tried_at = now() + interval '1 h', next_at = now() + interval '2 h' WHERE name = 'https://a.example'});
	visit();
	await('a clock that was set back does not keep it waiting', q{SELECT tried_at <= now() FROM jwt_auth.key_fetches WHERE name = 'https://a.example'});
	return;
}

sub fetches_what_tokens_name
{
	my %before;
	my %unknown = map { $_ => token_of($_, 'other') } qw(a b c silent);
	my $session = connect_to($node);

	# Too soon after the last attempt, and in no way to be had otherwise
	rest(30);
	$before{$_} = failures("https://$_.example") for qw(a b c);
	execute($node, 'SELECT jwt_reset_statistics()');
	is(state_of($node, qq{SELECT jwt_verify('$unknown{c}', 'api')}), '28J00', 'a token with an unknown key is refused');
	await('the worker comes', q{SELECT value > 0 FROM jwt_auth.statistics WHERE database = current_database() AND name = 'worker_visits'});
	rest(61);
	execute($session, 'BEGIN READ ONLY');
	is(state_of($session, qq{SELECT jwt_authenticate('$unknown{a}')}), '28J00', 'so in a transaction that only reads');
	execute($session, 'ROLLBACK');
	await('which is rolled back: its keys are fetched', qq{SELECT failures = $before{a} + 1 FROM jwt_auth.key_fetches WHERE name = 'https://a.example'});

	rest(61);
	state_of($node, qq{SELECT jwt_verify('$unknown{a}', 'api')}) for 1 .. 50;
	state_of($node, qq{SELECT jwt_verify('$_', 'api')})
	  for $unknown{silent}, tampered(token_of('c', 'key')), $unknown{c}, value_of($node, q{SELECT jwt_sign_with('{"iss":"https://nobody.example"}', other) FROM keys LIMIT 1});
	state_of($node, qq{SELECT jwt_verify('$unknown{b}', 'api')});
	await('the keys of another issuer are fetched', qq{SELECT failures = $before{b} + 1 FROM jwt_auth.key_fetches WHERE name = 'https://b.example'});
	is(failures('https://a.example'), $before{a} + 1, 'but not those that were within the last minute, however often they are asked for');
	is(failures('https://c.example'), $before{c}, 'nor those that were asked for too soon');
	is(failures('https://silent.example'), '', 'nor those of an issuer without address');
	return;
}

sub fetches_for_providers
{
	my $gateway = connect_to($node);

	execute($node, qq{SELECT jwt_add_provider('idp', 'https://idp.example', '{app}', jwk_public(key), '{"sign_up":true,"jwks_uri":"$NOBODY/idp"}') FROM keys WHERE n = 'a'});
	visit();
	await('the keys of a provider are fetched', q{SELECT failures = 1 FROM jwt_auth.key_fetches WHERE source = 'provider' AND name = 'idp'});
	rest(61);

	my $token = value_of($node, q{SELECT jwt_sign_with(jsonb_build_object('iss', 'https://idp.example', 'aud', 'app', 'sub', 's',
		'iat', extract(epoch FROM now())::bigint, 'exp', extract(epoch FROM now() + interval '1 h')::bigint), other) FROM keys WHERE n = 'a'});

	execute($gateway, 'BEGIN');
	is(value_of($gateway, qq{SELECT jwt_login_external('idp', '$token', jwt_external_nonce() ->> 'nonce') ->> 'error'}), 'invalid_grant',
		'an ID token with an unknown key is denied');
	execute($gateway, 'ROLLBACK');
	await('and has them fetched, rolled back or not', q{SELECT failures = 2 FROM jwt_auth.key_fetches WHERE source = 'provider' AND name = 'idp'});
	return;
}

sub begins_anew
{
	execute($node, qq{SELECT jwt_trust_issuer('https://a.example', jwk_public(key), 'api', options => '{"jwks_uri":"$NOBODY/other"}') FROM keys WHERE n = 'a'});
	execute($node, "SELECT jwt_distrust_issuer('https://b.example')");
	rest(61);
	visit();
	await('with another address, all begins anew', qq{SELECT failures = 1 AND uri = '$NOBODY/other' FROM jwt_auth.key_fetches WHERE name = 'https://a.example'});
	is(failures('https://b.example'), '', 'an issuer that is not trusted any more is forgotten');
	return;
}

sub waits_on_a_standby
{
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	execute($node, q{INSERT INTO jwt_auth.used_handles VALUES (sha256('x'), now() - interval '2 days')});
	$node->append_conf('postgresql.conf', "jwt_auth.worker_databases = ''");
	$node->backup('base');
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->append_conf('postgresql.conf', $_) for "jwt_auth.worker_databases = 'postgres'", 'jwt_auth.worker_naptime = 1';
	$standby->start;
	execute($node, 'SELECT pg_reload_conf()');
	await('the launcher runs on a standby', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'jwt_auth launcher'}, $standby);
	sleep 3;
	is(value_of($standby, 'SELECT count(*) FROM jwt_auth.used_handles'), 1, 'and writes nothing');
	is(join('', grep { /jwt_auth worker/ } slurp_file($standby->logfile)), '', 'nor does it complain');
	$standby->promote;
	await('once that is promoted, the worker works', 'SELECT count(*) = 0 FROM jwt_auth.used_handles', $standby);
	return;
}
