# Builds the library with one file changed, and runs tests with it: in a server of its
# own, or those that start servers from the same installation.
#
# The current directory is the copy of the source that is changed; JWT_AUTH_SCRATCH,
# PG_CONFIG and PATH are those of ../private/tree, whose copy of PostgreSQL it writes
# the library to.  BUILD_PG_CONFIG is the pg_config to build with.

package Trial;

use strict;
use warnings;

use Cwd qw(getcwd);
use Scratch;
use ServerLog;
use TapFile;

my $SERVER_SECONDS = 60;

# Options: coverage => count what is run.
sub new
{
	my ($class, $scratch, %options) = @_;
	my $self = bless { scratch => $scratch, dir => $scratch->dir, objects => {}, %options }, $class;
	my $library = `pg_config --pkglibdir`;

	chomp $library;
	$self->{library} = "$library/jwt_auth.so";
	$ENV{CCACHE_DISABLE} = 1;
	$self->_build;
	$self->_make_server;
	return $self;
}

# Builds it all, and reads how.
sub _build
{
	my ($self) = @_;
	my @make = ('make', 'with_llvm=no', 'PG_CONFIG=' . ($ENV{BUILD_PG_CONFIG} // 'pg_config'));
	my $jobs = `getconf _NPROCESSORS_ONLN`;

	chomp $jobs;
	push @make, 'WERROR=', 'COPT=--coverage -O0 -g0' if $self->{coverage};
	$self->_do('build', @make, '-s', "-j$jobs", 'all-lib');
	open my $pipe, '-|', @make, '-nB', 'all-lib' or die "could not run make: $!\n";
	while (my $line = <$pipe>)
	{
		chomp $line;
		$self->{compile}{$1} = $line if $line =~ /\s-c\s.*-o (src\/\S+)\.o\s/;
		$self->{link} = $line if $line =~ /\s-o jwt_auth\.so\s/;
	}
	close $pipe or die "could not ask make\n";
	die "make does not say how to link the library\n" unless $self->{link};
	$self->_install('jwt_auth.so');
	return;
}

# Changes the file to this text.  Returns undef if the library has that now, or
# "not C", or "the same code".
sub build
{
	my ($self, $path, $text) = @_;
	my $stem = $path =~ s/\.c$//r;
	my $old = $self->_object_of($path);
	my $original = _read($path);

	_write($path, $text);
	my $is_built = $self->_compile($stem, 'mutant.o');
	_write($path, $original);
	return 'not C' unless $is_built;
	return 'the same code' if _read('mutant.o') eq $old;
	my $command = $self->{link} =~ s/ -o jwt_auth\.so / -o mutant.so /r =~ s{ \Q$stem.o\E }{ mutant.o }r;
	return 'not C' if $self->_run("$self->{dir}/build.log", 'sh', '-c', $command) != 0;
	$self->_install('mutant.so');
	return;
}

# The unchanged object, as it comes out of the same command.
sub _object_of
{
	my ($self, $path) = @_;

	return $self->{objects}{$path} //= do
	{
		$self->_compile($path =~ s/\.c$//r, 'mutant.o') or die "could not compile $path\n";
		_read('mutant.o');
	};
}

sub _compile
{
	my ($self, $stem, $object) = @_;
	my $command = $self->{compile}{$stem} // die "make does not say how to compile $stem.c\n";

	$command =~ s{-o \Q$stem\E\.o }{-w -g0 -o $object };
	$command =~ s{-MF \S+}{-MF mutant.d};
	return $self->_run("$self->{dir}/build.log", 'sh', '-c', $command) == 0;
}

# New sessions load it; those that have the former one keep it.
sub _install
{
	my ($self, $file) = @_;

	$self->_do('install', 'cp', $file, "$self->{library}.new");
	rename "$self->{library}.new", $self->{library} or die "could not install the library: $!\n";
	return;
}

sub _make_server
{
	my ($self) = @_;
	my $dir = $self->{dir};
	my @initdb = ('initdb', '-A', 'trust', '-N', '--encoding=UTF8', '--locale=C.UTF-8');

	$ENV{PGHOST} = $self->{scratch}->make_dir('socket');
	$ENV{TMPDIR} = $self->{scratch}->make_dir('tmp');
	@ENV{qw(PGPORT PGUSER PGDATABASE PGCLIENTENCODING)} = qw(5432 postgres postgres UTF8);
	@ENV{qw(PGDATA JWT_AUTH_LOG INITDB_COPY)} = map { "$dir/$_" } qw(data log tap_template);
	$self->_do('make a cluster', @initdb, '-U', 'postgres', '-D', "$dir/template");
	$self->_do('make a cluster', @initdb, '-D', $ENV{INITDB_COPY});
	open my $file, '>>', "$dir/template/postgresql.conf" or die "could not open postgresql.conf: $!\n";
	print $file "listen_addresses = ''\nunix_socket_directories = '$ENV{PGHOST}'\nfsync = off\n",
	  "timezone = 'UTC'\nlog_timezone = 'UTC'\nlog_line_prefix = '%m [%p] %q%u\@%d %a '\n";
	close $file or die "could not write postgresql.conf: $!\n";
	$self->{scratch}->at_end(sub { $self->stop });
	$self->reset;
	TapFile::prepare_sql();
	$self->stop('fast');
	$self->_do('copy the cluster', 'rm', '-rf', "$dir/template");
	$self->_do('copy the cluster', 'mv', "$dir/data", "$dir/template");
	$self->reset;
	return;
}

# A server in which no test has left anything
sub reset
{
	my ($self) = @_;
	local $ENV{GCOV_PREFIX} = $self->{coverage} ? "$self->{dir}/ran-server" : '';

	$self->stop;
	$self->_do('copy the cluster', 'rm', '-rf', $ENV{PGDATA});
	$self->_do('copy the cluster', 'cp', '-a', "$self->{dir}/template", $ENV{PGDATA});
	unlink $ENV{JWT_AUTH_LOG};
	$self->_do('start the server', 'pg_ctl', '-s', '-w', '-t', $SERVER_SECONDS, '-l', $ENV{JWT_AUTH_LOG}, 'start');
	return;
}

sub stop
{
	my ($self, $mode) = @_;
	my $data = "$self->{dir}/data";

	$self->_run('/dev/null', 'pg_ctl', '-s', '-w', '-m', $mode // 'immediate', '-D', $data, 'stop')
	  if -e "$data/postmaster.pid";
	return;
}

# Runs a test file for at most so many seconds.  Returns undef if it passes, else
# what it says.
sub try
{
	my ($self, $test, $seconds) = @_;
	my $said = "$self->{dir}/said-" . ($test =~ tr{/}{-}r);
	my $is_server_used = $test !~ m{^test/t/};

	unlink $said;
	my $status = $self->_run($said, "$self->{program}/try", $test, $seconds);
	my $complaint = $status == 0 ? undef : _read($said);

	$complaint //= (ServerLog::faults($ENV{JWT_AUTH_LOG}))[0] if $is_server_used && -e $ENV{JWT_AUTH_LOG};
	$self->reset if $is_server_used && defined $complaint;
	return $complaint;
}

# What the test runs of src/, as gcov says, and how the test ends.
sub measure
{
	my ($self, $test, $seconds) = @_;
	my $is_server_used = $test !~ m{^test/t/};
	my $ran = "$self->{dir}/ran-" . ($is_server_used ? 'server' : 'tap');
	my $source = getcwd();

	system "rm -rf '$ran' && mkdir -p '$ran$source' && cp -al src '$ran$source/'"
	  and die "could not copy what gcov needs\n";
	local $ENV{GCOV_PREFIX} = $ran;
	my $complaint = $self->try($test, $seconds);

	$self->_await_counts($ran);
	my $report = `find '$ran' -name '*.gcda' -print0 | xargs -0 -r gcov --stdout 2>/dev/null`;
	return ($report, $complaint);
}

# Sessions write what they ran as they end, which may be some time after the test.
sub _await_counts
{
	my ($self, $ran) = @_;
	my $former = '';

	for (1 .. 40)
	{
		select undef, undef, undef, 0.5;
		my $counts = `find '$ran' -name '*.gcda' -printf '%p %T@\n'`;

		last if $counts ne '' && $counts eq $former;
		$former = $counts;
	}
	return;
}

sub _run
{
	my ($self, $log, @command) = @_;

	return $self->{scratch}->run({ stdout => $log }, @command);
}

sub _do
{
	my ($self, $what, @command) = @_;
	my $log = "$self->{dir}/do.log";

	unlink $log;
	return if $self->_run($log, @command) == 0;
	die _read($log), "mutate: could not $what\n";
}

sub _read
{
	my ($path) = @_;

	open my $file, '<:raw', $path or return '';
	local $/ = undef;
	return <$file> // '';
}

sub _write
{
	my ($path, $text) = @_;

	open my $file, '>:raw', $path or die "could not open $path: $!\n";
	print $file $text;
	close $file or die "could not write $path: $!\n";
	return;
}

1;
