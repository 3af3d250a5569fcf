# What is assumed, and what follows from it and from the figures (Figures.pm): the
# tables of doc/scale.md.

package Needs;

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(max min sum);
use Outage qw(simulate_outage);
use Pools qw(simulate_pools);

our @EXPORT_OK = qw(
  assumptions assumption_rows verification_rows write_rows size_rows
  revocation_rows outage_rows outage_runs);

# Name of the environment variable, value, unit, and what it is.
my @ASSUMED = (
	[ 'USERS', 100_000_000, '', 'users, each with a password, a username and an address' ],
	[ 'SESSIONS', 10_000_000, '', 'live sessions; each client refreshes whenever its token has ended, all day' ],
	[ 'REQUESTS', 100_000, 'per second', 'requests, each in a transaction that verifies a token' ],
	[ 'TTL', 900, 's', 'how long an access token is valid (`jwt_auth.access_token_ttl`)' ],
	[ 'SESSION_DAYS', 10, 'days', 'how long a session lives on average' ],
	[ 'LOG_OUTS', 50, '%', 'of the sessions end by a log-out, the others expire' ],
	[ 'PEAK', 5, 'times', 'as many logins and log-outs at the peak as on average' ],
	[ 'MACHINES', 8, '', 'machines that serve requests: the primary and standbys or subscribers' ],
	[ 'BACKENDS', 100, '', 'server connections on each of them, behind a pooler in transaction mode' ],
	[ 'PAUSE', 3, 's', 'between the requests of a client that is in use' ],
	[ 'VISIT', 100, '', 'requests of a client before it pauses for long' ],
	[ 'CHECKPOINT', 900, 's', 'from checkpoint to checkpoint' ],
	[ 'RETENTION', 90, 'days', 'that the audit log is kept (`jwt_auth.audit_retention`)' ]);

# With more clients, simulations have a part of them, and of the memory.
my $CLIENTS = 7500;
my $REMEMBERED = 256;
my $SHARED_TOKENS = 65_536;
my $MANY_SHARED_TOKENS = 524_288;

# What PostgreSQL allows of transaction ids before it must freeze.
my $FREEZE_AGE = 200_000_000;

# Clients that refresh at a random moment in this last part of a token's life.
my $SPREAD = 0.2;
my $SECONDS = 5400;

