// Signing in with the identity provider of the example over HTTP: what is answered,
// and what is refused (T158).

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { addUser, ageProofs, ask, cookiesOf, login, query, startBehind, stopServer, tokenOf, url } from './server.mjs';

const headers = { Origin: url };

// Sends a browser's request to the provider; cookies is a Map that is read and filled.
function visit(address, cookies, fields) {
  return new Promise((resolve, reject) => {
    const options = {
      method: fields ? 'POST' : 'GET',
      headers: { Cookie: [...cookies].map((pair) => pair.join('=')).join('; '), 'Content-Type': 'application/x-www-form-urlencoded' },
    };
    const sent = httpRequest(address, options, (response) => {
      for (const line of response.headers['set-cookie'] ?? []) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);

        cookies.set(name, value);
      }
      response.resume().on('end', () => resolve(new URL(response.headers.location, address).href));
    });

    sent.on('error', reject).end(fields && new URLSearchParams(fields).toString());
  });
}

// Types into the form of the provider, and resolves to the query string with which the
// browser is sent back.
async function answerAt(address, fields) {
  const cookies = new Map();
  const form = await visit(address, cookies);
  let next = await visit(form, cookies, fields);

  while (!next.startsWith(url)) {
    next = await visit(next, cookies);
  }
  return new URL(next).search;
}

// "external=..." that an answer sets, if it does.
function flowOf(answer) {
  return /\bexternal=[^;]*/.exec(cookiesOf(answer).join())?.[0];
}

async function begin({ token, at = url } = {}) {
  const answer = await ask('POST', '/api/auth/external', { token, headers, at });

  return { ...answer, flow: flowOf(answer) };
}

function finish(way, response, { flow = '', token } = {}) {
  return ask('POST', `/api/auth/external/${way}`, { token, body: { response }, headers: { ...headers, Cookie: flow } });
}

// The answer to a sign-in as somebody with this address
async function signInAs(email) {
  const { body, flow } = await begin();

  return finish('sign-in', await answerAt(body.url, { email }), { flow });
}

function assertRefused(answer, status, error, message) {
  assert.deepEqual([answer.status, answer.body?.error], [status, error], message);
  assert.doesNotMatch(cookiesOf(answer).join(), /refresh_token=/, message);
}

