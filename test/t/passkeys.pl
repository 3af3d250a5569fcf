# Passkeys that the extension keeps (T144, T145, T146, T147, T148, T149, T150, T151,
# T154, T155, T156, T171, T177): a passkey in software registers and logs in; whatever else it says, or
# answers, is refused; a challenge is for one session or for a login, for 5 minutes,
# and for one answer, also when many come at once; options write nothing, and are made
# on a standby.
# At least 250 assertions

use strict;
use warnings;

use AccountTest;
use Digest::SHA qw(hmac_sha1 hmac_sha256);
use IPC::Run qw(run);
use JSON::PP;
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(decode_base64url encode_base64url);
use PostgreSQL::Test::Cluster;
use SoftPasskey;
use Test::More;

my $clients = 30;
my ($UP, $UV, $BE, $BS) = @SoftPasskey::FLAG{qw(UP UV BE BS)};
my $node = start_account_node(
	'passkeys',
	cluster => { allows_streaming => 1 },
	conf => [ "log_statement = 'none'", 'max_connections = 60', 'jwt_auth.audit = all', "jwt_auth.webauthn_rp_id = 'example.org'" ]);
my $alice = signed_in('alice');
my $bob = signed_in('bob');

check_settings();
check_options();
my $passkey = check_registration();
check_refused_registrations();
check_login($passkey);
check_limit($passkey);
check_refused_logins($passkey);
check_challenges($passkey);
check_counters();
check_users();
check_factors();
check_races($passkey);
check_turns($passkey);
check_silence($passkey);
check_standby($passkey);
check_purge();
done_testing();

# A session of level 2, in which further passkeys may be registered
sub signed_in
{
	my ($name) = @_;

	return decode_json(value_of($node, "SELECT jwt_start_session(jwt_find_user('$name'), '{mfa}')"));
}

# What a statement gives to an identity, or with its SQLSTATE
sub as
{
	my ($who, $query) = @_;

	return "SET jwt_auth.token = '$who->{access_token}'; $query";
}

sub answer_to
{
	my ($who, $query) = @_;

	return decode_json(value_of($node, defined $who ? as($who, $query) : $query));
}

sub creation { return answer_to($_[0], 'SELECT jwt_passkey_register_options()'); }

sub request { return answer_to(undef, 'SELECT jwt_passkey_login_options()'); }

sub registered
{
	my ($who, $credential, $name) = @_;

	return answer_to($who, 'SELECT jwt_passkey_register(' . quote($credential) . ', ' . quote($name) . ')');
}

sub logged_in
{
	my ($credential) = @_;

	return answer_to(undef, 'SELECT jwt_passkey_login(' . quote($credential) . ')');
}

sub count_of { return value_of($node, "SELECT count(*) FROM jwt_auth.$_[0]"); }

sub last_reason
{
	return value_of($node, "SELECT reason FROM jwt_auth.audit_log WHERE event = '$_[0]' ORDER BY id DESC LIMIT 1");
}

sub new_passkey
{
	my ($who, %is) = @_;
	my $made = SoftPasskey->new(%is);

	is(registered($who, $made->create(creation($who)))->{error}, undef, 'a passkey is registered') or die;
	return $made;
}

sub check_settings
{
	for my $case (
		[ rp_id => 'https://example.org' ], [ rp_id => 'example.org:443' ], [ rp_id => 'Example.org' ], [ rp_id => '.org' ], [ rp_id => 'example.org/' ], [ rp_id => 'a' x 254 ],
		[ origins => 'example.org' ], [ origins => 'https://example.org/' ], [ origins => 'https://' ], [ origins => 'https://*.example.org' ], [ origins => 'https://Example.org' ], [ origins => 'https://me@example.org' ],
		[ origins => 'https://example.org, https:example.org' ], [ user_verification => 'never' ])
	{
		my ($name, $value) = @$case;

		is(state_of($node, "SET jwt_auth.webauthn_$name = '$value'"), '22023', "webauthn_$name refuses $value");
	}
	for my $case (
		[ rp_id => 'localhost' ], [ rp_id => 'a' x 253 ], [ origins => 'https://example.org:8443, http://localhost:3000' ],
		[ origins => 'http://[::1]:3000' ], [ origins => "https://a.example\nandroid:apk-key-hash:AAAA" ], [ user_verification => 'preferred' ])
	{
		my ($name, $value) = @$case;

		is(state_of($node, "SET jwt_auth.webauthn_$name = '$value'"), '', "webauthn_$name accepts $value");
	}
	for my $call ('jwt_passkey_register_options()', "jwt_passkey_register('{}')", 'jwt_passkey_login_options()', "jwt_passkey_login('{}')")
	{
		is(state_of($node, as($alice, "SET jwt_auth.webauthn_rp_id = ''; SELECT $call")), '55000', "without webauthn_rp_id, a call is refused: $call");
	}
	return;
}

