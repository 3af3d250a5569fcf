# The recipes of the guide for packages of npm, each as it stands there (T24): see
# perl/Recipes.pm.
#
# Time limit: 900 s
# At least 239 assertions

use strict;
use warnings;

use IPC::Run qw(run);
use NpmPeer qw(install_peer);
use Pages qw(block_of write_file);
use PostgreSQL::Test::Utils;
use Recipes qw(start_recipes check_recipe stop_recipes url_of);
use Test::More;

# The last major versions that run on Node.js 18.
my @PACKAGES = (qw(pg@8.23.1 postgres@3.4.9 knex@3.1.0 drizzle-orm@0.45.2 typeorm@0.3.31),
	qw(prisma@6.19.3 @prisma/client@6.19.3 @prisma/adapter-pg@6.19.3));

my $dir = PostgreSQL::Test::Utils::tempdir();
my $peer = install_peer($dir, 'recipes/peer.mjs', '--ignore-scripts', @PACKAGES);

start_recipes();
write_file("$dir/status.mjs", block_of('doc/orms.md', '', 'js'));
check('node-postgres', 'doc/drivers.md', 'node-postgres', with => node_postgres());
check('postgres', 'doc/drivers.md', 'postgres.js', parameters => '?prepare=false', is_told => '22012');
check('knex', 'doc/orms.md', 'Knex');
check('drizzle', 'doc/orms.md', 'Drizzle');
check('typeorm', 'doc/orms.md', 'TypeORM');
generate_prisma();
check('prisma', 'doc/orms.md', 'Prisma', no_savepoints => 1);
stop_recipes();
done_testing();

# The rows of each request are those of its token's user, and no connection of the pool
# keeps an identity. Options: parameters => what the URL needs for pgbouncer, with =>
# what the program needs besides the guide's block, and those of check_recipe().
sub check
{
	my ($library, $page, $heading, %options) = @_;

	write_file("$dir/$library.mjs", block_of($page, $heading, 'js') . ($options{with} // ''));
	check_recipe(
		$heading,
		sub {
			my ($where) = @_;

			local $ENV{DATABASE_URL} = url_of($where) . ($where eq 'pgbouncer' ? $options{parameters} // '' : '');
			return NpmPeer->new($peer, $library);
		},
		%options);
	return;
}

# The guide has no table there.
sub node_postgres
{
	return <<'END';
import pg from 'pg';
export const db = new pg.Pool({ connectionString: process.env.DATABASE_URL });
export const sqlstateOf = (error) => error.code;
export const listNotes = async (tx) => (await tx.query('SELECT body FROM notes ORDER BY id')).rows;
export const addNote = (tx, body) => tx.query('INSERT INTO notes (body) VALUES ($1)', [body]);
END
}

# From the guide's schema. The client needs none of the binaries that "generate" would
# download otherwise, so it is shown others.
sub generate_prisma
{
	my $output = '';

	local @ENV{qw(HOME CHECKPOINT_DISABLE PRISMA_SCHEMA_ENGINE_BINARY PRISMA_QUERY_ENGINE_LIBRARY)} = ($dir, 1, '/bin/true', '/bin/true');
	write_file("$dir/schema.prisma", block_of('doc/orms.md', 'Prisma', 'prisma'));
	run([ "$dir/node_modules/.bin/prisma", 'generate', '--schema', "$dir/schema.prisma" ], '>&', \$output, init => sub { chdir $dir or die "chdir: $!\n" })
	  or BAIL_OUT("the guide's schema gives no client: $output");
	return;
}
