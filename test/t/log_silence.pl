# The server log (T47, T84, F54): it tells why a token was refused, where DEBUG1 is
# logged, and holds neither keys nor signatures nor payloads, whatever failed.
# Values that travel as bind parameters are in no message of the extension, and
# its errors do not log the statement, whose literals they might be.
# At least 105 assertions

use strict;
use warnings;

use IPC::Run qw(run);
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node(
	'silence',
	conf => [
		'log_min_messages = debug1',
		'log_min_error_statement = info',
		'log_error_verbosity = verbose',
		"log_statement = 'none'",
		'log_min_duration_statement = -1'
	]);
my $dir = PostgreSQL::Test::Utils::tempdir();

# Everything secret: private members of keys, and signatures.
my %key = map { $_ => value_of($node, "SELECT jwk_generate('$_')") } qw(HS256 RS256 ES256 EdDSA);
my %public = map { $_ => value_of($node, 'SELECT jwk_public(' . quote($key{$_}) . ')') }
  grep { $_ ne 'HS256' } keys %key;
my %token = map { $_ => value_of($node,
		"SELECT jwt_sign_with('{\"sub\":\"canary\",\"exp\":1300819380}', " . quote($key{$_}) . ')') }
  keys %key;
my @secrets = (
	(map { $_ =~ /"(?:k|d|p|q|dp|dq|qi)": "([^"]+)"/g } values %key),
	(map { (split /\./, $_)[ 1, 2 ] } values %token),
	'canary');

# As bind parameters. An error in each place, and success.
for my $alg (sort keys %key)
{
	my $verifier = $public{$alg} // $key{$alg};
	my $tampered = $token{$alg} =~ s/(.)(.)$/$2$1A/r;

	check("$alg: an expired token", '28J01', 'SELECT jwt_verify_with(:token, :key)',
		token => $token{$alg}, key => $verifier);
	check("$alg: a changed token", '28J00', 'SELECT jwt_verify_with(:token, :key)',
		token => $tampered, key => $verifier);
	check("$alg: a token for another audience", '28J00', 'SELECT jwt_verify_with(:token, :key, :audience)',
		token => $token{$alg}, key => $verifier, audience => 'canary');
	check("$alg: a verified JWS", '', 'SELECT jws_verify(:token, :key)',
		token => $token{$alg}, key => $verifier);
	check("$alg: signed claims", '', 'SELECT jwt_sign_with(:claims, :key)',
		claims => '{"sub":"canary"}', key => $key{$alg});
	check("$alg: claims that are not an object", '22023', 'SELECT jwt_sign_with(:claims, :key)',
		claims => '["canary"]', key => $key{$alg});
	check("$alg: a broken key", '22023', 'SELECT jwt_sign_with(:claims, :key)',
		claims => '{}', key => $key{$alg} =~ s/"kty": "\w+"/"kty": "canary"/r);
	check("$alg: a key for something else", '22023', 'SELECT jwt_sign_with(:claims, :key)',
		claims => '{}', key => $key{$alg} =~ s/\}$/, "use": "enc"}/r);
	check("$alg: a bad header", '22023', 'SELECT jws_sign(:payload::bytea, :key, :header)',
		payload => 'canary', key => $key{$alg}, header => '{"crit": ["canary"]}');
	check("$alg: behind PostgREST", 'PGRST',
		"SELECT set_config('request.method', 'GET', false)",
		'SELECT jwt_verify_with(:token, :key)', token => $tampered, key => $verifier);
}
check('a short secret', '22023', 'SELECT jwk_from_secret(:secret::bytea)', secret => 'canary');
check('a broken PEM', '22P02', "SELECT jwk_from_pem(:pem, 'ES256')",
	pem => "-----BEGIN PRIVATE KEY-----canary-----END PRIVATE KEY-----");

# As literals: the extension's own errors hide the statement.
for my $alg (sort keys %key)
{
	my $offset = log_size();
	my $tampered = $token{$alg} . 'A';
	my $verifier = $public{$alg} // $key{$alg};

	is(state_of($node, 'SELECT jwt_verify_with(' . quote($tampered) . ', ' . quote($verifier) . ')'),
		'28J00', "$alg: a changed token as a literal is denied");
	is(state_of($node, "SELECT jwt_sign_with('[\"canary\"]', " . quote($key{$alg}) . ')'),
		'22023', "$alg: claims that are not an object are refused as a literal");
	is(state_of($node, 'SELECT jwk_thumbprint(' . quote($key{$alg} =~ s/"kty": "\w+"/"kty": "x"/r) . ')'),
		'22023', "$alg: a broken key as a literal is refused");
	silent_since($offset, "$alg: the statement is not logged");
}

# The reason is the log's and nobody else's.
{
	my $offset = log_size();
	my $errors = '';

	$node->psql('postgres', <<"END", stderr => \$errors, on_error_stop => 0);
SET client_min_messages = debug5;
\\set VERBOSITY verbose
SELECT jwt_verify_with('a.b', @{[ quote($public{ES256}) ]});
END
	like($errors, qr/28J00/, 'the client gets the SQLSTATE');
	unlike($errors, qr/segment/, 'the client does not get the reason at any message level');
	like(log_since($offset), qr/jwt_auth: token refused: .*segment/, 'the log has the reason with DEBUG1');
}
$node->append_conf('postgresql.conf', 'log_min_messages = warning');
$node->reload;
{
	my $offset = log_size();

	is(state_of($node, "SELECT jwt_verify_with('a.b', " . quote($public{ES256}) . ')'),
		'28J00', 'a malformed token is denied');
	unlike(log_since($offset), qr/token refused/, 'the log has no reason without DEBUG1');
}

done_testing();

sub log_size { return -s $node->logfile; }

sub log_since
{
	my ($offset) = @_;

	return substr slurp_file($node->logfile), $offset;
}

sub silent_since
{
	my ($offset, $name) = @_;
	my $log = log_since($offset);
	my @found = grep { index($log, $_) >= 0 } @secrets;

	ok(!@found, $name) or diag "in the log: @found";
	return;
}

# Runs statements with bind parameters, and looks at the SQLSTATE in the log.
sub check
{
	my ($name, $state, @rest) = @_;
	my @statements = (shift @rest);

	push @statements, shift @rest if @rest % 2;
	my %parameters = @rest;
	my $offset = log_size();
	my ($output, $errors) = ('', '');

	open my $file, '>', "$dir/script" or die "could not write a script: $!\n";
	print $file map { "$_;\n" } @statements;
	close $file or die "could not write a script: $!\n";
	run([
			'pgbench', '-n', '-t', '1', '-M', 'extended', '-f', "$dir/script",
			'-h', $node->host, '-p', $node->port,
			(map { ('-D', "$_=$parameters{$_}") } sort keys %parameters), 'postgres'
		],
		'>', \$output, '2>', \$errors);
	my $log = log_since($offset);
	my ($had) = $log =~ /ERROR:\s+(\w{5}):/;

	my ($done) = $output =~ /actually processed: (\d)/;

	is(join(' ', $done // 'not run', $had // ()), $state eq '' ? 1 : "0 $state", "$name: the call ends with its SQLSTATE") or diag $errors;
	silent_since($offset, "$name: the log has no secret");
	return;
}
