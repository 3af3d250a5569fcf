# Clients that log in, refresh, revoke and verify at random, in processes of
# their own, and write down what they were told, so that a test can do harm to
# the server meanwhile and look afterwards whether each of them still has what
# it was told; AccountVerdict does that.
#
# What must survive in any case (revocations, failures, keys) is asked for
# without waiting for the commit.  A call that fails leaves its client in doubt
# whether it took place, and it presents the same token again, as long as its
# parent may be in its grace.  A client that loses its connection connects again
# until it can.

package AccountLoad;

use strict;
use warnings;

use AccountTest;
use DBI ();
use IO::Handle ();
use JSON::PP ();
use JwtAuthTest qw(value_of);
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep time);

my $SECONDS_TO_WAIT = 120;
my $SECONDS_IN_DOUBT = 30;
my $SESSIONS_EACH = 3;
my $NAMES = 4;
my %WEIGHT = (refresh => 60, verify => 15, login => 8, wrong => 6, revoke => 4, rotate => 1);

# What a client does about a call, by chance: mostly nothing, so that it
# commits by itself.
our @ENDS = (('') x 6, 'COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK');

# What a code that runs a query dies with when it has cancelled it.
our $CANCELLED = "cancelled\n";

# Has messages tell their SQLSTATE.
my $VERBOSE = 2;

# Settings of the server that the verdict relies on.
our @CONF = (
	'jwt_auth.refresh_grace = 60', 'jwt_auth.login_max_failures = 1000', 'jwt_auth.max_sessions_per_user = 0',
	'wal_writer_delay = 10s', 'max_connections = 60');

# The seed of all that is random in a test, which prints it; SEED repeats one.
sub seed
{
	my $seed = $ENV{SEED} // int(rand 2**31);

	srand $seed;
	Test::More::note("SEED=$seed");
	return $seed;
}

