# Authenticators among many, and at rest (T128, T133, T140): codes are those of the RFCs;
# of several confirmations at once one counts; secrets are sealed, tied to factor
# and user, and in no log, error, table or dump once they are.
# At least 38 assertions

use strict;
use warnings;

use AccountTest;
use Authenticator;
use IPC::Run qw(run);
use JSON::PP;
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64);
use Test::More;

# What computes the codes of these tests does so as the RFCs say
my $rfc_secret = '12345678901234567890';
my @hotp = qw(755224 287082 359152 969429 338314 254676 287922 162583 399871 520489);
my %totp = (59 => '94287082', 1111111109 => '07081804', 1111111111 => '14050471', 1234567890 => '89005924', 2000000000 => '69279037', 20000000000 => '65353130');

is(hotp($rfc_secret, $_, 6), $hotp[$_], "RFC 4226 appendix D: counter $_") for 0 .. $#hotp;
is(hotp($rfc_secret, int($_ / 30), 8), $totp{$_}, "RFC 6238 appendix B: time $_") for sort { $a <=> $b } keys %totp;

my $node = start_account_node('factors', conf => [
	"shared_preload_libraries = 'jwt_auth'", 'log_min_messages = debug1', "log_statement = 'none'", 'log_min_duration_statement = -1' ]);
my @connection = ('-h', $node->host, '-p', $node->port);
my $path = PostgreSQL::Test::Utils::tempdir() . '/master_key';
my %line = map { $_ => encode_base64(join('', map { chr int rand 256 } 1 .. 32), '') } qw(mk1 mk2);
my $session = JwtAuthSession->new($node);
my %id = map { $_ => scalar $session->query("SELECT jwt_find_user('$_')") } qw(alice bob);
my @secrets;

# Of the extension, too: the code of the RFC's secret now
be('alice');
{
	my $begun = enroll();

	execute($node, "UPDATE jwt_auth.factors SET secret = '$rfc_secret' WHERE id = '$begun->{factor_id}'");
	is(confirm($begun, hotp($rfc_secret, int(time / 30), 6)), 'factor_added', 'the code of the secret of the RFCs is accepted');
	execute($node, "SELECT jwt_reset_factors('$id{alice}')");
}
for my $number (1 .. 5)
{
	be('alice');
	my $begun = enroll();

	is(confirm($begun, code_of($begun->{secret})), 'factor_added', "the code of random secret $number is accepted");
	execute($node, "SELECT jwt_reset_factors('$id{alice}')");
}

