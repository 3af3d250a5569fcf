# Where Citus hands on SET LOCAL, the token is set by a statement that a hook of
# ProcessUtility sees as if a client had sent it, and by none elsewhere.
# At least 7 assertions

use strict;
use warnings;

use File::Temp ();
use JwtAuthTest;
use Test::More;

my $scratch = File::Temp->newdir;
my $node = start_node('propagated_token');
my $library = build();

execute($node, 'SELECT jwt_create_key()');
my $token = value_of($node, q{SELECT jwt_sign('{"sub":"it''s me"}')});
my $header = quote("{\"authorization\":\"Bearer $token\"}");

is(seen('none', "SELECT jwt_authenticate('$token')"), '', 'without Citus there is no statement');
is(seen('session', "SELECT jwt_authenticate('$token')"), '', 'nor where it hands on what is set for the session');
is(seen('local', "SELECT jwt_authenticate('$token')"), "local jwt_auth.token: SET LOCAL jwt_auth.token = '$token'",
	'where it hands on SET LOCAL, there is one, with its own text');
is(seen('local', "SELECT jwt_authenticate('Bearer $token')"), "local jwt_auth.token: SET LOCAL jwt_auth.token = '$token'",
	'without the scheme');
is(seen('local', "SET LOCAL request.headers = $header; SELECT jwt_pre_request()"),
	"local jwt_auth.token: SET LOCAL jwt_auth.token = ''\nlocal jwt_auth.token: SET LOCAL jwt_auth.token = '$token'",
	'before a request of PostgREST, that of before is taken away first');
is(seen('local', q{SET LOCAL request.headers = '{}'; SELECT jwt_pre_request()}),
	"local jwt_auth.token: SET LOCAL jwt_auth.token = ''", 'a request without a token has none');
is(seen('local', q{SELECT jwt_authenticate('x''; SELECT 1; --')}), '', 'what is no token is no statement');
done_testing();

# What the hook sees of the token's setting, one line a statement.
sub seen
{
	my ($propagated, $statement) = @_;
	my (undef, undef, $messages) = $node->psql('postgres',
		"LOAD '$library'; SET citus.propagate_set_commands = '$propagated'; BEGIN; $statement; COMMIT");

	return join "\n", $messages =~ /seen: (.*jwt_auth\.token: .*)/g;
}

sub build
{
	my $source = "$scratch/seen_settings.c";
	# The headers are those of the installation that the tests' own was copied from.
	my $pg_config = $ENV{PG_CONFIG} =~ s/^\Q$ENV{JWT_AUTH_TREE}\E//r;
	my $include = `$pg_config --includedir-server`;
	my $object = "$scratch/seen_settings.so";

	chomp $include;
	open my $file, '>', $source or die "could not write $source: $!\n";
	print {$file} <<'END';
#include "postgres.h"

#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"

PG_MODULE_MAGIC;

static ProcessUtility_hook_type next;

static void
see(PlannedStmt *statement, const char *text, bool is_read_only, ProcessUtilityContext context,
	ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	if (IsA(statement->utilityStmt, VariableSetStmt))
	{
		VariableSetStmt *set = (VariableSetStmt *) statement->utilityStmt;

		elog(NOTICE, "seen: %s %s: %s", set->is_local ? "local" : "session", set->name, text);
	}
	(next != NULL ? next : standard_ProcessUtility) (statement, text, is_read_only, context, parameters, environment,
													 receiver, completion);
}

void		_PG_init(void);

void
_PG_init(void)
{
	next = ProcessUtility_hook;
	ProcessUtility_hook = see;
}
END
	close $file or die "could not write $source: $!\n";
	system('cc', '-fPIC', '-shared', "-I$include", '-o', $object, $source) == 0 or die "could not build $source\n";
	chmod 0755, "$scratch", $object;
	return $object;
}
