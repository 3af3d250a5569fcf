# Random and changed arguments to every function of both extensions, as a role
# that may do nothing and as one to which everything was granted, in
# transactions of all kinds, with tokens, search paths, settings and PostgREST's
# variables that change (T05, T09, T10, T14, T21, T32, T47, T82).  Every error has an
# SQLSTATE that the reference names, none is internal, no backend crashes, and the log
# holds no secret.
#
# In the first round, which leaves the settings that let it, each function succeeds
# when it is called straight.
#
# Environment read:
#   SQL_FUZZ_SEED=N      to choose the same arguments again; keys and ids differ
#   SQL_FUZZ_SECONDS=N   goes on for so long; without it, a few rounds
#   SQL_FUZZ_CALLS=N     calls of each role in a round
# At least 7 assertions

use strict;
use warnings;

use Encode qw(encode_utf8);
use File::Basename qw(dirname);
use FuzzMutation qw(one_of);
use FuzzValues qw(values_of good_kind_of kinds_of);
use IPC::Run qw(run);
use JSON::PP ();
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $ROUNDS = 3;
my $FAILURES_SHOWN = 10;
my $VALUE_LENGTH_SHOWN = 1000;

my $seed = $ENV{SQL_FUZZ_SEED} // int rand 1_000_000;
my $calls = $ENV{SQL_FUZZ_CALLS} || 400;
my $end = $ENV{SQL_FUZZ_SECONDS} ? time + $ENV{SQL_FUZZ_SECONDS} : undef;
my $files = dirname(__FILE__) . '/sql_fuzz';
my $dir = PostgreSQL::Test::Utils::tempdir();

# The reference's table, and what says that a trigger's function is no other's.
my %is_documented = map { $_ => 1 } slurp_file(dirname(__FILE__) . '/../../doc/reference.md') =~ /^\| `([0-9A-Z]{5})` \|/mg;
my %is_protocol = map { $_ => 1 } qw(0A000 39P01);

# Settings of a round: one of these each, and in the first round the first.
my %settings = (
	issuer => [ 'https://fuzz.example', undef ],
	audience => [ undef, 'api' ],
	require_exp => [ undef, 'off' ],
	check_revocation => [ (undef) x 3, 'off' ],
	max_token_size => [ undef, '1MB' ],
	token_cache_size => [ undef, 0, 1 ],
	refresh_grace => [ undef, 0 ],
	login_max_failures => [ undef, 1 ],
	audit => [ undef, 'off', 'all' ],
	claims_function => [ (undef) x 3, 'hooks.claims', 'hooks.fail' ],
	password_check_function => [ (undef) x 2, 'hooks.judge' ],
	sign_up => [ 'on', undef ],
	anonymous_sign_up => [ 'on', undef ],
	webauthn_rp_id => [ 'example.org', undef ],
	master_key_file => [ "$dir/master", undef ]);

my $node = start_node(
	'sql_fuzz',
	conf => [
		"session_preload_libraries = 'jwt_auth'", 'jwt_auth.argon2_memory = 8', 'jwt_auth.argon2_iterations = 1',
		'log_min_messages = debug1', 'log_error_verbosity = verbose', "log_line_prefix = '%m [%p] %e '",
		'log_parameter_max_length_on_error = 0', "log_statement = 'none'", 'statement_timeout = 20s', 'max_parallel_workers = 8'
	]);
