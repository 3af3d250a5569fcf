// What the example tells of its statements: role, SQLSTATE, rows and what the policies
// let through, and never a secret.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { addUser, ask, cookieOf, endGrace, forgetSteps, login, refresh, startBehind, statesOf, stopServer, tokenOf, tracesOf, url, USERS } from './server.mjs';

const headers = { Origin: url };

const summaryOf = (answer) => tracesOf(answer).map(({ sql, role, state }) => [sql.trim().split(/[\s($]+/).slice(0, 2).join(' '), role, state]);

test('a query runs as the role of the token, and says how many rows its policy let through', async () => {
  const answer = await ask('GET', '/api/notes', { token: await tokenOf('alice') });
  const [, authenticate, query] = tracesOf(answer);
  const [{ table, filter, passed, removed }] = query.scans;

  assert.deepEqual(summaryOf(answer), [
    ['BEGIN', 'notes_gateway', '00000'], ['SELECT jwt_authenticate', 'notes_gateway', '00000'],
    ['SELECT id,', 'notes_user', '00000'], ['COMMIT', 'notes_user', '00000'],
  ]);
  assert.deepEqual([table, passed, query.rows], ['notes', answer.body.length, answer.body.length]);
  assert.ok(removed > 0, 'notes of other tenants');
  assert.match(filter, /tenant = jwt_claim\('tenant'::text\)/);
  assert.equal(authenticate.values[0], 'Bearer eyJ•••');
  assert.deepEqual(Object.keys(authenticate.answer).sort(), ['aal', 'exp', 'role', 'scope', 'tenant']);
});

test('a refusal says which statement was refused, and that those behind it did not run', async () => {
  const carol = await tokenOf('carol');

  assert.deepEqual(statesOf(await ask('GET', '/api/notes', { token: 'x' })), [
    ['notes_gateway', '00000'], ['notes_gateway', '28J00'], ['notes_gateway', '25P02'], ['notes_gateway', '00000'],
  ]);
  const denied = tracesOf(await ask('POST', '/api/notes', { token: carol, body: { body: 'Mine' } }));
  assert.deepEqual(denied.map(({ state, command }) => [state, command]).slice(2), [['42501', undefined], ['00000', 'ROLLBACK']]);
  assert.match(denied[2].message, /row-level security policy/);
  const kept = tracesOf(await ask('DELETE', '/api/notes/1', { token: carol }));
  assert.deepEqual([kept[2].command, kept[2].rows, kept[2].scans[0].passed], ['DELETE', 0, 0]);
  const { body: [{ id }] } = await ask('GET', '/api/notes', { token: await tokenOf('bob') });
  const foreign = tracesOf(await ask('DELETE', `/api/notes/${id}`, { token: await tokenOf('alice') }));
  assert.deepEqual([foreign[2].rows, foreign[2].scans[0].passed], [0, 0], 'a row of another tenant does not pass');
});

test('no password, token, code or secret is told', async () => {
  const secrets = new Set();
  const seen = [];
  const watch = async (work) => {
    const answer = await work;
    const header = answer.headers.get('under-the-hood');

    seen.push(decodeURIComponent(header ?? ''));
    for (const name of ['access_token', 'mfa_token', 'secret', 'uri', 'id_token', 'challenge']) {
      secrets.add(answer.body?.[name]);
    }
    (answer.body?.codes ?? []).forEach((code) => secrets.add(code));
    return answer;
  };

  addUser('thea');
  secrets.add(USERS.thea);
  secrets.add('a wrong password');
  await watch(login('thea', 'a wrong password'));
  const first = await watch(login('thea'));
  const { access_token: token } = first.body;
  const second = await watch(refresh(cookieOf(first)));
  secrets.add(cookieOf(first).split('=')[1]).add(cookieOf(second).split('=')[1]);
  const { body: { factor_id: id, secret } } = await watch(ask('POST', '/api/authenticators', { token, body: { name: 'x' } }));
  const code = codeOf(secret);
  secrets.add(code);
  await watch(ask('POST', `/api/authenticators/${id}`, { token, body: { code } }));
  const { body: { mfa_token: ticket } } = await watch(login('thea'));
  forgetSteps('thea');
  const response = { code: codeOf(secret) };
  secrets.add(response.code);
  const { body: { access_token: strong } } = await watch(ask('POST', '/api/auth/second-factor', { headers, body: { mfa_token: ticket, method: 'totp', response } }));
  await watch(ask('POST', '/api/recovery-codes', { token: strong }));
  await watch(ask('GET', '/api/passkeys', { token: strong }));
  await watch(ask('POST', '/api/passkeys', { token: strong, body: { name: 'x', credential: { id: 'c2VjcmV0' } } }));
  const password = { old_password: USERS.thea, new_password: 'walking on the wet sand' };
  secrets.add(password.new_password).add('c2VjcmV0');
  await watch(ask('POST', '/api/password', { token: strong, body: password }));
  await watch(ask('DELETE', `/api/notes/${encodeURIComponent(secret)}`, { token: strong }));
  endGrace();
  await watch(refresh(cookieOf(first)));

  secrets.delete(undefined);
  assert.ok(secrets.size >= 20, `${secrets.size} secrets`);
  assert.ok(seen.filter(Boolean).length >= 12, 'each request has statements');
  for (const value of secrets) {
    assert.equal(seen.some((text) => text.includes(value)), false, 'a secret is told');
  }
  for (const text of seen) {
    assert.doesNotMatch(text, /\b(eyJ|ja[a-z]_)[\w-]/);
  }
});

test('nor is a password that looks harmless', async () => {
  for (const password of ['12345', 'true', 'local', 'Bearer', '019a0000-0000-7000-8000-000000000000']) {
    const answer = await login('nobody at all', password);

    assert.ok(tracesOf(answer).length > 0);
    assert.equal(tracesOf(answer).flatMap(({ values }) => values).includes(password), false, password);
  }
});

test('without UNDER_THE_HOOD nothing is told', async () => {
  const at = await startBehind(url, { UNDER_THE_HOOD: '' });
  const answer = await ask('POST', '/api/auth/login', { body: { username: 'alice', password: USERS.alice }, headers, at });

  assert.deepEqual([answer.status, answer.headers.get('under-the-hood')], [200, null]);
  assert.equal(await stopServer(), 0);
});