sub check_options
{
	my $options = creation($alice);
	my ($challenge, $handle) = (delete $options->{challenge}, delete $options->{user}{id});

	is_deeply(
		$options,
		{
			rp => { id => 'example.org', name => 'example.org' },
			user => { name => 'alice', displayName => 'alice' },
			pubKeyCredParams => [ map { { type => 'public-key', alg => $_ } } -7, -8, -257 ],
			timeout => 300000,
			excludeCredentials => [],
			authenticatorSelection => { residentKey => 'required', requireResidentKey => JSON::PP::true, userVerification => 'required' },
			attestation => 'none'
		},
		'options to register have all members');
	is(length decode_base64url($handle), 16, 'the user handle has 16 bytes');
	cmp_ok(length decode_base64url($challenge), '>=', 32, 'a challenge has at least 32 bytes');
	isnt(creation($alice)->{challenge}, $challenge, 'each challenge is different');
	$options = request();
	is_deeply(
		{ %$options, challenge => undef },
		{ challenge => undef, timeout => 300000, rpId => 'example.org', allowCredentials => [], userVerification => 'required' },
		'options to log in name no user');
	is(answer_to(undef, "SET jwt_auth.webauthn_rp_name = 'The Example'; SET jwt_auth.webauthn_user_verification = discouraged; "
			  . as($alice, 'SELECT jwt_passkey_register_options()'))->{rp}{name}, 'The Example', 'options to register have the name of the application');
	for my $call ('jwt_passkey_register_options()', "jwt_passkey_register('{}')")
	{
		is(state_of($node, "SELECT $call"), '28J03', "without an identity, a call is refused: $call");
		is(state_of($node, as({ access_token => value_of($node, "SELECT jwt_sign(jsonb_build_object('sub', id)) FROM jwt_auth.users WHERE username = 'alice'") }, "SELECT $call")),
			'28J04', "with a token without a session, a call is refused: $call");
		my $old = log_in($node, 'alice');

		execute($node, 'UPDATE jwt_auth.sessions SET created_at = created_at - interval \'6 minutes\' WHERE id = '
			  . quote(value_of($node, "SELECT (jwt_decode('$old->{access_token}')).claims ->> 'sid'")));
		is(state_of($node, as($old, "SELECT $call")), '28J04', "6 minutes after the login, a call is refused: $call");
	}
	for my $call ("jwt_passkey_register('{}')", "jwt_passkey_login('{}')")
	{
		is(state_of($node, as($alice, "SET default_transaction_read_only = on; SELECT $call")), '25006', "in a read-only transaction, a call is refused: $call");
	}
	for my $call ('jwt_passkey_register(NULL)', 'jwt_passkey_login(NULL)', "jwt_passkey_register('{}', '')", "jwt_passkey_register('{}', repeat('n', 101))")
	{
		is(state_of($node, as($alice, "SELECT $call")), '22023', "an argument is refused: $call");
	}
	my $before = value_of($node, "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE schemaname = 'jwt_auth'");

	is(value_of($node, 'BEGIN READ ONLY; SELECT count(jwt_passkey_login_options()) FROM generate_series(1, 20000); COMMIT'), 20000, '20,000 options are created in a read-only transaction');
	is(count_of('used_handles'), 0, 'options write no row');
	return;
}

sub check_registration
{
	my $made = SoftPasskey->new(counter => 0);
	my $version = value_of($node, "SELECT credentials_version FROM jwt_auth.users WHERE username = 'alice'");
	my $options = creation($alice);
	my $answer = registered($alice, $made->create($options), 'My phone');
	my $id = delete $answer->{id};

	is_deeply(
		$answer,
		{
			credential_id => encode_base64url($made->{id}), name => 'My phone', user_verified => JSON::PP::true,
			backup_eligible => JSON::PP::false, backed_up => JSON::PP::false
		},
		'a registration returns id, name and flags');
	is(value_of($node, "SELECT name, counter, aaguid, transports, user_handle = '" . unpack('H*', decode_base64url($options->{user}{id}))
			  . "', public_key ->> 'alg', last_used_at FROM jwt_auth.webauthn_credentials WHERE id = '$id'"),
		'My phone|0|00112233-4455-6677-8899-aabbccddeeff|["internal"]|t|ES256|', 'a registration stores key, handle, counter and transports');
	is(value_of($node, "SELECT credentials_version FROM jwt_auth.users WHERE username = 'alice'"), $version + 1, 'a registration raises the credentials version');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'passkey_added'"), 1, 'a registration is audited');
	my $next = creation($alice);

	is($next->{user}{id}, $options->{user}{id}, 'a user keeps the handle');
	is_deeply($next->{excludeCredentials}, [ { type => 'public-key', id => encode_base64url($made->{id}), transports => ['internal'] } ],
		'the next options exclude the passkey');
	isnt(creation($bob)->{user}{id}, $options->{user}{id}, 'another user has another handle');
	execute($node, "SELECT jwt_create_user('carol', '$PASSWORD', email => 'carol\@example.org')");
	new_passkey(log_in($node, 'carol'));
	is(value_of($node, "SELECT count(*) FROM jwt_auth.outbox WHERE kind = 'factor_added' AND recipient = 'carol\@example.org'"), 1, 'a registration is notified');
	return $made;
}

