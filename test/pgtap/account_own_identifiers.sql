-- What users change themselves about how they are called, and the notices and undo
-- links that follow (T103, T104, T105, T106, T107, T109, T112, T114, T117, T120, T126).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 310 assertions
SELECT no_plan();
CREATE FUNCTION test.discard() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT count(*) FROM test.claim() $$;
-- Becomes a user, by a login of now
CREATE FUNCTION test.become(name text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT set_config('jwt_auth.token', test.login(name) ->> 'access_token', false) $$;
-- The status or error of an answer
CREATE FUNCTION test.say(answer jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT coalesce(answer ->> 'status', answer ->> 'error') $$;
-- Puts the clock forward for all addresses, and asks
CREATE FUNCTION test.ask(identifier text) RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ DELETE FROM jwt_auth.login_throttle; SELECT public.jwt_add_identifier(identifier) $$;
-- Asks, and claims the message to the address
CREATE FUNCTION test.message(identifier text) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	answer jsonb;
	message jsonb;
BEGIN
	PERFORM test.claim();
	answer := test.ask(identifier);
	SELECT answer || m INTO STRICT message FROM test.claim() AS m;
	RETURN message;
END
$$;
CREATE FUNCTION test.confirm(token text, flow text DEFAULT NULL) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.say(public.jwt_confirm_identifier(token, flow)) $$;
CREATE FUNCTION test.add(identifier text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.confirm(test.message(identifier) ->> 'token') $$;
CREATE FUNCTION test.remove(identifier text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.say(public.jwt_remove_identifier(identifier)) $$;
CREATE FUNCTION test.undo(token text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.say(public.jwt_undo_change(token)) $$;
-- What the notices of a change are, once: kind, recipient and data
CREATE FUNCTION test.notices() RETURNS SETOF text LANGUAGE sql VOLATILE AS
$$ SELECT concat_ws(' ', m ->> 'kind', m ->> 'recipient', m -> 'data', CASE WHEN m ? 'token' THEN 'link' END, CASE WHEN m ? 'code' THEN 'code' END) FROM test.claim() AS m ORDER BY 1 $$;
-- The link that a change gave an address
CREATE FUNCTION test.undo_link(recipient text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT m ->> 'token' FROM test.claim() AS m WHERE m ->> 'kind' = 'identifier_changed' AND m ->> 'recipient' = $1 $$;
CREATE FUNCTION test.version(name text) RETURNS integer LANGUAGE sql VOLATILE AS
$$ SELECT credentials_version::integer FROM jwt_auth.users WHERE id = public.jwt_find_user(name) $$;
CREATE FUNCTION test.username(id uuid) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT username FROM jwt_auth.users AS u WHERE u.id = $1 $$;
CREATE FUNCTION test.names() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT string_agg(concat(n ->> 'kind', ':', n ->> 'identifier'), ' ') FROM jsonb_array_elements(public.jwt_identifiers()) AS n $$;

SELECT jwt_create_user('alice', test.password(), email => 'Alice@Example.ORG') AS alice,
	   jwt_create_user('bob', test.password(), email => 'Bob.B@example.org', phone => '+491701234567') AS bob,
	   jwt_create_user(NULL, NULL, email => 'gina@example.org') AS gina \gset

-- Nobody's business without an identity, or with one that is old
SELECT test.raises(call, '28J03', 'without an identity: ' || call) FROM unnest(ARRAY['SELECT jwt_identifiers()', 'SELECT jwt_add_identifier(''x@y.example'')',
	'SELECT jwt_confirm_identifier(''x'')', 'SELECT jwt_remove_identifier(''alice'')']) AS call;
SELECT test.become('alice') IS NOT NULL AS is_alice \gset
SELECT is(test.names(), 'username:alice email:Alice@Example.ORG', 'users see their identifiers');
SELECT is(array_agg(DISTINCT k), '{created_at,identifier,kind,verified_at}', 'an identifier is listed with four members') FROM jsonb_array_elements(jwt_identifiers()) AS n, jsonb_object_keys(n) AS k;
UPDATE jwt_auth.sessions SET auth_time = now() - interval '5 min 1 s';
SELECT test.raises(call, '28J04', 'a login of more than five minutes ago is refused: ' || call) FROM unnest(ARRAY['SELECT jwt_add_identifier(''x@y.example'')', 'SELECT jwt_add_identifier(''alicia'')',
	'SELECT jwt_confirm_identifier(''x'')', 'SELECT jwt_remove_identifier(''alice'')']) AS call;
SELECT is(test.names(), 'username:alice email:Alice@Example.ORG', 'a user with an old login still sees the identifiers');
SELECT is(count(*), 0::bigint, 'refused calls send nothing') FROM jwt_auth.outbox;
UPDATE jwt_auth.sessions SET auth_time = clock_timestamp() - interval '4 min 59.5 s';
SELECT test.raises('SELECT pg_sleep(0.6), jwt_add_identifier(''alicia'')', '28J04', 'a login that became too old while the statement waited is too old');
SELECT test.raises('SELECT pg_sleep(0), jwt_require_aal(1, ''5 min'')', '28J04', 'jwt_require_aal refuses a login that is too old by now');
UPDATE jwt_auth.sessions SET auth_time = now() - interval '4 min 50 s';
SELECT is(test.say(test.ask('x@y.example')), 'sent', 'a login of less than five minutes ago adds an address');
SELECT set_config('jwt_auth.token', jwt_sign(jsonb_build_object('sub', :'alice')), false) AS token \gset
SELECT test.raises('SELECT jwt_add_identifier(''x@y.example'')', '28J04', 'a token without a session is refused');
SELECT test.become('alice') IS NOT NULL AS is_alice \gset
UPDATE jwt_auth.sessions SET revoked_at = now();
SELECT test.raises('SELECT jwt_add_identifier(''x@y.example'')', '28J02', 'a token of an ended session is refused');

-- An address: link and code, and what is applied
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens;
SELECT test.become('alice') IS NOT NULL AS is_alice, test.version('alice') AS version \gset
SELECT test.message('New.Alice@example.net') AS m \gset
SELECT is(:'m'::jsonb - 'id' - 'flow' - 'token' - 'code' - 'created_at' - 'expires_at', '{"kind":"identifier","channel":"email","recipient":"New.Alice@example.net","status":"sent","expires_in":3600}',
	'a new address gets a message'),
	   matches(:'m'::jsonb ->> 'code', '^[0-9]{8}$', 'the message to a new address has a code'),
	   matches(:'m'::jsonb ->> 'flow', '^jaf_', 'the answer to a new address has a flow');
SELECT is(test.names(), 'username:alice email:Alice@Example.ORG', 'an unconfirmed address is not listed'),
	   is(jwt_find_user('new.alice@example.net'), NULL, 'an unconfirmed address finds no user'),
	   is(test.version('alice'), :version, 'an unconfirmed address leaves the credentials version');
SELECT is(test.confirm(:'m'::jsonb ->> 'code'), 'invalid_grant', 'a code without a flow is denied'),
	   is(test.confirm(:'m'::jsonb ->> 'code', 'jaf_x'), 'invalid_grant', 'a code with a made-up flow is denied'),
	   is(test.confirm(''), 'invalid_request', 'an empty token is an invalid request'),
	   is(test.confirm('jat_x'), 'invalid_grant', 'a made-up link is denied'),
	   is(test.confirm(:'m'::jsonb ->> 'flow'), 'invalid_grant', 'a flow is denied as a link'),
	   is(test.confirm(lpad(((((:'m'::jsonb ->> 'code')::integer) + 1) % 100000000)::text, 8, '0'), :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a wrong code is denied'),
	   is(test.say(jwt_recover(:'m'::jsonb ->> 'token', 'another horse battery')), 'invalid_grant', 'jwt_recover denies the link'),
	   is(test.undo(:'m'::jsonb ->> 'token'), 'invalid_grant', 'jwt_undo_change denies the link');
SELECT is(failures, 1, 'a wrong code is counted') FROM jwt_auth.one_time_tokens;
SELECT is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'identifier_added', 'a code with its flow adds the address'),
	   is(test.names(), 'username:alice email:Alice@Example.ORG email:New.Alice@example.net', 'a confirmed address is listed'),
	   is(test.version('alice'), :version + 1, 'a confirmed address raises the credentials version'),
	   is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a code adds an address once'),
	   is(test.confirm(:'m'::jsonb ->> 'token'), 'invalid_grant', 'confirming by code also spends the link');
SELECT results_eq('SELECT test.notices()', ARRAY['identifier_changed Alice@example.org {"kind": "email", "change": "added"} link'], 'the existing address is notified with an undo link and no code');
SELECT is(test.error_of(test.login('new.alice@EXAMPLE.net')), 'ok', 'a confirmed address logs in');
SELECT ok('{identifier_requested,identifier_added}' <@ array_agg(event), 'the request and the confirmation are audited') FROM jwt_auth.audit_log;
SELECT is(test.say(test.ask(identifier)), 'invalid_request', 'not an identifier: ' || identifier) FROM unnest(ARRAY['', '+1', '@', 'x@', 'x@@y', E'a\nb', 'a@b c']) AS identifier;
SELECT is(test.say(test.ask(identifier)), 'invalid_request', 'an identifier that the user already has is refused: ' || identifier) FROM unnest('{alice@example.org,ALICE@EXAMPLE.ORG,new.alice@example.net}'::text[]) AS identifier;
SELECT is(test.add('+491701234568'), 'identifier_added', 'a phone number is added'),
	   is(test.add('x@y.example'), 'identifier_added', 'an address is added by its link without a flow');
SELECT test.discard();

-- Where it is proven (T106): what differs by more than case could be another mailbox, and is refused
SELECT is(test.message('ADMIN@example.com') ->> 'recipient', 'ADMIN@example.com', 'upper case is sent as given'),
	   is(test.message(U&'me@fa\00DF.example') ->> 'recipient', 'me@xn--fa-hia.example', 'a domain is sent as an A-label'),
	   is(test.message(U&'\00FCmit@example.com') ->> 'recipient', U&'\00FCmit@example.com', 'a small letter that is not ASCII is sent as given');
SELECT test.discard(), count(*) AS tokens FROM jwt_auth.one_time_tokens \gset
SELECT is(test.ask(address) ->> 'error_description', 'this e-mail address is not written plainly', 'an address that could be another mailbox is refused: ' || to_json(address)::text)
FROM unnest(ARRAY[U&'\FF21dmin@example.com', U&'\212Aim@example.com', U&'\017Fam@example.com', U&'stra\00DFe@example.com', U&'\FB01le@example.com', U&'\00DCmit@example.com', U&'u\0308mit@example.com', U&'\212Bngstrom@example.com', ' me@example.com']) AS address;
SELECT is(count(*), :tokens::bigint, 'a refused address gets no message') FROM jwt_auth.one_time_tokens;
-- The address is that of the token's row (T120), whatever was asked for since
SELECT test.message('first@example.com') AS one, test.message('second@example.com') AS two \gset
SELECT is(test.confirm(:'one'::jsonb ->> 'token', :'two'::jsonb ->> 'flow'), 'invalid_grant', 'a link with the flow of another request is denied'),
	   is(test.confirm(:'two'::jsonb ->> 'code', :'one'::jsonb ->> 'flow'), 'invalid_grant', 'a code with the flow of another request is denied'),
	   is(test.confirm(:'one'::jsonb ->> 'token'), 'identifier_added', 'the link of an earlier request adds an address'),
	   is(jwt_find_user('first@example.com'), :'alice', 'the link of an earlier request adds the address of that request'),
	   is(jwt_find_user('second@example.com'), NULL, 'the address of a later request is not added'),
	   is(test.confirm(:'two'::jsonb ->> 'token'), 'invalid_grant', 'the confirmation of one address voids pending others');
SELECT test.message('third@example.com') AS m \gset
UPDATE jwt_auth.one_time_tokens SET recipient = 'evil@example.com' WHERE canonical = 'third@example.com';
SELECT is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a code is denied once its recipient was changed');

-- Somebody else's: the same answer and rows, and nothing to redeem
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens, jwt_auth.login_throttle;
SELECT jwt_add_identifier('bob.b@EXAMPLE.org') AS known, jwt_add_identifier('who@example.org') AS unknown \gset
SELECT is(:'known'::jsonb - 'flow', :'unknown'::jsonb - 'flow', 'known and unknown addresses get the same answer'),
	   is(length(:'known'::jsonb ->> 'flow'), length(:'unknown'::jsonb ->> 'flow'), 'known and unknown addresses get flows of the same length');
SELECT results_eq('SELECT test.notices()', ARRAY['account_exists Bob.B@example.org', 'identifier who@example.org link code'], 'a known and an unknown address get one message each, as stored');
SELECT is(array_agg(format('%s %s', user_id IS NULL, recipient) ORDER BY recipient), '{t Bob.B@example.org,f who@example.org}', 'known and unknown addresses are stored as the same rows') FROM jwt_auth.one_time_tokens;
SELECT is(test.confirm('12345678', :'known'::jsonb ->> 'flow'), 'invalid_grant', 'a code for a known address is denied'),
	   is(test.confirm('12345678', :'unknown'::jsonb ->> 'flow'), 'invalid_grant', 'a wrong code for an unknown address is denied alike');
SELECT jwt_delete_user(:'bob');
SELECT is(test.confirm('12345678', :'known'::jsonb ->> 'flow'), 'invalid_grant', 'a code for a known address stays denied when the address is free');
SELECT jwt_create_user('bob', test.password(), email => 'Bob.B@example.org', phone => '+491701234567') AS bob \gset
-- One that became somebody's meanwhile
SELECT test.message('race@example.org') AS m \gset
SELECT jwt_create_user('racer', test.password(), email => 'race@example.org') AS racer \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'token'), 'invalid_grant', 'a link to an address taken meanwhile is denied'),
	   is(jwt_find_user('race@example.org'), :'racer', 'an address taken meanwhile stays with its owner');
-- Too often
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens, jwt_auth.login_throttle;
SELECT jwt_add_identifier('often@example.org') AS first, jwt_add_identifier('OFTEN@example.org') AS second \gset
SELECT is(:'second'::jsonb - 'flow', :'first'::jsonb - 'flow', 'a second request within a minute gets the same answer'),
	   is(test.confirm('12345678', :'second'::jsonb ->> 'flow'), 'invalid_grant', 'the flow of a request that sent nothing redeems nothing');
SELECT is(count(*), 1::bigint, 'a second request within a minute sends no message') FROM jwt_auth.outbox;

-- Many addresses: ten an hour of a user, of which another user knows nothing
TRUNCATE jwt_auth.login_throttle;
SELECT is(test.say(jwt_add_identifier('many' || n || '@example.org')), 'sent', 'a user may request ten addresses an hour: request ' || n) FROM generate_series(1, 10) AS n;
SELECT jwt_add_identifier('many@example.org') AS answer, jwt_add_identifier('+491701234599') AS phone \gset
SELECT is(test.say(:'answer'), 'temporarily_unavailable', 'the eleventh request within an hour must wait'),
	   cmp_ok((:'answer'::jsonb ->> 'retry_after')::integer, '>', 3500, 'the eleventh request must wait for an hour'),
	   is(test.say(:'phone'), 'temporarily_unavailable', 'the eleventh request must wait for a phone number, too');
SELECT test.become('bob') IS NOT NULL AS is_bob \gset
SELECT is(test.say(jwt_add_identifier('many@example.org')), 'sent', 'another user need not wait');
SELECT test.become('alice') IS NOT NULL AS is_alice \gset
SELECT jwt_unlock_user(:'alice');
SELECT is(test.say(jwt_add_identifier('more@example.org')), 'sent', 'unlocking a user ends the wait for new identifiers');

-- Usernames count as well, taken ones among them: nobody can try out which there are
SELECT jwt_unlock_user(:'alice');
SELECT is(test.say(jwt_add_identifier(CASE n % 3 WHEN 0 THEN 'bob' WHEN 1 THEN 'alice' ELSE 'alice' || n END)), CASE n % 3 WHEN 0 THEN 'invalid_request' ELSE 'username_changed' END, 'a user asks for a username ten times an hour: request ' || n) FROM generate_series(1, 10) AS n;
SELECT is(test.say(jwt_add_identifier(name)), 'temporarily_unavailable', 'after ten requests, a username or address is refused for an hour: ' || name) FROM unnest('{bob,nobody,alice,new@example.org}'::text[]) AS name;
SELECT is(test.error_of(test.login('alice')), 'ok', 'a user who asked for too many usernames logs in');
SELECT jwt_unlock_user(:'alice');
SELECT is(test.say(jwt_add_identifier('0049 170 1234567')), 'invalid_request', 'a username that reads as a phone number is refused');

-- Another user's token (T112), and one of a former state (T104, T117)
SELECT test.message('mine@example.org') AS m \gset
SELECT test.become('bob') IS NOT NULL AS is_bob \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'token'), 'invalid_grant', 'the link of another user is denied'),
	   is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'the code of another user is denied');
SELECT test.become('alice') IS NOT NULL AS is_alice \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'token'), 'identifier_added', 'a link denied to others is redeemed by its own user');
CREATE FUNCTION test.after(change text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	message jsonb := test.message('pending@example.org');
BEGIN
	EXECUTE change;
	RETURN concat_ws(' ', test.confirm(message ->> 'token'), test.confirm(message ->> 'code', message ->> 'flow'));
END
$$;
INSERT INTO jwt_auth.identifiers VALUES ('dml@example.org', :'alice', 'email', 'dml@example.org', now(), now());
SELECT is(test.after(format(change, :'alice')), 'invalid_grant invalid_grant', 'a pending address is void after ' || change) FROM unnest(ARRAY[
	'UPDATE jwt_auth.users SET password_hash = password_hash || ''x'' WHERE id = %L', 'SELECT jwt_remove_identifier(''mine@example.org'')', 'SELECT jwt_add_identifier(''alicia'')',
	'SELECT jwt_update_user(%L, ''alice'')', 'UPDATE jwt_auth.one_time_tokens SET expires_at = now()', 'UPDATE jwt_auth.one_time_tokens SET consumed_at = now()',
	'UPDATE jwt_auth.one_time_tokens SET user_id = NULL', 'DELETE FROM jwt_auth.one_time_tokens',
	'UPDATE jwt_auth.identifiers SET verified_at = now() - interval ''1 d'' WHERE canonical = ''dml@example.org''',
	'DELETE FROM jwt_auth.identifiers WHERE canonical = ''dml@example.org'' AND user_id = %L']) WITH ORDINALITY AS v (change, n) WHERE n > 1;

SELECT test.message('pending@example.org') AS m \gset
SELECT is(test.say(jwt_recover(jwt_create_link(:'alice', 'recovery'), 'another horse battery')), 'password_set', 'an account with a pending address is recovered');
SELECT set_config('jwt_auth.token', test.login('Alice@Example.org', 'another horse battery') ->> 'access_token', false) IS NOT NULL AS is_alice \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'token'), 'invalid_grant', 'a recovery voids the link to a pending address'),
	   is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a recovery voids the code of a pending address');

