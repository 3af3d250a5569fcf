# Arguments for the fuzzing of SQL functions, by kind: good values, which the
# caller has from the server, values known to be nasty, and changes of both.
# The name of an argument says which kinds fit it; its type is enough where the
# name is not known here.

package FuzzValues;

use strict;
use warnings;

use Exporter qw(import);
use FuzzMutation qw(one_of mutate_text mutate_json mutate_token);

our @EXPORT_OK = qw(values_of good_kind_of kinds_of);

# How the values of a kind are changed, where it is not as text.
my %mutation = (
	(map { $_ => \&mutate_json } qw(private public jwks claims header request_headers document options response credential expected token_request)),
	(map { $_ => \&mutate_token } qw(token access refresh sealed id_token api_token)));

# Changed values of each kind, in a round.
my $CHANGES = 20;

my %kinds_of_argument = (
	token => [qw(token access refresh sealed)],
	refresh_token => [qw(refresh)],
	keys => [qw(private public jwks)],
	key => [qw(private public)],
	jwk => [qw(private public)],
	jwks => [qw(jwks public)],
	claims => [qw(claims)],
	header => [qw(header)],
	secret => [qw(bytes secret)],
	payload => [qw(bytes document)],
	signables => [qw(sealed)],
	algorithm => [qw(algorithm)],
	data => [qw(bytes sealed base64 user_claims)],
	inp => [qw(number)],
	pem => [qw(pem)],
	alg => [qw(alg)],
	kid => [qw(kid)],
	audience => [qw(audience)],
	issuer => [qw(issuer)],
	username => [qw(username)],
	password => [qw(password)],
	old_password => [qw(password)],
	new_password => [qw(password)],
	password_hash => [qw(hash costly_hash)],
	role => [qw(role)],
	roles => [qw(roles)],
	scope => [qw(scope)],
	name => [qw(claim_name label)],
	user_id => [qw(user)],
	session_id => [qw(session)],
	id => [qw(session)],
	amr => [qw(methods)],
	words => [qw(methods)],
	level => [qw(level)],
	max_rows => [qw(count)],
	max_messages => [qw(count)],
	(map { $_ => [qw(duration)] } qw(expires_in session_ttl lease retry_in max_age)),
	identifier => [qw(address username)],
	email => [qw(new_email)],
	phone => [qw(new_phone)],
	purpose => [qw(purpose)],
	flow => [qw(flow null)],
	message_id => [qw(message)],
	error => [qw(label)],
	invitation_id => [qw(invitation)],
	mfa_enrollment => [qw(enrollment null)],
	max_sessions => [qw(count null)],
	mfa_token => [qw(null link)],
	method => [qw(method)],
	response => [qw(response)],
	factor_id => [qw(factor)],
	code => [qw(code)],
	credential => [qw(credential)],
	public_key => [qw(null public)],
	expected => [qw(expected)],
	client_ids => [qw(client_ids)],
	client_id => [qw(client)],
	request => [qw(token_request)],
	options => [qw(options)],
	provider => [qw(provider)],
	subject => [qw(label)],
	reason => [qw(label)],
	until => [qw(end null)],
	id_token => [qw(id_token)],
	nonce => [qw(flow null)],
	access_token => [qw(access null)],
	link_token => [qw(link null)]);

