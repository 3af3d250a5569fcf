# Files for pg_regress and pg_isolation_regress; each file is one test.

package PgRegress;

use strict;
use warnings;

use File::Basename qw(basename dirname);
use TestFile;

sub run_sql
{
	return _run('regress/pg_regress', '.', @_);
}

sub run_isolation
{
	return _run('isolation/pg_isolation_regress', 'test/isolation', @_);
}

# The file gets a database of its own, so that none depends on another.
sub _run
{
	my ($program, $input, $scratch, $file) = @_;
	my $name = basename($file) =~ s/\.\w+$//r;
	my $output = $scratch->make_dir($file =~ tr{/}{-}r);
	my $status = $scratch->run(
		{
			stdout => "$output/out",
			seconds => $ENV{SECONDS_PER_FILE} || TestFile::limit_of($file)
		},
		_pgxs_directory() . "/src/test/$program",
		"--inputdir=$input",
		"--outputdir=$output",
		'--bindir=' . dirname($ENV{PG_CONFIG}),
		"--dbname=regress_$name",
		$name);
	my $shown = "$output/regression.diffs";

	$shown = "$output/out" unless -s $shown;
	return { lines => [ _lines($shown) ], $status == 0 ? 'passed' : 'failed' => 1 };
}

sub _pgxs_directory
{
	my $pgxs = `pg_config --pgxs`;

	chomp $pgxs;
	return dirname($pgxs) . '/../..';
}

sub _lines
{
	my ($path) = @_;

	open my $file, '<', $path or return;
	return <$file>;
}

1;
