# Servers that publish JWK Sets over HTTPS, with an authority of the test: what
# test/t/fetch_servers/server.mjs plays, and issuers whose keys are fetched there.

package KeyServer;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use IPC::Run qw(run);
use JSON::PP ();
use JwtAuthTest;
use NpmPeer;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(set_of issuer_of trust kids_of await await_visit fetch_again);

# For what a worker does
my $SECONDS = 180;

my $json = JSON::PP->new->canonical->utf8;

# Starts the servers; what they need is made in a folder.
sub new
{
	my ($class, $dir) = @_;
	my $self = bless { dir => $dir }, $class;

	make_certificates($dir);
	$self->{peer} = NpmPeer->new(dirname(dirname(abs_path(__FILE__))) . '/t/fetch_servers/server.mjs', $dir);
	$self->{ports} = $self->{peer}->ask({ do => 'ports' });
	return $self;
}

# The port of one of them: good, v6, wrong, self, expired or plain; undef if there is
# no such address.
sub port { return $_[0]{ports}{ $_[1] }; }

sub ca_file { return "$_[0]{dir}/ca.pem"; }

# Where the good one has a path
sub uri
{
	my ($self, $path) = @_;

	return 'https://localhost:' . $self->port('good') . $path;
}

# What a path answers from now on
sub serve
{
	my ($self, $path, %answer) = @_;

	$self->{peer}->ask({ do => 'serve', path => $path, %answer });
	return;
}

# How often a path was asked for, how many requests are open, and the last one's headers
sub requests
{
	my ($self, $path) = @_;

	return $self->{peer}->ask({ do => 'requests', path => $path });
}

sub stop
{
	my ($self) = @_;

	$self->{peer}->stop;
	return;
}

# The public halves of keys, as a server publishes them.
sub set_of
{
	my (@keys) = @_;

	return $json->encode({ keys => [ map { my %key = %$_; delete $key{d}; \%key } @keys ] });
}

sub issuer_of
{
	my ($name) = @_;

	return 'https://' . $name =~ tr/_/-/r . '.example';
}

# Trusts an issuer with a key, and has its keys fetched from any URI at all.
sub trust
{
	my ($node, $name, $key, $uri, $dbname) = @_;
	my ($issuer, $jwks) = map { quote($_) } issuer_of($name), set_of($key);

	$node->safe_psql($dbname // 'postgres', "BEGIN; SELECT jwt_trust_issuer($issuer, $jwks, 'api');"
		  . 'UPDATE jwt_auth.issuers SET options = ' . quote($json->encode({ jwks_uri => $uri })) . " WHERE issuer = $issuer; COMMIT");
	return;
}

sub kids_of
{
	my ($node, $name, $dbname) = @_;

	return value_of($node, q{SELECT string_agg(key ->> 'kid', ',') FROM jwt_auth.issuers, jsonb_array_elements(jwks -> 'keys') AS key WHERE issuer = } . quote(issuer_of($name)),
		dbname => $dbname // 'postgres');
}

# Waits until a query answers with true.
sub await
{
	my ($node, $what, $query, $dbname) = @_;
	my $end = time + $SECONDS;
	my $answer = '';

	until ($answer eq 't' || time > $end)
	{
		$answer = value_of($node, $query, dbname => $dbname // 'postgres');
		sleep 0.1;
	}
	return is($answer, 't', $what) || diag(value_of($node, 'TABLE jwt_auth.key_fetches', dbname => $dbname // 'postgres'));
}

# Waits until a worker has come and gone that began after now.
sub await_visit
{
	my ($node) = @_;

	for (1, 2)
	{
		execute($node, q{INSERT INTO jwt_auth.used_handles VALUES (sha256(gen_random_uuid()::text::bytea), now() - interval '2 days')});
		await($node, 'a worker comes and goes', q{SELECT count(*) = 0 FROM jwt_auth.used_handles WHERE expires_at < now() - interval '1 day'});
	}
	return;
}

# Has the keys of an issuer fetched at the next visit.
sub fetch_again
{
	my ($node, $name, $dbname) = @_;

	execute($node, 'UPDATE jwt_auth.key_fetches SET next_at = now(), tried_at = now() - interval $$2 min$$, error = NULL WHERE name = ' . quote(issuer_of($name)),
		dbname => $dbname // 'postgres');
	return;
}

sub make_certificates
{
	my ($dir) = @_;
	my @new = qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days);
	my @leaf = ('-addext', 'basicConstraints=critical,CA:FALSE', '-CA', "$dir/ca.pem", '-CAkey', "$dir/ca.key");
	my @here = ('-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1');
	my @there = ('-subj', '/CN=other.example', '-addext', 'subjectAltName=DNS:other.example');

	certify("$dir/ca", @new, 2, '-subj', '/CN=authority of a test');
	certify("$dir/good", @new, 2, @here, @leaf);
	certify("$dir/wrong", @new, 2, @there, @leaf);
	certify("$dir/self", @new, 2, @here);
	certify("$dir/expired", 'faketime', '3 days ago', @new, 1, @here, @leaf);
	return;
}

# Makes a key and its certificate.
sub certify
{
	my ($path, @command) = @_;
	my $output = '';

	run([ @command, '-keyout', "$path.key", '-out', "$path.pem" ], '>&', \$output)
	  or BAIL_OUT("openssl could not make certificates: $output");
	return;
}

1;
