# Each function of levels, second factors and passkeys, called rightly (T32, T78, T155) in
# all circumstances, and in transactions that are rolled back, which use up nothing.
# every_function.sql has what they answer to NULL and a megabyte.
# At least 249 assertions

use strict;
use warnings;

use AccountTest;
use Authenticator;
use Circumstances;
use JSON::PP;
use JwtAuthTest;
use SoftPasskey;
use Test::More;

my $node = start_account_node(
	'circumstances',
	cluster => { allows_streaming => 1 },
	conf => [ "jwt_auth.webauthn_rp_id = 'example.org'" ]);
my $standby = start_standby($node);
my $alice = quote(value_of($node, "SELECT jwt_find_user('alice')"));

execute($node, "SELECT jwt_update_user(jwt_find_user('bob'), mfa_enrollment => 'required')");

# Alice has an authenticator, a passkey and recovery codes, and begins to enroll another
my $first = log_in($node, 'alice');
my $totp = answer_of_call($node, $first, 'jwt_enroll_totp()');

answer_of_call($node, $first, "jwt_confirm_totp('$totp->{factor_id}', '" . code_of($totp->{secret}) . "')");
execute($node, 'UPDATE jwt_auth.factors SET last_step = 0');
my $sure = answer_of_call($node, undef, "jwt_mfa_verify('" . ticket_of('alice') . "', 'totp', '" . encode_json({ code => code_of($totp->{secret}) }) . "')");
my $passkey = SoftPasskey->new;
my $key = answer_of_call($node, $sure, 'jwt_passkey_register(' . quote($passkey->create(options($sure, 'jwt_passkey_register_options()'))) . ')');
my ($code) = @{ answer_of_call($node, $sure, 'jwt_make_recovery_codes()')->{codes} };
my $second = answer_of_call($node, $sure, "jwt_enroll_totp('second')");

# What the calls need: nothing of it is used up until the end
my ($ticket, $enrolling) = map { ticket_of($_) } qw(alice bob);
my $begun = answer_of_call($node, undef, "jwt_enroll_totp('first', '$enrolling')");
my $shown = $passkey->get(options(undef, "jwt_mfa_options('$ticket', 'webauthn')"));
my $login = $passkey->get(options(undef, 'jwt_passkey_login_options()'));
my ($new, $enrolled, $own) = map { SoftPasskey->new } 1 .. 3;
my $created = $new->create(options($sure, 'jwt_passkey_register_options()'));
my $ticketed = $enrolled->create(options(undef, "jwt_passkey_register_options('$enrolling')"));
my $challenge = 'Y2hhbGxlbmdlIG9mIGFuIGFwcGxpY2F0aW9u';
my $expected = encode_json({ challenge => $challenge, origins => ['https://example.org'], rp_id => 'example.org' });
my $kept = $own->create({ rp => { id => 'example.org' }, user => { id => 'AAAA' }, challenge => $challenge });

execute($node, 'UPDATE jwt_auth.factors SET last_step = 0');

# Function, whose token, arguments (or what makes them, with a code of now), what the answer
# has, and what it is: r reads, w writes, p public, o needs no identity
my @calls = (
	[ jwt_aal => $sure, '', qr/^2$/, 'rp' ],
	[ jwt_auth_time => $sure, '', qr/\b20\d\d\b/, 'rp' ],
	[ jwt_amr => $sure, '', qr/^\{pwd,otp,mfa\}$/, 'rp' ],
	[ jwt_has_aal => $sure, q{2, '1 h'}, qr/^t$/, 'rp' ],
	[ jwt_require_aal => $sure, q{2, '1 h'}, qr/^$/, 'rp' ],
	[ jwt_factors => $sure, '', qr/"webauthn"/, 'rp' ],
	[ jwt_step_up => $sure, '', qr/"mfa_token"/, 'rp' ],
	[ jwt_mfa_options => undef, "'$ticket', 'webauthn'", qr/"challenge"/, 'r' ],
	[ jwt_mfa_verify => undef, sub { return "'$ticket', 'totp', '" . encode_json({ code => code_of($totp->{secret}) }) . "'"; }, qr/"access_token"/, 'w' ],
	[ jwt_mfa_verify => undef, "'$ticket', 'recovery_code', '" . encode_json({ code => $code }) . "'", qr/"access_token"/, 'w' ],
	[ jwt_mfa_verify => undef, "'$ticket', 'webauthn', " . quote($shown), qr/"access_token"/, 'w' ],
	[ jwt_enroll_totp => $sure, q{'third'}, qr/"secret"/, 'w' ],
	[ jwt_enroll_totp => undef, "'second', '$enrolling'", qr/"secret"/, 'w' ],
	[ jwt_confirm_totp => $sure, sub { return "'$second->{factor_id}', '" . code_of($second->{secret}) . "'"; }, qr/"factor_added"/, 'w' ],
	[ jwt_confirm_totp => undef, sub { return "'$begun->{factor_id}', '" . code_of($begun->{secret}) . "', '$enrolling'"; }, qr/"access_token"/, 'w' ],
	[ jwt_remove_factor => $sure, "'$totp->{factor_id}'", qr/"factor_removed"/, 'w' ],
	[ jwt_remove_factor => $sure, "'$key->{id}'", qr/"factor_removed"/, 'w' ],
	[ jwt_make_recovery_codes => $sure, '', qr/"codes"/, 'w' ],
	[ jwt_reset_factors => undef, $alice, qr/^$/, 'w' ],
	[ jwt_passkey_register_options => $sure, '', qr/"pubKeyCredParams"/, 'rp' ],
	[ jwt_passkey_register_options => undef, "'$enrolling'", qr/"pubKeyCredParams"/, 'rp' ],
	[ jwt_passkey_register => $sure, quote($created), qr/"credential_id"/, 'w' ],
	[ jwt_passkey_register => undef, quote($ticketed) . ", NULL, '$enrolling'", qr/"access_token"/, 'w' ],
	[ jwt_passkey_login_options => undef, '', qr/"challenge"/, 'r' ],
	[ jwt_passkey_login => undef, quote($login), qr/"access_token"/, 'w' ],
	[ jwt_webauthn_verify_with => undef, quote($kept) . ", NULL, '$expected'", qr/"verified": true/, 'rp' ]);

# Each with the rights of a role without any; where nothing may be written; on a standby; a hostile
# search_path; the settings of an odd client; for another identity within the statement
try_circumstances($node, $standby, @calls);
done_testing();

sub options { return answer_of_call($node, @_); }

sub ticket_of { return log_in($node, $_[0])->{mfa_token} // die 'no ticket'; }
