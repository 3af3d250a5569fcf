// Changing one's addresses in a real browser, with each refusal.

import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { addAuthenticator, homeOf, signIn } from './pages.mjs';
import { addUser, ageProofs, forgetSteps, mailTo, query, url } from './server.mjs';
import { checkViews, openLink, textOf, waitForText, withPage } from './with_page.mjs';

const ADDED = 'Confirm your new address';
const REFUSED = 'The link or the code is wrong, was used, or has expired, or another account asked for it.';

async function openAddresses(page, name) {
  await page.goto(homeOf(url));
  await signIn(page, name);
  await page.click('nav a[href="#account"]');
  await waitForText(page, '#address-list', `${name}@acme.example`);
}

async function add(page, address) {
  await page.fill('#new-address', address);
  await page.click('#address-form button');
  await waitForText(page, '#address-code-hint', `A mail is on its way to ${address}.`);
}

withPage('an address is added by its code, made the only one, and brought back by the link of a mail', async (page) => {
  addUser('anna');
  await openAddresses(page, 'anna');
  assert.equal(await page.locator('#address-list .keep:visible').count(), 0, 'there is one only');
  await page.fill('#new-address', 'anna%other@new.example');
  await page.click('#address-form button');
  await waitForText(page, '#address-form .error', 'This is not an e-mail address.');
  await checkViews(page, 'no address');
  await add(page, 'anna@new.example');
  assert.equal(await textOf(page, '#address-form .error'), '', 'what was said before is gone');
  const { code } = await mailTo('anna@new.example', ADDED);
  await page.fill('#address-code', '00000000');
  await page.keyboard.press('Enter');
  await waitForText(page, '#address-code-form .error', REFUSED);
  await checkViews(page, 'a wrong code');
  await page.fill('#address-code', code);
  await page.keyboard.press('Enter');
  await waitForText(page, '#message', 'The address is yours');
  await waitForText(page, '#address-list', 'anna@new.example');
  assert.equal(await page.locator('#address-code-form').isVisible(), false);
  await checkViews(page, 'two addresses');
  await waitForText(page, '#hood-list', 'SELECT jwt_confirm_identifier($1, $2)');
  assert.doesNotMatch(await page.locator('#hood').innerHTML(), new RegExp(`${code}|ja[tf]_\\w`));

  await page.getByRole('button', { name: 'Make it the only one: anna@new.example' }).click();
  await waitForText(page, '#message', 'anna@new.example is your only e-mail address now.');
  assert.equal(await page.locator('#address-list li').count(), 2, 'the username, and the address');

  await page.click('#sign-out');
  await waitForText(page, '#sign-in-notice', 'You have signed out.');
  await mailTo('anna@acme.example', 'How you sign in was changed');
  const opened = await openLink(page, '/undo#');
  await waitForText(opened, '#mail-title', 'Undo a change');
  await checkViews(opened, 'undo');
  await opened.click('#mail-form button');
  await waitForText(opened, '#mail-notice', 'The change is undone, and all sessions are ended.');
  await waitForText(opened, '#mail-title', 'Choose a new password');
  await checkViews(opened, 'undone');
  await opened.close();
  const again = await openLink(page, '/undo#');
  await again.click('#mail-form button');
  await waitForText(again, '#mail-form .error', 'The link is wrong, was used, or has expired.');
  await checkViews(again, 'undone before');
  await again.close();
  await openAddresses(page, 'anna');
}, { bypassCSP: true });

