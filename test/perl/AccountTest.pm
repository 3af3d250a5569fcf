# What the TAP tests of accounts share: a server with cheap hashes, users and
# their answers.

package AccountTest;

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw($PASSWORD start_account_node add_provider log_in refresh_with replay_with error_of
  ask answer_of wait_for kill_server);

our $PASSWORD = 'correct horse battery staple';

my $SECONDS_TO_WAIT = 60;

# A started server with a signing key and the users alice and bob.  Options:
# those of JwtAuthTest::start_node.
sub start_account_node
{
	my ($name, %options) = @_;
	my $node = start_node(
		$name,
		%options,
		conf => [
			"session_preload_libraries = 'jwt_auth'", 'jwt_auth.argon2_memory = 8',
			'jwt_auth.argon2_iterations = 1', @{ $options{conf} // [] }
		]);

	$node->safe_psql('postgres', 'SELECT jwt_create_key()');
	$node->safe_psql('postgres', "SELECT jwt_create_user('$_', '$PASSWORD')") for qw(alice bob);
	return $node;
}

# An identity provider "idp", and public.id_token(), which makes its ID tokens.
sub add_provider
{
	my ($node) = @_;

	execute($node, <<'END');
CREATE TABLE public.idp AS SELECT jwk_generate('ES256', 'e1') AS key;
SELECT jwt_add_provider('idp', 'https://idp.example', '{app}', jwk_public(key), '{"sign_up":true}') FROM public.idp;
CREATE FUNCTION public.id_token(sub text, nonce text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT jwt_sign_with(jsonb_build_object('iss', 'https://idp.example', 'aud', 'app', 'sub', sub, 'nonce', nonce, 'iat', floor(extract(epoch FROM clock_timestamp()))::bigint,
	   'exp', floor(extract(epoch FROM clock_timestamp()))::bigint + 300), key) FROM public.idp $$;
END
	return;
}

# Answers, as hashes.
sub log_in
{
	my ($node, $name, $password, %options) = @_;

	return JSON::PP::decode_json(
		value_of($node, 'SELECT jwt_login(' . quote($name) . ', ' . quote($password // $PASSWORD) . ')', %options));
}

sub refresh_with
{
	my ($node, $token, %options) = @_;

	return JSON::PP::decode_json(value_of($node, 'SELECT jwt_refresh(' . quote($token) . ')', %options));
}

# Presents a token when the grace of all that were rotated is over.
sub replay_with
{
	my ($node, $token, %options) = @_;

	return JSON::PP::decode_json(
		value_of($node, 'SELECT jwt_refresh(' . quote($token) . ") FROM set_config('jwt_auth.refresh_grace', '0', true)", %options));
}

sub error_of { return $_[0]{error} // 'ok'; }

# What the statements that a JwtAuthSession runs printed, or "ERROR" and the
# SQLSTATE.
sub answer_of
{
	my ($session) = @_;
	my ($output, $messages) = $session->answer;

	return $messages =~ /(?:ERROR|FATAL):\s+(\w{5})\b/ ? "ERROR $1" : $output;
}

sub ask
{
	my ($session, $statements) = @_;

	$session->begin_query($statements);
	return answer_of($session);
}

# Waits until a query gives this result.
sub wait_for
{
	my ($node, $query, $result) = @_;
	my $end = time + $SECONDS_TO_WAIT;

	until ((value_of($node, $query)) eq $result)
	{
		die "waited in vain for: $query\n" if time > $end;
		sleep 0.02;
	}
	return;
}

# As if the machine had lost the processes: none can write any more.
sub kill_server
{
	my ($node) = @_;
	my ($postmaster) = split /\n/, PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid');
	my @children = split ' ', `ps -o pid= --ppid $postmaster`;

	kill 'STOP', $postmaster;
	kill 'KILL', @children;
	$node->kill9;
	sleep 0.02 while kill(0, $postmaster) || grep { is_running($_) } @children;
	return;
}

# Nobody may have waited for a process that has ended.
sub is_running
{
	my ($pid) = @_;

	return `ps -o stat= -p $pid` =~ /^[^Z]/;
}

1;
