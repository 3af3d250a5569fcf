# Keys that tokens ask for (T189, F60): an unknown key has them fetched at most once a
# minute, from the last fetch on, and after that minute again, however often they were
# asked for meanwhile.  The minute is a real one.
# Time limit: 900 s
# At least 19 assertions

use strict;
use warnings;

use JSON::PP ();
use JwtAuthTest;
use KeyServer;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# For what a worker does on a busy machine
my $SECONDS = 180;

my $SINCE = q{SELECT extract(epoch FROM clock_timestamp() - tried_at) FROM jwt_auth.key_fetches WHERE name = };

my $json = JSON::PP->new->canonical->utf8;
my $server = KeyServer->new(PostgreSQL::Test::Utils::tempdir());
my $node = start_node(
	'minute',
	conf => [
		"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'postgres'",
		'jwt_auth.worker_naptime = 1', q{jwt_auth.fetch_ca_file = '} . $server->ca_file . q{'} ]);
my $former = $json->decode(value_of($node, q{SELECT jwk_generate('ES256', 'former')}));
my $stranger = $json->decode(value_of($node, q{SELECT jwk_generate('ES256')}));

for my $name (qw(asked other))
{
	$server->serve("/$name", as => 'body', body => set_of($former));
	trust($node, $name, $former, $server->uri("/$name"));
	await($node, "the keys of $name are fetched", 'SELECT count(*) = 1 FROM jwt_auth.key_fetches WHERE error IS NULL AND fetched_at >= tried_at AND name = ' . quote(issuer_of($name)));
}
for my $round (1, 2)
{
	keeps_keys($_, "round $round: unknown keys $_ seconds after a fetch have nothing fetched") for 1, 15;
	fetches_keys("round $round: after a minute, they have, once");
}
is($server->requests('/other')->{count}, 1, 'those of an issuer whom no token names were not fetched again');
$server->stop;
done_testing();

sub fetches { return $server->requests('/asked')->{count}; }

sub since_fetch { return value_of($node, $SINCE . quote(issuer_of('asked'))); }

# Shows several tokens by unknown keys.
sub ask
{
	my %claims = (iss => issuer_of('asked'), aud => 'api', sub => 'alice', exp => 7200 + int time);

	for my $kid (1 .. 5)
	{
		my $token = value_of($node, 'SELECT jwt_sign_with(' . quote($json->encode(\%claims)) . ', ' . quote($json->encode({ %$stranger, kid => "$kid" })) . ')');

		state_of($node, 'SELECT jwt_verify(' . quote($token) . ')');
	}
	return;
}

# Nothing is fetched, unless a busy machine took a minute for it.
sub keeps_keys
{
	my ($seconds, $what) = @_;
	my $before = fetches();

	sleep 0.2 until since_fetch() >= $seconds;
	ask();
	await_visit($node);
	my $after = fetches();

	return is($after, $before, $what) if since_fetch() < 60;
	return pass("$what: not seen on a busy machine");
}

sub fetches_keys
{
	my ($what) = @_;
	my $before = fetches();
	my $end;

	sleep 0.2 until since_fetch() >= 60.5;
	ask();
	$end = time + $SECONDS;
	sleep 0.1 until fetches() > $before || time > $end;
	await_visit($node);
	is(fetches(), $before + 1, $what);
	return;
}
