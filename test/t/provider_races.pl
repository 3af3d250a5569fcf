# Logins with an identity provider, and linking, at once (T133, T158, T163, T165, T166, T167): one
# identity is one user, an ID token logs in once, the last way in stays, and what was decided
# meanwhile counts.
# At least 68 assertions

use strict;
use warnings;

use AccountTest;
use Authenticator;
use JSON::PP;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_account_node('provider_races');

add_provider($node);

sub token_for
{
	my ($sub) = @_;

	return value_of($node, "SELECT public.id_token('$sub', jwt_external_nonce() ->> 'nonce')");
}

sub said { return "SELECT coalesce(a ->> 'status', a ->> 'error', 'ok') FROM $_[0] AS a"; }
sub external { return said("jwt_login_external('idp', '$_[0]')"); }
sub unlink_one { return said("jwt_unlink_external('idp', '$_[0]')"); }

# A session that acts for a user, by a login of now
sub session_of
{
	my ($name, $isolation) = @_;
	my $session = JwtAuthSession->new($node);

	ask($session, "SELECT set_config('jwt_auth.token', jwt_login('$name', '$PASSWORD') ->> 'access_token', false) IS NOT NULL");
	ask($session, "SET default_transaction_isolation = '$isolation'") if defined $isolation;
	return $session;
}

# The secret of a factor that is enrolled in a session
sub enroll
{
	my ($session) = @_;
	my $begun = decode_json(ask($session, 'SELECT jwt_enroll_totp()'));

	ask($session, "SELECT jwt_confirm_totp('$begun->{factor_id}', '" . code_of($begun->{secret}) . "')");
	return $begun->{secret};
}

# To link an identity in a session
sub link_in
{
	my ($session, $sub) = @_;
	my $token = ask($session, "SELECT public.id_token('$sub', jwt_external_nonce() ->> 'nonce')");

	return said("jwt_link_external('idp', '$token')");
}

sub owners_of { return value_of($node, "SELECT count(*) FROM jwt_auth.identities WHERE subject = '$_[0]'"); }

# What the second gets that waits for the first, which ends in COMMIT or ROLLBACK
sub second_of
{
	my ($first, $statement, $expected, $second, $other, $end) = @_;
	my $pid = ask($second, 'SELECT pg_backend_pid()');

	is(ask($first, "BEGIN; $statement"), $expected, "$end: the first call succeeds");
	$second->begin_query($other);
	wait_for($node, "SELECT wait_event_type IN ('Lock', 'Extension') FROM pg_stat_activity WHERE pid = $pid", 't');
	ask($first, $end);
	return answer_of($second);
}

for my $end (qw(COMMIT ROLLBACK))
{
	my ($first, $second) = map { JwtAuthSession->new($node) } 1, 2;
	my $sub = lc $end;

	is(second_of($first, external(token_for($sub)), 'ok', $second, external(token_for($sub)), $end), 'ok', "$end: the second of two first logins waits, and logs in");
	is(owners_of($sub), 1, "$end: both are one user");

	my $token = token_for($sub);
	is(second_of($first, external($token), 'ok', $second, external($token), $end), $end eq 'COMMIT' ? 'invalid_grant' : 'ok', "$end: one ID token logs in once");
	$_->close for $first, $second;
}

