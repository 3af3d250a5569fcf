// The example application in a real browser, with real clicks (F10, F42).

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { openPage, signIn } from './pages.mjs';
import { ask, endGrace, login, query, refresh, tokenOf, url, USERS } from './server.mjs';
import { checkViews, newContext, textOf, waitForText, withPage } from './with_page.mjs';

const ENDED = 'Your session has ended. Please sign in again.';

const bodiesOf = (page) => page.locator('#note-list .body').allInnerTexts();
const isSignedIn = (page) => page.locator('#signed-in').isVisible();

// The access token, as the page sends it with its next request.
async function tokenSentBy(page) {
  const [sent] = await Promise.all([
    page.waitForRequest('**/api/sessions'),
    page.click('nav a[href="#account"]'),
  ]);
  await page.click('nav a[href="#notes"]');
  return sent.headers().authorization.replace('Bearer ', '');
}

async function cookieIn(context) {
  const [cookie] = await context.cookies(`${url}/api/auth/refresh`);

  return cookie && `${cookie.name}=${cookie.value}`;
}

withPage('a wrong password is refused, the right one signs in', async (page) => {
  for (const [name, password] of [['alice', 'open sesame'], ['nobody', 'open sesame']]) {
    await signIn(page, name, password);
    await waitForText(page, '#sign-in-form .error', 'The username or the password is wrong.');
    assert.equal(await isSignedIn(page), false);
    assert.deepEqual(await bodiesOf(page), []);
  }
  await page.fill('#password', '');
  await page.keyboard.press('Enter');
  assert.equal(await isSignedIn(page), false, 'an empty field is not sent');

  await signIn(page, 'alice');
  await waitForText(page, '#note-list', 'Order more anvils');
  assert.equal(await textOf(page, '.who'), 'Alice acme');
  assert.equal(await page.inputValue('#password'), '', 'the password is not kept');
  assert.equal(new URL(page.url()).search, '');
});

withPage('too many attempts must wait, and the page says how long', async (page) => {
  await signIn(page, 'walter', 'guess');
  for (let i = 0; i < 20 && !(await page.locator('.error', { hasText: 'Too many attempts' }).isVisible()); i += 1) {
    await Promise.all([page.waitForResponse('**/api/auth/login'), signIn(page, 'walter', `guess ${i}`)]);
  }
  assert.match(await textOf(page, '#sign-in-form .error'), /^Too many attempts\. Please try again in \d+ seconds?\.$/);
  await page.locator('#sign-in-form button:enabled', { hasText: 'Sign in' }).waitFor();
});

withPage('when the wait is over, nothing of it is left', async (page) => {
  await page.route('**/api/auth/login', (route) => route.fulfill({
    status: 429, headers: { 'Retry-After': '1' }, json: { error: 'temporarily_unavailable', retry_after: 1 },
  }));
  await signIn(page, 'alice');
  await waitForText(page, '#sign-in-form .error', 'Please try again in 1 second.');
  await page.locator('#sign-in-form button:enabled', { hasText: 'Sign in' }).waitFor();
  assert.equal(await textOf(page, '#sign-in-form .error'), '');
});

test('whoever is not signed in has no error in the log', async () => {
  const context = await newContext();
  const page = await context.newPage();
  const logged = [];

  page.on('console', (message) => logged.push(message.text()));
  await page.goto(url);
  await page.locator('#sign-in-form').waitFor();
  assert.deepEqual(logged, []);
  await context.close();
});

