# A job with an API token, as the guide writes it (T47): while it runs, and in
# whatever way it fails, neither the API token nor the access token is in
# pg_stat_activity, in the log with all statements, or in the list of processes.
# At least 75 assertions

use strict;
use warnings;

use AccountTest;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run qw(start timeout);
use JSON::PP ();
use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $GUIDE = dirname(dirname(dirname(abs_path(__FILE__)))) . '/doc/machines.md';
my $SECONDS = 120;

my $node = start_account_node(
	'api_token_job',
	conf => [
		"log_statement = 'all'", 'log_min_duration_statement = 0', 'log_min_messages = debug1',
		'log_min_error_statement = debug5', 'log_error_verbosity = verbose'
	]);
my $dir = PostgreSQL::Test::Utils::tempdir();
my ($token_file, $script_file) = ("$dir/nightly.token", "$dir/nightly.sql");

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_user NOLOGIN;
CREATE ROLE regress_nightly LOGIN NOINHERIT;
GRANT regress_user TO regress_nightly;
GRANT EXECUTE ON FUNCTION jwt_login_api_token TO regress_nightly;
CREATE TABLE notes (owner uuid NOT NULL DEFAULT jwt_user_id(), body text NOT NULL);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON notes USING (owner = jwt_user_id());
GRANT SELECT, INSERT ON notes TO regress_user;
SELECT jwt_create_user('ruth', 'correct horse of ruth', role => 'regress_user');
SQL

my %token = map { $_ => create_token($_) } qw(good revoked expired);
my @script = script_of_guide();
my @secrets = map { ($_, substr $_, 20, 40) } values %token;

write_file($script_file, join '', @script);
value_of($node, 'SELECT jwt_revoke_api_token(' . quote(id_of('revoked')) . ') FROM (' . acting() . ') AS a');
execute($node, 'UPDATE jwt_auth.sessions SET expires_at = now() WHERE id = ' . quote(id_of('expired')));
truncate $node->logfile, 0;

# What this test looks for is found where a job is not as careful.
{
	my $session = JwtAuthSession->new($node, role => 'regress_nightly');

	$session->query("SELECT length('$token{good}')");
	is_deeply([ seen_activity() ], ['activity'], 'a literal is in pg_stat_activity');
	$session->close;
	like(slurp_file($node->logfile), qr/\Q$token{good}/, 'a literal is in the log');
	truncate $node->logfile, 0;
	my $process = start([ 'perl', '-e', 'sleep 60', $token{good} ]);
	is_deeply([ seen_processes() ], ['processes'], 'an argument is in the list of processes');
	$process->kill_kill;
}

# Statement by statement: what was run last stays in pg_stat_activity.
{
	write_file($token_file, "$token{good}\n");
	my $session = JwtAuthSession->new($node, role => 'regress_nightly');

	for my $line (grep { /\S/ } @script)
	{
		is($session->state_of($line), '', "succeeds: $line");
		is_deeply([ seen_activity() ], [], 'and pg_stat_activity shows no secret');
	}
	push @secrets, my $access_token = $session->query('SELECT access_token FROM login');
	like($access_token, qr/^\w+\.\w+\.[\w-]+$/, 'the job has an access token');
	$session->close;
	is(notes(), 1, 'the job has done its work');
	is(value_of($node, q{SELECT owner = jwt_find_user('ruth') FROM notes}), 't', 'as the user of the token');
	silent('all statements');
}

# As cron runs it, seen while it waits in the midst of its work.
{
	my $holder = JwtAuthSession->new($node);

	$holder->query('BEGIN; LOCK TABLE notes');
	my $job = start_job();
	wait_for($node, q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'regress_nightly' AND wait_event_type = 'Lock'}, 1);
	is_deeply([ seen_activity(), seen_processes() ], [], 'a job that runs shows no secret');
	$holder->query('COMMIT');
	$holder->close;
	is_deeply([ finish_job($job) ], [ 0, '' ], 'it ends well');
	is(notes(), 2, 'and has done its work');
	silent('a job that ends well');
}

