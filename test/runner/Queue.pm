# Runs test files, several at a time: each in a process of its own, whose results
# come back through a file.  What a file needs is said by comments in it:
#   # Time limit: 900 s   it may take so long (default: 600 s)
#   # Alone               nothing else runs meanwhile, as it measures time

package Queue;

use strict;
use warnings;

use POSIX ();
use Storable qw(retrieve store);
use Time::HiRes qw(time);

my $SECONDS_PER_FILE = 600;

# Runs each item, and calls done->(item, seconds, counts, lines) as it ends.  Of
# an item counts: file, shared (whether it uses the server that all share, which
# one file does at a time), and run->(file), which returns counts and lines.
sub run
{
	my ($scratch, $jobs, $done, @items) = @_;
	my @longest_first = sort { limit_of($b->{file}) <=> limit_of($a->{file}) } @items;
	my $self = bless { scratch => $scratch, done => $done, running => {} };

	$self->_run_all($jobs, grep { !_is_alone($_) } @longest_first);
	$self->_run_all(1, grep { _is_alone($_) } @longest_first);
	return;
}

# The seconds that a file may take.
sub limit_of
{
	my ($file) = @_;

	return _comments_of($file) =~ /^# Time limit: (\d+) s\b/m ? $1 : $SECONDS_PER_FILE;
}

sub _is_alone
{
	my ($item) = @_;

	return _comments_of($item->{file}) =~ /^# Alone\b/m;
}

# SQL has them with two dashes.
sub _comments_of
{
	my ($path) = @_;

	open my $file, '<', $path or die "could not read $path: $!\n";
	return join '', map { s/^-- /# /r } grep { /^(?:#|--) / } <$file>;
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
			my ($counts, @lines) = $item->{run}->($self->{scratch}, $item->{file});

			store([ time - $start, $counts, @lines ], $path);
		});

	$self->{running}{$pid} = $item;
	return;
}

sub _finish
{
	my ($self, $pid, $status) = @_;
	my $item = delete $self->{running}{$pid};
	my $result = $status == 0 ? retrieve($self->_path_of($item)) : [ 0, { failed => 1 }, 'it could not be run' ];

	$self->{done}->($item, @$result);
	return;
}

sub _path_of
{
	my ($self, $item) = @_;

	return $self->{scratch}->dir . '/' . ($item->{file} =~ tr{/}{-}r) . '.result';
}

1;