-- Usernames
SELECT jwt_set_password(:'alice', test.password());
SELECT test.become('alice') IS NOT NULL AS is_alice, test.version('alice') AS version \gset
TRUNCATE jwt_auth.outbox;
SELECT is(test.say(jwt_add_identifier(name)), 'invalid_request', 'a taken username is refused: ' || name) FROM unnest(ARRAY['bob', 'BOB', U&'\FF42ob']) AS name;
SELECT is(test.version('alice'), :version, 'a taken username leaves the credentials version'),
	   is(test.say(jwt_add_identifier('alicia')), 'username_changed', 'a user changes the username'),
	   is(jwt_find_user('alicia'), :'alice', 'the new username finds the user'),
	   is(jwt_find_user('alice'), NULL, 'the old username finds no user'),
	   is(test.username(:'alice'), 'alicia', 'the row of the user has the new username'),
	   is(test.version('alicia'), :version + 1, 'a new username raises the credentials version');
SELECT matches(n, '^identifier_changed \S+ {"kind": "username", "change": "replaced"} link$', 'each address is notified of a new username with an undo link') FROM test.notices() AS n;
SELECT is(test.say(jwt_add_identifier('Alicia')), 'username_changed', 'a username can be spelled differently'),
	   is(test.version('alicia'), :version + 1, 'a new spelling leaves the credentials version'),
	   is_empty('SELECT test.notices()', 'a new spelling notifies nobody');
