// How users change their addresses, over HTTP: by link or code, never without the owner
// of the mailbox, and with a way back (T126).

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { addUser, ageProofs, ask, login, mailTo, query, statesOf, tokenOf, tracesOf, url, USERS } from './server.mjs';

const ADDED = 'Confirm your new address';
const CHANGED = 'How you sign in was changed';

const add = (token, identifier) => ask('POST', '/api/addresses', { token, body: { identifier } });
const confirm = (token, body) => ask('POST', '/api/addresses/confirm', { token, body });
const remove = (token, address) => ask('DELETE', `/api/addresses/${encodeURIComponent(address)}`, { token });
const undo = (token) => ask('POST', '/api/auth/undo/redeem', { body: { token }, headers: { Origin: url } });

async function addressesOf(token) {
  const { body } = await ask('GET', '/api/addresses', { token });

  return body.map(({ identifier }) => identifier);
}

function assertRefused(answer, status, error, message) {
  assert.deepEqual([answer.status, answer.body?.error], [status, error], message);
}

// Adds an address, and resolves to the link that undoes it.
async function addConfirmed(name, token, address) {
  const { body: { flow } } = await add(token, address);
  const { code } = await mailTo(address, ADDED);

  assert.deepEqual((await confirm(token, { token: code, flow })).body, { status: 'identifier_added' });
  return (await mailTo(`${name}@acme.example`, CHANGED)).token;
}

test('an address is added by the code of its mail, removed, and both can be undone', async () => {
  addUser('irma');
  const token = await tokenOf('irma');
  const asked = await add(token, 'irma@new.example');
  const { flow } = asked.body;

  assert.deepEqual([asked.status, asked.body.status], [200, 'sent']);
  assert.deepEqual(statesOf(asked).at(-2), ['notes_user', '00000']);
  const { code } = await mailTo('irma@new.example', ADDED);
  assertRefused(await login('irma@new.example', USERS.irma), 400, 'invalid_grant', 'not yet');
  assertRefused(await confirm(token, { token: code }), 400, 'invalid_grant', 'a code without its flow');
  assertRefused(await confirm(token, { token: '00000000', flow }), 400, 'invalid_grant', 'a wrong code');
  const confirmed = await confirm(token, { token: code, flow });
  assert.deepEqual([confirmed.status, confirmed.body], [200, { status: 'identifier_added' }]);
  for (const secret of [code, flow.slice(4)]) {
    assert.equal(JSON.stringify([tracesOf(asked), tracesOf(confirmed)]).includes(secret), false, 'under the hood');
  }
  assertRefused(await confirm(token, { token: code, flow }), 400, 'invalid_grant', 'once only');
  const { token: link } = await mailTo('irma@acme.example', CHANGED);

  assert.deepEqual((await remove(token, 'irma@acme.example')).body, { status: 'identifier_removed' });
  assert.deepEqual(await addressesOf(token), ['irma', 'irma@new.example']);
  assert.equal((await login('irma@new.example', USERS.irma)).status, 200);
  assertRefused(await login('irma@acme.example', USERS.irma), 400, 'invalid_grant');

  assert.deepEqual((await undo(link)).body, { status: 'undone' });
  assertRefused(await ask('GET', '/api/me', { token }), 401, 'invalid_token', 'all sessions are over');
  assert.deepEqual(await addressesOf(await tokenOf('irma')), ['irma', 'irma@acme.example']);
  assertRefused(await undo(link), 400, 'invalid_grant', 'once only');
});

