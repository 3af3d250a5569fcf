# A client may set ignore_system_indexes when it connects (F06): what is
# read by our indexes is found all the same, by them and in their order.
# At least 14 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthTest;
use Test::More;

my $node = start_account_node('ignored', conf => ['jwt_auth.max_sessions_per_user = 2']);
my $live = 'SELECT count(*) FROM jwt_auth.sessions WHERE revoked_at IS NULL';

for my $ignored (qw(off on))
{
	local $ENV{PGOPTIONS} = "-c ignore_system_indexes=$ignored";

	is(value_of($node, 'SHOW ignore_system_indexes'), $ignored, "ignore_system_indexes is $ignored");
	my @answers = map { log_in($node, 'alice') } 1 .. 4;
	is(value_of($node, $live), '2', "$ignored: the limit of sessions holds");
	is(verdict_on($answers[0]), '28J02', "$ignored: the first session has ended");
	is(verdict_on($answers[3]), '', "$ignored: the last session is live");
	is(error_of(refresh_with($node, $answers[3]{refresh_token})), 'ok', "$ignored: the last session can be refreshed");
	is(error_of(log_in($node, 'nobody', 'wrong')), 'invalid_grant', "$ignored: an unknown name is denied");
	is(state_of($node, 'SELECT jwt_purge()'), '', "$ignored: a purge succeeds");
	value_of($node, 'SELECT jwt_end_sessions(id) FROM jwt_auth.users');
}
done_testing();

sub verdict_on
{
	my ($answer) = @_;

	return state_of($node, "SELECT jwt_verify('$answer->{access_token}')");
}
