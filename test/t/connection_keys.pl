# The file with the public keys of tokens that open connections (T187): which
# files are refused, and what jwt_check says of them, in all versions; that
# nobody but the operator's configuration names the file.
# At least 67 assertions

use strict;
use warnings;

use JwtAuthTest;
use Pages qw(write_file);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $dir = PostgreSQL::Test::Utils::tempdir();
my $path = "$dir/keys.json";
my $node = start_node('connection_keys', conf => [ "session_preload_libraries = 'jwt_auth'", "jwt_auth.oauth_jwks_file = '$path'" ]);
my $session = connect_to($node);
my $write = "COPY (SELECT jwt_jwks()) TO '$path'";
my $serial = 0;

execute($session, 'CREATE ROLE regress_keys_user LOGIN');
my $first = value_of($session, 'SELECT jwt_create_key()');

# What jwt_check finds, with the beginning of what to do about it
my %REMEDY = (
	open => "The server's user must be able to read",
	kind => 'Set jwt_auth.oauth_jwks_file to a file',
	rights => "It must be owned by the server's user or root",
	form => 'It holds public keys only',
	path => 'Set it to the whole path');

finds(unusable('open'), 'no file: jwt_check says so');
execute($node, $write);
finds('', 'a file that COPY wrote is right');
my $jwks = slurp_file($path);

check_findings();
check_files();
check_contents();
check_names();
done_testing();

sub findings
{
	return value_of($session, q{SELECT string_agg(concat_ws('|', severity, finding, object, remedy), ';')
		FROM jwt_check() WHERE finding ~ 'connections'});
}

sub unusable
{
	my ($why) = @_;

	return qr/^error\|the file of keys for connections cannot be used\|jwt_auth\.oauth_jwks_file\|\Q$REMEDY{$why}\E[^;]*$/;
}

sub finds
{
	my ($expected, $name) = @_;

	return ref $expected ? like(findings(), $expected, $name) : is(findings(), $expected, $name);
}

# Keys come and go, and the file stays what it was until it is written again.
sub check_findings
{
	my $second = value_of($session, 'SELECT jwt_create_key()');

	finds('', 'a next key that the file lacks is no finding');
	execute($session, "SELECT jwt_revoke_key('$first')");
	finds(qr/^error\|tokens of a revoked key open connections\|\Q$first\E\|[^;]+;warning\|tokens of the active key open no connections\|\Q$second\E\|[^;]+$/,
		'a revoked key in the file, and an active one that it lacks, are findings');
	execute($node, $write);
	finds('', 'they are gone when the file is written again');
	execute($session, 'SELECT jwt_create_key()') if value_of($session, q{SELECT count(*) FROM jwt_auth.key_states WHERE state = 'next'}) eq '0';
	execute($node, $write);
	execute($session, 'SELECT jwt_rotate_key()');
	finds('', 'a key is in the file before it signs');
	execute($session, 'SELECT jwt_rotate_key()');
	finds(qr/^warning\|tokens of the active key open no connections\|[^;]+$/, 'an active key that the file lacks is a finding');
	execute($node, $write);
	finds('', 'it is gone when the file is written again');
	$jwks = slurp_file($path);
	return;
}

sub check_files
{
	for my $mode (0600, 0400, 0640, 0644, 0444, 0755)
	{
		try_file(sprintf('mode %04o', $mode), make_file($jwks, $mode), '');
	}
	for my $mode (0664, 0646, 0666, 0620, 0602, 0777)
	{
		try_file(sprintf('mode %04o', $mode), make_file($jwks, $mode), unusable('rights'));
	}
	try_file('a file that the server may not read', make_file($jwks, 0), unusable('open')) if $> != 0;
	try_file('a link to a right file', do { symlink make_file($jwks), "$dir/link" or die; "$dir/link" }, '');
	try_file('a link to no file', do { symlink "$dir/none", "$dir/dangling" or die; "$dir/dangling" }, unusable('open'));
	try_file('a link to itself', do { symlink "$dir/loop", "$dir/loop" or die; "$dir/loop" }, unusable('open'));
	try_file('a directory', $dir, unusable('kind'));
	try_file('a fifo', do { mkfifo("$dir/fifo", 0600) or die; "$dir/fifo" }, unusable('kind'));
	try_file('a device', '/dev/null', unusable('kind'));
	try_file('an endless device', '/dev/zero', unusable('kind'));
	try_file('a file that is too large', make_file($jwks . ' ' x (256 * 1024)), unusable('kind'));
	try_file('a file of root', '/etc/passwd', unusable('form'));
	return;
}