# Options: seed; clients => how many (6); connect => a code that gives the
# data source (default: the node's); before_call => a code that is called with
# the connection before each call; call => a code that runs a query instead of
# DBI; leaves => how probable it is that a client ends its connection after a
# call (0); waits => { kind or "all" => value of synchronous_commit }; may_fail
# => a pattern of the SQLSTATEs that calls may end with; may_be_lost => a code
# that says whether the server may know nothing of a session; weights => { kind
# => weight }, over those above.
sub new
{
	my ($class, $node, %options) = @_;
	my $self = bless {
		clients => 6,
		may_fail => qr/^$/,
		leaves => 0,
		may_be_lost => sub { return 0; },
		waits => { login => 'on', refresh => 'on' },
		connect => sub { return source_of($node); },
		dir => PostgreSQL::Test::Utils::tempdir(),
		%options,
		weights => { %WEIGHT, %{ $options{weights} // {} } },
		parent => $$
	}, $class;

	value_of($node, "SELECT jwt_create_user('member$_', '$PASSWORD')") for 1 .. $NAMES;
	return $self;
}

sub users { return map { "member$_" } 1 .. $NAMES; }

sub source_of
{
	my ($node) = @_;

	return 'dbi:Pg:dbname=postgres;host=' . $node->host . ';port=' . $node->port;
}

sub start
{
	my ($self) = @_;

	for my $number (1 .. $self->{clients})
	{
		my $file = "$self->{dir}/told.$number";
		my $pid = fork // die "could not fork: $!\n";

		if (!$pid)
		{
			# Nothing that the test registered for its end may run here.
			eval { $self->_run_client($number, $file); 1 } or print STDERR "client $number: $@";
			POSIX::_exit($@ ? 1 : 0);
		}
		push @{ $self->{pids} }, $pid;
		push @{ $self->{files} }, $file;
	}
	$self->await(1);
	return;
}

# Waits until each client was told of so many more calls.
sub await
{
	my ($self, $calls) = @_;
	my $end = time + $SECONDS_TO_WAIT;
	my @wanted = map { $_ + $calls } $self->progress;

	while (my ($late) = grep { ($self->progress)[$_] < $wanted[$_] } 0 .. $#wanted)
	{
		die "waited in vain for client " . ($late + 1) . "\n" if time > $end || waitpid($self->{pids}[$late], POSIX::WNOHANG()) != 0;
		sleep 0.02;
	}
	return;
}

# How many calls each client was told of.
sub progress
{
	my ($self) = @_;

	return map { scalar grep { $_->[0] eq 'told' } @$_ } $self->lines;
}

# Ends the clients, each after its call, and fails if one cannot.
sub stop
{
	my ($self) = @_;
	my $end = time + $SECONDS_TO_WAIT;
	my $failed = 0;

	kill 'TERM', @{ $self->{pids} };
	for my $pid (splice @{ $self->{pids} })
	{
		until (waitpid($pid, POSIX::WNOHANG()) != 0)
		{
			kill 'KILL', $pid if time > $end;
			sleep 0.02;
		}
		$failed++ if $? != 0;
	}
	die "$failed clients ended in failure\n" if $failed;
	return;
}

sub DESTROY
{
	my ($self) = @_;

	kill 'KILL', @{ $self->{pids} // [] } if $$ == $self->{parent};
	return;
}

# All lines that the clients wrote, as lists, by client.
sub lines { my ($self) = @_; return map { $self->_read($_) } @{ $self->{files} }; }

# Reads what is new.  A line that is not whole was not told.
sub _read
{
	my ($self, $path) = @_;
	my $read = $self->{read}{$path} //= { offset => 0, lines => [] };

	open my $file, '<', $path or return $read->{lines};
	seek $file, $read->{offset}, 0;
	while (my $line = <$file>)
	{
		last if $line !~ s/\n\z//;
		push @{ $read->{lines} }, [ split /\t/, $line ];
		$read->{offset} += length($line) + 1;
	}
	return $read->{lines};
}

# From here on in the process of a client.

sub _run_client
{
	my ($self, $number, $path) = @_;
	my $stop = 0;
	my $next_session = 0;

	local $SIG{TERM} = sub { $stop = 1; };
	srand $self->{seed} + $number;
	open $self->{told}, '>', $path or die "could not write $path: $!\n";
	$self->{told}->autoflush(1);
	@$self{qw(number sessions stopped)} = ($number, [], \$stop);

	my @kinds = map { ($_) x $self->{weights}{$_} } sort keys %{ $self->{weights} };

	until ($stop)
	{
		my $kind = @{ $self->{sessions} } < 1 ? 'login' : $kinds[ rand @kinds ];
		my $method = "_$kind";

		$self->$method;
	}
	$self->{connection}->disconnect if $self->{connection};
	return;
}

sub _note
{
	my ($self, @words) = @_;

	print { $self->{told} } join("\t", @words) . "\n";
	return;
}

sub _connection
{
	my ($self) = @_;
	my $end = time + $SECONDS_TO_WAIT;

	until ($self->{connection})
	{
		my $connection = eval {
			DBI->connect($self->{connect}->(), undef, undef, { RaiseError => 1, PrintError => 0, PrintWarn => 0, pg_server_prepare => 0 });
		};
		$connection->{pg_errorlevel} = $VERBOSE if $connection;

		if ($connection)
		{
			$self->{connection} = $connection;
			eval { $connection->do('SET client_min_messages = error'); 1 } or $self->_disconnect;
		}
		else
		{
			die "could not connect: $DBI::errstr\n" if time > $end;
			$self->_note('refused', $DBI::state // '');
			sleep 0.02;
		}
		last if ${ $self->{stopped} };
	}
	return $self->{connection};
}

sub _disconnect
{
	my ($self) = @_;

	eval { $self->{connection}->disconnect; };
	undef $self->{connection};
	return;
}

# Runs a query with one result.  Returns it and whether it was committed, or
# nothing for a failure.
sub _call
{
	my ($self, $kind, $query, @values) = @_;
	my $connection = $self->_connection or return;
	my $end = $ENDS[ rand @ENDS ];
	my $result;
	my $done = eval {
		$self->_wait_for_commits($connection, $self->{waits}{$kind} // $self->{waits}{all} // 'off');
		$self->{before_call}->($connection) if $self->{before_call};
		$connection->begin_work if $end ne '';
		$result = $self->{call} ? $self->{call}->($connection, $query, @values) : $connection->selectrow_array($query, {}, @values);
		$connection->commit if $end eq 'COMMIT';
		$connection->rollback if $end eq 'ROLLBACK';
		1;
	};

	if (!$done)
	{
		my $state = failure_of($connection, $@);

		$self->_note('failed', $kind, $state);
		$self->_note('bad', "$kind: $state $@" =~ s/\s+/ /gr)
		  if $state !~ $self->{may_fail};
		$self->_recover;
		return;
	}
	$self->_note('told', $kind) if $end ne 'ROLLBACK';
	$self->_disconnect if rand() < $self->{leaves};
	return ($result, $end ne 'ROLLBACK');
}

# DBD::Pg forgets the SQLSTATE of some failures, as that of a commit.
sub failure_of
{
	my ($connection, $message) = @_;

	return '57014' if $message eq $CANCELLED;
	return $1 if $message =~ /\b(?:ERROR|FATAL|PANIC):\s+(\w{5}):/;
	return $connection->state if ($connection->state // '') ne '';
	return eval { $connection->ping > 0 } ? '' : '08006';
}

sub _wait_for_commits
{
	my ($self, $connection, $value) = @_;

	return if ($connection->{private_commits} // '') eq $value;
	$connection->do("SET synchronous_commit = $value");
	$connection->{private_commits} = $value;
	return;
}

# Ends what is open after a failure; a connection that can't is no more.
sub _recover
{
	my ($self) = @_;
	my $connection = $self->{connection};

	if (!eval { $connection->rollback unless $connection->{AutoCommit}; $connection->ping > 0 or die "gone\n"; 1 })
	{
		$self->_disconnect;
	}
	return;
}

sub _answer
{
	my ($self, $kind, $query, @values) = @_;
	my ($text, $is_committed) = $self->_call($kind, $query, @values) or return;

	if (!defined $text)
	{
		$self->_note('bad', "$kind: no answer");
		return;
	}
	return (JSON::PP::decode_json($text), $is_committed);
}

sub _login
{
	my ($self) = @_;
	my $name = 'member' . int(1 + rand $NAMES);
	my ($answer, $is_committed) = $self->_answer('login', 'SELECT jwt_login(?, ?)', $name, $PASSWORD) or return;

	# Somebody else logs in with the same name and is slow.
	return $self->_note('busy', $name) if ($answer->{error} // '') eq 'temporarily_unavailable';
	return $self->_note('bad', "login: $answer->{error}") if $answer->{error};
	return $self->_note('lost', 'none', $answer->{refresh_token}) unless $is_committed;

	my $session = { name => "$self->{number}." . ++$self->{count}, access => $answer->{access_token}, token => $answer->{refresh_token} };

	$self->_note('session', @$session{qw(name token access)});
	push @{ $self->{sessions} }, $session;
	shift @{ $self->{sessions} } if @{ $self->{sessions} } > $SESSIONS_EACH;
	return;
}

sub _any_session { my ($self) = @_; return $self->{sessions}[ rand @{ $self->{sessions} } ]; }

sub _refresh
{
	my ($self) = @_;
	my $session = $self->_any_session;

	# Connecting may have taken long.
	return unless $self->_connection;
	return $self->_forget($session) if $session->{doubted_at} && time > $session->{doubted_at} + $SECONDS_IN_DOUBT;

	my $began_at = time;
	my ($answer, $is_committed) = $self->_answer('refresh', 'SELECT jwt_refresh(?)', $session->{token});

	if (!$answer)
	{
		$session->{doubted_at} ||= $began_at;
		return $self->_note('doubt', $session->{name});
	}
	if ($answer->{error})
	{
		return $self->_forget($session) if $self->{may_be_lost}->();
		return $self->_note('bad', "refresh: $answer->{error} for session $session->{name}");
	}

	# If a call in doubt took place, this is the child that it committed.
	return if !$is_committed && $session->{doubted_at};
	return $self->_note('lost', $session->{name}, $answer->{refresh_token}) unless $is_committed;
	@$session{qw(access token doubted_at)} = (@$answer{qw(access_token refresh_token)}, 0);
	$self->_note('token', @$session{qw(name token access)});
	return;
}

sub _forget
{
	my ($self, $session) = @_;

	$self->{sessions} = [ grep { $_ != $session } @{ $self->{sessions} } ];
	return;
}

sub _verify
{
	my ($self) = @_;
	my $session = $self->_any_session;

	$self->_call('verify', 'SELECT jwt_verify(?)', $session->{access});
	return;
}

# Names that nobody has, and a user whose password nobody knows
sub _wrong
{
	my ($self) = @_;
	my $name = ('alice', 'nobody', "stranger$self->{number}")[ rand 3 ];

	local @ENDS = ('');
	$self->_note('guess', $name);
	my ($answer) = $self->_answer('wrong', 'SELECT jwt_login(?, ?)', $name, 'wrong') or return;

	$self->_note('denied', $name) if ($answer->{error} // '') eq 'invalid_grant';
	$self->_note('bad', 'a wrong password: ' . ($answer->{error} // 'ok'))
	  if ($answer->{error} // '') !~ /^(?:invalid_grant|temporarily_unavailable)$/;
	return;
}

sub _revoke
{
	my ($self) = @_;
	my ($session) = splice @{ $self->{sessions} }, rand @{ $self->{sessions} }, 1;
	my $token = rand() < 0.5 ? $session->{token} : $session->{access};

	local @ENDS = ('', '', 'COMMIT');
	$self->_note('revoking', $session->{name});
	my ($result, $is_committed) = $self->_call('revoke', 'SELECT jwt_revoke(?)', $token);

	$self->_note('revoked', $session->{name}) if $is_committed;
	return;
}

sub _rotate
{
	my ($self) = @_;

	$self->_call('rotate', rand() < 0.5 ? 'SELECT jwt_rotate_key()' : 'SELECT jwt_rotate_refresh_key()');
	return;
}

1;
