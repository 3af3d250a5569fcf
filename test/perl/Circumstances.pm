# The circumstances in which each function of a table is called rightly, from roles without
# rights to settings that any client may change.  All calls are rolled back: nothing of
# what they need is used up, and nothing of them may stay.

package Circumstances;

use strict;
use warnings;

use AccountTest;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use Test::More;

our @EXPORT = qw(start_standby try_circumstances answer_of_call digest);

my $HOSTILE = dirname(dirname(abs_path(__FILE__))) . '/pgtap/include/hostile.psql';

# What any client may set, and might change how statements are read, planned or printed
my $ODD_SETTINGS = join '; ', 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', map { "SET LOCAL $_" } (
	"DateStyle = 'SQL, DMY'", "IntervalStyle = 'sql_standard'", "TimeZone = 'Asia/Kathmandu'",
	'extra_float_digits = -15', "bytea_output = 'escape'", 'array_nulls = off', 'standard_conforming_strings = off',
	'escape_string_warning = off', 'transform_null_equals = on', 'quote_all_identifiers = on', 'row_security = off',
	'jit = off', 'enable_mergejoin = off',
	'plan_cache_mode = force_generic_plan', 'synchronous_commit = off',
	"lc_messages = 'C'", "xmlbinary = 'hex'");

# A standby of a node that allows streaming
sub start_standby
{
	my ($node) = @_;
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	$node->backup('backup');
	$standby->init_from_backup($node, 'backup', has_streaming => 1);
	$standby->start;
	return $standby;
}

# The answer to a call of whoever has logged in, or of nobody, which must succeed
sub answer_of_call
{
	my ($node, $who, $call) = @_;
	my $setting = defined $who ? "SET jwt_auth.token = '$who->{access_token}'; " : '';
	my $answer = JSON::PP::decode_json(value_of($node, "${setting}SELECT $call"));

	is($answer->{error}, undef, 'prepared: ' . substr $call, 0, 40) or die;
	return $answer;
}

# All rows of the extension
sub digest
{
	my ($node) = @_;

	return value_of($node, q{SELECT md5(string_agg(query_to_xml(format('TABLE jwt_auth.%I', relname), true, false, '')::text, '' ORDER BY relname))}
		  . q{ FROM pg_class WHERE relnamespace = 'jwt_auth'::regnamespace AND relkind = 'r'});
}

# Tries each call: function, whose token, arguments (or what makes them), what the answer has,
# and what it is: r reads, w writes, p public, o needs no identity
sub try_circumstances
{
	my ($node, $standby, @calls) = @_;
	my $session = JwtAuthSession->new($node);
	my $replica = JwtAuthSession->new($standby);
	my $before = digest($node);

	$node->safe_psql('postgres', 'CREATE ROLE regress_anyone');
	$session->query("\\i $HOSTILE");
	$node->wait_for_catchup($standby);
	for (@calls)
	{
		my ($function, $who, $given, $right, $is) = @$_;
		my $arguments = ref $given ? $given->() : $given;
		my $call = "public.$function($arguments)";

		try_call($session, $replica, $call, $who, $right, $is,
			$function . (defined $who ? '' : ' without a token') . ': ' . substr $arguments, 0, 40);
		is(digest($node), $before, "nothing of it stays: $function " . substr $arguments, 0, 40);
	}
	like($session->state_of('SET search_path = hostile, pg_catalog; SELECT 1 = 1'), qr/XX0HS/, 'the hostile search_path catches names');
	$_->close for $session, $replica;
	return;
}

sub try_call
{
	my ($session, $replica, $call, $who, $right, $is, $what) = @_;
	my ($reads, $is_public) = map { scalar($is =~ $_) } qr/r/, qr/p/;
	my $where_nothing_is_written = $reads ? $right : qr/^ERROR 25006$/;

	set_token($_, $who) for $session, $replica;
	is(transaction($session, 'SET LOCAL ROLE regress_anyone', "SELECT $call") =~ /42501/, !$is_public, "the rights of a role without any: $what");
	like(transaction($session, 'SET LOCAL transaction_read_only = on', "SELECT $call"), $where_nothing_is_written, "where nothing may be written: $what");
	like(transaction($replica, '', "SELECT $call"), $where_nothing_is_written, "on a standby: $what");
	like(transaction($session, '', "SELECT $call"), $right, "in a transaction that is rolled back: $what");
	like(transaction($session, "SAVEPOINT s; SELECT $call; ROLLBACK TO s", "SELECT $call"), $right, "after a savepoint that undid it: $what");
	like(transaction($session, 'SET LOCAL search_path = hostile, pg_temp, pg_catalog, public', "SELECT $call"), $right, "once more, under a hostile search_path: $what");
	like(transaction($session, $ODD_SETTINGS, "SELECT $call"), $right, "with the settings of an odd client: $what");
	try_other_identities($session, $call, $who, $right, $is, $what) if defined $who;
	return;
}

# What a statement does is done for the identity that it has by then
sub try_other_identities
{
	my ($session, $call, $who, $right, $is, $what) = @_;
	my $take = sub { return "SELECT jwt_user_id() IS NULL, length(set_config('jwt_auth.token', '$_[0]', true)) > 0, $call"; };
	my $answer = transaction($session, '', $take->(''));

	like($answer =~ s/^f\|f\|//r, qr/^(?:ERROR 28J03|f)?$/, "for whoever is gone within the statement, nothing is done: $what") unless $is =~ /o/;
	set_token($session, undef);
	$answer = transaction($session, '', $take->($who->{access_token}));
	like($answer =~ s/^t\|t\|//r, $right, "for whoever comes within the statement, it is done: $what");
	return;
}

sub set_token
{
	my ($where, $who) = @_;

	return $where->query("SET jwt_auth.token = '" . (defined $who ? $who->{access_token} : '') . "'");
}

# The answer to a statement after a setting, in a transaction that is rolled back
sub transaction
{
	my ($where, $setting, $statement) = @_;

	$where->query("BEGIN; $setting");
	my $answer = ask($where, $statement);
	$where->query('ROLLBACK');
	return $answer;
}

1;
