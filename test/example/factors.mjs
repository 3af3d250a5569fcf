// Second factors of the example application over HTTP: what it answers, and what it
// refuses.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { addUser, ageProofs, ask, cookieOf, cookiesOf, forgetSteps, login, refresh, requireFactor, tokenOf, url } from './server.mjs';

const headers = { Origin: url };
const secrets = {};
const prove = (way, body, cookie = '') => ask('POST', `/api/auth/${way}`, { body, headers: { ...headers, Cookie: cookie } });

// The status and the error, and that no cookie came along.
function assertRefused(answer, status, error, message) {
  assert.deepEqual([answer.status, answer.body?.error], [status, error], message);
  assert.deepEqual(cookiesOf(answer), [], message);
}

// Enrolls an authenticator app.
async function enroll(name, token) {
  const { body: begun } = await ask('POST', '/api/authenticators', { token, body: { name: 'My phone' } });
  const code = codeOf(begun.secret);

  assert.deepEqual(Object.keys(begun).sort(), ['expires_in', 'factor_id', 'qr', 'secret', 'uri']);
  assertRefused(await ask('POST', `/api/authenticators/${begun.factor_id}`, { token, body: { code: '000000' } }), 400, 'invalid_grant');
  assert.equal((await ask('POST', `/api/authenticators/${begun.factor_id}`, { token, body: { code } })).status, 200);
  secrets[name] = begun.secret;
}

// A code of the app that counts, also at a time when an earlier one has been used.
function freshCodeOf(name) {
  forgetSteps(name);
  return { code: codeOf(secrets[name]) };
}

// The access token after password and code
async function strongTokenOf(name) {
  const { body: { mfa_token: ticket } } = await login(name);
  const { body } = await prove('second-factor', { mfa_token: ticket, method: 'totp', response: freshCodeOf(name) });

  return body.access_token;
}

test('with an authenticator app, nobody is signed in without its code', async () => {
  addUser('edna');
  await enroll('edna', await tokenOf('edna'));
  const half = await login('edna');
  const { mfa_token: ticket, factors } = half.body;

  assertRefused(half, 400, 'mfa_required');
  assert.match(ticket, /^jam_/);
  assert.deepEqual(factors.map(({ type, name }) => [type, name]), [['totp', 'My phone']]);
  assertRefused(await ask('GET', '/api/notes', { token: ticket }), 401, 'invalid_token', 'the ticket is no token');
  assertRefused(await prove('second-factor', { mfa_token: ticket, method: 'totp', response: { code: '000000' } }), 400, 'invalid_grant');
  assertRefused(await prove('second-factor', { mfa_token: ticket, method: 'totp', response: { code: codeOf(secrets.edna) } }), 400, 'invalid_grant', 'the code that confirmed it counts once');
  const body = { mfa_token: ticket, method: 'totp', response: freshCodeOf('edna') };
  assertRefused(await ask('POST', '/api/auth/second-factor', { body, headers: { Origin: 'https://evil.example' } }), 403, 'invalid_origin');
  const answer = await prove('second-factor', body);
  assert.equal(answer.status, 200);
  assert.match(cookieOf(answer), /^refresh_token=jar_/);
  assert.deepEqual(Object.keys(answer.body).sort(), ['access_token', 'expires_in', 'token_type']);
  forgetSteps('edna');
  assertRefused(await prove('second-factor', body), 400, 'invalid_grant', 'a ticket counts once');
  assert.equal((await ask('GET', '/api/notes', { token: answer.body.access_token })).status, 200);
});

