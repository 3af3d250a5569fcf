# The example's mailer against a real SMTP server (T111, T121, T123): each kind of message
# has a template and arrives once, also when the mailer is killed, the relay refuses
# it, or the database restarts; links and codes redeem; and no log holds any of them.
#
# Time limit: 900 s
# At least 290 assertions

use strict;
use warnings;

use AccountTest;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use IO::Handle;
use IPC::Run qw(run);
use JSON::PP ();
use JwtAuthTest;
use Pages qw(source_directory slurp write_file);
use PgBouncer;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $SECONDS_TO_WAIT = 60;
my $BASE_URL = 'https://notes.example/account';

my $json = JSON::PP->new->canonical->utf8;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $example = source_directory() . '/example/mailer';
my $node = start_account_node('mailer', conf => [ 'log_statement = all', 'log_min_messages = debug1' ]);
my (%mailers, @running);

# Nothing outlives this program.
END { kill 'KILL', @running if @running }

install($_) for [ $example, 'mailer' ], [ dirname(abs_path(__FILE__)) . '/mailer', 'smtp' ];
execute($node, slurp("$example/role.sql"));
execute($node, 'ALTER ROLE mailer RENAME TO regress_mailer');
my @kinds = value_of($node, q{SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'outbox_kind_check'}) =~ /\b([a-z_]+)\b(?=[,}])/g;
my $smtp = start_smtp('127.0.0.1');

check_templates();
check_rights();
check_kinds();
check_recovery();
check_login();
check_identifiers();
check_sign_up();
check_waking();
check_kill();
check_refusals();
check_retries();
check_restart();
check_stop();
check_many();
check_unknown_kind();
check_phone();
check_tls();
check_rendering();
check_configuration();
check_logs();
done_testing();

sub install
{
	my ($from, $name) = @{ $_[0] };
	my $output = '';

	local $ENV{HOME} = $dir;
	run([ 'cp', '-R', $from, "$dir/$name" ]) or die "could not copy $from\n";
	run([ qw(npm ci --silent --ignore-scripts --no-audit --no-fund --prefix), "$dir/$name", '--cache', "$dir/cache" ], '>&', \$output)
	  or BAIL_OUT("npm could not install the packages of $name: $output");
	return;
}

# A process whose output goes to a file.  Its standard input comes from a pipe, which
# is returned.
sub start_program
{
	my ($log, $env, @command) = @_;

	write_file($log, '') unless -e $log;
	pipe my $reader, my $writer or die "could not make a pipe: $!\n";
	my $pid = fork // die "could not fork: $!\n";
	if (!$pid)
	{
		open STDIN, '<&', $reader or POSIX::_exit(126);
		open STDOUT, '>>', $log or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		close $writer;
		local @ENV{ keys %$env } = values %$env;
		exec @command or POSIX::_exit(127);
	}
	push @running, $pid;
	$writer->autoflush;
	return { pid => $pid, log => $log, in => $writer };
}

sub stop_program
{
	my ($program, $signal) = @_;

	kill $signal, $program->{pid};
	return status_of($program);
}

# Waits for its end.
sub status_of
{
	my ($program) = @_;

	waitpid $program->{pid}, 0;
	@running = grep { $_ != $program->{pid} } @running;
	return $?;
}

sub wait_until
{
	my ($what, $is_true) = @_;
	my $end = time + $SECONDS_TO_WAIT;

	until ($is_true->())
	{
		if (time > $end)
		{
			diag("the log of $_:\n" . slurp($_)) for glob "$dir/*.log";
			die "waited in vain for: $what\n";
		}
		sleep 0.02;
	}
	return;
}

sub start_smtp
{
	my ($host, @files) = @_;
	my $server = start_program("$dir/smtp_$host.json", {}, 'node', "$dir/smtp/smtp.mjs", $host, @files);

	wait_until("the SMTP server on $host", sub { events($server, 'listening') });
	($server->{port}) = map { $_->{port} } events($server, 'listening');
	return $server;
}

# What the SMTP server has printed of a kind of event
sub events
{
	my ($server, $event) = @_;

	return grep { $_->{event} eq $event } map { $json->decode($_) } -e $server->{log} ? slurp($server->{log}) =~ /^(.*)\n/mg : ();
}

# Tells it what to refuse or hold; nothing: all goes through, also what is held.
sub refuse
{
	my (%refusal) = @_;
	my $count = events($smtp, 'told');

	print { $smtp->{in} } $json->encode(\%refusal) . "\n";
	wait_until('the SMTP server to hear', sub { events($smtp, 'told') > $count });
	return;
}

