\set known random(1, 1000)
\set unknown random(1, 1000000)
\set kind random(0, 1)
SELECT load.expect_denial(jwt_login(CASE :kind::integer WHEN 0 THEN 'victim' || :known::integer ELSE 'stranger' || :unknown::integer END, 'wrong'));
