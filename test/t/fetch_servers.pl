# What the background worker fetches keys from: a real HTTPS server with a private
# authority, and whatever may stand in its place.  What is no good answer of a verified
# server removes no key and is told in jwt_auth.key_fetches (T189).  No proxy is used.
# Time limit: 900 s
# At least 125 assertions

use strict;
use warnings;

use JSON::PP ();
use JwtAuthTest;
use KeyServer;
use PostgreSQL::Test::Utils;
use Test::More;

my @DATABASES = qw(one two three);
my $MAX_BYTES = 2_000_000;

my $json = JSON::PP->new->canonical->utf8;

# Proxies that the environment names, at which nobody answers
@ENV{qw(https_proxy HTTPS_PROXY all_proxy ALL_PROXY)} = ('http://localhost:1') x 4;

my $server = KeyServer->new(PostgreSQL::Test::Utils::tempdir());
my $node = start_node(
	'fetching',
	conf => [
		"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'postgres, " . join(', ', @DATABASES) . "'",
		'jwt_auth.worker_naptime = 1', q{jwt_auth.fetch_ca_file = '} . $server->ca_file . q{'} ]);

$node->safe_psql('postgres', "CREATE DATABASE $_") for @DATABASES;
execute($node, 'CREATE EXTENSION jwt_auth', dbname => $_) for @DATABASES;

# A key that was there before, and one that is fetched
my ($former, $latter) = map { $json->decode(value_of($node, "SELECT jwk_generate('ES256', '$_')")) } qw(former latter);

takes_only_https();
fails_without_harm();
fetches_from_verified_servers();
trusts_the_authorities_that_are_set();
$server->stop;
done_testing();

sub takes_only_https
{
	for my $uri ('http://localhost/', 'file:///etc/passwd', 'localhost', '//localhost/', 'https://', 'https://user:secret@localhost/',
		'https://user@localhost/', 'HTTPS://localhost/', 'https://local host/', "https://localhost/\r\nX: y")
	{
		my $options = quote($json->encode({ jwks_uri => $uri }));

		is(state_of($node, "SELECT jwt_trust_issuer('https://a.example', " . quote(set_of($former)) . ", 'api', '{}', $options)"),
			'22023', 'refused as jwks_uri: ' . $json->encode([$uri]));
	}
	return;
}

