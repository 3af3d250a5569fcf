# Programs on Node.js with packages of npm, independent implementations that a test
# asks (see LinePeer).

package NpmPeer;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(basename dirname);
use File::Copy qw(copy);
use IPC::Run qw(run);
use Test::More;
use parent 'LinePeer';

our @EXPORT_OK = qw(install_peer);

# Installs packages into a folder, and a program of test/t beside them, where it
# finds them; returns the program's path.
sub install_peer
{
	my ($dir, $program, @packages) = @_;
	my $output = '';

	local $ENV{HOME} = $dir;
	run([ qw(npm install --silent --no-audit --no-fund --prefix), $dir, '--cache', "$dir/cache", @packages ], '>&', \$output)
	  or BAIL_OUT("npm could not install @packages: $output");
	copy(dirname(dirname(abs_path(__FILE__))) . "/t/$program", $dir)
	  or die "could not copy $program: $!\n";
	return "$dir/" . basename($program);
}

# Starts a program that install_peer() has installed.
sub new
{
	my ($class, $path, @arguments) = @_;

	return $class->SUPER::new('node', $path, @arguments);
}

1;
