-- The canonical form of names (T45): what looks like one name is one account,
-- at creation, login, renaming and in the throttle, whatever the collation.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 127 assertions
SELECT no_plan();

-- Each writing of a name logs in, cannot be created, and is throttled as one
CREATE TABLE public.name (given text, other text, what text);
INSERT INTO public.name VALUES
	('Straße', 'STRASSE', 'sharp s'), ('Straße', 'strasse', 'sharp s, folded'), ('Straße', U&'STRA\1E9EE', 'capital sharp s'),
	('Ångström', U&'A\030Angstro\0308m', 'decomposed'), ('Ångström', U&'\212Bngstr\00F6m', 'the angstrom sign'), ('Ångström', 'ÅNGSTRÖM', 'upper case'),
	('file', U&'\FB01le', 'a ligature'), ('file', U&'\FF26\FF29\FF2C\FF25', 'full width'), ('file', ' file', 'a space before'),
	('file', 'file  ', 'spaces after'), ('file', U&'\00A0file\3000', 'wide spaces'), ('file', U&'fi\00ADle', 'a soft hyphen'),
	('file', U&'fi\200Ble', 'a zero width space'), ('file', U&'\FEFFfile', 'a byte order mark'), ('file', U&'fi\2060le', 'a word joiner'),
	('ΣΊΣΥΦΟΣ', 'σίσυφος', 'final sigma'), ('ΣΊΣΥΦΟΣ', 'σίσυφοσ', 'no final sigma'),
	('user1', U&'user\00B9', 'a superscript'), ('user1', U&'user\2460', 'a circled digit'), ('KELVIN', U&'\212Aelvin', 'the kelvin sign'),
	(U&'\0132', 'ij', 'a digraph');
SELECT test.create_user(given) FROM (SELECT DISTINCT given FROM public.name) AS v;
SELECT is(test.error_of(test.login(given)), 'ok', 'the name as created logs in: ' || given),
	   is(test.claims_of(test.login(other)) ->> 'sub', test.user_id(given)::text, 'another writing of the name logs in: ' || what),
	   test.raises(format('SELECT test.create_user(%L)', other), '23505', 'is taken: ' || what)
FROM public.name;
SELECT jwt_create_user('somebody else') AS else \gset
SELECT test.raises(format('SELECT jwt_update_user(%L, %L)', :'else', other), '23505', 'nor can one be renamed to it: ' || what) FROM public.name;
SELECT is(test.error_of(jwt_login(given, 'wrong')), 'invalid_grant', 'a failure counts for the name as created: ' || given),
	   is(test.error_of(jwt_login(other, 'wrong')), 'invalid_grant', 'a failure counts for another writing of the name: ' || what)
FROM (SELECT DISTINCT ON (given) * FROM public.name) AS v;
SELECT is((SELECT array_agg(DISTINCT failures) FROM jwt_auth.login_throttle), '{2}', 'failures of two writings count against one name');

-- What must stay apart
SELECT is(jwt_create_user(name) IS NOT NULL, true, 'this name differs from the others: ' || name)
FROM unnest(ARRAY['title', 'tıtle', U&'ti\0307tle', 'a b', 'ab', 'a  b', 'paypal', U&'p\0430ypal', 'e', 'é', 'x.y', 'xy', 'o', 'ø', '0']) AS name;
SELECT test.raises('SELECT jwt_create_user(''TITLE'')', '23505', 'TITLE is taken where "title" written with a dotted i is'),
	   test.raises(format('SELECT jwt_create_user(%L)', U&'T\0130TLE'), '23505', 'an I with a dot in upper case is taken where i with a combining dot is'),
	   is((SELECT count(*) FROM jwt_auth.identifiers WHERE convert_from(canonical, 'UTF8') IN ('title', 'tıtle')), 2::bigint, 'title with i and with dotless i are two names');

-- Names that cannot be one are no error at login, and cost as much
SELECT is(test.error_of(test.login(name)), 'invalid_grant', 'what cannot be a name is denied at login: ' || to_json(name)::text)
FROM unnest(ARRAY[' ', E'a\nb', U&'a\0378', repeat('a', 256), repeat('a', 1024), U&'\200B', E'\x7f']) AS name;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle WHERE failures = 1), 7::bigint, 'what cannot be a name is counted by the throttle');

-- The form does not depend on collation or locale settings
SET lc_messages = 'C';
SET search_path = pg_catalog;
SELECT test.error_of(test.login(' STRASSE ')) AS verdict \gset
RESET search_path;
SELECT is(:'verdict'::text, 'ok', 'the canonical form does not depend on search_path');
SELECT is((SELECT string_agg(collname, ',') FROM pg_index JOIN pg_collation AS c ON c.oid = indcollation[0]
		   WHERE indexrelid = 'jwt_auth.identifiers_pkey'::regclass), NULL, 'the index of canonical names has no collation');

SELECT * FROM finish();