SELECT is((SELECT username FROM jwt_auth.users WHERE id = :'alice'), 'Alicia', 'the row of the user has the new spelling');
SELECT is(test.remove('alicia'), 'identifier_removed', 'a user removes the username'),
	   is(test.username(:'alice'), NULL, 'the row of the user has no username after its removal'),
	   is(test.say(jwt_add_identifier('alice')), 'username_changed', 'a removed username can be taken again');

-- Removing: one's own, and never the last way in
SELECT is(test.remove(identifier), 'invalid_request', 'an identifier that the user does not have is not removed: ' || identifier) FROM unnest('{bob,bob.b@example.org,nobody@example.org,"",x@,+491701234567}'::text[]) AS identifier;
SELECT is(test.remove(n ->> 'identifier'), 'identifier_removed', 'an identifier is removed: ' || (n ->> 'identifier')) FROM jsonb_array_elements(jwt_identifiers()) AS n WHERE n ->> 'identifier' NOT IN ('alice', 'Alice@Example.ORG');
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens;
SELECT is(test.remove('ALICE@example.org'), 'identifier_removed', 'a user with username and password removes the last address'),
	   is(test.names(), 'username:alice', 'a removed address is not listed');
SELECT results_eq('SELECT test.notices()', ARRAY['identifier_changed Alice@example.org {"kind": "email", "change": "removed"} link'], 'a removed address is notified with an undo link');
SELECT is(test.remove('alice'), 'invalid_request', 'the last identifier is not removed'),
	   is(test.names(), 'username:alice', 'the last identifier stays listed');
