# Passkeys of a real browser: Chromium reads the options, its virtual authenticator
# makes and uses a passkey, and the extension takes what toJSON() writes.
# At least 66 assertions

use strict;
use warnings;

use AccountTest;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use IPC::Run qw(run start timeout);
use JSON::PP ();
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'SKIP_BROWSER is set' if $ENV{SKIP_BROWSER};

my $PACKAGE = 'playwright-core@1.60.0';
my $SECONDS = 120;

my $json = JSON::PP->new->canonical->utf8;
my $node = start_account_node('browser_passkeys');
my $browser = start_browser();
my ($origin) = map { $_->{origin} } said();
my $settings = "SET jwt_auth.webauthn_rp_id = 'localhost'; SET jwt_auth.webauthn_origins = '$origin'";
my $alice = $json->decode(value_of($node, "SELECT jwt_start_session(jwt_find_user('alice'), '{mfa}')"));

my $made = ask_browser('create', creation());
is($made->{error}, undef, 'the browser creates a passkey from the options') or BAIL_OUT($made->{error});
my $registered = registered($made);
is($registered->{credential_id}, $made->{id}, 'a passkey of the browser is registered') or diag explain $registered;
is($registered->{user_verified}, JSON::PP::true, 'a registered passkey reports a verified user');
like(ask_browser('create', creation())->{error}, qr/InvalidStateError/, 'the browser creates no second passkey on the same authenticator');

my $used = ask_browser('get', request());
is($used->{error}, undef, 'the browser uses a passkey without a username');
my $tokens = logged_in($used);
is($tokens->{token_type}, 'Bearer', 'a passkey logs in') or diag explain $tokens;
is(value_of($node, "SET jwt_auth.token = '$tokens->{access_token}'; SELECT username FROM jwt_auth.users WHERE id = jwt_user_id()"), 'alice', 'a login by passkey is of the user who registered it');
is(level_of($tokens), 2, 'a login by passkey is level 2');
is(logged_in($used)->{error}, 'invalid_grant', 'a used assertion is denied');
is(logged_in(ask_browser('get', request()))->{error}, undef, 'a new assertion logs in');
is(logged_in({ %$used, id => 'AAAA', rawId => 'AAAA' })->{error}, 'invalid_grant', 'an assertion with another id is denied');
$settings =~ s/localhost:\d+/localhost:1/;
is(logged_in(ask_browser('get', request()))->{error}, 'invalid_grant', 'an assertion from a page of another port is denied');
$settings =~ s/localhost:1'/$origin =~ s{^.*?\/\/}{}r . "'"/e;

check_user_verification();
check_kinds();
check_clones();
check_removed();
check_second_factor();

$browser->{timer}->start($SECONDS);
$browser->{run}->finish;
done_testing();

# What the settings ask for decides whether a passkey without a PIN or finger is made
# and accepted; it is one kind of proof. Chromium uses such a one only if it is named.
sub check_user_verification
{
	my $plain = $settings;

	ask_browser('authenticator', { isUserVerified => JSON::PP::false });
	like(ask_browser('create', creation())->{error}, qr/NotAllowedError/, 'the browser creates no passkey without verifying the user');
	for my $wanted (qw(preferred discouraged))
	{
		my $lenient = "$plain; SET jwt_auth.webauthn_user_verification = $wanted";

		$settings = $lenient;
		ask_browser('authenticator', { hasUserVerification => JSON::PP::false, isUserVerified => JSON::PP::false });
		my $registered = registered(ask_browser('create', creation()));
		my %named = (allowCredentials => [ { type => 'public-key', id => $registered->{credential_id} } ]);

		is($registered->{user_verified}, JSON::PP::false, "user verification $wanted: a passkey without it is registered") or diag explain $registered;
		my $used = ask_browser('get', { %{ request() }, %named });
		is($used->{error}, undef, "user verification $wanted: the browser uses a passkey without it");
		is(level_of(logged_in($used)), 1, "user verification $wanted: a login without it is level 1");
		$used = ask_browser('get', { %{ request() }, %named });
		$settings = $plain;
		is(logged_in($used)->{error}, 'invalid_grant', "user verification required: a login without it is denied, although it was registered as $wanted");
		like(last_denial(), qr/verified/, "user verification required: the denial is audited with its reason, although registered as $wanted");
		like(ask_browser('get', { %{ request() }, %named })->{error}, qr/NotAllowedError/, "user verification required: the browser does not use a passkey that was registered as $wanted");
	}
	return;
}

