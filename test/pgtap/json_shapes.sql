-- Claims that are no proper JSON object (T10): 28J00 for each, in bounded time
-- and memory, and never an error of jsonb's own.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 488 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

-- Accepted, and returned exactly
SELECT is(jwt_verify_with(test.token(payload), test.key('oct')), payload::jsonb,
		  'claims are accepted: ' || left(to_json(payload)::text, 60))
FROM (VALUES
	('{}'),
	(' { } '),
	(E'{"a":\r\n\t1}\n'),
	('{"":""}'),
	('{"a":{"a":{"a":1}}}'),
	('{"a":[{"b":1},{"b":2}]}'),
	('{"a":[[],{},null,true,false,0,-0.0,1.50,1e2,1E-2,1e+2]}'),
	('{"a":12345678901234567890123456789012345678901234567890}'),
	('{"a":-9223372036854775809,"b":18446744073709551616}'),
	('{"a":0.1234567890123456789012345678901234567890}'),
	('{"a":1e400,"b":-1e400,"c":1e-400}'),
	('{"a":1e4095}'),
	('{"a":' || repeat('9', 4096) || '}'),
	('{"a":"\"\\\/\b\f\n\r\t"}'),
	('{"a":"\u00e9\u20ac\ud83d\ude00"}'),
	('{"a":"é€😀"}'),
	('{"\u0061":1,"\u00e9":2}'),
	('{"a":"\u0001\u001f\u007f\uffff"}'),
	('{"a":"\\u0000"}'),
	('{"__proto__":1,"constructor":2}'),
	('{"a":' || repeat('[', 31) || repeat(']', 31) || '}'),
	('{"a":[' || repeat('0,', 5000) || '0]}')) AS v (payload);
SELECT is(jwt_verify_with(test.token('{"a":1.10}'), test.key('oct')) ->> 'a',
		  '1.10', 'trailing zeros are kept');