my $parallel = value_of($node, "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
my (%called, %succeeded, %refused, %seen, %had, @failures);
my ($log_offset, $round) = (-s $node->logfile, 0);

diag "SQL_FUZZ_SEED=$seed";
append_to_file("$dir/master", 'm ' . 'A' x 43 . "=\n");
chmod 0600, "$dir/master" or die "could not protect a file: $!\n";
run_file("$files/setup.sql");
while (!$round || (defined $end ? time < $end : $round < $ROUNDS))
{
	srand($seed + $round++);
	fuzz_round();
}

ok(!@failures, 'nothing outside of the contract') or diag @failures > $FAILURES_SHOWN ? @failures[ 0 .. $FAILURES_SHOWN - 1 ] : @failures;
is(value_of($node, "SELECT string_agg(p.oid::regprocedure::text, ' ') FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid"
		  . " AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname LIKE 'jwt\\_auth%'"
		  . " WHERE p.oid::regprocedure::text <> ALL ('{" . join(',', map { qq("$_") } sort keys %called) . "}')"),
	'', 'every function was called');
is(join("\n", map { "$_ $refused{$_}" } grep { !$succeeded{$_} } sort keys %refused), '', 'each of them with success, but for triggers');
ok($seen{$_}, "$_ was seen") for qw(28J00 28J03 22023 25006 42501 PGRST);
note join ' ', map { "$_ $seen{$_}" } sort keys %seen;
done_testing();

# New values, and calls of them by both roles.
sub fuzz_round
{
	my %setting = map { $_ => $round == 1 ? $settings{$_}[0] : one_of(@{ $settings{$_} }) } sort keys %settings;
	my %good = make_good_values(\%setting);
	my @functions = functions();
	my %types = map { $_ => 1 } map { @{ $_->{types} } } @functions;
	my $values = load_values(values_of(\%good, sort keys %types));
	my %mine;

	for my $role ('regress_sql_fuzz_anyone', 'regress_sql_fuzz_admin')
	{
		$mine{$role} = [ grep { $role =~ /admin/ || $_->{is_public} || rand() < 0.2 } @functions ];
		run_cases($role, \%setting, map { make_case($_, $values, 1) } @{ $mine{$role} });
	}
	for my $role (sort keys %mine)
	{
		run_cases($role, \%setting, map { make_case(one_of(@{ $mine{$role} }), $values, 0) } 1 .. $calls);
	}
	check_log(\%setting, secrets_of(\%good));
	return;
}

# Runs a file of statements; returns what it printed.
sub run_file
{
	my ($file) = @_;
	my ($output, $errors);

	run([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $file ], '>', \$output, '2>', \$errors)
	  or die "could not run $file: $errors\n";
	return $output;
}

sub make_good_values
{
	my ($setting) = @_;
	my $sql = join '', map {
		"ALTER DATABASE postgres " . (defined $setting->{$_} ? "SET jwt_auth.$_ = " . quote($setting->{$_}) : "RESET jwt_auth.$_") . ";\n"
	} sort keys %$setting;
	my %good;

	$node->safe_psql('postgres', $sql);
	for my $line (split /\n/, run_file("$files/round.sql"))
	{
		next unless $line =~ /^\[/;
		my ($kind, $value) = @{ JSON::PP::decode_json($line) };

		push @{ $good{$kind} }, $value;
	}
	return %good;
}

# The extensions' functions, as pg_proc has them.
sub functions
{
	return @{ JSON::PP::decode_json(value_of($node, <<'SQL')) };
SELECT json_agg(json_build_object(
	'signature', p.oid::regprocedure, 'call', format('%I.%I', n.nspname, p.proname), 'name', p.proname, 'names', coalesce(p.proargnames, '{}'),
	'types', ARRAY(SELECT t::regtype::text FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, i) ORDER BY i),
	'defaults', p.pronargdefaults, 'is_trigger', p.prorettype = 'trigger'::regtype,
	'is_public', has_function_privilege('regress_sql_fuzz_anyone', p.oid, 'EXECUTE')) ORDER BY p.oid)
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname LIKE 'jwt\_auth%'
SQL
}

# Puts values into tables; returns their ids by type and kind.
sub load_values
{
	my @values = @_;
	my %escape = ("\\" => "\\\\", "\n" => "\\n", "\r" => "\\r", "\t" => "\\t");
	my $id = 0;
	my %ids;

	open my $file, '>', "$dir/values.sql" or die "could not write a file: $!\n";
	print $file "COPY fuzz.raw (id, kind, type, value) FROM STDIN;\n";
	for my $value (@values)
	{
		print $file encode_utf8(join("\t", ++$id, map { s/([\\\n\r\t])/$escape{$1}/gr } @$value)), "\n";
	}
	print $file "\\.\n", slurp_file("$files/values.sql");
	close $file or die "could not write a file: $!\n";
	for my $line (split /\n/, run_file("$dir/values.sql"))
	{
		my ($kind, $type, $row) = split /\|/, $line;

		push @{ $ids{$type}{$kind} }, $row;
	}
	return \%ids;
}

# An expression for a value of one of the kinds, or of any of the type; of the only kind, if
# there is one.
sub value_sql
{
	my ($values, $type, @kinds) = @_;
	my @there = grep { $values->{$type}{$_} } @kinds;

	return 'NULL' if !$values->{$type} || "@kinds" eq 'null';
	@there = sort keys %{ $values->{$type} } if !@there || @kinds > 1 && rand() < 0.05;
	my $id = one_of(@{ $values->{$type}{ one_of(@there) } });
	return qq{(SELECT v FROM fuzz."$type" WHERE id OPERATOR(pg_catalog.=) $id)};
}

# One line of statements around a call: straight, with good values alone, or
# whatever comes.
sub make_case
{
	my ($function, $values, $is_straight) = @_;
	my @types = @{ $function->{types} };
	my @names = @{ $function->{names} };
	my $count = @types - ($is_straight ? 0 : int rand(1 + $function->{defaults}));
	my @arguments;

	for my $i (0 .. $count - 1)
	{
		my ($name, $type) = ($names[$i] // '', $types[$i]);

		push @arguments, !$is_straight && rand() < 0.04 ? 'NULL'
		  : value_sql($values, $type, $is_straight || rand() < 0.3 ? good_kind_of($function->{name}, $name, $type) : kinds_of($function->{name}, $name, $type));
	}
	my $call = "$function->{call}(" . join(', ', @arguments) . ')';
	return { function => $function->{signature}, is_trigger => $function->{is_trigger}, is_straight => $is_straight, call => $call,
		line => frame($call, $is_straight, preamble($values, $is_straight)) };
}

# Statements that a transaction begins with.
sub preamble
{
	my ($values, $is_straight) = @_;
	my @set;

	push @set, set('jwt_auth.token', value_sql($values, 'text', $is_straight ? 'strong' : ('access', 'token', 'changed access')))
	  if $is_straight || rand() < 0.5;
	return @set if $is_straight;
	push @set, 'SET LOCAL search_path = hostile, pg_temp, pg_catalog, public' if rand() < 0.25;
	push @set, "SET LOCAL $parallel = on" if rand() < 0.15;
	push @set, set('request.method', one_of("'GET'", "'POST'")),
	  set('request.headers', value_sql($values, 'text', 'request_headers', 'changed request_headers')) if rand() < 0.15;
	push @set, 'SET LOCAL ' . one_of("TimeZone = 'Pacific/Kiritimati'", "IntervalStyle = 'sql_standard'", "DateStyle = 'German'",
		'bytea_output = escape', 'extra_float_digits = -15', 'standard_conforming_strings = off', 'synchronous_commit = off',
		'work_mem = 64', 'enable_indexscan = off', 'row_security = off') if rand() < 0.2;
	return @set;
}

sub set { return "SELECT pg_catalog.set_config('$_[0]', $_[1], true) IS NULL"; }

# The transaction.  Most are rolled back, so that what they destroy is there for
# the next.
sub frame
{
	my ($call, $is_straight, @set) = @_;
	my $query = "SELECT 'ok', ($call) IS NULL";
	my $again = "SAVEPOINT s; $query; ROLLBACK TO s; SELECT pg_catalog.set_config('jwt_auth.token', '', true) IS NULL; $query";
	my $block = "DO \$fuzz\$ BEGIN FOR i IN 1..2 LOOP BEGIN PERFORM $call; RAISE NOTICE 'succeeded'; "
	  . "EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'caught %', SQLSTATE; END; END LOOP; END \$fuzz\$";
	my $level = one_of('READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');
	my $begin = "BEGIN ISOLATION LEVEL $level" . (rand() < 0.15 ? ' READ ONLY' : '');
	my $end = rand() < 0.1 ? 'COMMIT' : 'ROLLBACK';

	return join('; ', 'BEGIN', @set, $query, 'ROLLBACK') . ';' if $is_straight;
	return "$query;" if !@set && rand() < 0.2;
	return join('; ', $begin, @set, one_of(($query) x 3, $again, $block), $end) . ';';
}

# Runs the cases in one session, one on each line, and looks at how each ended.
sub run_cases
{
	my ($role, $setting, @cases) = @_;
	my ($errors, %failed);

	open my $file, '>', "$dir/cases.sql" or die "could not write a file: $!\n";
	print $file map { "$_->{line}\n" } @cases;
	close $file or die "could not write a file: $!\n";
	$called{ $_->{function} }++ for @cases;
	my $ended = run([ 'psql', '-XqAt', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres') . " user=$role", '-f', "$dir/cases.sql" ],
		'>', '/dev/null', '2>', \$errors);

	push @failures, "a session ended before its time\n" . substr($errors, -2000) unless $ended;
	while ($errors =~ /^psql:\S+?:(\d+): (ERROR|FATAL|PANIC|NOTICE):  (\w{5}): (.*)/mg)
	{
		my ($number, $level, $state, $message) = ($1 - 1, $2, $3, $4);

		$failed{$number} = 1 if $level ne 'NOTICE';
		next if $level eq 'NOTICE' && $message !~ /^(?:caught|succeeded)/;
		$state = $message =~ /^caught (\w{5})/ ? $1 : '00000' if $level eq 'NOTICE';
		judge($cases[$number], $state, $message, $role, $setting);
	}
	$succeeded{ $cases[$_]{function} }++ for grep { $cases[$_]{is_straight} && !$failed{$_} } 0 .. $#cases;
	return;
}

sub judge
{
	my ($case, $state, $message, $role, $setting) = @_;

	$seen{$state}++;
	$refused{ $case->{function} } //= "$state: $message" if $case->{is_straight} && !$case->{is_trigger};
	return if $state eq '00000' || $is_documented{$state} || $case->{is_trigger} && $is_protocol{$state};
	return if $had{"$case->{function} $state"}++;
	push @failures, join "\n  ", "$state: $message", "round $round, $role", $case->{line}, arguments_of($case),
	  (map { defined $setting->{$_} ? "$_ = $setting->{$_}" : () } sort keys %$setting), "\n";
	return;
}

# The values of a call, for who has to look into it.
sub arguments_of
{
	my ($case) = @_;
	my @found;

	my %is_found;

	while ($case->{line} =~ /(\(SELECT v FROM fuzz\."[^"]+" WHERE id OPERATOR\(pg_catalog\.=\) \d+\))/g)
	{
		push @found, $is_found{$1}++ ? () : substr value_of($node, "SELECT $1"), 0, $VALUE_LENGTH_SHOWN;
	}
	return @found;
}

# What nobody may read in the log: private members, signatures, refresh tokens,
# passwords and what the canary stands in.
sub secrets_of
{
	my ($good) = @_;

	return (
		'fuzzcanary',
		(map { /"(?:d|k|p|q|dp|dq|qi)": ?"([^"]{16,})"/g } @{ $good->{private} }),
		(map { (split /\./)[ 1, 2 ] } map { @{ $good->{$_} // [] } } qw(access token sealed)),
		(map { substr $_, 45, 40 } @{ $good->{refresh} // [] }),
		(map { /-----\n(.{40})/ ? $1 : () } grep { /PRIVATE/ } @{ $good->{pem} }));
}

sub check_log
{
	my ($setting, @secrets) = @_;
	my $log = substr slurp_file($node->logfile), $log_offset;
	my $secret = join '|', map { quotemeta } grep { length > 8 } @secrets;

	$log_offset = -s $node->logfile;
	for my $line (split /\n/, $log)
	{
		push @failures, "in the log: $line\n"
		  if $line =~ /^\S+ \S+ \S+ \[\d+\] XX/ || $line =~ /PANIC:|TRAP:|was terminated by|AddressSanitizer|runtime error:/;
		push @failures, "a secret in the log: $line\n" if $line =~ /$secret/;
	}
	return;
}