# A passkey is kept on the authenticator, which logs in without a name; one that is
# synced does so as well.
sub check_kinds
{
	ask_browser('authenticator', { hasResidentKey => JSON::PP::false });
	like(ask_browser('create', creation())->{error}, qr/NotAllowedError|ConstraintError/, 'an authenticator without resident keys creates no passkey');
	like(ask_browser('get', request())->{error}, qr/NotAllowedError/, 'an authenticator without resident keys has no passkey to log in with');
	ask_browser('authenticator', { protocol => 'u2f', transport => 'usb', hasResidentKey => JSON::PP::false, hasUserVerification => JSON::PP::false });
	like(ask_browser('create', creation())->{error}, qr/NotAllowedError|ConstraintError/, 'a U2F authenticator creates no passkey');
	ask_browser('authenticator', { transport => 'usb' });
	my $registered = registered(ask_browser('create', creation()));
	is($registered->{error}, undef, 'a security key creates a passkey') or diag explain $registered;
	is(level_of(logged_in(ask_browser('get', request()))), 2, 'a login with a security key is level 2');
	ask_browser('authenticator', { defaultBackupEligibility => JSON::PP::true, defaultBackupState => JSON::PP::true });
	$registered = registered(ask_browser('create', creation()));
	is($registered->{backed_up}, JSON::PP::true, 'a synced passkey is registered as backed up');
	is(logged_in(ask_browser('get', request()))->{error}, undef, 'a synced passkey logs in');
	return;
}

# Two authenticators with the same key: the one that lags behind gives it away.
sub check_clones
{
	ask_browser('authenticator', {});
	registered(ask_browser('create', creation()));
	is(logged_in(ask_browser('get', request()))->{error}, undef, "login $_ with a passkey that counts") for 1 .. 2;
	my $count = value_of($node, 'SELECT counter FROM jwt_auth.webauthn_credentials ORDER BY created_at DESC LIMIT 1');

	cmp_ok($count, '>', 1, 'the counter of a passkey rises with each use');
	is(ask_browser('clone', { signCount => 0 })->{cloned}, 1, 'a passkey is copied with a lower counter');
	is(logged_in(ask_browser('get', request()))->{error}, 'invalid_grant', 'a copied passkey with a lower counter is denied');
	like(last_denial(), qr/counter/, 'the denial of a copied passkey is audited with its reason');
	ask_browser('clone', { signCount => $count + 10 });
	is(logged_in(ask_browser('get', request()))->{error}, undef, 'a passkey with a higher counter still logs in after its copy was denied');
	ask_browser('authenticator', { defaultBackupEligibility => JSON::PP::true, defaultBackupState => JSON::PP::true });
	registered(ask_browser('create', creation()));
	logged_in(ask_browser('get', request())) for 1 .. 2;
	ask_browser('clone', { signCount => 0, defaultBackupEligibility => JSON::PP::true, defaultBackupState => JSON::PP::true });
	is(logged_in(ask_browser('get', request()))->{error}, undef, 'a synced passkey with a lower counter logs in');
	is(value_of($node, "SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'passkey_counter_fell'"), 1, 'the lower counter of a synced passkey is audited');
	return;
}

# On either side
sub check_removed
{
	ask_browser('authenticator', {});
	my $registered = registered(ask_browser('create', creation()));
	my $tokens = logged_in(ask_browser('get', request()));

	is(level_of($tokens), 2, 'a passkey that is not removed yet logs in at level 2');
	is(answer_to("SET jwt_auth.token = '$tokens->{access_token}'; SELECT jwt_remove_factor('$registered->{id}')")->{status}, 'factor_removed', 'a user removes a passkey');
	is(level_of($tokens), 1, 'the session of a removed passkey falls to level 1');
	my $before = value_of($node, 'SELECT count(*) FROM jwt_auth.audit_log');

	is(logged_in(ask_browser('get', request()))->{error}, 'invalid_grant', 'a removed passkey that the browser still has is denied');
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.audit_log'), $before, 'a login with a removed passkey writes nothing');
	is(registered(ask_browser('create', creation()))->{error}, undef, 'an authenticator with a removed passkey creates another one');
	ask_browser('forget', {});
	like(ask_browser('get', request())->{error}, qr/NotAllowedError/, 'the browser does not use a passkey that its authenticator has lost');
	return;
}

