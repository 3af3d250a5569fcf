// API tokens of the example, over HTTP: what a script may do with one, and what not.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { addUser, ageProofs, ask, tokenOf, tracesOf } from './server.mjs';

const HOUR = { name: 'nightly', scope: 'notes:write', expires_in: '1 hour' };
const exchange = (token) => ask('POST', '/api/token', { body: { token } });

function assertRefused(answer, status, error, message) {
  assert.deepEqual([answer.status, answer.body?.error], [status, error], message);
}

test('a script acts for its user until the token is revoked, and changes no account', async () => {
  addUser('yara');
  const own = await tokenOf('yara');
  const { body: created } = await ask('POST', '/api/tokens', { token: own, body: HOUR });
  const { status, headers, body } = await exchange(created.token);
  const { access_token: token } = body;

  assert.match(created.token, /^jap_/);
  assert.deepEqual([status, body.scope, headers.get('set-cookie'), 'refresh_token' in body], [200, 'notes:write', null, false]);
  assert.equal((await ask('POST', '/api/notes', { token, body: { body: 'By a script' } })).status, 201);
  for (const [method, path, sent] of [
    ['POST', '/api/tokens', HOUR], ['DELETE', `/api/tokens/${created.id}`],
    ['POST', '/api/logout', { scope: 'global' }], ['POST', '/api/authenticators', { name: 'x' }],
    ['POST', '/api/password', { old_password: 'x', new_password: 'y' }],
  ]) {
    assertRefused(await ask(method, path, { token, body: sent }), 403, 'insufficient_scope', `${method} ${path}`);
  }
  assert.deepEqual((await ask('GET', '/api/tokens', { token: own })).body.map(({ name, scope }) => [name, scope]), [['nightly', 'notes:write']]);
  const { body: sessions } = await ask('GET', '/api/sessions', { token: own });
  assert.ok(sessions.some(({ method, api_token: name }) => method === 'api_token' && name === 'nightly'));

  const foreign = await ask('DELETE', `/api/tokens/${created.id}`, { token: await tokenOf('bob') });
  assert.equal(foreign.status, 204, 'as if it were unknown');
  assert.equal((await ask('GET', '/api/me', { token })).status, 200);
  assert.equal((await ask('DELETE', `/api/tokens/${created.id}`, { token: own })).status, 204);
  assertRefused(await ask('GET', '/api/me', { token }), 401, 'invalid_token');
  assertRefused(await exchange(created.token), 400, 'invalid_grant');
});

test('a token has no more than its user gives it', async () => {
  const own = await tokenOf('yara');
  const { body: created } = await ask('POST', '/api/tokens', { token: own, body: { ...HOUR, name: 'reader', scope: '' } });
  const { body: { access_token: token } } = await exchange(created.token);

  assert.equal((await ask('GET', '/api/notes', { token })).status, 200);
  assertRefused(await ask('POST', '/api/notes', { token, body: { body: 'x' } }), 403, 'insufficient_scope');
  assertRefused(await ask('POST', '/api/tokens', { token: await tokenOf('carol'), body: HOUR }), 403, 'insufficient_scope', 'a scope that carol lacks');
  assertRefused(await ask('POST', '/api/tokens', { token: own, body: { ...HOUR, scope: 'admin' } }), 403, 'insufficient_scope');
  assert.equal((await ask('POST', '/api/logout', { token: own, body: { scope: 'global' } })).status, 204);
  assertRefused(await exchange(created.token), 400, 'invalid_grant', 'signing out everywhere ends it');
  assertRefused(await ask('GET', '/api/me', { token }), 401, 'invalid_token');
});

test('what is no sound API token is refused', async () => {
  const token = await tokenOf('yara');

  for (const changes of [{ expires_in: '2 years' }, { expires_in: 'soon' }, { expires_in: '-1 day' }, { expires_in: 7 }, { scope: 'a  b' }, { scope: null }, { name: '' }, { name: '\0' }]) {
    assertRefused(await ask('POST', '/api/tokens', { token, body: { ...HOUR, ...changes } }), 400, 'invalid_request', JSON.stringify(changes));
  }
  for (const sent of [undefined, {}, { token: 7 }, 'x']) {
    assertRefused(await ask('POST', '/api/token', { body: sent }), 400, 'invalid_request', JSON.stringify(sent));
  }
  for (const sent of ['jap_AAAA', 'x', token, '']) {
    assert.equal((await exchange(sent)).status, 400, sent);
  }
  assertRefused(await ask('DELETE', '/api/tokens/x', { token }), 400, 'invalid_request');
  assertRefused(await ask('GET', '/api/token'), 405, 'invalid_request');
  assertRefused(await ask('PUT', '/api/tokens', { token }), 405, 'invalid_request');
  ageProofs('yara', 6);
  assertRefused(await ask('POST', '/api/tokens', { token, body: HOUR }), 401, 'insufficient_user_authentication', 'an old sign-in');
});

test('the panel under the hood is told no API token', async () => {
  const created = await ask('POST', '/api/tokens', { token: await tokenOf('yara'), body: HOUR });
  const exchanged = await exchange(created.body.token);

  for (const [answer, secret] of [[created, created.body.token], [exchanged, created.body.token], [exchanged, exchanged.body.access_token]]) {
    assert.ok(tracesOf(answer).length > 0);
    assert.equal(JSON.stringify(tracesOf(answer)).includes(secret), false);
  }
});
