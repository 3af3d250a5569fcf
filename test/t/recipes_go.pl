# The recipe of the guide for pgx, as it stands there (T24): see perl/Recipes.pm.  It is
# for version 5; where there is only version 4, with the changes that the guide tells of.
#
# Time limit: 600 s
# At least 39 assertions

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run qw(run);
use LinePeer;
use Pages qw(block_of slurp write_file);
use PostgreSQL::Test::Utils;
use Recipes qw(start_recipes check_recipe stop_recipes url_of);
use Test::More;

# Where Debian has the sources of libraries
my $LIBRARIES = '/usr/share/gocode';

# What is another in version 4
my @OF_VERSION_4 = (
	[ 'github.com/jackc/pgx/v5/pgconn' => 'github.com/jackc/pgconn' ],
	[ 'github.com/jackc/pgx/v5' => 'github.com/jackc/pgx/v4' ],
	[ 'pgx.BeginFunc(ctx, pool, ' => 'pool.BeginFunc(ctx, ' ],
	[ 'pgx.BeginFunc(ctx, tx, ' => 'tx.BeginFunc(ctx, ' ],
	[ 'pgxpool.NewWithConfig(' => 'pgxpool.ConnectConfig(' ],
	[ 'DefaultQueryExecMode = pgx.QueryExecModeExec' => 'PreferSimpleProtocol = true' ]);

my ($version) = grep { -d "$LIBRARIES/src/github.com/jackc/pgx/v$_" } 5, 4;

plan skip_all => 'pgx is not installed (golang-go, and golang-github-jackc-pgx-v5-dev or, in Debian 12 and 13, golang-github-jackc-pgx-v4-dev)'
  unless $version && system('go version >/dev/null 2>&1') == 0;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $output = '';

write_file("$dir/guide.go", of_version(block_of('doc/drivers.md', 'pgx', 'go')));
write_file("$dir/peer.go", of_version(slurp(dirname(abs_path(__FILE__)) . '/recipes/peer.go')));
{
	local @ENV{qw(HOME GO111MODULE GOPATH)} = ($dir, 'off', $LIBRARIES);
	run([ qw(go build -o), "$dir/peer", "$dir/guide.go", "$dir/peer.go" ], '>&', \$output)
	  or BAIL_OUT("the guide's Go code does not compile: $output");
}
start_recipes();
check_recipe("pgx $version", \&start, is_told => 'none', is_bound_late => 1);
stop_recipes();
done_testing();

# The rows of each request are those of its token's user, and no connection of the pool
# keeps an identity.
sub start
{
	my ($where) = @_;

	local $ENV{DATABASE_URL} = url_of($where);
	return LinePeer->new("$dir/peer", $where);
}

sub of_version
{
	my ($code) = @_;

	return $code if $version == 5;
	$code =~ s/\Q$_->[0]\E/$_->[1]/g for @OF_VERSION_4;
	return $code;
}
