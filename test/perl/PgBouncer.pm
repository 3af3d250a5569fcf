# A pgbouncer in transaction mode, in front of the database "postgres" of a
# PostgreSQL::Test::Cluster.

package PgBouncer;

use strict;
use warnings;

use IPC::Run qw(start);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# Options: role => who may connect, size => how many server connections (1), lines =>
# further lines of its configuration.
sub new
{
	my ($class, $node, %options) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $self = bless { dir => $dir, port => $port, output => '', %options }, $class;

	write_file("$dir/users", "\"$options{role}\" \"\"\n");
	$self->configure($node);
	$ENV{PATH} .= ':/usr/sbin';
	$self->{run} = start([ 'pgbouncer', '-q', "$dir/ini" ], '>&', \$self->{output});
	for (1 .. 3000)
	{
		last if -S "$dir/.s.PGSQL.$port";
		die "pgbouncer did not start: $self->{output}\n" unless $self->{run}->pumpable;
		select undef, undef, undef, 0.02;
	}
	return $self;
}

# Writes the configuration for a server.
sub configure
{
	my ($self, $node) = @_;

	write_file("$self->{dir}/ini", <<"END");
[databases]
postgres = host=@{[ $node->host ]} port=@{[ $node->port ]} pool_size=@{[ $self->{size} // 1 ]}
[pgbouncer]
unix_socket_dir = $self->{dir}
listen_addr =
listen_port = $self->{port}
auth_type = trust
auth_file = $self->{dir}/users
pool_mode = transaction
admin_users = $self->{role}
logfile = $self->{dir}/log
@{[ $self->{lines} // '' ]}
END
	return;
}

# Sends who comes from now on to another server.
sub point_to
{
	my ($self, $node) = @_;

	$self->configure($node);
	$self->{run}->signal('HUP');
	return;
}

sub write_file
{
	my ($path, $text) = @_;

	open my $file, '>', $path or die "could not write $path: $!\n";
	print $file $text;
	close $file or die "could not write $path: $!\n";
	return;
}

# As a cluster does, for JwtAuthSession.
sub connstr
{
	my ($self, $dbname) = @_;

	return "host=$self->{dir} port=$self->{port} dbname=$dbname";
}

sub host { return $_[0]{dir}; }
sub port { return $_[0]{port}; }

sub stop
{
	my ($self) = @_;

	$self->{run}->signal('INT');
	$self->{run}->finish;
	return;
}

1;