withPage('a deleted note comes back, and no message stays beside an error or moves the page', async (page) => {
  const body = 'Feed the cat';
  const place = async () => (await page.locator('#note-list').boundingBox()).y;

  await signIn(page, 'alice');
  await waitForText(page, '#note-list', 'Order more anvils');
  const before = await place();
  await page.fill('#note-body', body);
  await page.click('#note-form button');
  await waitForText(page, '#message', 'The note is added.');
  assert.equal(await place(), before, 'the message moves nothing');

  await page.getByRole('button', { name: `Delete the note: ${body}` }).click();
  await waitForText(page, '#message', 'The note is deleted.');
  assert.equal((await bodiesOf(page)).includes(body), false);
  await page.getByRole('button', { name: 'Undo' }).click();
  await waitForText(page, '#note-list', body);
  const { body: notes } = await ask('GET', '/api/notes', { token: await tokenOf('alice') });
  assert.equal(notes.filter((note) => note.body === body).length, 1, 'in the database, too');

  await page.route('**/api/notes', (route) => route.fulfill({ status: 503, json: { error: 'server_error' } }));
  await page.fill('#note-body', body);
  await page.click('#note-form button');
  await waitForText(page, '#note-form .error', 'The server cannot do this now.');
  assert.equal(await textOf(page, '#message'), '', 'what was said before is gone');
  await page.unroute('**/api/notes');
  await page.getByRole('button', { name: `Delete the note: ${body}` }).click();
  await waitForText(page, '#message', 'The note is deleted.');
  assert.equal(await textOf(page, '#notes > .error'), '');
});

withPage('dates have a year and stay in one line, and a session says what its button does', async (page) => {
  await tokenOf('alice');
  await signIn(page, 'alice');
  await page.locator('#note-list time').first().waitFor();
  await page.click('nav a[href="#account"]');
  await page.locator('#session-list li').nth(1).waitFor();
  for (const list of ['#note-list', '#session-list']) {
    for (const [text, lines] of await page.locator(`${list} time`).evaluateAll((times) => times
      .map((time) => [time.textContent, time.getClientRects().length]))) {
      assert.match(text, /\b20\d\d\b/, list);
      assert.ok(lines <= 1, `${list}: ${lines} lines`);
    }
  }
  assert.deepEqual([...new Set((await page.locator('#session-list button:visible').allInnerTexts()))], ['End session']);
}, { viewport: { width: 320, height: 568 } });

withPage('of all tabs, one at a time asks for a new cookie', async (page, context) => {
  let running = 0;
  let most = 0;
  let asked = 0;

  await signIn(page, 'alice');
  await waitForText(page, '#note-list', 'Order more anvils');
  await context.route('**/api/auth/refresh', async (route) => {
    running += 1;
    asked += 1;
    most = Math.max(most, running);
    const response = await route.fetch();

    await page.waitForTimeout(100);
    running -= 1;
    await route.fulfill({ response });
  });
  const tabs = [page, ...await Promise.all([1, 2, 3].map(() => openPage(context)))];
  await Promise.all(tabs.map((tab) => tab.reload()));
  for (const tab of tabs) {
    await waitForText(tab, '#note-list', 'Order more anvils');
  }
  assert.deepEqual([most, asked], [1, 7]);
  await context.unroute('**/api/auth/refresh');
  await page.reload();
  await waitForText(page, '#note-list', 'Order more anvils');
});

withPage('two users see different rows', async (page) => {
  await signIn(page, 'alice');
  await waitForText(page, '#note-list', 'Order more anvils');
  const hers = await bodiesOf(page);

  await page.click('#sign-out');
  await waitForText(page, '#sign-in-notice', 'You have signed out.');
  assert.deepEqual(await bodiesOf(page), [], 'nothing is left on the page');
  await signIn(page, 'bob');
  await waitForText(page, '#note-list', 'stapler');
  assert.deepEqual((await bodiesOf(page)).filter((body) => hers.includes(body)), []);
  assert.doesNotMatch(await page.content(), /anvil/);
});

withPage('notes are added and deleted, with the keyboard too', async (page, context) => {
  await signIn(page, 'alice');
  await page.fill('#note-body', 'Water the plants');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await waitForText(page, '#message', 'The note is added.');
  assert.equal((await bodiesOf(page))[0], 'Water the plants');

  const again = await openPage(context);
  await waitForText(again, '#note-list', 'Water the plants');
  await again.getByRole('button', { name: 'Delete the note: Water the plants' }).click();
  await waitForText(again, '#message', 'The note is deleted.');
  assert.equal((await bodiesOf(again)).includes('Water the plants'), false);
  const { body } = await ask('GET', '/api/notes', { token: await tokenOf('alice') });
  assert.equal(body.some((note) => note.body === 'Water the plants'), false);

  // It is still shown on the first page.
  await page.getByRole('button', { name: 'Delete the note: Water the plants' }).click();
  await waitForText(page, '#notes .error', 'There is no such note, or it is not yours.');
});

