// Pictures of the example application: node screenshots.mjs [DIRECTORY [SUFFIX...]]
// (default: test-output, and all of desktop-light, desktop-dark, phone-light, phone-dark,
// narrow-light, narrow-dark).

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './authenticator.mjs';
import { addAuthenticator, addPhone, homeOf, launchBrowser, openPage, PHONE, signIn } from './pages.mjs';
import { addUser, forgetSteps, login, mailTo, query, startExample, stopServer, url } from './server.mjs';

const [directory = join(process.env.JWT_AUTH_SOURCE, 'test-output'), ...chosen] = process.argv.slice(2);
const DESKTOP = { width: 1200, height: 760 };

mkdirSync(directory, { recursive: true });
await startExample('30s');
await login('alice', undefined, { Origin: url, 'User-Agent': 'Mozilla/5.0 (iPhone) Safari/605.1' });
const browser = await launchBrowser();

try {
  for (const [device, viewport] of [['desktop', DESKTOP], ['phone', PHONE], ['narrow', { width: 320, height: 640 }]]) {
    for (const colorScheme of ['light', 'dark']) {
      const suffix = `${device}-${colorScheme}`;

      if (chosen.length === 0 || chosen.includes(suffix)) {
        await takePictures(suffix, { viewport, colorScheme, reducedMotion: 'reduce', locale: 'en-GB' });
      }
    }
  }
} finally {
  await browser.close();
  await stopServer();
}

async function takePictures(suffix, options) {
  const context = await browser.newContext(options);
  const page = await openPage(context, homeOf(url));
  const take = (name) => page.screenshot({ path: join(directory, `${name}-${suffix}.png`) });

  await take('sign-in');
  await signIn(page, 'alice', 'open sesame');
  await page.locator('#sign-in-form .error:not(:empty)').waitFor();
  await take('refused');
  await signIn(page, 'alice');
  await page.locator('#note-list li').first().waitFor();
  await page.click('nav a[href="#notes"]');
  await page.locator('#hood-list > li:first-child', { hasText: 'notes:' }).waitFor({ state: 'attached' });
  await take('notes');
  await page.click('nav a[href="#account"]');
  await page.locator('#session-list li').first().waitFor();
  await take('account');
  await page.click('#sign-out');
  await page.locator('#sign-in-notice:not(:empty)').waitFor();
  await signIn(page, 'carol');
  await page.fill('#note-body', 'May I?');
  await page.click('#note-form button');
  await page.locator('#note-form .error:not(:empty)').waitFor();
  await take('read-only');
  await page.click('#sign-out');
  await takeFactors(page, `gina_${suffix.replace('-', '_')}`, take);
  await page.click('#proof-cancel');
  await takeMail(page, take);
  await takeAddresses(page, `ida_${suffix.replace('-', '_')}`, take);
  await takeAdmin(page, `ada_${suffix.replace('-', '_')}`, take);
  await context.close();
}

// The account page with a passkey, an authenticator app and recovery codes, and the
// second step of signing in.
async function takeFactors(page, name, take) {
  const takeCard = async (picture) => {
    await page.locator('#factors').evaluate((card) => card.scrollIntoView());
    await take(picture);
  };

  addUser(name);
  await addPhone(page);
  await signIn(page, name);
  await page.click('nav a[href="#account"]');
  await page.click('#add-passkey');
  await page.locator('#factor-list li').waitFor();
  await page.click('#sign-out');
  await page.click('#passkey-sign-in');
  await page.click('nav a[href="#account"]');
  await addAuthenticator(page, () => takeCard('authenticator'));
  await page.click('#make-codes');
  await page.locator('#code-list li').first().waitFor();
  await takeCard('recovery-codes');
  await page.locator('#event-list').evaluate((list) => list.closest('.card').scrollIntoView());
  await take('events');
  await page.click('#sign-out');
  await signIn(page, name);
  await page.locator('#proof-code').waitFor();
  await take('second-factor');
}

// A forgotten password, and the mail about it
async function takeMail(page, take) {
  await page.click('[data-mail="recovery"]');
  await page.fill('#mail-identifier', 'bob@initech.example');
  await page.keyboard.press('Enter');
  await page.locator('#mail-code:visible').waitFor();
  await take('recovery');
  const { mailbox } = await mailTo('bob@initech.example', 'Choose a new password');
  await page.goto(mailbox);
  await page.locator('#mails li').first().waitFor();
  await take('mailbox');
  await page.goto(homeOf(url));
}

// An address that is added, and the page that takes it back
async function takeAddresses(page, name, take) {
  const takeCard = async (picture) => {
    await page.locator('#addresses').evaluate((card) => card.scrollIntoView());
    await take(picture);
  };

  addUser(name);
  await signIn(page, name);
  await page.click('nav a[href="#account"]');
  await page.fill('#new-address', `${name}@new.example`);
  await page.keyboard.press('Enter');
  await page.locator('#address-code').waitFor();
  await page.fill('#address-code', '00000000');
  await page.keyboard.press('Enter');
  await page.locator('#address-code-form .error:not(:empty)').waitFor();
  await takeCard('address-refused');
  const { code } = await mailTo(`${name}@new.example`, 'Confirm your new address');
  await page.fill('#address-code', code);
  await page.keyboard.press('Enter');
  await page.locator('#address-list li').nth(2).waitFor();
  await takeCard('addresses');
  await takeLink(page, `${name}@acme.example`, 'How you sign in was changed', take, 'undo');
  await page.click('#mail-form button');
  await page.locator('#mail-identifier').waitFor();
  await take('undone');
  await takeLink(page, `${name}@new.example`, 'Confirm your new address', take, 'address-link', '#sign-in-notice:not(:empty)');
  await page.goto(homeOf(url));
}

// What the link of a mail shows
async function takeLink(page, address, subject, take, picture, shown = '#mail-notice:not(:empty)') {
  const { link } = await mailTo(address, subject);

  await page.goto('about:blank');
  await page.goto(link);
  await page.locator(shown).waitFor();
  await take(picture);
}

// The page of an administrator, who acts as a user
async function takeAdmin(page, name, take) {
  addUser(name);
  query(`SELECT jwt_update_user(jwt_find_user('${name}'), role => 'notes_admin',
    claims => '{"name": "Ada", "tenant": "acme", "scope": "admin"}')`);
  await signIn(page, name);
  await page.click('nav a[href="#account"]');
  const secret = await addAuthenticator(page);

  forgetSteps(name);
  await page.click('#admin-link');
  await page.fill('#proof-code', codeOf(secret));
  await page.keyboard.press('Enter');
  await page.locator('#user-list li').first().waitFor();
  await take('admin');
  await page.fill('#invited-name', 'Zed');
  await page.fill('#invited-address', 'alice@acme.example');
  await page.keyboard.press('Enter');
  await page.locator('#invitation-form .error:not(:empty)').waitFor();
  await page.fill('#invited-address', `zed-${name}@mail.example`);
  await page.click('#invitation-form button');
  await page.locator('#invitation-list li').first().waitFor();
  await page.locator('#invitations').evaluate((card) => card.scrollIntoView());
  await take('invitations');
  const former = page.url();
  await takeLink(page, `zed-${name}@mail.example`, 'You are invited', take, 'invited');
  await page.goto('about:blank');
  await page.goto(former);
  await page.locator('#user-list li').first().waitFor();
  await page.getByRole('button', { name: 'Act as: bob' }).click();
  await page.fill('#reason-text', 'cannot see a note');
  await page.keyboard.press('Enter');
  await page.locator('#acting:visible').waitFor();
  await take('acting');
}
