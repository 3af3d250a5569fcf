# Accounts in databases whose encoding is not UTF8 (T45): a name and a password
# are the same wherever they were typed; what cannot be written in UTF-8 is no
# crash and no other account.
# At least 44 assertions

use strict;
use warnings;
use utf8;

use AccountTest;
use Encode qw(encode);
use JwtAuthTest;
use Test::More;

my $node = start_account_node('account_encoding');

for my $encoding (qw(LATIN1 EUC_JP SQL_ASCII))
{
	$node->safe_psql('postgres', "CREATE DATABASE $encoding ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql(lc $encoding, 'CREATE EXTENSION jwt_auth; SELECT jwt_create_key()');
}

# Text is sent as octets, whatever psql makes of the locale.
sub text_of
{
	my ($octets) = @_;

	return "convert_from('\\x" . unpack('H*', $octets) . "'::bytea, getdatabaseencoding())";
}

my %charset = (LATIN1 => 'iso-8859-1', EUC_JP => 'euc-jp', UTF8 => 'UTF-8');
my %name = (LATIN1 => 'Café Straße', EUC_JP => '日本語カ');
my %other = (LATIN1 => 'CAFÉ STRASSE', EUC_JP => ' 日本語カ　');
my %password = (LATIN1 => 'pässwörter für ßich', EUC_JP => '長いパスワードは覚えやすいものがよい');

for my $encoding (sort keys %name)
{
	my @where = (dbname => lc $encoding);
	my ($name, $other, $password) = map { text_of(encode($charset{$encoding}, $_)) } $name{$encoding}, $other{$encoding}, $password{$encoding};
	my $error = "->> 'error'";
	my $claims = "jsonb_build_object('greeting', $name)";

	is(state_of($node, "SELECT jwt_create_user($name, $password, NULL, $claims)", @where), '', "$encoding: a user with a name, password and claims of its characters is created");
	is(value_of($node, "SELECT encode(canonical, 'hex') FROM jwt_auth.identifiers", @where),
		unpack('H*', encode('UTF-8', $encoding eq 'LATIN1' ? 'café strasse' : '日本語カ')), "$encoding: the canonical form is UTF-8");
	is(value_of($node, "SELECT jwt_login($name, $password) ? 'access_token'", @where), 't', "$encoding: the user logs in");
	is(value_of($node, "SELECT jwt_login($other, $password) ? 'access_token'", @where), 't', "$encoding: the user logs in with another writing of the name");
	is(value_of($node, "SELECT jwt_login($name, $password || 'x') $error", @where), 'invalid_grant', "$encoding: another password is denied");
	is(value_of($node, "SELECT jwt_login('Cafe Strasse', $password) $error", @where), 'invalid_grant', "$encoding: another name is denied");
	is(state_of($node, "SELECT jwt_create_user($other)", @where), '23505', "$encoding: the name is taken in another writing");
	is(value_of($node, "SELECT jwt_verify(jwt_login($name, $password) ->> 'access_token') ->> 'greeting' = $name", @where),
		't', "$encoding: claims are verified as they were given");
	is(value_of($node, "SELECT jwt_refresh(jwt_login($name, $password) ->> 'refresh_token') ? 'access_token'", @where), 't', "$encoding: a refresh succeeds");

	# The hash is that of the same text in UTF-8
	my $hash = value_of($node, 'SELECT password_hash FROM jwt_auth.users', @where);
	my $id = value_of($node, "SELECT jwt_create_user('from_$encoding')");

	$node->safe_psql('postgres', "UPDATE jwt_auth.users SET password_hash = '$hash' WHERE id = '$id'");
	is(value_of($node, "SELECT jwt_login('from_$encoding', convert_from('\\x" . unpack('H*', encode('UTF-8', $password{$encoding})) . "', 'UTF8')) ? 'access_token'"),
		't', "$encoding: a hash matches in a UTF-8 database");

	# A password is set again, and judged by a hook that is told the name
	$node->safe_psql(lc $encoding, <<'SQL');
CREATE TABLE judged (username text, password text);
CREATE FUNCTION judge(username text, password text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO public.judged VALUES (username, password); RETURN NULL; END $$;
SQL
	is(state_of($node, "SET jwt_auth.password_check_function = 'public.judge'; SELECT jwt_set_password(id, $password) FROM jwt_auth.users", @where),
		'', "$encoding: a password is set with a hook");
	is(value_of($node, "SELECT username = $name AND password = $password FROM judged", @where), 't', "$encoding: the hook gets name and password as they were given");

	# What the client says of itself
	is(value_of($node, "SET request.headers = '{\"user-agent\":\"caf\\u00e9 \\u65e5\"}'; SELECT jwt_login($name, $password) ? 'access_token'", @where),
		't', "$encoding: headers with characters that it may lack do not hinder a login");
}

# SQL_ASCII knows nothing of its octets
{
	my @where = (dbname => 'sql_ascii');

	is(state_of($node, "SELECT jwt_create_user('Alice', '$PASSWORD')", @where), '', 'SQL_ASCII: a user with an ASCII name is created');
	is(value_of($node, "SELECT jwt_login('ALICE', '$PASSWORD') ? 'access_token'", @where), 't', 'SQL_ASCII: a user with an ASCII name logs in');
	for my $octets ("caf\xe9", "\xff\xfe", "\xc0\x80", "\xed\xa0\x80")
	{
		my $name = text_of($octets);

		is(state_of($node, "SELECT jwt_create_user($name)", @where), '22023', 'SQL_ASCII: a name that is no UTF-8: ' . unpack 'H*', $octets);
		is(value_of($node, "SELECT jwt_login($name, 'wrong') ->> 'error'", @where), 'invalid_grant', 'SQL_ASCII: octets that are no UTF-8 are denied as a name at login');
		is(state_of($node, "SELECT jwt_create_user('x', $name || 'long enough for one')", @where), '22023', 'SQL_ASCII: octets that are no UTF-8 are refused as a password');
		like(state_of($node, "SELECT jwt_login('Alice', $name)", @where), qr/^(22023)?$/, 'SQL_ASCII: octets that are no UTF-8 are refused or denied as a password at login');
	}
}

done_testing();
