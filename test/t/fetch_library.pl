# The library that is linked with libcurl: no session loads it by what it does with
# the extension, nobody but superusers can load it, and no SQL function can be made
# of what it has (T189).
# At least 8 assertions

use strict;
use warnings;

use JwtAuthTest;
use Test::More;

my $HAS_LIBCURL = q{SELECT pg_read_file('/proc/self/maps') ~ 'libcurl'};

my $node = start_node('fetch');
my $session = connect_to($node);

value_of($session, 'SELECT jwt_create_key()');
value_of($session, 'SELECT count(jwt_authenticate(jwt_sign(\'{"sub":"alice"}\')))');
is(value_of($session, $HAS_LIBCURL), 'f', 'a session that signs and verifies has not loaded libcurl');

my $directory = $node->config_data('--pkglibdir');
my ($linked, $errors) = map { scalar `ldd '$directory/$_.so' 2>&1` } qw(jwt_auth jwt_auth_fetch);
like($linked, qr/libcrypto/, 'ldd tells what the library is linked with');
unlike($linked, qr/libcurl/, 'which is not libcurl, also not through another library');
like($errors, qr/libcurl/, 'the other library is');

value_of($node, 'CREATE ROLE regress_fetch_user NOLOGIN');
value_of($node, 'GRANT CREATE ON SCHEMA public TO regress_fetch_user');
value_of($session, 'SET ROLE regress_fetch_user');
is(state_of($session, q{LOAD 'jwt_auth_fetch'}), '42501', 'an ordinary role cannot load it');
is(state_of($session, q{CREATE FUNCTION fetch_document() RETURNS text LANGUAGE c AS 'jwt_auth_fetch', 'ja_fetch'}),
	'42501', 'nor make a function of it');
value_of($session, 'RESET ROLE');
is(value_of($session, $HAS_LIBCURL), 'f', 'and has not loaded it by trying');
is(state_of($session, q{CREATE FUNCTION fetch_document() RETURNS text LANGUAGE c AS 'jwt_auth_fetch', 'ja_fetch'}),
	'42883', 'nor can a superuser');
is(state_of($session, q{LOAD 'jwt_auth_fetch'}), '', 'a superuser can load it');
is(value_of($session, $HAS_LIBCURL), 't', 'which loads libcurl');
done_testing();
