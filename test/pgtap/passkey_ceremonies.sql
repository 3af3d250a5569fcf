-- Passkeys of the caller's own table: W3C's test vectors register and sign in,
-- and nothing else does (T144, T145, T146, T149, T151, T152, T154).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/passkeys.psql
-- At least 388 assertions
SELECT no_plan();

-- Each registers, and signs in with the key that came of it
CREATE TABLE test.verified AS
SELECT c.*, test.created(credential_id, create_client, attestation) AS creation,
	   test.got(credential_id, get_client, authenticator, signature) AS assertion,
	   CASE WHEN id ~ 'crossOrigin|topOrigin' THEN jsonb '{"cross_origin":true,"top_origins":["https://example.com"]}' ELSE '{}' END AS embedding
FROM test.ceremony AS c;
ALTER TABLE test.verified ADD stored jsonb, ADD used jsonb;
UPDATE test.verified SET stored = jwt_webauthn_verify_with(creation, NULL, test.expected(create_challenge) || embedding);
UPDATE test.verified SET used = jwt_webauthn_verify_with(assertion, stored -> 'public_key',
	test.expected(get_challenge) || embedding || jsonb_build_object('counter', stored -> 'counter', 'backup_eligible', stored -> 'backup_eligible',
		'credential_id', credential_id));
SELECT is((SELECT count(*)::integer FROM test.verified), 15, 'there are 15 ceremonies');
SELECT is(stored ->> 'verified', 'true', id || ' registers') FROM test.verified;
SELECT is(used ->> 'verified', 'true', id || ' signs in') FROM test.verified;
SELECT is(stored ->> 'id', credential_id, id || ' returns its id') FROM test.verified;
SELECT is(stored ->> 'attestation_format', CASE WHEN id LIKE 'none%' THEN 'none' ELSE regexp_replace(id, '^(packed|tpm|android-key|apple|fido-u2f).*', '\1') END,
		  id || ' returns the format of the unchecked attestation') FROM test.verified;
SELECT is(stored #>> '{public_key,alg}', CASE id WHEN 'packed-es384' THEN 'ES384' WHEN 'packed-es512' THEN 'ES512' WHEN 'packed-rs256' THEN 'RS256'
		  WHEN 'packed-eddsa' THEN 'EdDSA' WHEN 'packed-ed448' THEN 'Ed448' ELSE 'ES256' END, id || ' returns its algorithm') FROM test.verified;
SELECT is(jwk_public(stored -> 'public_key'), stored -> 'public_key', id || ' returns a complete public key') FROM test.verified;
SELECT is(stored - 'public_key', '{"id":"-R85HbTJsv3g6nAYnLo_tj9Xm6YSKzOtlP8-wzAIS-Q","aaguid":"8446ccb9-ab1d-b374-750b-2367ff6f3a1f","origin":"https://example.org","counter":0,
	"verified":true,"backed_up":true,"user_present":true,"user_verified":false,"backup_eligible":true,"attestation_format":"none"}'::jsonb, 'a registration returns all members')
FROM test.verified WHERE id = 'none-es256';
SELECT is(used, '{"id":"-R85HbTJsv3g6nAYnLo_tj9Xm6YSKzOtlP8-wzAIS-Q","origin":"https://example.org","counter":0,"verified":true,"backed_up":true,
	"user_present":true,"user_verified":false,"backup_eligible":true,"counter_regressed":false}'::jsonb, 'an assertion returns all members')
FROM test.verified WHERE id = 'none-es256';
SELECT is(jwt_webauthn_verify_with(creation || jsonb_build_object('response', creation -> 'response' || '{"transports":["usb","nfc"],"publicKey":"AA","publicKeyAlgorithm":-7}'),
		  NULL, test.expected(create_challenge)) -> 'transports', '["usb","nfc"]', 'transports are returned, and members that repeat the attestation are ignored')
FROM test.verified WHERE id = 'none-es256';

