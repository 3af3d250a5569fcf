// Invitations in a real browser: the administrator's part, and that of the person who
// has the mail.

import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { addAuthenticator, homeOf, signIn } from './pages.mjs';
import { addUser, ageProofs, forgetSteps, mailTo, query, url } from './server.mjs';
import { checkViews, openLink, textOf, waitForText, withPage } from './with_page.mjs';

const PASSWORD = 'tending a small garden';
const LONG = `willa-${'w'.repeat(50)}@mail.example`;
const REFUSED = 'The link is wrong, was used or revoked, or has expired. Please ask for another invitation.';

async function prove(page, name, secret) {
  forgetSteps(name);
  await page.fill('#proof-code', codeOf(secret));
  await page.keyboard.press('Enter');
}

async function invite(page, name, address) {
  await page.fill('#invited-name', name);
  await page.fill('#invited-address', address);
  await page.click('#invitation-form button');
}

// Signs in a new administrator, who adds a second factor; resolves to its secret.
async function signInAsStaff(page, name) {
  addUser(name);
  query(`SELECT jwt_update_user(jwt_find_user('${name}'), role => 'notes_admin', claims => '{"name": "Rosa", "tenant": "acme", "scope": "admin"}')`);
  await page.goto(homeOf(url));
  await signIn(page, name);
  await page.click('nav a[href="#account"]');
  return addAuthenticator(page);
}

async function openAdmin(page, name) {
  const secret = await signInAsStaff(page, name);

  await page.click('#admin-link');
  await prove(page, name, secret);
  await page.locator('#user-list li').first().waitFor();
  return secret;
}

withPage('an administrator invites somebody, who chooses a password and is signed in', async (page) => {
  const secret = await openAdmin(page, 'rosa');

  await invite(page, 'Willa', 'willa%other@mail.example');
  await waitForText(page, '#invitation-form .error', 'This is no e-mail address that can be invited.');
  await checkViews(page, 'no address');
  await invite(page, 'Alice', 'alice@acme.example');
  await waitForText(page, '#invitation-form .error', 'alice@acme.example has an account already.');
  await checkViews(page, 'a taken address');
  ageProofs('rosa', 6);
  await invite(page, '<b>Willa</b>', LONG);
  await page.locator('#proof-code').waitFor();
  await prove(page, 'rosa', secret);
  await waitForText(page, '#message', `An invitation is on its way to ${LONG}.`);
  await waitForText(page, '#invitation-list', '<b>Willa</b>');
  await checkViews(page, 'an open invitation');
  await waitForText(page, '#hood-list', 'SELECT admin_invite($1, $2)');

  await mailTo(LONG, 'You are invited');
  const opened = await openLink(page, '/accept#');
  await waitForText(opened, '#mail-title', 'You are invited');
  await checkViews(opened, 'an invitation');
  await opened.fill('#mail-password', 'short');
  await opened.keyboard.press('Enter');
  await waitForText(opened, '#mail-form .error', 'Password is too short, it needs at least 15 characters.');
  await checkViews(opened, 'a short password');
  await opened.fill('#mail-password', PASSWORD);
  await opened.dblclick('#mail-form button');
  await waitForText(opened, '.who', '<b>Willa</b> acme');
  await opened.click('nav a[href="#account"]');
  await waitForText(opened, '#session-list', 'invitation');
  await waitForText(opened, '#address-list', LONG);
  await waitForText(page, '.who', '<b>Willa</b> acme');
  await opened.click('#sign-out');
  await waitForText(opened, '#sign-in-notice', 'You have signed out.');
  await opened.close();

  const again = await openLink(page, '/accept#');
  await again.fill('#mail-password', PASSWORD);
  await again.keyboard.press('Enter');
  await waitForText(again, '#mail-form .error', REFUSED);
  await checkViews(again, 'an invitation that was used');
}, { bypassCSP: true });

withPage('a revoked invitation is refused, and leaves whoever is signed in', async (page, context) => {
  await openAdmin(page, 'rina');
  await invite(page, 'Xaver', 'xaver@mail.example');
  await waitForText(page, '#invitation-list', 'xaver@mail.example');
  const { link } = await mailTo('xaver@mail.example', 'You are invited');
  await page.getByRole('button', { name: 'Revoke the invitation: xaver@mail.example' }).dblclick();
  await waitForText(page, '#message', 'The invitation of xaver@mail.example is revoked');
  assert.equal(await textOf(page, '#invitations > .error'), '');
  assert.doesNotMatch(await textOf(page, '#invitation-list'), /xaver/);
  const other = await context.newPage();
  await other.goto(link);
  await other.fill('#mail-password', PASSWORD);
  await other.keyboard.press('Enter');
  await waitForText(other, '#mail-form .error', REFUSED);
  await other.close();
  await page.reload();
  await waitForText(page, '.who', 'Rosa acme');
}, { bypassCSP: true });

withPage('one proof is for all that the page asks for, also where an answer comes late', async (page) => {
  const secret = await signInAsStaff(page, 'rena');
  const hold = async (what) => {
    let release;
    const until = new Promise((resolve) => { release = resolve; });

    await page.route(`**/api/admin/${what}`, async (route) => {
      await until;
      await route.continue();
    });
    return async () => {
      const answered = page.waitForResponse(`**/api/admin/${what}`);

      release();
      assert.equal((await answered).status(), 401);
    };
  };
  const [releaseKeys, releaseCheck] = [await hold('keys'), await hold('check')];

  await page.click('#admin-link');
  await page.locator('#proof-code').waitFor();
  forgetSteps('rena');
  const code = codeOf(secret);
  await page.fill('#proof-code', code);
  await releaseKeys();
  await page.evaluate(() => new Promise((resolve) => { setTimeout(resolve); }));
  assert.equal(await page.inputValue('#proof-code'), code, 'what is typed stays');
  await page.keyboard.press('Enter');
  await page.locator('#proof').waitFor({ state: 'hidden' });
  await releaseCheck();
  await page.locator('#user-list li').first().waitFor();
  assert.equal(await page.locator('#proof').isVisible(), false, 'it is asked for once');
});
