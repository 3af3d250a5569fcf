# Dump and restore (T54, T55, T72): a superuser's dump comes back working, sealed
# or not; nobody else's holds a key; and after jwt_reset_after_restore() a
# clone neither takes the original's tokens nor signs what the original takes.
# At least 116 assertions

use strict;
use warnings;

use IPC::Run qw(run);
use JSON::PP qw(decode_json);
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

my $PASSWORD = 'correct horse battery staple';

my $node = start_node('dump');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $file = "$dir/master_key";

open my $handle, '>', $file or die;
chmod 0600, $file or die;
print $handle 'mk1 ' . encode_base64(join('', map { chr int rand 256 } 1 .. 32), '') . "\n";
close $handle or die;
$node->safe_psql('postgres', 'CREATE ROLE regress_dumper LOGIN; GRANT pg_read_all_data TO regress_dumper');

my %session;
try_copy(0, 'plain');
try_copy(1, 'custom');
done_testing();

# The session of a database
sub session
{
	my ($database) = @_;

	return $session{$database} //= JwtAuthSession->new($node, dbname => $database);
}

sub leave
{
	$_->close for values %session;
	%session = ();
	return;
}

sub try_copy
{
	my ($sealed, $format) = @_;
	my $name = ($sealed ? 'sealed' : 'clear') . "_$format";
	my ($original, $copy) = ("original_$name", "copy_$name");

	$node->safe_psql('postgres', "CREATE DATABASE $_") for $original, $copy;
	$node->safe_psql('postgres', "ALTER DATABASE $_ SET jwt_auth.master_key_file = '$file'") for $sealed ? ($original, $copy) : ();
	my $token = fill($original);
	my $dump = dump_of($original, $format);

	ok(!!$sealed == !grep({ $dump =~ /$_/ } private_members($original)), "$name: a dump holds private keys only if they are not sealed")
	  if $format eq 'plain';
	restore($copy, $format);
	is(contents_of($copy), contents_of($original), "$name: all rows are restored");
	is(verdict($copy, $token->{$_}), verdict($original, $token->{$_}), "$name: the copy judges a token as the original does: $_")
	  for sort keys %$token;
	is(verdict($copy, $token->{$_}), '', "$name: the copy accepts a token: $_") for qw(active next secret former issuer issuer_secret login);
	is(verdict($copy, $token->{$_}), '28J00', "$name: the copy denies a token: $_") for qw(revoked retired);
	is(verdict($original, sign($copy, $_)), '', "$name: the original accepts what the copy signs: " . ($_ // 'active')) for undef, 'n1', 'h1';
	is(scalar session($copy)->query('SELECT jwt_jwks()'), scalar session($original)->query('SELECT jwt_jwks()'),
		"$name: the copy publishes the same keys");
	is(session($copy)->state_of(q{SELECT jwt_create_key('ES256', 'e0')}), '22023', "$name: a used kid is refused in the copy");
	is(session($copy)->state_of('SELECT jwt_rotate_key()'), '', "$name: keys rotate in the copy");
	is(verdict($copy, $token->{active}), '', "$name: the previous key verifies in the copy");
	ok(logs_in($copy), "$name: users log in to the copy");
	if ($sealed)
	{
		leave();
		$node->safe_psql('postgres', "ALTER DATABASE $copy RESET jwt_auth.master_key_file");
		is(verdict($copy, $token->{active}), '', "$name: without the master key file, public keys verify");
		is(verdict($copy, $token->{secret}), '55000', "$name: without the master key file, secrets do not verify");
		is(session($copy)->state_of(q{SELECT jwt_sign('{}')}), '55000', "$name: without the master key file, nothing is signed");
		leave();
		$node->safe_psql('postgres', "ALTER DATABASE $copy SET jwt_auth.master_key_file = '$file'");
	}
	dumps_of_others($original, $name) if $format eq 'plain';
	reset_copy($original, $copy, $token, $name);
	leave();
	$node->safe_psql('postgres', "DROP DATABASE $_") for $original, $copy;
	return;
}

# Keys in every state, issuers, a user who is logged in; and tokens of all.
sub fill
{
	my ($database) = @_;
	my %token;

	session($database)->query(q{CREATE EXTENSION jwt_auth; SET client_min_messages = error;
		SELECT jwt_create_key('ES256', 'e0'), jwt_create_key('ES256', 'e1'), jwt_create_key('EdDSA', 'n1'),
			jwt_create_key('HS256', 'h1'), jwt_create_key('RS256', 'r1'), jwt_create_key('ES384', 'r2');
		SELECT jwt_rotate_refresh_key();
		CREATE TABLE public.own (id integer); INSERT INTO public.own VALUES (7)});
	$token{former} = sign($database, 'e0');
	$token{revoked} = sign($database, 'r1');
	$token{retired} = sign($database, 'r2');
	session($database)->query(q{SELECT jwt_rotate_key(), jwt_revoke_key('r1'), jwt_retire_key('r2')});
	$token{active} = sign($database);
	$token{next} = sign($database, 'n1');
	$token{secret} = sign($database, 'h1');
	for my $issuer ([ 'issuer', 'ES256' ], [ 'issuer_secret', 'HS256' ])
	{
		my ($name, $alg) = @$issuer;
		my $key = quote(value_of($node, "SELECT jwk_generate('$alg', 'k')"));
		my $public = $alg eq 'HS256' ? $key : "jwk_public($key)";

		session($database)->query("SELECT jwt_trust_issuer('https://$name.example', $public, 'api', '{pg_monitor}')");
		$token{$name} = value_of($node, "SELECT jwt_sign_with(jsonb_build_object('iss', 'https://$name.example', 'aud', 'api',
			'exp', extract(epoch FROM now())::bigint + 3600), $key)");
	}
	session($database)->query("SELECT jwt_create_user('alice', '$PASSWORD')");
	my $answer = decode_json(scalar session($database)->query("SELECT jwt_login('alice', '$PASSWORD')"));
	$token{login} = $answer->{access_token};
	return \%token;
}

sub sign
{
	my ($database, $kid) = @_;

	return scalar session($database)->query(q{SELECT jwt_sign('{}', '1 h', } . quote($kid) . ')');
}

sub verdict
{
	my ($database, $token) = @_;

	return session($database)->state_of('SELECT jwt_verify(' . quote($token) . ')');
}

sub logs_in
{
	my ($database) = @_;
	my $answer = decode_json(scalar session($database)->query("SELECT jwt_login('alice', '$PASSWORD')"));
	my $refreshed = decode_json(scalar session($database)->query('SELECT jwt_refresh(' . quote($answer->{refresh_token}) . ')'));

	return verdict($database, $answer->{access_token}) eq '' && verdict($database, $refreshed->{access_token}) eq '';
}

# A digest of each table of the extension
sub contents_of
{
	my ($database) = @_;

	return join "\n", map {
		scalar session($database)->query("SELECT '$_', count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM jwt_auth.$_ AS t")
	} split /\n/, scalar session($database)->query(q{SELECT relname FROM pg_class WHERE relnamespace = 'jwt_auth'::regnamespace
		AND relkind = 'r' ORDER BY relname});
}

# Patterns of what a private half in the clear looks like in a dump
sub private_members
{
	my ($database) = @_;

	return split /\n/, scalar session($database)->query(q{SELECT encode(convert_to(value, 'UTF8'), 'hex') FROM jwt_auth.keys,
		jsonb_each_text(convert_from(private_jwk, 'UTF8')::jsonb) WHERE sealed_by IS NULL AND key IN ('d', 'k')});
}

sub dump_of
{
	my ($database, $format, @options) = @_;
	my ($output, $errors) = ('', '');

	run([ 'pg_dump', "--format=$format", '--no-sync', "--file=$dir/dump", @options, '-d', $node->connstr($database) ],
		'>', \$output, '2>', \$errors) or die "pg_dump failed: $errors\n";
	return slurp_file("$dir/dump");
}

sub restore
{
	my ($database, $format) = @_;
	my @command = $format eq 'plain' ? ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/dump")
	  : ('pg_restore', '--exit-on-error', "$dir/dump");
	my ($output, $errors) = ('', '');

	ok(run([ @command, '-d', $node->connstr($database) ], '>', \$output, '2>', \$errors), "$database: the dump is restored") or diag $errors;
	return;
}

# What others than a superuser get
sub dumps_of_others
{
	my ($database, $name) = @_;
	my @pg_dump = ('pg_dump', '--no-sync', '-U', 'regress_dumper', '-d', $node->connstr($database));

	session($database)->query('GRANT SELECT ON public.own TO regress_dumper');
	for my $case (
		[ 'an ordinary dump', 0 ],
		[ 'only data', 0, '--data-only' ],
		[ 'only the table of keys', 0, '--table=jwt_auth.keys' ],
		[ 'without our schema', 1, '--exclude-table=jwt_auth.*' ],
		[ 'with row-level security', 1, '--enable-row-security' ])
	{
		my ($what, $works, @options) = @$case;
		my ($output, $errors) = ('', '');
		my $worked = run([ @pg_dump, @options ], '>', \$output, '2>', \$errors);

		is(!!$worked, !!$works, "$name: another role's dump succeeds only without the extension's tables: $what") or diag $errors;
		unlike($output, qr/^(?:e0|e1|n1|h1)\t/m, "$name: another role's dump holds no key: $what");
		like($output, qr/^7$/m, "$name: another role's dump holds other tables: $what") if $works;
	}
	return;
}

sub reset_copy
{
	my ($original, $copy, $token, $name) = @_;
	my $login = decode_json(scalar session($original)->query("SELECT jwt_login('alice', '$PASSWORD')"));
	my $users = scalar session($copy)->query('SELECT string_agg(u::text, E\'\n\') FROM jwt_auth.users AS u');
	my $issuers = scalar session($copy)->query('SELECT string_agg(i::text, E\'\n\' ORDER BY issuer) FROM jwt_auth.issuers AS i');
	my $last = scalar session($copy)->query('SELECT max(number) FROM jwt_auth.keys');
	my @before = (sign($copy), sign($copy, 'h1'));

	session($copy)->query('SELECT jwt_reset_after_restore()');
	is(verdict($copy, $token->{$_}), '28J00', "$name, reset: the copy denies a token: $_") for qw(active next secret former login);
	is(verdict($copy, $_), '28J00', "$name, reset: the copy denies what it signed before") for @before;
	is(verdict($copy, $token->{$_}), '', "$name, reset: the copy still trusts: $_") for qw(issuer issuer_secret);
	is(verdict($copy, sign($copy)), '', "$name, reset: the copy accepts what it signs");
	is(verdict($original, sign($copy)), '28J00', "$name, reset: the original denies what the copy signs");
	is(verdict($original, $token->{$_}), '', "$name, reset: the original accepts its own token: $_") for qw(active secret login);
	is(scalar session($copy)->query(q{SELECT count(*) FILTER (WHERE revoked_at IS NULL AND activated_at IS NOT NULL AND verify_until IS NULL),
		count(*) FILTER (WHERE revoked_at IS NULL AND activated_at IS NULL), count(*) FILTER (WHERE revoked_at IS NOT NULL AND private_jwk IS NOT NULL)
		FROM jwt_auth.keys WHERE use = 'sig'}) =~ /^1\|\d+\|0$/ ? 1 : 0, 1,
		"$name, reset: there is one active key, and no private half of earlier ones");
	is(scalar session($copy)->query(q{SELECT min(number) FROM jwt_auth.keys WHERE use = 'refresh' AND revoked_at IS NULL}), $last + 1,
		"$name, reset: only a new refresh key is valid");
	is(scalar session($copy)->query(q{SELECT count(*) FROM jwt_auth.sessions WHERE revoked_at IS NULL}), 0,
		"$name, reset: no session is live");
	is(decode_json(scalar session($copy)->query('SELECT jwt_refresh(' . quote($login->{refresh_token}) . ')'))->{error}, 'invalid_grant',
		"$name, reset: the copy denies a refresh token of the original");
	is(decode_json(scalar session($original)->query('SELECT jwt_refresh(' . quote($login->{refresh_token}) . ')'))->{token_type}, 'Bearer',
		"$name, reset: the original accepts its refresh token");
	is(scalar session($copy)->query('SELECT string_agg(u::text, E\'\n\') FROM jwt_auth.users AS u'), $users, "$name, reset: the copy keeps its users");
	is(scalar session($copy)->query('SELECT string_agg(i::text, E\'\n\' ORDER BY issuer) FROM jwt_auth.issuers AS i'), $issuers,
		"$name, reset: the copy keeps its issuers");
	ok(logs_in($copy), "$name, reset: users log in to the copy");
	return;
}
