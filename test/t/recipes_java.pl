# The recipe of the guide for JDBC, as it stands there (T24): see perl/Recipes.pm.
#
# Time limit: 600 s
# At least 39 assertions

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run qw(run);
use LinePeer;
use Pages qw(block_of write_file);
use PostgreSQL::Test::Utils;
use Recipes qw(start_recipes check_recipe stop_recipes url_of);
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $peer = dirname(abs_path(__FILE__)) . '/recipes/Peer.java';
my @class_path = ('-cp', join ':', $dir, map { "/usr/share/java/$_.jar" } qw(postgresql gson));
my $output = '';

write_file("$dir/Notes.java", block_of('doc/drivers.md', 'JDBC', 'java'));
run([ 'javac', '-Xlint:all', '-Werror', '-d', $dir, @class_path, "$dir/Notes.java", $peer ], '>&', \$output)
  or BAIL_OUT("the guide's Java code does not compile: $output");
start_recipes();
check_recipe('JDBC', \&start, is_bound_late => 1);
stop_recipes();
done_testing();

# The rows of each request are those of its token's user, and no connection of the pool
# keeps an identity.
sub start
{
	my ($where) = @_;
	my ($user, $address) = url_of($where) =~ m{^postgres://(\w+)@(.*)};

	return LinePeer->new('java', @class_path, 'Peer', "jdbc:postgresql://$address?prepareThreshold=" . ($where eq 'server' ? 1 : 0), $user);
}