# Several at once: one confirms
{
	be('alice');
	my $begun = enroll();
	my @others = map { JwtAuthSession->new($node) } 1 .. 6;
	my $token = $session->query("SELECT jwt_login('alice', '$PASSWORD') ->> 'access_token'");

	await_step(5);
	my $code = code_of($begun->{secret});
	$_->query("SET jwt_auth.token = '$token'") for @others;
	$_->begin_query("SELECT coalesce(a ->> 'status', a ->> 'error') FROM jwt_confirm_totp('$begun->{factor_id}', '$code') AS a") for @others;
	my %count;
	$count{ answer_of($_) }++ for @others;
	is($count{factor_added}, 1, 'of six confirmations at once, one adds the factor');
	is(($count{'ERROR 28J04'} // 0) + ($count{temporarily_unavailable} // 0), 5, 'of six confirmations at once, five are refused');
	$_->close for @others;
}

# A second factor that was begun before the first was confirmed needs level 2 by then
{
	execute($node, "SELECT jwt_reset_factors('$id{alice}')");
	be('alice');
	my ($first, $second) = (enroll(), enroll());
	my $other = JwtAuthSession->new($node);

	await_step(5);
	$other->query("SELECT set_config('jwt_auth.token', jwt_login('alice', '$PASSWORD') ->> 'access_token', false)");
	$session->query('BEGIN');
	is(confirm($first, code_of($first->{secret})), 'factor_added', 'a transaction confirms the first factor');
	$other->begin_query("SELECT jwt_confirm_totp('$second->{factor_id}', '" . code_of($second->{secret}) . "')");
	wait_for($node, q{SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ '^SELECT jwt_confirm_totp'}, '1');
	$session->query('COMMIT');
	is(answer_of($other), 'ERROR 28J04', 'a concurrent first factor waits and is then refused');
	$other->close;
	execute($node, "SELECT jwt_reset_factors('$id{alice}')");
}

# Sealed, tied to factor and user, and sealed anew
write_lines('mk1');
execute($node, "ALTER DATABASE postgres SET jwt_auth.master_key_file = '$path'");
reconnect();
my %factor;
for my $name (qw(alice bob))
{
	be($name);
	$factor{$name} = enroll();
	is(confirm($factor{$name}, code_of($factor{$name}{secret})), 'factor_added', "$name: a sealed factor is confirmed");
}
is($session->query('SELECT string_agg(DISTINCT sealed_by, chr(44)) FROM jwt_auth.factors'), 'mk1', 'secrets are sealed by the first master key');
is($session->query("SELECT count(*) FROM jwt_auth.factors WHERE position('\\x" . unpack('H*', secret_bytes($factor{bob}{secret})) . "'::bytea IN secret) > 0"), '0', 'no row holds a secret in the clear');
execute($node, "DELETE FROM jwt_auth.factors WHERE id = '$factor{bob}{factor_id}'");
be('bob');
my $pending = enroll();
my $moved = "UPDATE jwt_auth.factors SET confirmed_at = NULL, last_step = 0, secret = (SELECT secret FROM jwt_auth.factors WHERE id = '$factor{alice}{factor_id}') WHERE id = '$pending->{factor_id}'";
is($session->query('BEGIN') . $session->query($moved), '', 'a sealed secret is copied to the row of another user');
is($session->state_of("SELECT jwt_confirm_totp('$pending->{factor_id}', '" . code_of($factor{alice}{secret}, 1) . "')"), '55000', 'a sealed secret in the row of another user is not opened');
$session->query('ROLLBACK');

write_lines('mk2', 'mk1');
reconnect();
like($session->query('SELECT jwt_seal_keys()'), qr/^\d+$/, 'jwt_seal_keys reseals everything');
is($session->query('SELECT string_agg(DISTINCT sealed_by, chr(44)) FROM jwt_auth.factors'), 'mk2', 'secrets of factors are resealed by the new master key');
write_lines('mk2');
reconnect();
be('bob');
is(confirm($pending, code_of($pending->{secret}, 1)), 'factor_added', 'a resealed secret is opened without the old master key');

# Nowhere else
my $dump = '';
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
my @texts = map { ($_, unpack('H*', secret_bytes($_))) } map { $_->{secret} } $factor{alice}, $factor{bob}, $pending;
run([ 'pg_dump', @connection, 'postgres' ], '>', \$dump);
like($dump, qr/COPY jwt_auth.factors/, 'a dump has the factors');
is(scalar(grep { index($dump, $_) >= 0 } @texts), 0, 'a dump holds no sealed secret in the clear');
is(scalar(grep { index($log, $_) >= 0 } @secrets), 0, 'the server log holds no secret');
$session->close;
done_testing();

# Becomes a user who has just logged in
sub be
{
	my ($name) = @_;

	$session->query("SELECT set_config('jwt_auth.token', jwt_login('$name', '$PASSWORD') ->> 'access_token', false)");
	return;
}

sub enroll
{
	my $begun = decode_json($session->query('SELECT jwt_enroll_totp()'));

	push @secrets, $begun->{secret};
	return $begun;
}

sub confirm
{
	my ($begun, $code) = @_;

	return scalar $session->query("SELECT coalesce(a ->> 'status', a ->> 'error') FROM jwt_confirm_totp('$begun->{factor_id}', '$code') AS a");
}

sub write_lines
{
	my (@names) = @_;

	open my $file, '>', $path or die "could not write the master key: $!\n";
	print $file "$_ $line{$_}\n" for @names;
	close $file or die "could not write the master key: $!\n";
	chmod 0600, $path or die "could not protect the master key: $!\n";
	return;
}

sub reconnect
{
	$session->close;
	$session = JwtAuthSession->new($node);
	return;
}
