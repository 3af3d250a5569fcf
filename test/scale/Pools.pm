# A simulation of what backends and their shared memory remember.
#
# Clients visit: each has a token of its own, and sends some requests, each to a
# backend at random, before another client takes its place.  A backend remembers
# some tokens and forgets the one used least recently; so does each set of the
# shared table, as src/shared/signatures.c has them.  It begins in the middle of all
# visits, and the first half is not counted.

package Pools;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(simulate_pools);

my $WAYS = 15;
my $TURNS = 8;

# simulate_pools(clients => N, visit => REQUESTS, backends => N, remembered =>
# TOKENS, shared => TOKENS or 0, seed => N): the shares of requests whose token is
# remembered by the backend ("seen"), by another one ("shared"), and by none ("new").
sub simulate_pools
{
	my (%pool) = @_;
	my $requests = $TURNS * $pool{clients};
	my (@left, @token, @memory, @sets, %count);
	my $tokens = 0;

	srand $pool{seed};
	for my $client (0 .. $pool{clients} - 1)
	{
		$token[$client] = $tokens++;
		$left[$client] = 1 + int rand $pool{visit};
	}
	for my $now (1 .. $requests)
	{
		my $client = int rand $pool{clients};
		my $where = look_up(\%pool, \@memory, \@sets, $token[$client], $now);

		$count{$where}++ if $now > $requests / 2;
		next if --$left[$client];
		$token[$client] = $tokens++;
		$left[$client] = $pool{visit};
	}
	return map { $_ => ($count{$_} // 0) / ($requests - int($requests / 2)) } qw(seen shared new);
}

sub look_up
{
	my ($pool, $memory, $sets, $token, $now) = @_;
	my $own = $memory->[ int rand $pool->{backends} ] //= {};
	my $seen = exists $own->{$token};

	remember($own, $token, $now, $pool->{remembered});
	return 'seen' if $seen;
	return 'new' unless $pool->{shared};

	# Spread like a digest, though tokens are numbered.
	my $number = ($token * 2654435761 % 4294967296) % int($pool->{shared} / $WAYS);
	my $set = $sets->[$number] //= {};
	my $shared = exists $set->{$token};

	remember($set, $token, $now, $WAYS);
	return $shared ? 'shared' : 'new';
}

sub remember
{
	my ($memory, $token, $now, $bound) = @_;

	if (!exists $memory->{$token} && keys %$memory >= $bound)
	{
		my ($oldest, $least);

		for my $key (keys %$memory)
		{
			($oldest, $least) = ($key, $memory->{$key})
			  if !defined $least || $memory->{$key} < $least;
		}
		delete $memory->{$oldest};
	}
	$memory->{$token} = $now;
	return;
}

1;
