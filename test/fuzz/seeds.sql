-- A few inputs of each kind to start from, written to the targets' corpora.
-- Fed to "postgres --single -j" after setup.sql, where an empty line ends a
-- statement; relative paths begin in the data directory.

CREATE EXTENSION jwt_auth;

CREATE TABLE seed (target text NOT NULL, input bytea NOT NULL);

-- RFC 7515 A.1 to A.4, RFC 8037 A.4, RFC 7515 A.5 (unsecured), and tokens of
-- odd sizes.
INSERT INTO seed
SELECT 'token', token::bytea
FROM unnest(ARRAY[
	'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
	'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw',
	'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q',
	'eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXUKOXolLzeO_Jn',
	'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
	'eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.',
	'..',
	'eyJhbGciOiJIUzI1NiJ9.e30.' || repeat('A', 8192),
	'eyJhbGciOiJIUzI1NiJ9.' || repeat('e30', 6000) || '.AA'])
	AS token;

INSERT INTO seed
SELECT 'token', jwt_sign_with('{"iss": "joe", "exp": 4102444800}', key)::bytea
FROM key_set, jsonb_array_elements(jwks -> 'keys') AS key
WHERE name = 'secrets';

INSERT INTO seed
SELECT 'signed', convert_to(header || E'\n' || payload, 'UTF8')
FROM unnest(ARRAY[
	'{"alg":"HS256"}',
	'{"alg":"HS256","typ":"application/at+jwt","kid":"k"}',
	'{"alg":"HS512","typ":"JWT","b64":true}',
	'{"alg":"HS256","kid":"s","crit":["exp"],"zip":"DEF"}']) AS header,
	unnest(ARRAY[
	'{"iss":"joe","exp":4102444800,"aud":["a","b"],"nbf":0,"iat":1.5e9}',
	'{"aud":"a","exp":4102444800.25,"sub":"\u00e4\ud83d\ude00","n":-1e-3}',
	'{"exp":"soon","nbf":null,"iat":[0],"iss":{}}']) AS payload;

INSERT INTO seed
SELECT 'json', convert_to(json, 'UTF8')
FROM unnest(ARRAY[
	'{}',
	'{"a":1,"a":2}',
	'{"exp":123456789012345678,"a":-0,"b":1234567890123456789012345678901234567890}',
	'{"a":[1.5,-2e-3,3E+7,1e4096,0.0],"b":{"c":[true,false,null,[],{}]}}',
	U&'{"\\u0061":"\\n\\"\\\\\\u00e9\\ud83d\\ude00","\00e9\20ac\+01F600":"\\ud800"}',
	'{"a":"\u0000"}',
	repeat('{"a":', 31) || '[]' || repeat('}', 31),
	'{"a":' || repeat('[', 31) || repeat(']', 31) || ',"exp":1}']) AS json;

-- A pair for each algorithm that this server has.
CREATE TABLE pair (alg text, private jsonb, public jsonb);

DO $$
DECLARE
	alg text;
	private jsonb;
BEGIN
	SET LOCAL exit_on_error = off;
	FOREACH alg IN ARRAY '{HS256,HS512,RS256,PS512,ES256,ES384,ES512,ES256K,EdDSA,Ed25519,Ed448,ML-DSA-44,ML-DSA-87}'::text[] LOOP
		BEGIN
			private := jwk_generate(alg, 'k');
			INSERT INTO pair VALUES (alg, private,
				CASE WHEN private ->> 'kty' <> 'oct' THEN jwk_public(private) END);
		EXCEPTION WHEN invalid_parameter_value THEN
			NULL;
		END;
	END LOOP;
END $$;

INSERT INTO seed
SELECT 'jwk', convert_to(jwk::text, 'UTF8')
FROM pair, unnest(ARRAY[private, private - 'alg' || '{"use": "sig", "key_ops": ["sign", "verify"]}',
						private - '{p,q,dp,dq,qi}'::text[], public]) AS jwk
WHERE jwk IS NOT NULL
UNION
SELECT 'jwk', convert_to(jsonb_build_object('keys', jsonb_agg(public - 'kid'))::text, 'UTF8')
FROM pair
WHERE public IS NOT NULL
UNION ALL
SELECT 'jwk', convert_to(jwks::text, 'UTF8')
FROM key_set;

INSERT INTO seed
SELECT 'pem', convert_to(alg || E'\n' || jwk_to_pem(jwk), 'UTF8')
FROM pair, unnest(ARRAY[private, public]) AS jwk
WHERE public IS NOT NULL
UNION ALL
SELECT 'pem', pg_read_binary_file('corpus/pem/' || name)
FROM pg_ls_dir('corpus/pem') AS name;

