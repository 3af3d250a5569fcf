# The file of master keys (T73, T74, F52): which files are refused (55000, and no key
# is made), and that nobody but the superuser sees or sets its name.
# At least 168 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('master_key');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $data = $node->data_dir;
my $session = JwtAuthSession->new($node);
my $line = 'mk1 ' . encode_base64(join('', map { chr } 1 .. 32), '');
my $serial = 0;

# Files that are accepted, whatever their way of writing
my $name63 = 'n' x 63;
for my $case (
	[ 'one line', "$line\n" ],
	[ 'no newline at the end', $line ],
	[ 'several lines', "$line\nmk2 " . encode_base64('x' x 32, '') . "\nother-key_3 " . encode_base64('y' x 32, '') . "\n" ],
	[ 'the longest name', $line =~ s/mk1/$name63/r ],
	[ 'all signs of base64', 'mk1 ' . '+/' x 21 . "8=\n" ])
{
	my ($name, $content) = @$case;

	accepted($name, make_file($content));
}
accepted('mode 0400', make_file($line, 0400));
accepted('mode 0700', make_file($line, 0700));
{
	my $file = make_file($line);

	symlink $file, "$dir/link" or die;
	accepted('a symbolic link', "$dir/link");
	symlink "$dir/link", "$dir/link2" or die;
	accepted('a link to a link', "$dir/link2");
	mkdir "$dir/real" or die;
	symlink "$dir/real", "$dir/alias" or die;
	link $file, "$dir/real/file" or die;
	accepted('a folder that is a link', "$dir/alias/file");
	accepted('a path with dots', "$dir/real/../real/./file");
}

# Others may read it
refused(sprintf('mode %04o', $_), make_file($line, $_))
  for 0640, 0644, 0604, 0620, 0602, 0660, 0666, 0610, 0601, 0777;
refused('a file of root that everybody may read', '/etc/passwd');
is(message_with('/etc/passwd'), message_with(make_file($line, 0644)), 'which is not read at all');
isnt(message_with('/etc/passwd'), message_with(make_file('root:x:0:0')), 'to find no key in it');

# It is no regular file, or is none at all
refused('no file', "$dir/none");
refused('a link to no file', do { symlink "$dir/none", "$dir/dangling" or die; "$dir/dangling" });
refused('a link to itself', do { symlink "$dir/loop", "$dir/loop" or die; "$dir/loop" });
refused('a directory', $dir);
refused('a fifo', do { mkfifo("$dir/fifo", 0600) or die; "$dir/fifo" });
refused('a device', '/dev/null');
refused('an endless device', '/dev/zero');
refused('a terminal', '/dev/tty');
refused('a file in no folder', make_file($line) . '/x');
refused('a file that nobody may read', make_file($line, 0)) if $> != 0;
refused('a file that is too large', make_file(join "", map { $line =~ s{mk1}{mk$_}r . "\n" } 1 .. 2000));

# It is named by a path that depends on the server's directory
refused("relative: $_", $_) for 'master_key', './master_key', '../master_key', '~/master_key';
make_file($line, 0600, "$data/relative");
refused('a relative path that leads to a good file', 'relative');

# It lies where a backup takes it along
refused('in the data directory', make_file($line, 0600, "$data/key"));
refused('in a folder of the data directory', make_file($line, 0600, "$data/global/key"));
refused('in the folder of WAL', make_file($line, 0600, "$data/pg_wal/key"));
symlink "$data/key", "$dir/into" or die;
refused('through a link into the data directory', "$dir/into");
{
	my $wal = "$dir/wal";

	$session->close;
	$node->stop;
	rename "$data/pg_wal", $wal or die "could not move $data/pg_wal: $!\n";
	symlink $wal, "$data/pg_wal" or die "could not link $data/pg_wal: $!\n";
	$node->start;
	$session = JwtAuthSession->new($node);
	refused('in a folder of WAL that lies elsewhere', make_file($line, 0600, "$wal/key"));
}
symlink $data, "$dir/data" or die;
refused('through another name of the data directory', "$dir/data/key");
mkdir "$dir/space" or die;
$session->query("CREATE TABLESPACE regress_space LOCATION '$dir/space'");
my $oid = $session->query(q{SELECT oid FROM pg_tablespace WHERE spcname = 'regress_space'});
refused('in a tablespace', make_file($line, 0600, "$dir/space/key"));
refused('in a tablespace, by its link', "$data/pg_tblspc/$oid/key");
mkdir "$dir/space3" or die;
$session->query("CREATE TABLESPACE regress_space3 LOCATION '$dir/space3'");
make_file($line, 0600, "$dir/space3/key");
refused("in tablespace $_ of two", "$dir/$_/key") for qw(space space3);
make_file($line, 0600, "$dir/space2");
accepted('beside a tablespace whose name begins like it', "$dir/space2");
make_file($line, 0600, $data . '2');
accepted('beside a data directory whose name begins like it', $data . '2');

# The path and the opened file: another process holds a file that was removed,
# and a second one has the name that the path resolves to
{
	my $removed = make_file($line);

	open my $held, '<', $removed or die "could not open $removed: $!\n";
	my $held_path = "/proc/$$/fd/" . fileno $held;

	unlink $removed or die "could not remove $removed: $!\n";
	is(readlink $held_path, "$removed (deleted)", 'a file that was removed');
	refused('a file that was removed', $held_path);
	make_file($line, 0600, "$removed (deleted)");
	refused('a file other than the one that its path leads to', $held_path);
	accepted('that one by its own name', "$removed (deleted)");
}