# Where a function takes less under that name, or more than the name says.
my %kinds_of_call = (
	'jwk_from_pem.alg' => [qw(alg_of_curve)],
	'jwk_from_pem.pem' => [qw(pem_of_curve)],
	'jwk_from_secret.alg' => [qw(alg_of_secret)],
	'jwk_from_secret.secret' => [qw(long_secret)],
	'jwk_generate.alg' => [qw(good_alg)],
	'jwk_public.jwk' => [qw(public)],
	'jwk_to_pem.jwk' => [qw(public)],
	'jws_sign.header' => [qw(good_header)],
	'jws_sign.key' => [qw(private)],
	'jws_sign.payload' => [qw(long_secret)],
	'jws_verify.keys' => [qw(their_keys)],
	'jws_verify.token' => [qw(their_token)],
	'jwt_accept_invitation.token' => [qw(link)],
	'jwt_add_provider.issuer' => [qw(their_issuer)],
	'jwt_add_provider.name' => [qw(provider)],
	'jwt_authenticate.token' => [qw(strong)],
	'jwt_change_password.new_password' => [qw(new_password)],
	'jwt_confirm_identifier.token' => [qw(link code)],
	'jwt_confirm_sign_up.token' => [qw(link code)],
	'jwt_consume.audience' => [qw(null)],
	'jwt_consume.token' => [qw(own_token)],
	'jwt_create_api_token.name' => [qw(label)],
	'jwt_create_api_token.scope' => [qw(own_scope)],
	'jwt_create_client.options' => [qw(empty_object)],
	'jwt_create_key.alg' => [qw(good_alg)],
	'jwt_create_key.kid' => [qw(new_kid)],
	'jwt_create_user.claims' => [qw(user_claims)],
	'jwt_create_user.password' => [qw(new_password)],
	'jwt_create_user.user_id' => [qw(new_user null)],
	'jwt_create_user.username' => [qw(new_username)],
	'jwt_decode.token' => [qw(access)],
	'jwt_distrust_issuer.issuer' => [qw(trusted_issuer)],
	'jwt_import_key.key' => [qw(new_private)],
	'jwt_import_user.claims' => [qw(user_claims)],
	'jwt_import_user.password_hash' => [qw(hash)],
	'jwt_import_user.user_id' => [qw(new_user null)],
	'jwt_import_user.username' => [qw(new_username)],
	'jwt_invite.claims' => [qw(user_claims)],
	'jwt_invite.identifier' => [qw(new_email new_phone)],
	'jwt_login_api_token.token' => [qw(api_token)],
	'jwt_login_code.token' => [qw(link code)],
	'jwt_login_api_token.token' => [qw(api_token)],
	'jwt_logout.scope' => [qw(sessions)],
	'jwt_mfa_options.mfa_token' => [qw(link)],
	'jwt_mfa_verify.mfa_token' => [qw(link)],
	'jwt_recover.new_password' => [qw(new_password)],
	'jwt_recover.token' => [qw(link code)],
	'jwt_remove_provider.name' => [qw(provider)],
	'jwt_require_scope.scope' => [qw(own_scope)],
	'jwt_retire_key.kid' => [qw(next_kid)],
	'jwt_revoke.token' => [qw(access refresh)],
	'jwt_revoke_key.kid' => [qw(stored_kid)],
	'jwt_rotate_key.alg' => [qw(good_alg)],
	'jwt_set_password.password' => [qw(new_password)],
	'jwt_sign.claims' => [qw(user_claims)],
	'jwt_sign.kid' => [qw(stored_kid)],
	'jwt_sign_up.data' => [qw(user_claims)],
	'jwt_sign_up.identifier' => [qw(new_email new_phone address)],
	'jwt_sign_up.password' => [qw(new_password)],
	'jwt_sign_up_anonymous.data' => [qw(user_claims)],
	'jwt_sign_with.key' => [qw(private)],
	'jwt_trust_issuer.options' => [qw(empty_object)],
	'jwt_undo_change.token' => [qw(link)],
	'jwt_update_provider_keys.name' => [qw(provider)],
	'jwt_update_user.claims' => [qw(user_claims)],
	'jwt_update_user.username' => [qw(new_username)],
	'jwt_verify.audience' => [qw(null)],
	'jwt_verify.issuer' => [qw(null)],
	'jwt_verify.token' => [qw(strong)],
	'jwt_verify_with.audience' => [qw(their_audience)],
	'jwt_verify_with.issuer' => [qw(their_issuer null)],
	'jwt_verify_with.keys' => [qw(their_keys)],
	'jwt_verify_with.token' => [qw(their_token)],
	'jwt_webauthn_verify_with.public_key' => [qw(null)],
	'sign.payload' => [qw(empty_document)],
	'url_decode.data' => [qw(good_base64)],
	'verify.algorithm' => [qw(alg_of_secret)],
	'verify.token' => [qw(good_sealed)]);

# The same hash in forms that can be imported.
my @HASHES = (
	'$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
	'$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY',
	'$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS',
	'$2y$04$LEyoodznKFKae5RjGObu3eNuK6kOs7KaneF60zHoPGAv56V/d2l/K',
	'$5$rounds=1000$ab$WIHhaeTjsBQWjRQoS4mWY/uhco9e2JbHjN8tWjgKmWB',
	'$6$rounds=1000$mgif/kKCxSzW1bu/$z0BxBg0dVoCxDtfGKBK5uTuTbhLo1UfmN/XzZWBKheLadt2Dv2gj5J1cJlIOZovJN2D78yR42ScwwnIEYVXBO1',
	'pbkdf2_sha256$1000$zVxMcWIQN4Cl4tjwWjZVmZ$JKYXjuPb7EyX0Bs3K6qEZy/SlzCFYT9bcfVk26jJbd4=');

