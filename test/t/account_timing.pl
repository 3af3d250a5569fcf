# Whoever measures a denied login learns nothing (F53, T36, T37): known and unknown
# names, disabled users and those without password take the same time, at the
# default cost of a hash. Kinds take turns, so that other work of the machine
# adds to all of them, and the samples of all tries are compared.
#
# Alone
# At least 4 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthTest;
use List::Util qw(max);
use Test::More;

my $samples = 40;
my $tries = 6;
my $most_microseconds = 4000;
my $node = start_account_node('timing', conf => ['jwt_auth.login_max_failures = 1000']);

$node->append_conf('postgresql.conf', "jwt_auth.argon2_memory = '19 MB'\njwt_auth.argon2_iterations = 2");
$node->reload;
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE sample (number integer GENERATED ALWAYS AS IDENTITY, kind text, microseconds double precision);
CREATE PROCEDURE measure(samples integer) LANGUAGE plpgsql AS
$$
DECLARE
	kinds text[] := '{known,unknown,disabled,nopassword}';
	start timestamptz;
	answer jsonb;
	kind text;
BEGIN
	FOR n IN 1 .. samples LOOP
		FOR i IN 0 .. 3 LOOP
			kind := kinds[1 + (i + n) % 4];
			start := clock_timestamp();
			answer := jwt_login(kind || (1 + n % 10), 'a wrong password of some length');
			INSERT INTO sample (kind, microseconds) VALUES (kind, extract(epoch FROM clock_timestamp() - start) * 1e6);
			ASSERT answer ->> 'error' = 'invalid_grant';
			COMMIT;
		END LOOP;
	END LOOP;
END
$$;
SQL
# Those that the node has are cheap, and would stand in for some unknown names
$node->safe_psql('postgres', <<"SQL");
DELETE FROM jwt_auth.users;
SELECT jwt_create_user('known' || n, '$PASSWORD'), jwt_disable_user(jwt_create_user('disabled' || n, '$PASSWORD')),
	   jwt_create_user('nopassword' || n)
FROM generate_series(1, 10) AS n;
SQL
compare('our own hashes');

# While imported hashes remain, a name without one does the work of those that
# are in use: here all of them are, and cost half as much as ours
$node->safe_psql('postgres', <<"SQL");
DELETE FROM jwt_auth.users;
SET jwt_auth.argon2_iterations = 1;
SELECT jwt_create_user('model', '$PASSWORD');
WITH model AS (DELETE FROM jwt_auth.users RETURNING password_hash)
SELECT password_hash AS hash FROM model \\gset
SELECT jwt_import_user('known' || n, :'hash'), jwt_disable_user(jwt_import_user('disabled' || n, :'hash')), jwt_create_user('nopassword' || n)
FROM generate_series(1, 10) AS n;
SQL
compare('imported hashes');

done_testing();

# Samples of all tries count together, so that none is picked for its luck. Each
# quantile of a kind lies close to that of known names, the lower ones, to which
# other work of the machine adds little, within 3 % as well.
sub compare
{
	my ($name) = @_;
	my $verdict;

	$node->safe_psql('postgres', 'TRUNCATE jwt_auth.login_throttle; CALL measure(4); TRUNCATE sample');
	for my $try (1 .. $tries)
	{
		$node->safe_psql('postgres', "CALL measure($samples)");
		$verdict = differences('microseconds');
		note "$name, try $try: $verdict->{text}";
		last if $try >= 2 && !$verdict->{is_told_apart};
	}
	ok(!$verdict->{is_told_apart}, "$name: $verdict->{text}");

	# A leak in half of the attempts is seen
	my $leak = differences("microseconds + CASE WHEN kind = 'unknown' AND number % 2 = 0 THEN 6000 ELSE 0 END");

	ok($leak->{is_told_apart}, "$name: 6 ms more in half of the attempts are seen: $leak->{text}");
	return;
}

# How far the kinds lie from known names, and whether that tells them apart.
sub differences
{
	my ($time) = @_;
	my (%of, @text, $is_told_apart);

	for my $row (split /\n/, value_of($node, <<"SQL"))
SELECT kind, q, percentile_cont(q) WITHIN GROUP (ORDER BY $time)
FROM sample, unnest('{0.1,0.25,0.5,0.75}'::double precision[]) AS q GROUP BY kind, q
SQL
	{
		my ($kind, $quantile, $value) = split /\|/, $row;

		$of{$quantile}{$kind} = $value;
	}
	for my $quantile (sort keys %of)
	{
		my $known = $of{$quantile}{known};
		my $worst = max(map { abs($_ - $known) } values %{ $of{$quantile} });

		$is_told_apart = 1 if $worst > $most_microseconds || $quantile < 0.2 && $worst > 0.03 * $known;
		push @text, sprintf 'quantile %s: %.0f us of %.0f', $quantile, $worst, $known;
	}
	return { is_told_apart => $is_told_apart, text => join '; ', @text };
}