# What is written in it
my $key = encode_base64('k' x 32, '');
for my $case (
	[ 'nothing', '' ],
	[ 'an empty line', "\n" ],
	[ 'an empty line at the end', "$line\n\n" ],
	[ 'an empty line at the beginning', "\n$line\n" ],
	[ 'no name', "$key\n" ],
	[ 'an empty name', " $key\n" ],
	[ 'no key', "mk1\n" ],
	[ 'an empty key', "mk1 \n" ],
	[ 'a space before', " mk1 $key\n" ],
	[ 'a space after', "mk1 $key \n" ],
	[ 'two spaces between', "mk1  $key\n" ],
	[ 'a tab between', "mk1\t$key\n" ],
	[ 'an equals sign between', "mk1=$key\n" ],
	[ 'a comment', "# my key\n$line\n" ],
	[ 'lines that end as on Windows', "$line\r\n" ],
	[ 'a NUL', "$line\0\n" ],
	[ 'a mark of byte order', "\xef\xbb\xbf$line\n" ],
	[ 'a name that is too long', 'n' x 64 . " $key\n" ],
	[ 'a name with another character', "mk.1 $key\n" ],
	[ 'a name that is no ASCII', "m\xc3\xa4 $key\n" ],
	[ 'a key of 31 bytes', 'mk1 ' . encode_base64('k' x 31, '') . "\n" ],
	[ 'a key of 30 bytes', 'mk1 ' . encode_base64('k' x 30, '') . "\n" ],
	[ 'a key of 33 bytes', 'mk1 ' . encode_base64('k' x 33, '') . "\n" ],
	[ 'a key of 16 bytes', 'mk1 ' . encode_base64('k' x 16, '') . "\n" ],
	[ 'a key in hexadecimal', 'mk1 ' . '6b' x 32 . "\n" ],
	[ 'base64url', 'mk1 ' . '-_' x 21 . "8=\n" ],
	[ 'base64 without padding', 'mk1 ' . $key =~ s/=//r . "\n" ],
	[ 'a foreign character', 'mk1 ' . $key =~ s/^./!/r . "\n" ],
	[ 'a second line that is malformed', "$line\nmk2\n" ],
	[ 'two lines with the same name', "$line\nmk1 $key\n" ])
{
	my ($name, $content) = @$case;

	refused("written: $name", make_file($content));
}

# Its name: the superuser's
$session->query("CREATE ROLE regress_other LOGIN; CREATE ROLE regress_settings LOGIN IN ROLE pg_read_all_settings");
my $path = make_file($line);
$session->query("ALTER DATABASE postgres SET jwt_auth.master_key_file = '$path'");
my $other = JwtAuthSession->new($node, role => 'regress_other');
$other->query(q{SELECT jwt_jwks()});
is($other->state_of($_), '42501', "anyone: $_")
  for 'SHOW jwt_auth.master_key_file', q{SELECT current_setting('jwt_auth.master_key_file')},
  q{SELECT current_setting('jwt_auth.master_key_file', true)},
  qq{SET jwt_auth.master_key_file = '$path'}, q{RESET jwt_auth.master_key_file},
  qq{SELECT set_config('jwt_auth.master_key_file', '$path', true)},
  qq{ALTER ROLE regress_other SET jwt_auth.master_key_file = '$path'};
is($other->query(q{SELECT coalesce(string_agg(setting || coalesce(reset_val, ''), ''), '') FROM pg_settings
	WHERE name = 'jwt_auth.master_key_file'}), '', 'anyone: pg_settings does not show it');
unlike(scalar $other->query('SHOW ALL'), qr/\Q$path\E/, 'anyone: nor does SHOW ALL');
$other->close;
is($session->query('RESET jwt_auth.master_key_file; SHOW jwt_auth.master_key_file'), '', 'RESET leaves the file with which the session began');
$session->close;
$session = JwtAuthSession->new($node);
is($session->query('SELECT jwt_jwks() IS NULL; SHOW jwt_auth.master_key_file'), "f\n$path", 'a superuser sees the name of the file');
{
	local $ENV{PGOPTIONS} = "-c jwt_auth.master_key_file=$dir/none";
	my $optional = JwtAuthSession->new($node, role => 'regress_other');

	is($optional->state_of('SELECT jwt_jwks()'), '42501', 'connection options of an ordinary role cannot set the file');
	$optional->close;
	is($session->query('SHOW jwt_auth.master_key_file'), $path, 'refused connection options change nothing');
}
$session->close;
done_testing();

sub make_file
{
	my ($content, $mode, $path) = @_;

	$path //= "$dir/file" . ++$serial;
	open my $file, '>', $path or die "could not write $path: $!\n";
	print $file $content;
	close $file or die "could not write $path: $!\n";
	chmod $mode // 0600, $path or die "could not chmod $path: $!\n";
	return $path;
}

sub state_with
{
	my ($path) = @_;

	$session->query('SET jwt_auth.master_key_file = ' . quote($path));
	return $session->state_of('SELECT jwt_create_key()');
}

sub message_with
{
	my ($path) = @_;
	my $session = connect_to($node);

	execute($session, 'SET jwt_auth.master_key_file = ' . quote($path));
	is(state_of($session, 'SELECT jwt_create_key()'), '55000', "refused: $path");
	return $session->errstr;
}

sub accepted
{
	my ($name, $path) = @_;

	is(state_with($path), '', "accepted: $name");
	return;
}

sub refused
{
	my ($name, $path) = @_;
	my $before = $session->query('SELECT count(*) FROM jwt_auth.keys');

	is(state_with($path), '55000', "refused: $name");
	is($session->query('SELECT count(*) FROM jwt_auth.keys'), $before, "refused: $name: no key was made");
	return;
}
