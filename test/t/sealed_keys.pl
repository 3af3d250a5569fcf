# Sealed keys (T54, T72, T73): sealing, resealing with another line, the wrong
# file and no file (55000), ciphertext in another place, and that neither
# tables, dump, functions, settings, errors nor the log show private bytes.
# At least 295 assertions

use strict;
use warnings;

use IPC::Run qw(run);
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64 decode_base64 encode_base64url decode_base64url);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('sealed', conf => [
	'log_min_messages = debug1', "log_statement = 'none'", 'log_min_duration_statement = -1',
	'log_error_verbosity = verbose' ]);
my $dir = PostgreSQL::Test::Utils::tempdir();
my %line = map { $_ => random_key() } qw(mk1 mk2 mk3);
my $path = "$dir/master_key";

# Before a file is set, keys are in the clear, and there is no sealing
my $session = JwtAuthSession->new($node);
is($session->state_of('SELECT jwt_seal_keys()'), '55000', 'without a file, nothing can be sealed');
$session->query(q{SELECT jwt_create_key('ES256', 'e1'), jwt_create_key('HS256', 'h1'), jwt_create_key('RS256', 'r1'),
	jwt_create_key('EdDSA', 'd1'), jwt_rotate_refresh_key()});
my $foreign = $session->query(q{SELECT jwk_generate('HS256', 'o1')});
$session->query("SELECT jwt_trust_issuer('https://o.example', " . quote($foreign) . q{, 'api')});
my $public = $session->query(q{SELECT jwk_generate('ES256', 'p1')});
$session->query('SELECT jwt_trust_issuer(\'https://p.example\', jwk_public(' . quote($public) . q{), 'api')});
my %token = map { $_ => quote($session->query("SELECT jwt_sign('{}', '1 d', '$_')")) } qw(e1 h1 r1 d1);
$token{'their secret'} = quote(theirs('https://o.example', $foreign));
$token{'their key'} = quote(theirs('https://p.example', $public));

my @secrets = secrets_in_clear();
cmp_ok(scalar @secrets, '>=', 10, 'unsealed: private members are found in the tables');
my @shown = shown_in(dump_of('postgres'), @secrets);
cmp_ok(scalar @shown, '>=', 6, 'unsealed: private members are found in a dump');

# Sealing what was in the clear
write_lines('mk1');
$node->safe_psql('postgres', "ALTER DATABASE postgres SET jwt_auth.master_key_file = '$path'");
reconnect();
{
	my $before = rows();
	$session->query('BEGIN');
	is($session->query('SELECT jwt_seal_keys()'), '9', 'four keys, two for refresh tokens, one for names, one for one-time tokens, and secrets of an issuer');
	is($session->query('SELECT jwt_seal_keys()'), '0', 'keys that were sealed in this transaction are not sealed again');
	good($session, 'in the transaction that seals');
	$session->query('ROLLBACK');
	is(rows(), $before, 'a rollback undoes sealing');
	good($session, 'after that');

	my ($count, $messages) = $session->query('SELECT jwt_seal_keys()');
	is($count, '9', 'nine keys and secrets are sealed');
	like($messages, qr/WARNING:\s+01000/, 'sealing warns that unsealed copies remain');
	($count, $messages) = $session->query('SELECT jwt_seal_keys()');
	is($count, '0', 'sealing again seals nothing');
	unlike($messages, qr/WARNING/, 'sealing again does not warn');
	is(sealed_by(), 'mk1=10', 'all by the first line: three next keys gave way to new ones, and a secret is kept to verify');
	is($session->query(q{SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'keys_sealed'}) >= 1, 1, 'sealing is audited');
	good($session, 'sealed');
	reconnect();
	good($session, 'sealed, in a new session');
	signs($session, 'sealed');
}

# New keys are sealed when they are made
{
	my (undef, $messages) = $session->query(q{SELECT jwt_create_key('ES384', 'e2'), jwt_import_key(jwk_generate('HS512', 'h2')),
		jwt_rotate_refresh_key()});
	is($messages, '', 'new keys are created without a warning');
	is(sealed_by(), 'mk1=13', 'new keys are sealed');
	is($session->query('SELECT count(*), count(DISTINCT substr(private_jwk, 1, 12)) FROM jwt_auth.keys WHERE sealed_by IS NOT NULL'),
		'12|12', 'each with a nonce of its own');
	$token{$_} = quote($session->query("SELECT jwt_sign('{}', '1 d', '$_')")) for qw(e2 h2);
	reconnect();
	good($session, 'new keys');
}

