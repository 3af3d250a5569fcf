# The recipes of the guide for packages of npm, each as it stands there (T24): see
# perl/Recipes.pm.
#
# Time limit: 900 s
# At least 240 assertions

use strict;
use warnings;

use IPC::Run qw(run);
use NpmPeer qw(install_peer node_of);
use Pages qw(block_of write_file);
use PostgreSQL::Test::Utils;
use Recipes qw(start_recipes check_recipe stop_recipes url_of);
use Test::More;

my @PACKAGES = (qw(pg@8.23.1 postgres@3.4.9 knex@3.1.0 drizzle-orm@0.45.2 typeorm@1.1.1),
	qw(prisma@7.9.1 @prisma/client@7.9.1 @prisma/adapter-pg@7.9.1));

# The first Node.js that runs all of them
my $NODE = '20.19';

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = node_of($NODE, $dir);

plan skip_all => "Prisma 7 and TypeORM 1 need Node.js $NODE, which neither the path nor npm has" unless $node;

my $peer = install_peer($dir, 'recipes/peer.mjs', '--ignore-scripts', '--legacy-peer-deps', @PACKAGES);

start_recipes();
write_file("$dir/status.mjs", block_of('doc/orms.md', '', 'js'));
check('node-postgres', 'doc/drivers.md', 'node-postgres', with => node_postgres());
check('postgres', 'doc/drivers.md', 'postgres.js', parameters => '?prepare=false', is_told => '22012');
check('knex', 'doc/orms.md', 'Knex');
check('drizzle', 'doc/orms.md', 'Drizzle');
check('typeorm', 'doc/orms.md', 'TypeORM');
generate_prisma();
check('prisma', 'doc/orms.md', 'Prisma', patient => 1);
stop_recipes();
done_testing();

# The rows of each request are those of its token's user, and no connection of the pool
# keeps an identity. Options: parameters => what the URL needs for pgbouncer, with =>
# what the program needs besides the guide's block, patient => whether the block limits
# how long it waits, and those of check_recipe().
sub check
{
	my ($library, $page, $heading, %options) = @_;

	my $code = block_of($page, $heading, 'js') . ($options{with} // '');

	# A busy machine must not fail it.
	$code =~ s/\d+_000/120_000/g if $options{patient};
	write_file("$dir/$library.mjs", $code);
	check_recipe(
		$heading,
		sub {
			my ($where) = @_;

			local $ENV{DATABASE_URL} = url_of($where) . ($where eq 'pgbouncer' ? $options{parameters} // '' : '');
			return NpmPeer->new_with($node, $peer, $library);
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

# From the guide's schema. The client needs no binary that "generate" would download
# otherwise, so it is shown another.
sub generate_prisma
{
	my $output = '';

	local @ENV{qw(HOME CHECKPOINT_DISABLE PRISMA_SCHEMA_ENGINE_BINARY)} = ($dir, 1, '/bin/true');
	write_file("$dir/schema.prisma", block_of('doc/orms.md', 'Prisma', 'prisma'));
	run([ $node, "$dir/node_modules/prisma/build/index.js", 'generate', '--schema', "$dir/schema.prisma" ], '>&', \$output, init => sub { chdir $dir or die "chdir: $!\n" })
	  or BAIL_OUT("the guide's schema gives no client: $output");
	return;
}
