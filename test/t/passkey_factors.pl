# Passkeys as second factors (T129, T130, T131, T133, T135, T145, T146, T149, T150): a login
# of whoever has one asks for it; its challenge is for one ticket, and its answer for that
# ticket's user; kinds of proof are counted, and a step-up takes nothing away; a passkey
# is enrolled by whoever must have a factor.
# At least 130 assertions

use strict;
use warnings;

use AccountTest;
use Authenticator;
use JSON::PP;
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use SoftPasskey;
use Test::More;

my ($UP, $UV, $BE, $BS) = @SoftPasskey::FLAG{qw(UP UV BE BS)};
my $node = start_account_node(
	'passkey_factors',
	cluster => { allows_streaming => 1 },
	conf => [ 'max_connections = 40', 'jwt_auth.audit = all', "jwt_auth.webauthn_rp_id = 'example.org'", 'jwt_auth.login_max_failures = 1000' ]);
my %passkey;

for my $name (qw(alice bob))
{
	$passkey{$name} = new_passkey(log_in($node, $name));
}

check_login();
check_options();
check_refusals();
check_count();
check_kinds();
check_step_up();
check_removal();
check_last_way();
check_recovery();
check_enrollment();
check_races();
check_standby();
done_testing();

# What a statement gives to an identity
sub as
{
	my ($who, $query) = @_;

	return defined $who ? "SET jwt_auth.token = '$who->{access_token}'; $query" : $query;
}

sub answer_to { return decode_json(value_of($node, as(@_))); }

sub new_user
{
	my ($name) = @_;

	execute($node, "SELECT jwt_create_user('$name', '$PASSWORD', email => '$name\@example.org')");
	return log_in($node, $name);
}

sub new_passkey
{
	my ($who, %is) = @_;
	my $made = SoftPasskey->new(%is);
	my $answer = answer_to($who, 'SELECT jwt_passkey_register(' . quote($made->create(answer_to($who, 'SELECT jwt_passkey_register_options()'))) . ')');

	is($answer->{error}, undef, 'a passkey is registered') or die;
	$made->{factor} = $answer->{id};
	return $made;
}

sub new_authenticator
{
	my ($who) = @_;
	my $begun = answer_to($who, 'SELECT jwt_enroll_totp()');

	is(answer_to($who, "SELECT jwt_confirm_totp('$begun->{factor_id}', '" . code_of($begun->{secret}) . "')")->{status}, 'factor_added', 'an authenticator is enrolled') or die;
	execute($node, 'UPDATE jwt_auth.factors SET last_step = 0');
	return { %$begun, factor => $begun->{factor_id} };
}