sub check_refused_registrations
{
	my $before = count_of('webauthn_credentials');
	my $other = signed_in('alice');
	my $made = SoftPasskey->new;
	my $stale = $made->create(creation($alice));

	is(registered($alice, $stale, undef)->{error}, undef, 'a challenge is answered once');
	is(registered($alice, $stale)->{error}, 'invalid_grant', 'a challenge is not answered twice');
	$before++;
	for my $case (
		[ 'the challenge of another session', creation($other) ], [ 'the challenge of another user', creation($bob) ],
		[ 'the challenge of a login', { %{ creation($alice) }, challenge => request()->{challenge} } ],
		[ 'a challenge of its own', { %{ creation($alice) }, challenge => encode_base64url('c' x 94) } ],
		[ 'a short challenge', { %{ creation($alice) }, challenge => encode_base64url('c' x 32) } ],
		[ 'no challenge', { %{ creation($alice) }, challenge => '' } ])
	{
		is(registered($alice, $made->create($case->[1]))->{error}, 'invalid_grant', "a registration is denied with $case->[0]");
	}
	for my $case (
		[ 'the other ceremony', type => 'webauthn.get' ], [ 'a suffix of the origin', origin => 'https://example.org.evil.example' ],
		[ 'http', origin => 'http://example.org' ], [ 'a port', origin => 'https://example.org:8443' ], [ 'a subdomain', origin => 'https://www.example.org' ],
		[ 'another domain', rp_id => 'example.com' ], [ 'a page inside another', crossOrigin => JSON::PP::true ], [ 'nobody present', flags => $UV ],
		[ 'nobody verified', flags => $UP ], [ 'backed up, but not eligible', flags => $UP | $UV | $BS ], [ 'another id', id => 'another id' ],
		[ 'a key of no algorithm that was offered', cose => $made->cose =~ s/\x03\x26/\x03\x38\x22/r ], [ 'a key off its curve', cose => substr($made->cose, 0, -1) . 'x' ],
		[ 'a byte behind the key', cose => $made->cose . "\0" ])
	{
		my ($what, @changes) = @$case;
		my $credential = SoftPasskey->new->create(creation($alice), @changes);

		is(registered($alice, $credential)->{error}, 'invalid_request', "a registration is refused with $what");
		is(registered($alice, $credential)->{error}, 'invalid_grant', "a refused registration consumes the challenge: $what");
	}
	for my $form ('{}', '[]', '"a"', 'null', '{"type":"public-key"}')
	{
		is(registered($alice, $form)->{error}, 'invalid_grant', "a registration is denied with $form");
	}
	is(registered($bob, $passkey->create(creation($bob)))->{error}, 'invalid_request', 'a credential of another user is refused');
	is(registered($alice, $passkey->create(creation($alice)))->{error}, 'invalid_request', 'a credential that is registered already is refused');
	is(last_reason('passkey_denied'), 'the passkey is registered already', 'the audit log has the reason of a refused registration');
	is(count_of('webauthn_credentials'), $before, 'no refused credential is stored');
	$passkey->{user_handle} = creation($alice)->{user}{id};
	is(logged_in($passkey->get(request()))->{error}, undef, 'the registered passkey still logs in');
	is(answer_to(undef, "SET jwt_auth.webauthn_origins = 'https://a.example https://b.example:444'; "
			  . as($alice, 'SELECT jwt_passkey_register(' . quote(SoftPasskey->new->create(creation($alice), origin => 'https://b.example:444')) . ')'))->{error},
		undef, 'a passkey from one of several origins is registered');
	is(answer_to(undef, "SET jwt_auth.webauthn_user_verification = preferred; "
			  . as($alice, 'SELECT jwt_passkey_register(' . quote(SoftPasskey->new->create(creation($alice), flags => $UP)) . ')'))->{user_verified},
		JSON::PP::false, 'a passkey without verification is registered where it is preferred');
	return;
}