withPage('who may only read is told so', async (page) => {
  await signIn(page, 'carol');
  await waitForText(page, '#note-list', 'Order more anvils');
  const count = (await bodiesOf(page)).length;

  await page.fill('#note-body', 'Mine');
  await page.click('#note-form button');
  await waitForText(page, '#note-form .error', 'You may read these notes, but not change them.');
  assert.equal((await bodiesOf(page)).length, count);
  assert.equal(await page.inputValue('#note-body'), 'Mine', 'the text is not lost');
});

withPage('a script in a note is shown as text', async (page) => {
  const attack = '<img src=x onerror="document.title=\'broken\'"><script>document.title="broken"</script>';

  await signIn(page, 'bob');
  await page.fill('#note-body', attack);
  await page.click('#note-form button');
  await waitForText(page, '#message', 'The note is added.');
  await page.reload();
  await waitForText(page, '#note-list', 'onerror');
  assert.equal((await bodiesOf(page))[0], attack);
  assert.equal(await page.locator('#note-list img, #note-list script').count(), 0);
  assert.equal(await page.title(), 'Notes – Notebook');

  // Were markup made of it after all, the browser would still refuse.
  const refused = await page.evaluate(() => {
    try {
      document.body.insertAdjacentHTML('beforeend', '<img src=x>');
      return false;
    } catch (error) {
      return error instanceof TypeError;
    }
  });
  assert.equal(refused, true);
  page.problems.length = 0;
  await page.getByRole('button', { name: /^Delete the note: <img/ }).click();
  await waitForText(page, '#message', 'The note is deleted.');
});

withPage('no script can read a token, and the cookie goes to one address', async (page, context) => {
  const withCookie = [];

  page.on('request', async (request) => {
    if ((await request.allHeaders()).cookie) {
      withCookie.push(new URL(request.url()).pathname);
    }
  });
  await signIn(page, 'alice');
  const token = await tokenSentBy(page);
  const readable = await page.evaluate(() => JSON.stringify([
    document.cookie, { ...localStorage }, { ...sessionStorage },
    Object.keys(window).map((name) => String(window[name])), document.documentElement.outerHTML, history.state, location.href]));

  assert.match(token, /^eyJ/);
  assert.doesNotMatch(readable, /eyJ\w|jar_\w/);
  assert.equal(await page.evaluate(() => document.cookie), '');
  const [cookie, ...others] = await context.cookies([url, `${url}/api/auth/refresh`]);
  assert.deepEqual(others, []);
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Strict', '/api/auth']);

  await page.reload();
  await waitForText(page, '#note-list', 'Order more anvils');
  assert.deepEqual([...new Set(withCookie)], ['/api/auth/refresh']);
});

withPage('an expired token is renewed silently, in two tabs at once, too', async (page, context) => {
  await signIn(page, 'alice');
  const other = await openPage(context);
  await waitForText(other, '#note-list', 'Order more anvils');
  const expired = await tokenSentBy(page);

  for (const tab of [page, other]) {
    await waitForText(tab, '#token-state', 'expired');
  }
  const refused = await ask('GET', '/api/me', { token: expired });
  assert.deepEqual([refused.status, refused.body.error_description], [401, 'the token has expired']);

  const answers = await Promise.all([page, other].map(async (tab, i) => {
    const seen = [];

    tab.on('response', (response) => seen.push(`${response.status()} ${new URL(response.url()).pathname}`));
    await tab.fill('#note-body', `From tab ${i}`);
    await Promise.all([
      tab.waitForResponse((response) => response.status() === 201),
      tab.click('#note-form button'),
    ]);
    await waitForText(tab, '#message', 'The note is added.');
    return seen;
  }));
  for (const seen of answers) {
    assert.deepEqual(seen, ['401 /api/notes', '200 /api/auth/refresh', '201 /api/notes'], 'refused, renewed, sent again');
  }
  for (const tab of [page, other]) {
    assert.match(await textOf(tab, '#token-state'), /renewed [1-9]|[1-9]× so far/);
    assert.equal(await isSignedIn(tab), true);
  }
  for (const i of [0, 1]) {
    await page.reload();
    await page.getByRole('button', { name: `Delete the note: From tab ${i}` }).click();
    await waitForText(page, '#message', 'The note is deleted.');
  }
});

