// What administrators do in the example, over HTTP and in SQL, and that the database
// refuses it to all others (T172).

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { addUser, ageProofs, ask, login, query, statesOf, tokenOf, url } from './server.mjs';

const ERIN = 'minding the whole shop';
const NOBODY = '019a0000-0000-7000-8000-000000000000';
const ROUTES = [
  ['GET', 'users'], ['GET', 'events'], ['GET', 'check'], ['GET', 'keys'], ['POST', 'keys'],
  ['POST', `users/${NOBODY}/ban`, { reason: 'x' }], ['DELETE', `users/${NOBODY}/ban`],
  ['POST', `users/${NOBODY}/act`, { reason: 'x' }], ['DELETE', `users/${NOBODY}/sessions`],
  ['GET', 'invitations'], ['POST', 'invitations', { identifier: 'x@mail.example', name: 'x' }], ['DELETE', `invitations/${NOBODY}`],
];

const post = (path, body) => ask('POST', path, { body, headers: { Origin: url } });
const asErin = (method, what, body) => ask(method, `/api/admin/${what}`, { token: erin, body });
const idOf = (name) => query(`SELECT jwt_find_user('${name}')`);
let erin;

function assertRefused(answer, status, error, message) {
  assert.deepEqual([answer.status, answer.body?.error], [status, error], message);
}

test('an administrator adds a second factor first', async () => {
  const asked = await login('erin', ERIN);
  const { mfa_token: ticket } = asked.body;

  assertRefused(asked, 400, 'mfa_enrollment_required');
  const { body: { factor_id: id, secret } } = await post('/api/auth/enrollment/authenticator', { mfa_token: ticket, name: 'x' });
  const { body } = await post(`/api/auth/enrollment/authenticator/${id}`, { mfa_token: ticket, code: codeOf(secret) });
  erin = body.access_token;
});

test('nobody else gets anything, and the database says so', async () => {
  const alice = await tokenOf('alice');

  for (const [method, what, body] of ROUTES) {
    const path = `/api/admin/${what}`;
    const refused = await ask(method, path, { token: alice, body });

    assertRefused(refused, 403, 'insufficient_scope', path);
    assert.deepEqual(statesOf(refused).at(-2), ['notes_user', '42501'], path);
    assertRefused(await ask(method, path, { body }), 401, 'not_authenticated', path);
    assertRefused(await ask(method, path, { token: 'x', body }), 401, 'invalid_token', path);
  }
  for (const [role, call, state] of [
    ['notes_gateway', 'admin_users()', '42501'], ['notes_user', 'admin_users()', '42501'],
    ['notes_admin', 'admin_users()', '28J03'], ['notes_admin', `admin_ban('${NOBODY}', 'x')`, '28J03'],
    ['notes_admin', `jwt_impersonate('${NOBODY}', 'x')`, '42501'], ['notes_admin', 'jwt_create_key()', '42501'],
    ['notes_admin', 'jwt_auth.users', '42501'],
  ]) {
    assert.equal(query(`SET ROLE ${role}; DO $$ BEGIN PERFORM * FROM ${call}; RAISE 'done'; EXCEPTION WHEN OTHERS THEN
      PERFORM set_config('x.state', sqlstate, false); END $$; SHOW x.state`), state, `${role}: ${call}`);
  }
});

test('the role without the scope, and the scope with one proof, are not enough', async () => {
  addUser('olga');
  query("SELECT jwt_update_user(jwt_find_user('olga'), role => 'notes_admin')");
  assertRefused(await ask('GET', '/api/admin/users', { token: await tokenOf('olga') }), 403, 'insufficient_scope');
  query(`SELECT jwt_update_user(jwt_find_user('olga'), claims => '{"name": "Olga", "tenant": "acme", "scope": "admin"}')`);
  const refused = await ask('GET', '/api/admin/users', { token: await tokenOf('olga') });
  assertRefused(refused, 401, 'insufficient_user_authentication');
  assert.match(refused.headers.get('www-authenticate'), /acr_values="aal2"/);
  query("SELECT jwt_update_user(jwt_find_user('olga'), role => 'notes_user')");
  assertRefused(await ask('GET', '/api/admin/users', { token: await tokenOf('olga') }), 403, 'insufficient_scope');
});

test('an administrator sees users, events, keys and findings, and no secret', async () => {
  const [users, events, keys, findings] = await Promise.all(['users', 'events', 'keys', 'check'].map((what) => asErin('GET', what)));

  assert.deepEqual(users.body.filter(({ name }) => /^(alice|erin)$/.test(name)).map(({ role, tenant, is_self: isSelf }) => [role, tenant, isSelf]),
    [['notes_user', 'acme', false], ['notes_admin', 'acme', true]]);
  assert.ok(events.body.some(({ event, name }) => event === 'login' && name === 'erin'));
  assert.ok(keys.body.some(({ use, state }) => use === 'sig' && state === 'active'));
  assert.ok(Array.isArray(findings.body));
  assert.deepEqual(findings.body.filter(({ severity }) => severity !== 'notice'), []);
  for (const { text } of [users, events, keys, findings]) {
    assert.doesNotMatch(text, /argon2|eyJ|"d":|jar_/);
  }
});

