# jwt_reset_after_restore() (T55): after an older backup was restored, what died
# since is dead again, in open connections, too; a clone and its original take
# nothing of each other; it can be called twice, by nobody without the right,
# rolled back, within other work, and beside logins.
#
# Time limit: 900 s
# At least 210 assertions

use strict;
use warnings;

use AccountLoad;
use AccountTest;
use IPC::Run qw(run);
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

my $ISSUER = 'https://original.example';
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = start_account_node('reset', cluster => { allows_streaming => 1 },
	conf => [ 'jwt_auth.refresh_grace = 60', 'jwt_auth.max_sessions_per_user = 0', 'jwt_auth.access_token_ttl = 1h' ]);
my %open;

restored_over();
restored_base_backup();
calls();
beside_logins();
clones();
clone_without_master_key();
done_testing();

# An open connection to a database
sub session
{
	my ($database) = @_;

	return $open{$database} //= JwtAuthSession->new($node, dbname => $database);
}

sub leave
{
	$_->close for values %open;
	%open = ();
	return;
}

sub verdict
{
	my ($session, $token) = @_;

	return $session->state_of('SELECT jwt_verify(' . quote($token) . ')');
}

sub call
{
	my ($session, $function, @values) = @_;

	return JSON::PP::decode_json(scalar $session->query("SELECT $function(" . join(', ', map { quote($_) } @values) . ')'));
}

sub outcome { return error_of(call(@_)); }

sub new_database
{
	my ($name, @settings) = @_;

	execute($node, "CREATE DATABASE $name");
	execute($node, "ALTER DATABASE $name SET $_") for @settings;
	return session($name);
}

sub must_run
{
	my @command = @_;
	my ($output, $errors) = ('', '');

	run(\@command, '>', \$output, '2>', \$errors) or die "$command[0] failed: $errors\n";
	return;
}

sub copy_database
{
	my ($from, $to, @settings) = @_;
	my $session = new_database($to, @settings);

	must_run('pg_dump', '--format=custom', '--no-sync', "--file=$dir/$to.dump", '-d', $node->connstr($from));
	must_run('pg_restore', '--exit-on-error', '-d', $node->connstr($to), "$dir/$to.dump");
	return $session;
}