withPage('a replayed refresh cookie ends the session', async (page, context) => {
  await signIn(page, 'alice');
  await waitForText(page, '#note-list', 'Order more anvils');
  const stolen = await cookieIn(context);

  for (const turn of [1, 2]) {
    await page.reload();
    await waitForText(page, '#note-list', 'Order more anvils');
    assert.notEqual(await cookieIn(context), stolen, `turn ${turn}`);
  }
  endGrace();
  const { status, body } = await refresh(stolen);
  assert.deepEqual([status, body.error], [400, 'invalid_grant']);

  await page.click('nav a[href="#account"]');
  await waitForText(page, '#sign-in-notice', ENDED);
  assert.equal(await cookieIn(context), undefined);
  await page.reload();
  await page.locator('#sign-in-form').waitFor();
});

withPage('signing out kills the access token at once, and reaches other tabs', async (page, context) => {
  await signIn(page, 'alice');
  const other = await openPage(context);
  await waitForText(other, '#note-list', 'Order more anvils');
  const cookie = await cookieIn(context);
  const token = await tokenSentBy(page);

  assert.equal((await ask('GET', '/api/notes', { token })).status, 200);
  await page.click('#sign-out');
  await waitForText(page, '#sign-in-notice', 'You have signed out.');
  const { status, headers, body } = await ask('GET', '/api/notes', { token });
  assert.deepEqual([status, body.error_description], [401, 'the token is revoked']);
  assert.equal(headers.get('www-authenticate'), 'Bearer error="invalid_token"');
  assert.equal((await refresh(cookie)).body.error, 'invalid_grant');
  assert.equal(await cookieIn(context), undefined);
  await other.locator('#sign-in-form').waitFor();
  assert.equal(await isSignedIn(other), false);
});

withPage('nothing that somebody typed, did or was told stays for whoever comes next', async (page) => {
  const typed = ['a draft of a note', USERS.alice, 'a new secret of mine', 'typed@new.example', 'a token name'];

  for (const way of ['signed out', 'ended']) {
    await signIn(page, 'alice');
    await waitForText(page, '#note-list', 'Order more anvils');
    await page.fill('#note-body', `Delete me, ${way}`);
    await page.click('#note-form button');
    await page.getByRole('button', { name: `Delete the note: Delete me, ${way}` }).click();
    await waitForText(page, '#message', 'The note is deleted.');
    await waitForText(page, '#hood-list', `Delete me, ${way}`);
    await page.fill('#note-body', typed[0]);
    await page.click('nav a[href="#account"]');
    await waitForText(page, '#address-list', 'alice@acme.example');
    for (const [i, field] of ['#old-password', '#new-password', '#new-address', '#token-name'].entries()) {
      await page.fill(field, typed[i + 1]);
    }
    if (way === 'ended') {
      query("SELECT jwt_end_sessions(jwt_find_user('alice'))");
      await page.getByRole('button', { name: 'Remove the address: alice@acme.example' }).click();
    } else {
      await page.click('#sign-out');
    }
    await page.locator('#sign-in-notice:not(:empty)').waitFor();
    const left = await page.evaluate(() => [document.body.textContent, ...[...document.querySelectorAll('input, textarea')].map(({ value }) => value)].join('\n'));

    for (const text of [...typed, 'Delete me', 'alice@acme', 'The note is deleted.']) {
      assert.equal(left.includes(text), false, `${way}: ${text}`);
    }
    assert.equal(await page.locator('#hood-list', { hasText: 'jwt_logout' }).count(), way === 'ended' ? 0 : 1, 'the panel still shows the last click');
  }
}, { viewport: { width: 1400, height: 900 } });

