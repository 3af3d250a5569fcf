# The list of blocked passwords (T42): loaded as the guide says, from files in
# the forms that Have I Been Pwned's have; what is none of those loads nothing.
# It is the same in a database of another encoding, and pg_dump leaves it out.
# At least 49 assertions

use strict;
use warnings;
use utf8;

use AccountTest;
use Cwd qw(abs_path);
use Digest::SHA qw(sha1_hex);
use Encode qw(encode);
use File::Basename qw(dirname);
use JwtAuthTest;
use Test::More;

my $GUIDE = dirname(dirname(dirname(abs_path(__FILE__)))) . '/doc/accounts.md';
my @BREACHED = ('iloveyou is no secret', 'Straße nach München', 'four score and seven years');

my $node = start_account_node('blocked_passwords');
my $file = "$ENV{TMPDIR}/blocked_passwords.txt";

sub write_file
{
	my ($text) = @_;

	open my $handle, '>:raw', $file or die "$file: $!\n";
	print $handle $text;
	close $handle or die "$file: $!\n";
	chmod 0644, $file;
	return;
}

# The statements of the guide, with our file.
sub loader
{
	open my $handle, '<:encoding(UTF-8)', $GUIDE or die "$GUIDE: $!\n";
	my $text = join '', <$handle>;
	close $handle;
	my ($statements) = $text =~ /^```sql\n(BEGIN;\nCREATE TEMPORARY TABLE breached.*?)^```/ms
	  or die "the guide has no loader\n";
	$statements =~ s/'pwned-passwords\.txt'/'$file'/ or die "the loader reads no file\n";
	return $statements;
}

# Loads the file; returns what psql says on standard error.
sub load
{
	my ($dbname) = @_;
	my ($status, undef, $messages) = $node->psql($dbname // 'postgres', "\\set ON_ERROR_STOP on\n" . loader());

	return $messages;
}

sub count_of { return value_of($node, 'SELECT count(*) FROM jwt_auth.blocked_passwords', @_); }

sub reasons_of
{
	my ($password, $encoding, @where) = @_;
	my $octets = unpack 'H*', encode($encoding, $password);

	return value_of($node, "SELECT jwt_password_strength(convert_from('\\x$octets', getdatabaseencoding())) ->> 'reasons'", @where);
}

my @hashes = map { uc sha1_hex(encode('UTF-8', $_)) } @BREACHED;
my %good = (
	'HASH:COUNT' => join('', map { "$_:" . 3 * length . "\n" } sort @hashes),
	'HASH:COUNT with CRLF' => join('', map { "$_:1\r\n" } @hashes),
	'hashes alone' => join('', map { "$_\n" } @hashes),
	'lower case, one twice, the last line without an end' => join("\n", map { lc "$_:2" } @hashes, $hashes[0]));

for my $form (sort keys %good)
{
	$node->safe_psql('postgres', 'TRUNCATE jwt_auth.blocked_passwords');
	is(reasons_of($BREACHED[1], 'UTF-8'), '[]', "$form: before the load, the password is not blocked");
	write_file($good{$form});
	unlike(load(), qr/ERROR/, "$form: the list is loaded");
	is(count_of(), 3, "$form: each password is stored once");
	is(reasons_of($_, 'UTF-8'), '["blocked"]', "$form: each password of the list is blocked") for @BREACHED;
	is(reasons_of("$BREACHED[0].", 'UTF-8'), '[]', "$form: another password is not blocked");
}
write_file($good{'HASH:COUNT'});
unlike(load(), qr/ERROR/, 'the same list can be loaded once more');
is(count_of(), 3, 'loading the same list once more adds nothing');

my %bad = (
	'NTLM hashes' => '8846F7EAEE8FB117AD06BDD830B7586C:9',
	'a file of a range' => substr($hashes[0], 5) . ':9',
	'no hexadecimal digits' => 'x' x 40 . ':1',
	'an empty line' => '',
	'a short hash' => substr($hashes[0], 0, 38));

for my $what (sort keys %bad)
{
	write_file(uc(sha1_hex('one that is new here')) . ":1\n$bad{$what}\n");
	like(load(), qr/ERROR/, "$what: the load is refused");
	is(count_of(), 3, "$what: a refused load stores nothing");
}

# Another encoding
$node->safe_psql('postgres', q{CREATE DATABASE latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
$node->safe_psql('latin1', 'CREATE EXTENSION jwt_auth');
write_file($good{'HASH:COUNT'});
unlike(load('latin1'), qr/ERROR/, 'LATIN1: the list is loaded');
is(reasons_of($BREACHED[1], 'iso-8859-1', dbname => 'latin1'), '["blocked"]', 'LATIN1: a password of the list is blocked');
is(reasons_of('Straße nach Minchen', 'iso-8859-1', dbname => 'latin1'), '[]', 'LATIN1: another password is not blocked');

# Dump and restore
my $dump = "$ENV{TMPDIR}/blocked_passwords.dump";
$node->safe_psql('postgres', 'CREATE DATABASE copy');
is(system('pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres')), 0, 'a database with a list can be dumped');
is(system('pg_restore', '-d', $node->connstr('copy'), $dump), 0, 'a database with a list can be restored');
is(count_of(dbname => 'copy'), 0, 'the restored database has no list');
is(value_of($node, 'SELECT count(*) FROM jwt_auth.users', dbname => 'copy'), value_of($node, 'SELECT count(*) FROM jwt_auth.users'), 'the restored database has the users');
unlike(load('copy'), qr/ERROR/, 'the list can be loaded into the restored database');
is(count_of(dbname => 'copy'), 3, 'the list in the restored database is complete');

done_testing();