sub check_login
{
	my ($made) = @_;
	my $answer = logged_in($made->get(request()));

	is_deeply([ sort keys %$answer ], [qw(access_token expires_in refresh_expires_in refresh_token token_type)], 'a login answers with tokens');
	is(value_of($node, as($answer, "SELECT username FROM jwt_auth.users WHERE id = jwt_user_id()")), 'alice', 'the tokens of a login are of the user');
	is(value_of($node, as($answer, "SELECT jwt_claims() -> 'amr'")), '["hwk", "user", "mfa"]', 'the tokens of a login have its methods');
	is(value_of($node, as($answer, 'SELECT jwt_aal()')), 2, 'a login by passkey is level 2');
	is(value_of($node, "SELECT counter = $made->{counter} AND last_used_at > now() - interval '1 minute' FROM jwt_auth.webauthn_credentials WHERE name = 'My phone'"),
		't', 'a login stores counter and time');
	is(error_of(refresh_with($node, $answer->{refresh_token})), 'ok', 'the refresh token of a login is accepted');
	is(value_of($node, "SET jwt_auth.webauthn_user_verification = discouraged; SELECT (jwt_decode(jwt_passkey_login("
			  . quote($made->get(request(), flags => $UP)) . ") ->> 'access_token')).claims -> 'amr'"),
		'["hwk", "user"]', 'a login without verification has no method mfa');
	is(value_of($node, "SET jwt_auth.webauthn_user_verification = preferred; SELECT (jwt_decode(jwt_passkey_login("
			  . quote($made->get(request(), flags => $UP)) . ") ->> 'access_token')).claims ->> 'aal'"),
		1, 'a login without verification is level 1');
	return;
}

# Beyond the limit of sessions, where that denies logins
sub check_limit
{
	my ($made) = @_;
	my $deny = sub {
		my ($query) = @_;

		return decode_json(value_of($node, "SET jwt_auth.session_limit_action = deny; SET jwt_auth.max_sessions_per_user = 1; $query"));
	};
	my $request = request();
	my $credential = quote($made->get($request));
	my $sessions = count_of('sessions');

	is($deny->("SELECT jwt_passkey_login($credential)")->{error}, 'session_limit', 'a passkey is denied at the limit of sessions');
	is(count_of('sessions'), $sessions, 'a passkey that is denied at the limit begins no session');
	is(error_of(logged_in($made->get($request))), 'invalid_grant', 'the challenge of a passkey that was denied at the limit is spent');
	is($deny->('SELECT jwt_passkey_login(' . quote($made->get(request(), rp_id => 'example.com')) . ')')->{error}, 'invalid_grant', 'at the limit, a wrong passkey is told nothing of it');
	is(error_of(logged_in($made->get(request()))), 'ok', 'without that limit, the passkey logs in');
	return;
}

sub check_refused_logins
{
	my ($made) = @_;
	my $stranger = SoftPasskey->new;
	my $handle_of_bob = creation($bob)->{user}{id};
	my $of_bob = new_passkey($bob);
	my $sessions = count_of('sessions');
	my $stored = value_of($node, "SELECT counter FROM jwt_auth.webauthn_credentials WHERE name = 'My phone'");

	for my $case (
		[ 'the other ceremony', 'invalid passkey: it belongs to the other ceremony', type => 'webauthn.create' ],
		[ 'a suffix of the origin', 'invalid passkey: its origin is not among the expected ones', origin => 'https://example.org.evil.example' ],
		[ 'the origin null', 'invalid passkey: its origin is not among the expected ones', origin => 'null' ],
		[ 'a subdomain', 'invalid passkey: its origin is not among the expected ones', origin => 'https://www.example.org' ],
		[ 'another domain', 'invalid passkey: it is for another relying party', rp_id => 'example.com' ],
		[ 'a page inside another', 'invalid passkey: it was created inside a page of another origin', crossOrigin => JSON::PP::true ],
		[ 'nobody present', 'invalid passkey: the user was not present', flags => $UV ],
		[ 'nobody verified', 'invalid passkey: the user was not verified', flags => $UP ],
		[ 'backed up, but not eligible', 'invalid passkey: it is backed up but not eligible for backup', flags => $UP | $UV | $BS ],
		[ 'eligible for backup since then', 'invalid passkey: its eligibility for backup has changed', flags => $UP | $UV | $BE ],
		[ 'a counter that stands', 'invalid passkey: its counter did not increase', counter => $stored ],
		[ 'a counter of zero', 'invalid passkey: its counter did not increase', counter => 0 ],
		[ 'the handle of another user', 'invalid passkey: it belongs to another user', user_handle => $of_bob->{user_handle} ],
		[ 'a handle of nobody', 'invalid passkey: it belongs to another user', user_handle => $handle_of_bob ],
		[ 'no handle', 'invalid passkey: it belongs to another user', user_handle => undef ],
		[ 'a signature of another passkey', 'invalid passkey: the signature is wrong', key => $of_bob ],
		[ 'a signature of a stranger', 'invalid passkey: the signature is wrong', key => $stranger ])
	{
		my ($what, $reason, @changes) = @$case;
		my $options = request();

		is(logged_in($made->get($options, @changes))->{error}, 'invalid_grant', "a login is denied with $what");
		is(last_reason('login_denied'), $reason, "the audit log has the reason of a login with $what");
		is(logged_in($made->get($options))->{error}, 'invalid_grant', "a denied login consumes the challenge: $what");
	}
	is(last_reason('login_denied'), 'the challenge was answered before', 'the audit log has the reason of a repeated answer');
	my $audited = count_of('audit_log');
	my $used = count_of('used_handles');

	for my $credential ($stranger->get(request(), user_handle => $of_bob->{user_handle}), '{}', '[]', 'null', '"a"', $made->create(creation($alice)))
	{
		is(logged_in($credential)->{error}, 'invalid_grant', 'a login is denied with ' . substr $credential, 0, 40);
	}
	is(count_of('audit_log'), $audited, 'an unknown passkey is not audited');
	is(count_of('used_handles'), $used, 'an unknown passkey consumes no challenge');
	is(count_of('sessions'), $sessions, 'denied logins start no session');
	is(value_of($node, "SELECT counter FROM jwt_auth.webauthn_credentials WHERE name = 'My phone'"), $stored, 'denied logins leave the counter');
	is(logged_in($made->get(request()))->{error}, undef, 'a passkey logs in after denied logins');
	return;
}

