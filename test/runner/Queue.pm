# Runs test files, several at a time: each in a process of its own, whose result
# comes back through a file.

package Queue;

use strict;
use warnings;

use POSIX ();
use Storable qw(retrieve store);
use TestFile;
use Time::HiRes qw(time);

# Runs each item, and calls done->(item, seconds, result) as it ends.  Of an item
# counts: file, shared (whether it uses the server that all share, which one file
# does at a time), and run->(scratch, file), which returns the result (see
# Results).
sub run
{
	my ($scratch, $jobs, $done, @items) = @_;
	my %limit = map { $_->{file} => TestFile::limit_of($_->{file}) } @items;
	my @longest_first = sort { $limit{ $b->{file} } <=> $limit{ $a->{file} } } @items;
	my $self = bless { scratch => $scratch, done => $done, running => {} };

	$self->_run_all($jobs, grep { !TestFile::is_alone($_->{file}) } @longest_first);
	$self->_run_all(1, grep { TestFile::is_alone($_->{file}) } @longest_first);
	return;
}

sub _run_all
{
	my ($self, $jobs, @waiting) = @_;
	my $running = $self->{running};

	while (@waiting || %$running)
	{
		while (keys %$running < $jobs)
		{
			my $next = $self->_choose(@waiting);

			last unless defined $next;
			$self->_start(splice @waiting, $next, 1);
		}
		$self->_finish($self->{scratch}->wait_for_any(keys %$running));
	}
	return;
}

# The index of the one to start next, if one may start.  Those in the shared
# server come first, as they can only follow each other.
sub _choose
{
	my ($self, @waiting) = @_;
	my ($shared) = grep { $waiting[$_]{shared} } 0 .. $#waiting;
	my ($other) = grep { !$waiting[$_]{shared} } 0 .. $#waiting;

	return $other if grep { $_->{shared} } values %{ $self->{running} };
	return $shared // $other;
}

sub _start
{
	my ($self, $item) = @_;
	my $path = $self->_path_of($item);
	my $start = time;
	my $pid = $self->{scratch}->fork_and_call(
		sub {
			my $result = $item->{run}->($self->{scratch}, $item->{file});

			store([ time - $start, $result ], $path);
		});

	$self->{running}{$pid} = $item;
	return;
}

sub _finish
{
	my ($self, $pid, $status) = @_;
	my $item = delete $self->{running}{$pid};
	my ($seconds, $result) = $status == 0
	  ? @{ retrieve($self->_path_of($item)) }
	  : (0, { failed => 1, lines => ['it could not be run'] });

	$self->{done}->($item, $seconds, $result);
	return;
}

sub _path_of
{
	my ($self, $item) = @_;

	return $self->{scratch}->dir . '/' . ($item->{file} =~ tr{/}{-}r) . '.result';
}

1;
