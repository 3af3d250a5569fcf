# The functions of doc/moving.md for policies that were written for Supabase and Neon:
# as they stand there, they are inlined, deny without a good token, and nobody's search
# path changes what they call.
# At least 40 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use Pages qw(pages);
use Test::More;

my %page = pages();
my $node = start_node('moved_policies');
my $session = JwtAuthSession->new($node);

execute($node, q{
	CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE app_user;
	SELECT jwt_create_key();
	SELECT jwt_create_user('nora', 'correct horse battery staple', 'authenticated', '{"email": "nora@example.com", "app_metadata": {"team": "blue"}}');
	SELECT jwt_create_user('otto', 'correct horse battery staple', 'authenticated')});
execute($node, block_after('Supabase: policies'));
execute($node, block_after('Neon: policies') =~ s/^create table.*//msr =~ s/CREATE SCHEMA auth;//r);
execute($node, q{
	CREATE TABLE todos (id bigint PRIMARY KEY, user_id uuid NOT NULL, owner_id text NOT NULL);
	INSERT INTO todos SELECT n, u, u::text FROM generate_series(1, 20000) AS n, LATERAL (SELECT gen_random_uuid() AS u WHERE n > 0) AS v;
	INSERT INTO todos SELECT n, u, u::text FROM generate_series(20001, 20003) AS n, jwt_find_user('nora') AS u;
	CREATE INDEX ON todos (user_id); CREATE INDEX ON todos (owner_id); ANALYZE todos;
	ALTER TABLE todos ENABLE ROW LEVEL SECURITY;
	GRANT SELECT ON todos TO anon, authenticated;
	CREATE POLICY own ON todos USING (auth.uid() = user_id)});

my $nora = access_of('nora');
my $otto = access_of('otto');

# Plans
for my $case (
	[ 'user_id = auth.uid()', qr/Index Cond: \(user_id = jwt_user_id\(\)\)/ ],
	[ '(SELECT auth.uid()) = user_id', qr/Index Cond: \(user_id = (?:\$\d|\(InitPlan)/ ],
	[ 'owner_id = auth.user_id()', qr/Index Cond: \(owner_id = \(jwt_user_id\(\)\)::text\)/ ],
	[ 'owner_id = (SELECT auth.user_id())', qr/Index Cond: \(owner_id = (?:\$\d|\(InitPlan)/ ],
	[ q{owner_id = auth.jwt() ->> 'sub'}, qr/Index Cond: \(owner_id = .*jwt_claims\(\)/ ],
	[ 'owner_id = auth.email()', qr/Index Cond: \(owner_id = jwt_claim\('email'::text\)\)/ ],
	[ 'owner_id = auth.role()', qr/Index Cond: \(owner_id = COALESCE\(jwt_role\(\), 'anon'::text\)\)/ ],
	[ q{owner_id = auth.session() ->> 'sub'}, qr/Index Cond: \(owner_id = \(jwt_claims\(\) ->> 'sub'::text\)\)/ ])
{
	my ($condition, $pattern) = @$case;

	like($session->query("EXPLAIN (COSTS OFF) SELECT id FROM todos WHERE $condition"), $pattern, "an index serves $condition");
}

# With a token, without, and with bad ones
is(as($nora, 'SELECT count(*) FROM todos'), '3', 'a user sees the own rows');
is(as($otto, 'SELECT count(*) FROM todos'), '0', 'another user sees none of them');
is(as($nora, q{SELECT auth.uid() = jwt_user_id() AND auth.user_id() = auth.uid()::text}), 't', 'both ids are the user');
is(as($nora, 'SELECT auth.role(), auth.email()'), 'authenticated|nora@example.com', 'role and address are those of the token');
is(as($nora, q{SELECT auth.jwt() ->> 'aal', auth.jwt() ->> 'session_id' = auth.jwt() ->> 'sid', auth.jwt() -> 'app_metadata' ->> 'team'}),
	'aal1|t|blue', 'level, session and team are where Supabase has them');
is(as($nora, q{SELECT auth.session() = jwt_claims()}), 't', 'the session of Neon is the claims');
is(as('', 'SELECT count(*) FROM todos', 'anon'), '0', 'without a token there are no rows');
is(as('', 'SELECT auth.uid() IS NULL, auth.user_id() IS NULL, auth.jwt() IS NULL, auth.session() IS NULL, auth.email() IS NULL, auth.role()', 'anon'),
	't|t|t|t|t|anon', 'without a token nothing is known of anybody');

for my $call (qw(auth.uid() auth.role() auth.email() auth.jwt() auth.user_id() auth.session()))
{
	is(state_as('x', "SELECT $call"), '28J00', "$call refuses what is no token");
	is(state_as(tampered($nora), "SELECT $call"), '28J00', "$call refuses a token with another signature");
	isnt(as($nora, "SELECT $call"), '', "$call is somebody with a good token");
}

# Tokens of another issuer: no user of ours, and no level
$session->query(q{SELECT set_config('app.key', jwk_generate('ES256', 'k')::text, false)});
$session->query(q{SELECT jwt_trust_issuer('https://other.example', jwk_public(current_setting('app.key')::jsonb), 'api', '{authenticated}')});
my $foreign = $session->query(q{SELECT jwt_sign_with(jsonb_build_object('iss', 'https://other.example', 'aud', 'api', 'sub', jwt_find_user('nora'),
	'role', 'authenticated', 'aal', 'aal2', 'exp', extract(epoch FROM now() + interval '5 minutes')::bigint), current_setting('app.key')::jsonb)});
is(as($foreign, 'SELECT auth.uid() IS NULL, auth.user_id() IS NULL, auth.role()'), 't|t|authenticated', 'the sub of another issuer is no user');
is(as($foreign, q{SELECT auth.jwt() ? 'aal'}), 'f', 'the level that another issuer states is none');
is(as($foreign, 'SELECT count(*) FROM todos'), '0', 'a token of another issuer sees no rows of a user');

# Functions of the same names elsewhere
execute($node, q{
	CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
	CREATE FUNCTION evil.jwt_user_id() RETURNS uuid LANGUAGE sql AS $$ SELECT user_id FROM public.todos LIMIT 1 $$;
	CREATE FUNCTION evil.jwt_claims() RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"app_metadata": {"team": "red"}}'::jsonb $$;
	CREATE FUNCTION evil.jwt_role() RETURNS text LANGUAGE sql AS $$ SELECT 'service_role' $$;
	CREATE FUNCTION evil.jwt_aal() RETURNS integer LANGUAGE sql AS $$ SELECT 2 $$});
$session->query('SET search_path = evil, public');
is(as($otto, 'SELECT auth.uid() = public.jwt_user_id(), auth.role()'), 't|authenticated', 'a hostile search path changes neither user nor role');
is(as($otto, q{SELECT auth.jwt() ->> 'aal', auth.jwt() -> 'app_metadata' IS NULL}), 'aal1|t', 'nor level and claims');
$session->query('RESET search_path');

# The end of a session
$session->query(q{SELECT jwt_end_sessions(jwt_find_user('nora'))});
is(state_as($nora, 'SELECT count(*) FROM todos'), '28J02', 'after the end of the session the policy refuses the token');

$session->close;
done_testing();

# The first SQL block of a section of the page
sub block_after
{
	my ($heading) = @_;
	my ($block) = $page{'doc/moving.md'} =~ /^## \Q$heading\E\n.*?^```sql\n(.*?)^```\n/ms or die "there is no block below $heading\n";

	return $block;
}

sub access_of
{
	my ($name) = @_;

	return $session->query("SELECT jwt_login('$name', 'correct horse battery staple') ->> 'access_token'");
}

# What a statement answers in a request with the token
sub as
{
	my ($token, $statement, $role) = @_;

	$session->query('BEGIN');
	$session->query("SET LOCAL jwt_auth.token = '$token'");
	$session->query('SET LOCAL ROLE ' . ($role // 'authenticated'));
	my $answer = $session->query($statement);
	$session->query('COMMIT');
	return $answer;
}

sub state_as
{
	my ($token, $statement) = @_;

	$session->query('BEGIN');
	$session->query("SET LOCAL jwt_auth.token = '$token'");
	$session->query('SET LOCAL ROLE authenticated');
	my $state = $session->state_of($statement);
	$session->query('ROLLBACK');
	return $state;
}