# After a password the browser is asked for a passkey by its id, and one kind of proof is
# enough: a passkey without verification of the user serves as well as another.
sub check_second_factor
{
	my $plain = $settings;

	for my $case ([ 'with user verification', 'required', {} ], [ 'without user verification', 'preferred', { hasUserVerification => JSON::PP::false, isUserVerified => JSON::PP::false } ])
	{
		my ($how, $wanted, $authenticator) = @$case;

		execute($node, "SELECT jwt_reset_factors(jwt_find_user('bob'))");
		$settings = "$plain; SET jwt_auth.webauthn_user_verification = $wanted";
		ask_browser('authenticator', $authenticator);
		my $bob = log_in($node, 'bob');
		my $begun = ask_browser('create', answer_to(as($bob, 'SELECT jwt_passkey_register_options()')));
		my $registered = answer_to(as($bob, 'SELECT jwt_passkey_register(' . quote($json->encode($begun)) . ')'));

		is($registered->{error}, undef, "$how: a first passkey is registered") or diag explain $registered;
		my $ticket = log_in($node, 'bob')->{mfa_token};
		my $used = ask_browser('get', options_of($ticket));
		my $tokens = verified($ticket, $used);

		is(level_of($tokens), 2, "$how: a password and a passkey are level 2") or diag explain $used, $tokens;
		is(verified($ticket, $used)->{error}, 'invalid_grant', "$how: a used ticket is denied");
		is(verified(log_in($node, 'bob')->{mfa_token}, $used)->{error}, 'invalid_grant', "$how: an assertion for another ticket is denied");
		my $low = $json->decode(value_of($node, "SELECT jwt_start_session(jwt_find_user('bob'), '{pwd}')"));

		is(level_of($low), 1, "$how: a session begins at level 1");
		$ticket = answer_to(as($low, 'SELECT jwt_step_up()'))->{mfa_token};
		$tokens = verified($ticket, ask_browser('get', options_of($ticket)));
		is(level_of($tokens), 2, "$how: a passkey lifts it to level 2") or diag explain $tokens;
		ask_browser('clone', { %$authenticator, signCount => 0 });
		$ticket = log_in($node, 'bob')->{mfa_token};
		is(verified($ticket, ask_browser('get', options_of($ticket)))->{error}, 'invalid_grant', "$how: a copied passkey with a lower counter is denied as second factor");
		ask_browser('forget', {});
		like(ask_browser('get', options_of($ticket))->{error}, qr/NotAllowedError/, "$how: an authenticator that has lost the passkey gives no second factor");
		is(answer_to(as($tokens, "SELECT jwt_remove_factor('$registered->{id}')"))->{status}, 'factor_removed', "$how: the passkey is removed");
		is(log_in($node, 'bob')->{error}, undef, "$how: without a passkey the password alone logs in");
	}
	$settings = $plain;
	return;
}

sub as { return "SET jwt_auth.token = '$_[0]{access_token}'; $_[1]"; }

sub options_of { return answer_to("SELECT jwt_mfa_options('$_[0]', 'webauthn')"); }

sub verified
{
	my ($ticket, $credential) = @_;

	return answer_to("SELECT jwt_mfa_verify('$ticket', 'webauthn', " . quote($json->encode($credential)) . ')');
}

sub level_of
{
	my ($tokens) = @_;

	return value_of($node, "SET jwt_auth.token = '$tokens->{access_token}'; SELECT jwt_aal()");
}

sub last_denial
{
	return value_of($node, "SELECT reason FROM jwt_auth.audit_log WHERE event = 'login_denied' ORDER BY id DESC LIMIT 1");
}

sub start_browser
{
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $peer = { map { $_ => '' } qw(in out err) };
	my $output = '';

	local $ENV{HOME} = $dir;
	run([ qw(npm install --silent --no-audit --no-fund --prefix), $dir, '--cache', "$dir/cache", $PACKAGE ], '>&', \$output)
	  or BAIL_OUT("npm could not install $PACKAGE: $output");
	copy(dirname(abs_path(__FILE__)) . '/browser_passkeys/peer.mjs', $dir) or die "could not copy the peer: $!\n";
	$peer->{timer} = timeout($SECONDS);
	$peer->{run} = start([ 'node', "$dir/peer.mjs" ], '<', \$peer->{in}, '>', \$peer->{out}, '2>', \$peer->{err}, $peer->{timer});
	return $peer;
}

# The next line that the browser's process says
sub said
{
	$browser->{timer}->start($SECONDS);
	until ($browser->{out} =~ /\n/)
	{
		BAIL_OUT("the browser failed: $browser->{err}") unless $browser->{run}->pumpable;
		$browser->{run}->pump;
	}
	(my $line, $browser->{out}) = split /\n/, $browser->{out}, 2;
	return $json->decode($line);
}

sub ask_browser
{
	my ($do, $options) = @_;

	$browser->{in} .= $json->encode({ do => $do, options => $options }) . "\n";
	return said();
}

sub answer_to { return $json->decode(value_of($node, "$settings; $_[0]")); }

sub creation { return answer_to("SET jwt_auth.token = '$alice->{access_token}'; SELECT jwt_passkey_register_options()"); }

sub request { return answer_to('SELECT jwt_passkey_login_options()'); }

sub registered
{
	my ($credential) = @_;

	return answer_to("SET jwt_auth.token = '$alice->{access_token}'; SELECT jwt_passkey_register(" . quote($json->encode($credential)) . ')');
}

sub logged_in { return answer_to('SELECT jwt_passkey_login(' . quote($json->encode($_[0])) . ')'); }
