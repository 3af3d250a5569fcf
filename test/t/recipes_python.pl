# The recipes of the guide for Python, each as it stands there (T24): see
# perl/Recipes.pm.
#
# Time limit: 600 s
# At least 119 assertions

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use LinePeer;
use Pages qw(block_of write_file);
use PostgreSQL::Test::Utils;
use Recipes qw(start_recipes check_recipe stop_recipes url_of);
use Test::More;

# The distribution's, whatever else PATH has
my $PYTHON = '/usr/bin/python3';

my $dir = PostgreSQL::Test::Utils::tempdir();
my $peer = dirname(abs_path(__FILE__)) . '/recipes/peer.py';

start_recipes();
check('psycopg', 'doc/drivers.md', 'psycopg 3');
check('sqlalchemy', 'doc/orms.md', 'SQLAlchemy');
check('django', 'doc/orms.md', 'Django', is_bound_late => 1);
stop_recipes();
done_testing();

# The rows of each request are those of its token's user, and no connection of the pool
# keeps an identity.
sub check
{
	my ($library, $page, $heading, %options) = @_;
	my $block = block_of($page, $heading, 'python');

	check_recipe(
		$heading,
		sub {
			my ($where) = @_;

			local $ENV{DATABASE_URL} = url_of($where);
			local $ENV{PYTHONPATH} = $dir;
			local $ENV{PYTHONDONTWRITEBYTECODE} = 1;
			write_file("$dir/${library}_recipe.py", $where eq 'server' ? $block : $block =~ s/max_size=10/max_size=10, kwargs={"prepare_threshold": None}/r);
			return LinePeer->new($PYTHON, $peer, $library);
		},
		%options);
	return;
}
