# What "make bench ROWS=capacity" measured, as the figures that the model computes
# with, and the file that keeps them: lines of name and value, after lines that
# begin with "- " and say where and when.

package Figures;

use strict;
use warnings;

use Exporter qw(import);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../bench';
use List::Util qw(min);
use Samples qw(slurp);

our @EXPORT_OK = qw(figure_rows measured_figures read_figures figures_text);

my $VERIFY = 'capacity processor/verify, %s/microseconds';
my $USED = 'capacity processor/%s used after %s/microseconds';

# Name, unit, what it is, and the samples that are added and taken away; a number
# divides.
my @FIGURES = (
	processor_figure('verify_new', 'verify an ES256 token that nobody has seen',
		[ sprintf $VERIFY, 'new' ], ['capacity processor/scan of tokens/microseconds']),
	processor_figure('verify_shared', 'verify one that another backend has seen (shared memory)',
		[ sprintf $VERIFY, 'known to another backend' ],
		['capacity processor/scan of tokens/microseconds']),
	processor_figure('verify_seen', 'verify one that the backend remembers',
		[ sprintf $VERIFY, 'seen before' ],
		['capacity processor/loop over one token/microseconds']),
	processor_figure('login', 'login with the default Argon2id hash', one('processor/login')),
	processor_figure('refresh', 'refresh', one('processor/refresh')),
	processor_figure('log_out', 'log-out', one('processor/log-out')),
	processor_figure('purge', 'purge of a session and its log', one('processor/purge')),
	processor_figure('signal_idle', 'an idle backend, for each log-out of others',
		one('processor/idle beside log-outs'), one('processor/idle beside other transactions')),
	processor_figure('signal_used', 'a backend that is used after a log-out of others, once',
		[ sprintf $USED, 1, 'a log-out' ], [ sprintf $USED, 1, 'another transaction' ]),
	processor_figure('look_again', 'and for each token that it remembers, at its next use',
		[ (sprintf $USED, 200, 'a log-out'), sprintf $USED, 1, 'another transaction' ],
		[ (sprintf $USED, 200, 'another transaction'), sprintf $USED, 1, 'a log-out' ], 199),
	wal_figure('login_wal', 'login', 'login with a cheap hash'),
	wal_figure('login_whole_wal', 'login, the first after a checkpoint', 'login after a checkpoint'),
	wal_figure('refresh_wal', 'refresh', 'refresh'),
	wal_figure('log_out_wal', 'log-out', 'log-out'),
	wal_figure('log_out_whole_wal', 'log-out, the first after a checkpoint', 'log-out after a checkpoint'),
	wal_figure('purge_wal', 'purge of a session and its log', 'purge'),
	(map { size_figures($_) } qw(users identifiers sessions refresh_tokens audit_log)));

sub processor_figure
{
	my ($name, $what, $added, $taken, $divisor) = @_;

	return {
		name => $name, unit => 'µs', what => "Processor time: $what",
		added => $added, taken => $taken // [], divisor => $divisor // 1
	};
}

sub wal_figure
{
	my ($name, $what, $sample) = @_;

	return {
		name => $name, unit => 'bytes', what => "WAL: $what",
		added => ["capacity WAL/$sample/bytes"], taken => [], divisor => 1
	};
}

sub size_figures
{
	my ($table) = @_;

	return map {
		{
			name => "${table}_$_", unit => 'bytes', what => "Size: a row of `$table`, $_",
			added => ["capacity size/$table/$_"], taken => [], divisor => 1
		}
	} qw(table indexes);
}

sub one { return ["capacity $_[0]/microseconds"]; }

# Hashes of name, unit and what, in order.
sub figure_rows { return @FIGURES; }

# name => value of samples as Samples.pm reads them.  The least of all rounds counts,
# since other work on the machine only adds to processor time.
sub measured_figures
{
	my ($samples) = @_;

	return map { $_->{name} => measured_figure($_, $samples) } @FIGURES;
}

sub measured_figure
{
	my ($figure, $samples) = @_;
	my $sum = 0;

	$sum += least_sample($samples, $_) for @{ $figure->{added} };
	$sum -= least_sample($samples, $_) for @{ $figure->{taken} };
	die "what was measured for $figure->{name} is not above zero\n" unless $sum > 0;
	return sprintf '%.3g', $sum / $figure->{divisor};
}

sub least_sample
{
	my ($samples, $name) = @_;

	return min(values %{ $samples->{$name} // {} }) // die "there is no sample $name\n";
}

sub figures_text
{
	my ($machine, %value) = @_;

	return $machine . join '', map { "$_->{name}\t" . (0 + $value{ $_->{name} }) . "\n" } @FIGURES;
}

# The lines that say where and when, and name => value.
sub read_figures
{
	my ($path) = @_;
	my $text = slurp($path);
	my $machine = join '', $text =~ /^(- .*\n)/mg;
	my %value = $text =~ /^(\w+)\t([\d.]+)$/mg;

	exists $value{ $_->{name} } or die "$path lacks $_->{name}\n" for @FIGURES;
	return ($machine, %value);
}

1;