# An older backup over what went on; what an administrator changed in users and
# issuers since has to be changed again.
sub restored_over
{
	my $session = new_database('app');
	my %token;

	$session->query("CREATE EXTENSION jwt_auth; SELECT jwt_create_key()");
	$session->query("SELECT jwt_create_user('$_', '$PASSWORD')") for qw(alice bob carol);
	my $issuer_key = $session->query(q{SELECT jwk_generate('ES256', 'i')});
	$token{issuer} = $session->query("SELECT jwt_sign_with(jsonb_build_object('iss', '$ISSUER', 'aud', 'api', 'jti', 'i1',
		'exp', extract(epoch FROM now())::bigint + 3600), " . quote($issuer_key) . ')');
	$session->query("SELECT jwt_trust_issuer('$ISSUER', jwk_public(" . quote($issuer_key) . "), 'api')");
	my %login = map { $_ => call($session, 'jwt_login', 'alice', $PASSWORD) } qw(kept revoked rotated replayed);

	$login{disabled} = call($session, 'jwt_login', 'bob', $PASSWORD);
	$login{changed} = call($session, 'jwt_login', 'carol', $PASSWORD);
	$token{denied} = $session->query(q{SELECT jwt_sign('{}')});
	$token{dead_key} = $session->query(q{SELECT jwt_create_key('ES256', 'dead'); SELECT jwt_sign('{}', kid => 'dead')}) =~ s/.*\n//sr;
	must_run('pg_dump', '--format=custom', '--no-sync', "--file=$dir/app.dump", '-d', $node->connstr('app'));

	# What the backup knows nothing of
	my $child = call($session, 'jwt_refresh', $login{rotated}{refresh_token});
	my $grandchild = call($session, 'jwt_refresh', $child->{refresh_token});

	call($session, 'jwt_refresh', call($session, 'jwt_refresh', $login{replayed}{refresh_token})->{refresh_token});
	$session->query("SELECT jwt_refresh('$login{replayed}{refresh_token}') FROM set_config('jwt_auth.refresh_grace', '0', true)");
	$session->query('SELECT jwt_revoke(' . quote($_) . ')') for $login{revoked}{access_token}, $token{denied};
	$session->query(q{SELECT jwt_revoke_key('dead')});
	$session->query(qq{SELECT jwt_disable_user(id) FROM jwt_auth.users WHERE username = 'bob';
		SELECT jwt_set_password(id, 'another horse battery') FROM jwt_auth.users WHERE username = 'carol';
		SELECT jwt_distrust_issuer('$ISSUER')});
	$login{later} = call($session, 'jwt_login', 'alice', $PASSWORD);
	my %dead = (denied => $token{denied}, 'of a dead key' => $token{dead_key}, map { $_ => $login{$_}{access_token} } qw(revoked replayed disabled changed));

	like(verdict($session, $dead{$_}), qr/^28J0[02]$/, "before the restore, a token is denied: $_") for sort keys %dead;
	is(verdict($session, $_->{access_token}), '', 'before the restore, a token is valid') for $login{kept}, $login{later}, $grandchild;

	must_run('pg_restore', '--clean', '--if-exists', '--exit-on-error', '--single-transaction', '-d', $node->connstr('app'), "$dir/app.dump");
	is(verdict($session, $dead{$_}), '', "restored: a denied token is valid again: $_") for sort keys %dead;
	is(verdict($session, $token{issuer}), '', 'restored: a distrusted issuer is trusted again');
	is(verdict($session, $login{later}{access_token}), '28J00', 'restored: a token newer than the backup is denied');
	is(outcome($session, 'jwt_refresh', $login{revoked}{refresh_token}), 'ok', 'restored: a revoked session can be refreshed');
	is(outcome($session, 'jwt_refresh', $grandchild->{refresh_token}), 'invalid_grant', 'restored: a refresh token newer than the backup is denied');

	my $other = JwtAuthSession->new($node, dbname => 'app');

	is(verdict($other, $login{kept}{access_token}), '', 'restored: another connection accepts a token');
	$session->query('SELECT jwt_reset_after_restore()');
	for my $asked ($session, $other)
	{
		like(verdict($asked, $dead{$_}), qr/^28J0[02]$/, "reset: a token is denied: $_") for sort keys %dead;
		like(verdict($asked, $_->{access_token}), qr/^28J0[02]$/, 'reset: every other access token is denied') for @login{qw(kept later rotated)}, $child, $grandchild;
	}
	is(outcome($session, 'jwt_refresh', $_->{refresh_token}), 'invalid_grant', 'reset: every refresh token is denied') for values %login, $child, $grandchild;
	is($session->query('SELECT count(*) FROM jwt_auth.sessions WHERE revoked_at IS NULL'), 0, 'reset: no session is live');
	is($session->query(q{SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'refresh_replayed'}), 0, 'reset: nothing counts as a replay');
	works($other, 'alice', 'reset');
	is(outcome($session, 'jwt_login', $_, $PASSWORD), 'ok', "reset: $_ logs in as of the backup") for qw(bob carol);
	is(verdict($session, $token{issuer}), '', 'reset: issuers are trusted as of the backup');
	$other->close;
	leave();
	return;
}

