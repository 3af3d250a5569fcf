# A standby is promoted while clients are at work (T56): what was told by a
# primary that waits for its standby is there; what an asynchronous one had
# told may be lost, but no session ends by that, and no lost token is good.
#
# Environment read: SEED.
#
# Time limit: 1800 s
# At least 28 assertions

use strict;
use warnings;

use AccountLoad;
use AccountTest;
use AccountVerdict;
use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep);

my $seed = AccountLoad::seed();
my $current;

fail_over('synchronous', 1);
fail_over('asynchronous', 0);
done_testing();

sub fail_over
{
	my ($name, $is_synchronous) = @_;
	my $primary = start_account_node("${name}_primary", conf => [@AccountLoad::CONF], cluster => { allows_streaming => 1 });
	my $standby = PostgreSQL::Test::Cluster->new("${name}_standby");

	$primary->backup('backup');
	$standby->init_from_backup($primary, 'backup', has_streaming => 1);
	$standby->start;
	if ($is_synchronous)
	{
		$primary->append_conf('postgresql.conf', "synchronous_standby_names = '*'");
		$primary->reload;
		wait_for($primary, 'SELECT sync_state FROM pg_stat_replication', 'sync');
	}
	$current = PostgreSQL::Test::Utils::tempdir() . '/current';
	my $source = AccountLoad::source_of($primary);

	PostgreSQL::Test::Utils::append_to_file($current, $source);

	my $load = AccountLoad->new(
		$primary,
		seed => $seed,
		connect => \&current_source,
		waits => { all => 'remote_apply' },
		may_be_lost => sub { return !$is_synchronous && current_source() ne $source; },
		may_fail => $is_synchronous ? qr/^(?:57P0[123]|08...|22000|25006|40001)$/ : qr/^(?:57P0[123]|08...|22000|25006|28J00|40001)$/);

	$load->start;
	$load->await(10);
	unless ($is_synchronous)
	{
		$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
		$load->await(5);
	}
	kill_server($primary);

	# Some come to the standby before it is promoted
	PostgreSQL::Test::Utils::append_to_file("$current.new", AccountLoad::source_of($standby));
	rename "$current.new", $current or die "could not rename: $!\n";
	$standby->promote;
	if ($is_synchronous)
	{
		$load->await(10);
		$load->stop;
		check_load($standby, $load, $name);
	}
	else
	{
		$load->stop;
		check_load($standby, $load, $name, may_lose => 1);
	}
	$standby->stop;
	return;
}

sub current_source { return PostgreSQL::Test::Utils::slurp_file($current); }