-- The same as algorithm, label and DER.
INSERT INTO seed
SELECT 'der', convert_to(part[1] || E'\n' || part[2] || E'\n', 'UTF8') || decode(part[3], 'base64')
FROM seed,
	regexp_match(convert_from(input, 'UTF8'), '^(.*?)\n.*-----BEGIN (.*?)-----\n(.*?)-----END') AS part
WHERE target = 'pem';

INSERT INTO seed
SELECT 'base64url', text::bytea
FROM unnest('{A,AA,AB,AAA,AAB,AAAA,-_-_,Zm9vYmFy,Zm9vYg,Zg==,+/+/}'::text[]) AS text;

INSERT INTO seed
SELECT 'name', convert_to(name, 'UTF8')
FROM unnest(ARRAY['alice', 'Alice@Example.org', ' a  b ', repeat('x', 255),
	U&'\00c5ngstr\00f6m', U&'\fb01\0345\0301', U&'\2126\00ad\3000\1e9e']) AS name;

-- The same password in all kinds that can be imported, and some that cannot.
INSERT INTO seed
SELECT 'hash', hash::bytea
FROM unnest(ARRAY[
	'$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$LyW9zUrDd5HjZMxTVWx7wUrhTLV8m4C0JGcMbFOYJVM',
	'$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ',
	'$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
	'$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
	'$6$rounds=5000$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1',
	'$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8',
	'$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7',
	'pbkdf2_sha256$260000$saltsaltsalt$ZHVtbXlkdW1teWR1bW15ZHVtbXlkdW1teWR1bW15ZGk=',
	'$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk',
	'md55f4dcc3b5aa765d61d8327deb882cf99'])
	AS hash;
INSERT INTO seed SELECT 'hash', convert_to(hash, 'UTF8') FROM accepted_hashes;

