# Random traces of a model in ../model, and transactions that do again on a server what
# happens in them: statements that wait for each other, and are answered or ended in
# the order of the trace.

package ModelTraces;

use strict;
use warnings;

use AccountTest;
use Cwd qw(abs_path);
use DBD::Pg ();
use File::Basename qw(dirname);
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

my $STEPS = 3000;
my $SECONDS_TO_WAIT = 60;

# For a server and a model by its name; the environment's MODEL_DEFINES are definitions.
sub new
{
	my ($class, $node, $name) = @_;

	return bless {
		node => $node,
		server => connect_to($node),
		model => dirname(abs_path(__FILE__)) . "/../model/$name.pml",
		defines => [ split ' ', $ENV{MODEL_DEFINES} // '' ],
		dir => PostgreSQL::Test::Utils::tempdir(),
		waited => 0
	}, $class;
}

# What the model does with a seed: one event a line, without the mark
sub lines_of
{
	my ($self, $seed, @defines) = @_;
	my @with = map { "-D$_" } 'TRACE', @defines, @{ $self->{defines} };
	my @lines = `cd '$self->{dir}' && spin -T -n$seed -u$STEPS @with '$self->{model}' 2>&1`;

	die "the model failed: @lines" if $? != 0 || grep { /rror/ } @lines;

	# After so many steps, it may stop in the middle of a line.
	return map { /^@ (.*)/ } grep { !/-----/ } @lines;
}

# Begins a transaction of a process with a statement, whose answer is read later.
sub call
{
	my ($self, $process, $statement) = @_;
	my $session = $self->{session}{$process} //= connect_to($self->{node});

	$session->do('BEGIN');
	$self->{waiting}{$process} = $session->prepare($statement, { pg_async => DBD::Pg::PG_ASYNC(), pg_direct => 1 });
	$self->{waiting}{$process}->execute;
	return;
}

# The answer, which is there soon: a text, or "ERROR" and more
sub answer_to
{
	my ($self, $process) = @_;
	my $query = delete $self->{waiting}{$process};
	my $end = time + $SECONDS_TO_WAIT;

	until ($query->pg_ready)
	{
		return 'ERROR: it still waits' if time > $end;
		sleep 0.0005;
	}
	return 'ERROR ' . $self->{session}{$process}->state unless $query->pg_result;
	my ($text) = $query->fetchrow_array;

	return $text // '';
}

# What more a transaction says
sub also
{
	my ($self, $process, $query) = @_;

	return value_of($self->{session}{$process}, $query);
}

# Ends a transaction, for which another may wait; whether nobody does.
sub end
{
	my ($self, $process, $commits) = @_;

	$self->_await($_) for keys %{ $self->{waiting} };
	$self->{session}{$process}->do($commits ? 'COMMIT' : 'ROLLBACK');
	return !%{ $self->{waiting} };
}

# Until the statement of a process waits for somebody, or is over, which the answer then tells
sub _await
{
	my ($self, $process) = @_;

	$self->{waited}++;
	wait_for($self->{server}, "SELECT wait_event_type IN ('Lock', 'Extension') OR state <> 'active' FROM pg_stat_activity WHERE pid = $self->{session}{$process}{pg_pid}", 't');
	return;
}

sub end_all
{
	my ($self) = @_;

	for my $session (values %{ $self->{session} })
	{
		$session->pg_cancel if $session->{pg_async_status} == 1;
		$session->do('ROLLBACK');
	}
	$self->{waiting} = {};
	return;
}

1;
