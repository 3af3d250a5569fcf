# Names in the DNS of others that lead to addresses from which no keys are fetched
# (T189): it is the address of the connection that counts, whatever the name, and in
# whatever form an IPv6 address holds it.  The loopback network is allowed.
# Time limit: 900 s
# At least 19 assertions

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run qw(run);
use JSON::PP ();
use JwtAuthTest;
use KeyServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $LINK_LOCAL = qr/^address \S+ is refused: link-local$/;
my $METADATA = qr/^address \S+ is refused: metadata of cloud machines$/;

my $json = JSON::PP->new->canonical->utf8;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $server = KeyServer->new($dir);
my $node = start();
my ($former, $latter) = map { $json->decode(value_of($node, "SELECT jwk_generate('ES256', '$_')")) } qw(former latter);
my %refusals = (
	metadata => $LINK_LOCAL, several => qr/ is refused: (?:link-local|unspecified)$/, unspecified => qr/^address 0\.0\.0\.0 is refused: unspecified$/,
	multicast => qr/^address 224\.0\.0\.1 is refused: multicast$/, (map { $_ => $METADATA } qw(alibaba azure oracle)),
	$server->port('v6') ? ((map { $_ => $LINK_LOCAL } qw(link-local mapped translated tunnelled)), amazon => $METADATA) : ());

$server->serve('/good', as => 'body', body => set_of($latter));
trust($node, $_, $former, "https://$_.example:" . $server->port('good') . '/good') for 'loopback', sort keys %refusals;
trust($node, 'other', $former, 'https://other.example:' . $server->port('wrong') . '/good');
await($node, 'all are tried', q{SELECT count(*) FILTER (WHERE error = 'the attempt was interrupted') = 0
	AND count(*) = (SELECT count(*) FROM jwt_auth.issuers) FROM jwt_auth.key_fetches});

for my $name (sort keys %refusals)
{
	like(error_of($name), $refusals{$name}, "$name: a name that leads to an address that is refused");
	is(kids_of($node, $name), 'former', "$name: the keys are those of before");
}
like(error_of('loopback'), qr/host ?name|name 'loopback/, 'a name that leads to the loopback network is asked, and must have a certificate');
is(error_of('other'), '', 'where one address of a name is refused, the next one is asked');
is(kids_of($node, 'other'), 'latter', 'and its keys are taken');
is($server->requests('/good')->{count}, 1, 'nobody else was asked');
$server->stop;
done_testing();

# A server whose names are those of the test
sub start
{
	my $source = dirname(abs_path(__FILE__)) . '/fetch_servers/names.c';
	my $output = '';

	run([ 'cc', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared', '-o', "$dir/names.so", $source, '-ldl' ], '>&', \$output)
	  or BAIL_OUT("could not build $source: $output");
	local $ENV{LD_PRELOAD} = "$dir/names.so";

	return start_node(
		'names',
		conf => [
			"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'postgres'",
			'jwt_auth.worker_naptime = 1', q{jwt_auth.fetch_ca_file = '} . $server->ca_file . q{'} ]);
}

sub error_of
{
	my ($name) = @_;

	return value_of($node, 'SELECT error FROM jwt_auth.key_fetches WHERE name = ' . quote(issuer_of($name)));
}