test('a link counts for the user who asked, and for nobody else', async () => {
  addUser('jana');
  addUser('jens');
  const [jana, jens] = [await tokenOf('jana'), await tokenOf('jens')];
  await add(jana, 'jana@new.example');
  const { token, link } = await mailTo('jana@new.example', ADDED);

  assert.match(link, /\/confirm-address#jat_/);
  assert.equal((await ask('GET', '/confirm-address')).status, 200, 'the page of the link');
  assertRefused(await confirm(jens, { token }), 400, 'invalid_grant', 'somebody else');
  assertRefused(await confirm(undefined, { token }), 401, 'not_authenticated', 'nobody');
  assertRefused(await confirm(jana, { token: `${token.slice(0, -2)}AA` }), 400, 'invalid_grant', 'forged');
  assertRefused(await undo(token), 400, 'invalid_grant', 'for another purpose');
  query("UPDATE jwt_auth.one_time_tokens SET expires_at = now() WHERE recipient = 'jana@new.example'");
  assertRefused(await confirm(jana, { token }), 400, 'invalid_grant', 'expired');
  assert.deepEqual(await addressesOf(jana), ['jana', 'jana@acme.example']);
  assert.deepEqual(await addressesOf(jens), ['jens', 'jens@acme.example']);
});

test('whether an address is taken, only its owner is told', async () => {
  addUser('kira');
  addUser('kuno');
  const token = await tokenOf('kira');
  const answers = [await add(token, 'kuno@acme.example'), await add(token, 'free@kira.example')];

  assert.deepEqual(...answers.map(({ status, body: { flow, ...body } }) => [status, body, flow.length]));
  const { code, token: link } = await mailTo('kuno@acme.example', 'You already have an account');
  assert.deepEqual([code, link], [undefined, undefined], 'nothing to redeem');
  assert.deepEqual(await addressesOf(token), ['kira', 'kira@acme.example']);
});

test('what is no address, or cannot be spared, is refused', async () => {
  addUser('lina');
  query(`SELECT jwt_create_user(NULL, password => '${USERS.lina}', role => 'notes_user', email => 'only@lina.example',
    claims => '{"name": "Lina", "tenant": "acme"}')`);
  const token = await tokenOf('lina');

  for (const identifier of ['lina@', '@acme.example', 'a b@acme.example', 'lina@acme.example', 'x'.repeat(300), '']) {
    assertRefused(await add(token, identifier), 400, 'invalid_request', identifier);
  }
  for (const body of [{}, { identifier: 1 }, { identifier: ['x@y.example'] }, 'x']) {
    assertRefused(await ask('POST', '/api/addresses', { token, body }), 400, 'invalid_request');
  }
  for (const body of [{}, { token: {} }, { token: 'x' }, { token: '12345', flow: {} }]) {
    assert.equal((await confirm(token, body)).status, 400, JSON.stringify(body));
  }
  assertRefused(await remove(token, 'alice@acme.example'), 400, 'invalid_request', 'that of somebody else');
  assertRefused(await remove(token, 'nobody@nowhere.example'), 400, 'invalid_request');
  const { body: { access_token: only } } = await login('only@lina.example', USERS.lina);
  assertRefused(await remove(only, 'only@lina.example'), 400, 'invalid_request', 'the last way in');
  assert.deepEqual(await addressesOf(only), ['only@lina.example']);
});

test('a proof that is not fresh is not enough', async () => {
  addUser('mina');
  const token = await tokenOf('mina');

  ageProofs('mina', 6);
  for (const answer of [await add(token, 'mina@new.example'), await confirm(token, { token: 'x' }), await remove(token, 'mina@acme.example')]) {
    assertRefused(answer, 401, 'insufficient_user_authentication');
  }
  assert.equal((await ask('GET', '/api/addresses', { token })).status, 200, 'to look needs no fresh one');
});

test('a link that undoes somebody else\'s change leaves everybody else alone', async () => {
  addUser('nele');
  addUser('nils');
  const [nele, nils] = [await tokenOf('nele'), await tokenOf('nils')];
  const link = await addConfirmed('nele', nele, 'nele@new.example');

  assertRefused(await undo(''), 400, 'invalid_request');
  for (const token of ['x', `${link.slice(0, -2)}AA`, 'jat_'.padEnd(80, 'A')]) {
    assertRefused(await undo(token), 400, 'invalid_grant', token);
  }
  assertRefused(await ask('POST', '/api/auth/undo/redeem', { body: { token: link }, headers: { Origin: 'https://evil.example' } }), 403, 'invalid_origin');
  assertRefused(await ask('GET', '/api/auth/undo/redeem'), 405, 'invalid_request', 'a link scanner');
  assert.deepEqual(await addressesOf(nele), ['nele', 'nele@acme.example', 'nele@new.example'], 'nothing happened');
  const done = await ask('POST', '/api/auth/undo/redeem', { token: nils, body: { token: link }, headers: { Origin: url } });
  assert.deepEqual([done.body, done.headers.get('set-cookie')], [{ status: 'undone' }, null]);
  assert.deepEqual(await addressesOf(nils), ['nils', 'nils@acme.example']);
  assertRefused(await ask('GET', '/api/me', { token: nele }), 401, 'invalid_token');
});
