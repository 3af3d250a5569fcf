\set n random(1, 200)
SELECT load.expect_tokens(jwt_login('member' || :n::integer, 'correct horse battery staple'));
