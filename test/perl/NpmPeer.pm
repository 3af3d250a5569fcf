# Programs on Node.js with packages of npm, independent implementations that a test
# asks: each request and each answer is a line of JSON.

package NpmPeer;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(basename dirname);
use File::Copy qw(copy);
use IPC::Run qw(run start timeout);
use JSON::PP ();
use Test::More;

our @EXPORT_OK = qw(install_peer);

# For an answer of the peer
my $SECONDS = 120;

my $json = JSON::PP->new->canonical->utf8->allow_nonref;

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
	my $self = bless { map { $_ => '' } qw(in out err) }, $class;

	$self->{timer} = timeout($SECONDS);
	$self->{run} = start([ 'node', $path, @arguments ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, $self->{timer});
	return $self;
}

# The answer to a request.
sub ask
{
	my ($self, $request) = @_;

	$self->{timer}->start($SECONDS);
	$self->{out} = '';
	$self->{in} .= $json->encode($request) . "\n";
	$self->{run}->pump until $self->{out} =~ /\n/;
	return $json->decode($self->{out});
}

# What the peer has said of its errors.
sub errors
{
	my ($self) = @_;

	return $self->{err};
}

sub stop
{
	my ($self) = @_;

	$self->{run}->kill_kill;
	return;
}

1;