# A base backup that is started beside the server that went on
sub restored_base_backup
{
	my $session = session('app');
	my %login = map { $_ => call($session, 'jwt_login', 'alice', $PASSWORD) } qw(kept revoked rotated);
	my $denied = $session->query(q{SELECT jwt_sign('{}')});

	$node->backup('base');
	my $child = call($session, 'jwt_refresh', $login{rotated}{refresh_token});

	$session->query('SELECT jwt_revoke(' . quote($_) . ')') for $login{revoked}{refresh_token}, $denied;
	my $restored = PostgreSQL::Test::Cluster->new('restored');

	$restored->init_from_backup($node, 'base');
	$restored->start;
	my $there = JwtAuthSession->new($restored, dbname => 'app');

	is(verdict($there, $_), '', 'base backup: a denied token is valid again') for $login{revoked}{access_token}, $denied;
	is(verdict($there, $child->{access_token}), '', 'base backup: a newer access token of an older session is valid');
	$there->query('SELECT jwt_reset_after_restore()');
	like(verdict($there, $_), qr/^28J0[02]$/, 'base backup, reset: every access token is denied')
	  for $denied, map { $_->{access_token} } values %login, $child;
	is(outcome($there, 'jwt_refresh', $_->{refresh_token}), 'invalid_grant', 'base backup, reset: every refresh token is denied') for values %login, $child;
	is(verdict($session, works($there, 'alice', 'base backup, reset')->{access_token}), '28J00', 'base backup, reset: the original server denies a new token');
	is(verdict($session, $_->{access_token}), '', 'base backup: the original server accepts its own tokens') for $login{kept}, $child;
	is(outcome($session, 'jwt_refresh', $child->{refresh_token}), 'ok', 'base backup: the original server refreshes');
	$there->close;
	$restored->stop;
	return;
}

# Somebody logs in, and what that gives is good.
sub works
{
	my ($session, $user, $name) = @_;
	my $login = call($session, 'jwt_login', $user, $PASSWORD);

	is(error_of($login), 'ok', "$name: $user logs in");
	is(verdict($session, $login->{access_token}), '', "$name: $user gets a valid access token");
	my $next = call($session, 'jwt_refresh', $login->{refresh_token});

	is(error_of($next), 'ok', "$name: $user refreshes");
	is(verdict($session, $next->{access_token}), '', "$name: $user gets a valid access token by refresh");
	return $next;
}

# What it does not do, and how often and within what it is done
sub calls
{
	my $session = session('app');
	my $other = JwtAuthSession->new($node, dbname => 'app');
	my $login = works($session, 'alice', 'calls');
	my $rows = q{SELECT md5(string_agg(k::text, '' ORDER BY kid)) FROM jwt_auth.keys AS k;
		SELECT md5(string_agg(s::text, '' ORDER BY id)) FROM jwt_auth.sessions AS s; SELECT count(*) FROM jwt_auth.audit_log};
	my $before = $session->query($rows);

	$session->query('CREATE ROLE regress_reset_user IN ROLE pg_read_all_data, pg_write_all_data; SET ROLE regress_reset_user');
	is($session->state_of('SELECT jwt_reset_after_restore()'), '42501', 'calls: a role without EXECUTE is refused');
	$session->query('RESET ROLE; DROP ROLE regress_reset_user');
	$session->query('BEGIN');
	is($session->state_of('SELECT jwt_reset_after_restore()'), '', 'calls: a reset runs in a transaction');
	is(verdict($session, $login->{access_token}), '28J00', 'calls: the transaction of a reset denies a token');
	is(verdict($other, $login->{access_token}), '', 'calls: other transactions accept a token until the commit');
	$session->query('ROLLBACK');
	is(verdict($_, $login->{access_token}), '', 'calls: a reset that is rolled back denies no token') for $session, $other;
	$session->query('BEGIN; SAVEPOINT s; SELECT jwt_reset_after_restore(); ROLLBACK TO s; COMMIT');
	is(verdict($_, $login->{access_token}), '', 'calls: a reset that is rolled back to a savepoint denies no token') for $session, $other;
	is($session->query($rows), $before, 'calls: a reset that is rolled back changes no row');

	my $early = call($session, 'jwt_login', 'alice', $PASSWORD);
	$session->query(q{BEGIN; SELECT jwt_create_user('dave', 'correct horse battery staple')});
	my $within = call($session, 'jwt_login', 'dave', $PASSWORD);
	$session->query('SELECT jwt_reset_after_restore()');
	my $after = call($session, 'jwt_login', 'dave', $PASSWORD);
	$session->query('COMMIT');
	for my $asked ($session, $other)
	{
		is(verdict($asked, $_->{access_token}), '28J00', 'calls: a token older than the reset in its transaction is denied') for $early, $within;
		is(verdict($asked, $after->{access_token}), '', 'calls: a token newer than the reset in its transaction is valid');
	}
	is(outcome($other, 'jwt_refresh', $within->{refresh_token}), 'invalid_grant', 'calls: a refresh token older than the reset in its transaction is denied');
	is(outcome($other, 'jwt_refresh', $after->{refresh_token}), 'ok', 'calls: a refresh token newer than the reset in its transaction is accepted');

	my $first = works($session, 'alice', 'once more');
	$session->query('SELECT jwt_reset_after_restore()');
	is(verdict($other, $first->{access_token}), '28J00', 'once more: a second reset denies tokens of the first');
	is($other->query(q{SELECT string_agg(use, ' ' ORDER BY use) FROM jwt_auth.keys WHERE revoked_at IS NULL}), 'handle hash refresh sig sig',
		'once more: there is one key of each use, and a next signing key');
	is($other->query(q{SELECT count(*) FROM jwt_auth.keys WHERE revoked_at IS NOT NULL AND private_jwk IS NOT NULL}), 0,
		'once more: no private key of earlier keys is left');
	works($other, 'alice', 'twice');
	$other->close;
	leave();
	return;
}

