# README.md and the pages of doc/: their text, and a server to compare it with

package Pages;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp ();

our @EXPORT_OK = qw(source_directory pages anchor_of block_of reference_rows
  start_server ask slurp write_file);

my $root = dirname(dirname(dirname(abs_path(__FILE__))));

sub source_directory
{
	return $root;
}

# path => text
sub pages
{
	return map { $_ => slurp("$root/$_") } 'README.md',
	  map { s{^\Q$root\E/}{}r } glob "'$root'/doc/*.md";
}

# The anchor that GitHub gives a heading.
sub anchor_of
{
	my ($heading) = @_;

	return lc($heading) =~ s/[^\w -]//gr =~ tr/ /-/r;
}

# The first fenced block of a language in a section of a page, which is named
# without its heading for what stands above the first one.
sub block_of
{
	my ($path, $heading, $language) = @_;
	my ($section) = slurp("$root/$path") =~ ($heading eq '' ? qr/\A(.*?)^## /ms : qr/^## \Q$heading\E\n(.*?)(?=^## |\z)/ms)
	  or die "$path has no section \"$heading\"\n";

	return $section =~ /^```$language\n(.*?)^```$/ms ? $1 : die "the section \"$heading\" of $path has no $language\n";
}

# The rows of the tables below a heading of the reference: first cell => the
# others.
sub reference_rows
{
	my ($heading) = @_;
	my ($text) =
	  slurp("$root/doc/reference.md") =~ /^## \Q$heading\E\n(.*?)(?=^## |\z)/ms;
	my %rows;

	for my $line (split /\n/, $text // '')
	{
		my ($name, @cells) = map { s/^\s+|\s+$//gr } split /(?<!\\)\|/,
		  $line =~ s/^\|//r;

		$rows{$1} = \@cells if ($name // '') =~ /^`(.+)`$/;
	}
	return %rows;
}

# Runs the program anew in a throw-away server, unless it is in one.  It preloads
# the library, so that there is all that the pages speak of.
sub start_server
{
	my ($program, @arguments) = @_;

	return if $ENV{PAGES_SERVER};
	$ENV{PAGES_SERVER} = 1;
	exec "$root/test/private/cluster", '--conf', "shared_preload_libraries = 'jwt_auth'", '--drop',
	  abs_path($program), @arguments
	  or die "could not start a server: $!\n";
}

# The rows that the last statement gives, as psql prints them.
sub ask
{
	my ($database, $sql) = @_;
	my $file = File::Temp->new;

	write_file("$file", $sql);
	my @rows = `psql -XqAt -v ON_ERROR_STOP=1 -d $database -f $file`;
	die "psql failed: $sql\n" if $? != 0;
	chomp @rows;
	return @rows;
}

sub slurp
{
	my ($path) = @_;

	open my $file, '<', $path or die "could not read $path: $!\n";
	local $/ = undef;
	return <$file> // '';
}

sub write_file
{
	my ($path, $text) = @_;

	open my $file, '>', $path or die "could not write $path: $!\n";
	print $file $text;
	close $file or die "could not write $path: $!\n";
	return;
}

1;