test('a ban ends the sessions, and a fresh proof is needed for it', async () => {
  addUser('nina');
  const token = await tokenOf('nina');
  const id = idOf('nina');

  for (const body of [{}, { reason: '' }, { reason: 'x', duration: 'soon' }, { reason: 'x', duration: '-1 day' }, { reason: 'x', duration: { a: 1 } }]) {
    assert.equal((await asErin('POST', `users/${id}/ban`, body)).status, body.reason === '' ? 204 : 400, JSON.stringify(body));
  }
  await asErin('DELETE', `users/${id}/ban`);
  assertRefused(await asErin('POST', `users/${idOf('erin')}/ban`, { reason: 'x' }), 400, 'invalid_request', 'oneself');
  assertRefused(await asErin('POST', `users/${NOBODY}/ban`, { reason: 'x' }), 400, 'invalid_request', 'nobody');
  assertRefused(await asErin('POST', 'users/x/ban', { reason: 'x' }), 400, 'invalid_request', 'no id');
  ageProofs('erin', 6);
  assertRefused(await asErin('POST', `users/${id}/ban`, { reason: 'spam' }), 401, 'insufficient_user_authentication');
  assert.equal((await asErin('GET', 'users')).status, 200, 'to look needs no fresh one');
  ageProofs('erin', -6);
  assert.equal((await asErin('POST', `users/${id}/ban`, { reason: 'spam', duration: '1 hour' })).status, 204);
  assertRefused(await ask('GET', '/api/me', { token }), 401, 'invalid_token');
  assertRefused(await login('nina'), 400, 'invalid_grant');
  const { body } = await asErin('GET', 'users');
  const { is_banned: isBanned, ban_reason: reason, sessions } = body.find(({ name }) => name === 'nina');
  assert.deepEqual([isBanned, reason, sessions], [true, 'spam', '0']);
  assert.equal((await asErin('DELETE', `users/${id}/ban`)).status, 204);
  const again = await login('nina');
  assert.equal(again.status, 200);
  assert.equal((await asErin('DELETE', `users/${id}/sessions`)).status, 204);
  assertRefused(await ask('GET', '/api/me', { token: again.body.access_token }), 401, 'invalid_token');
});

test('whoever acts as a user is no administrator, and the own cookie stays', async () => {
  const id = idOf('nina');
  const { body } = await asErin('POST', `users/${id}/act`, { reason: 'a question' });
  const acting = body.access_token;
  const { body: me } = await ask('GET', '/api/me', { token: acting });

  assert.deepEqual(Object.keys(body).sort(), ['access_token', 'expires_in', 'token_type']);
  assert.deepEqual([me.name, me.is_acted, me.is_admin], ['nina', true, false]);
  for (const [method, what, sent] of ROUTES) {
    assertRefused(await ask(method, `/api/admin/${what}`, { token: acting, body: sent }), 403, 'insufficient_scope', what);
  }
  assertRefused(await ask('POST', '/api/password', { token: acting, body: { old_password: 'x', new_password: 'y' } }), 403, 'insufficient_scope');
  assertRefused(await ask('POST', '/api/addresses', { token: acting, body: { identifier: 'nina@new.example' } }), 403, 'insufficient_scope');
  assertRefused(await ask('DELETE', '/api/addresses/nina@acme.example', { token: acting }), 403, 'insufficient_scope');
  assertRefused(await ask('POST', '/api/logout', { token: acting, body: { scope: 'global' } }), 403, 'insufficient_scope');
  const ended = await ask('POST', '/api/logout', { token: acting, body: { scope: 'local' } });
  assert.deepEqual([ended.status, ended.headers.get('set-cookie')], [204, null]);
  assertRefused(await ask('GET', '/api/me', { token: acting }), 401, 'invalid_token');

  query(`SELECT jwt_update_user('${id}', role => 'notes_admin', claims => '{"name": "nina", "tenant": "acme", "scope": "admin"}')`);
  const { body: other } = await asErin('POST', `users/${id}/act`, { reason: 'x' });
  assertRefused(await ask('GET', '/api/admin/users', { token: other.access_token }), 401, 'insufficient_user_authentication', 'as another administrator');
  assertRefused(await asErin('POST', `users/${idOf('erin')}/act`, { reason: 'x' }), 400, 'invalid_request', 'as oneself');
  assertRefused(await asErin('POST', `users/${id}/act`, { reason: '' }), 400, 'invalid_request', 'no reason');
});

test('the signing key is rotated, and tokens of the former one stay good', async () => {
  const before = (await asErin('GET', 'keys')).body.filter(({ use }) => use === 'sig');

  assert.equal((await asErin('POST', 'keys')).status, 204);
  const after = (await asErin('GET', 'keys')).body.filter(({ use }) => use === 'sig');
  const activeIn = (keys) => keys.find(({ state }) => state === 'active').kid;

  assert.notEqual(activeIn(after), activeIn(before));
  assert.ok(after.some(({ kid, state }) => kid === activeIn(before) && state === 'retiring'));
});
