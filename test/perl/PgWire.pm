# A connection that speaks PostgreSQL's protocol by itself, so that a test can
# send any startup parameter, and sees the SQLSTATE of a refused connection.

package PgWire;

use strict;
use warnings;

use IO::Socket::UNIX;

my $PROTOCOL = 3 << 16;

# Connects to a PostgreSQL::Test::Cluster with the parameters of the startup
# packet; state() then tells how that ended.
sub new
{
	my ($class, $node, %parameters) = @_;
	my $self = bless { state => '' }, $class;
	my $body = pack 'N(Z*)*', $PROTOCOL, %parameters, '';

	$self->{socket} = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port)
	  or die "could not connect: $!\n";
	$self->{socket}->syswrite(pack('N', 4 + length $body) . $body);
	$self->answer;
	return $self;
}

# The SQLSTATE of the last statement, or of the connection; '' if it succeeded.
sub state
{
	my ($self) = @_;

	return $self->{state};
}

# The first column of the last row that statements return; undef without one.
sub value_of
{
	my ($self, $sql) = @_;

	$self->{socket}->syswrite(pack 'aNZ*', 'Q', 5 + length $sql, $sql);
	return $self->answer;
}

# The SQLSTATE that statements raise, or '' if they succeed.
sub state_of
{
	my ($self, $sql) = @_;

	$self->value_of($sql);
	return $self->{state};
}

# Reads until the server waits for a statement, or is gone.
sub answer
{
	my ($self) = @_;
	my $value;

	$self->{state} = '';
	while (my ($type, $body) = $self->message)
	{
		return $value if $type eq 'Z';
		($self->{state}) = $body =~ /(?:^|\0)C([^\0]*)/ if $type eq 'E';
		$value = first_column($body) if $type eq 'D';
	}
	$self->{state} ||= '08006';
	return;
}

sub first_column
{
	my ($body) = @_;
	my (undef, $length) = unpack 'nl>', $body;

	return $length < 0 ? undef : substr $body, 6, $length;
}

sub message
{
	my ($self) = @_;
	my $head = $self->bytes(5) // return;
	my ($type, $length) = unpack 'aN', $head;

	return ($type, $self->bytes($length - 4));
}

sub bytes
{
	my ($self, $length) = @_;
	my $bytes = '';

	while (length $bytes < $length)
	{
		$self->{socket}->sysread($bytes, $length - length $bytes, length $bytes) or return;
	}
	return $bytes;
}

1;
