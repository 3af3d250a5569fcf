// The example application over HTTP: what it answers, and what it refuses (T48,
// T51, T64, F57).

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ask, cookieOf, cookiesOf, endConnections, endGrace, holdLogins, login, refresh, startBehind, statusWithOrigin, stopServer, tokenOf, url, USERS } from './server.mjs';

const NOBODY = '019a0000-0000-7000-8000-000000000000';
const PROTECTED = [
  ['GET', '/api/me'], ['GET', '/api/notes'], ['GET', '/api/sessions'],
  ['POST', '/api/notes', { body: 'x' }], ['DELETE', '/api/notes/1'],
  ['POST', '/api/logout', { scope: 'local' }], ['DELETE', `/api/sessions/${NOBODY}`],
  ['POST', '/api/password', { old_password: 'x', new_password: 'y' }],
  ['DELETE', '/api/notes'], ['GET', '/api/factors'], ['DELETE', `/api/factors/${NOBODY}`], ['GET', '/api/events'],
  ['GET', '/api/passkeys'], ['POST', '/api/passkeys', { credential: {}, name: 'x' }],
  ['POST', '/api/authenticators', { name: 'x' }], ['POST', `/api/authenticators/${NOBODY}`, { code: '123456' }],
  ['POST', '/api/recovery-codes'], ['POST', '/api/step-up'],
  ['GET', '/api/identities'], ['DELETE', '/api/identities/example-id/x'],
  ['GET', '/api/addresses'], ['POST', '/api/addresses', { identifier: 'x@mail.example' }],
  ['POST', '/api/addresses/confirm', { token: 'x' }], ['DELETE', '/api/addresses/x@mail.example'],
  ['GET', '/api/tokens'], ['POST', '/api/tokens', { name: 'x', scope: '', expires_in: '1 day' }], ['DELETE', `/api/tokens/${NOBODY}`],
];

function assertRefused(answer, status, error, message) {
  assert.deepEqual([answer.status, answer.body?.error], [status, error], message);
  assert.doesNotMatch(answer.text, /acme|anvil|initech|eyJ|jar_/, message);
}

