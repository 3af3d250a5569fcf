// Whoever proves an address by a mail, over HTTP: signs up, signs in, chooses a new
// password.  The mails come from the example's mailer, by SMTP.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { addUser, ask, cookieOf, cookiesOf, forgetSteps, login, mailTo, query, tokenOf, url, USERS } from './server.mjs';

const headers = { Origin: url };
const KINDS = ['sign-up', 'login', 'recovery'];
const PASSWORD = 'counting the quiet stars';

// What is sent and what comes back is secret: the panel under the hood is told none of it.
async function post(way, body, cookie = '') {
  const answer = await ask('POST', `/api/auth/${way}`, { body, headers: { ...headers, Cookie: cookie } });
  const secrets = [body.password, body.token, cookie.split('=')[1], answer.body?.mfa_token, answer.body?.access_token,
    ...cookiesOf(answer).map((set) => /=([^;]*)/.exec(set)[1])].filter((value) => value?.length > 4);

  for (const secret of secrets) {
    assert.equal(decodeURIComponent(answer.headers.get('under-the-hood') ?? '').includes(secret), false, way);
  }
  return answer;
}

function assertRefused(answer, status, error, message) {
  assert.deepEqual([answer.status, answer.body?.error], [status, error], message);
}

test('whoever signs up is a user once the address is confirmed, in the same browser', async () => {
  const address = 'kim@mail.example';
  const asked = await post('sign-up/request', { identifier: address, password: PASSWORD, name: 'Kim' });
  const flow = cookieOf(asked);

  assert.deepEqual([asked.status, asked.body], [200, { status: 'sent' }]);
  assert.match(cookiesOf(asked)[0], /^sign-up_flow=.*; Path=\/api\/auth; .*HttpOnly; SameSite=Strict$/);
  const { code } = await mailTo(address, 'Confirm your address');
  assertRefused(await login(address, PASSWORD), 400, 'invalid_grant', 'not yet');
  assertRefused(await post('sign-up/redeem', { token: code }), 400, 'invalid_grant', 'the code in another browser');
  assertRefused(await post('sign-up/redeem', { token: '00000000' }, flow), 400, 'invalid_grant', 'a wrong code');
  assertRefused(await post('login/redeem', { token: code }, flow.replace('sign-up', 'login')), 400, 'invalid_grant', 'another kind');
  const answer = await post('sign-up/redeem', { token: code }, flow);
  assert.equal(answer.status, 200);
  assert.match(cookieOf(answer), /^refresh_token=jar_/);
  const { body: { name, tenant, is_admin: isAdmin } } = await ask('GET', '/api/me', { token: answer.body.access_token });
  assert.deepEqual([name, tenant, isAdmin], ['Kim', 'guests', false]);
  assertRefused(await post('sign-up/redeem', { token: code }, flow), 400, 'invalid_grant', 'once only');
  assert.equal((await login(address, PASSWORD)).status, 200);
});

test('a link without its flow takes a password of its own', async () => {
  const address = 'lars@mail.example';

  await post('sign-up/request', { identifier: address, password: PASSWORD, name: 'x'.repeat(100) });
  const { token } = await mailTo(address, 'Confirm your address');
  assertRefused(await post('sign-up/redeem', { token }), 400, 'password_required');
  assertRefused(await post('sign-up/redeem', { token, password: 'brief' }), 400, 'invalid_request');
  assert.equal((await post('sign-up/redeem', { token, password: 'listening to the rain' })).status, 200);
  assertRefused(await login(address, PASSWORD), 400, 'invalid_grant', 'the one that somebody else may have typed');
});

test('the answer is the same for an address of an account', async () => {
  addUser('petra');
  for (const kind of KINDS) {
    const answers = [];

    for (const identifier of ['petra@acme.example', `nobody-${kind}@mail.example`]) {
      answers.push(await post(`${kind}/request`, { identifier, password: PASSWORD, name: 'x' }));
    }
    assert.deepEqual(...answers.map(({ status, text }) => [status, text]), kind);
    assert.equal(answers[0].status, 200, kind);
  }
  await mailTo('petra@acme.example', 'You already have an account');
  await mailTo('nobody-login@mail.example', 'There is no account with this address');
});