SELECT set_config('jwt_auth.token', jwt_start_session(:'gina') ->> 'access_token', false) IS NOT NULL AS is_gina \gset
SELECT is(test.say(jwt_add_identifier('gina')), 'username_changed', 'a user without a password adds a username'),
	   is(test.remove('gina@example.org'), 'invalid_request', 'the only verified address of a user without a password is not removed'),
	   is(test.remove('gina'), 'identifier_removed', 'a user without a password removes the username');
INSERT INTO jwt_auth.identifiers VALUES ('unproven@example.org', :'gina', 'email', 'unproven@example.org', now(), NULL);
SELECT is(test.remove('gina@example.org'), 'invalid_request', 'the only verified address is not removed beside an unverified one');
TRUNCATE jwt_auth.outbox;
SELECT is(test.remove('unproven@example.org'), 'identifier_removed', 'an unverified address is removed'),
	   is_empty('SELECT test.notices()', 'removing an unverified address sends no undo link');

-- Undoing
SELECT jwt_create_user('dora', test.password(), email => 'Dora@example.org') AS dora \gset
SELECT test.become('dora') IS NOT NULL AS is_dora \gset
SELECT is(test.add('evil@example.org'), 'identifier_added', 'an attacker adds an address');
SELECT test.undo_link('Dora@example.org') AS first \gset
SELECT is(test.remove('dora@example.org'), 'identifier_removed', 'an attacker removes the user''s address');
SELECT test.undo_link('Dora@example.org') AS second \gset
SELECT jwt_set_password(:'dora', 'the attacker''s own password');
SELECT test.message('evil2@example.org') IS NULL AS unused FROM set_config('jwt_auth.token', test.login('dora', 'the attacker''s own password') ->> 'access_token', false) \gset
SELECT test.discard(), test.login('dora', 'the attacker''s own password') AS session, test.version('dora') AS version \gset
DELETE FROM jwt_auth.login_throttle;
SELECT jwt_request_recovery('evil@example.org');
SELECT m ->> 'token' AS recovery FROM test.claim() AS m \gset
SELECT set_config('jwt_auth.token', '', false);
SELECT is(test.undo(:'recovery'), 'invalid_grant', 'a link of another purpose is denied'),
	   is(test.undo(''), 'invalid_request', 'an empty link is an invalid request'),
	   is(test.undo('12345678'), 'invalid_grant', 'a code is denied as a link'),
	   is(test.undo('jat_x'), 'invalid_grant', 'a made-up link is denied'),
	   is(test.say(jwt_recover(:'first', 'another horse battery')), 'invalid_grant', 'jwt_recover denies an undo link');
SELECT is(test.undo(:'first'), 'undone', 'the undo link of the first change works after later changes'),
	   is(jwt_find_user('dora@example.org'), :'dora', 'undoing the first change restores the removed address'),
	   is(jwt_find_user('evil@example.org'), NULL, 'undoing the first change removes the added address'),
	   is(test.version('dora'), :version + 1, 'an undo raises the credentials version'),
	   is(test.undo(:'first'), 'invalid_grant', 'an undo link works once');
SELECT is(test.revoke_reason(:'session'), 'change of identifiers undone', 'an undo ends the user''s sessions');
SELECT is(test.say(jwt_recover(:'recovery', 'another horse battery')), 'invalid_grant', 'an undo voids other tokens');
SELECT results_eq('SELECT test.notices()', ARRAY['identifier_changed Dora@example.org {"change": "undone"}'], 'the user is notified of an undo');
SELECT is(test.undo(:'second'), 'invalid_grant', 'an undo voids the undo links of later changes'),
	   is(jwt_find_user('dora@example.org'), :'dora', 'a void undo link leaves the address');
SELECT is(test.error_of(test.login('dora', 'the attacker''s own password')), 'invalid_grant', 'a password set since the undone change is denied'),
	   is(password_hash, NULL, 'an undo leaves no password if it was set since the change'),
	   is(password_set_at, NULL, 'an undo removes the time of a password set since the change') FROM jwt_auth.users WHERE id = :'dora';