# RSA and HMAC keys take long to make or to store, so that they are rare.
my %fixed = (
	alg => [ ('ES256') x 8, ('EdDSA') x 6, qw(HS256 HS512 ES384 ES512 ES256K Ed25519 Ed448 RS256 PS256 ML-DSA-44 none hs256) ],
	audience => [ 'api', 'other' ],
	header => [ '{}', '{"typ":"x","kid":"k","cty":"text/plain"}', '{"b64":true}' ],
	bytes => [ '\x', '\x00', '\x' . '5f' x 32, '\x' . '78' x 64, '\x' . 'ff' x 20_000 ],
	hash => \@HASHES,
	costly_hash => ['$argon2id$v=19$m=4194304,t=1000000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'],
	good_alg => [qw(ES256 EdDSA)],
	alg_of_curve => ['ES256'],
	alg_of_secret => ['HS256'],
	long_secret => [ '\x' . '5f' x 32, '\x' . '78' x 64 ],
	good_header => [ '{}', '{"typ":"x"}' ],
	good_base64 => ['YWJj'],
	empty_document => ['{}'],
	empty_object => ['{}'],
	label => [ 'x', 'a name', 'fuzzcanary' ],
	user_claims => [ '{}', '{"tenant":"fuzzcanary"}' ],
	own_scope => [ 'read', 'write' ],
	sessions => [ 'local', 'others', 'global' ],
	new_kid => [ map { "new$_" } 1 .. 5 ],
	new_user => [ map { "00000000-0000-4000-8000-00000000000$_" } 1 .. 5 ],
	new_username => [ map { "dave$_" } 1 .. 5 ],
	new_password => ['a new fuzzcanary password'],
	new_email => [ map { "dave$_\@mail.example" } 1 .. 5 ],
	new_phone => [ map { "+4917012345$_" } 60 .. 64 ],
	trusted_issuer => ['https://other.example'],
	their_issuer => ['https://other.example'],
	their_audience => ['api'],
	provider => ['idp'],
	client_ids => [ '{app}', '{app,other}' ],
	options => [ '{}', '{"sign_up":true}', '{"nonce":"none","email":"never"}' ],
	methods => [ '{pwd}', '{pwd,otp}', '{pwd,mfa}', '{alice}' ],
	level => [1],
	count => [ 1, 10 ],
	duration => [ '1 min', '15 min', '1 h' ],
	end => [ '2100-01-01', '4000-02-29 12:00:00.5+14' ],
	purpose => [ 'recovery', 'login' ],
	enrollment => [ 'optional', 'required', '' ],
	method => [ 'totp', 'recovery_code', 'webauthn' ],
	response => [ '{"code":"123456"}', '{"code":"AAAA-AAAA-AAAA-AAAA"}', '{}' ],
	algorithm => [ ('HS256') x 3, qw(HS384 HS512) ],
	base64 => [ '', 'YQ', 'YQ==', 'YWI', 'YWJj', '-_-_', '+/+/', "YW Jj\n", 'Y', 'YR' ],
	number => [ '1.5', '-0', '1e308', '1e400', ' 1 ', 'NaN', '-Infinity', '0x1p3', '1e-400', '', 'x' ],
	document => [
		'{}', '{"exp":4102444800}', '{"nbf":"1","exp":1e400}', '{"a":"fuzzcanary","a":2}', '["fuzzcanary"]', '"fuzzcanary"', 'null', "{ \"a\" :\n1 }",
		'{"a":"\u0000"}', '{"a":"\ud800"}', '{"n":' . '9' x 5000 . '}' ],
	scope => [ 'read', 'write', 'local', 'others', 'global', 'read write' ],
	claim_name => [ 'sub', 'iss', 'exp', 'tenant', 'scope', 'none' ],
	request_headers => [ '{}', '{"authorization":"Bearer x"}', '{"user-agent":"a","x-forwarded-for":"10.0.0.1, ::1"}' ],
	claims => [
		'{}', '{"tenant":"fuzzcanary"}', '{"sub":"fuzzcanary","exp":4102444800}', '{"exp":1,"nbf":0,"iat":1.5}',
		'{"aud":["api","b"],"scope":"read write","exp":4102444800}', '{"iss":"https://other.example","aud":"api","exp":4102444800}' ]);