# A challenge as the extension makes it, with another purpose, session or time
sub challenge_of
{
	my ($purpose, $session, $age_seconds) = @_;
	my ($number, $secret) = split /\|/, value_of($node, "SELECT number, convert_from(private_jwk, 'UTF8')::jsonb ->> 'k' FROM jwt_auth.keys WHERE use = 'handle' AND verify_until IS NULL");
	my $time = value_of($node, "SELECT ((extract(epoch FROM now()) - 946684800 - $age_seconds) * 1000000)::bigint");
	my $said = pack('CNCa16a16q>a16', 1, $number, $purpose, $session, 'h' x 16, $time, 'n' x 16);

	return { rpId => 'example.org', challenge => encode_base64url($said . hmac_sha256("jwt_auth WebAuthn challenge\0$said", decode_base64url($secret))) };
}

sub check_challenges
{
	my ($made) = @_;
	my $nobody = "\0" x 16;

	is(logged_in($made->get(challenge_of(2, $nobody, 290)))->{error}, undef, 'a challenge of nearly 5 minutes ago is accepted');
	is(logged_in($made->get(challenge_of(2, $nobody, -60)))->{error}, undef, 'a challenge of a server whose clock is ahead is accepted');
	for my $case (
		[ '5 minutes old', challenge_of(2, $nobody, 301) ], [ 'a day old', challenge_of(2, $nobody, 86400) ], [ 'of tomorrow', challenge_of(2, $nobody, -86400) ],
		[ 'of the year 294276', challenge_of(2, $nobody, -9.2e12) ], [ 'to register', challenge_of(1, $nobody, 0) ], [ 'of no purpose', challenge_of(0, $nobody, 0) ],
		[ 'of another purpose', challenge_of(3, $nobody, 0) ], [ 'to register, of a session', creation($alice) ])
	{
		my ($what, $options) = @$case;

		is(logged_in($made->get({ rpId => 'example.org', %$options }))->{error}, 'invalid_grant', "a challenge is denied that is $what");
	}
	my $right = request();
	my $bytes = decode_base64url($right->{challenge});
	my $accepted = 0;

	for my $bit (map { int rand 8 * length $bytes } 1 .. 12)
	{
		my $turned = $bytes;

		vec($turned, $bit, 1) ^= 1;
		$accepted++ unless logged_in($made->get({ %$right, challenge => encode_base64url($turned) }))->{error};
	}
	is($accepted, 0, 'a challenge with a flipped bit is denied');
	my $credential = $made->get($right);

	is(value_of($node, 'BEGIN; SELECT jwt_passkey_login(' . quote($credential) . ") ? 'access_token'; ROLLBACK"), 't', 'a login in a transaction succeeds');
	is(logged_in($credential)->{error}, undef, 'a login that is rolled back does not consume its challenge');
	is(logged_in($credential)->{error}, 'invalid_grant', 'a login that is committed consumes its challenge');
	return;
}