test('a page comes with strict headers', async () => {
  for (const path of ['/', '/main.js', '/api/notes', '/nothing']) {
    const { headers } = await ask('GET', path);

    assert.equal(headers.get('cache-control'), 'no-store', path);
    assert.match(headers.get('content-security-policy'), /^default-src 'none';.*frame-ancestors 'none'/, path);
    assert.doesNotMatch(headers.get('content-security-policy'), /unsafe|\*|data:/, path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
    assert.equal(headers.get('x-powered-by'), null, path);
  }
});

test('only the files of the page are served', async () => {
  for (const path of ['/app.js', '/package.json', '/..%2fapp.js', '/%2e%2e/database.js', '/seed.sql', '/node_modules/pg/package.json']) {
    assert.notEqual((await ask('GET', path)).status, 200, path);
  }
});

test('who signs in gets an access token, and the refresh token in a cookie', async () => {
  const answer = await login('alice');
  const [cookie] = cookiesOf(answer);

  assert.equal(answer.status, 200);
  assert.deepEqual(Object.keys(answer.body).sort(), ['access_token', 'expires_in', 'token_type']);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.match(cookie, /^refresh_token=jar_[\w-]+; Max-Age=\d+; Path=\/api\/auth; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
});

test('behind https the cookie is secure, and only that origin counts', async () => {
  const origin = 'https://notes.example';
  const at = await startBehind(origin);
  const signIn = (headers) => ask('POST', '/api/auth/login', { body: { username: 'alice', password: USERS.alice }, headers, at });
  const [cookie] = cookiesOf(await signIn({ Origin: origin }));

  assert.match(cookie, /^__Secure-refresh_token=jar_.*; Path=\/api\/auth; .*HttpOnly; Secure; SameSite=Strict$/);
  for (const foreign of [at, url, 'http://notes.example', 'https://notes.example.evil.example']) {
    assertRefused(await signIn({ Origin: foreign }), 403, 'invalid_origin', foreign);
  }
  assert.equal(await stopServer(), 0);
});

test('an origin with a slash at its end is as one without, and any other is refused at start', async () => {
  const at = await startBehind('https://notes.example/');
  const answer = await ask('POST', '/api/auth/login', {
    body: { username: 'alice', password: USERS.alice }, headers: { Origin: 'https://notes.example' }, at,
  });

  assert.equal(answer.status, 200);
  assert.equal(await stopServer(), 0);
  for (const origin of ['https://notes.example/app', 'notes.example', 'https://', 'ftp://notes.example', 'https://a@notes.example', 'https://notes.example?x']) {
    assert.equal(statusWithOrigin(origin), 1, origin);
  }
});

test('without a database the answer is 503', async () => {
  const at = await startBehind(url, { PGHOST: '/nonexistent' });

  for (const [method, path, options] of [
    ['GET', '/api/me', { token: 'x' }],
    ['POST', '/api/auth/login', { body: { username: 'x', password: 'y' } }],
    ['POST', '/api/auth/refresh', { headers: { Cookie: 'refresh_token=x' } }],
  ]) {
    const answer = await ask(method, path, { ...options, headers: { Origin: url, ...options.headers }, at });

    assertRefused(answer, 503, 'server_error', path);
  }
  assert.equal(await stopServer(), 0);
});

test('people who are signed in do not wait for the passwords of others', async () => {
  const token = await tokenOf('alice');
  const release = await holdLogins();
  const logins = Array.from({ length: 12 }, (_, i) => login(`wave ${i}`, 'guess'));

  for (let i = 0; i < 5; i += 1) {
    assert.equal((await ask('GET', '/api/notes', { token })).status, 200, 'while all logins wait');
  }
  assertRefused(await Promise.any(logins), 503, 'server_error', 'whoever finds no connection in time');
  await release();
  for (const { status } of await Promise.all(logins)) {
    assert.ok([400, 503].includes(status), `nothing else: ${status}`);
  }
});

test('a connection that is lost in the middle of a request costs that request alone', async () => {
  const release = await holdLogins();
  const waiting = login('alice');

  await endConnections();
  assertRefused(await waiting, 503, 'server_error');
  await release();
  assert.equal((await login('alice')).status, 200, 'the server lives');
});

test('a cookie that is none of ours keeps nobody from signing in', async () => {
  for (const junk of ['%00', '%ff', '%', 'x'.repeat(4_000), '%5B%5D']) {
    const answer = await login('alice', USERS.alice, { Origin: url, Cookie: `refresh_token=${junk}` });

    assert.equal(answer.status, 200, junk);
    assert.match(cookieOf(answer), /^refresh_token=jar_/);
    assert.equal((await refresh(`refresh_token=${junk}`)).status, 204, junk);
  }
});

test('lists that are nested deeply are refused, with a token or without', async () => {
  const deep = `${'['.repeat(3_900)}${']'.repeat(3_900)}`;
  const flow = '"nonce": "x", "redirect": "x", "state": "x", "verifier": "x"';

  for (const [path, body] of [
    ['/api/addresses/confirm', `{"token": "x", "flow": ${deep}}`],
    ['/api/auth/invitation/redeem', `{"token": "x", "password": ${deep}}`],
    ['/api/auth/sign-up/redeem', `{"token": "x", "password": ${deep}}`],
    ['/api/auth/login', `{"username": "x", "password": ${deep}}`],
    [`/api/admin/users/${NOBODY}/ban`, `{"reason": "x", "duration": ${deep}}`],
  ]) {
    assertRefused(await ask('POST', path, { body, headers: { Origin: url } }), 400, 'invalid_request', path);
  }
  for (const more of [`"linkToken": ${deep}`, `"idToken": ${deep}`]) {
    const headers = { Origin: url, Cookie: `external={${flow}, "idToken": "x", "accessToken": "x", ${more}}` };

    assertRefused(await ask('POST', '/api/auth/external/link', { body: { response: '' }, headers }), 400, 'external_failed', more.slice(0, 12));
  }
  assert.equal((await login('alice')).status, 200, 'the server lives');
});

test('signing in while signed in ends the former session', async () => {
  const former = await login('alice');
  const other = await login('alice');
  const headers = { Origin: url, Cookie: cookieOf(former) };
  const stateOf = async ({ body }) => (await ask('GET', '/api/me', { token: body.access_token })).status;

  assertRefused(await login('alice', 'open sesame', headers), 400, 'invalid_grant');
  assert.equal(await stateOf(former), 200, 'a wrong password ends nothing');
  const bob = await login('bob', USERS.bob, headers);
  assert.deepEqual([bob.status, await stateOf(bob)], [200, 200]);
  assert.equal(await stateOf(former), 401, 'the session of the cookie is over');
  assert.equal(await stateOf(other), 200, 'other ones are not');
  assertRefused(await refresh(cookieOf(former)), 400, 'invalid_grant');
  assert.equal((await login('alice', USERS.alice, { Origin: url, Cookie: 'refresh_token=junk' })).status, 200);
});

test('nothing is redirected', async () => {
  for (const path of ['//evil.example', '//evil.example/..', '/..', '/./', '/public', '//', '/%2f%2fevil.example']) {
    assert.equal((await ask('GET', path)).headers.get('location'), null, path);
  }
});

test('a wrong password and an unknown name are answered alike', async () => {
  const answers = [await login('alice', 'open sesame'), await login('mallory', 'open sesame')];

  for (const answer of answers) {
    assertRefused(answer, 400, 'invalid_grant');
    assert.deepEqual(cookiesOf(answer), []);
  }
  assert.equal(answers[0].text, answers[1].text);
});

test('too many attempts must wait', async () => {
  let answer;

  for (let i = 0; i < 20 && answer?.status !== 429; i += 1) {
    answer = await login('trudy', `guess ${i}`);
  }
  assertRefused(answer, 429, 'temporarily_unavailable');
  assert.match(answer.headers.get('retry-after'), /^[1-9]\d*$/);
});

test('only our own pages sign in and refresh', async () => {
  const cookie = cookieOf(await login('alice'));

  for (const foreign of [{}, { Origin: 'https://evil.example' }, { Origin: 'null' }, { Origin: `${url}.evil.example` }]) {
    assertRefused(await login('alice', USERS.alice, foreign), 403, 'invalid_origin', JSON.stringify(foreign));
    const answer = await refresh(cookie, foreign);
    assertRefused(answer, 403, 'invalid_origin', JSON.stringify(foreign));
    assert.deepEqual(cookiesOf(answer), []);
  }
  assert.equal((await refresh(cookie)).status, 200, 'the refused ones have not used the cookie');
});

test('what is no sound request is refused', async () => {
  const headers = { Origin: url };
  const sound = JSON.stringify({ username: 'alice', password: USERS.alice });

  for (const [name, status, body, type] of [
    ['no JSON', 400, '{"username": "alice"'],
    ['no object', 400, '"alice"'],
    ['a list', 400, '["alice"]'],
    ['no password', 400, '{"username": "alice"}'],
    ['a password that is no text', 400, '{"username": "alice", "password": {"a": 1}}'],
    ['a name with a zero character', 400, '{"username": "\\u0000", "password": "x"}'],
    ['another type', 400, sound, 'text/plain'],
    ['a form', 400, 'username=alice', 'application/x-www-form-urlencoded'],
    ['an unknown encoding', 415, sound, 'application/json; charset=x'],
    ['a body that is too large', 413, JSON.stringify({ username: 'alice', password: 'x'.repeat(10_000) })],
    ['a password that is too long', 400, JSON.stringify({ username: 'alice', password: 'x'.repeat(2_000) })],
    ['no body', 400, ''],
  ]) {
    const answer = await ask('POST', '/api/auth/login', { body, headers: { ...headers, ...(type && { 'Content-Type': type }) } });

    assertRefused(answer, status, 'invalid_request', name);
  }
  assert.equal((await ask('POST', '/api/auth/login', { body: sound, headers })).status, 200);
});

test('other methods are refused', async () => {
  for (const [method, path, allowed] of [
    ['GET', `/api/auth/login?username=alice&password=${encodeURIComponent(USERS.alice)}`, 'POST'],
    ['PUT', '/api/auth/login', 'POST'], ['GET', '/api/auth/refresh', 'POST'], ['GET', '/api/logout', 'POST'],
    ['POST', '/api/me', 'GET'], ['PUT', '/api/notes', 'GET, POST, DELETE'], ['GET', '/api/notes/1', 'DELETE'],
    ['GET', '/api/auth/second-factor', 'POST'], ['GET', '/api/auth/step-up', 'POST'], ['GET', '/api/auth/second-factor/options', 'POST'], ['PUT', '/api/auth/passkey', 'GET, POST'],
    ['POST', '/api/provider', 'GET'], ['POST', '/api/identities', 'GET'], ['GET', '/api/identities/x/y', 'DELETE'],
    ['GET', '/api/step-up', 'POST'], ['GET', '/api/recovery-codes', 'POST'], ['GET', '/api/authenticators', 'POST'],
  ]) {
    const answer = await ask(method, path, { headers: { Origin: url } });

    assertRefused(answer, 405, 'invalid_request', `${method} ${path}`);
    assert.equal(answer.headers.get('allow'), allowed);
    assert.deepEqual(cookiesOf(answer), []);
  }
  assertRefused(await ask('GET', '/api/nothing'), 404, 'not_found');
});

test('a bad token is refused everywhere, with a challenge', async () => {
  const alice = await login('alice');
  const token = alice.body.access_token;
  const [header, payload, signature] = token.split('.');
  const other = (await tokenOf('bob')).split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  const forge = (changes) => Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url');
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');

  for (const [name, forged] of [
    ['another tenant', `${header}.${forge({ tenant: 'initech' })}.${signature}`],
    ['another end', `${header}.${forge({ exp: claims.exp + 3600 })}.${signature}`],
    ['another signature', `${header}.${payload}.${other[2]}`],
    ['no signature', `${header}.${payload}.`],
    ['the algorithm none', `${none}.${payload}.`],
    ['a refresh token', cookieOf(alice).split('=')[1]],
    ['junk', 'x'],
  ]) {
    for (const [method, path, body] of PROTECTED) {
      const answer = await ask(method, path, { body, token: forged });

      assertRefused(answer, 401, 'invalid_token', `${name}: ${method} ${path}`);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
    }
  }
  assert.equal((await ask('GET', '/api/me', { token })).status, 200, 'the token itself is good');
});

test('no token is refused everywhere, with a challenge', async () => {
  for (const [method, path, body] of PROTECTED) {
    const answer = await ask(method, path, { body });

    assertRefused(answer, 401, 'not_authenticated', `${method} ${path}`);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  }
  for (const authorization of ['Basic YWxpY2U6eA==', 'Negotiate x', 'BearerX y']) {
    const answer = await ask('GET', '/api/me', { authorization });

    assertRefused(answer, 401, 'not_authenticated', authorization);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer', authorization);
  }
  for (const authorization of ['Bearer', 'Bearer x']) {
    assertRefused(await ask('GET', '/api/me', { authorization }), 401, 'invalid_token', authorization);
  }
});

test('everybody sees the own tenant', async () => {
  const tenantsOf = async (name) => {
    const { body } = await ask('GET', '/api/notes', { token: await tokenOf(name) });

    return [...new Set(body.map((note) => note.author))].sort().join();
  };

  assert.equal(await tenantsOf('alice'), 'Alice,Carol');
  assert.equal(await tenantsOf('carol'), 'Alice,Carol');
  assert.equal(await tenantsOf('bob'), 'Bob');
});

test('who may write adds notes, and deletes the own ones', async () => {
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(tokenOf));
  const body = 'A note';
  const { status, body: note } = await ask('POST', '/api/notes', { token: alice, body: { body } });

  assert.deepEqual([status, note.author, note.body], [201, 'Alice', body]);
  for (const token of [bob, carol]) {
    assertRefused(await ask('DELETE', `/api/notes/${note.id}`, { token }), 404, 'not_found');
  }
  const refused = await ask('POST', '/api/notes', { token: carol, body: { body } });
  assertRefused(refused, 403, 'insufficient_scope');
  assert.equal(refused.headers.get('www-authenticate'), 'Bearer error="insufficient_scope"');
  assert.equal((await ask('DELETE', `/api/notes/${note.id}`, { token: alice })).status, 204);
  assertRefused(await ask('DELETE', `/api/notes/${note.id}`, { token: alice }), 404, 'not_found');
});

test('a note that is none is refused', async () => {
  const token = await tokenOf('alice');

  for (const body of ['', ' \n ', 'x'.repeat(501), 'zero \0']) {
    assertRefused(await ask('POST', '/api/notes', { token, body: { body } }), 400, 'invalid_request');
  }
  const sneaky = await ask('POST', '/api/notes', { token, body: { body: 'Mine', tenant: 'initech', author: 'Bob' } });
  assert.equal(sneaky.body.author, 'Alice', 'author and tenant are not the client\'s to choose');
  for (const id of ['x', '1;DROP TABLE notes', '99999999999999999999', '%00', '1%20OR%20true', '%']) {
    const answer = await ask('DELETE', `/api/notes/${id}`, { token });

    assertRefused(answer, 400, 'invalid_request', id);
  }
  assert.equal((await ask('DELETE', `/api/notes/${sneaky.body.id}`, { token })).status, 204);
});

test('a refresh token is replaced, and a replayed one ends the session', async () => {
  const first = await login('bob');
  const second = await refresh(cookieOf(first));
  const third = await refresh(cookieOf(second));

  assert.deepEqual([second.status, third.status], [200, 200]);
  assert.notEqual(cookieOf(second), cookieOf(first));
  assert.equal((await ask('GET', '/api/me', { token: third.body.access_token })).status, 200);

  endGrace();
  const replayed = await refresh(cookieOf(first));
  assertRefused(replayed, 400, 'invalid_grant');
  assert.match(cookiesOf(replayed)[0], /^refresh_token=; Path=\/api\/auth; Expires=Thu, 01 Jan 1970/);
  assertRefused(await refresh(cookieOf(third)), 400, 'invalid_grant');
  const answer = await ask('GET', '/api/me', { token: third.body.access_token });
  assertRefused(answer, 401, 'invalid_token');
  assert.equal(answer.body.error_description, 'the token is revoked');
});

test('a refresh token that is none is refused', async () => {
  const { body } = await login('bob');

  for (const [cookie, error] of [
    ['refresh_token=jar_AAAA', 'invalid_grant'], [`refresh_token=${body.access_token}`, 'invalid_grant'],
  ]) {
    assertRefused(await refresh(cookie), 400, error, cookie);
  }
  for (const cookie of ['', 'refresh_token=', 'other=x']) {
    const answer = await refresh(cookie);

    assert.deepEqual([answer.status, answer.text, cookiesOf(answer)], [204, '', []], `none: ${cookie}`);
  }
});

test('one session does not end another one\'s', async () => {
  const [alice, bob] = await Promise.all(['alice', 'bob'].map(tokenOf));
  const { body: sessions } = await ask('GET', '/api/sessions', { token: alice });
  const { session_id: id } = sessions.find((session) => session.is_current);

  assert.equal((await ask('DELETE', `/api/sessions/${id}`, { token: bob })).status, 204, 'as if it were unknown');
  assert.equal((await ask('GET', '/api/me', { token: alice })).status, 200);
  assertRefused(await ask('DELETE', '/api/sessions/x', { token: alice }), 400, 'invalid_request');
  assertRefused(await ask('POST', '/api/logout', { token: alice, body: { scope: 'all' } }), 400, 'invalid_request');
  assert.equal((await ask('DELETE', `/api/sessions/${id}`, { token: alice })).status, 204);
  assertRefused(await ask('GET', '/api/me', { token: alice }), 401, 'invalid_token');
});