# Messages to an address that the SMTP server has accepted, or at least seen
sub mails_to
{
	my ($address, $event) = @_;

	return grep { $_->{recipients}[0] eq $address } events($smtp, $event // 'accepted');
}

sub arrival
{
	my ($address, $count) = @_;

	wait_until("a message to $address", sub { mails_to($address) >= ($count // 1) });
	return (mails_to($address))[-1];
}

# Starts a mailer, and waits until it listens.
sub start_mailer
{
	my ($name, %env) = @_;
	my $mailer = start_program(
		"$dir/mailer_$name.log",
		{
			PGHOST => $node->host,
			PGPORT => $node->port,
			PGDATABASE => 'postgres',
			PGUSER => 'regress_mailer',
			BASE_URL => $BASE_URL,
			MAIL_FROM => 'Notes <no-reply@notes.example>',
			SMTP_URL => "smtp://127.0.0.1:$smtp->{port}",
			POLL_SECONDS => 1,
			%env
		},
		'node',
		"$dir/mailer/mailer.js");

	$mailers{$name} = $mailer;
	return $mailer if $env{FAILS};
	wait_until("the mailer $name", sub { slurp($mailer->{log}) =~ /^Waiting/m });
	return $mailer;
}

sub log_of { return slurp("$dir/mailer_$_[0].log"); }

# Writes a message that carries no token; returns its id.
sub write_message
{
	my ($kind, $recipient, %options) = @_;
	my $channel = $recipient =~ /@/ ? 'email' : 'phone';
	my $age = $options{age} // '0 s';
	my $life = $options{life} // '1 day';

	return value_of($node, "INSERT INTO jwt_auth.outbox (id, kind, channel, recipient, created_at, expires_at, leased_until)"
		  . " VALUES (gen_random_uuid(), '$kind', '$channel', '$recipient', now() - interval '$age', now() + interval '$life', now()) RETURNING id");
}

# Column of a message in the outbox
sub outbox { return value_of($node, "SELECT $_[1] FROM jwt_auth.outbox WHERE id = '$_[0]'"); }

sub wait_for_outbox
{
	my ($id, $condition) = @_;

	wait_until("$condition of $id", sub { outbox($id, $condition) eq 't' });
	return;
}

sub make_due { return execute($node, "UPDATE jwt_auth.outbox SET leased_until = now() WHERE id = '$_[0]'"); }

# Asks for recovery of an account of its own; the flow and the message's id
sub ask_for_recovery
{
	my ($name) = @_;

	execute($node, "SELECT jwt_create_user('$name', '$PASSWORD', email => '$name\@example.org')") if value_of($node, "SELECT jwt_find_user('$name') IS NULL") eq 't';
	execute($node, 'TRUNCATE jwt_auth.login_throttle');
	my $flow = value_of($node, "SELECT jwt_request_recovery('$name\@example.org') ->> 'flow'");

	return ($flow, value_of($node, "SELECT id FROM jwt_auth.outbox WHERE recipient = '$name\@example.org' ORDER BY created_at DESC LIMIT 1"));
}

sub recover
{
	my @arguments = map { quote($_) } @_;

	return value_of($node, "SELECT coalesce(a ->> 'status', a ->> 'error') FROM jwt_recover(" . join(', ', $arguments[0], "'another horse battery'", @arguments[ 1 .. $#arguments ]) . ') AS a');
}

sub check_templates
{
	cmp_ok(scalar @kinds, '>=', 3, 'there are kinds of messages');
	ok(-e "$example/templates/$_.txt", "$_ has a template") for @kinds;
	for my $file (glob "$example/templates/*")
	{
		my $text = slurp($file);

		unlike($text, qr/\{\{(?:token|code)\}\}.*\{\{(?:token|code)\}\}/, basename($file) . ': link and code are on separate lines');
		unlike($text, qr/(?<!#)\{\{token\}\}/, basename($file) . ': a token follows only a #');
		unlike($text, qr{https?://}, basename($file) . ': links begin with the base URL');
	}
	return;
}

sub check_rights
{
	my $session = connect_to($node);

	execute($session, 'SET SESSION AUTHORIZATION regress_mailer');
	is(state_of($session, $_), '42501', "the mailer's role may not: $_")
	  for 'TABLE jwt_auth.outbox', 'TABLE jwt_auth.one_time_tokens', q{SELECT jwt_request_recovery('alice@example.org')}, q{SELECT jwt_recover('x', 'y')}, q{SELECT jwt_create_link(NULL, 'recovery')};
	is(value_of($session, 'SELECT jwt_outbox_claim()'), '[]', 'the mailer role may claim messages');
	return;
}

sub check_kinds
{
	start_mailer('kinds');
	write_message($_, "$_\@example.org") for @kinds;
	for my $kind (@kinds)
	{
		my $mail = arrival("$kind\@example.org");
		my ($subject) = slurp("$example/templates/$kind.txt") =~ /^Subject: (.*)/;

		is($mail->{subject}, $subject, "$kind: the message arrives with its subject");
		unlike("$mail->{text}$mail->{html}", qr/[{}]|undefined|null|\[object/, "$kind: the message has no unfilled placeholder");
		is("$mail->{sender} $mail->{from} $mail->{to}", "no-reply\@notes.example \"Notes\" <no-reply\@notes.example> $kind\@example.org", "$kind: the message has sender and recipient");
		is($mail->{automatic}, 'auto-generated', "$kind: the message asks for no automatic reply");
		like($mail->{date}, qr/^Date: \w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/, "$kind: the message has a date of RFC 5322");
	}
	wait_until('all reports', sub { value_of($node, 'SELECT count(*) FROM jwt_auth.outbox WHERE sent_at IS NULL') eq '0' });
	is(scalar(mails_to("$_\@example.org")), 1, "$_: the message arrives once") for @kinds;
	return;
}

# As people see it: link, or code with the flow of the browser that asked
sub check_recovery
{
	my ($flow) = ask_for_recovery('lena');
	my $mail = arrival('lena@example.org');
	my ($link) = $mail->{text} =~ /^(https:.*)$/m;
	my ($code) = $mail->{text} =~ /: (\d{8})$/m;

	like($link, qr{^\Q$BASE_URL\E/recover#jat_[\w-]+$}, 'a link begins with the base URL and ends with the token');
	like($mail->{html}, qr{<a href="\Q$link\E">}, 'the HTML has the same link');
	like($mail->{html}, qr{<strong>$code</strong>}, 'the HTML has the code');
	is(recover($link =~ s/.*#//r), 'password_set', 'a mailed link sets the password');
	is(recover($code, $flow), 'invalid_grant', 'the code of a used link is denied');
	is(arrival('lena@example.org', 2)->{subject}, 'Your password was changed', 'a changed password is notified');

	($flow) = ask_for_recovery('mona');
	($code) = arrival('mona@example.org')->{text} =~ /: (\d{8})$/m;
	is(recover($code), 'invalid_grant', 'a mailed code without its flow is denied');
	is(recover($code, $flow), 'password_set', 'a mailed code with its flow sets the password');

	execute($node, q{SELECT jwt_request_recovery('who@example.org')});
	$mail = arrival('who@example.org');
	unlike("$mail->{text}$mail->{html}", qr/jat_|\d{8}/, 'a message to an unknown address has neither link nor code');
	like($mail->{text}, qr/^\Q$BASE_URL\E$/m, 'a message to an unknown address has the base URL');

	# Too many wrong codes: a link only
	execute($node, q{UPDATE jwt_auth.users SET code_failures = 100 WHERE id = jwt_find_user('mona')});
	ask_for_recovery('mona');
	$mail = arrival('mona@example.org', 3);
	like($mail->{text}, qr/#jat_/, 'a message without a code has a link');
	unlike("$mail->{text}$mail->{html}", qr/code where/, 'a message without a code leaves out the line about it');

	# An address that is not ASCII
	execute($node, "SELECT jwt_create_user('zoe', '$PASSWORD', email => 'zo\x{c3}\x{ab}\@b\x{c3}\x{bc}cher.example')");
	execute($node, "SELECT jwt_request_recovery('ZO\x{c3}\x{8b}\@xn--bcher-kva.example')");
	wait_until('a message to Zoe', sub { grep { $_->{recipients}[0] =~ /^zo.+cher/ } events($smtp, 'accepted') });
	pass('a message to a non-ASCII address arrives');
	return;
}

sub check_login
{
	for my $how (qw(link code))
	{
		execute($node, "SELECT jwt_create_user('in-$how', '$PASSWORD', email => 'in-$how\@example.org')");
		my $flow = value_of($node, "SELECT jwt_request_login('in-$how\@example.org') ->> 'flow'");
		my $mail = arrival("in-$how\@example.org");
		my ($code) = $mail->{text} =~ /: (\d{8})$/m;
		my $shown = $how eq 'link' ? $mail->{token} : $code;

		like($mail->{text}, qr{^\Q$BASE_URL\E/login#jat_}m, "login by $how: the message has a link");
		is(value_of($node, "SELECT jwt_login_code('$shown') ->> 'error'"), 'invalid_grant', "login by $how: without the flow, it is denied");
		is(value_of($node, "SELECT jwt_login_code('$shown', '$flow') ->> 'token_type'"), 'Bearer', "login by $how: with the flow, it logs in");
	}
	return;
}

# Messages that tell more than their kind
sub check_identifiers
{
	my $session = connect_to($node);

	execute($node, "SELECT jwt_create_user('ivy', '$PASSWORD', email => 'ivy\@example.org')");
	execute($session, q{SELECT set_config('request.headers', '{"user-agent": "Lynx <b> https://evil.example/recover", "x-forwarded-for": "192.0.2.7"}', false)});
	my $access = value_of($session, "SELECT jwt_login('ivy', '$PASSWORD') ->> 'access_token'");
	my $mail = arrival('ivy@example.org');

	like($mail->{text}, qr{^It calls itself "Lynx <b> https: //evil\. example/recover"\.\nIt says that its address is 192\.0\.2\.7\.$}m, 'a notice describes the new client, without a link of its choice');

	execute($session, "SET jwt_auth.token = '$access'");
	my $flow = value_of($session, q{SELECT jwt_add_identifier('ivy@example.net') ->> 'flow'});

	$mail = arrival('ivy@example.net');
	like($mail->{text}, qr{^\Q$BASE_URL\E/confirm-address#jat_}m, 'a message to a new address has a link');
	is(value_of($session, "SELECT jwt_confirm_identifier('$mail->{token}', '$flow') ->> 'error'"), '', 'a mailed link adds the address');
	$mail = arrival('ivy@example.org', 2);
	like($mail->{text}, qr/^Which: email\nHow: added$/m, 'a notice to the old address describes the change');
	is(value_of($node, "SELECT jwt_undo_change('$mail->{token}') ->> 'status'"), 'undone', 'a notice of a change has a link that undoes it');
	$mail = arrival('ivy@example.org', 3);
	like($mail->{text}, qr/^How: undone$/m, 'an undo is notified');
	unlike($mail->{text}, qr/jat_|undo it/, 'a notice of an undo has no undo link');

	execute($session, 'RESET jwt_auth.token');
	execute($node, 'TRUNCATE jwt_auth.login_throttle');
	execute($session, "SELECT set_config('jwt_auth.token', jwt_login('ivy', '$PASSWORD') ->> 'access_token', false)");
	execute($session, q{SELECT jwt_add_identifier('lena@example.org')});
	like(arrival('lena@example.org', 3)->{text}, qr{^\Q$BASE_URL\E/recover$}m, 'a notice to the owner of an address has a link to recover');
	return;
}

# People who have no account yet
sub check_sign_up
{
	execute($node, 'CREATE ROLE regress_member');
	execute($node, "ALTER DATABASE postgres SET jwt_auth.$_") for 'sign_up = on', "sign_up_role = 'regress_member'";
	for my $how (qw(link code))
	{
		my $flow = value_of($node, "SELECT jwt_sign_up('$how\@example.org', '$PASSWORD') ->> 'flow'");
		my $mail = arrival("$how\@example.org");
		my ($code) = $mail->{text} =~ /: (\d{8})$/m;

		like($mail->{text}, qr{^\Q$BASE_URL\E/confirm#jat_}m, "sign-up by $how: the message has a link");
		is(value_of($node, sprintf "SELECT jwt_confirm_sign_up('%s', '$flow') ->> 'token_type'", $how eq 'link' ? $mail->{token} : $code), 'Bearer', "sign-up by $how: it confirms");
	}
	execute($node, 'TRUNCATE jwt_auth.login_throttle');
	execute($node, "SELECT jwt_sign_up('code\@example.org', '$PASSWORD')");
	unlike(arrival('code@example.org', 2)->{text}, qr/jat_|\d{8}/, 'a message for a sign-up of a known address has neither link nor code');

	execute($node, q{SELECT jwt_invite('guest@example.org', role => 'regress_member')});
	my $mail = arrival('guest@example.org');

	like($mail->{text}, qr{^\Q$BASE_URL\E/accept#jat_}m, 'an invitation has a link');
	is(value_of($node, "SELECT jwt_accept_invitation('$mail->{token}', '$PASSWORD') ->> 'token_type'"), 'Bearer', 'a mailed invitation is accepted');
	stop_program($mailers{kinds}, 'TERM');
	return;
}

sub check_waking
{
	my $mailer = start_mailer('waking', POLL_SECONDS => 600);

	ask_for_recovery('nora');
	ok(arrival('nora@example.org'), 'a mailer that listens need not poll');
	stop_program($mailer, 'TERM');

	$mailer = start_mailer('polling');
	execute($node, q{ALTER SYSTEM SET jwt_auth.outbox_notify = off});
	execute($node, 'SELECT pg_reload_conf()');
	wait_for($node, 'SHOW jwt_auth.outbox_notify', 'off');
	ask_for_recovery('olga');
	ok(arrival('olga@example.org'), 'a mailer that polls need not listen');
	execute($node, q{ALTER SYSTEM RESET jwt_auth.outbox_notify});
	execute($node, 'SELECT pg_reload_conf()');
	stop_program($mailer, 'TERM');

	my $pool = PgBouncer->new($node, role => 'regress_mailer');

	$mailer = start_mailer('pooled', PGHOST => $pool->host, PGPORT => $pool->port);
	ask_for_recovery('paula');
	is(recover(arrival('paula@example.org')->{token}), 'password_set', 'a mailer works through a pooler');
	arrival('paula@example.org', 2);
	stop_program($mailer, 'TERM');
	$pool->stop;
	return;
}

# Starts a mailer that holds the message to an account of this name, the only one that
# waits, at a step of SMTP; the mailer, and the message's id.
sub start_held
{
	my ($step, $name, %env) = @_;
	my $count = events($smtp, 'held');

	execute($node, 'DELETE FROM jwt_auth.outbox WHERE sent_at IS NULL AND failed_at IS NULL');
	refuse(at => $step);
	my $mailer = start_mailer($name, %env);
	my (undef, $id) = ask_for_recovery($name);
	wait_until("$name held at $step", sub { events($smtp, 'held') > $count });
	return ($mailer, $id);
}

# Whatever it was about to do, the message arrives once, with the same token.
sub check_kill
{
	for my $step (qw(greeting sender recipient data))
	{
		my $address = "killed-$step\@example.org";
		my ($mailer, $id) = start_held($step, "killed-$step", LEASE_SECONDS => 3);

		is(outbox($id, 'sent_at IS NULL AND attempts = 1'), 't', "killed at $step: the message is claimed and not sent");
		stop_program($mailer, 'KILL');
		refuse(forget => JSON::PP::true);
		is(scalar(mails_to($address)), 0, "killed at $step: no message arrives");
		my ($seen) = mails_to($address, 'seen');

		$mailer = start_mailer("after_$step");
		my $mail = arrival($address);

		wait_for_outbox($id, 'sent_at IS NOT NULL');
		is(outbox($id, 'attempts'), 2, "killed at $step: the message is claimed again");
		is($mail->{messageId}, "<$id\@notes.example>", "killed at $step: the Message-ID is the id of the message");
		is($mail->{token}, $seen->{token}, "killed at $step: the same token is sent again") if $seen;
		is(scalar(mails_to($address)), 1, "killed at $step: the message arrives once");
		is(recover($mail->{token}), 'password_set', "killed at $step: the link sets the password");
		arrival($address, 2);
		stop_program($mailer, 'TERM');
	}
	check_kill_after_sending();
	return;
}

# Nobody can know then that it arrived; the Message-ID tells the recipient's server.
sub check_kill_after_sending
{
	my ($mailer, $id) = start_held('data', 'killed-late', LEASE_SECONDS => 3);
	my $locker = connect_to($node);

	$locker->do("BEGIN; SELECT FROM jwt_auth.outbox WHERE id = '$id' FOR UPDATE");
	refuse();
	arrival('killed-late@example.org');
	wait_for($node, q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'regress_mailer' AND wait_event_type = 'Lock'}, '1');
	stop_program($mailer, 'KILL');
	execute($node, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'regress_mailer'});
	wait_for($node, q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'regress_mailer'}, '0');
	$locker->do('ROLLBACK');
	$mailer = start_mailer('after_late');
	arrival('killed-late@example.org', 2);
	my @mails = mails_to('killed-late@example.org');

	is("$mails[0]{messageId} $mails[0]{token}", "$mails[1]{messageId} $mails[1]{token}", 'killed before it reported: the same message is sent again');
	stop_program($mailer, 'TERM');
	return;
}

# What the relay says, what becomes of the message, and what is kept of the words
sub check_refusals
{
	my $mailer = start_mailer('refused');
	my @given_up;

	for my $case (
		[ 'greeting', 421, 'try later', 'later', qr/^EPROTOCOL CONN 421$/ ],
		[ 'greeting', 554, 'you are on a list', 'later', qr/^EPROTOCOL CONN 554$/ ],
		[ 'sender', 451, '4.7.1 who are you', 'later', qr/^EENVELOPE MAIL FROM 451 4\.7\.1: .*who are you/ ],
		[ 'sender', 550, '5.7.1 not from you', 'later', qr/^EENVELOPE MAIL FROM 550 5\.7\.1: .*not from you/ ],
		[ 'recipient', 450, '4.2.0 greylisted', 'later', qr/^EENVELOPE RCPT TO 450 4\.2\.0: .*greylisted/ ],
		[ 'recipient', 550, '5.1.1 no such mailbox', 'never', qr/^EENVELOPE RCPT TO 550 5\.1\.1: .*no such mailbox/ ],
		[ 'recipient', 553, "5.1.3 no \x{c3}\x{a4}ddress", 'never', qr/^EENVELOPE RCPT TO 553 5\.1\.3: .*no  ?ddress$/ ],
		[ 'data', 452, '4.2.2 the mailbox has no room for #TOKEN', 'later', qr/^EMESSAGE DATA 452 4\.2\.2$/ ],
		[ 'data', 554, '5.7.1 no mail with #TOKEN here', 'never', qr/^EMESSAGE DATA 554 5\.7\.1$/ ])
	{
		my ($at, $code, $text, $when, $error) = @$case;
		my $name = "refused-$at-$code";

		refuse(at => $at, code => $code, text => $text);
		my (undef, $id) = ask_for_recovery($name);

		wait_for_outbox($id, 'error IS NOT NULL');
		like(outbox($id, 'error'), $error, "$code at $at: the reason is stored");
		refuse();
		make_due($id);
		if ($when eq 'later')
		{
			is(recover(arrival("$name\@example.org")->{token}), 'password_set', "$code at $at: the message arrives later");
			wait_for_outbox($id, 'sent_at IS NOT NULL');
			is(scalar(grep { $_->{token} } mails_to("$name\@example.org")), 1, "$code at $at: the message arrives once");
		}
		else
		{
			is(outbox($id, 'failed_at IS NOT NULL'), 't', "$code at $at: the message is given up");
			like(log_of('refused'), qr/$id: E\w+ .*; given up$/m, "$code at $at: the log has the message given up");
			push @given_up, "$name\@example.org";
		}
	}
	stop_program($mailer, 'TERM');
	is(scalar(mails_to($_)), 0, "a message that was given up never arrives: $_") for @given_up;
	return;
}

# Waits grow with the age of the message, and end before it expires.
sub check_retries
{
	my $mailer = start_mailer('retries');

	refuse(at => 'recipient', code => 450, text => 'not now');
	for my $case ([ '0 s', 15 ], [ '100 s', 100 ], [ '20 min', 1200 ], [ '5 h', 3600 ])
	{
		my ($age, $seconds) = @$case;
		my $id = write_message('no_account', "old\@example.org", age => $age);

		wait_for_outbox($id, 'error IS NOT NULL');
		cmp_ok(abs(outbox($id, 'extract(epoch FROM leased_until - now())') - $seconds), '<', 10, "after $age, the next attempt is in about $seconds s");
		is(outbox($id, 'failed_at IS NULL'), 't', "after $age, the message is not given up");
	}
	my $id = write_message('no_account', 'old@example.org', age => '8 min', life => '2 min');

	wait_for_outbox($id, 'failed_at IS NOT NULL');
	like(outbox($id, 'error'), qr/not now/, 'a message that expires before the next attempt is given up with its reason');
	refuse();

	# The relay is down.
	stop_program($mailer, 'TERM');
	$mailer = start_mailer('no_relay', SMTP_URL => 'smtp://127.0.0.1:9');
	$id = write_message('no_account', 'no-relay@example.org');
	wait_for_outbox($id, 'error IS NOT NULL');
	like(outbox($id, 'error'), qr/ECONNREFUSED/, 'without a relay, the reason is stored');
	stop_program($mailer, 'TERM');
	$mailer = start_mailer('relay_again');
	make_due($id);
	ok(arrival('no-relay@example.org'), 'a message arrives once there is a relay');
	stop_program($mailer, 'TERM');
	return;
}

# Of the database: while nothing happens, and while a message is on its way
sub check_restart
{
	my $mailer = start_mailer('restart', POLL_SECONDS => 600);

	$node->restart;
	wait_until('the mailer to connect again', sub { () = log_of('restart') =~ /^Waiting/mg; log_of('restart') =~ /^Waiting.*^Waiting/ms });
	ask_for_recovery('rosa');
	ok(arrival('rosa@example.org'), 'after a restart of the database, messages are sent');
	stop_program($mailer, 'TERM');

	for my $how (qw(fast immediate))
	{
		my ($mailer, $id) = start_held('data', "restart-$how", LEASE_SECONDS => 3);

		$node->stop($how);
		refuse();
		my $mail = arrival("restart-$how\@example.org");

		wait_until("the mailer to notice", sub { log_of("restart-$how") =~ /^database: /m });
		$node->start;
		wait_for_outbox($id, 'sent_at IS NOT NULL');
		is(outbox($id, 'attempts'), 1, "$how restart: a sent message is reported afterwards");
		is(recover($mail->{token}), 'password_set', "$how restart: the link sets the password");
		arrival("restart-$how\@example.org", 2);
		is(scalar(grep { $_->{token} } mails_to("restart-$how\@example.org")), 1, "$how restart: the message arrives once");
		stop_program($mailer, 'TERM');
	}
	return;
}

sub check_stop
{
	for my $signal (qw(TERM INT))
	{
		my ($mailer, $id) = start_held('data', "stop-$signal");

		kill $signal, $mailer->{pid};
		refuse();
		is(status_of($mailer), 0, "$signal: the mailer exits with status 0");
		is(outbox($id, 'sent_at IS NOT NULL'), 't', "$signal: the mailer first sends and reports what it has claimed");
	}
	my $mailer = start_mailer('idle', POLL_SECONDS => 600);
	my $start = time;

	is(stop_program($mailer, 'TERM'), 0, 'an idle mailer exits with status 0');
	cmp_ok(time - $start, '<', 10, 'an idle mailer exits within 10 s');
	return;
}

sub check_many
{
	my @addresses = map { "many-$_\@example.org" } 1 .. 60;

	start_mailer($_) for 'one', 'two';
	write_message('no_account', $_) for @addresses;
	wait_until('all messages', sub { value_of($node, q{SELECT count(*) FROM jwt_auth.outbox WHERE recipient ~ '^many-' AND sent_at IS NOT NULL}) == @addresses });
	is(scalar(grep { mails_to($_) != 1 } @addresses), 0, 'with two mailers, each message arrives once');
	ok(log_of($_) =~ /: sent$/m, "mailer $_ sends some messages") for 'one', 'two';
	stop_program($mailers{$_}, 'TERM') for 'one', 'two';
	return;
}

# A copy of the templates that is changed by FILE => CONTENTS, or undef for none
sub templates_with
{
	my (%files) = @_;
	my $copy = PostgreSQL::Test::Utils::tempdir();

	run([ 'cp', '-R', "$example/templates", "$copy/templates" ]) or die "could not copy templates\n";
	for my $file (keys %files)
	{
		if (defined $files{$file}) { write_file("$copy/templates/$file", $files{$file}) }
		else { unlink "$copy/templates/$file" or die "could not delete $file: $!\n" }
	}
	return "$copy/templates";
}

sub check_unknown_kind
{
	my $mailer = start_mailer('unknown', TEMPLATES => templates_with('no_account.txt' => undef));
	my $id = write_message('no_account', 'unknown@example.org');

	wait_for_outbox($id, 'error IS NOT NULL');
	is(outbox($id, 'error'), 'there is no template no_account.txt', 'a message without a template fails with the reason');
	is(outbox($id, 'failed_at IS NULL'), 't', 'a message without a template is not given up');
	stop_program($mailer, 'TERM');
	$mailer = start_mailer('own_templates', TEMPLATES => templates_with('no_account.txt' => "Subject: Ours\n\nHello {{recipient}}\n{{code}}\nbye\n"));
	make_due($id);
	my $mail = arrival('unknown@example.org');

	is("$mail->{subject}: $mail->{text}", "Ours: Hello unknown\@example.org\nbye\n", 'a message is sent once it has a template');
	stop_program($mailer, 'TERM');
	return;
}

sub check_phone
{
	my $mailer = start_mailer('no_phone');
	my $id = write_message('password_changed', '+4915112345678');

	wait_for_outbox($id, 'error IS NOT NULL');
	is(outbox($id, 'error'), 'there is no SMS_COMMAND', 'a message to a phone fails without SMS_COMMAND');
	stop_program($mailer, 'TERM');

	write_file("$dir/sms", "#!/bin/sh\nps -o args= -p \$\$ >>$dir/sms.args\n{ echo \"to \$RECIPIENT\"; cat; } >>$dir/sms.sent\necho noise\nexit \$(cat $dir/sms.status)\n");
	chmod 0755, "$dir/sms";
	write_file("$dir/sms.status", 75);
	$mailer = start_mailer('phone', SMS_COMMAND => "$dir/sms");
	make_due($id);
	wait_until('the command', sub { outbox($id, 'error') =~ /ended with 75/ });
	is(outbox($id, 'failed_at IS NULL'), 't', 'a message is retried after SMS_COMMAND exits with 75');
	write_file("$dir/sms.status", 0);
	unlink "$dir/sms.sent", "$dir/sms.args";
	make_due($id);
	wait_for_outbox($id, 'sent_at IS NOT NULL');
	like(slurp("$dir/sms.sent"), qr{\Ato \+4915112345678\nThe password .*\n\n.*\n$BASE_URL/recover\n\z}s, 'SMS_COMMAND gets number and text');

	execute($node, "SELECT jwt_create_user('petra', '$PASSWORD', phone => '+4915112345679')");
	my $flow = value_of($node, q{SELECT jwt_request_recovery('+4915112345679') ->> 'flow'});
	wait_until('a code by phone', sub { slurp("$dir/sms.sent") =~ /: \d{8}$/m });
	my ($code) = slurp("$dir/sms.sent") =~ /: (\d{8})$/m;
	unlike(slurp("$dir/sms.args"), qr/\+49|jat_|$code/, 'the list of processes shows neither number, link nor code');
	is(recover($code, $flow), 'password_set', 'a code sent by phone sets the password');

	write_file("$dir/sms.status", 1);
	$id = write_message('password_changed', '+4915112345678');
	wait_for_outbox($id, 'failed_at IS NOT NULL');
	is(outbox($id, 'error'), 'SMS_COMMAND ended with 1', 'a message is given up after SMS_COMMAND exits with another status');
	stop_program($mailer, 'TERM');

	$mailer = start_mailer('missing_command', SMS_COMMAND => "$dir/nothing");
	$id = write_message('password_changed', '+4915112345678');
	wait_for_outbox($id, 'error IS NOT NULL');
	is(outbox($id, 'error'), "spawn $dir/nothing ENOENT", 'a message fails with the reason if SMS_COMMAND is missing');
	is(outbox($id, 'failed_at IS NULL'), 't', 'a message is not given up if SMS_COMMAND is missing');
	stop_program($mailer, 'TERM');
	return;
}

# Only a relay on this machine gets messages without TLS.
sub check_tls
{
	my ($key, $certificate) = map { "$dir/relay.$_" } qw(key crt);
	my $output = '';

	run([ qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=relay -addext subjectAltName=IP:127.0.0.2 -keyout), $key, '-out', $certificate ], '>&', \$output)
	  or die "openssl failed: $output\n";
	my $plain = start_smtp('127.0.0.3');
	my $relay = start_smtp('127.0.0.2', $key, $certificate);

	for my $case (
		[ 'without STARTTLS', "127.0.0.3:$plain->{port}", undef ],
		[ 'with an unknown certificate', "127.0.0.2:$relay->{port}", undef ],
		[ 'with a known one', "user%40example.org:pass%3Aword\@127.0.0.2:$relay->{port}", $certificate ])
	{
		my ($name, $server, $authority) = @$case;
		my $mailer = start_mailer($name =~ s/ /_/gr, SMTP_URL => "smtp://$server", $authority ? (NODE_EXTRA_CA_CERTS => $authority) : ());
		my $id = write_message('no_account', 'tls@example.org');

		if ($authority)
		{
			wait_for_outbox($id, 'sent_at IS NOT NULL');
			my ($mail) = events($relay, 'accepted');

			is("$mail->{secure} $mail->{user}", '1 user@example.org pass:word', "a relay on another machine $name gets the message by TLS, with name and password");
		}
		else
		{
			wait_for_outbox($id, 'error IS NOT NULL');
			is(outbox($id, 'failed_at IS NULL'), 't', "a message for a relay on another machine $name is not given up");
			is(scalar(events($plain, 'seen')) + events($relay, 'seen'), 0, "a relay on another machine $name gets no message");
			execute($node, "DELETE FROM jwt_auth.outbox WHERE id = '$id'");
		}
		stop_program($mailer, 'TERM');
	}
	return;
}

# What comes from the database is text, whoever chose it.
sub check_rendering
{
	my $message = {
		recipient => '<b>"&\'@example.org', expires_at => '2026-11-29T03:45:10.123+01:00', token => 'jat_x',
		data => { name => "{{token}}\r\nBcc: x\@y.example \x{202e}<script>", long => 'x' x 300, none => undef, number => 5, constructor => 'c' },
	};
	my $template = { subject => 'S', text => join("\n", 'A {{data.name}}', 'B {{data.none}}', 'C {{data.number}} {{expires_at}}', 'D {{data.other}}', 'E {{data.toString}}', 'F {{code}}', 'G {{data.long}}', 'H {{data.constructor}}'),
		html => '<p>{{recipient}}</p> <p>{{data.name}}</p>' };
	my $script = "import { render } from '$dir/mailer/templates.js'; console.log(JSON.stringify(render(" . join(', ', map { $json->encode($_) } $template, $message) . ", 'https://a.example')))";
	my $output = '';

	run([ 'node', '--input-type=module', '-e', $script ], '>', \$output) or die "rendering failed\n";
	my $mail = $json->decode($output);

	is($mail->{text}, "A {{token}} Bcc: x\@y. example <script>\nC 5 2026-11-29 02:45 UTC\nG " . ('x' x 100) . "\nH c",
		'values are single short lines, are not filled in again, and lines without a value are left out');
	is($mail->{html}, '<p>&#60;b&#62;&#34;&#38;&#39;@example.org</p> <p>{{token}} Bcc: x@y. example &#60;script&#62;</p>', 'values are escaped in HTML');
	return;
}

sub check_configuration
{
	my $good = "Subject: S\n\nText\n";
	my $number = 0;

	for my $case (
		[ 'no BASE_URL', qr/BASE_URL must be/, BASE_URL => '' ],
		(map { [ "BASE_URL $_", qr/BASE_URL must be/, BASE_URL => $_ ] } 'http://notes.example', 'https://notes.example/?a', 'https://notes.example/#', 'notes.example', 'https://', 'javascript:alert(1)', 'http://localhost.evil.example'),
		[ 'no MAIL_FROM', qr/MAIL_FROM must be/, MAIL_FROM => '' ], [ 'a MAIL_FROM without domain', qr/MAIL_FROM must be/, MAIL_FROM => 'Notes' ],
		(map { [ "SMTP_URL $_", qr/SMTP_URL must|Invalid URL/, SMTP_URL => $_ ] } 'https://relay.example', 'relay', 'smtp:relay', 'smtp://a:hunter2@relay:99999'),
		[ 'no templates', qr/ENOENT/, TEMPLATES => '/nonexistent' ],
		[ 'a template without subject', qr/own\.txt: expected/, TEMPLATES => templates_with('own.txt' => "Text\n") ],
		[ 'a template without text', qr/own\.txt: expected/, TEMPLATES => templates_with('own.txt' => "Subject: S\n\n") ],
		[ 'a template with a code in its subject', qr/own\.txt: expected/, TEMPLATES => templates_with('own.txt' => "Subject: {{code}}\n\nText\n") ],
		[ 'a misspelled placeholder', qr/own\.txt: there is no placeholder \{\{tokn\}\}/, TEMPLATES => templates_with('own.txt' => "$good\{{tokn}}\n") ],
		[ 'HTML alone', qr/own\.html: expected/, TEMPLATES => templates_with('own.html' => '<p>') ],
		[ 'another file', qr/own\.text: expected/, TEMPLATES => templates_with('own.text' => $good) ])
	{
		my ($name, $words, %env) = @$case;
		my $mailer = start_mailer('config_' . $number++, %env, FAILS => 1);

		isnt(status_of($mailer), 0, "the mailer does not start: $name");
		like(slurp($mailer->{log}), qr/\AThe mailer cannot start: .*$words.*\.\n\z/, "the log has the reason in one line: $name");
		unlike(slurp($mailer->{log}), qr/hunter2/, "the log has no password: $name");
	}
	return;
}

# Neither the mailers' nor the server's, which has each of their statements
sub check_logs
{
	my @messages = events($smtp, 'seen');
	my @tokens = map { $_->{token} // () } @messages;
	my @codes = map { $_->{text} =~ /: (\d{8})$/m } @messages;
	my $mailers = join '', map { slurp($_) } glob "$dir/mailer_*.log";
	my $server = join '', grep { /\] mailer / } slurp($node->logfile) =~ /^.*\n/mg;
	my %place = (
		'the logs of the mailers' => $mailers,
		'the log of the server' => $server,
		'the outbox' => value_of($node, q{SELECT string_agg(o::text, ' ') FROM jwt_auth.outbox AS o}));

	cmp_ok(scalar @tokens, '>=', 20, 'at least 20 links were sent');
	cmp_ok(scalar @codes, '>=', 20, 'at least 20 codes were sent');
	like($server, qr/jwt_outbox_failed.*\n.*parameters/i, 'the server log has the statements of the mailer');
	for my $name (sort keys %place)
	{
		is(scalar(grep { index($place{$name}, substr $_, 60) >= 0 } @tokens), 0, "$name: no token");
		is(scalar(grep { $place{$name} =~ /\b$_\b/ } @codes), 0, "$name: no code");
	}
	unlike($mailers, qr/\@example\.org|\+49/, 'the logs of the mailers have no address');
	return;
}