SELECT ok('identifier_change_undone' = ANY (array_agg(event)), 'an undo is audited') FROM jwt_auth.audit_log;
-- The attacker's address gets links, too: none of them outlives the undo of what came before
SELECT jwt_create_user('olga', test.password(), email => 'olga@example.org', phone => '+491701112222') AS olga \gset
SELECT test.become('olga') IS NOT NULL AS is_olga \gset
SELECT is(test.add('evil@example.org'), 'identifier_added', 'an attacker adds an address to an account with a phone number');
SELECT test.undo_link('olga@example.org') AS victims \gset
SELECT is(test.say(jwt_add_identifier('olga2')), 'username_changed', 'an attacker changes the username');
SELECT array_agg(m ->> 'token' ORDER BY m ->> 'recipient') AS attackers FROM test.claim() AS m WHERE m ? 'token' \gset
SELECT is(cardinality(:'attackers'::text[]), 2, 'the attacker''s address is notified of the new username, too');
SELECT is(test.remove('+491701112222'), 'identifier_removed', 'an attacker removes the phone number'),
	   is(test.remove('olga@example.org'), 'identifier_removed', 'an attacker removes the victim''s address'),
	   is(test.add('evil2@example.org'), 'identifier_added', 'an attacker adds an address of which the victim is not notified');
INSERT INTO jwt_auth.webauthn_credentials (id, user_id, credential_id, public_key, user_handle, counter, backup_eligible, backed_up, aaguid, created_at)
SELECT gen_random_uuid(), :'olga', name::bytea, '{}', gen_random_uuid(), 0, false, false, gen_random_uuid(), clock_timestamp() + age FROM (VALUES ('before', interval '-1 h'), ('since', '0')) AS v (name, age);
INSERT INTO jwt_auth.factors (id, user_id, type, name, secret, created_at, confirmed_at)
SELECT gen_random_uuid(), :'olga', 'totp', name, 'x', clock_timestamp() + began, clock_timestamp() + confirmed
FROM (VALUES ('before', interval '-2 h', interval '-1 h'), ('begun before', '-1 h', '0'), ('since', '0', '0'), ('not confirmed', '0', NULL)) AS v (name, began, confirmed);
INSERT INTO jwt_auth.recovery_codes (user_id, hash, created_at)
SELECT :'olga', sha256(name::bytea), clock_timestamp() + age FROM (VALUES ('before', interval '-1 h'), ('since', '0')) AS v (name, age);
INSERT INTO jwt_auth.identifiers VALUES ('unproven@example.org', :'olga', 'email', 'unproven@example.org', now(), NULL);
SELECT set_config('jwt_auth.token', '', false);
SELECT is(test.undo(:'victims'), 'undone', 'the victim undoes the first of several changes');
SELECT is(string_agg(value, ' ' ORDER BY canonical), '+491701112222 olga olga@example.org unproven@example.org', 'an undo restores all identifiers and leaves an unverified one') FROM jwt_auth.identifiers WHERE user_id = :'olga';
SELECT is(username, 'olga', 'an undo restores the username'),
	   isnt(password_hash, NULL, 'an undo keeps a password set before the change') FROM jwt_auth.users WHERE id = :'olga';
SELECT is(array_agg(credential_id), ARRAY['before'::bytea], 'an undo keeps passkeys registered before the change only') FROM jwt_auth.webauthn_credentials WHERE user_id = :'olga';
SELECT is(array_agg(name), '{before}', 'an undo keeps authenticators confirmed before the change only') FROM jwt_auth.factors WHERE user_id = :'olga';
SELECT is(array_agg(hash), ARRAY[sha256('before')], 'an undo keeps recovery codes made before the change only') FROM jwt_auth.recovery_codes WHERE user_id = :'olga';
DELETE FROM jwt_auth.webauthn_credentials WHERE user_id = :'olga';
DELETE FROM jwt_auth.factors WHERE user_id = :'olga';
DELETE FROM jwt_auth.recovery_codes WHERE user_id = :'olga';
SELECT is(test.undo(link), 'invalid_grant', 'undo links sent to the attacker are void') FROM unnest(:'attackers'::text[]) AS link;
SELECT is(count(*), 0::bigint, 'an undo leaves no undo link of the user') FROM jwt_auth.one_time_tokens WHERE user_id = :'olga' AND purpose = 'undo' AND consumed_at IS NULL;
SELECT is(jwt_find_user(address), NULL, 'no address of the attacker comes back: ' || address) FROM unnest('{evil@example.org,evil2@example.org}'::text[]) AS address;
-- An undo of a later change leaves the link of an earlier one
SELECT test.become('olga') IS NOT NULL AS is_olga \gset
SELECT is(test.add('evil@example.org'), 'identifier_added', 'an attacker adds the address again');
SELECT test.undo_link('olga@example.org') AS victims \gset
SELECT is(test.say(jwt_add_identifier('olga2')), 'username_changed', 'an attacker changes the username again');
SELECT test.undo_link('evil@example.org') AS attackers \gset
SELECT is(test.undo(:'attackers'), 'undone', 'an attacker undoes the change of the username'),
	   is(jwt_find_user('evil@example.org'), :'olga', 'undoing a later change keeps an address added earlier'),
	   is(jwt_find_user('olga'), :'olga', 'undoing a later change restores the username');
SELECT is(test.undo(:'victims'), 'undone', 'the victim undoes the earlier change after that'),
	   is(jwt_find_user('evil@example.org'), NULL, 'undoing the earlier change removes the attacker''s address');
-- As much as can be
SELECT jwt_set_password(:'dora', test.password());
SELECT test.become('dora') IS NOT NULL AS is_dora \gset
SELECT test.discard(), test.say(jwt_add_identifier('isadora')) AS changed, test.undo_link('Dora@example.org') AS link \gset
SELECT jwt_create_user('dora', test.password()) AS other \gset
SELECT is(test.undo(:'link'), 'partly_undone', 'an undo is partial if another user has the username'),
	   is(jwt_find_user('dora'), :'other', 'a partial undo leaves the username with its new owner'),
	   is(jwt_find_user('isadora'), NULL, 'a partial undo removes the new username');
SELECT jwt_delete_user(:'other');
SELECT set_config('jwt_auth.token', test.login('dora@example.org') ->> 'access_token', false) IS NOT NULL AS is_dora \gset
SELECT test.discard(), test.add('dora2@example.org') AS added \gset
SELECT m ->> 'token' AS link FROM test.claim() AS m \gset
SELECT is(test.remove('dora@example.org'), 'identifier_removed', 'a user removes the old address');
SELECT jwt_invite('dora@example.org') AS invitation \gset
SELECT test.error_of(jwt_accept_invitation(m ->> 'token', test.password())) AS accepted FROM test.claim() AS m WHERE m ->> 'kind' = 'invitation' \gset
SELECT is(:'accepted'::text, 'ok', 'somebody else is invited at that address');
SELECT is(test.undo(:'link'), 'partly_undone', 'an undo is partial if another user has the address'),
	   is(jwt_find_user('dora2@example.org'), :'dora', 'a partial undo leaves the last identifier');