sub ticket { return log_in($node, $_[0])->{mfa_token} // die 'no ticket'; }

sub options_of { return answer_to(undef, "SELECT jwt_mfa_options('$_[0]', 'webauthn')"); }

# The answer to a method and a response, an object or text
sub verified
{
	my ($ticket, $method, $response, $settings) = @_;

	$response = encode_json($response) if ref $response;
	return answer_to(undef, ($settings // '') . "SELECT jwt_mfa_verify('$ticket', '$method', " . quote($response) . ')');
}

sub shown
{
	my ($ticket, $credential, $settings) = @_;

	return verified($ticket, 'webauthn', $credential, $settings);
}

sub code { return verified($_[0], 'totp', { code => code_of($_[1]{secret}) }); }

sub forget { return execute($node, 'UPDATE jwt_auth.factors SET last_step = 0; TRUNCATE jwt_auth.login_throttle; UPDATE jwt_auth.users SET factor_failures = 0'); }

sub passkey_login
{
	my ($made, %changes) = @_;

	return answer_to(undef, 'SET jwt_auth.webauthn_user_verification = preferred; SELECT jwt_passkey_login('
		  . quote($made->get(answer_to(undef, 'SELECT jwt_passkey_login_options()'), %changes)) . ')');
}

sub claims_of
{
	my ($answer) = @_;

	return decode_json(value_of($node, "SELECT (jwt_decode('$answer->{access_token}')).claims"));
}

# Level and methods of the token
sub proof_of
{
	my $claims = claims_of(@_);

	return "$claims->{aal} " . join ' ', @{ $claims->{amr} };
}

sub last_reason
{
	return value_of($node, "SELECT reason FROM jwt_auth.audit_log WHERE event = 'factor_denied' ORDER BY id DESC LIMIT 1");
}

sub check_login
{
	my $asked = log_in($node, 'alice');

	is($asked->{error}, 'mfa_required', 'a password of whoever has a passkey is asked for more');
	is_deeply($asked->{factors}, [ { id => $passkey{alice}{factor}, type => 'webauthn' } ], 'the answer lists the passkey');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE user_id = jwt_find_user('alice')"), 1, 'no session begins before it');
	my $tokens = shown($asked->{mfa_token}, $passkey{alice}->get(options_of($asked->{mfa_token})));

	is_deeply([ sort keys %$tokens ], [qw(access_token expires_in refresh_expires_in refresh_token token_type)], 'the passkey is answered with tokens');
	is(proof_of($tokens), '2 pwd hwk user mfa', 'of level 2, by password and device');
	is(value_of($node, "SELECT factor_id FROM jwt_auth.sessions WHERE id = '" . claims_of($tokens)->{sid} . "'"), $passkey{alice}{factor}, 'by this passkey');
	is(value_of($node, "SELECT counter = $passkey{alice}{counter} AND last_used_at IS NOT NULL FROM jwt_auth.webauthn_credentials WHERE id = '$passkey{alice}{factor}'"), 't', 'whose counter is noted');
	my $ticket = ticket('alice');
	my $options = options_of($ticket);
	my $without_handle = $passkey{alice}->get($options, user_handle => undef);

	is(shown($ticket, $without_handle)->{error}, undef, 'no user handle need be sent');
	is(shown($ticket, $without_handle)->{error}, 'invalid_grant', 'the ticket is used');
	$ticket = ticket('alice');
	is(proof_of(shown($ticket, $passkey{alice}->get(options_of($ticket), flags => $UP), 'SET jwt_auth.webauthn_user_verification = preferred; ')), '2 pwd hwk user mfa',
		'a passkey that did not verify its user is a second kind of proof');
	my $made = new_passkey(new_user('carl'));

	$asked = answer_to(undef, "SELECT jwt_login_code(jwt_create_link(jwt_find_user('carl'), 'login'))");
	is($asked->{error}, 'mfa_required', 'a login by mail is asked for the passkey, too');
	is(proof_of(shown($asked->{mfa_token}, $made->get(options_of($asked->{mfa_token})))), '2 otp hwk user mfa', 'mailbox and device are two kinds');
	return;
}

sub check_options
{
	my $ticket = ticket('alice');
	my $options = options_of($ticket);
	my $challenge = delete $options->{challenge};

	is_deeply(
		$options,
		{
			timeout => 300000, rpId => 'example.org', userVerification => 'required',
			allowCredentials => [ { type => 'public-key', id => encode_base64url($passkey{alice}{id}), transports => ['internal'] } ]
		},
		'the options name the passkeys of the user, and nobody else\'s');
	isnt(options_of($ticket)->{challenge}, $challenge, 'each challenge is another');
	is(value_of($node, "BEGIN READ ONLY; SELECT count(jwt_mfa_options('$ticket', 'webauthn')) FROM generate_series(1, 2000); COMMIT"), 2000, 'options are made by thousands, and write nothing');
	for my $method ('totp', 'recovery_code', '', 'WebAuthn')
	{
		is(answer_to(undef, "SELECT jwt_mfa_options('$ticket', '$method')")->{error}, 'invalid_request', "no options for the method '$method'");
	}
	my $plain = new_user('paula');

	new_authenticator($plain);
	is(options_of(ticket('paula'))->{error}, 'invalid_request', 'no options without a passkey');
	is(options_of($_)->{error}, 'invalid_grant', 'no options for what is no ticket') for '', 'jam_x', substr($ticket, 0, -2) . 'xx', $plain->{refresh_token};
	shown($ticket, $passkey{alice}->get(options_of($ticket)));
	is(options_of($ticket)->{error}, 'invalid_grant', 'no options for a ticket that was used');
	$ticket = ticket('alice');
	execute($node, "UPDATE jwt_auth.users SET credentials_version = credentials_version + 1 WHERE username = 'alice'");
	is(options_of($ticket)->{error}, 'invalid_grant', 'no options once the credentials have changed');
	$ticket = ticket('alice');
	execute($node, "SELECT jwt_disable_user(jwt_find_user('alice'))");
	is(options_of($ticket)->{error}, 'invalid_grant', 'no options for a user who is disabled');
	execute($node, "SELECT jwt_enable_user(jwt_find_user('alice'))");
	is(state_of($node, "SELECT $_"), '22023', $_) for "jwt_mfa_options(NULL, 'webauthn')", "jwt_mfa_options('x', NULL)", "jwt_mfa_options(repeat('x', 1025), 'webauthn')";
	execute($node, 'CREATE ROLE regress_anyone');
	is(state_of($node, "SET ROLE regress_anyone; SELECT jwt_mfa_options('x', 'webauthn')"), '42501', 'not for anyone');
	for my $call ("jwt_mfa_options('$ticket', 'webauthn')", "jwt_mfa_verify('" . ticket('alice') . "', 'webauthn', '{}')")
	{
		is(state_of($node, "SET jwt_auth.webauthn_rp_id = ''; SELECT $call"), '55000', 'without a domain: ' . substr $call, 0, 15);
	}
	return;
}

sub check_refusals
{
	my $ticket = ticket('bob');
	my $eve = $passkey{alice};
	my $bob = $passkey{bob};

	is(passkey_login($bob)->{error}, undef, 'Bob logs in');
	my $stranger = SoftPasskey->new(user_handle => $bob->{user_handle});
	my $sessions = value_of($node, 'SELECT count(*) FROM jwt_auth.sessions');
	my $login = answer_to(undef, 'SELECT jwt_passkey_login_options()');

	is(options_of($ticket)->{allowCredentials}[0]{id}, encode_base64url($bob->{id}), 'a ticket of Bob asks for a passkey of Bob');
	for my $case (
		[ "Eve's passkey", 'a passkey of another user', sub { $eve->get($_[0]) } ],
		[ "Eve's passkey with the handle of Bob", 'a passkey of another user', sub { $eve->get($_[0], user_handle => $bob->{user_handle}) } ],
		[ "Bob's passkey with the handle of Eve", 'invalid passkey: it belongs to another user', sub { $bob->get($_[0], user_handle => $eve->{user_handle}) } ],
		[ "Bob's passkey signed by Eve's", 'invalid passkey: the signature is wrong', sub { $bob->get($_[0], key => $eve) } ],
		[ 'a passkey that nobody has registered', undef, sub { $stranger->get($_[0]) } ],
		[ 'the challenge of another ticket of Bob', undef, sub { $bob->get(options_of(ticket('bob'))) } ],
		[ 'the challenge of a ticket of Eve', undef, sub { $bob->get(options_of(ticket('alice'))) } ],
		[ 'the challenge of a login', undef, sub { $bob->get($login) } ],
		[ 'a challenge of its own', undef, sub { $bob->get({ %{ $_[0] }, challenge => encode_base64url('c' x 94) }) } ],
		[ 'another origin', 'invalid passkey: its origin is not among the expected ones', sub { $bob->get($_[0], origin => 'https://example.org.evil.example') } ],
		[ 'another domain', 'invalid passkey: it is for another relying party', sub { $bob->get($_[0], rp_id => 'example.com') } ],
		[ 'the other ceremony', 'invalid passkey: it belongs to the other ceremony', sub { $bob->get($_[0], type => 'webauthn.create') } ],
		[ 'nobody present', 'invalid passkey: the user was not present', sub { $bob->get($_[0], flags => $UV) } ],
		[ 'nobody verified', 'invalid passkey: the user was not verified', sub { $bob->get($_[0], flags => $UP) } ],
		[ 'eligible for backup since then', 'invalid passkey: its eligibility for backup has changed', sub { $bob->get($_[0], flags => $UP | $UV | $BE) } ],
		[ 'a counter that fell', 'invalid passkey: its counter did not increase', sub { $bob->get($_[0], counter => 0) } ],
		[ 'an empty object', undef, sub { '{}' } ],
		[ 'a code', undef, sub { '{"code":"123456"}' } ])
	{
		my ($what, $reason, $credential) = @$case;

		forget();
		is(shown($ticket, $credential->(options_of($ticket)))->{error}, 'invalid_grant', "refused: $what");
		is(last_reason(), $reason // 'no known passkey that answers a challenge of this ticket', "the audit log says why: $what");
	}
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.sessions'), $sessions, 'no session began');
	for my $form ('[]', '"a"', 'null', '1')
	{
		is(shown($ticket, $form)->{error}, 'invalid_request', "no credential: $form");
	}
	my $credential = $bob->get(options_of($ticket));

	is(answer_to(undef, 'SELECT jwt_passkey_login(' . quote($credential) . ')')->{error}, 'invalid_grant', 'what answers a ticket logs nobody in by itself');
	is(verified($ticket, $_, $credential)->{error}, 'invalid_request', "it is no code: $_") for qw(totp recovery_code);
	is(value_of($node, "BEGIN; SELECT jwt_mfa_verify('$ticket', 'webauthn', " . quote($credential) . ") ? 'access_token'; ROLLBACK"), 't', 'a passkey in a transaction that is rolled back');
	is(state_of($node, "SET default_transaction_read_only = on; SELECT jwt_mfa_verify('$ticket', 'webauthn', " . quote($credential) . ')'), '25006', 'or where nothing may be written');
	is(shown($ticket, $credential)->{error}, undef, 'leaves challenge and ticket');
	my $next = ticket('bob');

	is(shown($next, $credential)->{error}, 'invalid_grant', 'an answer is for one ticket');
	$credential = $bob->get(options_of($next));
	execute($node, "SELECT jwt_set_password(jwt_find_user('bob'), '$PASSWORD')");
	is(shown($next, $credential)->{error}, 'invalid_grant', 'and void once the credentials have changed');
	$next = ticket('bob');
	my $wrong = $bob->get(options_of($next), flags => $UP);
	is(shown($next, $wrong)->{error}, 'invalid_grant', 'a passkey that is refused');
	is(shown($next, $wrong, 'SET jwt_auth.webauthn_user_verification = preferred; ')->{error}, 'invalid_grant', 'has spent its challenge');
	is(last_reason(), 'the challenge was answered before', 'as the audit log says');
	return;
}

# Wrong passkeys count for the user, as wrong codes do
sub check_count
{
	forget();
	my $failures = sub { return value_of($node, "SELECT factor_failures FROM jwt_auth.users WHERE username = 'bob'"); };

	shown(ticket('bob'), '{}') for 1 .. 3;
	is($failures->(), 3, 'wrong passkeys count for the user, whatever ticket they came with');
	my $ticket = ticket('bob');

	execute($node, "UPDATE jwt_auth.users SET factor_failures = 100 WHERE username = 'bob'");
	is(shown($ticket, $passkey{bob}->get(options_of($ticket)))->{error}, 'invalid_grant', 'after a hundred in a row, no passkey counts');
	forget();
	is(shown($ticket, $passkey{bob}->get(options_of($ticket)))->{error}, undef, 'once these are forgotten, it does');
	is($failures->(), 0, 'which clears the count');
	$ticket = ticket('bob');
	is(value_of($node, "SELECT count(jwt_mfa_verify('$ticket', 'webauthn', '{}')) FROM generate_series(1, 10)"), 10, 'many failures');
	is(answer_to(undef, "SET jwt_auth.login_max_failures = 1; SELECT jwt_mfa_verify('$ticket', 'webauthn', '{}')")->{error}, 'temporarily_unavailable', 'make the next attempt wait');
	forget();
	return;
}

# Two devices are one kind of proof, however often they are shown
sub check_kinds
{
	my $dora = new_user('dora');
	my $made = new_passkey($dora);

	is(proof_of(passkey_login($made, flags => $UP)), '1 hwk user', 'a passkey that did not verify its user is level 1');
	my $totp = new_authenticator(passkey_login($made));
	my $asked = passkey_login($made, flags => $UP);

	is($asked->{error}, 'mfa_required', 'where there is an authenticator, it is asked for more');
	is(options_of($asked->{mfa_token})->{error}, undef, 'which may be the passkey');
	my $both = code($asked->{mfa_token}, $totp);

	is(proof_of($both), '1 hwk user otp', 'passkey and authenticator are two devices, and level 1');
	for my $round (1 .. 2)
	{
		forget();
		$both = code(answer_to($both, 'SELECT jwt_step_up()')->{mfa_token}, $totp);
		is(proof_of($both), '1 hwk user otp', "the authenticator once more is no second kind: $round");
	}
	is(state_of($node, as($both, "SELECT jwt_remove_factor('$totp->{factor}')")), '28J04', 'and changes no factor');
	is(state_of($node, as($both, "SELECT $_")), '28J04', "nor does it pass: $_") for 'jwt_make_recovery_codes()', 'jwt_passkey_register_options()', "jwt_passkey_register('{}')", 'jwt_enroll_totp()', 'jwt_require_aal(2)';
	my $codes = answer_to(passkey_login($made), 'SELECT jwt_make_recovery_codes()')->{codes};

	for my $round (0 .. 1)
	{
		$asked = $round ? answer_to($both, 'SELECT jwt_step_up()') : passkey_login($made, flags => $UP);
		$both = verified($asked->{mfa_token}, 'recovery_code', { code => $codes->[$round] });
		is(proof_of($both), '1 hwk user otp', "a recovery code stands in for a device: $round");
	}
	my $ticket = answer_to($both, 'SELECT jwt_step_up()')->{mfa_token};

	is(proof_of(shown($ticket, $made->get(options_of($ticket)))), '2 hwk user otp mfa', 'a passkey that verifies its user brings another kind');
	$ticket = ticket('dora');
	forget();
	is(proof_of(code($ticket, $totp)), '2 pwd otp mfa', 'and so does a password');
	return;
}

# A step-up never lowers the level, and drops no method
sub check_step_up
{
	my $erin = new_user('erin');
	my $made = new_passkey($erin);

	my $ticket = answer_to($erin, 'SELECT jwt_step_up()')->{mfa_token};
	my $stepped = shown($ticket, $made->get(options_of($ticket)));

	is(proof_of($stepped), '2 pwd hwk user mfa', 'a session steps up with a passkey');
	is(claims_of($stepped)->{sid}, claims_of($erin)->{sid}, 'and stays the same');
	is(refresh_with($node, $erin->{refresh_token})->{error}, 'invalid_grant', 'the refresh token of before gives nothing of it');
	my $totp = new_authenticator($stepped);
	my $sure = passkey_login($made);

	is(proof_of($sure), '2 hwk user mfa', 'a login with a passkey that verified its user');
	my $again = code(answer_to($sure, 'SELECT jwt_step_up()')->{mfa_token}, $totp);

	is(proof_of($again), '2 hwk user mfa otp', 'stays level 2 when it steps up with an authenticator');
	is(value_of($node, as($again, 'SELECT jwt_aal()')), 2, 'as policies see');
	is(value_of($node, "SELECT factor_id FROM jwt_auth.sessions WHERE id = '" . claims_of($again)->{sid} . "'"), $made->{factor}, 'and rests on the passkey');
	forget();
	my $given = answer_to(undef, "SELECT jwt_start_session(jwt_find_user('erin'), '{face,kba,mfa}')");

	is(proof_of(code(answer_to($given, 'SELECT jwt_step_up()')->{mfa_token}, $totp)), '2 face kba mfa otp', 'names that an application gave stay');
	forget();
	$given = answer_to(undef, "SELECT jwt_start_session(jwt_find_user('erin'), '{hwk}')");
	is(proof_of(code(answer_to($given, 'SELECT jwt_step_up()')->{mfa_token}, $totp)), '1 hwk otp', 'a device that an application has seen is one, too');
	forget();
	$given = answer_to(undef, "SELECT jwt_start_session(jwt_find_user('erin'))");
	is(proof_of(code(answer_to($given, 'SELECT jwt_step_up()')->{mfa_token}, $totp)), '2 otp mfa', 'an application that names no method has seen to the first proof');
	forget();
	$ticket = answer_to($sure = passkey_login($made), 'SELECT jwt_step_up()')->{mfa_token};
	is(code($ticket, $totp)->{error}, undef, 'a session of level 2 steps up');
	execute($node, "UPDATE jwt_auth.sessions SET created_at = created_at - interval '25 h', auth_time = auth_time - interval '25 h' WHERE id = '" . claims_of($sure)->{sid} . "'");
	is(value_of($node, "SELECT aal FROM jwt_auth.sessions WHERE id = '" . claims_of($sure)->{sid} . "'"), 2, 'whose time passes');
	is(value_of($node, as($sure, 'SELECT jwt_aal()')), 1, 'and with it the level');
	forget();
	my $late = code(answer_to($sure, 'SELECT jwt_step_up()')->{mfa_token}, $totp);
	is(value_of($node, as($late, 'SELECT jwt_aal()')), 1, 'which a device of the same kind does not bring back');
	is(claims_of(refresh_with($node, $late->{refresh_token}))->{aal}, 1, 'nor does a refresh after it');
	$ticket = answer_to($late, 'SELECT jwt_step_up()')->{mfa_token};
	is(value_of($node, as(shown($ticket, $made->get(options_of($ticket))), 'SELECT jwt_aal()')), 2, 'but a passkey that verified its user does');
	$ticket = answer_to($again, 'SELECT jwt_step_up()')->{mfa_token};
	my $eve = answer_to(undef, "SELECT jwt_mfa_options('$ticket', 'webauthn')");
	is(shown($ticket, $passkey{alice}->get($eve))->{error}, 'invalid_grant', "Eve's passkey steps up no session of Erin");
	is(value_of($node, as($again, 'SELECT jwt_aal()')), 2, 'which stays as it is');
	forget();
	is(answer_to($again, "SELECT jwt_remove_factor('$totp->{factor}')")->{status}, 'factor_removed', 'the authenticator is removed');
	is(value_of($node, as($again, 'SELECT jwt_aal()')), 2, 'on which the level does not rest');
	is(answer_to($again, "SELECT jwt_remove_factor('$made->{factor}')")->{status}, 'factor_removed', 'the passkey is removed');
	is(value_of($node, as($again, 'SELECT jwt_aal()')), 1, 'and the level falls with it');
	return;
}

sub check_removal
{
	my $fred = new_user('fred');
	my $made = new_passkey($fred);
	my $ticket = ticket('fred');
	my $sure = shown($ticket, $made->get(options_of($ticket)));

	for my $call ("jwt_remove_factor('$made->{factor}')", 'jwt_remove_factor(gen_random_uuid())', 'jwt_make_recovery_codes()', 'jwt_enroll_totp()', 'jwt_passkey_register_options()', "jwt_passkey_register('{}')")
	{
		is(state_of($node, as($fred, "SELECT $call")), '28J04', "where a passkey is enrolled, level 1 changes nothing: $call");
	}
	is(scalar @{ answer_to($sure, 'SELECT jwt_make_recovery_codes()')->{codes} }, 10, 'level 2 makes recovery codes');
	is(answer_to($sure, "SELECT jwt_remove_factor('$made->{factor}')")->{status}, 'factor_removed', 'and removes the passkey');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.recovery_codes WHERE user_id = jwt_find_user('fred')"), 0, 'with the last factor go the recovery codes');
	is(value_of($node, as($sure, 'SELECT jwt_aal(), jwt_amr()')), '1|{pwd,user}', 'the session falls');
	is(error_of(log_in($node, 'fred')), 'ok', 'and a login asks for no more');
	return;
}

# The last way in stays; an address, an identity and another passkey are others
sub check_last_way
{
	my $id = value_of($node, "SELECT jwt_create_user('uma')");
	my $uma = answer_to(undef, "SELECT jwt_start_session('$id')");
	my $made = new_passkey($uma);
	my $sure = passkey_login($made);
	my $other = new_passkey($sure);
	my $removed = sub { return answer_to($sure, "SELECT jwt_remove_factor('$_[0]{factor}')"); };

	is($removed->($other)->{status}, 'factor_removed', 'one of two passkeys is removed');
	is_deeply(
		$removed->($made),
		{ error => 'invalid_request', error_description => 'this is your last way to log in, add another one first' },
		'the last way in is not');
	is(passkey_login($made)->{error}, undef, 'and still logs in');
	is($removed->($other)->{error_description}, 'there is no such factor', 'another id is none of it');
	execute($node, "INSERT INTO jwt_auth.identities (provider, issuer, subject, user_id, created_at) VALUES ('gone', 'https://gone.example', 'uma', '$id', now())");
	is($removed->($made)->{error}, 'invalid_request', 'an identity of a provider that is gone is no way in');
	for my $case (
		[ 'an address', "INSERT INTO jwt_auth.identifiers VALUES ('uma\@example.org', '$id', 'email', 'uma\@example.org', now(), now())" ],
		[ 'an identity', "SELECT jwt_add_provider('gone', 'https://gone.example', '{app}', jwk_public(jwk_generate('ES256', 'k')))" ])
	{
		my ($what, $statement) = @$case;

		like(value_of($node, "BEGIN; $statement; SET LOCAL jwt_auth.token = '$sure->{access_token}'; SELECT jwt_remove_factor('$made->{factor}'); ROLLBACK"),
			qr/"factor_removed"/, "beside $what, a passkey is removed");
	}
	execute($node, "SELECT jwt_reset_factors('$id')");
	return;
}

sub check_recovery
{
	my $gina = new_user('gina');
	my $made = new_passkey($gina);
	my $link = value_of($node, "SELECT jwt_create_link(jwt_find_user('gina'), 'recovery')");
	my $asked = answer_to(undef, "SELECT jwt_recover('$link', 'another horse battery')");

	is($asked->{error}, 'mfa_required', 'recovery asks for the passkey');
	is(shown($asked->{mfa_token}, $passkey{alice}->get(options_of($asked->{mfa_token})))->{error}, 'invalid_grant', 'which must be the user\'s');
	is_deeply(shown($asked->{mfa_token}, $made->get(options_of($asked->{mfa_token}))), { status => 'password_set' }, 'and then sets the password');
	is(log_in($node, 'gina', 'another horse battery')->{error}, 'mfa_required', 'which is asked for the passkey as before');
	return;
}

# Whoever must have a factor, and registers a passkey
sub check_enrollment
{
	execute($node, "SELECT jwt_create_user('$_', '$PASSWORD') FROM (SELECT 1) AS s") for qw(hal ida);
	execute($node, "SELECT jwt_update_user(jwt_find_user('$_'), mfa_enrollment => 'required')") for qw(hal ida);
	my ($hal, $ida) = map { ticket($_) } qw(hal ida);
	my $creation = sub { return answer_to(undef, "SELECT jwt_passkey_register_options('$_[0]')"); };
	my $register = sub { my ($ticket, $credential) = @_; return answer_to(undef, 'SELECT jwt_passkey_register(' . quote($credential) . ", 'mine', '$ticket')"); };
	my $made = SoftPasskey->new;

	is($creation->($hal)->{user}{name}, 'hal', 'options to register are for the user of the ticket');
	is(options_of($hal)->{error}, 'invalid_grant', 'a ticket that enrolls makes no options to sign in');
	is(shown($hal, '{}')->{error}, 'invalid_grant', 'nor does it take a passkey');
	for my $case (
		[ 'the challenge of another ticket', $creation->($ida) ],
		[ 'the challenge of another ticket of the user', $creation->(ticket('hal')) ],
		[ 'the challenge of a session', answer_to(passkey_login($passkey{alice}), 'SELECT jwt_passkey_register_options()') ],
		[ 'the challenge of a login', { %{ $creation->($hal) }, challenge => answer_to(undef, 'SELECT jwt_passkey_login_options()')->{challenge} } ])
	{
		is($register->($hal, $made->create($case->[1]))->{error}, 'invalid_grant', "registration: $case->[0]");
	}
	is($register->($hal, $made->create($creation->($hal), flags => $UP))->{error}, 'invalid_request', 'a passkey that did not verify its user');
	is($register->($hal, SoftPasskey->new(id => $passkey{alice}{id})->create($creation->($hal)))->{error}, 'invalid_request', 'a credential of somebody else');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.webauthn_credentials WHERE user_id = jwt_find_user('hal')"), 0, 'none is registered');
	my $credential = $made->create($creation->($hal));
	is(value_of($node, 'BEGIN; SELECT jwt_passkey_register(' . quote($credential) . ", NULL, '$hal') ? 'access_token'; ROLLBACK"), 't', 'a registration that is rolled back');
	my $tokens = $register->($hal, $credential);

	is(proof_of($tokens), '2 pwd hwk user mfa', 'leaves the ticket, and the passkey begins a session of level 2');
	is(value_of($node, as($tokens, 'SELECT username FROM jwt_auth.users WHERE id = jwt_user_id()')), 'hal', 'of the user of the ticket');
	is(value_of($node, as($tokens, q{SELECT jwt_factors() #>> '{0,name}'})), 'mine', 'it is listed');
	is($register->($hal, SoftPasskey->new->create($creation->($ida)))->{error}, 'invalid_grant', 'the ticket is used');
	is($creation->($hal)->{error}, 'invalid_grant', 'and makes no more options');
	is(log_in($node, 'hal')->{error}, 'mfa_required', 'the next login asks for the passkey');
	is(passkey_login($made)->{error}, undef, 'which logs in as well');
	return;
}

# One answer at a time, also when many come at once
sub check_races
{
	my @sessions = map { JwtAuthSession->new($node) } 1 .. 8;
	my $ticket = ticket('alice');
	my $credential = quote($passkey{alice}->get(options_of($ticket)));
	my %count;

	$_->begin_query("SELECT coalesce(a ->> 'error', 'ok') FROM jwt_mfa_verify('$ticket', 'webauthn', $credential) AS a") for @sessions;
	$count{ answer_of($_) }++ for @sessions;
	is($count{ok}, 1, 'of eight answers at once, one signs in');
	is(($count{invalid_grant} // 0) + ($count{temporarily_unavailable} // 0), 7, 'seven are denied');
	my $jack = new_user('jack');
	my @made = map { quote(SoftPasskey->new->create(answer_to($jack, 'SELECT jwt_passkey_register_options()'))) } @sessions;

	%count = ();
	$_->query("SET jwt_auth.token = '$jack->{access_token}'") for @sessions;
	$sessions[$_]->begin_query("SELECT CASE WHEN a ? 'error' THEN a ->> 'error' ELSE 'ok' END FROM jwt_passkey_register($made[$_]) AS a") for 0 .. $#sessions;
	$count{ answer_of($_) }++ for @sessions;
	is($count{ok}, 1, 'of eight first passkeys at once, one is registered');
	is($count{'ERROR 28J04'}, 7, 'which guards the others');
	$_->close for @sessions;
	return;
}

sub check_standby
{
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	forget();
	$node->backup('backup');
	$standby->init_from_backup($node, 'backup', has_streaming => 1);
	$standby->start;
	my ($ticket, $other) = (ticket('alice'), ticket('ida'));
	$node->wait_for_catchup($standby);
	my $options = decode_json(value_of($standby, "SELECT jwt_mfa_options('$ticket', 'webauthn')"));

	is(shown($ticket, $passkey{alice}->get($options))->{error}, undef, 'the primary takes the answer to a challenge of the standby');
	$options = decode_json(value_of($standby, "SELECT jwt_passkey_register_options('$other')"));
	is(answer_to(undef, 'SELECT jwt_passkey_register(' . quote(SoftPasskey->new->create($options)) . ", NULL, '$other')")->{error}, undef, 'also to one that enrolls');
	is(state_of($standby, "SELECT $_"), '25006', "the standby takes none: " . substr $_, 0, 20)
	  for "jwt_mfa_verify('$ticket', 'webauthn', '{}')", "jwt_passkey_register('{}', NULL, '$other')", "jwt_enroll_totp(NULL, '$other')", "jwt_confirm_totp(gen_random_uuid(), '123456', '$other')";
	return;
}
