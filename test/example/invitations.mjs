// Invitations over HTTP: an administrator makes and revokes them, and whoever has the
// mail becomes the user who was invited, and no other (T127).

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { addUser, ageProofs, ask, cookieOf, forgetSteps, login, mailTo, query, tokenOf, tracesOf, url } from './server.mjs';

const PASSWORD = 'tending a small garden';
const SUBJECT = 'You are invited';
const headers = { Origin: url };
let staff;

const asStaff = (method, what, body) => ask(method, `/api/admin/invitations${what}`, { token: staff, body });
const invite = (identifier, name = 'x') => asStaff('POST', '', { identifier, name });
const accept = (body, more = {}) => ask('POST', '/api/auth/invitation/redeem', { body, headers: { ...headers, ...more } });

function assertRefused(answer, status, error, message) {
  assert.deepEqual([answer.status, answer.body?.error], [status, error], message);
}

async function openTo(address) {
  const { body } = await asStaff('GET', '');

  return body.filter((each) => each.address === address);
}

test('somebody administers, with two kinds of proof', async () => {
  addUser('ruth');
  query(`SELECT jwt_update_user(jwt_find_user('ruth'), role => 'notes_admin', claims => '{"name": "Ruth", "tenant": "acme", "scope": "admin"}')`);
  const token = await tokenOf('ruth');
  const { body: { factor_id: id, secret } } = await ask('POST', '/api/authenticators', { token, body: { name: 'x' } });
  await ask('POST', `/api/authenticators/${id}`, { token, body: { code: codeOf(secret) } });
  forgetSteps('ruth');
  const { body: { mfa_token: ticket } } = await login('ruth');
  const { body } = await ask('POST', '/api/auth/second-factor', { headers, body: { mfa_token: ticket, method: 'totp', response: { code: codeOf(secret) } } });
  staff = body.access_token;
});

test('whoever is invited chooses a password, is signed in, and belongs to the tenant', async () => {
  assert.equal((await invite('vera@mail.example', 'Vera')).status, 204);
  const { token, link } = await mailTo('vera@mail.example', SUBJECT);
  const [{ name }] = await openTo('vera@mail.example');

  assert.equal(name, 'Vera');
  assert.match(link, /\/accept#jat_/);
  assert.equal((await ask('GET', '/accept')).status, 200, 'the page of the link');
  assertRefused(await accept({ token, password: '12345' }), 400, 'invalid_request', 'too short');
  assert.equal(JSON.stringify(tracesOf(await accept({ token: '12345', password: '12345' }))).includes('12345'), false, 'under the hood');
  const answer = await accept({ token, password: PASSWORD, name: 'Mallory', role: 'notes_admin', claims: { scope: 'admin' } });
  assert.equal(answer.status, 200);
  assert.match(cookieOf(answer), /^refresh_token=jar_/);
  const { body: me } = await ask('GET', '/api/me', { token: answer.body.access_token });
  assert.deepEqual([me.name, me.tenant, me.is_admin], ['Vera', 'acme', false]);
  assertRefused(await accept({ token, password: PASSWORD }), 400, 'invalid_grant', 'once only');
  assert.deepEqual(await openTo('vera@mail.example'), []);
  assert.equal((await login('vera@mail.example', PASSWORD)).status, 200);
});

test('a link that was revoked, has expired or was forged makes nobody', async () => {
  await invite('walt@mail.example');
  await invite('walt@mail.example', 'Walt');
  const { token } = await mailTo('walt@mail.example', SUBJECT);
  const [{ id, name }, ...others] = await openTo('walt@mail.example');

  assert.deepEqual([name, others], ['Walt', []], 'one row for an address');
  assertRefused(await accept({ token: `${token.slice(0, -2)}AA`, password: PASSWORD }), 400, 'invalid_grant', 'forged');
  assert.equal((await asStaff('DELETE', `/${id}`)).status, 204);
  assertRefused(await accept({ token, password: PASSWORD }), 400, 'invalid_grant', 'revoked');
  assertRefused(await asStaff('DELETE', `/${id}`), 400, 'invalid_request', 'once only');
  await invite('xena@mail.example');
  const late = await mailTo('xena@mail.example', SUBJECT);
  query("UPDATE jwt_auth.one_time_tokens SET expires_at = now() WHERE recipient = 'xena@mail.example'");
  assert.deepEqual(await openTo('xena@mail.example'), []);
  assertRefused(await accept({ token: late.token, password: PASSWORD }), 400, 'invalid_grant', 'expired');
  assertRefused(await login('xena@mail.example', PASSWORD), 400, 'invalid_grant');
});

test('no more than the link counts', async () => {
  await invite('yann@mail.example');
  const { token } = await mailTo('yann@mail.example', SUBJECT);

  assertRefused(await accept({ token, password: PASSWORD }, { Origin: 'https://evil.example' }), 403, 'invalid_origin');
  assertRefused(await ask('POST', '/api/auth/invitation/redeem', { body: { token, password: PASSWORD } }), 403, 'invalid_origin');
  assertRefused(await ask('GET', '/api/auth/invitation/redeem'), 405, 'invalid_request', 'a link scanner');
  assertRefused(await ask('POST', '/api/auth/invitation/request', { body: { identifier: 'x@mail.example' }, headers }), 404, 'not_found', 'nobody invites themself');
  assertRefused(await accept({}), 400, 'invalid_request');
  assertRefused(await accept({ token: [token], password: PASSWORD }), 400, 'invalid_request');
  for (const kind of ['sign-up', 'login', 'undo']) {
    assertRefused(await ask('POST', `/api/auth/${kind}/redeem`, { body: { token, password: PASSWORD }, headers }), 400, 'invalid_grant', kind);
  }
  const former = await login('alice');
  const answer = await accept({ token, password: PASSWORD }, { Cookie: cookieOf(former) });
  assert.equal(answer.status, 200);
  assertRefused(await ask('GET', '/api/me', { token: former.body.access_token }), 401, 'invalid_token', 'the session before it is over');
});

test('addresses that are taken or none are refused, and so is a proof that is not fresh', async () => {
  assertRefused(await invite('alice@acme.example'), 409, 'conflict');
  for (const identifier of ['alice', 'x@', 'a b@mail.example', '', 'x'.repeat(300)]) {
    assertRefused(await invite(identifier), 400, 'invalid_request', identifier);
  }
  for (const body of [{}, { identifier: 'x@mail.example' }, { identifier: ['x@mail.example'], name: 'x' }]) {
    assertRefused(await asStaff('POST', '', body), 400, 'invalid_request', JSON.stringify(body));
  }
  assertRefused(await asStaff('DELETE', '/x'), 400, 'invalid_request', 'no id');
  assert.equal((await invite('long@mail.example', 'x'.repeat(1000))).status, 204);
  assert.equal((await openTo('long@mail.example'))[0].name.length, 40);
  ageProofs('ruth', 6);
  const [{ id }] = await openTo('long@mail.example');
  assertRefused(await invite('zora@mail.example'), 401, 'insufficient_user_authentication');
  assertRefused(await asStaff('DELETE', `/${id}`), 401, 'insufficient_user_authentication');
  assert.deepEqual(await openTo('zora@mail.example'), []);
  ageProofs('ruth', -6);
});
