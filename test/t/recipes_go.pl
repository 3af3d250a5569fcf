# The recipe of the guide for pgx, as it stands there (T24): see perl/Recipes.pm.
#
# Time limit: 600 s
# At least 39 assertions

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use IPC::Run qw(run);
use LinePeer;
use Pages qw(block_of write_file);
use PostgreSQL::Test::Utils;
use Recipes qw(start_recipes check_recipe stop_recipes url_of);
use Test::More;

# Where Debian has the sources of libraries; later releases have another version.
my $LIBRARIES = '/usr/share/gocode';

plan skip_all => 'pgx 4 is not installed (golang-go and golang-github-jackc-pgx-v4-dev of Debian 12)'
  unless -d "$LIBRARIES/src/github.com/jackc/pgx/v4" && system('go version >/dev/null 2>&1') == 0;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $output = '';

write_file("$dir/guide.go", block_of('doc/drivers.md', 'pgx', 'go'));
copy(dirname(abs_path(__FILE__)) . '/recipes/peer.go', $dir) or die "could not copy the peer: $!\n";
{
	local @ENV{qw(HOME GO111MODULE GOPATH)} = ($dir, 'off', $LIBRARIES);
	run([ qw(go build -o), "$dir/peer", "$dir/guide.go", "$dir/peer.go" ], '>&', \$output)
	  or BAIL_OUT("the guide's Go code does not compile: $output");
}
start_recipes();
check_recipe('pgx', \&start, is_told => 'none', is_bound_late => 1);
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