# Whatever is in the file
for my $case (
	[ 'a revoked token', "$token{revoked}\n", '28J03', 1 ],
	[ 'an expired token', "$token{expired}\n", '28J03', 1 ],
	[ 'a changed token', substr($token{good}, 0, -4) . "AAAA\n", '28J03' ],
	[ 'a refresh token', log_in($node, 'alice')->{refresh_token} . "\n", '28J03' ],
	[ 'two tokens', "$token{good}\n$token{good}\n", '21000' ],
	[ 'an empty line', "\n", '28J03' ],
	[ 'an empty file', '', '28J03' ])
{
	my ($what, $text, $state, $is_audited) = @$case;
	my $audited = denials();
	my $notes = notes();

	write_file($token_file, $text);
	my ($status, $messages) = finish_job(start_job());
	is($status, 3, "$what: the job fails");
	like($messages, qr/ERROR:  $state/, "$what: with its SQLSTATE");
	is(notes(), $notes, "$what: and does nothing");
	is(denials() - $audited, $is_audited // 0, "$what: the denial is audited if the token is one") if $state eq '28J03';
	silent($what);
	ok(!has_secret($messages), "$what: nor has what cron mails");
}
unlink $token_file;
is((finish_job(start_job()))[0], 3, 'without the file, the job fails');

# White space that an editor or a clipboard adds
for my $case ([ 'a line of Windows', "$token{good}\r\n" ], [ 'a tab', "\t$token{good}\t\n" ], [ 'a space', " $token{good} \n" ], [ 'no end of line', $token{good} ])
{
	my ($what, $text) = @$case;

	write_file($token_file, $text);
	is_deeply([ finish_job(start_job()) ], [ 0, '' ], "$what does not matter");
	silent($what);
}

done_testing();

# Acts for the user, in the session that goes on with it.
sub acting
{
	return q{SELECT set_config('jwt_auth.token', jwt_start_session(jwt_find_user('ruth'), '{pwd}') ->> 'access_token', false)};
}

sub create_token
{
	my ($name) = @_;

	return $node->safe_psql('postgres', acting() . " \\gset\nSELECT jwt_create_api_token('$name', '', '90 days') ->> 'token'");
}

sub id_of
{
	my ($name) = @_;

	return value_of($node, "SELECT session_id FROM jwt_auth.api_tokens WHERE name = '$name'");
}

# The lines of the guide, with our file.
sub script_of_guide
{
	my ($script) = slurp_file($GUIDE) =~ m{^cat >/etc/postgresql/nightly\.sql <<'END'\n(.*?)^END$}ms
	  or die "the guide has no job\n";

	$script =~ s{'/etc/postgresql/nightly\.token'}{'$token_file'} or die "the job reads no file\n";
	return split /^/, $script;
}

sub start_job
{
	my %job = (out => '', err => '');

	$job{run} = start([ qw(psql -X -q -v VERBOSITY=verbose -f), $script_file, '-d', $node->connstr('postgres') . ' user=regress_nightly' ],
		'>', \$job{out}, '2>', \$job{err}, timeout($SECONDS));
	return \%job;
}

# The status of the job, and all that it has said.
sub finish_job
{
	my ($job) = @_;

	$job->{run}->finish;
	return ($job->{run}->result(0), $job->{out} . $job->{err});
}

sub notes { return value_of($node, 'SELECT count(*) FROM notes'); }

sub denials { return value_of($node, q{SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'refresh_denied'}); }

sub has_secret
{
	my ($text) = @_;

	return grep { index($text, $_) >= 0 } @secrets;
}

sub seen_activity
{
	return has_secret(value_of($node, q{SELECT string_agg(query, E'\n') FROM pg_stat_activity WHERE usename = 'regress_nightly'})) ? 'activity' : ();
}

sub seen_processes
{
	# A process may end meanwhile, and those of others may not be read.
	return has_secret(join "\n", map { eval { slurp_file($_) } // '' } glob '/proc/[0-9]*/cmdline /proc/[0-9]*/environ') ? 'processes' : ();
}

sub silent
{
	my ($what) = @_;
	my $log = slurp_file($node->logfile);

	ok(!has_secret($log), "$what: the log has no secret") or diag grep { has_secret($_) } split /^/, $log;
	truncate $node->logfile, 0;
	return;
}

sub write_file
{
	my ($path, $text) = @_;

	open my $file, '>', $path or die "could not write $path: $!\n";
	print $file $text;
	close $file or die "could not write $path: $!\n";
	return;
}