CREATE TEMP TABLE refused (payload text);
INSERT INTO refused VALUES
	-- not an object
	(' '), ('[]'), ('[{}]'), ('"a"'), ('1'), ('0'), ('null'), ('true'), ('false'),
	('"{}"'), ('a'), ('{}{}'), ('{},{}'), ('{} {}'), ('[{}'), ('{}]'),
	-- trailing and leading matter
	('{}x'), ('x{}'), ('{};'), ('{}//'), ('/**/{}'), ('#{}'), ('{}' || chr(11)),
	('{}' || U&'\00A0'), (U&'\FEFF{}'), ('{}' || U&'\FEFF'), ('{}' || chr(1)),
	-- broken syntax
	('{'), ('}'), ('{"a"'), ('{"a":'), ('{"a":1'), ('{"a":1,'), ('{"a":1,}'),
	('{,"a":1}'), ('{"a":1,,"b":2}'), ('{"a" 1}'), ('{"a"::1}'), ('{"a":1 "b":2}'),
	('{"a":}'), ('{:1}'), ('{a:1}'), ('{''a'':1}'), ('{"a":''b''}'), ('{1:1}'),
	('{null:1}'), ('{"a":[1,]}'), ('{"a":[,1]}'), ('{"a":[1 2]}'), ('{"a":[1}'),
	('{"a":{]}'), ('{"a":(1)}'), ('{"a":"b}'), ('{"a":b"}'), ('{"a":"b" "c"}'),
	('{"a":undefined}'), ('{"a":True}'), ('{"a":NULL}'), ('{"a":tru}'),
	('{"a":truex}'), ('{"a":nul}'), ('{"a"=1}'), ('{"a":/* */1}'),
	-- numbers
	('{"a":NaN}'), ('{"a":Infinity}'), ('{"a":-Infinity}'), ('{"a":-}'),
	('{"a":+1}'), ('{"a":01}'), ('{"a":-01}'), ('{"a":.5}'), ('{"a":1.}'),
	('{"a":1.e1}'), ('{"a":1e}'), ('{"a":1e+}'), ('{"a":1e1.5}'), ('{"a":0x10}'),
	('{"a":1_000}'), ('{"a":1,000}'), ('{"a":1 000}'), ('{"a":--1}'), ('{"a":1a}'),
	('{"a":٣}'), ('{"a":1e1000000000}'), ('{"a":1e-1000000000}'),
	('{"a":-1e1000000000}'), ('{"a":1e99999999999999999999}'),
	('{"a":1e-99999999999999999999}'), ('{"a":1e131072}'), ('{"a":1e-16384}'),
	('{"a":1e4096}'), ('{"a":1e-5000}'), ('{"a":' || repeat('9', 4097) || '}'),
	('{"a":0.' || repeat('9', 4200) || '}'), ('{"a":1.5e5000}'),
	('{"a":1e2147483647}'), ('{"a":1e2147483648}'), ('{"a":1e-2147483649}'),
	('{"a":1e4294967297}'), ('{"a":1e18446744073709551617}'),
	('{"a":[1,[2,{"b":1e50000}]]}'),
	-- strings
	('{"a":"' || chr(10) || '"}'), ('{"a":"' || chr(9) || '"}'),
	('{"a":"' || chr(1) || '"}'), ('{"a":"' || chr(31) || '"}'), ('{"a":"\"}'),
	('{"a":"\a"}'), ('{"a":"\x41"}'), ('{"a":"\0"}'), ('{"a":"\''"}'),
	('{"a":"\u"}'), ('{"a":"\u12"}'), ('{"a":"\u12g4"}'), ('{"a":"\U0041"}'),
	('{"a":"\u{41}"}'), ('{"a":"\u-041"}'), ('{"a":"\u+041"}'),
	('{"a":"\u0000"}'), ('{"\u0000":1}'), ('{"a\u0000b":1}'),
	('{"a":"b\u0000c"}'), ('{"a":[{"b":"\u0000"}]}'), ('{"a":"\\\u0000"}'),
	('{"a":"\ud800"}'), ('{"a":"\udbff"}'), ('{"a":"\udc00"}'),
	('{"a":"\udfff"}'), ('{"a":"\ud800x"}'), ('{"a":"\ud800\u0041"}'),
	('{"a":"\ud800\ud800"}'), ('{"a":"\udc00\ud800"}'), ('{"a":"\ud83d\\ude00"}'),
	('{"a":"x\udc00y"}'), ('{"\ud800":1}'), ('{"a":"\ud800\n"}'),
	-- duplicate members, at any depth and however spelt
	('{"a":1,"a":1}'), ('{"a":1,"a":2}'), ('{"a":1,"b":2,"a":3}'),
	('{"a":1,"\u0061":2}'), ('{"\u0061":1,"a":2}'), ('{"\u0061":1,"\u0061":2}'),
	('{"é":1,"\u00e9":2}'), ('{"😀":1,"\ud83d\ude00":2}'), ('{"\/":1,"/":2}'),
	('{"":1,"":2}'), ('{"a":{"b":1,"b":2}}'), ('{"a":[{"b":1,"b":2}]}'),
	('{"a":[[{"c":{"b":1,"b":2}}]]}'), ('{"sub":"alice","sub":"admin"}'),
	('{"exp":1,"exp":99999999999}'), ('{"exp":99999999999,"exp":1}'),
	('{"exp":99999999999,"\u0065xp":99999999999}'), ('{"a":null,"a":null}'),
	('{"a":1,"a":{}}'),
	-- depth
	('{"a":' || repeat('[', 32) || repeat(']', 32) || '}'),
	('{"a":' || repeat('[', 100) || repeat(']', 100) || '}'),
	(repeat('{"a":', 32) || '{}' || repeat('}', 32)),
	(repeat('{"a":', 33) || '1' || repeat('}', 33)),
	('{"a":' || repeat('[', 5000) || repeat(']', 5000) || '}'),
	('{"a":' || repeat('[', 10000)),
	(repeat('{"a":', 2000) || '1' || repeat('}', 2000)),
	(repeat('{"a":', 2400)), (repeat('[', 10000)), (repeat(']', 10000)),
	(repeat('{', 10000)), (repeat('}', 10000)), (repeat('"', 10000)),
	(repeat('[{"":', 2000)), (repeat('\', 10000)), (repeat('-', 10000)),
	('{"a":"' || repeat('\u0000', 1500) || '"}'),
	('{"a":"' || repeat('\ud800', 1500) || '"}');
SELECT test.refuses(test.token(payload), test.key('oct'),
					'a token is refused with the claims ' || left(to_json(payload)::text, 60))
FROM refused;
SELECT test.raises(format('SELECT jwt_decode(%L)', test.token(payload)), '28J00',
				   'jwt_decode refuses: ' || left(to_json(payload)::text, 60))
FROM refused;
-- The empty payload
SELECT test.refuses(test.token(''), test.key('oct'), 'a token with an empty payload is refused');
-- An RSA token takes the same way
SELECT test.refuses(jws_sign(convert_to(payload, 'UTF8'), test.key('RSA', 'RS256')),
					test.public(test.key('RSA')),
					'an RS256 token is refused with the claims ' || left(to_json(payload)::text, 60))
FROM refused
WHERE payload IN ('[]', '1', '{', '{"a":"\u0000"}', '{"a":1,"a":2}', '{"a":NaN}');

-- Bytes that are no UTF-8 (RFC 7519 section 7.2 step 10; RFC 3629)
CREATE TEMP TABLE broken (bytes bytea);
INSERT INTO broken VALUES
	('\x00'), ('\x80'), ('\xbf'), ('\xfe'), ('\xff'), ('\xc3'), ('\xc328'),
	('\xc080'), ('\xc1bf'), ('\xe282'), ('\xe28228'), ('\xe08080'), ('\xe09fbf'),
	('\xeda080'), ('\xedbfbf'), ('\xeda0bdedb880'), ('\xf0808080'),
	('\xf08fbfbf'), ('\xf09f98'), ('\xf0288c28'), ('\xf4908080'),
	('\xf5808080'), ('\xf888808080'), ('\xfc8480808080'), ('\xe9');
SELECT test.refuses(test.seal('eyJhbGciOiJIUzI1NiJ9.'
							  || test.base64url('{"a":"' || bytes || '"}')),
					test.key('oct'), 'a token is refused with a string of the bytes ' || bytes::text)
FROM broken;
SELECT test.refuses(test.seal('eyJhbGciOiJIUzI1NiJ9.'
							  || test.base64url('{"' || bytes || '":1}')),
					test.key('oct'), 'a token is refused with a name of the bytes ' || bytes::text)
FROM broken;
SELECT test.raises(format('SELECT jwt_decode(%L)',
						  test.seal('eyJhbGciOiJIUzI1NiJ9.'
							|| test.base64url('{"a":"' || bytes || '"}'))),
				   '28J00', 'jwt_decode refuses the bytes ' || bytes::text)
FROM broken;
SELECT is(jws_verify(test.seal('eyJhbGciOiJIUzI1NiJ9.'
							   || test.base64url(bytes)), test.key('oct')),
		  bytes, 'a JWS may carry the bytes ' || bytes::text)
FROM broken;
SELECT test.refuses(test.seal('eyJhbGciOiJIUzI1NiJ9.' || test.base64url(payload)),
					test.key('oct'), 'claims in another encoding are refused: ' || payload::text)
FROM (VALUES (bytea '\xfeff007b007d'), ('\xfffe7b007d00'), ('\x007b007d'),
			 ('\x7b007d00'), ('\x0000007b0000007d'), ('\x7b7d00'), ('\x007b7d'))
	AS v (payload);

-- A long token, where the operator allows it, costs what its length says
SET jwt_auth.max_token_size = '1MB';
SET statement_timeout = '10s';
SELECT is(length(jwt_verify_with(test.token('{"a":"' || repeat('x', 780000)
										|| '"}'), test.key('oct')) ->> 'a'),
		  780000, 'a token of nearly 1 MiB is accepted');
SELECT test.refuses(test.token('{"a":' || repeat('[', 390000)
							   || repeat(']', 390000) || '}'),
					test.key('oct'), '390,000 levels of arrays are refused');
SELECT test.refuses(test.token(repeat('{"a":', 120000) || '1'
							   || repeat('}', 120000)),
					test.key('oct'), '120,000 levels of objects are refused');
SELECT test.refuses(test.token('{"a":' || repeat('9', 780000) || '}'),
					test.key('oct'), 'a number of 780,000 digits is refused');
SELECT test.refuses(test.token('{"a":[' || repeat('1e999999999,', 60000)
							   || '1]}'),
					test.key('oct'), '60,000 huge exponents are refused');
SELECT test.refuses(test.token(payload), test.key('oct'),
					'45,000 members are refused if the last is a duplicate')
FROM (SELECT '{' || string_agg('"member' || n || '":1', ',')
			 || ',"member1":2}'
	  FROM generate_series(1, 45000) AS n) AS v (payload);
SELECT test.accepts(test.token(payload), test.key('oct'), '45,000 members are accepted')
FROM (SELECT '{' || string_agg('"member' || n || '":1', ',') || '}'
	  FROM generate_series(1, 45000) AS n) AS v (payload);

SELECT * FROM finish();