-- What was stored by other rules has another form today, or none: it comes back, and stays, as it was
SELECT jwt_create_user('ines', test.password(), email => 'ines@example.org') AS ines \gset
UPDATE jwt_auth.identifiers SET canonical = '+49 170 1', value = '+49 170 1' WHERE user_id = :'ines' AND kind = 'username';
INSERT INTO jwt_auth.identifiers SELECT canonical, :'ines', kind, value, now(), now()
FROM (VALUES ('a b@c'::bytea, 'email', 'a b@c'), ('other@form.example', 'email', 'Old@Form.example'), ('old@form.example', 'email', 'A@Third.example'), ('\xe1b8a5c0ff', 'email', 'no text@x.example'), ('+49 (1)', 'phone', '+49 (1)'), ('x', 'phone', 'x')) AS v (canonical, kind, value);
CREATE FUNCTION test.stored(id uuid) RETURNS text[] LANGUAGE sql VOLATILE AS
$$ SELECT array_agg(concat_ws(' ', kind, value, canonical, verified_at IS NOT NULL) ORDER BY canonical) FROM jwt_auth.identifiers WHERE user_id = id $$;
SELECT test.become('ines@example.org') IS NOT NULL AS is_ines, test.stored(:'ines') AS stored \gset
SELECT is(cardinality(:'stored'::text[]), 8, 'a user has identifiers that no rule of today makes');
SELECT is(test.add('evil@example.org'), 'identifier_added', 'an attacker adds an address to a user of former rules');
SELECT test.undo_link('ines@example.org') AS link \gset
SELECT is(test.say(jwt_add_identifier('inez')), 'username_changed', 'the attacker changes a username of former rules'),
	   is(test.remove('old@form.example'), 'identifier_removed', 'the attacker removes an address whose value has another form');
SELECT test.become('inez') IS NOT NULL AS is_inez \gset
DELETE FROM jwt_auth.identifiers WHERE user_id = :'ines' AND canonical IN ('a b@c', '\xe1b8a5c0ff', 'x');
SELECT is(test.undo(:'link'), 'undone', 'a change is undone though identifiers have no form today'),
	   is(test.stored(:'ines'), :'stored'::text[], 'an undo stores identifiers of former rules as they were');
SELECT is(test.username(:'ines'), '+49 170 1', 'an undo brings a username of former rules back to both tables');
SELECT set_config('jwt_auth.token', jwt_start_session(:'ines') ->> 'access_token', false) IS NOT NULL AS is_ines \gset
SELECT is(test.add('evil@example.org'), 'identifier_added', 'an attacker adds an address again');
SELECT test.undo_link('ines@example.org') AS link \gset
DELETE FROM jwt_auth.identifiers WHERE canonical IN ('a b@c', 'x') AND user_id = :'ines';
INSERT INTO jwt_auth.identifiers VALUES ('a b@c', :'dora', 'email', 'a b@c', now(), now());
SELECT is(test.undo(:'link'), 'partly_undone', 'an undo is partial if somebody has got an identifier, whatever its form'),
	   is(user_id, :'dora', 'an undo takes no identifier from another user') FROM jwt_auth.identifiers WHERE canonical = 'a b@c';
SELECT is(count(*), 1::bigint, 'a partial undo brings the rest back') FROM jwt_auth.identifiers WHERE canonical = 'x' AND user_id = :'ines';
-- Several addresses: one change is undone once
SELECT jwt_create_user('erin', test.password(), email => 'erin@example.org') AS erin \gset
INSERT INTO jwt_auth.identifiers VALUES ('erin@example.net', :'erin', 'email', 'erin@example.net', now(), now());
SELECT test.become('erin') IS NOT NULL AS is_erin \gset
SELECT test.discard(), test.say(jwt_add_identifier('eve')) AS changed \gset
SELECT array_agg(m ->> 'token') AS links FROM test.claim() AS m \gset
SELECT is(cardinality(:'links'::text[]), 2, 'each address gets an undo link'),
	   is(test.undo((:'links'::text[])[1]), 'undone', 'one of two undo links for a change works'),
	   is(test.undo((:'links'::text[])[2]), 'invalid_grant', 'undoing a change voids the other links for it'),
	   is(jwt_find_user('erin'), :'erin', 'an undo by one of two links restores the username');
-- For 72 hours (T126), while the user is enabled
SELECT test.become('erin') IS NOT NULL AS is_erin \gset
SELECT test.discard(), test.say(jwt_add_identifier('eve')) AS changed, test.undo_link('erin@example.org') AS link \gset
SELECT is(array_agg(DISTINCT expires_at - created_at), ARRAY[interval '72 h'], 'an undo link is valid for 72 hours') FROM jwt_auth.one_time_tokens WHERE purpose = 'undo' AND consumed_at IS NULL AND user_id = :'erin';
SELECT jwt_disable_user(:'erin');
SELECT is(test.undo(:'link'), 'invalid_grant', 'an undo link of a disabled user is denied');
SELECT jwt_enable_user(:'erin');
SELECT is(test.undo(:'link'), 'invalid_grant', 'an undo link stays void when the user is enabled again'),
	   is(jwt_find_user('eve'), :'erin', 'a denied undo changes no identifier');
SELECT test.become('eve') IS NOT NULL AS is_eve \gset
SELECT test.discard(), test.say(jwt_add_identifier('erin')) AS changed, test.undo_link('erin@example.org') AS link \gset
UPDATE jwt_auth.users SET disabled_at = now() WHERE id = :'erin';
UPDATE jwt_auth.users SET disabled_at = NULL WHERE id = :'erin';
SELECT is(test.undo(:'link'), 'invalid_grant', 'an undo link is void after the row of its user was disabled directly');
SELECT test.become('erin') IS NOT NULL AS is_erin \gset
SELECT test.discard(), test.say(jwt_add_identifier('eve')) AS changed, test.undo_link('erin@example.org') AS link \gset
UPDATE jwt_auth.one_time_tokens SET expires_at = now() WHERE user_id = :'erin';
SELECT is(test.undo(:'link'), 'invalid_grant', 'an expired undo link is denied');
-- Not without limit: each change sends messages
SELECT test.become('eve') IS NOT NULL AS is_eve \gset
SELECT is(test.say(test.ask('eve' || n)), 'username_changed', 'a user changes identifiers up to 20 times: change ' || n) FROM generate_series(1, 20) AS n;
SELECT test.ask('eve') AS answer \gset
SELECT is(test.say(:'answer'), 'temporarily_unavailable', 'the change after the twentieth must wait'),
	   cmp_ok((:'answer'::jsonb ->> 'retry_after')::integer, '>', 259000, 'the change after the twentieth must wait for three days'),
	   is(test.remove('erin@example.net'), 'temporarily_unavailable', 'after twenty changes, a removal must wait'),
	   is(test.add('eve@example.org'), 'temporarily_unavailable', 'after twenty changes, an address is not added');