sub check_counters
{
	my $synced = new_passkey($bob, flags => $UP | $UV | $BE | $BS, counter => 10);
	my $row = "FROM jwt_auth.webauthn_credentials WHERE credential_id = '\\x" . unpack('H*', $synced->{id}) . "'";

	is(logged_in($synced->get(request()))->{error}, undef, 'a synced passkey logs in');
	is(value_of($node, "SELECT counter, backed_up $row"), '11|t', 'the counter of a synced passkey is stored');
	for my $counter (11, 4, 0)
	{
		is(logged_in($synced->get(request(), counter => $counter))->{error}, undef, "a synced passkey logs in when its counter falls to $counter");
		is(value_of($node, "SELECT counter $row"), 11, 'a lower counter is not stored');
	}
	is(value_of($node, "SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'passkey_counter_fell'"), 3, 'each lower counter is audited');
	is(logged_in($synced->get(request(), flags => $UP | $UV | $BE, counter => 12))->{error}, undef, 'a passkey that is no longer backed up logs in');
	is(value_of($node, "SELECT backed_up $row"), 'f', 'the state of the backup is stored');
	is(logged_in($synced->get(request(), flags => $UP | $UV, counter => 13))->{error}, 'invalid_grant', 'a passkey that is no longer eligible for backup is denied');
	is(value_of($node, 'SELECT (jwt_decode(jwt_passkey_login(' . quote($synced->get(request(), counter => 14)) . ") ->> 'access_token')).claims -> 'amr'"),
		'["swk", "user", "mfa"]', 'a login by a synced passkey has the method swk');
	my $silent = new_passkey($bob, counter => undef);

	is(logged_in($silent->get(request()))->{error}, undef, 'a passkey without a counter logs in') for 1 .. 2;
	return;
}

sub check_users
{
	execute($node, "SELECT jwt_create_user('dave', '$PASSWORD')");
	my $dave = log_in($node, 'dave');
	my $made = new_passkey($dave);
	my $user = value_of($node, "SELECT id FROM jwt_auth.users WHERE username = 'dave'");

	execute($node, "SELECT jwt_disable_user('$user')");
	is(logged_in($made->get(request()))->{error}, 'invalid_grant', 'a passkey of a disabled user is denied');
	is(last_reason('login_denied'), 'user disabled', 'the audit log has the reason of a disabled user');
	is(state_of($node, as($dave, 'SELECT jwt_passkey_register_options()')), '28J02', 'a disabled user gets no options');
	execute($node, "SELECT jwt_enable_user('$user')");
	is(logged_in($made->get(request()))->{error}, undef, 'a passkey logs in after its user was enabled again');
	execute($node, "SELECT jwt_ban_user('$user')");
	is(logged_in($made->get(request()))->{error}, 'invalid_grant', 'a passkey of a banned user is denied');
	execute($node, "SELECT jwt_unban_user('$user')");
	$dave = signed_in('dave');
	execute($node, "INSERT INTO jwt_auth.webauthn_credentials (id, user_id, credential_id, public_key, user_handle, counter, backup_eligible, backed_up, aaguid, created_at)"
		  . " SELECT gen_random_uuid(), user_id, decode(md5(n::text), 'hex'), public_key, user_handle, 0, false, false, aaguid, now()"
		  . " FROM jwt_auth.webauthn_credentials, generate_series(1, 31) AS n WHERE user_id = '$user'");
	is(registered($dave, SoftPasskey->new->create(creation($dave)))->{error}, 'invalid_request', 'the 33rd passkey of a user is refused');
	execute($node, "SELECT jwt_delete_user('$user')");
	is(value_of($node, "SELECT count(*) FROM jwt_auth.webauthn_credentials WHERE user_id = '$user'"), 0, 'deleting a user deletes the passkeys');
	is(logged_in($made->get(request()))->{error}, 'invalid_grant', 'a passkey of a deleted user is denied');
	return;
}

# The code of an authenticator (RFC 6238), of a secret in base32
sub totp
{
	my ($secret) = @_;
	my %value = map { (('A' .. 'Z', 2 .. 7)[$_] => $_) } 0 .. 31;
	my $bits = join '', map { sprintf '%05b', $value{$_} } split //, $secret;
	my $mac = hmac_sha1(pack('Q>', int(time / 30)), pack('B*', $bits));

	return sprintf '%06d', (unpack('N', substr($mac, ord(substr $mac, -1) & 15, 4)) & 0x7fffffff) % 1000000;
}

