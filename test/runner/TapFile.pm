# Test files whose output is TAP: pgTAP scripts, Perl programs, and others.
# Each assertion is one test.  A file whose plan is broken, that runs fewer
# assertions than it states, or that ends with an error, has failed even if all
# its assertions passed.

package TapFile;

use strict;
use warnings;

use File::Basename qw(basename dirname);
use TAP::Parser;
use TestFile;

my $LOG_LINES_SHOWN = 40;
my $PARSE_ERRORS_SHOWN = 3;

# Each script gets a new database that has pgTAP.
sub prepare_sql
{
	_psql('CREATE DATABASE pgtap_template');
	_psql('CREATE EXTENSION pgtap', 'pgtap_template');
	return;
}

# A row may hold several assertions.
sub run_sql
{
	my ($scratch, $file) = @_;
	my $database = 'pgtap_' . basename($file, '.sql');

	_psql(qq(CREATE DATABASE "$database" TEMPLATE pgtap_template));
	my $result = _run_file(
		$scratch, $file,
		'psql', '-XqAt', '-F', "\n", '-v', 'ON_ERROR_STOP=1',
		'-d', $database, '-f', $file);
	_psql(qq(DROP DATABASE "$database" WITH (FORCE)));
	return $result;
}

# The programs use PostgreSQL::Test::Cluster, and start their own servers, from the
# template that INITDB_COPY names already, or a new one.
sub prepare_perl
{
	my ($scratch) = @_;

	$scratch->at_end(sub { _stop_servers($scratch) });
	_make_template($scratch) unless $ENV{INITDB_COPY};
	return;
}

# See bin/initdb.
sub _make_template
{
	my ($scratch) = @_;
	my $template = $scratch->dir . '/template';
	my $status = $scratch->run(
		{ stdout => "$template.log" },
		'initdb', '-D', $template, '-A', 'trust', '-N', '--encoding=UTF8', '--locale=C.UTF-8');

	die _read("$template.log") if $status != 0;
	$ENV{INITDB_COPY} = $template;
	return;
}

sub run_perl
{
	my ($scratch, $file) = @_;
	my $installed = _pgxs_directory() . '/src/test';
	my @without = grep { /^PG/ && $_ ne 'PG_CONFIG' } keys %ENV;
	my $dir = _tap_directory($scratch, $file);

	delete local @ENV{@without};
	local $ENV{PG_REGRESS} = "$installed/regress/pg_regress";
	local $ENV{PATH} = "$ENV{JWT_AUTH_SOURCE}/test/runner/bin:$ENV{PATH}";
	local $ENV{PERL5LIB} = join ':', "$ENV{JWT_AUTH_SOURCE}/test/perl",
	  "$installed/perl", $ENV{PERL5LIB} // ();

	# Programs that run at the same time choose different ports.
	local $ENV{PG_TEST_PORT_DIR} = $scratch->dir . '/ports';
	mkdir $dir or die "could not create $dir: $!\n";

	# PostgreSQL 15 reads the first, later majors the other two.
	local $ENV{TESTDIR} = $dir;
	local $ENV{TESTDATADIR} = "$dir/data";
	local $ENV{TESTLOGDIR} = "$dir/log";
	return _run_file($scratch, $file, 'perl', $file);
}

sub _pgxs_directory
{
	my $pgxs = `pg_config --pgxs`;

	chomp $pgxs;
	return dirname($pgxs) . '/../..';
}

# A program that prints no TAP is one test, by its exit status.
sub run_program
{
	my ($scratch, $file) = @_;

	return _run_file($scratch, $file, "./$file");
}

sub _run_file
{
	my ($scratch, $file, @command) = @_;
	my $needs_tap = $command[0] ne "./$file";
	my $base = $scratch->dir . '/' . ($file =~ tr{/}{-}r);
	my ($out, $err) = ("$base.out", "$base.err");
	my $limit = $ENV{SECONDS_PER_FILE} || TestFile::limit_of($file);
	my $status = $scratch->run(
		{ stdout => $out, stderr => $err, seconds => $limit }, @command);
	my $result = _judge(_read($out), $status, $needs_tap, TestFile::floor_of($file));
	my $lines = $result->{lines};

	push @$lines, "the time limit of $limit s was reached" if $status == 124;
	push @$lines, "it ended with status $status"
	  if $status != 0 && $status != 124;
	push @$lines, split /^/, _read($err);
	push @$lines, _end_of_log($scratch, $file) if $result->{failed};
	return $result;
}