test('who comes from the provider for the first time is a guest, and the same one the next time', async () => {
  const begun = await begin();
  assert.equal(begun.status, 200);
  assert.deepEqual(Object.keys(begun.body), ['url']);
  assert.match(cookiesOf(begun)[0], /^external=[^;]+; Max-Age=600; Path=\/api\/auth; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
  assert.match(begun.body.url, /code_challenge_method=S256/);

  const first = await finish('sign-in', await answerAt(begun.body.url, { email: 'nina@mail.example' }), begun);
  assert.equal(first.status, 200);
  assert.deepEqual(Object.keys(first.body).sort(), ['access_token', 'expires_in', 'token_type']);
  assert.match(cookiesOf(first).join(), /external=; .*refresh_token=jar_/, 'what the browser held is dropped');
  assert.deepEqual((await ask('GET', '/api/me', { token: first.body.access_token })).body, { name: 'nina', tenant: 'guests', is_admin: false, is_acted: false });

  assert.equal((await signInAs('nina@mail.example')).status, 200);
  assert.equal(query("SELECT count(*) FROM jwt_auth.identities WHERE subject = 'nina@mail.example'"), '1');
});

test('an answer of the provider is for the browser that asked, and once', async () => {
  const mine = await begin();
  const other = await begin();
  const response = await answerAt(mine.body.url, { email: 'oskar@mail.example' });

  for (const [name, flow] of [['no cookie', ''], ['junk', 'external=x'], ['a list', 'external=%5B%5D'], ['an empty object', 'external=%7B%7D'], ['the cookie of another browser', other.flow]]) {
    assertRefused(await finish('sign-in', response, { flow }), 400, 'external_failed', name);
  }
  for (const [name, changed] of [
    ['another state', response.replace(/state=[^&]*/, 'state=x')], ['no state', response.replace(/state=[^&]*&?/, '')],
    ['another code', response.replace(/code=[^&]*/, 'code=x')], ['no code', response.replace(/code=[^&]*&?/, '')], ['nothing', ''],
  ]) {
    assertRefused(await finish('sign-in', changed, mine), 400, 'external_failed', name);
  }
  assert.equal((await finish('sign-in', response, mine)).status, 200, 'none of which has used the code');
  assertRefused(await finish('sign-in', response, mine), 400, 'external_failed', 'the same again');
  assert.equal(query("SELECT count(*) FROM jwt_auth.sessions AS s JOIN jwt_auth.identities USING (user_id) WHERE subject = 'oskar@mail.example'"), '1');
});

test('who cancels at the provider is not signed in', async () => {
  const begun = await begin();

  assertRefused(await finish('sign-in', await answerAt(begun.body.url, { cancel: '1' }), begun), 400, 'external_failed');
});

test('only our own pages sign in with the provider', async () => {
  for (const path of ['', '/sign-in', '/link']) {
    for (const foreign of [{}, { Origin: 'https://evil.example' }]) {
      assertRefused(await ask('POST', `/api/auth/external${path}`, { body: { response: '' }, headers: foreign }), 403, 'invalid_origin', path);
    }
    assertRefused(await ask('GET', `/api/auth/external${path}`), 405, 'invalid_request', path);
  }
  for (const body of [{}, { response: 1 }, { response: { code: 'x' } }]) {
    assertRefused(await ask('POST', '/api/auth/external/sign-in', { body, headers }), 400, 'invalid_request');
  }
});

test('without a provider there is no button, and one that does not answer is said so', async () => {
  let at = await startBehind(url);
  assert.equal((await ask('GET', '/api/provider', { at })).status, 204);
  assertRefused(await begin({ at }), 404, 'not_found');
  assert.equal(await stopServer(), 0);

  at = await startBehind(url, { OIDC_ISSUER: 'http://127.0.0.1:9', OIDC_CLIENT_ID: 'notebook' });
  assertRefused(await begin({ at }), 503, 'server_error');
  assert.equal(await stopServer(), 0);
  assert.deepEqual((await ask('GET', '/api/provider')).body, { name: 'Example ID' });
});

test('an address that has an account is linked by whoever signs in to it, and by nobody else', async () => {
  addUser('lena');
  const asked = await signInAs('lena@acme.example');
  const held = { flow: flowOf(asked) };

  assertRefused(asked, 400, 'account_exists');
  assert.equal('link_token' in asked.body, false, 'no script can read the ticket');
  assertRefused(await finish('link', '', held), 401, 'not_authenticated');
  assertRefused(await finish('link', '', { ...held, token: await tokenOf('bob') }), 400, 'invalid_grant', 'somebody else');
  assertRefused(await finish('link', '', { token: await tokenOf('lena') }), 400, 'external_failed', 'another browser');

  const { body: { access_token: token } } = await login('lena');
  ageProofs('lena', 6);
  const tooOld = await finish('link', '', { ...held, token });
  assertRefused(tooOld, 401, 'insufficient_user_authentication');
  assert.notEqual(flowOf(tooOld), undefined, 'it can be asked for again');
  const linked = await finish('link', '', { flow: flowOf(tooOld), token: await tokenOf('lena') });
  assert.deepEqual([linked.status, linked.body.status], [200, 'identity_linked']);

  const { status, body } = await signInAs('lena@acme.example');
  assert.equal(status, 200);
  assert.deepEqual((await ask('GET', '/api/me', { token: body.access_token })).body, { name: 'lena', tenant: 'acme', is_admin: false, is_acted: false });
});

test('who is signed in links another identity, and unlinks it', async () => {
  addUser('mona');
  const token = await tokenOf('mona');
  const unlink = (who) => ask('DELETE', '/api/identities/example-id/mona@elsewhere.example', { token: who });
  const identities = async () => (await ask('GET', '/api/identities', { token })).body.map(({ subject }) => subject);
  const link = async (email, { flow, body }, who) => finish('link', await answerAt(body.url, { email }), { flow, token: who });

  assertRefused(await link('mona@elsewhere.example', await begin(), token), 400, 'invalid_grant', 'begun while signed out');
  assertRefused(await link('mona@elsewhere.example', await begin({ token }), await tokenOf('mona')), 400, 'invalid_grant', 'begun in another session');
  assertRefused(await begin({ token: 'x' }), 401, 'invalid_token');
  assert.deepEqual(await identities(), []);
  assert.equal((await link('mona@elsewhere.example', await begin({ token }), token)).status, 200);
  assert.deepEqual(await identities(), ['mona@elsewhere.example']);

  const bob = await tokenOf('bob');
  assertRefused(await link('mona@elsewhere.example', await begin({ token: bob }), bob), 400, 'invalid_request', 'the identity of another user');
  assertRefused(await unlink(bob), 400, 'invalid_request', 'the identity of another user');
  assertRefused(await unlink(undefined), 401, 'not_authenticated');
  assert.equal((await unlink(token)).status, 200);
  assertRefused(await unlink(token), 400, 'invalid_request', 'what is not linked');
  assert.deepEqual(await identities(), []);
});
