// Somebody who has an account at an identity provider, in a real browser: signs in
// with it, links it to an account, and is asked for the second factor all the same.

import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { addAuthenticator, signIn } from './pages.mjs';
import { addUser, forgetSteps, query } from './server.mjs';
import { checkView, waitForText, withPage } from './with_page.mjs';

// At the provider's page, and back.
async function goThrough(page, button, email) {
  await page.click(button);
  await page.fill('#email', email);
  await page.keyboard.press('Enter');
}

async function signOut(page) {
  await page.click('#sign-out');
  await waitForText(page, '#sign-in-notice', 'You have signed out.');
}

async function openAccount(page) {
  await page.click('nav a[href="#account"]');
  await page.locator('#event-list li').first().waitFor();
}

withPage('a guest signs in with the provider, and nothing of it stays in the address', async (page) => {
  await goThrough(page, '#external-sign-in', 'paula@mail.example');
  await waitForText(page, '.who', 'paula guests');
  assert.doesNotMatch(page.url(), /code|state/);
  assert.equal(await page.evaluate(() => document.cookie), '');
  await page.fill('#note-body', 'Hello');
  await page.click('#note-form button');
  await waitForText(page, '#message', 'The note is added.');
  await page.reload();
  await waitForText(page, '#note-list', 'Hello');
  await openAccount(page);
  await waitForText(page, '#identity-list', 'paula@mail.example at Example ID');
});

withPage('who cancels is back at the form, and is told so', async (page) => {
  await page.click('#external-sign-in');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await waitForText(page, '.other .error', 'The provider did not confirm it.');
  assert.equal(await page.locator('#signed-in').isVisible(), false);
});

withPage('whose address has an account signs in to it, and finds both linked', async (page) => {
  addUser('rita');
  await goThrough(page, '#external-sign-in', 'rita@acme.example');
  await waitForText(page, '#sign-in-notice', 'Please sign in to it as ever, and the two are linked.');
  await checkView(page, 'an account exists');
  await signIn(page, 'rita', 'open sesame');
  await waitForText(page, '#sign-in-form .error', 'The username or the password is wrong.');
  await signIn(page, 'rita');
  await waitForText(page, '#message', 'From now on you can sign in with Example ID.');
  await signOut(page);

  await goThrough(page, '#external-sign-in', 'rita@acme.example');
  await waitForText(page, '.who', 'rita acme');
  await openAccount(page);
  await waitForText(page, '#event-list', 'Mail to rita@acme.example: Factor added');
  await page.getByRole('button', { name: 'Unlink: rita@acme.example' }).click();
  await waitForText(page, '#message', 'The identity is no longer linked.');
  assert.equal(await page.locator('#identity-list li').count(), 0);
  await signOut(page);
  await goThrough(page, '#external-sign-in', 'rita@acme.example');
  await waitForText(page, '#sign-in-notice', 'Please sign in to it as ever');
}, { bypassCSP: true });

withPage('the second factor is asked for after the provider, too', async (page) => {
  addUser('sina');
  await signIn(page, 'sina');
  await openAccount(page);
  await goThrough(page, '#link-identity', 'sina@elsewhere.example');
  await waitForText(page, '#message', 'From now on you can sign in with Example ID.');
  await waitForText(page, '#identity-list', 'sina@elsewhere.example');
  const secret = await addAuthenticator(page);

  await waitForText(page, '#message', 'The authenticator app is added.');
  await signOut(page);

  await goThrough(page, '#external-sign-in', 'sina@elsewhere.example');
  await page.locator('#proof-code').waitFor();
  assert.equal(await page.locator('#signed-in').isVisible(), false);
  await page.fill('#proof-code', '000000');
  await page.keyboard.press('Enter');
  await page.locator('#proof .error:not(:empty)').waitFor();
  forgetSteps('sina');
  await page.fill('#proof-code', codeOf(secret));
  await page.keyboard.press('Enter');
  await waitForText(page, '.who', 'sina acme');
  assert.equal(query("SELECT aal FROM jwt_auth.sessions WHERE user_id = jwt_find_user('sina') ORDER BY created_at DESC LIMIT 1"), '2');
});