# Another line: the first one seals, any one opens
write_lines('mk2', 'mk1');
reconnect();
good($session, 'two lines');
$session->query(q{SELECT jwt_create_key('ES256', 'e3')});
is(sealed_by(), 'mk1=13 mk2=1', 'the first line seals');
{
	my $before = $session->query('SELECT md5(string_agg(private_jwk::text, \'\' ORDER BY kid)) FROM jwt_auth.keys');
	my ($count, $messages) = $session->query('SELECT jwt_seal_keys()');
	is($count, '13', 'keys that another line sealed are sealed anew');
	unlike($messages, qr/WARNING/, 'sealing anew does not warn, since nothing was unsealed');
	is(sealed_by(), 'mk2=14', 'all keys are sealed by the new line');
	isnt($session->query('SELECT md5(string_agg(private_jwk::text, \'\' ORDER BY kid)) FROM jwt_auth.keys'), $before,
		'with other bytes');
}
write_lines('mk2');
reconnect();
good($session, 'the new line alone');
signs($session, 'the new line alone');

# Without the file, or with another one: public keys verify, the rest says why not
my $good_keys = rows();
$session->query(q{SELECT jwt_create_user('alice', 'correct horse battery staple', email => 'alice@known.example'), jwt_request_recovery('alice@known.example')});
my $refresh = $session->query(q{SELECT jwt_login('alice', 'correct horse battery staple') ->> 'refresh_token'});
for my $case (
	[ 'no file', sub { unlink $path or die }, 'the master key file cannot be read' ],
	[ 'another key under that name', sub { write_file($path, 'mk2 ' . random_key()) }, 'the sealed key cannot be opened' ],
	[ 'another name', sub { write_lines('mk3') }, 'the master key that sealed it is missing' ],
	[ 'rights for others', sub { write_lines('mk2'); chmod 0644, $path or die }, 'can be read by others' ],
	[ 'a malformed line', sub { write_file($path, "mk2 $line{mk2}\nmk1\n") }, 'has a malformed line' ],
	[ 'no setting', sub { $node->safe_psql('postgres', 'ALTER DATABASE postgres RESET jwt_auth.master_key_file') },
		'the master key that sealed it is missing' ])
{
	my ($name, $spoil, $why) = @$case;

	$spoil->();
	reconnect();
	my ($message, $warnings) = $session->query("SELECT jwt_explain($token{h1}) ->> 'message'");
	like($message, qr/\Q$why\E/, "$name: the error says so");
	is($warnings, '', "$name: and nothing else is said");
	is($session->state_of("SELECT jwt_verify($token{$_})"), '', "$name: $_ verifies, having a public half")
	  for 'e1', 'r1', 'd1', 'e2', 'their key';
	is($session->state_of("SELECT jwt_verify($token{$_})"), '55000', "$name: $_ does not verify, being a secret")
	  for 'h1', 'h2', 'their secret';
	is($session->state_of("SELECT jwt_revoke($token{$_})"), '55000', "$name: revoking $_ does not pass for done") for 'h1', 'h2';
	is($session->state_of("SELECT jwt_revoke($token{e1} || 'A'), jwt_revoke('a.b.c')"), '', "$name: revoking malformed tokens raises no error");
	is($session->state_of("SELECT jwt_verify($token{e1} || 'A')"), '28J00', "$name: a wrong signature is refused");
	is($session->state_of(q{SELECT jwt_verify('a.b.c')}), '28J00', "$name: a malformed token is refused");
	is($session->state_of(q{SELECT jwt_sign('{}')}), '55000', "$name: no token is signed");
	is($session->state_of("SELECT jwt_sign('{}', kid => '$_')"), '55000', "$name: $_ does not sign") for 'h2', 'e2';
	is($session->state_of('SELECT jsonb_array_length(jwt_jwks() -> \'keys\')'), '', "$name: public keys are published");
	is($session->state_of("SELECT $_('$refresh')"), '55000', "$name: $_ with a refresh token") for qw(jwt_refresh jwt_revoke);
	is($session->state_of('SELECT jwt_outbox_claim()'), '55000', "$name: no message is handed out without its link, or given up");
	is($session->state_of("SELECT jwt_explain($token{$_}), jwt_introspect($token{$_})"), '', "$name: jwt_explain of $_ raises nothing")
	  for 'e1', 'h1', 'their secret';
	next if $name =~ /another name|no setting/;
	is($session->state_of("SELECT $_"), '55000', "$name: $_")
	  for 'jwt_seal_keys()';
	next if $name eq 'another key under that name';
	is($session->state_of("SELECT $_"), '55000', "$name: $_")
	  for 'jwt_create_key()', 'jwt_rotate_key()', 'jwt_rotate_refresh_key()', 'jwt_import_key(jwk_generate(\'ES256\'))',
	  q{jwt_trust_issuer('https://q.example', jwk_generate('HS256'), 'api')}, 'jwt_reset_after_restore()';
}
is(rows(), $good_keys, 'failed calls change no key');
$node->safe_psql('postgres', "ALTER DATABASE postgres SET jwt_auth.master_key_file = '$path'");
write_lines('mk2');
reconnect();
good($session, 'with the file again');
is($session->query(q{SELECT jwt_outbox_claim() #>> '{0,token}' LIKE 'jat\_%'}), 't', 'with the file, the message is handed out with its link');

# Ciphertext is tied to its row, and to every bit of it.  The changes are those
# of a transaction, which remembers nothing of what it wrote itself.
for my $case (
	[ 'of another key', q{private_jwk = (SELECT private_jwk FROM jwt_auth.keys WHERE kid = 'h2')}, 'h1' ],
	[ 'of another use', q{private_jwk = (SELECT private_jwk FROM jwt_auth.keys WHERE number = 2)}, 'h1' ],
	[ 'of secrets of an issuer', q{private_jwk = (SELECT secret_jwks FROM jwt_auth.issuers WHERE sealed_by IS NOT NULL)}, 'h1' ],
	[ 'under another kid', q{kid = 'h9'}, 'h9' ],
	[ 'under another alg', q{alg = 'HS384'}, 'h1' ],
	[ 'cut short', q{private_jwk = substr(private_jwk, 1, length(private_jwk) - 1)}, 'h1' ],
	[ 'too short', q{private_jwk = substr(private_jwk, 1, 27)}, 'h1' ],
	[ 'of nonce and tag', q{private_jwk = substr(private_jwk, 1, 28)}, 'h1' ],
	[ 'empty', q{private_jwk = ''}, 'h1' ],
	[ 'longer', q{private_jwk = private_jwk || '\x00'}, 'h1' ],
	(map { [ "with bit $_ changed", qq{private_jwk = set_bit(private_jwk, $_, 1 - get_bit(private_jwk, $_))}, 'h1' ] }
		0, 95, 96, 200, 300),
	[ 'with a bit of its tag changed', q{private_jwk = set_byte(private_jwk, length(private_jwk) - 1,
		255 - get_byte(private_jwk, length(private_jwk) - 1))}, 'h1' ],
	[ 'by another line', q{sealed_by = 'mk1'}, 'h1' ],
	[ 'by no line', q{sealed_by = ''}, 'h1' ],
	[ 'by a long name', q{sealed_by = repeat('x', 5000)}, 'h1' ])
{
	my ($name, $change, $kid) = @$case;

	$session->query("BEGIN; UPDATE jwt_auth.keys SET $change WHERE kid = 'h1'");
	is($session->state_of("SAVEPOINT s; SELECT jwt_sign('{}', kid => '$kid')"), '55000', "ciphertext $name: does not sign");
	is($session->state_of("ROLLBACK TO s; SELECT jwt_verify($token{h1})"), $kid eq 'h1' ? '55000' : '28J00',
		"ciphertext $name: nor verify");
	is($session->state_of('ROLLBACK TO s; SELECT jwt_explain(' . $token{h1} . ')'), '', "ciphertext $name: jwt_explain");
	$session->query('ROLLBACK');
}
# A secret for refresh tokens, in a row that says that it signs
{
	my $kid = $session->query(q{SELECT kid FROM jwt_auth.keys WHERE use = 'refresh' AND verify_until IS NULL});

	$session->query("BEGIN; UPDATE jwt_auth.keys SET use = 'sig', number = NULL, activated_at = NULL WHERE kid = '$kid'");
	is($session->query("SELECT use FROM jwt_auth.keys WHERE kid = '$kid'"), 'sig', 'ciphertext under another use');
	is($session->state_of("SELECT jwt_sign('{}', kid => '$kid')"), '55000', 'ciphertext under another use: does not sign');
	$session->query('ROLLBACK');
}
# In the clear, where it is not: no key, and no crash
$session->query(q{BEGIN; UPDATE jwt_auth.keys SET sealed_by = NULL WHERE kid = 'h1'});
isnt($session->state_of(q{SAVEPOINT s; SELECT jwt_sign('{}', kid => 'h1')}), '', 'ciphertext said to be clear: does not sign');
isnt($session->state_of("ROLLBACK TO s; SELECT jwt_verify($token{h1})"), '', 'ciphertext said to be clear: does not verify');
$session->query('ROLLBACK');
$session->query(q{SELECT jwt_trust_issuer('https://o2.example', jwk_generate('HS256', 'o1'), 'api')});
for my $case (
	[ 'of another issuer', q{secret_jwks = (SELECT secret_jwks FROM jwt_auth.issuers WHERE issuer = 'https://o2.example')} ],
	[ 'of a key', q{secret_jwks = (SELECT private_jwk FROM jwt_auth.keys WHERE kid = 'h1')} ],
	[ 'with a bit changed', q{secret_jwks = set_bit(secret_jwks, 150, 1 - get_bit(secret_jwks, 150))} ])
{
	my ($name, $change) = @$case;

	$session->query("BEGIN; UPDATE jwt_auth.issuers SET $change WHERE issuer = 'https://o.example'");
	is($session->state_of("SELECT jwt_verify($token{'their secret'})"), '55000', "an issuer's ciphertext $name");
	$session->query('ROLLBACK');
}
good($session, 'as it was');

# Nothing shows a private byte of stored keys, of the file,
# and of keys that callers hand in.
my @sealed = (
	@secrets,
	(map { written_as(decode_base64($_)) } values %line),
	(map { written_as(decode_base64url($_)) } $public =~ /"d":\s*"([^"]+)"/));
for my $table (qw(keys issuers audit_log))
{
	silent(scalar $session->query("SELECT t::text FROM jwt_auth.$table AS t"), "the table $table");
}
silent(dump_of('postgres'), 'a dump');
silent(scalar $session->query('SELECT jwt_jwks()'), 'jwt_jwks');
silent(scalar $session->query("SELECT jwt_explain($token{$_}), jwt_introspect($token{$_}), jwt_verify($token{$_})"), "functions on a token of $_")
  for sort keys %token;
silent(scalar $session->query("SELECT s::text FROM pg_settings AS s"), 'settings');
for my $statement (
	q{SELECT jwt_create_key('ES256', 'e1')}, q{SELECT jwt_sign('{}', kid => 'none')}, "SELECT jwt_verify($token{h1} || 'A')",
	'SELECT jwt_import_key(' . quote($public) . "::jsonb - 'alg')", 'SELECT jwt_import_key(' . quote($public) . q{::jsonb || '{"use":"enc"}')},
	q{SELECT jwt_trust_issuer('https://p.example', } . quote($public) . q{, 'api')},
	q{SELECT jwt_seal_keys()}, "SET jwt_auth.master_key_file = '$dir'; SELECT jwt_create_key()",
	"SET jwt_auth.master_key_file = '$path'; SELECT jwt_create_key(); RESET jwt_auth.master_key_file")
{
	my ($out, $messages) = $session->query("\\set VERBOSITY verbose\nSET client_min_messages = debug5; $statement;\n"
		. "RESET client_min_messages;\n\\set VERBOSITY sqlstate");

	silent($out . $messages, 'a client: ' . substr($statement, 0, 50));
}
write_file($path, "mk2 $line{mk2}\nmk1 $line{mk1} \n");
reconnect();
{
	my ($out, $messages) = $session->query("\\set VERBOSITY verbose\nSELECT jwt_create_key();\n\\set VERBOSITY sqlstate");
	like($messages, qr/55000/, 'a malformed file');
	silent($messages, 'is not quoted');
}
$session->close;
silent(slurp_file($node->logfile), 'the server log');
done_testing();

sub random_key
{
	open my $file, '<:raw', '/dev/urandom' or die;
	read $file, my $bytes, 32;
	return encode_base64($bytes, '');
}

sub write_file
{
	my ($path, $content) = @_;

	unlink $path;
	open my $file, '>', $path or die "could not write $path: $!\n";
	chmod 0600, $path or die;
	print $file $content;
	close $file or die "could not write $path: $!\n";
	return;
}

sub write_lines
{
	my (@names) = @_;

	write_file($path, join '', map { "$_ $line{$_}\n" } @names);
	return;
}

sub reconnect
{
	$session->close;
	$session = JwtAuthSession->new($node);
	return;
}

sub theirs
{
	my ($issuer, $key) = @_;

	return $session->query("SELECT jwt_sign_with(jsonb_build_object('iss', '$issuer', 'aud', 'api',
		'exp', extract(epoch FROM now())::bigint + 3600), " . quote($key) . ')');
}

sub rows
{
	return $session->query('SELECT md5(string_agg(k::text, \'\' ORDER BY kid)) FROM jwt_auth.keys AS k;
		SELECT md5(string_agg(i::text, \'\' ORDER BY issuer)) FROM jwt_auth.issuers AS i');
}

sub sealed_by
{
	return $session->query(q{SELECT string_agg(name || '=' || n, ' ' ORDER BY name) FROM (
		SELECT coalesce(sealed_by, 'clear') AS name, count(*) AS n FROM (
			SELECT sealed_by FROM jwt_auth.keys WHERE private_jwk IS NOT NULL
			UNION ALL SELECT sealed_by FROM jwt_auth.issuers WHERE secret_jwks IS NOT NULL) AS s GROUP BY 1) AS c});
}

# All tokens are good.
sub good
{
	my ($session, $name) = @_;
	my @bad = grep { $session->state_of("SELECT jwt_verify($token{$_})") ne '' } sort keys %token;

	ok(!@bad, "$name: all tokens are good") or diag "not: @bad";
	return;
}

sub signs
{
	my ($session, $name) = @_;
	my @kids = split ' ', $session->query(q{SELECT string_agg(kid, ' ') FROM jwt_auth.key_states WHERE use = 'sig' AND state IN ('active', 'next')});
	my @bad = grep { $session->state_of("SELECT jwt_verify(jwt_sign('{}', kid => '$_'))") ne '' } @kids;

	ok(@kids > 3 && !@bad, "$name: all keys sign") or diag "not: @bad";
	return;
}

# The private members in the tables, in every way in which they may be written.
sub secrets_in_clear
{
	my $json = $session->query(q{SELECT convert_from(private_jwk, 'UTF8') FROM jwt_auth.keys
		UNION ALL SELECT convert_from(secret_jwks, 'UTF8') FROM jwt_auth.issuers WHERE secret_jwks IS NOT NULL});

	return map { written_as(decode_base64url($_)) } $json =~ /"(?:k|d|p|q|dp|dq|qi)":\s*"([^"]+)"/g;
}

sub written_as
{
	my ($bytes) = @_;

	return ($bytes, encode_base64($bytes, ''), encode_base64url($bytes), unpack('H*', $bytes),
		unpack('H*', encode_base64url($bytes)), unpack('H*', encode_base64($bytes, '')));
}

sub shown_in
{
	my ($text, @secrets) = @_;

	return grep { index(lc $text, lc $_) >= 0 } @secrets;
}

sub silent
{
	my ($text, $name) = @_;
	my @found = shown_in($text, @sealed);

	ok(!@found, "no private byte: $name") or diag scalar(@found) . ' found';
	return;
}

sub dump_of
{
	my ($database) = @_;
	my $output = '';

	run([ 'pg_dump', '--no-sync', '-d', $node->connstr($database) ], '>', \$output) or die "pg_dump failed\n";
	return $output;
}