test('a proof that is none is refused', async () => {
  const { body: { mfa_token: ticket } } = await login('edna');

  for (const [name, body] of [
    ['no ticket', { method: 'totp', response: { code: '123456' } }],
    ['no method', { mfa_token: ticket, response: { code: '123456' } }],
    ['no response', { mfa_token: ticket, method: 'totp' }],
    ['a response that is a text', { mfa_token: ticket, method: 'totp', response: '123456' }],
    ['a response that is a list', { mfa_token: ticket, method: 'totp', response: ['123456'] }],
    ['another method', { mfa_token: ticket, method: 'sms', response: { code: '123456' } }],
    ['a code that is a number', { mfa_token: ticket, method: 'totp', response: { code: 123456 } }],
    ['a zero character', { mfa_token: ticket, method: 'totp', response: { code: '\0' } }],
  ]) {
    for (const way of ['second-factor', 'step-up']) {
      assertRefused(await prove(way, body), 400, 'invalid_request', `${way}: ${name}`);
    }
  }
  for (const body of [{}, { credential: 'x' }, { credential: [] }, { credential: null }]) {
    assertRefused(await prove('passkey', body), 400, 'invalid_request', JSON.stringify(body));
  }
  for (const credential of [{}, { id: 'AAAA' }, { id: '\0' }]) {
    const answer = await prove('passkey', { credential });
    assert.equal(answer.status, 400, JSON.stringify(credential));
    assert.deepEqual(cookiesOf(answer), []);
  }
  assertRefused(await ask('POST', '/api/auth/passkey', { body: { credential: {} } }), 403, 'invalid_origin');
});

test('whoever must have a second factor adds one, and is signed in by that alone', async () => {
  addUser('hank');
  requireFactor('hank');
  const asked = await login('hank');
  const { mfa_token: ticket } = asked.body;
  const name = 'My phone';

  assertRefused(asked, 400, 'mfa_enrollment_required');
  assertRefused(await ask('GET', '/api/notes', { token: ticket }), 401, 'invalid_token', 'the ticket is no token');
  assertRefused(await prove('second-factor', { mfa_token: ticket, method: 'totp', response: { code: '123456' } }), 400, 'invalid_grant', 'nor does it ask for a factor');
  for (const [way, body] of [['authenticator', { name }], ['authenticator/x', { code: '123456' }], ['passkey/options', {}], ['passkey', { name, credential: {} }]]) {
    const path = `/api/auth/enrollment/${way}`;

    assertRefused(await prove(`enrollment/${way}`, { ...body, mfa_token: 'jam_x' }), 400, way === 'authenticator/x' ? 'invalid_request' : 'invalid_grant', `another ticket: ${way}`);
    assertRefused(await prove(`enrollment/${way}`, body), 400, 'invalid_request', `no ticket: ${way}`);
    assertRefused(await ask('POST', path, { body: { ...body, mfa_token: ticket } }), 403, 'invalid_origin', way);
    assertRefused(await ask('GET', path), 405, 'invalid_request', way);
  }
  for (const credential of [undefined, 'x', []]) {
    assertRefused(await prove('enrollment/passkey', { mfa_token: ticket, name, credential }), 400, 'invalid_request');
  }
  const { body: options } = await prove('enrollment/passkey/options', { mfa_token: ticket });
  assert.deepEqual([options.rp.id, options.user.name], ['localhost', 'hank']);

  const { body: begun } = await prove('enrollment/authenticator', { mfa_token: ticket, name });
  const way = `enrollment/authenticator/${begun.factor_id}`;
  assert.deepEqual(Object.keys(begun).sort(), ['expires_in', 'factor_id', 'qr', 'secret', 'uri']);
  assertRefused(await prove(way, { mfa_token: ticket, code: '000000' }), 400, 'invalid_grant');
  const answer = await prove(way, { mfa_token: ticket, code: codeOf(begun.secret) });
  assert.equal(answer.status, 200);
  assert.match(cookieOf(answer), /^refresh_token=jar_/);
  assert.deepEqual(Object.keys(answer.body).sort(), ['access_token', 'expires_in', 'token_type']);
  assert.equal((await ask('DELETE', '/api/notes', { token: answer.body.access_token })).status, 204, 'which counts as two kinds of proof');
  assertRefused(await prove('enrollment/authenticator', { mfa_token: ticket, name }), 400, 'invalid_grant', 'a ticket counts once');
  assertRefused(await login('hank'), 400, 'mfa_required');
});