# Linking
for my $end (qw(COMMIT ROLLBACK))
{
	my ($alice, $bob) = map { session_of($_) } qw(alice bob);
	my $sub = "linked $end";

	is(second_of($alice, link_in($alice, $sub), 'identity_linked', $bob, link_in($bob, $sub), $end), $end eq 'COMMIT' ? 'invalid_request' : 'identity_linked', "$end: an identity that two users link is one user's");
	is(value_of($node, "SELECT username FROM jwt_auth.identities JOIN jwt_auth.users ON id = user_id WHERE subject = '$sub'"), $end eq 'COMMIT' ? 'alice' : 'bob', "$end: which is that of the first who commits");

	my $owner = $end eq 'COMMIT' ? $alice : $bob;
	my $other = JwtAuthSession->new($node);
	is(second_of($owner, unlink_one($sub), 'identity_unlinked', $other, external(token_for($sub)), $end), $end eq 'COMMIT' ? 'invalid_grant' : 'ok', "$end: a login that waits while its identity is unlinked");
	$_->close for $alice, $bob, $other;
}
{
	my $bob = session_of('bob');
	my $admin = JwtAuthSession->new($node);

	is(second_of($admin, q{SELECT jwt_disable_user(jwt_find_user('bob'))}, '', $bob, link_in($bob, 'disabled'), 'COMMIT'), 'ERROR 28J03', 'a user who is disabled while the session waits links nothing');
	is(owners_of('disabled'), 0, 'the identity is nobody\'s');
	is(value_of($node, q{SELECT jwt_enable_user(jwt_find_user('bob'))}), '', 'the user is enabled again');
	$_->close for $bob, $admin;
}

# A second factor that is enrolled while a session of before waits
for my $end (qw(COMMIT ROLLBACK))
{
	my $name = "enrolls-\L$end";

	execute($node, "SELECT jwt_create_user('$name', '$PASSWORD')");
	my ($owner, $thief) = map { session_of($name) } 1, 2;
	my $begun = decode_json(ask($owner, 'SELECT jwt_enroll_totp()'));
	my $confirm = said("jwt_confirm_totp('$begun->{factor_id}', '" . code_of($begun->{secret}) . "')");

	is(second_of($owner, $confirm, 'factor_added', $thief, link_in($thief, $name), $end), $end eq 'COMMIT' ? 'ERROR 28J04' : 'identity_linked', "$end: linking that waits while a factor is enrolled");
	is(owners_of($name), $end eq 'COMMIT' ? 0 : 1, "$end: below level 2, nothing is linked beside it");
	$_->close for $owner, $thief;
}

# An identity that waits for the second factor of the user whose address it has, and logs
# in without that address at the same time, whoever comes first
execute($node, q{SELECT jwt_add_provider('linking', 'https://linking.example', '{app}', jwk_public(key), '{"sign_up":true,"linking":"verified"}') FROM public.idp});
for my $end (qw(COMMIT ROLLBACK))
{
	for my $is_first (0, 1)
	{
		my $name = "waits-\L$end-$is_first";
		my $login = sub {
			my ($claims) = @_;
			my $token = value_of($node, "SELECT jwt_sign_with((jwt_decode(public.id_token('$name', jwt_external_nonce() ->> 'nonce'))).claims || '{\"iss\":\"https://linking.example\"}' || '$claims', key) FROM public.idp");

			return "jwt_login_external('linking', '$token')";
		};
		my @sessions = map { JwtAuthSession->new($node) } 1, 2;
		my ($secret, $ticket, $verify, $external);

		execute($node, "SELECT jwt_create_user('$name', '$PASSWORD', email => '$name\@mail.example')");
		$secret = enroll(my $owner = session_of($name));
		execute($node, 'UPDATE jwt_auth.factors SET last_step = 0');
		$ticket = value_of($node, 'SELECT ' . $login->("{\"email\":\"$name\@mail.example\",\"email_verified\":true}") . " ->> 'mfa_token'");
		$verify = sub { said("jwt_mfa_verify('$ticket', 'totp', '{\"code\":\"" . code_of($secret) . "\"}')") };
		$external = said($login->('{}'));
		if ($is_first)
		{
			is(second_of($sessions[0], $verify->(), 'ok', $sessions[1], $external, $end), $end eq 'COMMIT' ? 'mfa_required' : 'ok', "$end: a login beside an identity that waits for a second factor, and is being linked");
		}
		else
		{
			is(second_of($sessions[0], $external, 'ok', $sessions[1], $verify->(), $end), $end eq 'COMMIT' ? 'invalid_grant' : 'ok', "$end: an identity that waits for a second factor, beside a login that makes it another user's");
		}
		is(value_of($node, "SELECT count(*) FROM jwt_auth.identities WHERE subject = '$name'"), 1, "$end: the identity is one user's");
		is(value_of($node, "SELECT coalesce(username, 'another') FROM jwt_auth.identities JOIN jwt_auth.users ON id = user_id WHERE subject = '$name'"),
			($end eq 'COMMIT') == $is_first ? $name : 'another', "$end: of whoever committed");
		$_->close for @sessions, $owner;
	}
}