-- Which notices are sent
SELECT jwt_create_user('nora', test.password(), email => 'nora@example.org') AS nora \gset
SELECT test.become('nora') IS NOT NULL AS is_nora \gset
CREATE FUNCTION test.sent(setting text) RETURNS text[] LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('jwt_auth.notices', setting, true);
	TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens, jwt_auth.login_throttle;
	PERFORM public.jwt_set_password(public.jwt_find_user('nora@example.org'), test.password()), test.become('nora@example.org');
	PERFORM public.jwt_add_identifier('nora' || clock_timestamp()), public.jwt_add_identifier('gina@example.org'), public.jwt_add_identifier('new@example.org'),
		public.jwt_request_recovery('nobody@example.org'), public.jwt_request_recovery('nora@example.org');
	RETURN (SELECT array_agg(m ->> 'kind' ORDER BY m ->> 'kind') FROM test.claim() AS m);
END
$$;
SELECT is(test.sent(setting), sent::text[], 'notices are sent with the setting ' || setting) FROM (VALUES ('all', '{account_exists,identifier,identifier_changed,no_account,password_changed,recovery}'), ('none', '{identifier,recovery}'),
	('account_exists, no_account', '{account_exists,identifier,no_account,recovery}'), ('password_changed,identifier_changed', '{identifier,identifier_changed,password_changed,recovery}')) AS v (setting, sent);
SELECT is(test.sent('none'), '{identifier,recovery}', 'with notices off, only links and codes are sent');
SELECT is(array_agg(kind ORDER BY kind), '{account_exists,no_account}', 'notices that answer a request are written and given up when off') FROM jwt_auth.outbox WHERE error = 'left out by jwt_auth.notices' AND failed_at IS NOT NULL;
SELECT test.raises(format('SET jwt_auth.notices = %L', setting), '22023', 'jwt_auth.notices cannot be: ' || setting) FROM unnest(ARRAY['', 'everything', 'all,none', 'password_changed,', ',', 'recovery', 'Password_changed', 'identifier']) AS setting;

