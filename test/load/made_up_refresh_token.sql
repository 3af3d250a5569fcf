SELECT load.expect_denial(jwt_refresh('jar_AQAAAAE' || substr(md5(random()::text) || md5(random()::text) || md5(random()::text) || md5(random()::text), 1, 96)));