# Clients that log in and refresh, each with a note of when
sub run_client
{
	my ($path) = @_;
	my $stop = 0;
	my $connection = DBI->connect(AccountLoad::source_of($node) =~ s/dbname=\w+/dbname=app/r, undef, undef, { RaiseError => 1, PrintError => 0 });
	my @call;

	local $SIG{TERM} = sub { $stop = 1; };
	until ($stop)
	{
		my $begin = clock_gettime(CLOCK_MONOTONIC);

		@call = ('SELECT jwt_login(?, ?)', 'alice', $PASSWORD) unless @call;
		my ($text) = eval { $connection->selectrow_array($call[0], {}, @call[ 1 .. $#call ]) };

		# A reset may revoke the key between a login and its answer.
		die $@ if !$text && $connection->state ne '40001';
		my $answer = $text ? JSON::PP::decode_json($text) : {};
		my $end = clock_gettime(CLOCK_MONOTONIC);

		PostgreSQL::Test::Utils::append_to_file($path, join("\t", $begin, $end, $answer->{access_token}, $answer->{refresh_token}) . "\n")
		  if $answer->{access_token};
		@call = $answer->{access_token} && rand() < 0.7 ? ('SELECT jwt_refresh(?)', $answer->{refresh_token}) : ();
	}
	$connection->disconnect;
	return;
}

sub beside_logins
{
	my $session = session('app');
	my (@pids, $begin, $end);
	my @files = map { "$dir/client.$_" } 1 .. 4;

	for my $file (@files)
	{
		my $pid = fork // die "could not fork: $!\n";

		if (!$pid)
		{
			srand $$;
			eval { run_client($file); 1 } or print STDERR "client: $@";
			POSIX::_exit($@ ? 1 : 0);
		}
		push @pids, $pid;
	}
	for (1 .. 3)
	{
		await(5, @files);
		$begin = clock_gettime(CLOCK_MONOTONIC);
		is($session->state_of('SELECT jwt_reset_after_restore()'), '', 'beside logins: a reset succeeds');
		$end = clock_gettime(CLOCK_MONOTONIC);
	}
	await(5, @files);
	kill 'TERM', @pids;
	is(join(' ', map { waitpid $_, 0; $? } @pids), '0 0 0 0', 'beside logins: no client failed');

	my @told = map { [ split /\t/ ] } map { split /\n/, slurp_file($_) } @files;
	my @old = grep { $_->[1] < $begin } @told;
	my @new = grep { $_->[0] > $end } @told;

	ok(@old >= 60 && @new >= 16, 'beside logins: ' . @old . ' answers before the reset and ' . @new . ' after it');
	is(scalar(grep { is_active($session, $_->[2]) } @old), 0, 'beside logins: no older access token is valid');
	is(scalar(grep { is_active($session, $_->[3]) } @old), 0, 'beside logins: no older refresh token is valid');
	is(scalar(grep { !is_active($session, $_->[2]) } @new), 0, 'beside logins: all newer access tokens are valid');
	leave();
	return;
}

sub is_active
{
	my ($session, $token) = @_;

	return $session->query('SELECT jwt_introspect(' . quote($token) . q{) ->> 'active'}) eq 'true';
}

# Waits until each client was told so much more.
sub await
{
	my ($answers, @files) = @_;
	my $deadline = clock_gettime(CLOCK_MONOTONIC) + 60;
	my %wanted = map { $_ => answers_in($_) + $answers } @files;

	while (grep { answers_in($_) < $wanted{$_} } @files)
	{
		die "waited in vain for a client\n" if clock_gettime(CLOCK_MONOTONIC) > $deadline;
		sleep 0.02;
	}
	return;
}

sub answers_in { return -e $_[0] ? scalar(() = slurp_file($_[0]) =~ /\n/g) : 0; }

sub master_key
{
	my ($file, $name) = @_;

	append_to_file("$dir/$file", "$name " . encode_base64(join('', map { chr int rand 256 } 1 .. 32), '') . "\n");
	chmod 0600, "$dir/$file" or die "could not protect a file: $!\n";
	return "jwt_auth.master_key_file = '$dir/$file'";
}

# A clone beside its original: of another algorithm each, sealed or not, both
# with the same issuer, and a third that trusts the original by its keys
sub clones
{
	my $third = new_database('third');
	my $sealing = master_key('master', 'mk1');

	$third->query('CREATE EXTENSION jwt_auth; SELECT jwt_create_key()');
	for my $alg (qw(HS256 ES256))
	{
		my $name = "clone of $alg";
		my @settings = ("jwt_auth.issuer = '$ISSUER'", "jwt_auth.audience = 'api'", $alg eq 'HS256' ? $sealing : ());
		my $original = new_database(lc "original_$alg", @settings);

		$original->query("CREATE EXTENSION jwt_auth; SELECT jwt_create_key('$alg'); SELECT jwt_create_user('alice', '$PASSWORD')");
		$original->query(q{SELECT jwt_trust_issuer('https://partner.example', jwk_generate('HS256', 'p'), 'api')});
		my $theirs = call($original, 'jwt_login', 'alice', $PASSWORD);
		my $clone = copy_database(lc "original_$alg", lc "clone_$alg", @settings);
		my $early = call($clone, 'jwt_login', 'alice', $PASSWORD);

		is(verdict($original, $early->{access_token}), '28J00', "$name, not reset: the original denies a session of the clone");
		my $forged = $clone->query(q{SELECT jwt_sign('{"sub":"x"}')});

		is(verdict($original, $forged), '', "$name, not reset: the original accepts what the clone signs");
		if ($alg ne 'HS256')
		{
			$third->query("SELECT jwt_trust_issuer('$ISSUER', " . quote(scalar $original->query('SELECT jwt_jwks()')) . ", 'api')");
			is(verdict($third, $_), '', "$name, not reset: a third server accepts both") for $theirs->{access_token}, $forged;
		}

		$clone->query('SELECT jwt_reset_after_restore()');
		my $ours = works($clone, 'alice', "$name, reset");

		for my $case ([ $original, $clone->query(q{SELECT jwt_sign('{"sub":"x"}')}) ], [ $original, $ours->{access_token} ],
			[ $clone, $forged ], [ $clone, $early->{access_token} ], [ $clone, $theirs->{access_token} ],
			$alg eq 'HS256' ? () : [ $third, $ours->{access_token} ])
		{
			is(verdict(@$case), '28J00', "$name, reset: a token of the other server is denied");
		}
		is($clone->query(q{SELECT DISTINCT alg FROM jwt_auth.keys WHERE use = 'sig' AND revoked_at IS NULL}), $alg, "$name, reset: the new keys are of the same algorithm");
		is($clone->query(q{SELECT bool_and(sealed_by IS NOT NULL) FROM jwt_auth.keys WHERE private_jwk IS NOT NULL}), $alg eq 'HS256' ? 't' : 'f',
			"$name, reset: the new keys are sealed as before");
		my $kids = $original->query(q{SELECT string_agg(quote_literal(kid), ', ') FROM jwt_auth.keys WHERE use <> 'hash'});

		is($clone->query("SELECT count(*) FROM jwt_auth.keys WHERE revoked_at IS NULL AND kid IN ($kids)"), 0, "$name, reset: the clone has no valid key of the original");
		is($clone->state_of(q{SELECT jwt_sign('{"iss":"https://partner.example"}', kid => 'p')}), '22023', "$name, reset: the clone does not sign as an issuer");
		is(outcome($original, 'jwt_refresh', $ours->{refresh_token}), 'invalid_grant', "$name, reset: the original denies a refresh token of the clone");
		is(outcome($clone, 'jwt_refresh', $theirs->{refresh_token}), 'invalid_grant', "$name, reset: the clone denies a refresh token of the original");
		is(verdict($original, $theirs->{access_token}), '', "$name, reset: the original accepts its own tokens");
		is(outcome($original, 'jwt_refresh', $theirs->{refresh_token}), 'ok', "$name, reset: the original refreshes");
		is($original->query(q{SELECT count(*) FROM jwt_auth.audit_log WHERE event IN ('refresh_replayed', 'reset_after_restore')}), 0,
			"$name, reset: nothing counts as a replay at the original");
	}
	leave();
	return;
}

# Without the key that sealed the original's, or with another of that name: the
# clone opens nothing of it, and works when it was reset.
sub clone_without_master_key
{
	my $original = session('original_hs256');
	my %setting = (none => undef, 'another name' => master_key('other', 'mk2'), 'another key' => master_key('same', 'mk1'));

	for my $name (sort keys %setting)
	{
		my $database = 'keyless_' . $name =~ s/ /_/r;
		my $clone = copy_database('original_hs256', $database, $setting{$name} // ());

		is($clone->state_of("SELECT jwt_login('alice', '$PASSWORD')"), '55000', "$name: before the reset, nobody logs in");
		is($clone->state_of(q{SELECT jwt_sign('{}')}), '55000', "$name: before the reset, nothing is signed");
		is($clone->state_of('SELECT jwt_reset_after_restore()'), '', "$name: a reset succeeds");
		works($clone, 'alice', "$name, reset");
		is(outcome($clone, 'jwt_login', $_, 'wrong'), 'invalid_grant', "$name, reset: a wrong password of $_ is denied") for qw(alice nobody);
		is($clone->query('SELECT count(*) FROM jwt_auth.login_throttle'), 2, "$name, reset: wrong passwords are counted");
		is($clone->query(q{SELECT string_agg(DISTINCT coalesce(sealed_by, 'clear'), ' ') FROM jwt_auth.keys WHERE private_jwk IS NOT NULL}),
			$name eq 'none' ? 'clear' : $name eq 'another name' ? 'mk2' : 'mk1', "$name, reset: the new keys are sealed by the clone's master key");
		is(verdict($original, $clone->query(q{SELECT jwt_sign('{}')})), '28J00', "$name, reset: the original denies a token of the clone");
		is($clone->state_of('SELECT jwt_seal_keys()'), '55000', "$name, reset: an issuer's secret cannot be opened");
		is($clone->state_of(q{SELECT jwt_trust_issuer('https://partner.example', jwk_generate('HS256', 'p2'), 'api')}), '',
			"$name, reset: an issuer with a new secret is trusted");
		is($clone->state_of('SELECT jwt_seal_keys()'), $name eq 'none' ? '55000' : '', "$name, reset: the clone's own master key seals the new secret");
	}
	my $clone = copy_database('original_hs256', 'keyless_file', "jwt_auth.master_key_file = '$dir/nowhere'");

	is($clone->state_of('SELECT jwt_reset_after_restore()'), '55000', 'a reset is refused while the master key file is missing');
	is($clone->query('SELECT count(*) FROM jwt_auth.keys WHERE revoked_at IS NOT NULL'), 0, 'a refused reset revokes no key');
	leave();
	return;
}
