# A directory for one command, and the processes that live in it.
#
# Everything that a test, the demo or a benchmark writes goes below one
# directory, which is removed when the process that made it ends: after
# success, failure and SIGINT, SIGTERM or SIGHUP alike.  KEEP=1 in the
# environment leaves it.  A nested Scratch lives inside the outer one.
#
# PostgreSQL refuses to run as root.  Started by root, the directory belongs
# to the user named by JWT_AUTH_USER (default: nobody), who owns no other
# server's files, and as_server_user() gives the prefix that drops to it.

package Scratch;

use strict;
use warnings;

use File::Temp ();
use List::Util qw(first);
use POSIX ();

my $KILL_AFTER_SECONDS = 20;
my $PAUSE_SECONDS = 0.2;

# unix_socket_directories plus "/.s.PGSQL.65535" must fit sun_path, with room
# for the nested directories.
my $MAX_BASE_LENGTH = 40;

my @live;
my $interrupted;

for my $name (qw(INT TERM HUP))
{
	$SIG{$name} = sub { $interrupted //= $name; };
}

sub new
{
	my ($class) = @_;
	my $self = bless { pid => $$, at_end => [] }, $class;

	if ($> == 0)
	{
		$self->{user} = $ENV{JWT_AUTH_USER} || 'nobody';
		umask 022;
	}
	$self->{dir} = $self->_make_directory;
	push @live, $self;
	return $self;
}

sub dir { return $_[0]{dir}; }

# Whether KEEP=1 asks to leave the directory, and what runs in it.
sub kept { return !!$ENV{KEEP}; }

# Runs code before the directory is removed; the latest addition runs first.
sub at_end
{
	my ($self, $code) = @_;
	unshift @{ $self->{at_end} }, $code;
	return;
}

# The command, dropped to the server's user when root calls.
sub as_server_user
{
	my ($self, @command) = @_;

	return @command unless defined $self->{user};
	return (
		'env', 'HOME=' . ($self->{dir} // '/'), 'setpriv', "--reuid=$self->{user}", "--regid=$self->{gid}",
		'--clear-groups', '--', @command);
}

# A new directory inside, writable by the server's user.
sub make_dir
{
	my ($self, $name) = @_;
	my $path = "$self->{dir}/$name";

	mkdir $path, 0700 or die "could not create $path: $!\n";
	$self->_give($path);
	return $path;
}

# Runs a command to its end and returns its status as a shell would: its exit
# code, or 128 plus the signal that ended it.  A signal to this process is
# passed on, and ends this process once the command has ended.  Options:
# stdout => file, stderr => file (default: with stdout), seconds => time limit
# (then the status is 124).
sub run
{
	my ($self, $options, @command) = @_;
	my $pid = $self->spawn($options, @command);

	return $self->wait_for($pid, $options->{seconds});
}

# Starts a command.  Options as above, and session => 1, which detaches it
# from the terminal's signals, cwd => directory, env => { NAME => value }.
sub spawn
{
	my ($self, $options, @command) = @_;
	my $pid = fork // die "could not fork: $!\n";

	return $pid if $pid;
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
	POSIX::setsid() if $options->{session};
	if (my $file = $options->{stdout})
	{
		open STDOUT, '>>', $file or POSIX::_exit(126);
		open STDERR, '>>', $options->{stderr} // $file
		  or POSIX::_exit(126);
	}
	chdir $options->{cwd} or POSIX::_exit(126) if $options->{cwd};
	$ENV{$_} = $options->{env}{$_} for keys %{ $options->{env} // {} };
	{
		no warnings 'exec';
		exec { $command[0] } @command;
	}
	print STDERR "could not run $command[0]: $!\n";
	POSIX::_exit(127);
}

# Starts a process that calls code, and ends with 0 unless that dies.  The
# directory is still this process's.
sub fork_and_call
{
	my ($self, $code) = @_;
	my $pid = fork // die "could not fork: $!\n";

	return $pid if $pid;
	POSIX::_exit(0) if eval { $code->(); 1 };
	print STDERR $@;
	POSIX::_exit(1);
}

# Waits until one of the processes that fork_and_call has started ends, and
# returns its id and wait status.  A signal ends them all, and then this one.
sub wait_for_any
{
	my ($self, @pids) = @_;

	# The end of a child ends the pause.
	local $SIG{CHLD} = sub { };

	until ($interrupted)
	{
		for my $pid (@pids)
		{
			return ($pid, $?) if waitpid($pid, POSIX::WNOHANG()) != 0;
		}
		select undef, undef, undef, $PAUSE_SECONDS;
	}
	kill $interrupted, @pids;
	waitpid $_, 0 for @pids;
	$self->stop_if_interrupted;
	return;
}

sub wait_for
{
	my ($self, $pid, $seconds) = @_;
	my $deadline = $seconds ? time + $seconds : undef;
	my $timed_out = 0;
	my $passed_on;

	# The end of a child ends the pause.
	local $SIG{CHLD} = sub { };

	while (waitpid($pid, POSIX::WNOHANG()) == 0)
	{
		if ($interrupted && !$passed_on)
		{
			kill $passed_on = $interrupted, $pid;
			$deadline = time + $KILL_AFTER_SECONDS;
		}
		elsif ($deadline && time > $deadline)
		{
			kill $timed_out || $passed_on ? 'KILL' : 'TERM', $pid;
			$timed_out = 1 unless $passed_on;
			$deadline = time + $KILL_AFTER_SECONDS;
		}
		select undef, undef, undef, $PAUSE_SECONDS;
	}
	my $status = $?;

	$self->stop_if_interrupted;
	return 124 if $timed_out;
	return $status & 127 ? 128 + ($status & 127) : $status >> 8;
}

# Ends this process when a signal has asked for it, and cleans up if the
# directory is its own.
sub stop_if_interrupted
{
	my ($self) = @_;

	return unless $interrupted;
	my $status = 128 + { HUP => 1, INT => 2, TERM => 15 }->{$interrupted};

	POSIX::_exit($status) if $self->{pid} != $$;
	exit $status;
}

sub _make_directory
{
	my ($self) = @_;
	my $base = $ENV{JWT_AUTH_SCRATCH};

	if (defined $self->{user})
	{
		my @entry = getpwnam $self->{user}
		  or die "there is no user \"$self->{user}\" to run the server as"
		  . " (JWT_AUTH_USER names another)\n";
		@$self{qw(uid gid)} = @entry[ 2, 3 ];
	}
	$base //= first { $self->_is_usable($_) } grep { defined }
	  $ENV{TMPDIR}, '/tmp';
	die "neither \$TMPDIR nor /tmp can be used for temporary files\n"
	  unless defined $base;

	my $dir = File::Temp::tempdir('jwt_auth.XXXXXX', DIR => $base);
	chmod 0700, $dir or die "could not protect $dir: $!\n";
	$self->_give($dir);
	return $dir;
}

sub _is_usable
{
	my ($self, $base) = @_;

	return 0 if length $base > $MAX_BASE_LENGTH || !-d $base || !-w $base;
	return 1 unless defined $self->{user};
	return
	  system($self->as_server_user('test', '-x', $base)) == 0;
}

sub _give
{
	my ($self, $path) = @_;

	return unless defined $self->{user};
	chown $self->{uid}, $self->{gid}, $path
	  or die "could not give $path to $self->{user}: $!\n";
	return;
}

END
{
	my $status = $?;

	# A second Ctrl-C must not leave a server behind.
	local @SIG{qw(INT TERM HUP)} = ('IGNORE') x 3;
	for my $self (reverse grep { $_->{pid} == $$ } @live)
	{
		$_->() for @{ $self->{at_end} };
		next if $self->kept;

		# Copies of directories that nobody may write to are such, too.
		system 'find', $self->{dir}, '-type', 'd', '!', '-perm', '-u+w', '-exec', 'chmod', 'u+w', '{}', '+'
		  if $> != 0;
		system 'rm', '-rf', '--', $self->{dir};
	}
	$? = $status;
}

1;
