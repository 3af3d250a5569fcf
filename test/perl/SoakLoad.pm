# The clients of AccountLoad, which between their calls also go whole ways, each with a user
# of its own: links, recovery, second factors, passkeys, providers, API tokens, bans, staff who
# acts, limits of sessions, log-outs; and thieves and forgers beside them.  Every answer on a way
# is known, unless a call fails: the client then leaves that user where it is, and begins again.
#
# They may come through a pooler, so that they leave no setting in a connection.

package SoakLoad;

use strict;
use warnings;

use parent 'AccountLoad';

use AccountTest;
use Authenticator;
use JSON::PP ();
use JwtAuthTest qw(tampered value_of);
use SoftPasskey;

# What a way ends with that cannot go on; the load has noted why.
my $LEFT = "left\n";

my %WEIGHT = (
	link => 4, recovery => 3, password => 3, second_factor => 3, passkey => 2, provider => 3, api_token => 3, ban => 2,
	acting => 2, limit => 2, logout => 4, client => 2, thief => 3, forger => 3);

my $OTHER_PASSWORD = 'another horse battery staple';

# Options: those of AccountLoad.
sub new
{
	my ($class, $node, %options) = @_;
	my $self = $class->SUPER::new($node, %options, weights => { %WEIGHT, %{ $options{weights} // {} } });

	add_provider($node);
	my $client = JSON::PP::decode_json(value_of($node, q{SELECT jwt_create_client('soak')}));

	$self->{client_id} = $client->{client_id};
	$self->{client} = JSON::PP::encode_json({ grant_type => 'client_credentials', %$client });
	return $self;
}

# From here on in the process of a client.

# Through a pooler, a setting would be somebody else's.
sub _wait_for_commits { return; }

# The result of a query with one, committed at once
sub _ask
{
	my ($self, $query, @values) = @_;

	local @AccountLoad::ENDS = ('');
	my ($result, $is_committed) = $self->_call($self->{way}, $query, @values);

	die $LEFT unless $is_committed;
	return $result;
}

sub _json { my ($self, @query) = @_; return JSON::PP::decode_json($self->_ask(@query)); }

# The same for an identity
sub _as
{
	my ($self, $answer, $call, @values) = @_;

	return $self->_ask("SELECT $call FROM jwt_authenticate(?)", @values, $answer->{access_token});
}

sub _json_as { my ($self, @query) = @_; return JSON::PP::decode_json($self->_as(@query)); }

# Goes on only if an answer is as expected.
sub _expect
{
	my ($self, $answer, $error, $what) = @_;

	return $answer if error_of($answer) eq $error;
	$self->_note('bad', "$self->{way}: $what: " . error_of($answer));
	die $LEFT;
}

# The SQLSTATE that a token is refused with
sub _refused
{
	my ($self, $token) = @_;

	local $self->{may_fail} = qr/^28J0[0-3]$|$self->{may_fail}/;
	local @AccountLoad::ENDS = ('');
	my ($result) = $self->_call($self->{way}, 'SELECT jwt_verify(?)', $token);

	if (defined $result)
	{
		$self->_note('bad', "$self->{way}: a token was accepted");
		die $LEFT;
	}
	return;
}

# Goes a way with a new user, as far as it leads.
sub _go
{
	my ($self, $way, $go) = @_;

	$self->{way} = $way;
	my $done = eval {
		my $name = "own$self->{number}." . ++$self->{ways};
		my $id = $self->_ask('SELECT jwt_create_user(?, ?)', $name, $PASSWORD);

		$go->($name, $id);
		1;
	};

	die $@ unless $done || $@ eq $LEFT;
	$self->_note('gone', $way) if $done;
	return;
}

sub _log_in
{
	my ($self, $name, $error, $password) = @_;

	return $self->_expect($self->_json('SELECT jwt_login(?, ?)', $name, $password // $PASSWORD), $error // 'ok', 'login');
}

sub _expect_refresh
{
	my ($self, $answer, $error, $what) = @_;

	return $self->_expect($self->_json('SELECT jwt_refresh(?)', $answer->{refresh_token}), $error, $what);
}

# A link logs in once.
sub _link
{
	my ($self) = @_;

	$self->_go('link', sub {
		my ($name, $id) = @_;
		my $link = $self->_ask(q{SELECT jwt_create_link(?, 'login')}, $id);

		$self->_expect($self->_json('SELECT jwt_login_code(?)', $link), 'ok', 'a link');
		$self->_expect($self->_json('SELECT jwt_login_code(?)', $link), 'invalid_grant', 'a link again');
	});
	return;
}

# Whoever recovers the account has it alone.
sub _recovery
{
	my ($self) = @_;

	$self->_go('recovery', sub {
		my ($name, $id) = @_;
		my $thief = $self->_log_in($name);
		my $link = $self->_ask(q{SELECT jwt_create_link(?, 'recovery')}, $id);

		$self->_expect($self->_json('SELECT jwt_recover(?, ?)', $link, $OTHER_PASSWORD), 'ok', 'recovery');
		$self->_refused($thief->{access_token});
		$self->_expect_refresh($thief, 'invalid_grant', 'the session of before');
		$self->_expect($self->_json('SELECT jwt_recover(?, ?)', $link, $PASSWORD), 'invalid_grant', 'a link again');
		$self->_log_in($name, 'ok', $OTHER_PASSWORD);
	});
	return;
}

sub _password
{
	my ($self) = @_;

	$self->_go('password', sub {
		my ($name) = @_;
		my $other = $self->_log_in($name);
		my $own = $self->_log_in($name);

		$self->_expect($self->_json_as($own, 'jwt_change_password(?, ?)', $PASSWORD, $OTHER_PASSWORD), 'ok', 'change of password');
		$self->_refused($other->{access_token});
		$self->_expect_refresh($own, 'ok', 'the session that changed it');
		$self->_log_in($name, 'invalid_grant');
		$self->_log_in($name, 'ok', $OTHER_PASSWORD);
	});
	return;
}

# A recovery code is good for one sign-in, by whoever has the password, too.
sub _second_factor
{
	my ($self) = @_;

	$self->_go('second factor', sub {
		my ($name, $id) = @_;
		my $own = $self->_log_in($name);
		my $begun = $self->_json_as($own, 'jwt_enroll_totp()');
		my $now = $self->_ask('SELECT floor(extract(epoch FROM clock_timestamp()) / 30)');
		my $code = hotp(secret_bytes($begun->{secret}), $now, 6);

		$self->_expect($self->_json_as($own, 'jwt_confirm_totp(?, ?)', $begun->{factor_id}, $code), 'ok', 'the first code');
		$own = $self->_json(q{SELECT jwt_start_session(?, '{mfa}')}, $id);
		my $codes = $self->_expect($self->_json_as($own, 'jwt_make_recovery_codes()'), 'ok', 'recovery codes');

		for my $error ('ok', 'invalid_grant')
		{
			my $ticket = $self->_log_in($name, 'mfa_required');
			my $answer = $self->_json(q{SELECT jwt_mfa_verify(?, 'recovery_code', jsonb_build_object('code', ?::text))}, $ticket->{mfa_token}, $codes->{codes}[0]);

			$self->_expect($answer, $error, 'a recovery code');
		}
	});
	return;
}

sub _passkey
{
	my ($self) = @_;

	$self->_go('passkey', sub {
		my ($name) = @_;
		my $key = $self->{passkey} //= SoftPasskey->new;
		my $own = $self->_log_in($name);

		$key->{id} = $name;
		my $created = $key->create($self->_json_as($own, 'jwt_passkey_register_options()'));

		$self->_expect($self->_json_as($own, 'jwt_passkey_register(?)', $created), 'ok', 'a passkey');
		my $used = $key->get($self->_json('SELECT jwt_passkey_login_options()'));

		$self->_expect($self->_json('SELECT jwt_passkey_login(?)', $used), 'ok', 'login by passkey');
		$self->_expect($self->_json('SELECT jwt_passkey_login(?)', $used), 'invalid_grant', 'its answer again');
	});
	return;
}

sub _provider
{
	my ($self) = @_;

	$self->_go('provider', sub {
		my ($name) = @_;
		my ($first, $second) = map { $self->_ask(q{SELECT public.id_token(?, jwt_external_nonce() ->> 'nonce')}, $name) } 1 .. 2;
		my @subjects;

		for my $token ($first, $second)
		{
			my $answer = $self->_expect($self->_json(q{SELECT jwt_login_external('idp', ?)}, $token), 'ok', 'an ID token');

			push @subjects, $self->_as($answer, 'jwt_user_id()');
		}
		$self->_note('bad', 'provider: one identity, two users') if $subjects[0] ne $subjects[1];
		$self->_expect($self->_json(q{SELECT jwt_login_external('idp', ?)}, $first), 'invalid_grant', 'an ID token again');
	});
	return;
}

sub _api_token
{
	my ($self) = @_;

	$self->_go('API token', sub {
		my ($name) = @_;
		my $own = $self->_log_in($name);
		my $token = $self->_expect($self->_json_as($own, q{jwt_create_api_token('job', '', '1 d')}), 'ok', 'an API token');
		my $job = $self->_expect($self->_json('SELECT jwt_login_api_token(?)', $token->{token}), 'ok', 'login by API token');

		$self->_as($job, 'jwt_user_id()');
		$self->_as($own, 'jwt_revoke_api_token(?)', $token->{id});
		$self->_refused($job->{access_token});
		$self->_expect($self->_json('SELECT jwt_login_api_token(?)', $token->{token}), 'invalid_grant', 'a revoked API token');
	});
	return;
}

sub _ban
{
	my ($self) = @_;

	$self->_go('ban', sub {
		my ($name, $id) = @_;
		my $own = $self->_log_in($name);

		$self->_ask('SELECT jwt_ban_user(?)', $id);
		$self->_refused($own->{access_token});
		$self->_log_in($name, 'invalid_grant');
		$self->_ask('SELECT jwt_unban_user(?)', $id);
		$self->_expect_refresh($own, 'invalid_grant', 'a session of before the ban');
		$self->_log_in($name);
	});
	return;
}

sub _acting
{
	my ($self) = @_;

	$self->_go('acting', sub {
		my ($name, $id) = @_;
		my $acting = $self->_expect($self->_json(q{SELECT jwt_impersonate(?, 'a call')}, $id), 'ok', 'acting as a user');

		$self->_note('bad', 'acting: as somebody else') if $self->_as($acting, 'jwt_user_id()') ne $id;
		$self->_ask('SELECT jwt_end_sessions(?)', $id);
		$self->_refused($acting->{access_token});
	});
	return;
}

sub _limit
{
	my ($self) = @_;

	$self->_go('limit', sub {
		my ($name, $id) = @_;

		$self->_ask('SELECT jwt_update_user(?, max_sessions => 1)', $id);
		my $first = $self->_log_in($name);
		my $second = $self->_log_in($name);

		$self->_refused($first->{access_token});
		$self->_expect_refresh($first, 'invalid_grant', 'the surplus session');
		$self->_expect_refresh($second, 'ok', 'the other one');
	});
	return;
}

sub _logout
{
	my ($self) = @_;

	$self->_go('logout', sub {
		my ($name) = @_;
		my $own = $self->_log_in($name);

		$own = $self->_expect_refresh($own, 'ok', 'a refresh');
		$self->_as($own, 'jwt_logout()');
		$self->_refused($own->{access_token});
		$self->_expect_refresh($own, 'invalid_grant', 'a session that was logged out');
	});
	return;
}

sub _client
{
	my ($self) = @_;

	$self->_go('client', sub {
		my $answer = $self->_expect($self->_json('SELECT jwt_token(?)', $self->{client}), 'ok', 'a client');

		$self->_note('bad', 'client: somebody else')
		  if $self->_as($answer, q{jwt_claims() ->> 'client_id'}) ne $self->{client_id};
	});
	return;
}

# Whichever of two copies is used first, the next use of the other one ends the session.
sub _thief
{
	my ($self) = @_;

	$self->_go('thief', sub {
		my ($name) = @_;
		my $stolen = $self->_log_in($name);
		my $own = $self->_expect_refresh($stolen, 'ok', 'a refresh');
		my $goes_on = rand() < 0.5;
		my $last = $goes_on ? $self->_expect_refresh($own, 'ok', 'a refresh') : $own;
		my $used = $goes_on ? $own : $stolen;

		$self->_expect($self->_json(q{SELECT jwt_refresh(?) FROM set_config('jwt_auth.refresh_grace', '0', true)}, $used->{refresh_token}),
			'invalid_grant', 'a token used twice');
		$self->_expect_refresh($last, 'invalid_grant', 'a session that was stolen');
		$self->_refused($own->{access_token});
	});
	return;
}

# What nobody here signed
sub _forger
{
	my ($self) = @_;

	$self->_go('forger', sub {
		my ($name) = @_;
		my $own = $self->_log_in($name);
		my $made_up = $own->{refresh_token} =~ s/(.{20})$/scalar reverse $1/er;

		$self->_refused(tampered($own->{access_token}));
		$self->_expect($self->_json('SELECT jwt_refresh(?)', $made_up), 'invalid_grant', 'a made-up token');
		$self->_expect_refresh($own, 'ok', 'the session that it was made of');
	});
	return;
}

# What clients went to the end of, by way
sub gone
{
	my ($self) = @_;
	my %gone;

	$gone{ $_->[1] }++ for grep { $_->[0] eq 'gone' } map { @$_ } $self->lines;
	return \%gone;
}

1;