# name => value, of which the environment may give others.
sub assumptions
{
	my (%environment) = @_;
	my %given = map { $_->[0] => $environment{ $_->[0] } // $_->[1] } @ASSUMED;

	for my $name (sort keys %given)
	{
		die "$name must be a whole number above zero\n" unless $given{$name} =~ /^[1-9][0-9]{0,11}\z/;
	}
	return %given;
}

sub assumption_rows
{
	my (%given) = @_;

	return ([ 'variable', 'value', 'what' ],
		map { [ "`$_->[0]`", join(' ', thousands($given{ $_->[0] }), $_->[2] || ()), $_->[3] ] } @ASSUMED);
}

# Processors for verification on all machines together.
sub verification_rows
{
	my ($given, $figure) = @_;
	my $here = $given->{REQUESTS} * $given->{PAUSE} / $given->{MACHINES};
	my $visit = max(1, int($given->{VISIT} / $given->{MACHINES} + 0.5));
	my @ways = (
		[ 'no shared memory', $here, $given->{VISIT}, 0 ],
		[ 'shared memory, a client stays on one machine', $here, $given->{VISIT}, $SHARED_TOKENS ],
		[ 'shared memory, any machine for each request', $here * $given->{MACHINES}, $visit, $SHARED_TOKENS ],
		[ 'the same, `jwt_auth.shared_tokens = ' . $MANY_SHARED_TOKENS . '`',
			$here * $given->{MACHINES}, $visit, $MANY_SHARED_TOKENS ]);
	my @rows = [ 'way', 'remembered by the backend', 'by another one', 'by none', 'processors' ];

	for my $way (@ways)
	{
		my ($name, $clients, $requests, $shared) = @$way;
		my $part = max(1, $clients / $CLIENTS);
		my %share = simulate_pools(
			clients => max(1, int($clients / $part)),
			visit => $requests, backends => $given->{BACKENDS},
			remembered => max(1, int($REMEMBERED / $part + 0.5)),
			shared => $shared / $part, seed => 1);
		my $processors = $given->{REQUESTS} / 1e6 * ($share{seen} * $figure->{verify_seen}
			  + $share{shared} * $figure->{verify_shared} + $share{new} * $figure->{verify_new});

		push @rows, [ $name, (map { percent($share{$_}) } qw(seen shared new)), short($processors) ];
	}
	return @rows;
}

# How often per second the primary does what, at the peak.
sub rates
{
	my ($given) = @_;
	my $logins = $given->{PEAK} * $given->{SESSIONS} / $given->{SESSION_DAYS} / 86400;

	return (
		refresh => $given->{SESSIONS} / $given->{TTL},
		login => $logins,
		log_out => $logins * $given->{LOG_OUTS} / 100,
		purge => $logins);
}

# The primary's processors and WAL.
sub write_rows
{
	my ($given, $figure) = @_;
	my %rate = rates($given);
	my %name = (refresh => 'refreshes', login => 'logins', log_out => 'log-outs', purge => 'purged sessions');
	my @rows = [ 'what', 'per second', 'processors', 'WAL, MB/s', 'whole pages after checkpoints, MB/s' ];
	my @sum = (0, 0, 0);

	for my $what (qw(refresh login log_out purge))
	{
		my @needs = (
			$rate{$what} * $figure->{$what} / 1e6,
			$rate{$what} * $figure->{"${what}_wal"} / 1e6,
			whole_pages($given, $figure, $what, $rate{$what}));

		$sum[$_] += $needs[$_] for 0 .. 2;
		push @rows, [ $name{$what}, short($rate{$what}), map { short($_) } @needs ];
	}
	push @rows, [ '**together**', short(sum(values %rate)), map { '**' . short($_) . '**' } @sum ];
	push @rows, freeze_rows(sum(values %rate));
	return @rows;
}

# Each page is written whole once after a checkpoint, so that those of refreshes
# are bounded by the table; sessions are purged in the order of their pages.
sub whole_pages
{
	my ($given, $figure, $what, $rate) = @_;

	return min(8192 * $rate, $given->{SESSIONS} * $figure->{refresh_tokens_table} / $given->{CHECKPOINT}) / 1e6
	  if $what eq 'refresh';
	return 0 if $what eq 'purge';
	return $rate * ($figure->{"${what}_whole_wal"} - $figure->{"${what}_wal"}) / 1e6;
}

sub freeze_rows
{
	my ($rate) = @_;

	return [ 'hours to `autovacuum_freeze_max_age` (200 million)', short($FREEZE_AGE / $rate / 3600), '', '', '' ];
}

sub size_rows
{
	my ($given, $figure) = @_;
	my $logged = $given->{SESSIONS} / $given->{SESSION_DAYS} * (1 + $given->{LOG_OUTS} / 100) * $given->{RETENTION};
	my %count = (
		users => $given->{USERS}, identifiers => 2 * $given->{USERS}, sessions => $given->{SESSIONS},
		refresh_tokens => $given->{SESSIONS}, audit_log => $logged);
	my @rows = [ 'table', 'rows, millions', 'table, GB', 'indexes, GB' ];
	my @sum = (0, 0);

	for my $table (qw(users identifiers sessions refresh_tokens audit_log))
	{
		my @sizes = map { $count{$table} * $figure->{"${table}_$_"} / 1e9 } qw(table indexes);

		$sum[$_] += $sizes[$_] for 0 .. 1;
		push @rows, [ "`$table`", short($count{$table} / 1e6), map { short($_) } @sizes ];
	}
	push @rows, [ '**together**', '', map { '**' . short($_) . '**' } @sum ];
	return @rows;
}

# What log-outs cost all backends, at some rates.
sub revocation_rows
{
	my ($given, $figure) = @_;
	my %rate = rates($given);
	my $backends = $given->{MACHINES} * $given->{BACKENDS};
	my @rows = [ 'log-outs per second', 'signals that backends take, per second', 'processors of all machines' ];

	for my $log_outs (sprintf('%.0f', $rate{log_out}), 300, 1000)
	{
		my $processors = $log_outs * $backends * ($figure->{signal_idle} + $figure->{signal_used})
		  + min($log_outs * $backends * $REMEMBERED, $given->{REQUESTS}) * $figure->{look_again};

		push @rows, [ thousands($log_outs), thousands($log_outs * $backends), short($processors / 1e6) ];
	}
	return @rows;
}

# The simulations of an outage: minutes away, processors for refreshes, spread.
sub outage_runs
{
	my ($given, $figure) = @_;
	my @runs;

	for my $minutes (1, 15)
	{
		for my $processors (8, 32)
		{
			push @runs, map { outage_run($given, $figure, $minutes, $processors, $_) } 0, $SPREAD;
		}
	}
	return @runs;
}

sub outage_run
{
	my ($given, $figure, $minutes, $processors, $spread) = @_;
	my $capacity = $processors * 1e6 / $figure->{refresh};

	return {
		minutes => $minutes, processors => $processors, spread => $spread, capacity => $capacity,
		served => [
			simulate_outage(
				sessions => $given->{SESSIONS}, ttl => $given->{TTL}, outage => 60 * $minutes,
				capacity => $capacity, spread => $spread, seconds => $SECONDS)
		]
	};
}

sub outage_rows
{
	my ($given, @runs) = @_;
	my $usual = $given->{SESSIONS} / $given->{TTL};
	my @rows = [ 'away', 'processors', 'clients refresh', 'seconds at full load', 'peak of the second hour, per second' ];

	for my $run (@runs)
	{
		my $full = grep { $_ >= 0.999 * $run->{capacity} } @{ $run->{served} };

		push @rows, [
			"$run->{minutes} min", $run->{processors},
			$run->{spread} ? 'in the last fifth' : 'at the end',
			thousands($full), short(max(@{ $run->{served} }[ 3600 .. $SECONDS - 1 ]))
		];
	}
	return @rows;
}

sub percent { return sprintf('%.1f %%', 100 * $_[0]); }

# Three digits at most, or all of those before the point.
sub short
{
	my ($value) = @_;

	return thousands($value) if $value >= 100;
	return sprintf($value >= 10 ? '%.0f' : $value >= 1 ? '%.1f' : '%.2g', $value);
}

sub thousands
{
	my $text = sprintf '%.0f', $_[0];

	1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;
	return $text;
}

1;