# Names of issuers, a URI or what the good server answers, and what is told
sub failures
{
	my $private = $json->encode({ keys => [$latter] });
	my $mixed = $json->encode({ keys => [ $latter, $json->decode(value_of($node, q{SELECT jwk_generate('HS256', 'secret')})) ] });
	my $too_long = qr/^the document is longer than \d+ bytes$/;
	my $no_object = qr/^the document is not a JSON object$/;
	my $link_local = qr/^address (?:fe80::1|(?:::ffff:)?169\.254\.169\.254) is refused: link-local$/;

	return (
		[ 'redirect', { as => 'status', status => 302, location => $server->uri('/good') }, qr/^HTTP status 302, and redirects are not followed$/ ],
		[ 'permanent', { as => 'status', status => 308, location => '/good' }, qr/^HTTP status 308, and redirects/ ],
		[ 'status_500', { as => 'status', status => 500, body => set_of($latter) }, qr/^HTTP status 500$/ ],
		[ 'status_304', { as => 'status', status => 304 }, qr/^HTTP status 304$/ ],
		[ 'status_206', { as => 'status', status => 206, body => set_of($latter) }, qr/^HTTP status 206$/ ],
		[ 'missing', $server->uri('/missing'), qr/^HTTP status 404$/ ],
		[ 'long', { as => 'long', length => $MAX_BYTES }, $too_long ],
		[ 'chunked', { as => 'chunked', length => $MAX_BYTES }, $too_long ],
		[ 'headers', { as => 'headers', length => 100_000 }, qr/^the headers are longer than \d+ bytes$/ ],
		[ 'gzip', { as => 'gzip', length => 10_000_000 }, $no_object ],
		[ 'hang', { as => 'hang' }, qr/timed out/ ],
		[ 'drip', { as => 'drip' }, qr/timed out/ ],
		[ 'empty', { as => 'body', body => '' }, $no_object ],
		[ 'junk', { as => 'body', body => "\x00\xff<html>\x1b[31m" }, $no_object ],
		[ 'half', { as => 'body', body => substr(set_of($latter), 0, -1) }, $no_object ],
		[ 'no_set', { as => 'body', body => '{"hello":"world"}' }, qr/JSON Web Key/ ],
		[ 'no_keys', { as => 'body', body => '{"keys":[]}' }, qr/no key that can be used/ ],
		[ 'private', { as => 'body', body => $private }, qr/private key/ ],
		[ 'mixed', { as => 'body', body => $mixed }, qr/private key/ ],
		[ 'wrong_name', at('wrong'), qr/name 'localhost'|host ?name/ ],
		[ 'self_signed', at('self'), qr/self.signed/ ],
		[ 'expired', at('expired'), qr/expired/ ],
		[ 'no_tls', at('plain'), qr/wrong version number|record/ ],
		[ 'plain', at('plain') =~ s/^https/http/r, qr/^only https is spoken$/ ],
		[ 'file', 'file:///etc/passwd', qr/^only https is spoken$/ ],
		[ 'no_scheme', at('plain') =~ s{^https://}{}r, qr/^only https is spoken$/ ],
		[ 'credentials', at('good') =~ s{//}{//user:hidden@}r, qr/^the URL contains a user name$/ ],
		[ 'nobody', 'https://localhost:1/', qr/connect/ ],
		[ 'metadata', 'https://169.254.169.254/', $link_local ],
		[ 'metadata_number', 'https://2852039166/', $link_local ],
		[ 'metadata_mapped', 'https://[::ffff:a9fe:a9fe]/', $link_local ],
		[ 'link_local', 'https://[fe80::1]/', $link_local ],
		[ 'unspecified', at('good') =~ s/localhost/0.0.0.0/r, qr/^address 0\.0\.0\.0 is refused: unspecified$/ ]);
}

# The good path of a server
sub at
{
	my ($name) = @_;

	return 'https://localhost:' . $server->port($name) . '/good';
}

sub fails_without_harm
{
	my @failures = failures();
	my %database_of = map { $failures[$_][0] => $DATABASES[ $_ % @DATABASES ] } 0 .. $#failures;

	$server->serve('/good', as => 'body', body => set_of($latter));
	for my $failure (@failures)
	{
		my ($name, $answer) = @$failure;

		$server->serve("/$name", %$answer) if ref $answer;
		trust($node, $name, $former, ref $answer ? $server->uri("/$name") : $answer, $database_of{$name});
	}
	await($node, "all in database $_ are tried", q{SELECT count(*) FILTER (WHERE error = 'the attempt was interrupted') = 0
		AND count(*) = (SELECT count(*) FROM jwt_auth.issuers) FROM jwt_auth.key_fetches}, $_) for @DATABASES;
	has_failed($_->[0], $_->[2], $database_of{ $_->[0] }) for @failures;
	is($server->requests('/good')->{count}, 0, 'nothing was asked for what a redirection or a bad server leads to');

	$node->append_conf('postgresql.conf', q{jwt_auth.worker_databases = 'postgres'});
	$node->reload;
	return;
}

sub has_failed
{
	my ($name, $error, $dbname) = @_;
	my $found = value_of($node, q{SELECT error FROM jwt_auth.key_fetches WHERE fetched_at IS NULL AND next_at >= tried_at + failures * interval '1 min' AND name = } . quote(issuer_of($name)), dbname => $dbname);

	like($found, $error, "$name: what failed is told, and it is tried again later");
	like($found, qr/^[ -~]{1,300}$/, "$name: in one short line");
	is(kids_of($node, $name, $dbname), 'former', "$name: the keys are those of before");
	return;
}

sub fetches_from_verified_servers
{
	my %uris = (by_name => at('good'), ipv4 => at('good') =~ s/localhost/127.0.0.1/r);

	$uris{ipv6} = at('v6') =~ s/localhost/[::1]/r if $server->port('v6');
	for my $name (sort keys %uris)
	{
		trust($node, $name, $former, $uris{$name});
		await($node, "$name: keys are fetched", q{SELECT count(*) = 1 FROM jwt_auth.key_fetches WHERE fetched_at IS NOT NULL AND failures = 0 AND error IS NULL AND name = } . quote(issuer_of($name)));
		is(kids_of($node, $name), 'latter', "$name: they take the place of the former ones");
	}
	is(join(' ', sort keys %{ $server->requests('/good')->{headers} }), 'accept host user-agent', 'the request says no more than it must');

	my $version = q{SELECT xmin::text || updated_at::text FROM jwt_auth.issuers WHERE issuer = 'https://by-name.example'};
	my $before = value_of($node, $version);
	fetch_again($node, 'by_name');
	await($node, 'keys are fetched again', q{SELECT fetched_at > now() - interval '1 min' AND fetched_at >= tried_at FROM jwt_auth.key_fetches WHERE name = 'https://by-name.example' AND next_at > now()});
	is(value_of($node, $version), $before, 'keys that are the same are not stored again');
	return;
}

sub trusts_the_authorities_that_are_set
{
	for my $case ([ '', qr/issuer certificate|self.signed/ ], [ '/nonexistent/ca.pem', qr{/nonexistent/ca\.pem} ])
	{
		my ($file, $error) = @$case;

		$node->append_conf('postgresql.conf', "jwt_auth.fetch_ca_file = '$file'");
		$node->reload;
		await_visit($node);
		fetch_again($node, 'by_name');
		await($node, "with authorities of '$file', the server is not verified", q{SELECT error <> 'the attempt was interrupted' FROM jwt_auth.key_fetches WHERE name = 'https://by-name.example'});
		like(value_of($node, q{SELECT error FROM jwt_auth.key_fetches WHERE name = 'https://by-name.example'}), $error, 'which is told');
		is(kids_of($node, 'by_name'), 'latter', 'and the keys stay');
	}
	return;
}
