# Programs on Node.js with packages of npm, independent implementations that a test
# asks (see LinePeer).

package NpmPeer;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(basename dirname);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use IPC::Run qw(run);
use Test::More;
use parent 'LinePeer';

our @EXPORT_OK = qw(install_peer node_of);

# For programs that need a later Node.js than the path has; the bench's, too
my $NODE = 'node@22.22.0';

# What npm has fetched, for the next run
my $cache = ($ENV{XDG_CACHE_HOME} || ($ENV{HOME} // '') . '/.cache') . '/jwt_auth';

# Installs packages into a folder, and a program of test/t beside them, where it
# finds them; returns the program's path.
sub install_peer
{
	my ($dir, $program, @packages) = @_;

	install($dir, @packages) or BAIL_OUT("npm could not install @packages");
	copy(dirname(dirname(abs_path(__FILE__))) . "/t/$program", $dir)
	  or die "could not copy $program: $!\n";
	return "$dir/" . basename($program);
}

# Whether npm could; what it says of a failure is shown.
sub install
{
	my ($dir, @packages) = @_;
	my $fetched = usable("$cache/npm") // "$dir/cache";
	my $output = '';

	local $ENV{HOME} = $dir;
	run([ qw(npm install --loglevel=error --no-audit --no-fund --prefer-offline --prefix), $dir, '--cache', $fetched, @packages ], '>&', \$output)
	  and return 1;
	diag($output);
	return 0;
}

# The folder, which is made if there is none; undefined if it cannot be written to
sub usable
{
	my ($dir) = @_;

	make_path($dir, { error => \my $errors });
	return -w $dir ? $dir : undef;
}

# The path of a Node.js of at least this version, MAJOR.MINOR: the path's, or npm's,
# which is kept in the cache, or else in the folder.  Undefined if npm has none for
# this machine.
sub node_of
{
	my ($minimum, $dir) = @_;
	my ($major, $minor) = split /\./, $minimum;
	my ($has_major, $has_minor) = `node --version` =~ /^v(\d+)\.(\d+)/;
	my $place = (usable($cache) // $dir) . '/' . $NODE =~ tr/@/-/r;
	my $node = "$place/node_modules/node/bin/node";

	return 'node' if ($has_major // 0) > $major || ($has_major // 0) == $major && $has_minor >= $minor;
	return $node if -x $node;

	# Another run may be at the same.
	my $part = "$place.$$";
	make_path($part);
	remove_tree($part) if !install($part, $NODE) || !rename $part, $place;
	return -x $node ? $node : undef;
}

# Starts a program that install_peer() has installed.
sub new
{
	my ($class, $path, @arguments) = @_;

	return $class->new_with('node', $path, @arguments);
}

# The same with a Node.js of node_of()
sub new_with
{
	my ($class, $node, $path, @arguments) = @_;

	return $class->SUPER::new($node, $path, @arguments);
}

1;