# Passkeys among the factors of a user
sub check_factors
{
	execute($node, "SELECT jwt_create_user('erin', '$PASSWORD')");
	my $erin = log_in($node, 'erin');
	my $kept = new_passkey($erin);

	for my $call ('jwt_passkey_register_options()', "jwt_passkey_register('{}')")
	{
		is(state_of($node, as($erin, "SELECT $call")), '28J04', "a password alone adds no second passkey: $call");
	}
	my $lost = new_passkey(signed_in('erin'));
	my ($first, $second) = @{ answer_to($erin, 'SELECT jwt_factors()') };
	my $sure = logged_in($lost->get(request()));
	my $remove = sub { return "SELECT jwt_remove_factor('$_[0]{id}') ->> $_[1]"; };

	is($first->{type}, 'webauthn', 'a passkey is a factor');
	is(state_of($node, as($erin, $remove->($second, "'status'"))), '28J04', 'a session of level 1 does not remove a passkey');
	is(value_of($node, as($bob, $remove->($second, "'error'"))), 'invalid_request', 'another user does not remove a passkey');
	is(value_of($node, as($sure, 'SELECT jwt_aal()')), 2, 'a login by passkey has level 2');
	is(value_of($node, as($sure, $remove->($second, "'status'"))), 'factor_removed', 'a session of level 2 removes its passkey');
	is(value_of($node, as($sure, 'SELECT jwt_aal()')), 1, 'a session falls to level 1 when its passkey is removed');
	is(logged_in($lost->get(request()))->{error}, 'invalid_grant', 'a removed passkey is denied');
	$sure = logged_in($kept->get(request()));
	is($sure->{error}, undef, 'the remaining passkey logs in');
	is(value_of($node, as($sure, $remove->($second, "'error'"))), 'invalid_request', 'a removed passkey is not removed twice');
	my $totp = answer_to($sure, 'SELECT jwt_enroll_totp()');

	is(answer_to($sure, "SELECT jwt_confirm_totp('$totp->{factor_id}', '" . totp($totp->{secret}) . "')")->{status}, 'factor_added', 'a session by passkey enrolls an authenticator');
	for my $call ('jwt_passkey_register_options()', "jwt_passkey_register('{}')")
	{
		is(state_of($node, as($erin, "SELECT $call")), '28J04', "beside an authenticator, level 1 does not add a passkey: $call");
	}
	is(registered($sure, SoftPasskey->new->create(creation($sure)))->{error}, undef, 'beside an authenticator, level 2 adds a passkey');
	is(scalar @{ answer_to($sure, 'SELECT jwt_factors()') }, 3, 'passkeys and authenticators are listed as factors');
	is(answer_to(undef, 'SET jwt_auth.webauthn_user_verification = preferred; SELECT jwt_passkey_login('
			  . quote($kept->get(request(), flags => $UP)) . ')')->{error}, 'mfa_required', 'an unverified login by passkey asks for a second factor');
	execute($node, "SELECT jwt_reset_factors(id) FROM jwt_auth.users WHERE username = 'erin'");
	is(value_of($node, as($erin, 'SELECT jwt_factors()')), '[]', 'a reset removes all factors');
	is(logged_in($kept->get(request()))->{error}, 'invalid_grant', 'a reset passkey is denied');
	is(value_of($node, as($sure, 'SELECT jwt_aal()')), 1, 'a reset takes level 2 from a session by passkey');
	return;
}

