# Random traces of the model of one-time tokens, done again to a server (T113, T115, T117): links
# and codes that are redeemed and guessed at once, newer ones, changes of the password,
# rollbacks and the end of their time: each answer and what is committed are those of the
# model.
#
# Environment read:
#   SEED=N         one more trace, which is else chosen at random
#   TRACES=N       so many more
#   MODEL_DEFINES  definitions for the model, such as BROKEN_SIBLINGS
# At least 46 assertions

use strict;
use warnings;

use AccountTest;
use JSON::PP ();
use JwtAuthTest;
use ModelTraces;
use Test::More;

my $FIXED = 40;
my $TRIES = 5;

my $random = $ENV{SEED} // int rand 1_000_000;
my $node = start_account_node(
	'one_time_traces',
	conf => [ 'jwt_auth.max_sessions_per_user = 0', 'jwt_auth.login_max_failures = 1000', 'autovacuum = off' ]);
my $server = connect_to($node);
my $traces = ModelTraces->new($node, 'one_time');
my %event = (call => \&do_call, answer => \&check_answer, end => \&do_end, expire => \&do_expire);
my (%count, $run);

for my $seed (1 .. $FIXED, map { $random + $_ } 0 .. ($ENV{TRACES} // 1) - 1)
{
	my $purpose = $seed % 2 ? 'recovery' : 'login';
	my @trace = $traces->lines_of($seed, 'TOKENS=6', 'REDEEMERS=2', 'GUESSERS=1', ('RECOVERY') x ($seed % 2));
	my $difference;

	for my $try (1 .. $TRIES)
	{
		$difference = replay($purpose, "u$seed.$try", @trace);
		last unless $run->{is_slow};
	}
	is($difference, undef, "seed $seed: a server answers as the model does") or diag(join "\n", @trace);
}
note(join ', ', map { "$_: $count{$_}" } sort keys %count);
cmp_ok($count{$_} // 0, '>=', 30, "there are answers of this kind: $_") for qw(by_link_ok by_code_ok by_link_denied by_code_denied guess_denied);
cmp_ok($traces->{waited}, '>=', 20, 'and statements that waited');
done_testing();

# What differs first, if anything does
sub replay
{
	my ($purpose, $name, @trace) = @_;
	my $id = value_of($server, "SELECT jwt_create_user('$name', '$PASSWORD', email => '$name\@known.example')");

	$run = { purpose => $purpose, user => $id, address => "$name\@known.example", token => {}, pending => {}, called => {}, is_slow => 0 };
	for my $line (@trace)
	{
		my ($what, @arguments) = split ' ', $line;
		my $difference = $event{$what}->(@arguments);

		next unless defined $difference;
		$traces->end_all;
		return "$line: $difference";
	}
	$traces->end_all;
	return;
}

# Nobody is to wait for having asked or failed too often.
sub do_call
{
	my ($process, $name, $number) = @_;

	execute($server, 'DELETE FROM jwt_auth.login_throttle WHERE ctid = ANY (ARRAY(SELECT ctid FROM jwt_auth.login_throttle FOR UPDATE SKIP LOCKED))');
	$run->{called}{$process} = [ $name, $number ];
	$traces->call($process, call_of($name, $run->{token}{$number}));
	return;
}

sub call_of
{
	my ($name, $token) = @_;

	return "SELECT jwt_request_$run->{purpose}('$run->{address}')" if $name eq 'request';
	return "SELECT jwt_set_password('$run->{user}', 'correct horse battery staple 2')" if $name eq 'change';
	my %shown = (by_link => $token->{link}, by_code => $token->{code}, guess => sprintf '%08d', ($token->{code} + 1) % 100_000_000);

	return "SELECT jwt_login_code('$shown{$name}', '$token->{flow}')" if $run->{purpose} eq 'login';
	return "SELECT jwt_recover('$shown{$name}', 'another horse battery staple', '$token->{flow}')";
}

sub check_answer
{
	my ($process, $expected) = @_;
	my ($name, $number) = @{ $run->{called}{$process} };
	my $text = $traces->answer_to($process);

	return $text if $text =~ /^ERROR/;
	my $answer = $text eq '' ? {} : JSON::PP::decode_json($text);
	my $error = error_of($answer);

	$run->{is_slow} = 1 if $error eq 'temporarily_unavailable';
	$run->{pending}{$process} = message_of($process, $number, $answer) if $name eq 'request';
	$count{"${name}_$expected"}++;
	return if $error eq ($expected eq 'ok' ? 'ok' : 'invalid_grant');
	return "$error instead of $expected";
}

# The end of a transaction, for which another may wait, and what is committed then: of
# each token that was sent, whether it is consumed, and how many codes were tried
sub do_end
{
	my ($process, $commits, $changes, @expected) = @_;
	my $is_quiet = $traces->end($process, $commits);
	my $request = delete $run->{pending}{$process};

	$run->{token}{ $request->{number} } = $request if $request && $commits;
	return unless $is_quiet;
	my %row = map { /^(.*?)\|(.*)$/ } split /\n/, value_of($server, "SELECT id, concat_ws(':', 1, (consumed_at IS NOT NULL)::integer, failures) FROM jwt_auth.one_time_tokens WHERE user_id = '$run->{user}'");
	my @got = map { my $token = $run->{token}{$_}; $token ? $row{ $token->{id} } : '0:0:0' } 1 .. @expected;

	return if "@got" eq "@expected";
	return "@got";
}

# What the mailer would send for a request, if that commits
sub message_of
{
	my ($process, $number, $answer) = @_;

	execute($server, 'DELETE FROM jwt_auth.outbox');
	my ($id, $claimed) = split /\|/, $traces->also($process, 'SELECT (SELECT id FROM jwt_auth.one_time_tokens ORDER BY id DESC LIMIT 1), jwt_outbox_claim()'), 2;
	my ($message) = @{ JSON::PP::decode_json($claimed) };

	return { number => $number, id => $id, link => $message->{token}, code => $message->{code}, flow => $answer->{flow} };
}

sub do_expire
{
	my ($number) = @_;

	execute($server, "UPDATE jwt_auth.one_time_tokens SET expires_at = clock_timestamp() WHERE id = '$run->{token}{$number}{id}'");
	return;
}