-- Every bit of what is signed, and of the signature
CREATE FUNCTION pg_temp.survivors(ceremony text, member text, step integer) RETURNS bigint
LANGUAGE sql AS
$$ SELECT count(*) FROM test.verified, LATERAL generate_series(0, length(test.from_base64url(assertion #>> ARRAY['response', member])) * 8 - 1, step) AS turned
   WHERE id = ceremony AND test.passkey_error(jsonb_set(assertion, ARRAY['response', member],
		to_jsonb(test.flipped(assertion #>> ARRAY['response', member], turned))), stored -> 'public_key', test.expected_stored(get_challenge) || embedding) NOT LIKE '28J00 invalid passkey: %' $$;
SELECT is(pg_temp.survivors('none-es256', member, 1), 0::bigint, 'an assertion with a flipped bit is refused: ' || member)
FROM unnest(ARRAY['clientDataJSON', 'authenticatorData', 'signature']) AS member;
SELECT is(pg_temp.survivors(id, member, 7), 0::bigint, format('%s: an assertion with a flipped bit is refused: %s', id, member))
FROM test.verified, unnest(ARRAY['clientDataJSON', 'authenticatorData', 'signature']) AS member WHERE id <> 'none-es256';
SELECT is(count(*) FILTER (WHERE test.passkey_error(jsonb_set(assertion, ARRAY['response', member],
		to_jsonb(test.base64url(substr(bytes, 1, cut)))), stored -> 'public_key', test.expected_stored(get_challenge)) NOT LIKE '28J00 %'), 0::bigint,
		'an assertion is refused when truncated: ' || member)
FROM test.verified, unnest(ARRAY['clientDataJSON', 'authenticatorData', 'signature']) AS member,
	 LATERAL (SELECT test.from_base64url(assertion #>> ARRAY['response', member])) AS b (bytes), LATERAL generate_series(0, length(bytes) - 1) AS cut
WHERE id = 'none-es256' GROUP BY member;
SELECT is(count(*) FILTER (WHERE test.passkey_error(jsonb_set(assertion, ARRAY['response', member],
		to_jsonb(test.base64url(bytes || '\x00'))), stored -> 'public_key', test.expected_stored(get_challenge) || embedding) NOT LIKE '28J00 %'), 0::bigint,
		'an assertion is refused with a trailing byte: ' || member)
FROM test.verified, unnest(ARRAY['clientDataJSON', 'authenticatorData', 'signature']) AS member,
	 LATERAL (SELECT test.from_base64url(assertion #>> ARRAY['response', member])) AS b (bytes)
GROUP BY member;
SELECT is(test.passkey_error(a.assertion, b.stored -> 'public_key', test.expected_stored(a.get_challenge) || a.embedding),
		  '28J00 invalid passkey: the signature is wrong', a.id || ' is refused with the key of another')
FROM test.verified AS a JOIN test.verified AS b ON b.id = CASE a.id WHEN 'none-es256' THEN 'apple-es256' ELSE 'none-es256' END;

-- Refused, one by one: what is handed over and expected, beside what is right
CREATE FUNCTION pg_temp.use(more jsonb DEFAULT '{}', changed jsonb DEFAULT '{}', response jsonb DEFAULT '{}', ceremony text DEFAULT 'none-es256') RETURNS text
LANGUAGE sql AS
$$ SELECT test.passkey_error(assertion || jsonb_build_object('response', assertion -> 'response' || response) || changed, stored -> 'public_key',
	test.expected_stored(get_challenge) || more) FROM test.verified WHERE id = ceremony $$;
CREATE FUNCTION pg_temp.create(more jsonb DEFAULT '{}', changed jsonb DEFAULT '{}', response jsonb DEFAULT '{}', ceremony text DEFAULT 'none-es256') RETURNS text
LANGUAGE sql AS
$$ SELECT test.passkey_error(creation || jsonb_build_object('response', creation -> 'response' || response) || changed, NULL,
	test.expected(create_challenge) || more) FROM test.verified WHERE id = ceremony $$;
SELECT is(pg_temp.use(), NULL, 'an unchanged assertion is accepted');
SELECT is(pg_temp.create(), NULL, 'an unchanged registration is accepted');

CREATE TABLE pg_temp.refusal (what text, more jsonb, reason text);
INSERT INTO pg_temp.refusal VALUES
	('another challenge', jsonb_build_object('challenge', test.challenge()), 'it answers another challenge'),
	('an origin that only begins so', '{"origins":["https://example.org.evil.example"]}', 'its origin is not among the expected ones'),
	('the origin with its port', '{"origins":["https://example.org:443"]}', 'its origin is not among the expected ones'),
	('http for https', '{"origins":["http://example.org"]}', 'its origin is not among the expected ones'),
	('a subdomain', '{"origins":["https://www.example.org"]}', 'its origin is not among the expected ones'),
	('the origin null', '{"origins":["null"]}', 'its origin is not among the expected ones'),
	('a slash behind the origin', '{"origins":["https://example.org/"]}', 'its origin is not among the expected ones'),
	('another case of the origin', '{"origins":["https://EXAMPLE.org"]}', 'its origin is not among the expected ones'),
	('the rpId of the parent domain', '{"rp_id":"org"}', 'it is for another relying party'),
	('the rpId of a subdomain', '{"rp_id":"www.example.org"}', 'it is for another relying party'),
	('a user who was not verified', '{"user_verification":"required"}', 'the user was not verified'),
	('an algorithm that was not offered', '{"algorithms":["EdDSA","RS256"]}', 'its algorithm was not offered');
SELECT is(pg_temp.use(more), '28J00 invalid passkey: ' || reason, 'a login is refused: ' || what) FROM pg_temp.refusal;
SELECT is(pg_temp.create(more), '28J00 invalid passkey: ' || reason, 'a registration is refused: ' || what) FROM pg_temp.refusal;
SELECT is(test.passkey_error(assertion, stored -> 'public_key', test.expected_stored(get_challenge) - 'user_verification'), '28J00 invalid passkey: the user was not verified',
		  'verification of the user is required unless the caller says otherwise') FROM test.verified WHERE id = 'none-es256';
SELECT is(test.passkey_error(creation, NULL, test.expected(create_challenge) - 'algorithms'), CASE WHEN id ~ 'es384|es512|ed448' THEN '28J00 invalid passkey: its algorithm was not offered' END,
		  id || ' registers if its algorithm is offered by default') FROM test.verified WHERE id !~ 'Origin';
SELECT is(pg_temp.use('{"origins":["https://a.example","https://example.org"]}'), NULL, 'one of several expected origins is accepted');
SELECT is(pg_temp.use('{"user_verification":"preferred"}'), NULL, 'an unverified user is accepted where verification is preferred');
SELECT is(pg_temp.use('{"user_verification":"required"}', ceremony => 'packed-es256'), NULL, 'a verified user is accepted where verification is required');

-- The other ceremony
SELECT is(test.passkey_error(jsonb_set(creation, '{response,clientDataJSON}', to_jsonb(get_client)), NULL, test.expected(get_challenge)),
		  '28J00 invalid passkey: it belongs to the other ceremony', 'client data of an assertion are refused at registration') FROM test.verified WHERE id = 'none-es256';
SELECT is(test.passkey_error(jsonb_set(assertion, '{response,clientDataJSON}', to_jsonb(create_client)), stored -> 'public_key', test.expected_stored(create_challenge)),
		  '28J00 invalid passkey: it belongs to the other ceremony', 'client data of a registration are refused at login') FROM test.verified WHERE id = 'none-es256';
SELECT is(test.passkey_error(creation, stored -> 'public_key', test.expected_stored(create_challenge)), '28J00 invalid passkey: it is not the result of toJSON() on a browser''s credential',
		  'a registration is refused at login') FROM test.verified WHERE id = 'none-es256';
SELECT is(test.passkey_error(assertion, NULL, test.expected(get_challenge)), '28J00 invalid passkey: it is not the result of toJSON() on a browser''s credential',
		  'an assertion is refused at registration') FROM test.verified WHERE id = 'none-es256';
SELECT is(test.passkey_error(credential, NULL, test.expected_stored(challenge)), '22023 argument "expected" describes a stored credential, but there is no public key',
		  'a login without a public key is not taken as a registration: ' || what)
FROM test.verified, LATERAL (VALUES ('an assertion', assertion, get_challenge), ('a registration', creation, create_challenge)) AS v (what, credential, challenge)
WHERE id = 'none-es256';

-- Inside another page
SELECT is(test.passkey_error(credential, key, expected || embedding), reason, format('%s, %s: %s', id, what, embedding))
FROM (SELECT id, what, credential, key, expected FROM test.verified, LATERAL (VALUES
	('use', assertion, stored -> 'public_key', test.expected_stored(get_challenge)), ('registration', creation, NULL, test.expected(create_challenge)))
	AS v (what, credential, key, expected)) AS c JOIN (VALUES
	('none-es256-crossOrigin', jsonb '{}', '28J00 invalid passkey: it was created inside a page of another origin'),
	('none-es256-crossOrigin', '{"cross_origin":false}', '28J00 invalid passkey: it was created inside a page of another origin'),
	('none-es256-crossOrigin', '{"top_origins":["https://example.com"]}', '28J00 invalid passkey: it was created inside a page of another origin'),
	('none-es256-crossOrigin', '{"cross_origin":true}', NULL),
	('none-es256-topOrigin', '{}', '28J00 invalid passkey: it was created inside a page of another origin'),
	('none-es256-topOrigin', '{"cross_origin":true}', '28J00 invalid passkey: it was created inside a page of another origin'),
	('none-es256-topOrigin', '{"top_origins":["https://example.com"]}', '28J00 invalid passkey: it was created inside a page of another origin'),
	('none-es256-topOrigin', '{"cross_origin":true,"top_origins":["https://example.org"]}', '28J00 invalid passkey: it was created inside a page of another origin'),
	('none-es256-topOrigin', '{"cross_origin":true,"top_origins":["https://a.example","https://example.com"]}', NULL)) AS r (id, embedding, reason) USING (id);

-- Whose it is
SELECT is(pg_temp.use('{"credential_id":"AAAA"}'), '28J00 invalid passkey: it belongs to another credential', 'an assertion of another credential is refused');
SELECT is(pg_temp.use(changed => '{"id":"AAAA","rawId":"AAAA"}', more => '{"credential_id":"-R85HbTJsv3g6nAYnLo_tj9Xm6YSKzOtlP8-wzAIS-Q"}'),
		  '28J00 invalid passkey: it belongs to another credential', 'an assertion with another id is refused');
SELECT is(pg_temp.create(changed => '{"id":"AAAA","rawId":"AAAA"}'), '28J00 invalid passkey: it belongs to another credential', 'a registration with another id than the attested one is refused');
SELECT is(pg_temp.use('{"user_handle":"AAAA"}', response => '{"userHandle":"BBBB"}'), '28J00 invalid passkey: it belongs to another user', 'the handle of another user is refused');
SELECT is(pg_temp.use('{"user_handle":"AAAA"}', response => '{"userHandle":"AAAA"}'), NULL, 'the handle of the expected user is accepted');
SELECT is(pg_temp.use('{"user_handle":"AAAA"}', response => '{"userHandle":null}'), NULL, 'an assertion without a handle is accepted');
SELECT is(jwt_webauthn_verify_with(jsonb_set(assertion, '{response,userHandle}', '"AAAA"'), stored -> 'public_key', test.expected_stored(get_challenge)) ->> 'user_handle', 'AAAA',
		  'the handle is returned') FROM test.verified WHERE id = 'none-es256';

-- Counter and backup, against what is stored
SELECT is(pg_temp.use('{"counter":1}', ceremony => 'none-es256-topOrigin'), '28J00 invalid passkey: it was created inside a page of another origin', 'other checks come before the counter');
SELECT is(pg_temp.use(jsonb_build_object('counter', counter), ceremony => 'fido-u2f-es256'), '28J00 invalid passkey: its counter did not increase', 'a counter of zero is refused after ' || counter)
FROM unnest(ARRAY[1, 2, 4294967295]) AS counter;
SELECT is(jwt_webauthn_verify_with(assertion, stored -> 'public_key', test.expected_stored(get_challenge) || '{"counter":5}') - 'id' - 'origin',
		  '{"counter":5,"counter_regressed":true,"verified":true,"user_present":true,"user_verified":false,"backup_eligible":true,"backed_up":true}',
		  'a synced credential reports a lower counter and keeps the higher one') FROM test.verified WHERE id = 'none-es256';
SELECT is(test.passkey_error(assertion, stored -> 'public_key', test.expected_stored(get_challenge) || embedding || jsonb_build_object('backup_eligible', NOT (stored -> 'backup_eligible')::boolean)),
		  '28J00 invalid passkey: its eligibility for backup has changed', id || ': a changed eligibility for backup is refused') FROM test.verified;
SELECT is(test.passkey_error(assertion, stored -> 'public_key', test.expected_stored(get_challenge) || embedding || jsonb_build_object('backup_eligible', stored -> 'backup_eligible')),
		  NULL, id || ': the same eligibility for backup is accepted') FROM test.verified;

-- Not what a browser gives
SELECT is(pg_temp.use(changed => changed), '28J00 invalid passkey: it is not the result of toJSON() on a browser''s credential', 'a malformed assertion is refused: ' || left(changed::text, 60))
FROM unnest(ARRAY['{"type":"password"}', '{"type":null}', '{"id":1}', '{"id":""}', '{"id":"A"}', '{"id":"AA=="}', '{"rawId":"AAAA"}', '{"rawId":null}',
	'{"response":null}', '{"response":[]}', '{"response":{}}', '{"response":"AAAA"}',
	jsonb_build_object('id', repeat('A', 1400), 'rawId', repeat('A', 1400)), jsonb_build_object('id', repeat('A', 1000000), 'rawId', repeat('A', 1000000))]::jsonb[]) AS changed;
SELECT is(pg_temp.use(response => changed), '28J00 invalid passkey: it is not the result of toJSON() on a browser''s credential', 'a malformed response of an assertion is refused: ' || left(changed::text, 60))
FROM unnest(ARRAY['{"clientDataJSON":1}', '{"clientDataJSON":""}', '{"clientDataJSON":"!"}', '{"clientDataJSON":"AB"}', '{"authenticatorData":null}', '{"authenticatorData":"A"}', '{"signature":[]}', '{"signature":""}',
	'{"userHandle":1}', '{"userHandle":""}', jsonb_build_object('userHandle', repeat('A', 88)), jsonb_build_object('clientDataJSON', repeat('A', 22000)),
	jsonb_build_object('authenticatorData', repeat('A', 88000)), jsonb_build_object('signature', repeat('A', 8000))]::jsonb[]) AS changed;
SELECT is(pg_temp.create(response => changed), '28J00 invalid passkey: it is not the result of toJSON() on a browser''s credential', 'a malformed response of a registration is refused: ' || left(changed::text, 60))
FROM unnest(ARRAY['{"attestationObject":null}', '{"attestationObject":"AB"}', '{"transports":"usb"}', '{"transports":[1]}', '{"transports":[""]}', '{"transports":{}}',
	jsonb_build_object('transports', jsonb_build_array(repeat('u', 33))), jsonb_build_object('transports', array_fill('a'::text, '{17}')),
	jsonb_build_object('attestationObject', repeat('A', 88000))]::jsonb[]) AS changed;
SELECT is(test.passkey_error(credential, NULL, test.expected(test.challenge())), '28J00 invalid passkey: it is not the result of toJSON() on a browser''s credential', 'a value that is not a credential is refused: ' || coalesce(credential::text, 'NULL'))
FROM unnest(ARRAY['{}', '[]', 'null', '"a"', '1', NULL]::jsonb[]) AS credential;

-- What the caller expects is no way to leave a check out
SELECT is(pg_temp.use(more), '22023 argument "expected" has an unusable member', 'an unusable expectation is refused: ' || left(more::text, 60))
FROM unnest(ARRAY['{"challenge":null}', '{"challenge":1}', '{"challenge":""}', '{"challenge":"AAAA"}', '{"challenge":"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag="}',
	jsonb_build_object('challenge', repeat('A', 1370)), '{"origins":null}', '{"origins":[]}', '{"origins":"https://example.org"}', '{"origins":[null]}', '{"origins":[""]}', '{"origins":{}}',
	jsonb_build_object('origins', array_fill('https://example.org'::text, '{65}')), '{"rp_id":null}', '{"rp_id":""}', '{"rp_id":["example.org"]}',
	'{"user_verification":null}', '{"user_verification":false}', '{"user_verification":"Required"}', '{"algorithms":null}', '{"algorithms":[]}', '{"algorithms":["HS256"]}', '{"algorithms":["none"]}', '{"algorithms":[-7]}',
	'{"cross_origin":null}', '{"cross_origin":"true"}', '{"top_origins":null}', '{"top_origins":[]}', '{"counter":null}', '{"counter":"0"}', '{"counter":-1}', '{"counter":0.5}', '{"counter":4294967296}', '{"counter":1e400}',
	'{"backup_eligible":"true"}', '{"backup_eligible":0}', '{"credential_id":null}', '{"credential_id":""}', '{"user_handle":null}', '{"user_handle":"A"}']::jsonb[]) AS more;
SELECT is(pg_temp.use(more), '22023 argument "expected" has an unknown member', 'an unknown expectation is refused: ' || more::text)
FROM unnest(ARRAY['{"origin":"https://example.org"}', '{"rpId":"example.org"}', '{"userVerification":"required"}', '{"":1}', '{"COUNTER":1}']::jsonb[]) AS more;
SELECT is(test.passkey_error(assertion, stored -> 'public_key', test.expected_stored(get_challenge) - member),
		  CASE WHEN member IN ('counter', 'backup_eligible') THEN '22023 argument "expected" does not describe the stored credential' ELSE '22023 argument "expected" lacks a member' END, 'a login is refused without the expectation ' || member)
FROM test.verified, unnest(ARRAY['challenge', 'origins', 'rp_id', 'counter', 'backup_eligible']) AS member WHERE id = 'none-es256';
SELECT is(test.passkey_error(creation, NULL, test.expected(create_challenge) - member), '22023 argument "expected" lacks a member', 'a registration is refused without the expectation ' || member)
FROM test.verified, unnest(ARRAY['challenge', 'origins', 'rp_id']) AS member WHERE id = 'none-es256';
SELECT is(pg_temp.create(more), '22023 argument "expected" describes a stored credential, but there is no public key', 'a registration that expects a stored credential is refused: ' || more::text)
FROM unnest(ARRAY['{"counter":0}', '{"counter":null}', '{"backup_eligible":null}', '{"credential_id":"AAAA"}', '{"user_handle":"AAAA"}']::jsonb[]) AS more;
SELECT is(test.passkey_error(creation, NULL, expected), '22023 argument "expected" must be a JSON object', 'expectations that are not an object are refused: ' || coalesce(expected::text, 'NULL'))
FROM test.verified, unnest(ARRAY['[]', '[{}]', 'null', '"a"', NULL]::jsonb[]) AS expected WHERE id = 'none-es256';

-- Keys that verify no passkey
SELECT alike(test.passkey_error(assertion, key, test.expected_stored(get_challenge)), '22023 %', 'a value that is not a public key is refused: ' || left(key::text, 60))
FROM test.verified, unnest(ARRAY['null', '{}', '[]', '"a"', '{"keys":[]}', test.key('oct'), test.key('oct', 'HS256'), jsonb_build_object('keys', jsonb_build_array(stored -> 'public_key')),
	stored -> 'public_key' || '{"alg":"ES384"}', stored -> 'public_key' || '{"use":"enc"}', stored -> 'public_key' || '{"key_ops":["sign"]}', (stored -> 'public_key') - 'x']::jsonb[]) AS key
WHERE id = 'none-es256';
SELECT is(test.passkey_error(assertion, (stored -> 'public_key') - 'alg', test.expected_stored(get_challenge)), NULL, 'a key without alg is verified by its curve') FROM test.verified WHERE id = 'none-es256';

SELECT * FROM finish();