test('what needs two kinds of proof says so, and is done after a step-up', async () => {
  addUser('fred');
  const once = await login('fred');
  const { access_token: low } = once.body;
  const refused = await ask('DELETE', '/api/notes', { token: low });

  assertRefused(refused, 401, 'insufficient_user_authentication');
  assert.equal(refused.headers.get('www-authenticate'), 'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="300"');
  assertRefused(await ask('POST', '/api/step-up', { token: low }), 400, 'invalid_request', 'there is no second factor');
  assertRefused(await ask('POST', '/api/recovery-codes', { token: low }), 401, 'insufficient_user_authentication');

  await ask('POST', '/api/notes', { token: low, body: { body: 'Mine' } });
  await enroll('fred', low);
  const { body: { mfa_token: ticket } } = await ask('POST', '/api/step-up', { token: low });
  const raised = await prove('step-up', { mfa_token: ticket, method: 'totp', response: freshCodeOf('fred') }, cookieOf(once));
  const { access_token: high } = raised.body;
  assert.equal(raised.status, 200);
  assertRefused(await ask('DELETE', '/api/notes', { token: low }), 401, 'insufficient_user_authentication', 'the token of before stays what it was');
  assert.equal((await refresh(cookieOf(once))).body.error, 'invalid_grant', 'the cookie of before does not fetch it');
  ageProofs('fred', 6);
  assertRefused(await ask('DELETE', '/api/notes', { token: high }), 401, 'insufficient_user_authentication', 'six minutes later it is too old');
  const { body: notes } = await ask('GET', '/api/notes', { token: high });
  assert.equal(notes.some((note) => note.is_own), true);
});

test('one\'s own notes are deleted, and nobody else\'s', async () => {
  const token = await strongTokenOf('fred');
  const { body: before } = await ask('GET', '/api/notes', { token });

  assert.equal((await ask('DELETE', '/api/notes', { token })).status, 204);
  const { body: after } = await ask('GET', '/api/notes', { token });
  assert.deepEqual(after, before.filter((note) => !note.is_own));
  assert.ok(after.length < before.length && after.length > 0);
});

test('a recovery code counts once, former ones no more, and the log tells of it', async () => {
  const token = await strongTokenOf('edna');
  const make = async () => (await ask('POST', '/api/recovery-codes', { token })).body.codes;
  const [former, codes] = [await make(), await make()];
  const use = async (code) => {
    const { body: { mfa_token: ticket } } = await login('edna');

    return prove('second-factor', { mfa_token: ticket, method: 'recovery_code', response: { code } });
  };

  assert.equal(new Set([...former, ...codes]).size, 20);
  assertRefused(await use(former[0]), 400, 'invalid_grant');
  assert.equal((await use(codes[0])).status, 200);
  assertRefused(await use(codes[0]), 400, 'invalid_grant');
  assert.equal((await use(codes[1].toLowerCase().replaceAll('-', ''))).status, 200);

  const { text, body: events } = await ask('GET', '/api/events', { token });
  assert.doesNotMatch(text, /fred|jam_|jar_|eyJ/);
  assert.ok(events.length <= 50);
  for (const event of ['recovery_codes_made', 'factor_denied', 'recovery_code_used', 'mfa_required']) {
    assert.ok(events.some((each) => each.event === event && each.recipient === null), event);
  }
  assert.ok(events.some((each) => each.event === 'recovery_code_used' && each.recipient === 'edna@acme.example'), 'and the mails');
});

test('everybody sees and removes the own factors', async () => {
  const [edna, fred] = [await strongTokenOf('edna'), await strongTokenOf('fred')];
  const factorsOf = async (token) => (await ask('GET', '/api/factors', { token })).body;
  const [{ id }] = await factorsOf(edna);

  assertRefused(await ask('DELETE', `/api/factors/${id}`, { token: fred }), 400, 'invalid_request');
  assertRefused(await ask('DELETE', '/api/factors/x', { token: edna }), 400, 'invalid_request');
  assert.equal((await factorsOf(edna)).length, 1);
  assert.equal((await ask('DELETE', `/api/factors/${id}`, { token: edna })).status, 200);
  assert.equal((await login('edna')).status, 200, 'then the password alone signs in');
});

test('the options for passkeys name this application, and in time its user', async () => {
  const { body: request } = await ask('GET', '/api/auth/passkey');
  const { body: creation } = await ask('GET', '/api/passkeys', { token: await tokenOf('bob') });

  assert.deepEqual([request.rpId, request.allowCredentials], ['localhost', []]);
  assert.deepEqual([creation.rp, creation.user.name], [{ id: 'localhost', name: 'Notebook' }, 'bob']);
  const late = await tokenOf('bob');
  ageProofs('bob', 6);
  const refused = await ask('GET', '/api/passkeys', { token: late });
  assertRefused(refused, 401, 'insufficient_user_authentication');
  assert.match(refused.headers.get('www-authenticate'), /acr_values="aal1", max_age="300"/);
});