withPage('a link waits for whoever asked for it, and for a fresh sign-in', async (page, context) => {
  addUser('benno');
  addUser('bella');
  await openAddresses(page, 'benno');
  await add(page, 'benno@new.example');
  await mailTo('benno@new.example', ADDED);
  const mailbox = await page.locator('#address-code-form .mailbox').getAttribute('href');
  await page.click('#sign-out');
  await waitForText(page, '#sign-in-notice', 'You have signed out.');

  await page.goto(mailbox);
  await page.locator('a', { hasText: '/confirm-address#' }).first().click();
  await waitForText(page, '#sign-in-notice', 'Please sign in, and confirm your new address then.');
  await checkViews(page, 'a link of somebody who is not signed in');
  await signIn(page, 'bella');
  await waitForText(page, '#address-code-hint', 'to the account of bella');
  await page.click('#address-code-form button.primary');
  await waitForText(page, '#address-code-form .error', REFUSED);
  await checkViews(page, 'a link of somebody else');
  assert.deepEqual(await page.locator('#address-list .value').allInnerTexts(), ['bella', 'bella@acme.example']);

  await page.click('#sign-out');
  await signIn(page, 'benno');
  await waitForText(page, '#address-code-hint', 'to the account of benno');
  ageProofs('benno', 6);
  await page.click('#address-code-form button.primary');
  await waitForText(page, '#address-code-form .error', 'This needs a sign-in of the last five minutes. Please sign out, and sign in again.');
  await checkViews(page, 'a sign-in that is too old');
  await page.getByRole('button', { name: 'Remove the address: benno@acme.example' }).click();
  await waitForText(page, '#addresses > .error', 'This needs a sign-in of the last five minutes.');
  await page.click('#sign-out');
  await signIn(page, 'benno');
  await waitForText(page, '#address-code-hint', 'to the account of benno');
  await page.dblclick('#address-code-form button.primary');
  await waitForText(page, '#message', 'The address is yours');
  assert.equal(await textOf(page, '#account .error >> nth=0'), '');

  const clicks = [];
  page.on('request', (request) => request.method() === 'DELETE' && clicks.push(request.url()));
  await page.getByRole('button', { name: 'Remove the address: benno@new.example' }).dblclick();
  await waitForText(page, '#message', 'benno@new.example is removed.');
  assert.equal(clicks.length, 1, 'a double click is one');
  assert.equal(await textOf(page, '#addresses > .error'), '');
}, { bypassCSP: true });

withPage('with a second factor, a proof that is too old is asked for anew', async (page) => {
  addUser('cora');
  await openAddresses(page, 'cora');
  const secret = await addAuthenticator(page);

  ageProofs('cora', 6);
  await page.fill('#new-address', 'cora@new.example');
  await page.keyboard.press('Enter');
  await page.locator('#proof-code').waitFor();
  await page.click('#proof-cancel');
  assert.equal(await page.locator('#address-code-form').isVisible(), false, 'nothing is sent');
  forgetSteps('cora');
  await page.click('#address-form button');
  await page.fill('#proof-code', codeOf(secret));
  await page.keyboard.press('Enter');
  await waitForText(page, '#address-code-hint', 'A mail is on its way to cora@new.example.');
});

withPage('the last way in stays, and markup in an address is text', async (page) => {
  const address = "<img/src=x/onerror=document.title='broken'>@mail.example";

  addUser('dora');
  query(`UPDATE jwt_auth.identifiers SET value = $$${address}$$ WHERE value = 'dora@acme.example'`);
  await page.goto(homeOf(url));
  await signIn(page, 'dora');
  await page.click('nav a[href="#account"]');
  await waitForText(page, '#address-list', address);
  assert.equal(await page.locator('#address-list img').count(), 0);
  assert.doesNotMatch(await page.title(), /broken/);

  query(`SELECT jwt_create_user(NULL, password => 'walking on the dry sand', role => 'notes_user', email => 'only@dora.example',
    claims => '{"name": "Dora", "tenant": "acme"}')`);
  await page.click('#sign-out');
  await signIn(page, 'only@dora.example', 'walking on the dry sand');
  await page.click('nav a[href="#account"]');
  await page.getByRole('button', { name: 'Remove the address: only@dora.example' }).click();
  await waitForText(page, '#addresses > .error', 'This is your last way to log in, add another one first.');
  await checkViews(page, 'the last way in');
}, { bypassCSP: true });
