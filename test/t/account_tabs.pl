# A browser that restores its tabs over one cookie (F10, T49, T51): the requests of
# two, four and eight tabs cross each other, each reads the cookie when it is
# sent, and each answer sets it when it arrives.  Nobody is logged out.
#
# Latencies are simulated, so that nothing waits: calls reach the server in the
# order in which they would.
#
# SEED=N makes the same choices again.
# At least 11 assertions

use strict;
use warnings;

use AccountTest;
use JSON::PP ();
use JwtAuthTest;
use Test::More;

my $rounds = 60;
my $loads = 3;
my ($least, $most) = (20, 250);
my $seed = $ENV{SEED} // int(rand(2**31));
my $node = start_account_node('tabs', conf => ['jwt_auth.max_sessions_per_user = 0']);
my $server = connect_to($node);

note("SEED=$seed");
srand($seed);
for my $tabs (2, 4, 8)
{
	my %count = (ended => 0, denied => 0, rotated => 0);

	for my $round (1 .. $rounds)
	{
		my $login = log_in($server, 'alice');
		my ($denied, $jar) = restore_tabs($tabs, $login->{refresh_token});
		my ($is_live, $generation) = split /\|/, value_of($server, qq{SELECT revoked_at IS NULL, generation
			FROM jwt_auth.sessions AS s JOIN jwt_auth.refresh_tokens AS r ON r.session_id = s.id
			WHERE s.id = ((jwt_decode('$login->{access_token}')).claims ->> 'sid')::uuid});

		$count{denied} += $denied;
		$count{ended}++ if $is_live ne 't' || error_of(refresh_with($server, $jar)) ne 'ok';
		$count{rotated} += $generation - 1;
	}
	is($count{denied}, 0, "$tabs tabs: no request of $rounds restored windows is denied");
	is($count{ended}, 0, "$tabs tabs: no session ends");
	cmp_ok($count{rotated}, '>', $rounds, "$tabs tabs: tokens are rotated more than once");
}

# A token that was rotated longer ago than its own grace still ends the session
{
	my $first = log_in($server, 'bob');
	my $second = refresh_with($server, $first->{refresh_token});

	is(error_of(replay_with($server, $first->{refresh_token})), 'invalid_grant', 'a replay is denied');
	is(error_of(refresh_with($server, $second->{refresh_token})), 'invalid_grant', 'a replay ends the session');
}

done_testing();

# Each tab loads some times, one after another, all tabs at once.  Returns how
# many requests were denied, and what the cookie is at last.
sub restore_tabs
{
	my ($tabs, $cookie) = @_;
	my @events = map { { at => rand($least), step => 'send', left => $loads } } 1 .. $tabs;
	my $denied = 0;

	while (@events)
	{
		@events = sort { $a->{at} <=> $b->{at} } @events;
		my $event = shift @events;
		my $latency = ($least + rand($most - $least)) / 2;

		if ($event->{step} eq 'send')
		{
			push @events, { %$event, at => $event->{at} + $latency, step => 'answer', token => $cookie };
		}
		elsif ($event->{step} eq 'answer')
		{
			my $answer = refresh_with($server, $event->{token});

			$denied++ if error_of($answer) ne 'ok';
			push @events, { %$event, at => $event->{at} + $latency, step => 'set', token => $answer->{refresh_token} };
		}
		else
		{
			$cookie = $event->{token} // $cookie;
			push @events, { %$event, step => 'send', left => $event->{left} - 1 } if $event->{left} > 1;
		}
	}
	return ($denied, $cookie);
}
