# A psql session that stays open, for tests in which two sessions take turns.
# PostgreSQL's own one differs between major versions.

package JwtAuthSession;

use strict;
use warnings;

use IPC::Run qw(start pump timeout);

my $SECONDS = 60;
my $DONE = 'the statement has ended';

# Connects to a PostgreSQL::Test::Cluster.  Options: dbname, role.
sub new
{
	my ($class, $node, %options) = @_;
	my $self = bless { in => '', out => '', err => '' }, $class;
	my $connection = $node->connstr($options{dbname} // 'postgres');

	$connection .= " user='$options{role}'" if defined $options{role};
	$self->{timer} = timeout($SECONDS);
	$self->{run} = start(
		[ 'psql', '-XqAt', '-d', $connection ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err},
		$self->{timer});
	$self->query('\set VERBOSITY sqlstate');
	return $self;
}

# Starts statements and leaves them running; the next answer() is theirs.
sub begin_query
{
	my ($self, $sql) = @_;

	$self->{timer}->start($SECONDS);
	@$self{qw(out err)} = ('', '');
	$self->{in} .= "$sql\n;\n\\echo $DONE\n\\warn $DONE\n";
	$self->{run}->pump_nb;
	return;
}

# What the statements print, and in list context their messages too.
sub answer
{
	my ($self) = @_;

	$self->{run}->pump
	  until $self->{out} =~ /^$DONE\n/m && $self->{err} =~ /^$DONE\n/m;
	s/^$DONE\n//m for @$self{qw(out err)};
	chomp $self->{out};
	return wantarray ? @$self{qw(out err)} : $self->{out};
}

sub query
{
	my ($self, $sql) = @_;

	$self->begin_query($sql);
	return $self->answer;
}

# The SQLSTATE that a statement raises, or '' if it succeeds.
sub state_of
{
	my ($self, $sql) = @_;
	my (undef, $messages) = $self->query($sql);

	return $messages =~ /ERROR:\s+(\w{5})\b/ ? $1 : '';
}

sub close
{
	my ($self) = @_;

	$self->{timer}->start($SECONDS);
	$self->{in} .= "\\q\n";
	$self->{run}->finish;
	return;
}

1;