test('a link signs in, in the browser that asked for it, and once', async () => {
  addUser('quinn');
  const flow = cookieOf(await post('login/request', { identifier: 'quinn@acme.example' }));
  const { token, link } = await mailTo('quinn@acme.example', 'Sign in');

  assert.match(link, /\/login#jat_/);
  assert.equal((await ask('GET', '/login')).status, 200, 'the page of the link');
  assertRefused(await post('login/redeem', { token }), 400, 'invalid_grant', 'another browser');
  const answer = await post('login/redeem', { token }, flow);
  assert.equal(answer.status, 200);
  assert.equal((await ask('GET', '/api/notes', { token: answer.body.access_token })).status, 200);
  assertRefused(await post('login/redeem', { token }, flow), 400, 'invalid_grant');
});

test('a new password ends all sessions, and needs the second factor of whoever has one', async () => {
  addUser('rolf');
  const token = await tokenOf('rolf');
  const flow = cookieOf(await post('recovery/request', { identifier: 'rolf@acme.example' }));
  const { code } = await mailTo('rolf@acme.example', 'Choose a new password');

  assertRefused(await post('recovery/redeem', { token: code, password: 'brief' }, flow), 400, 'invalid_request');
  assertRefused(await post('recovery/redeem', { token: code }, flow), 400, 'invalid_request', 'no password');
  const answer = await post('recovery/redeem', { token: code, password: PASSWORD }, flow);
  assert.deepEqual([answer.status, answer.body, cookiesOf(answer)], [200, { status: 'password_set' }, []]);
  assertRefused(await ask('GET', '/api/me', { token }), 401, 'invalid_token');
  assertRefused(await login('rolf', USERS.rolf), 400, 'invalid_grant');
  assert.equal((await login('rolf', PASSWORD)).status, 200);
  await mailTo('rolf@acme.example', 'Your password was changed');
});

test('whoever has a second factor shows it for a new password, too', async () => {
  addUser('sven');
  const token = await tokenOf('sven');
  const { body: { factor_id: id, secret } } = await ask('POST', '/api/authenticators', { token, body: { name: 'x' } });
  await ask('POST', `/api/authenticators/${id}`, { token, body: { code: codeOf(secret) } });
  const flow = cookieOf(await post('recovery/request', { identifier: 'sven@acme.example' }));
  const { token: link } = await mailTo('sven@acme.example', 'Choose a new password');
  const half = await post('recovery/redeem', { token: link, password: PASSWORD }, flow);

  assertRefused(half, 400, 'mfa_required');
  const body = { mfa_token: half.body.mfa_token, method: 'totp' };
  assertRefused(await post('second-factor', { ...body, response: { code: '000000' } }), 400, 'invalid_grant');
  assertRefused(await login('sven', PASSWORD), 400, 'invalid_grant', 'not yet');
  forgetSteps('sven');
  const answer = await post('second-factor', { ...body, response: { code: codeOf(secret) } });
  assert.deepEqual([answer.status, answer.body, cookiesOf(answer)], [200, { status: 'password_set' }, []]);
  assertRefused(await login('sven', PASSWORD), 400, 'mfa_required');
});

test('what is no sound request by mail is refused', async () => {
  for (const kind of KINDS) {
    for (const way of ['request', 'redeem']) {
      const path = `/api/auth/${kind}/${way}`;
      const body = { identifier: 'x@mail.example', password: PASSWORD, name: 'x', token: 'x' };

      assertRefused(await ask('POST', path, { body, headers: { Origin: 'https://evil.example' } }), 403, 'invalid_origin', path);
      assertRefused(await ask('POST', path, { body }), 403, 'invalid_origin', path);
      assertRefused(await ask('GET', path), 405, 'invalid_request', path);
      assertRefused(await post(`${kind}/${way}`, {}), 400, 'invalid_request', path);
      assertRefused(await post(`${kind}/${way}`, { ...body, identifier: ['x'], token: {} }), 400, 'invalid_request', path);
    }
    assertRefused(await post(`${kind}/request`, { identifier: 'petra', password: PASSWORD, name: 'x' }), 400, 'invalid_request', 'a username');
  }
  assertRefused(await post('sign-up/request', { identifier: 'x@mail.example', password: 'brief', name: 'x' }), 400, 'invalid_request');
  assertRefused(await post('other/request', {}), 404, 'not_found');
});

test('nobody signs up as more than a guest', async () => {
  const address = 'moriarty@mail.example';
  const flow = cookieOf(await post('sign-up/request', {
    identifier: address, password: PASSWORD, name: 'Alice', role: 'notes_admin', claims: { tenant: 'acme', scope: 'admin' },
  }));
  const { code } = await mailTo(address, 'Confirm your address');
  const { body: { access_token: token } } = await post('sign-up/redeem', { token: code }, flow);

  assert.deepEqual((await ask('GET', '/api/notes', { token })).body.filter(({ author }) => author === 'Carol'), []);
  assertRefused(await ask('GET', '/api/admin/users', { token }), 403, 'insufficient_scope');
  assert.equal(query(`SELECT role FROM jwt_auth.users WHERE id = jwt_find_user('${address}')`), 'notes_user');
});

test('the mailbox is for its own page', async () => {
  const { mailbox } = await mailTo('moriarty@mail.example', 'Confirm your address');

  assert.equal(new URL(mailbox).hostname, '127.0.0.1');
  for (const path of ['/', '/mails', '/mailbox.js']) {
    const answer = await ask('GET', path, { at: mailbox });

    assert.equal(answer.status, 200, path);
    assert.match(answer.headers.get('content-security-policy'), /^default-src 'none'/);
    assert.equal(answer.headers.get('access-control-allow-origin'), null);
    assert.equal((await ask('GET', path, { at: mailbox.replace('127.0.0.1', 'localhost') })).status, 403, 'another name of the address');
  }
  assert.notEqual((await ask('GET', '/mails')).status, 200, 'the application has none');
});
