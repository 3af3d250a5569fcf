# Which test runs which lines of src/, how long it takes, and in which order to try
# tests on a changed line.
#
# It is measured once, with gcov, and again for tests that have changed since; a test
# is known by the digest of its file.  What it ran of a file of src/ that has changed
# since is known no longer by line, only that it ran some of it.
#
# The map is a text file.  A line "test NAME DIGEST SECONDS" comes before lines "ran
# PATH DIGEST LINES" of what the test ran; "code PATH DIGEST LINES" has all lines of a
# file that can run.  LINES are as "3-5,9"; tabs separate the words.

package Coverage;

use strict;
use warnings;

use Digest::MD5 ();
use List::Util qw(sum0);

# Before and after a changed line
my $LINES_NEAR = 4;

# A map, empty if there is no text.
sub new
{
	my ($class, $text) = @_;
	my $self = bless { tests => {}, code => {}, digests => {}, kills => {} }, $class;
	my $test;

	for my $line (split /\n/, $text // '')
	{
		my ($word, $name, $digest, $rest) = split /\t/, $line, 4;

		$test = $self->{tests}{$name} = { digest => $digest, seconds => $rest, ran => {} } if $word eq 'test';
		$test->{ran}{$name} = [ $digest, $rest ] if $word eq 'ran';
		$self->{code}{$name} = [ $digest, $rest ] if $word eq 'code';
	}
	return $self;
}

sub text
{
	my ($self) = @_;
	my @lines;

	push @lines, join "\t", 'code', $_, @{ $self->{code}{$_} } for sort keys %{ $self->{code} };
	for my $name (sort keys %{ $self->{tests} })
	{
		my $test = $self->{tests}{$name};

		push @lines, join "\t", 'test', $name, @$test{qw(digest seconds)};
		push @lines, join "\t", 'ran', $_, @{ $test->{ran}{$_} } for sort keys %{ $test->{ran} };
	}
	return join "\n", @lines, '';
}

# Whether the test has been measured since it was changed, or, if that is enough, ever.
sub knows
{
	my ($self, $test, $ever_is_enough) = @_;
	my $known = $self->{tests}{$test};

	return $known && ($ever_is_enough || $known->{digest} eq digest_of($test));
}

# Takes what gcov says ("gcov --stdout") of a test.
sub add
{
	my ($self, $test, $seconds, $report) = @_;
	my (%ran, %code, $path);

	for my $line (split /\n/, $report)
	{
		$path = $1 =~ s{.*\b(?=src/)}{}r if $line =~ /^ +-: +0:Source:(.*)/;
		my ($count, $number) = $line =~ /^ +([0-9#=]+)\*?: +([1-9]\d*):/ or next;

		next unless defined $path && $path =~ m{^src/.*\.c$};
		push @{ $code{$path} }, $number;
		push @{ $ran{$path} }, $number if $count =~ /^[1-9]/;
	}
	$self->{tests}{$test} = {
		digest => digest_of($test),
		seconds => sprintf('%.1f', $seconds),
		ran => { map { $_ => [ digest_of($_), _ranges($ran{$_}) ] } keys %ran }
	};
	$self->{code}{$_} = [ digest_of($_), _ranges($code{$_}) ] for keys %code;
	return;
}

# A test that fails without a change, or takes too long, is not tried.
sub leave_out
{
	my ($self, $test) = @_;

	$self->{tests}{$test} = { digest => digest_of($test), seconds => 'none', ran => {} };
	return;
}

# How long a test took.
sub seconds_of { return $_[0]{tests}{ $_[1] }{seconds}; }

# The test noticed a change of the file, so that it goes first next time.
sub remember_kill
{
	my ($self, $test, $path) = @_;

	$self->{kills}{$path}{$test}++;
	return;
}

# Of these tests, those that run one of the lines, the most promising first.
sub tests_of
{
	my ($self, $path, $lines, @tests) = @_;
	my @wanted = $self->_lines_that_run($path, @$lines);
	my @near = ($lines->[0] - $LINES_NEAR .. $lines->[-1] + $LINES_NEAR);
	my (%ran, %runners, %score);

	for my $name (grep { $self->{tests}{$_} && $self->{tests}{$_}{seconds} ne 'none' } @tests)
	{
		my ($digest, $ranges) = @{ $self->{tests}{$name}{ran}{$path} // next };
		my %ran_of_test = map { $_ => 1 } _lines($ranges);

		next if $digest eq $self->_digest_of_source($path) && !grep { $ran_of_test{$_} } @wanted;
		$ran{$name} = \%ran_of_test;
		$runners{$_}++ for keys %ran_of_test;
	}

	# Who runs what few run nearby, such as the refusal behind a check, knows it best.
	for my $name (keys %ran)
	{
		my $rare = sum0(map { $ran{$name}{$_} ? 1 / $runners{$_} : 0 } @near);
		my $weight = keys(%{ $ran{$name} }) + 400 * ($self->{kills}{$path}{$name} // 0) + 2000 * $rare;

		$score{$name} = $weight / (0.5 + $self->{tests}{$name}{seconds});
	}
	return sort { $score{$b} <=> $score{$a} || $a cmp $b } keys %score;
}

# What gcov counts for these lines: a statement counts where it starts.
sub _lines_that_run
{
	my ($self, $path, @lines) = @_;
	my ($digest, $ranges) = @{ $self->{code}{$path} // return @lines };
	my @code = _lines($ranges);
	my %is_code = map { $_ => 1 } @code;
	my @hits = grep { $is_code{$_} } @lines;

	return @hits if @hits;
	my @before = grep { $_ < $lines[0] } @code;
	return @before ? $before[-1] : @lines;
}

sub _digest_of_source
{
	my ($self, $path) = @_;

	return $self->{digests}{$path} //= digest_of($path);
}

sub digest_of
{
	my ($path) = @_;

	open my $file, '<:raw', $path or return 'none';
	return Digest::MD5->new->addfile($file)->hexdigest;
}

sub _ranges
{
	my ($lines) = @_;
	my @ranges;

	for my $line (sort { $a <=> $b } @$lines)
	{
		if (@ranges && $ranges[-1][1] >= $line - 1) { $ranges[-1][1] = $line; }
		else { push @ranges, [ $line, $line ]; }
	}
	return join ',', map { $_->[0] == $_->[1] ? $_->[0] : "$_->[0]-$_->[1]" } @ranges;
}

sub _lines
{
	my ($ranges) = @_;

	return map { /(\d+)-(\d+)/ ? ($1 .. $2) : $_ } split /,/, $ranges;
}

1;
