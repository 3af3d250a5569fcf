\set n random(1, 1000)
\set kind random(0, 1)
SELECT load.expect_denial(jwt_login(CASE :kind::integer WHEN 0 THEN 'victim' ELSE 'stranger' END || :n::integer, 'wrong'));