-- A session from a new client
TRUNCATE jwt_auth.outbox;
CREATE FUNCTION test.login_from(agent text, address text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('request.headers', json_build_object('user-agent', agent, 'x-forwarded-for', address)::text, true), test.login('nora@example.org');
	RETURN (SELECT string_agg(concat(m ->> 'kind', ' ', m -> 'data'), ' ') FROM test.claim() AS m);
END
$$;
SELECT is(test.login_from('Firefox', '192.0.2.1'), 'session_from_new_client {"user_agent": "Firefox", "claimed_address": "192.0.2.1"}', 'the first session is notified'),
	   is(test.login_from('Firefox', '192.0.2.1'), NULL, 'a second session from the same client is not notified'),
	   is(test.login_from('Firefox', '192.0.2.2'), 'session_from_new_client {"user_agent": "Firefox", "claimed_address": "192.0.2.2"}', 'a session from another address is notified'),
	   is(test.login_from('Chromium', '192.0.2.1') IS NULL, false, 'a session from another browser is notified'),
	   is(test.login_from('Chromium', NULL), 'session_from_new_client {"user_agent": "Chromium"}', 'a session without an address is notified'),
	   is(test.login_from(NULL, NULL), NULL, 'a session without client data is not notified'),
	   is(test.login_from(E'a\nb', NULL), 'session_from_new_client {"user_agent": "a?b"}', 'control characters in the user agent are replaced');
UPDATE jwt_auth.sessions SET revoked_at = now() WHERE user_id = :'nora';
SELECT is(test.login_from('Chromium', '192.0.2.1'), NULL, 'a client of an ended session counts as known');
DELETE FROM jwt_auth.login_throttle;
SELECT set_config('jwt_auth.notices', 'password_changed', false);
SELECT is(test.login_from('Safari', NULL), NULL, 'a new client is not notified while the notice is off');
RESET jwt_auth.notices;
SELECT is((SELECT count(*) FROM jwt_auth.outbox WHERE kind = 'session_from_new_client' AND failed_at IS NOT NULL), 0::bigint, 'a notice that is off is not written');

-- Five an hour at most, whatever the client calls itself, and no count of sessions after which there are none
SELECT is(array_agg(test.login_from('Robot ' || n, NULL) IS NOT NULL ORDER BY n), '{t,t,t,t,t,f,f}', 'a user gets five notices of new clients an hour') FROM generate_series(1, 7) AS n;
UPDATE jwt_auth.login_throttle SET last_failure_at = now() - interval '1 h 1 s';
SELECT matches(test.login_from('Robot 8', NULL), '^session_from_new_client', 'an hour after the fifth notice, a new client is told again');
BEGIN;
SELECT isnt(test.login_from('Robot ' || n, NULL), NULL, 'a new client is told in a transaction that rolls back: ' || n) FROM generate_series(9, 12) AS n;
ROLLBACK;
SELECT matches(test.login_from('Robot 13', NULL), '^session_from_new_client', 'a notice that was rolled back does not count');
DELETE FROM jwt_auth.login_throttle;
INSERT INTO jwt_auth.sessions SELECT (jsonb_populate_record(NULL::jwt_auth.sessions, to_jsonb(s) || jsonb_build_object('id', gen_random_uuid(), 'user_agent', 'Fox ' || n))).*
FROM (SELECT * FROM jwt_auth.sessions WHERE user_id = :'nora' LIMIT 1) AS s, generate_series(1, 600) AS n;
SELECT matches(test.login_from('Vixen', NULL), '^session_from_new_client', 'a client is new beside hundreds of sessions, too');

-- An admin's change of the username is told, without a link
SELECT test.discard();
SELECT jwt_update_user(:'nora', 'Nora9', claims => '{}');
SELECT results_eq('SELECT test.notices()', ARRAY['identifier_changed nora@example.org {"kind": "username", "change": "replaced"}'], 'a user is told of a username that an admin gives');
SELECT jwt_update_user(:'nora', 'NORA9');
SELECT jwt_update_user(:'nora', claims => '{"a":1}');
SELECT is_empty('SELECT test.notices()', 'a user is not told of another spelling, nor of claims');
SELECT jwt_update_user(:'gina', 'gina9');
SELECT results_eq('SELECT test.notices()', ARRAY['identifier_changed gina@example.org {"kind": "username", "change": "added"}'], 'a user is told of a first username that an admin gives');
SELECT test.raises(format('SELECT jwt_update_user(%L, ''gina9'')', :'nora'), '23505', 'an admin cannot give a taken username'),
	   is(test.username(:'nora'), 'NORA9', 'a refused username changes nothing');
SELECT is_empty('SELECT test.notices()', 'a refused username is told to nobody');
SET jwt_auth.notices = none;
SELECT jwt_update_user(:'nora', 'nora');
SELECT is_empty('SELECT test.notices()', 'with notices none, a username of an admin is not told');
RESET jwt_auth.notices;

-- An identity that changes in the same statement, a hostile path, and no rights
SELECT test.login('nora@example.org') ->> 'access_token' AS nora_token, test.login('alice') ->> 'access_token' AS alice_token \gset
DELETE FROM jwt_auth.login_throttle;
SELECT is(array_agg(test.say(jwt_add_identifier('swap' || n || '@example.org')) ORDER BY n), '{sent,sent}', 'each call in a statement acts for the identity set at that time')
FROM (VALUES (1, :'nora_token'), (2, :'alice_token')) AS v (n, token), LATERAL (SELECT set_config('jwt_auth.token', token, false)) AS s;
SELECT set_config('jwt_auth.token', :'nora_token', false) IS NULL AS unused \gset
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.jsonb_agg(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"hostile"'::jsonb $$;
CREATE FUNCTION hostile.ne(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT 1 / 0 = 1 $$;
CREATE OPERATOR hostile.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.ne);
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.ne);
SET search_path = hostile, pg_catalog, public;
SELECT pg_catalog.jsonb_typeof(public.jwt_identifiers()) AS own, public.jwt_add_identifier('path@example.org') AS added, public.jwt_remove_identifier('path@example.org') AS removed, public.jwt_undo_change('x') AS undone \gset
RESET search_path;
SELECT is(:'own', 'array'::text, 'jwt_identifiers ignores a hostile search_path'),
	   is(test.say(:'added'), 'sent', 'jwt_add_identifier ignores a hostile search_path'),
	   is(test.say(:'removed'), 'invalid_request', 'jwt_remove_identifier ignores a hostile search_path'),
	   is(test.say(:'undone'), 'invalid_grant', 'jwt_undo_change ignores a hostile search_path');
DROP SCHEMA hostile CASCADE;
CREATE ROLE regress_own;
SET ROLE regress_own;
SELECT throws_ok(call, '42501', NULL, 'without rights: ' || call) FROM unnest(ARRAY['SELECT jwt_add_identifier(''x@y.example'')', 'SELECT jwt_confirm_identifier(''x'')', 'SELECT jwt_remove_identifier(''x'')', 'SELECT jwt_undo_change(''x'')']) AS call;
SELECT is(jsonb_typeof(jwt_identifiers()), 'array', 'any role sees the identifiers of its user');
RESET ROLE;
GRANT EXECUTE ON FUNCTION jwt_add_identifier, jwt_confirm_identifier, jwt_remove_identifier TO regress_own;
SET ROLE regress_own;
SELECT is(jwt_add_identifier('nora3') ->> 'status', 'username_changed', 'a role with EXECUTE changes identifiers with no other right');
SELECT throws_ok('TABLE jwt_auth.identifiers', '42501', NULL, 'a role with EXECUTE cannot read identifiers');
SELECT throws_ok('SET jwt_auth.notices = none', '42501', NULL, 'a role cannot set jwt_auth.notices');
RESET ROLE;
DROP OWNED BY regress_own;
DROP ROLE regress_own;
SELECT test.raises(call, '22023', 'refused: ' || left(call, 50)) FROM unnest(ARRAY['SELECT jwt_add_identifier(NULL)', 'SELECT jwt_add_identifier(repeat(''x'', 1025))', 'SELECT jwt_confirm_identifier(NULL)', 'SELECT jwt_confirm_identifier(repeat(''x'', 1025))',
	'SELECT jwt_confirm_identifier(''x'', repeat(''x'', 1025))', 'SELECT jwt_remove_identifier(NULL)', 'SELECT jwt_remove_identifier(repeat(''x'', 1025))', 'SELECT jwt_undo_change(NULL)', 'SELECT jwt_undo_change(repeat(''x'', 1025))']) AS call;

-- Read-only transactions look at nothing; what is rolled back did not happen
SELECT test.discard(), test.message('readonly@example.org') AS m \gset
SELECT test.say(jwt_add_identifier('nora4')) AS changed, test.undo_link('nora@example.org') AS link \gset
SELECT test.message('readonly@example.org') AS m \gset
BEGIN READ ONLY;
SELECT test.raises(call, '25006', 'read-only: ' || left(call, 40)) FROM unnest(ARRAY['SELECT jwt_add_identifier(''x@y.example'')', 'SELECT jwt_add_identifier(''nora5'')', format('SELECT jwt_confirm_identifier(%L)', :'m'::jsonb ->> 'token'),
	'SELECT jwt_remove_identifier(''nora@example.org'')', format('SELECT jwt_undo_change(%L)', :'link')]) AS call;
SELECT is(jsonb_typeof(jwt_identifiers()), 'array', 'identifiers can be read in a read-only transaction');
COMMIT;
BEGIN;
SELECT is(test.confirm(:'m'::jsonb ->> 'token'), 'identifier_added', 'a confirmation in a transaction adds the address');
ROLLBACK;
SELECT is(jwt_find_user('readonly@example.org'), NULL, 'a confirmation that is rolled back adds nothing'),
	   is(test.confirm(:'m'::jsonb ->> 'token'), 'identifier_added', 'a confirmation that is rolled back does not consume the token');
BEGIN;
SELECT is(test.undo(:'link'), 'undone', 'an undo in a transaction succeeds');
ROLLBACK;
SELECT is(jwt_find_user('nora4'), :'nora', 'an undo that is rolled back changes nothing'),
	   is(test.undo(:'link'), 'undone', 'an undo that is rolled back does not consume the link'),
	   is(jwt_find_user('nora3'), :'nora', 'a repeated undo restores the username');
SELECT * FROM finish();
