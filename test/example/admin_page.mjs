// The page of administrators in a real browser.

import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { signIn } from './pages.mjs';
import { addUser, ageProofs, eventsOf, forgetSteps, messagesTo, query } from './server.mjs';
import { checkView, checkViews, textOf, waitForText, withPage } from './with_page.mjs';

const ERIN = 'minding the whole shop';
let secret;

// Signs in as the administrator, who adds the second factor at the first time.
async function signInAsErin(page) {
  if (!secret) {
    query("SELECT jwt_reset_factors(jwt_find_user('erin'))");
  }
  await signIn(page, 'erin', ERIN);
  if (secret) {
    forgetSteps('erin');
    await page.fill('#proof-code', codeOf(secret));
  } else {
    await page.click('#enroll-authenticator');
    await page.locator('#qr svg').waitFor();
    secret = (await textOf(page, '#secret')).replaceAll(' ', '');
    await page.fill('#first-code', codeOf(secret));
  }
  await page.keyboard.press('Enter');
  await waitForText(page, '.who', 'Erin');
}

async function openAdmin(page) {
  await page.click('#admin-link');
  await page.locator('#user-list li').first().waitFor();
}

// Acts as moira, once the page with its users is open.
async function actAsMoira(page, reason) {
  await page.getByRole('button', { name: 'Act as: moira' }).click();
  await page.fill('#reason-text', reason);
  await page.keyboard.press('Enter');
  await waitForText(page, '#acting', 'You act as moira, who is told of it.');
}

const itemOf = (page, name) => page.locator('#user-list li', { has: page.locator('.name', { hasText: new RegExp(`^${name}$`) }) });

withPage('who is no administrator has no link, and is refused at the address', async (page) => {
  await signIn(page, 'alice');
  await waitForText(page, '#note-list', 'Order more anvils');
  assert.equal(await page.locator('#admin-link').isVisible(), false);
  await page.evaluate(() => { location.hash = '#admin'; });
  await waitForText(page, '#admin > .error', 'Only administrators may do this. Please sign in as one.');
  assert.equal(await page.locator('#admin li').count(), 0);
  await waitForText(page, '#hood-list', 'permission denied for function admin_users');
}, { viewport: { width: 1400, height: 900 } });

withPage('an administrator bans a user after a fresh proof, and lifts the ban', async (page) => {
  addUser('mara');
  await signInAsErin(page);
  await openAdmin(page);
  ageProofs('erin', 6);
  await page.getByRole('button', { name: 'Ban: mara' }).click();
  await page.fill('#reason-text', 'spam');
  await page.selectOption('#duration', '7 days');
  await checkView(page, 'a reason');
  await page.keyboard.press('Enter');
  await page.locator('#proof-code').waitFor();
  forgetSteps('erin');
  await page.fill('#proof-code', codeOf(secret));
  await page.keyboard.press('Enter');
  await waitForText(page, '#message', 'mara is banned, and signed out everywhere.');
  assert.match(await itemOf(page, 'mara').innerText(), /Banned until \d+ \w+ \d+.*: spam/s);
  await waitForText(page, '#admin-event-list', 'User banned · mara');
  await page.getByRole('button', { name: 'Lift the ban: mara' }).click();
  await waitForText(page, '#message', 'mara may sign in again.');
  await page.click('#rotate-key');
  await waitForText(page, '#key-list', 'retiring');
}, { bypassCSP: true });

withPage('an administrator acts as a user, which is shown, told, and ended', async (page) => {
  addUser('moira');
  await signInAsErin(page);
  await openAdmin(page);
  await page.getByRole('button', { name: 'Act as: moira' }).click();
  await page.click('#reason-cancel');
  assert.equal(await page.locator('#acting').isVisible(), false, 'not without a reason');
  await actAsMoira(page, 'cannot see a note');
  await waitForText(page, '.who', 'moira');
  assert.equal(await page.locator('#admin-link').isVisible(), false);
  await page.fill('#note-body', 'By an administrator');
  await page.click('#note-form button');
  await waitForText(page, '#message', 'The note is added.');
  await page.click('nav a[href="#account"]');
  await waitForText(page, '#session-list', 'an administrator who acts as you');
  await page.click('#add-authenticator');
  await waitForText(page, '#factors > .error', 'Only the user may do this.');
  await page.fill('#new-address', 'moira@new.example');
  await page.keyboard.press('Enter');
  await waitForText(page, '#address-form .error', 'Only the user may do this.');
  await page.getByRole('button', { name: 'Remove the address: moira@acme.example' }).click();
  await waitForText(page, '#addresses > .error', 'Only the user may do this.');
  await checkView(page, 'acting');
  await page.click('#act-no-more');
  await waitForText(page, '.who', 'Erin');
  assert.equal(await page.locator('#acting').isVisible(), false);
  assert.equal(new URL(page.url()).hash, '#admin');
  assert.ok(eventsOf('moira').includes('impersonated'));
  assert.ok(messagesTo('moira').includes('impersonated'));
  await page.click('nav a[href="#notes"]');
  await page.reload();
  await waitForText(page, '.who', 'Erin');
}, { bypassCSP: true });

withPage('the user ends it, and the administrator is told', async (page) => {
  await signInAsErin(page);
  await openAdmin(page);
  await actAsMoira(page, 'once more');
  query("SELECT jwt_end_sessions(jwt_find_user('moira'))");
  await page.fill('#note-body', 'In whose name?');
  await page.click('#note-form button');
  await waitForText(page, '.who', 'Erin');
  assert.equal(query("SELECT count(*) FROM notes WHERE body = 'In whose name?'"), '0', 'nothing is done in the own name');
  await waitForText(page, '#message', 'You are yourself again.');
});

withPage('whoever signs in after an administrator who acted is oneself', async (page) => {
  await signInAsErin(page);
  await openAdmin(page);
  await actAsMoira(page, 'a third time');
  query("SELECT jwt_end_sessions(jwt_find_user(name)) FROM unnest('{moira,erin}'::text[]) AS name");
  await page.click('nav a[href="#account"]');
  await waitForText(page, '#sign-in-notice', 'Your session has ended.');
  await signIn(page, 'alice');
  await waitForText(page, '.who', 'Alice');
  await page.route('**/api/notes', (route) => route.fulfill({ status: 401, json: { error: 'invalid_token', error_description: 'the token has expired' } }), { times: 1 });
  await page.fill('#note-body', 'In the own name');
  await page.click('#note-form button');
  await waitForText(page, '#message', 'The note is added.');
});

withPage('the page of administrators fits and is accessible', async (page) => {
  await signInAsErin(page);
  await openAdmin(page);
  await checkViews(page, 'administration');
  await page.getByRole('button', { name: 'Ban: alice' }).click();
  await page.locator('#reason-text').waitFor();
  await checkViews(page, 'ban');
}, { bypassCSP: true });
