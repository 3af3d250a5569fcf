// Whoever proves an address by a mail, in a real browser: the mailbox's page, links and
// codes.

import assert from 'node:assert/strict';
import { signIn } from './pages.mjs';
import { addUser, mailTo, url } from './server.mjs';
import { checkView, checkViews, openLink, textOf, waitForText, withPage } from './with_page.mjs';

const PASSWORD = 'sleeping under an old tree';
const at = () => url.replace('127.0.0.1', 'localhost');

async function signOut(page) {
  await page.click('#sign-out');
  await waitForText(page, '#sign-in-notice', 'You have signed out.');
}

withPage('somebody signs up with the code of the mail', async (page) => {
  await page.goto(at());
  await page.click('[data-mail="sign-up"]');
  await page.fill('#mail-name', 'Uma');
  await page.fill('#mail-identifier', 'uma@mail.example');
  await page.fill('#mail-password', 'short');
  await page.keyboard.press('Enter');
  await waitForText(page, '#mail-form .error', 'Password is too short, it needs at least 15 characters.');
  await page.fill('#mail-password', PASSWORD);
  await page.keyboard.press('Enter');
  await waitForText(page, '#mail-notice', 'A mail is on its way to uma@mail.example.');
  const { code } = await mailTo('uma@mail.example', 'Confirm your address');
  await page.fill('#mail-code', '00000000');
  await page.keyboard.press('Enter');
  await waitForText(page, '#mail-form .error', 'Please ask for another one.');
  await page.fill('#mail-code', code);
  await page.keyboard.press('Enter');
  await waitForText(page, '.who', 'Uma guests');
  await signOut(page);
  await signIn(page, 'uma@mail.example', PASSWORD);
  await waitForText(page, '.who', 'Uma guests');
});

withPage('a forgotten password is replaced by the link in the mailbox', async (page) => {
  addUser('viola');
  await page.goto(at());
  await page.click('[data-mail="recovery"]');
  await page.fill('#mail-identifier', 'viola@acme.example');
  await page.keyboard.press('Enter');
  await waitForText(page, '#mail-notice', 'A mail is on its way');
  const opened = await openLink(page, '/recover#');
  await checkView(opened, 'a new password');
  await opened.fill('#mail-password', PASSWORD);
  await opened.keyboard.press('Enter');
  await waitForText(opened, '#sign-in-notice', 'Your password is set, and all sessions are ended.');
  await signIn(opened, 'viola', PASSWORD);
  await waitForText(opened, '.who', 'viola acme');
}, { bypassCSP: true });

withPage('a link of a mail signs in without a password', async (page) => {
  addUser('wendy');
  await page.goto(at());
  await page.click('[data-mail="login"]');
  await page.fill('#mail-identifier', 'wendy@acme.example');
  await page.keyboard.press('Enter');
  await waitForText(page, '#mail-notice', 'A mail is on its way');
  const opened = await openLink(page, '/login#');
  assert.equal(await opened.locator('#signed-in').isVisible(), false, 'opening the link is not enough');
  await opened.click('#mail-form button');
  await waitForText(opened, '.who', 'wendy acme');
  await opened.click('nav a[href="#account"]');
  await waitForText(opened, '#session-list', 'link or code');
}, { bypassCSP: true });

withPage('the forms by mail fit and are accessible', async (page) => {
  for (const kind of ['sign-up', 'login', 'recovery']) {
    await page.click(`[data-mail="${kind}"]`);
    await checkViews(page, kind);
    await page.fill('#mail-identifier', `form-${kind}@mail.example`);
    if (kind === 'sign-up') {
      await page.fill('#mail-name', 'x');
      await page.fill('#mail-password', 'short');
      await page.keyboard.press('Enter');
      await page.locator('#mail-form .error:not(:empty)').waitFor();
      await checkViews(page, `${kind}, refused`);
      await page.fill('#mail-password', PASSWORD);
    }
    await page.keyboard.press('Enter');
    await waitForText(page, '#mail-notice', 'A mail is on its way');
    await checkViews(page, `${kind}, sent`);
    await page.click('#mail-back');
  }
  assert.equal(await textOf(page, '#sign-in h1'), 'Sign in to Notebook');
  await page.goto(await page.locator('#sign-in .mailbox').getAttribute('href'));
  await page.locator('#mails li').first().waitFor();
  await checkViews(page, 'mailbox');
}, { bypassCSP: true });