withPage('signing out everywhere ends the sessions elsewhere', async (page) => {
  const elsewhere = await tokenOf('alice');
  const bob = await tokenOf('bob');

  await signIn(page, 'alice');
  await page.click('nav a[href="#account"]');
  await page.locator('#session-list li').nth(1).waitFor();
  await page.click('#sign-out-everywhere');
  await waitForText(page, '#sign-in-notice', 'You have signed out everywhere.');
  assert.equal((await ask('GET', '/api/me', { token: elsewhere })).body.error_description, 'the token is revoked');
  assert.equal((await ask('GET', '/api/me', { token: bob })).status, 200, 'other users stay');
});

withPage('another session is ended, from the list', async (page) => {
  const phone = await login('bob', undefined, { Origin: url, 'User-Agent': 'Mozilla/5.0 (iPhone) Safari/605.1' });
  const { access_token: token } = phone.body;

  await signIn(page, 'bob');
  await page.click('nav a[href="#account"]');
  const item = page.locator('#session-list li', { hasText: 'Safari on iOS' });
  await item.waitFor();
  assert.match(await textOf(page, '#session-list li:first-child'), /^Chrome on Linux this session\s+password · 127\.0\.0\.1/);
  assert.equal(await page.locator('#session-list li:first-child button').isVisible(), false);
  assert.equal((await ask('GET', '/api/me', { token })).status, 200);
  await item.getByRole('button').click();
  await waitForText(page, '#message', 'The session is ended.');
  assert.equal(await item.count(), 0);
  assert.equal((await ask('GET', '/api/me', { token })).body.error_description, 'the token is revoked');
  assert.equal(await isSignedIn(page), true);
});

withPage('a password is changed, and ends the other sessions', async (page) => {
  const passwords = ['reading by candle light', 'reading by the light of day'];
  const elsewhere = await tokenOf('carol');
  const change = async (from, to) => {
    await page.fill('#old-password', from);
    await page.fill('#new-password', to);
    await page.click('#password-form button');
  };

  await signIn(page, 'carol');
  await page.click('nav a[href="#account"]');
  await change('open sesame', passwords[1]);
  await waitForText(page, '#password-form .error', 'The current password is wrong.');
  await change(passwords[0], 'short');
  await waitForText(page, '#password-form .error', 'Password is too short, it needs at least 15 characters.');
  assert.equal((await ask('GET', '/api/me', { token: elsewhere })).status, 200);

  await change(...passwords);
  await waitForText(page, '#message', 'Your password is changed');
  assert.equal((await ask('GET', '/api/me', { token: elsewhere })).body.error_description, 'the token is revoked');
  assert.equal((await login('carol', passwords[0])).body.error, 'invalid_grant');
  await change(...passwords.reverse());
  await waitForText(page, '#message', 'Your password is changed');
  assert.equal((await login('carol')).status, 200);
});

withPage('a server that does not answer ends nothing', async (page, context) => {
  await signIn(page, 'alice');
  await waitForText(page, '#note-list', 'Order more anvils');
  await context.setOffline(true);
  await page.click('nav a[href="#account"]');
  await waitForText(page, '#account .error', 'The server does not answer.');
  assert.equal(await isSignedIn(page), true);
  await context.setOffline(false);
  await page.click('nav a[href="#notes"]');
  await waitForText(page, '#note-list', 'Order more anvils');
});

withPage('it fits and is accessible', async (page) => {
  await checkViews(page, 'sign in');
  await signIn(page, 'carol', 'open sesame');
  await page.locator('#sign-in-form .error:not(:empty)').waitFor();
  await checkViews(page, 'sign in, refused');
  await signIn(page, 'alice');
  await page.fill('#note-body', `A_${'long'.repeat(60)}_word`);
  await page.click('#note-form button');
  await waitForText(page, '#message', 'The note is added.');
  await checkViews(page, 'notes');
  await page.getByRole('button', { name: /^Delete the note: A_long/ }).click();
  await page.click('nav a[href="#account"]');
  await page.locator('#session-list li').first().waitFor();
  await checkViews(page, 'account');
}, { bypassCSP: true });