sub check_contents
{
	my ($public, $other) = map { value_of($session, "SELECT jwk_public(jwk_generate('$_', 'kid of $_'))") } qw(ES256 EdDSA);
	my ($private, $secret) = map { value_of($session, "SELECT jwk_generate('$_', 'kid of $_')") } qw(RS256 HS256);
	my $with = sub { return '{"keys":[' . join(',', @_) . ']}' };
	my $without = sub { my ($member, $key) = @_; return value_of($session, "SELECT '$key'::jsonb - '$member'") };

	for my $case (
		[ 'two keys', $with->($public, $other) ],
		[ 'spaces around', "\n\t " . $with->($public) . "\n\n" ],
		[ 'a key of a kind that is yet to come', $with->($public, '{"kty":"XYZ","kid":"x"}') ],
		[ 'more members', '{"note":"","keys":[' . $public . ']}' ])
	{
		my ($name, $text) = @$case;

		try_file($name, make_file($text), qr/^warning\|tokens of the active key open no connections\|[^;]+$/);
	}
	for my $case (
		[ 'an empty file', '' ], [ 'spaces', "  \n" ], [ 'half a file', substr($jwks, 0, length($jwks) / 2) ],
		[ 'a file with something behind', $jwks . $jwks ], [ 'a NUL behind it', "$jwks\0" ], [ 'no UTF-8', $jwks =~ s/kty/k\xff/r ],
		[ 'an object', '{}' ], [ 'an array', "[$public]" ], [ 'null', 'null' ], [ 'a key by itself', $public ],
		[ 'no keys', $with->() ], [ 'keys that are no array', '{"keys":{}}' ], [ 'deep nesting', '[' x 100000 ],
		[ 'members twice', '{"keys":[],"keys":[' . $public . ']}' ],
		[ 'only keys that nobody knows', $with->('{"kty":"XYZ","kid":"x"}') ],
		[ 'a private key', $with->($private) ], [ 'a private key beside a public one', $with->($public, $private) ],
		[ 'a secret', $with->($secret) ], [ 'a secret beside a public key', $with->($public, $secret) ],
		[ 'a key without kid', $with->($without->('kid', $public)) ], [ 'a key without alg', $with->($without->('alg', $public)) ],
		[ 'a key twice', $with->($public, $public) ])
	{
		my ($name, $text) = @$case;

		try_file($name, make_file($text), unusable('form'));
	}
	return;
}

# Only the configuration names the file, and only superusers see its name.
sub check_names
{
	my $user = connect_to($node);

	execute($user, 'SET ROLE regress_keys_user');
	is(state_of($user, 'SHOW jwt_auth.oauth_jwks_file'), '42501', 'a role may not see the name of the file');
	is(value_of($user, q{SELECT count(*) FROM pg_settings WHERE name = 'jwt_auth.oauth_jwks_file'}), '0', 'pg_settings does not show it to a role');
	for my $statement (
		"SET jwt_auth.oauth_jwks_file = '$dir/x'", "SELECT set_config('jwt_auth.oauth_jwks_file', '$dir/x', true)",
		"ALTER DATABASE postgres SET jwt_auth.oauth_jwks_file = '$dir/x'", "ALTER ROLE CURRENT_USER SET jwt_auth.oauth_jwks_file = '$dir/x'")
	{
		is(state_of($session, $statement), '55P02', 'not even a superuser names the file in a session: ' . $statement =~ s/'\S+'/.../r);
	}
	{
		local $ENV{PGOPTIONS} = "-c jwt_auth.oauth_jwks_file=$dir/x";
		my $errors = '';

		$node->psql('postgres', 'SELECT 1', stderr => \$errors);
		like($errors, qr/cannot be changed now/, 'no connection names the file');
	}
	unlink $path;
	write_file($path, $jwks);
	chmod 0644, $path or die;
	for my $relative ('keys.json', './keys.json', '../keys.json')
	{
		configure($relative);
		finds(unusable('path'), "a relative path is refused: $relative");
	}
	configure('');
	finds('', 'without a file there is nothing to find');
	return;
}

# New sessions have the setting once the server has read it.
sub configure
{
	my ($value) = @_;
	my $end = time + 60;

	$node->append_conf('postgresql.conf', "jwt_auth.oauth_jwks_file = '$value'");
	$node->reload;
	until (value_of($session, 'SHOW jwt_auth.oauth_jwks_file') eq $value)
	{
		die "the server did not read its configuration\n" if time > $end;
		sleep 0.02;
	}
	return;
}

# The setting names a link, which leads to one file after the other.
sub try_file
{
	my ($name, $target, $expected) = @_;

	unlink $path or die "could not remove $path: $!\n";
	symlink $target, $path or die "could not link $target: $!\n";
	return finds($expected, "the file: $name");
}

sub make_file
{
	my ($text, $mode) = @_;
	my $file = "$dir/file" . ++$serial;

	open my $handle, '>', $file or die "could not create $file: $!\n";
	print {$handle} $text;
	close $handle or die "could not write $file: $!\n";
	chmod $mode // 0644, $file or die "could not change $file: $!\n";
	return $file;
}