# Everybody at once: the same answer
sub check_races
{
	my ($made) = @_;

	$alice = signed_in('alice');
	my $registered = SoftPasskey->new;
	my $script = PostgreSQL::Test::Utils::tempdir() . '/race.sql';

	execute($node, 'CREATE TABLE outcome (what text, answer jsonb)');
	for my $case (
		[ 'login', 'SELECT 1;', 'jwt_passkey_login(' . quote($made->get(request())) . ')', 'access_token' ],
		[ 'registration', "SET jwt_auth.token = '$alice->{access_token}';", 'jwt_passkey_register(' . quote($registered->create(creation($alice))) . ')', 'credential_id' ])
	{
		my ($what, $first, $call, $right) = @$case;
		my $output = '';

		open my $file, '>', $script or die "could not write a script: $!\n";
		print $file "$first\nINSERT INTO outcome SELECT '$what', $call;\n";
		close $file or die "could not write a script: $!\n";
		run([ 'pgbench', '-n', '-c', $clients, '-j', 2, '-t', 1, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$output, '2>&1');
		is(value_of($node, "SELECT count(*) FROM outcome WHERE what = '$what' AND answer ? '$right'"), 1, "$what: one of $clients concurrent answers succeeds")
		  or diag $output;
		is(value_of($node, "SELECT count(*) FROM outcome WHERE what = '$what' AND NOT answer ? '$right' AND answer ->> 'error' NOT IN ('invalid_grant', 'temporarily_unavailable')"),
			0, "$what: the others are denied");
	}
	return;
}

# One after the other, when the first has not ended
sub check_turns
{
	my ($made) = @_;

	($alice, $bob) = map { signed_in($_) } qw(alice bob);
	my ($first, $second) = map { JwtAuthSession->new($node) } 1 .. 2;

	for my $case ([ 'ROLLBACK', '' ], [ 'COMMIT', 'invalid_grant' ])
	{
		my ($end, $error) = @$case;
		my $call = 'SELECT coalesce(a ->> \'error\', \'\') FROM jwt_passkey_login(' . quote($made->get(request())) . ') AS a';

		is(ask($first, "BEGIN; $call"), '', 'an answer in an open transaction succeeds');
		$second->begin_query($call);
		wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'jwt_passkey_login' AND state = 'active' AND wait_event IS NOT NULL", 1);
		ask($first, $end);
		is(answer_of($second), $error, "the same answer waits for the first and its $end");
	}
	my $twice = SoftPasskey->new;
	my $of = sub {
		my ($who) = @_;

		return as($who, 'SELECT coalesce(a ->> \'error\', \'\') FROM jwt_passkey_register(' . quote($twice->create(creation($who))) . ') AS a');
	};

	is(ask($first, 'BEGIN; ' . $of->($alice)), '', 'a credential is registered in an open transaction');
	$second->begin_query($of->($bob));
	wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'jwt_passkey_register' AND state = 'active' AND wait_event IS NOT NULL", 1);
	ask($first, 'COMMIT');
	is(answer_of($second), 'invalid_request', 'a credential that another user registered meanwhile is refused');
	my $carol = signed_in('carol');
	my $late = SoftPasskey->new->create(creation($carol));

	ask($first, "BEGIN; SELECT FROM jwt_auth.users WHERE username = 'carol' FOR UPDATE; UPDATE jwt_auth.sessions SET revoked_at = now() WHERE user_id = (SELECT id FROM jwt_auth.users WHERE username = 'carol')");
	$second->begin_query(as($carol, 'SELECT jwt_passkey_register(' . quote($late) . ')'));
	wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'jwt_passkey_register' AND wait_event_type = 'Lock'", 1);
	ask($first, 'COMMIT');
	is(answer_of($second), 'ERROR 28J03', 'a session that ended meanwhile registers no passkey');
	ask($second, 'RESET jwt_auth.token');
	my $call = 'SELECT jwt_passkey_login(' . quote($made->get(request())) . ') ? \'access_token\'';

	ask($first, 'RESET jwt_auth.token; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	is(ask($second, $call), 't', 'a login succeeds beside an older snapshot');
	is(ask($first, $call), 'ERROR 40001', 'the same answer under an older snapshot fails with 40001');
	ask($first, 'ROLLBACK');
	$_->close for $first, $second;
	return;
}

# An assertion that was not used logs somebody in: the log shows none when a trigger,
# a time limit or a setting makes the call fail.
sub check_silence
{
	my ($made) = @_;
	my $credential = $made->get(request());
	my $signature = decode_json($credential)->{response}{signature};
	my $call = 'SELECT jwt_passkey_login(' . quote($credential) . ')';

	execute($node, 'CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE \'not now\'; END $$');
	for my $case (
		[ 'P0001', 'CREATE TRIGGER fail BEFORE INSERT ON jwt_auth.sessions FOR EACH ROW EXECUTE FUNCTION fail()', 'DROP TRIGGER fail ON jwt_auth.sessions' ],
		[ 'P0001', 'CREATE TRIGGER fail BEFORE INSERT ON jwt_auth.used_handles FOR EACH ROW EXECUTE FUNCTION fail()', 'DROP TRIGGER fail ON jwt_auth.used_handles' ],
		[ '25006', 'ALTER DATABASE postgres SET default_transaction_read_only = on', 'SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only' ],
		[ '55000', "ALTER DATABASE postgres SET jwt_auth.webauthn_rp_id = ''", 'ALTER DATABASE postgres RESET jwt_auth.webauthn_rp_id' ])
	{
		my ($state, $before, $after) = @$case;

		execute($node, $before);
		is(state_of($node, $call), $state, "a login fails with $state");
		execute($node, $after);
	}
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);

	unlike($log, qr/\Q$signature\E/, 'the log holds no assertion of a failed login');
	like($log, qr/not now/, 'the log has the errors of failed logins');
	is(logged_in($credential)->{error}, undef, 'the assertion of a failed login still logs in');
	return;
}

sub check_standby
{
	my ($made) = @_;

	($alice, $bob) = map { signed_in($_) } qw(alice bob);
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	$node->backup('backup');
	$standby->init_from_backup($node, 'backup', has_streaming => 1);
	$standby->start;
	$node->wait_for_catchup($standby);
	my $options = decode_json(value_of($standby, 'SELECT jwt_passkey_login_options()'));

	is(logged_in($made->get($options))->{error}, undef, 'the primary accepts the answer to a challenge of the standby');
	$options = decode_json(value_of($standby, as($alice, 'SELECT jwt_passkey_register_options()')));
	is(registered($alice, SoftPasskey->new->create($options))->{error}, undef, 'the primary accepts a registration for a challenge of the standby');
	is(state_of($standby, 'SELECT jwt_passkey_login(' . quote($made->get(request())) . ')'), '25006', 'the standby refuses a login');
	is(state_of($standby, as($alice, "SELECT jwt_passkey_register('{}')")), '25006', 'the standby refuses a registration');
	return;
}

sub check_purge
{
	cmp_ok(count_of('used_handles'), '>', 10, 'answered challenges are stored');
	execute($node, 'SELECT jwt_purge()');
	cmp_ok(count_of('used_handles'), '>', 10, 'a purge keeps answered challenges while they are valid');
	execute($node, "UPDATE jwt_auth.used_handles SET expires_at = expires_at - interval '11 minutes'");
	execute($node, 'SELECT jwt_purge()');
	is(count_of('used_handles'), 0, 'a purge removes answered challenges that have expired');
	return;
}
