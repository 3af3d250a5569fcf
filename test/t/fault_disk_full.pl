# The volume of the write-ahead log is full while clients are at work: the
# server goes down, and when there is room again it comes up with all that it
# has told. The volume is a small tmpfs in a mount namespace of this test;
# skipped where the system lets it make none.
#
# Environment read: ROUNDS (2), SEED.
#
# Time limit: 1800 s
# At least 19 assertions

use strict;
use warnings;

my $volume;

# All of the test runs in the namespace, as the user that started it.
BEGIN
{
	$volume = $ENV{WAL_VOLUME};
	if (!defined $volume)
	{
		my @enter = (qw(unshare --map-root-user --mount sh -c), <<'END', 'enter', $>, $) + 0);
mount -t tmpfs -o size=24m,mode=0777 wal "$WAL_VOLUME" || exit 1
user=$1 group=$2
shift 2
exec unshare --user --map-user="$user" --map-group="$group" -- "$@"
END
		require File::Temp;
		$ENV{WAL_VOLUME} = File::Temp::tempdir(CLEANUP => 0);
		if (system("@{[ join ' ', map { quotemeta } @enter, 'true' ]} >/dev/null 2>&1") == 0)
		{
			exec @enter, $^X, $0;
		}
		rmdir $ENV{WAL_VOLUME};
	}
}

use AccountLoad;
use AccountTest;
use AccountVerdict;
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'this system lets nobody make a user and mount namespace' unless defined $volume;

my $seconds_to_wait = 60;
my $rounds = $ENV{ROUNDS} // 2;
my $seed = AccountLoad::seed();
my $node = start_account_node(
	'disk_full',
	init => [ "--waldir=$volume/pg_wal", '--wal-segsize=1' ],
	conf => [ @AccountLoad::CONF, 'min_wal_size = 2MB', 'max_wal_size = 8MB', 'restart_after_crash = off' ]);
my $load = AccountLoad->new($node, seed => $seed, may_fail => qr/^(?:57P0[123]|08...|22000|40001|53100|58030|XX000)$/);

$load->start;
for my $round (1 .. $rounds)
{
	my ($postmaster) = split /\n/, PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid');
	my $end = time + $seconds_to_wait;

	$load->await(5);
	fill();
	sleep 0.02 while kill(0, $postmaster) && time < $end;
	ok(!kill(0, $postmaster), "round $round: the server went down");
	like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC:.*No space left on device/, "round $round: the log has the full disk");
	unlink "$volume/filler" or die "could not make room: $!\n";
	$node->kill9;
	$node->start;
}
$load->await(5);
$load->stop;
check_load($node, $load, 'with room again');
$node->stop;
done_testing();

# Takes all room, and then what the server had set aside
sub fill
{
	my $block = "\0" x 65536;
	my $connection = DBI->connect(AccountLoad::source_of($node), undef, undef, { RaiseError => 1, PrintError => 0 });

	open my $file, '>>', "$volume/filler" or die "could not fill: $!\n";
	while (syswrite $file, $block) { }
	close $file;
	while (eval { $connection->do(q{SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000))}) }) { }
	return;
}
