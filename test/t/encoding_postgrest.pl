# Requests behind PostgREST in databases whose encoding is not UTF-8 (F28): its
# settings are text of that encoding, and characters in a header or a claim
# hinder nobody.
# At least 44 assertions

use strict;
use warnings;
use utf8;

use Encode qw(encode);
use JSON::PP ();
use JwtAuthTest;
use MIME::Base64 qw(decode_base64url);
use Test::More;

my $node = start_node('encoding_postgrest');
my $AGENT = 'Jürgens Café';
my %charset = (LATIN1 => 'iso-8859-1', WIN1252 => 'cp1252', SQL_ASCII => 'UTF-8', UTF8 => 'UTF-8');

for my $encoding (sort keys %charset)
{
	my $database = lc "db_$encoding";

	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($database, q{
		CREATE EXTENSION jwt_auth;
		SELECT jwt_create_key();
		SELECT jwt_create_user('alice', 'correct horse of alice')});
	check_database($encoding, $database, $charset{$encoding});
}
done_testing();

sub check_database
{
	my ($encoding, $database, $charset) = @_;
	my $session = connect_to($node, dbname => $database);
	my $text = sub { "convert_from('\\x" . unpack('H*', encode($charset, $_[0])) . "'::bytea, getdatabaseencoding())" };
	my $non_ascii = $encoding eq 'SQL_ASCII' ? 'plain' : $AGENT;
	my $id = value_of($session, 'SELECT id FROM jwt_auth.users');

	execute($session, "SELECT jwt_update_user('$id', claims => jsonb_build_object('name', " . $text->($non_ascii) . '))');
	my $login = "SELECT jwt_login('alice', 'correct horse of alice') ->> 'access_token'";

	# A request with these headers; claims as the server shows them
	my $request = sub {
		my ($headers, $token, $statement) = @_;

		execute($session, 'BEGIN');
		execute($session, "SELECT set_config('request.headers', " . $text->($headers) . ", true),"
			  . " set_config('request.method', 'POST', true), set_config('request.jwt.claims', "
			  . (defined $token ? "(jwt_decode('$token')).claims::text" : q{'{"role":"anon"}'}) . ', true)');
		my $state = state_of($session, 'SELECT jwt_pre_request()');
		my $value = $state ne '' ? $state : value_of($session, $statement);

		execute($session, $state ne '' ? 'ROLLBACK' : 'COMMIT');
		return $value;
	};
	my $who = 'SELECT jwt_user_id()';

	is($request->(qq({"user-agent":"$AGENT"}), undef, $who), '', "$encoding: an anonymous request with a non-ASCII header is accepted");
	my $token = $request->(qq({"user-agent":"$AGENT"}), undef, $login);
	isnt($token, '', "$encoding: a login with a non-ASCII header succeeds");
	is(value_of($session, 'SELECT user_agent = ' . $text->($AGENT) . ' FROM jwt_auth.sessions'), 't', "$encoding: the session records the user agent");
	is($request->(qq({"user-agent":"$AGENT","authorization":"Bearer $token"}), $token, $who), $id, "$encoding: a request with a token and a non-ASCII header is accepted");
	is($request->(qq({"$AGENT":"x","authorization":"Bearer $token"}), $token, $who), $id, "$encoding: a non-ASCII name of a header is accepted");
	is($request->(qq({"authorization":"Bearer $token"}), $token, $who), $id, "$encoding: a non-ASCII claim is accepted");
	is($request->(qq({"user-agent":"$AGENT","authorization":"Basic x"}), undef, $who), '', "$encoding: a header of another scheme is ignored");
	is($request->(qq({"user-agent":"$AGENT","authorization":"Bearer $token$AGENT"}), $token, $who), 'PGRST', "$encoding: a token with non-ASCII letters is denied");
	is($request->(qq({"user-agent":"$AGENT","authorization":"Bearer $token"}), undef, $who), 'PGRST', "$encoding: a token that does not match the claims is denied");
	is($request->(qq({"user-agent":"$AGENT"), undef, $who), 'PGRST', "$encoding: headers that are not JSON are refused");

	# Controls are replaced in what is kept
	$request->(qq({"user-agent":"a\x{9b}31mb\\u001bc"}), undef, $login) if $encoding ne 'WIN1252';
	is(value_of($session, q{SELECT count(*) FROM jwt_auth.sessions WHERE user_agent = 'a?31mb?c'}), $encoding eq 'WIN1252' ? 0 : 1,
		"$encoding: control characters in a user agent are replaced");
	return;
}