-- Of W3C's test vectors (Web Authentication Level 3): attestation objects whole,
-- and authenticator data, public keys and client data out of them.
INSERT INTO seed
SELECT target, decode(input, 'base64')
FROM (VALUES
	('attestation', 'o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikv6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LVZAAAAAIRGzLmrHbN0dQsjZ/9vOh8AIPkfOR20ybL94OpwGJy6P7Y/V5umEiszrZT/PsMwCEvkpQECAyYgASFYIK/voW+XypstI+uGzLZAmNINuQhWBi6yScM6m2cvJt9hIlggkwpWuHovymYzSwNFir+HlxfBLMaO1zKQry4mZHlrkiA='),
	('attestation', 'v6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LVZAAAAAIRGzLmrHbN0dQsjZ/9vOh8AIPkfOR20ybL94OpwGJy6P7Y/V5umEiszrZT/PsMwCEvkpQECAyYgASFYIK/voW+XypstI+uGzLZAmNINuQhWBi6yScM6m2cvJt9hIlggkwpWuHovymYzSwNFir+HlxfBLMaO1zKQry4mZHlrkiA='),
	('attestation', 'v6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LUZAAAAAA=='),
	('cose', 'pQECAyYgASFYIK/voW+XypstI+uGzLZAmNINuQhWBi6yScM6m2cvJt9hIlggkwpWuHovymYzSwNFir+HlxfBLMaO1zKQry4mZHlrkiA='),
	('client', 'eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiQU1NUHQ0VXh4R1RTdG5jZHE0MTdZRHdCRmk4dnBJYS1wdzhvT3VWVzRUQSIsIm9yaWdpbiI6Imh0dHBzOi8vZXhhbXBsZS5vcmciLCJjcm9zc09yaWdpbiI6ZmFsc2UsImV4dHJhRGF0YSI6ImNsaWVudERhdGFKU09OIG1heSBiZSBleHRlbmRlZCB3aXRoIGFkZGl0aW9uYWwgZmllbGRzIGluIHRoZSBmdXR1cmUsIHN1Y2ggYXMgdGhpczogQmtRZURqZGNUQnJYQmlBd0pUTEU1USJ9'),
	('attestation', 'o2NmbXRmcGFja2VkZ2F0dFN0bXSiY2FsZyZjc2lnWEYwRAIgBnogdUq5JQBdvzeAl8khIAMVgccyKNH7T1uIG819qYMCIH/HsUdVjHwOujrxi9nRIfo9OibRf+PyICchePRztgBtaGF1dGhEYXRhWKS/q8N0MpWLBjNg061kYcnEc1rn+O3UZZKl4PAUUrLktV0AAAAA34UOCdtq+9+rUWl3kVBs/AAgRV7zTiBDqH2z1K/rObvLbMMt+TR8eJqGXs3KEpy+9YylAQIDJiABIVgg6xUcgXayJcxlFVn+zwevRQ/YWAIEZlazTBj2zxk4Q8UiWCCSe4qkJ6K+G4g00jOi009h8Tv9RBGcMl1YluGD/uSE8g=='),
	('attestation', 'v6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LVdAAAAAN+FDgnbavvfq1Fpd5FQbPwAIEVe804gQ6h9s9Sv6zm7y2zDLfk0fHiahl7NyhKcvvWMpQECAyYgASFYIOsVHIF2siXMZRVZ/s8Hr0UP2FgCBGZWs0wY9s8ZOEPFIlggknuKpCeivhuINNIzotNPYfE7/UQRnDJdWJbhg/7khPI='),
	('attestation', 'v6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LUJAAAAAA=='),
	('cose', 'pQECAyYgASFYIOsVHIF2siXMZRVZ/s8Hr0UP2FgCBGZWs0wY9s8ZOEPFIlggknuKpCeivhuINNIzotNPYfE7/UQRnDJdWJbhg/7khPI='),
	('attestation', 'o2NmbXRmcGFja2VkZ2F0dFN0bXSjY2FsZyZjc2lnWEgwRgIhANg/YL2AJpU3WDIYhYrvsDrFfUX6BuQv6q4zLRh/YtqfAiEAoCvTy29+HSg8k7rR8/S1pMBJRGPaf9vyVpSRFnVNHxdjeDVjgVkCJzCCAiMwggHIoAMCAQICEQCyz8nqM8hkOw4adgRj6vFkMAoGCCqGSM49BAMCMGIxHjAcBgNVBAMMFVdlYkF1dGhuIHRlc3QgdmVjdG9yczEMMAoGA1UECgwDVzNDMSUwIwYDVQQLDBxBdXRoZW50aWNhdG9yIEF0dGVzdGF0aW9uIENBMQswCQYDVQQGEwJBQTAgFw0yNDAxMDEwMDAwMDBaGA8zMDI0MDEwMTAwMDAwMFowXzEeMBwGA1UEAwwVV2ViQXV0aG4gdGVzdCB2ZWN0b3JzMQwwCgYDVQQKDANXM0MxIjAgBgNVBAsMGUF1dGhlbnRpY2F0b3IgQXR0ZXN0YXRpb24xCzAJBgNVBAYTAkFBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3St6VktzuMC4HExi5SGSXE0RmOyfWD2/HuvjZLZc2cKam980aqqB+2uVB+UkmlL9r4454msLfcRZkqfiM7cPcKNgMF4wDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwHQYDVR0OBBYEFAridUa8fsyxtLWXvTVPDAsfH4+OMB8GA1UdIwQYMBaAFEWv9xWw3XhnQf7pluvBZUejkxseMAoGCCqGSM49BAMCA0kAMEYCIQCg1DTstfw7/X2l9BkEUXrSg2JJ9WG9g0unpDioq3pM6AIhAPrIRbt6AlE7WOnzGWVNvkmw8CuVg1usVoxx+KGM3emraGF1dGhEYXRhWIG/q8N0MpWLBjNg061kYcnEc1rn+O3UZZKl4PAUUrLktUEAAAAA1aozWB6MpHjiD+cT9dMv8gAgzp+EDtllmVgM0UD7x7syMGM/UPYQQa/3Mwiuccqoor2kAQEDJyAGIVggROBt3TMcNqjcZnurUryuY0hskWql4znmrOuqhJNL+DI='),
	('attestation', 'v6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LVBAAAAANWqM1gejKR44g/nE/XTL/IAIM6fhA7ZZZlYDNFA+8e7MjBjP1D2EEGv9zMIrnHKqKK9pAEBAycgBiFYIETgbd0zHDao3GZ7q1K8rmNIbJFqpeM55qzrqoSTS/gy'),
	('attestation', 'v6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LUBAAAAAA=='),
	('cose', 'pAEBAycgBiFYIETgbd0zHDao3GZ7q1K8rmNIbJFqpeM55qzrqoSTS/gy'),
	('attestation', 'o2NmbXRmcGFja2VkZ2F0dFN0bXSjY2FsZyZjc2lnWEcwRQIhAMVDC2tT9rj9Hl+kaufruPnprg0Q68dI6Hbi2XmzmxOCAiAIxc2orxdPLTwFDV0U7sByEDE2TLEpJKBmM9SSTGvK02N4NWOBWQInMIICIzCCAcigAwIBAgIRAM/0IoaX1uWsR0gLI5BnfwUwCgYIKoZIzj0EAwIwYjEeMBwGA1UEAwwVV2ViQXV0aG4gdGVzdCB2ZWN0b3JzMQwwCgYDVQQKDANXM0MxJTAjBgNVBAsMHEF1dGhlbnRpY2F0b3IgQXR0ZXN0YXRpb24gQ0ExCzAJBgNVBAYTAkFBMCAXDTI0MDEwMTAwMDAwMFoYDzMwMjQwMTAxMDAwMDAwWjBfMR4wHAYDVQQDDBVXZWJBdXRobiB0ZXN0IHZlY3RvcnMxDDAKBgNVBAoMA1czQzEiMCAGA1UECwwZQXV0aGVudGljYXRvciBBdHRlc3RhdGlvbjELMAkGA1UEBhMCQUEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS4Wq95DIJAN8/p/FarjXzm+/r/Lj/nyNdFc0w8bjxs6IDVBczbHiw3OGgOb0n0deTY0LbCkGDm4NemOS+2kJTOo2AwXjAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDAdBgNVHQ4EFgQU+o+BwtzA4ZSuUDTH553PbZ2Fk+IwHwYDVR0jBBgwFoAURa/3FbDdeGdB/umW68FlR6OTGx4wCgYIKoZIzj0EAwIDSQAwRgIhAOdh9UIVrZLyfCwUue6j456MIkKegz7Lpb6RiYeqcuDmAiEA1acU30ecI4WGt9nmaE6oSZEIcDiw/vaim1e2a3TfBf1oYXV0aERhdGFYm7+rw3QylYsGM2DTrWRhycRzWuf47dRlkqXg8BRSsuS1WQAAAABByROu2pJf4CJzMi40wq5nACAiT83jJOawde3lUJiiS53c5fWnxx0jcD79Uoo4+KXzPKQBAQM4NCAHIVg5gFHvT5RnC1q/F9oulVi6brqU64cENjkVtNZm3ih60ynenx8HUhGrpgLcbnpeUrFajuHJhKn4iHOA'),
	('attestation', 'v6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LVZAAAAAEHJE67akl/gInMyLjTCrmcAICJPzeMk5rB17eVQmKJLndzl9afHHSNwPv1Sijj4pfM8pAEBAzg0IAchWDmAUe9PlGcLWr8X2i6VWLpuupTrhwQ2ORW01mbeKHrTKd6fHwdSEaumAtxuel5SsVqO4cmEqfiIc4A='),
	('attestation', 'v6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LUdAAAAAA=='),
	('cose', 'pAEBAzg0IAchWDmAUe9PlGcLWr8X2i6VWLpuupTrhwQ2ORW01mbeKHrTKd6fHwdSEaumAtxuel5SsVqO4cmEqfiIc4A='),
	('client', 'eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiMVVwY2pLUzJLbzQ3c3lIanNyeHpoVy1Gb1FGUTJ5azVyQmxYT2VzZW9HWSIsIm9yaWdpbiI6Imh0dHBzOi8vZXhhbXBsZS5vcmciLCJjcm9zc09yaWdpbiI6dHJ1ZSwidG9wT3JpZ2luIjoiaHR0cHM6Ly9leGFtcGxlLmNvbSIsImV4dHJhRGF0YSI6ImNsaWVudERhdGFKU09OIG1heSBiZSBleHRlbmRlZCB3aXRoIGFkZGl0aW9uYWwgZmllbGRzIGluIHRoZSBmdXR1cmUsIHN1Y2ggYXMgdGhpczogVWlGb0pNVlJRSERBRldGaTR2eFVwUSJ9')) AS v (target, input);

-- Tokens of a session, one of them spent; the signing key brings the key of
-- refresh tokens with it.
SET jwt_auth.argon2_memory = 8;

SELECT jwt_create_key();

SELECT jwt_create_user('alice', 'correct horse battery staple');

INSERT INTO seed
WITH login AS MATERIALIZED (
	SELECT jwt_login('alice', 'correct horse battery staple') ->> 'refresh_token' AS token)
SELECT 'refresh', token::bytea FROM login
UNION ALL
SELECT 'refresh', (jwt_refresh(token) ->> 'refresh_token')::bytea FROM login
UNION ALL
SELECT 'refresh', input::bytea FROM unnest(ARRAY['jar_', 'jar_AQ', 'jar_' || repeat('A', 103), repeat('x', 48)]) AS input;

CREATE TABLE file AS
SELECT format('corpus/%s/%s', target, md5(input)) AS path, lo_from_bytea(0, input) AS object
FROM seed;

SELECT count(lo_export(object, path))
FROM file;