# The last two ways in, unlinked at once
for my $isolation ('read committed', 'repeatable read', 'serializable')
{
	my $sub = $isolation =~ s/ /-/gr;
	my @sessions = map { JwtAuthSession->new($node) } 1, 2;

	for my $session (@sessions)
	{
		my $token = token_for("$sub-1");

		ask($session, "SELECT set_config('jwt_auth.token', jwt_login_external('idp', '$token') ->> 'access_token', false) IS NOT NULL");
	}
	is(ask($sessions[0], link_in($sessions[0], "$sub-2")), 'identity_linked', "$isolation: a user with two identities");
	ask($_, "SET default_transaction_isolation = '$isolation'") for @sessions;
	is(second_of($sessions[0], unlink_one("$sub-1"), 'identity_unlinked', $sessions[1], unlink_one("$sub-2"), 'COMMIT'),
		$isolation eq 'read committed' ? 'invalid_request' : 'ERROR 40001', "$isolation: one of the last two stays");
	is(owners_of("$sub-2"), 1, "$isolation: that which was not unlinked first");
	$_->close for @sessions;
}

# Unknown keys: whoever fetches keys hears of it, once in a minute, after a commit
{
	my $call = q{SELECT jwt_login_external('idp', jwt_sign_with('{"iss":"https://idp.example"}', jwk_generate('ES256', 'new'))) ->> 'error'};
	my $heard = sub { return scalar(() = ($node->psql('postgres', "LISTEN jwt_auth_jwks; $_[0]"))[1] =~ /notification "jwt_auth_jwks" received/g); };

	is($heard->("BEGIN; $call; ROLLBACK; SELECT 1"), 0, 'an unknown key, in a transaction that is rolled back, tells nobody');
	is($heard->("$call; SELECT 1"), 1, 'an unknown key tells those who listen');
	is($heard->("$call; $call; SELECT 1"), 0, 'more of them within a minute do not');
	is($heard->("SELECT jwt_update_provider_keys('idp', jwk_public(key)) FROM public.idp; $call; SELECT 1"), 0, 'nor does one by whom new keys are fetched at once');
	execute($node, q{UPDATE jwt_auth.providers SET keys_wanted_at = keys_wanted_at - interval '61 s', updated_at = updated_at - interval '61 s'});
	is($heard->("$call; SELECT 1"), 1, 'one in the next minute does');
}

# A provider that is removed in a transaction is there for others until that commits
{
	my ($admin, $other) = map { JwtAuthSession->new($node) } 1, 2;

	is(ask($other, external(token_for('commit'))), 'ok', 'a backend knows the provider');
	ask($admin, q{BEGIN; SELECT jwt_remove_provider('idp')});
	is(ask($admin, external(token_for('commit'))), 'invalid_request', 'a provider that is removed is gone in that transaction');
	is(ask($other, external(token_for('commit'))), 'ok', 'and there for others');
	ask($admin, 'ROLLBACK');
	is(ask($admin, external(token_for('commit'))), 'ok', 'and again after a rollback');
	ask($admin, q{SELECT jwt_remove_provider('idp')});
	is(ask($other, external(token_for('commit'))), 'invalid_request', 'once that commits, it is gone for all');
	$_->close for $admin, $other;
}

done_testing();