# PostgreSQL::Test::Utils sends what a Perl program says to a log file.
sub _end_of_log
{
	my ($scratch, $file) = @_;
	my $dir = _tap_directory($scratch, $file);
	my ($log) = glob "'$dir'/log/regress_log_* '$dir'/tmp_check/log/regress_log_*";
	my @lines = defined $log ? split /^/, _read($log) : ();

	splice @lines, 0, -$LOG_LINES_SHOWN if @lines > $LOG_LINES_SHOWN;
	return @lines;
}

# A program that was killed leaves its servers.
sub _stop_servers
{
	my ($scratch) = @_;
	my $dirs = $scratch->dir . '/tap-*';

	return if $scratch->kept;
	for my $file (glob "$dirs/data/*/*/postmaster.pid"
		  . " $dirs/tmp_check/*/*/postmaster.pid")
	{
		my ($pid) = _read($file) =~ /^(\d+)$/m or next;

		kill 'QUIT', $pid;
	}
	return;
}

sub _tap_directory
{
	my ($scratch, $file) = @_;

	return $scratch->dir . '/tap-' . basename($file, '.pl');
}

# The result that a program's output is, of which floor is the least number of
# assertions, if the file states it.
sub _judge
{
	my ($output, $status, $needs_tap, $floor) = @_;

	return { lines => [$output], $status == 0 ? 'passed' : 'failed' => 1 }
	  if !$needs_tap && !defined $floor && $output !~ /^(?:1\.\.|(?:not )?ok\b)/m;
	return { failed => 1, lines => ['it printed no result'] } if $output !~ /\S/;

	my $parser = TAP::Parser->new({ tap => $output });
	my $result = _count($parser);
	my @faults = (_first($PARSE_ERRORS_SHOWN, $parser->parse_errors), _missing($parser, $result, $floor));

	$result->{failed}++ if @faults || $status != 0 && !$result->{failed};
	push @{ $result->{lines} }, @faults;
	return $result;
}

# What is to be done counts as failed.
sub _count
{
	my ($parser) = @_;
	my %result = (passed => 0, failed => 0, skipped => 0, reasons => [], lines => []);
	my $explains = 0;

	while (my $test = $parser->next)
	{
		$result{has_plan} = 1 if $test->is_plan && !$parser->tests_run;
		$result{skip_all} = $test->explanation
		  if $test->is_plan && $test->has_skip && length $test->explanation;
		if ($test->is_test)
		{
			my $kind = !$test->is_actual_ok ? 'failed'
			  : $test->has_skip ? 'skipped' : 'passed';
			$result{$kind}++;
			$explains = $kind eq 'failed';
			push @{ $result{reasons} }, $test->explanation if $kind eq 'skipped';
		}
		push @{ $result{lines} }, $test->as_string if $explains;
	}
	if (defined $result{skip_all})
	{
		$result{skipped}++;
		push @{ $result{reasons} }, $result{skip_all};
	}
	return \%result;
}

# Without a plan before its tests, a file would pass if most of them were gone.
# Only a reason excuses that none ran.
sub _missing
{
	my ($parser, $result, $floor) = @_;
	my $count = $parser->tests_run;

	return if defined $result->{skip_all};
	return 'it ran no assertion' unless $count;
	return "only $count assertions ran, of at least $floor"
	  if defined $floor && $count < $floor;
	return "it states neither a plan nor \"At least $count assertions\""
	  unless defined $floor || $result->{has_plan};
	return;
}

sub _first
{
	my ($count, @lines) = @_;
	my $more = @lines - $count;

	return @lines if $more <= 0;
	return (@lines[ 0 .. $count - 1 ], "... and $more more");
}

sub _read
{
	my ($path) = @_;

	open my $file, '<', $path or return '';
	local $/ = undef;
	return <$file> // '';
}

sub _psql
{
	my ($sql, $database) = @_;

	system('psql', '-Xq', '-d', $database // 'postgres', '-c', $sql) == 0
	  or die "could not prepare a database\n";
	return;
}

1;
