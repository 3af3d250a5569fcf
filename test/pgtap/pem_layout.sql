-- PEM as environment variables, JSON and indented files carry it, and texts of
-- keys that are taken for secrets (F27).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 158 assertions
SELECT no_plan();
SET jwt_auth.require_exp = off;

CREATE TABLE public.pem (alg text, body text);
INSERT INTO public.pem
SELECT alg, jwk_to_pem(key) FROM unnest('{RS256,ES256,EdDSA}'::text[]) AS alg, jwk_generate(alg) AS key
UNION ALL SELECT alg, jwk_to_pem(jwk_public(key)) FROM unnest('{PS256,ES384,Ed448}'::text[]) AS alg, jwk_generate(alg) AS key;

-- The same text, differently laid out
CREATE TABLE public.layout AS
SELECT alg, body, what, form FROM public.pem, LATERAL (VALUES
	('\n for line ends', replace(body, E'\n', '\n')),
	('\r\n for line ends', replace(body, E'\n', '\r\n')),
	('\n and line ends', replace(body, E'\n', E'\\n\n')),
	('blanks for line ends', replace(body, E'\n', ' ')),
	('nothing for line ends', replace(body, E'\n', '')),
	('indented', regexp_replace(body, '^', '    ', 'gn')),
	('indented with tabs', regexp_replace(body, '^', E'\t', 'gn')),
	('blanks at line ends', replace(body, E'\n', E'  \n')),
	('carriage returns', replace(body, E'\n', E'\r\n')),
	('between quotes', '"' || replace(body, E'\n', '\n') || '"'),
	('behind something else', 'KEY=' || replace(body, E'\n', '\n')))
	AS v (what, form);
SELECT is(jwk_from_pem(form, alg), jwk_from_pem(body, alg), alg || ': a key is read: ' || what) FROM public.layout;

-- What is damaged stays damaged
SELECT test.raises(format('SELECT jwk_from_pem(%L, %L)', form, alg), '22P02', alg || ': a damaged key is refused: ' || what)
FROM public.pem, LATERAL (VALUES
	('no end', split_part(replace(body, E'\n', '\n'), '-----END', 1)),
	('no beginning', substr(replace(body, E'\n', ' '), 12)),
	('another end', replace(replace(body, E'\n', '\n'), '-----END', '-----END OTHER')),
	('a character less', overlay(replace(body, E'\n', '\n') PLACING '' FROM 60 FOR 1)),
	('a foreign character', overlay(replace(body, E'\n', '\n') PLACING '*' FROM 60 FOR 1)),
	('a backslash alone', overlay(replace(body, E'\n', '\n') PLACING '\x' FROM 60 FOR 0)),
	('no body', regexp_replace(replace(body, E'\n', '\n'), '(-----BEGIN [A-Z ]+-----).*(-----END)', '\1\n\2')),
	('marks alone', repeat('-----BEGIN X----------END X-----', 200)),
	('beginnings alone', repeat('-----BEGIN ', 1000)))
	AS v (what, form);

-- Encrypted keys are told from damaged ones
\set form `openssl genrsa -traditional -aes256 -passout pass:secret 2048 2>/dev/null`
SELECT test.raises(format('SELECT jwk_from_pem(%L, ''RS256'')', form), '22023', 'an encrypted key is refused: ' || what)
FROM (VALUES
	('laid out', :'form'), ('\n for line ends', replace(:'form', E'\n', '\n')),
	('blanks for line ends', replace(:'form', E'\n', ' ')),
	('indented', regexp_replace(:'form', '^', '  ', 'gn'))) AS v (what, form);

-- A text of a key is no secret
SELECT test.raises(format('SELECT jwk_from_secret(%L, ''HS256'')', convert_to(secret, 'UTF8')), '22023', 'a key or PEM is refused as a secret: ' || left(secret, 30))
FROM public.pem, LATERAL (VALUES (body), (replace(body, E'\n', '\n')), (encode(convert_to(body, 'UTF8'), 'base64')), (jwk_public(jwk_from_pem(body, alg))::text), (jsonb_build_object('keys', jsonb_build_array(jwk_from_pem(body, alg)))::text)) AS v (secret);
SELECT lives_ok(format('SELECT jwk_from_secret(%L, ''HS256'')', convert_to(secret, 'UTF8')), 'a secret that resembles a key is accepted: ' || secret)
FROM unnest(ARRAY['{a secret that begins with a brace}', 'a secret that speaks of "kty" and more', '-----a secret between dashes that is long-----', 'BEGIN PUBLIC KEY and then something else']) AS secret;
SELECT finish();
