# Each function of API tokens, clients, bans, acting as others, anonymous users and the
# check of the setup, called rightly (T32, T78, T173) in all circumstances, and in
# transactions that are rolled back, which use up nothing.
# At least 226 assertions

use strict;
use warnings;

use AccountTest;
use Circumstances;
use JSON::PP;
use JwtAuthTest;
use Test::More;

my $issuer = 'https://auth.example.org';
my $node = start_account_node(
	'circumstances',
	cluster => { allows_streaming => 1 },
	conf => [ "jwt_auth.issuer = '$issuer'", 'jwt_auth.sign_up = on', 'jwt_auth.anonymous_sign_up = on' ]);
my $standby = start_standby($node);
my ($alice, $bob) = map { quote(value_of($node, "SELECT jwt_find_user('$_')")) } qw(alice bob);

execute($node, qq{SELECT jwt_update_user($alice, claims => '{"scope":"read write"}')});
execute($node, "SELECT jwt_ban_user(jwt_create_user('carol'), '2100-01-01')");

# What the calls need
my $own = log_in($node, 'alice');
my $staff = log_in($node, 'bob');
my $acting = answer_of_call($node, $staff, "jwt_impersonate($alice, 'why')");
my $visitor = answer_of_call($node, undef, 'jwt_sign_up_anonymous()');
my $token = answer_of_call($node, $own, "jwt_create_api_token('a script', 'read', '1 day')");
my $machine = answer_of_call($node, undef, "jwt_login_api_token('$token->{token}')");
my $client = answer_of_call($node, undef, q{jwt_create_client('billing', '{"scope":"read write"}')});
my $key = value_of($node, q{SELECT jwk_generate('ES256', 'k')});
my $signer = answer_of_call($node, undef, 'jwt_create_client(' . "'signer', jsonb_build_object('jwks', jsonb_build_object('keys', jsonb_build_array(jwk_public(" . quote($key) . ')))))');
my $asked = answer_of_call($node, $visitor, "jwt_sign_up('visitor\@mail.example', " . quote($PASSWORD) . ')');
my ($sent) = @{ decode_json(value_of($node, 'SELECT jwt_outbox_claim()')) };
my $assertion = value_of($node,
	"SELECT jwt_sign_with(jsonb_build_object('iss', id, 'sub', id, 'aud', '$issuer', 'jti', 'j', 'exp', extract(epoch FROM now())::bigint + 500), " . quote($key)
	  . ") FROM (VALUES ('$signer->{client_id}')) AS c (id)");

# Requests to the token endpoint
my %by_secret = (grant_type => 'client_credentials', client_id => $client->{client_id}, client_secret => $client->{client_secret}, scope => 'read');
my %by_assertion = (
	grant_type => 'client_credentials',
	client_assertion => $assertion,
	client_assertion_type => 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
my %by_refresh = (grant_type => 'refresh_token', refresh_token => $own->{refresh_token});

# Function, whose token, arguments, what the answer has, and what it is: r reads, w writes,
# p public, o needs no identity
my @calls = (
	[ jwt_create_api_token => $own, "'another', 'read write', '1 h'", qr/"token": "jap_/, 'w' ],
	[ jwt_api_tokens => $own, '', qr/"a script"/, 'r' ],
	[ jwt_api_tokens => $machine, '', qr/"a script"/, 'r' ],
	[ jwt_revoke_api_token => $own, "'$token->{id}'", qr/^$/, 'w' ],
	[ jwt_login_api_token => undef, "'$token->{token}'", qr/"scope": "read".*"access_token"|"access_token".*"scope": "read"/, 'w' ],
	[ jwt_create_client => undef, q{'another', '{"scope":"read"}'}, qr/"client_secret": "jcs_/, 'w' ],
	[ jwt_rotate_client_secret => undef, "'$client->{client_id}'", qr/"client_secret": "jcs_/, 'w' ],
	[ jwt_delete_client => undef, "'$client->{client_id}'", qr/^$/, 'w' ],
	[ jwt_token => undef, quote(encode_json(\%by_secret)), qr/"access_token"/, 'w' ],
	[ jwt_token => undef, quote(encode_json(\%by_assertion)), qr/"access_token"/, 'w' ],
	[ jwt_token => undef, quote(encode_json(\%by_refresh)), qr/"refresh_token"/, 'w' ],
	[ jwt_discovery => undef, '', qr/"issuer": "\Q$issuer\E"/, 'rp' ],
	[ jwt_ban_user => undef, "$alice, '2100-01-01', 'spam'", qr/^$/, 'w' ],
	[ jwt_unban_user => undef, "(SELECT id FROM jwt_auth.users WHERE banned_at IS NOT NULL)", qr/^$/, 'w' ],
	[ jwt_impersonate => undef, "$alice, 'why'", qr/"access_token"/, 'w' ],
	[ jwt_impersonate => $staff, "$alice, 'why'", qr/"access_token"/, 'wo' ],
	[ jwt_start_session => undef, $alice, qr/"refresh_token"/, 'w' ],
	[ jwt_actor => $acting, '', qr/^[0-9a-f-]{36}$/, 'rp' ],
	[ jwt_claim => $machine, "'api_token'", qr/^a script$/, 'rp' ],
	[ jwt_logout => $acting, '', qr/^$/, 'wp' ],
	[ jwt_is_anonymous => $visitor, '', qr/^t$/, 'rp' ],
	[ jwt_sign_up_anonymous => undef, '', qr/"refresh_token"/, 'w' ],
	[ jwt_sign_up => $visitor, "'another\@mail.example', " . quote($PASSWORD), qr/"flow"/, 'wo' ],
	[ jwt_confirm_sign_up => undef, "'$sent->{code}', '$asked->{flow}'", qr/"refresh_token"/, 'w' ],
	[ jwt_check => undef, '', qr/no next key is published/, 'r' ]);

# Each with the rights of a role without any; where nothing may be written; on a standby; a hostile
# search_path; the settings of an odd client; for another identity within the statement
try_circumstances($node, $standby, @calls);
done_testing();