# What each type has that is at an edge; changed no further.
my %nasty = (
	text => [
		'', ' ', "\t\n", '.', '..', '...', 'null', 'Bearer ', 'bearer  x', "'", '"', '\\', '%s%n%d', '$$', "a\r\nSet-Cookie: x",
		"\x{1b}[31m", 'x' x 63, 'x' x 64, 'x' x 1024, 'x' x 1025, 'A' x 100_000, "\x{1f600}" x 5000, "\x{130}\x{131}\x{df}\x{fb01}",
		"e" . "\x{301}" x 2000, "\x{202e}evil", "\x{feff}", "\x{ad}", "\x{10ffff}", "\x{fdd0}", '00000000-0000-0000-0000-00000000000',
		'eyJhbGciOiJub25lIn0.e30.', 'e30.e30.e30', '.' x 20_000, '[' x 20_000, '{"a":' x 3000 ],
	jsonb => [
		'null', 'true', '0', '""', '[]', '{}', '[[]]', '{"":""}', '{"keys":[]}', '{"keys":{}}', '{"keys":[null]}', '"x"', '1e100',
		'1e-10000', '[' x 1000 . ']' x 1000, '{"a":' x 1000 . '1' . '}' x 1000, '[' . join(',', 1 .. 5000) . ']',
		'{' . join(',', map { qq("k$_":$_) } 1 .. 3000) . '}', '{"a":"' . 'x' x 200_000 . '"}', '{"keys":[' . join(',', ('{}') x 500) . ']}' ],
	bytea => [ '\x', '\x' . '00' x 16, '\x' . '41' x 100_000 ],
	json => [ '0', '""', '[]', '[' x 1000 . ']' x 1000, '{"a":"' . 'x' x 200_000 . '"}', '"' . 'x' x 800_000 . '"', '"\u00e9\ud83d\ude00"' ],
	interval => [
		'0', '1 us', '-1 us', '1 min', '15 min', '1 h', '1 d', '1 mon', '-1 mon', '1 mon -30 d', '100 y', '178000000 y', '-178000000 y',
		'2147483647 d', '2147483647 mon', '9223372036854 s', '2562047788 h', 'infinity', '-infinity', '1 y -1 y 1 s', '0.0000005 s' ],
	'timestamp with time zone' => [ 'infinity', '-infinity', '1970-01-01', '4714-11-24 00:00:00 BC', '294276-12-31 23:59:59.999999' ],
	uuid => [ '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '0190163d-8694-739b-aea5-966c26f8ad91' ],
	integer => [ '0', '1', '-1', '10000', '2147483647', '-2147483648' ],
	boolean => [ 'true', 'false' ],
	name => [
		'', 'none', 'public', 'regress_sql_fuzz_super', 'pg_monitor', 'pg_read_all_data', 'nobody_at_all', "x' y", 'x' x 63, "\x{e9}" x 31,
		'regress_sql_fuzz_bypass', 'regress_sql_fuzz_member', 'Regress_SQL_Fuzz_Member', 'regress_sql_fuzz_anyone' ],
	'text[]' => [
		'{}', '{pwd}', '{pwd,otp}', '{NULL}', '{""}', '{{a},{b}}', '[5:6]={a,b}', '{' . 'x' x 2000 . '}',
		'{' . join(',', map { "m$_" } 1 .. 2000) . '}' ],
	'name[]' => [
		'{}', '{regress_sql_fuzz_member}', '{NULL}', '{""}', '{{a},{b}}', '[5:6]={a,b}', '{a,a,a}', '{regress_sql_fuzz_super,regress_sql_fuzz_bypass}',
		'{' . join(',', map { "role$_" } 1 .. 2000) . '}' ]);
my %type_of = (
	(map { $_ => 'jsonb' } qw(private public jwks claims header good_header new_private their_keys user_claims empty_object options response credential expected token_request)),
	(map { $_ => 'json' } qw(document empty_document)),
	(map { $_ => 'bytea' } qw(bytes long_secret)),
	(map { $_ => 'uuid' } qw(user new_user session message invitation factor client)),
	(map { $_ => 'integer' } qw(level count)),
	(map { $_ => 'text[]' } qw(client_ids methods)),
	duration => 'interval', end => 'timestamp with time zone', role => 'name', roles => 'name[]');

# All values: [ kind, type, text ] each.  Given are good ones by kind, and the
# types of which to make some.
sub values_of
{
	my ($good, @types) = @_;
	my %base = (%fixed, %$good);
	my @values;

	for my $kind (sort keys %base)
	{
		my $type = $type_of{$kind} // 'text';
		my @base = @{ $base{$kind} };
		my $mutate = $mutation{$kind} // \&mutate_text;

		push @values, map { [ $kind, $type, $_ ] } @base;
		push @values, map { [ "changed $kind", $type, $mutate->(one_of(@base), @base) ] } @base ? 1 .. $CHANGES : ();
	}
	for my $type (@types)
	{
		push @values, map { [ $type, $type, $_ ] } @{ $nasty{$type} // $nasty{text} };
	}
	return @values;
}

# A kind of good values that fits an argument, and all kinds that may be tried.
# NULL, which is no value, is of the kind null.
sub good_kind_of
{
	my ($function, $name, $type) = @_;
	my @named = @{ $kinds_of_call{"$function.$name"} // $kinds_of_argument{$name} // [] };
	my @kinds = grep { $_ eq 'null' || ($type_of{$_} // 'text') eq $type } @named;

	return one_of(@kinds ? @kinds : $type);
}

sub kinds_of
{
	my ($function, $name, $type) = @_;
	my @named = map { @{ $_ // [] } } $kinds_of_argument{$name}, $kinds_of_call{"$function.$name"};

	return ((map { ($_, $_, "changed $_", "changed $_") } @named), $type);
}

1;
