# Test files whose output is TAP: pgTAP scripts, Perl programs, and others.
# Each assertion is one test.  A file whose plan is broken, or that ends with
# an error, has failed even if all its assertions passed.

package TapFile;

use strict;
use warnings;

use File::Basename qw(basename dirname);
use Queue;
use TAP::Parser;

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
	my @result = _run_file(
		$scratch, $file,
		'psql', '-XqAt', '-F', "\n", '-v', 'ON_ERROR_STOP=1',
		'-d', $database, '-f', $file);
	_psql(qq(DROP DATABASE "$database" WITH (FORCE)));
	return @result;
}

# The programs use PostgreSQL::Test::Cluster, and start their own servers.
sub prepare_perl
{
	my ($scratch) = @_;

	$scratch->at_end(sub { _stop_servers($scratch) });
	_make_template($scratch);
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

# Returns counts and the lines that explain a failure.
sub _run_file
{
	my ($scratch, $file, @command) = @_;
	my $needs_tap = $command[0] ne "./$file";
	my $base = $scratch->dir . '/' . ($file =~ tr{/}{-}r);
	my ($out, $err) = ("$base.out", "$base.err");
	my $limit = $ENV{SECONDS_PER_FILE} || Queue::limit_of($file);
	my $status = $scratch->run(
		{ stdout => $out, stderr => $err, seconds => $limit }, @command);
	my ($counts, @lines) = _judge(_read($out), $status, $needs_tap);

	push @lines, "the time limit of $limit s was reached" if $status == 124;
	push @lines, "it ended with status $status"
	  if $status != 0 && $status != 124;
	push @lines, split /^/, _read($err);
	push @lines, _end_of_log($scratch, $file) if $counts->{failed};
	return ($counts, @lines);
}

# PostgreSQL::Test::Utils sends what a Perl program says to a log file.
sub _end_of_log
{
	my ($scratch, $file) = @_;
	my $dir = _tap_directory($scratch, $file);
	my ($log) = glob "$dir/log/regress_log_* $dir/tmp_check/log/regress_log_*";
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

# Counts the tests in a program's output, and explains what failed.
sub _judge
{
	my ($output, $status, $needs_tap) = @_;
	my %counts = (passed => 0, failed => 0, skipped => 0);
	my @lines;

	return ($status == 0 ? { passed => 1 } : { failed => 1 }, $output)
	  if !$needs_tap && $output !~ /^(?:1\.\.|(?:not )?ok\b)/m;
	return ({ failed => 1 }, 'it printed no result') if $output !~ /\S/;

	my $parser = TAP::Parser->new({ tap => $output });
	my $explains = 0;

	while (my $result = $parser->next)
	{
		if ($result->is_test)
		{
			my $kind = !$result->is_ok ? 'failed'
			  : $result->has_skip ? 'skipped' : 'passed';
			$counts{$kind}++;
			$explains = $kind eq 'failed';
		}
		push @lines, $result->as_string if $explains;
	}
	$counts{skipped}++ if $parser->skip_all;
	push @lines, _first($PARSE_ERRORS_SHOWN, $parser->parse_errors);
	$counts{failed}++
	  if $parser->parse_errors || $status != 0 && !$counts{failed};
	return (\%counts, @lines);
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
