# Programs that a test asks: each request and each answer is a line of JSON.

package LinePeer;

use strict;
use warnings;

use IPC::Run qw(start timeout);
use JSON::PP ();

# For an answer
my $SECONDS = 120;

my $json = JSON::PP->new->canonical->utf8->allow_nonref;

# Starts a command.
sub new
{
	my ($class, @command) = @_;
	my $self = bless { map { $_ => '' } qw(in out err) }, $class;

	$self->{timer} = timeout($SECONDS);
	$self->{run} = start(\@command, '<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, $self->{timer});
	return $self;
}

# The answer to a request.
sub ask
{
	my ($self, $request) = @_;

	$self->{timer}->start($SECONDS);
	$self->{out} = '';
	$self->{in} .= $json->encode($request) . "\n";
	until ($self->{out} =~ /\n/)
	{
		die "the program ended: $self->{err}\n" unless $self->{run}->pumpable;
		$self->{run}->pump;
	}
	return $json->decode($self->{out});
}

# What the program has said of its errors.
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
