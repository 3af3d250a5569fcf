// A person with a phone, in a real browser: signs in with a passkey, loses the phone,
// comes back with a recovery code, and finds all of it in the log and in the mail; or must
// have a second factor, and adds it before the first sign-in.

import assert from 'node:assert/strict';
import jsQR from 'jsqr';
import { codeOf } from './authenticator.mjs';
import { addPhone, homeOf, signIn } from './pages.mjs';
import { addUser, ageProofs, eventsOf, forgetSteps, loginsOf, messagesTo, query, requireFactor, url } from './server.mjs';
import { checkView, checkViews, textOf, waitForText, withPage } from './with_page.mjs';

const HOME = homeOf(url);

async function openAccount(page) {
  await page.click('nav a[href="#account"]');
  await page.locator('#event-list li').first().waitFor();
}

async function signOut(page) {
  await page.click('#sign-out');
  await waitForText(page, '#sign-in-notice', 'You have signed out.');
}

async function prove(page, code) {
  await page.fill('#proof-code', code);
  await page.keyboard.press('Enter');
}

// What a camera reads from the squares on the page
async function readQr(page) {
  const { size, dark } = await page.locator('#qr svg').evaluate((svg) => {
    const { x, y, width } = svg.viewBox.baseVal;
    const isDark = (column, row) => svg.querySelector('path').isPointInFill(new DOMPoint(x + column + .5, y + row + .5));

    return { size: width, dark: Array.from({ length: width * width }, (_, i) => isDark(i % width, Math.floor(i / width))) };
  });
  const scale = 4;
  const pixels = new Uint8ClampedArray(4 * (size * scale) ** 2).fill(255);

  for (let i = 0; i < (size * scale) ** 2; i += 1) {
    const [column, row] = [i % (size * scale), Math.floor(i / (size * scale))].map((place) => Math.floor(place / scale));

    pixels.fill(dark[row * size + column] ? 0 : 255, 4 * i, 4 * i + 3);
  }
  return jsQR(pixels, size * scale, size * scale)?.data;
}

// Adds an authenticator app on the account page, and resolves to its secret.
async function addAuthenticator(page) {
  await page.click('#add-authenticator');
  const secret = await enterFirstCode(page);

  await waitForText(page, '#message', 'The authenticator app is added.');
  assert.equal(await textOf(page, '#secret'), '', 'the key is not shown any longer');
  return secret;
}

// Scans the key that is shown, and enters a wrong code and the right one.
async function enterFirstCode(page) {
  const secret = (await page.locator('#secret').filter({ hasText: /./ }).innerText()).replaceAll(' ', '');
  const uri = new URL(await readQr(page));

  assert.deepEqual([uri.protocol, uri.searchParams.get('secret')], ['otpauth:', secret], 'the QR code says the same');
  await page.fill('#first-code', '000000');
  await page.keyboard.press('Enter');
  await page.locator('#authenticator-form .error:not(:empty)').waitFor();
  await page.fill('#first-code', codeOf(secret));
  await page.keyboard.press('Enter');
  return secret;
}

withPage('a phone with a passkey and an app is lost, and a recovery code helps', async (page) => {
  addUser('gina');
  const loseThePhone = await addPhone(page);

  await signIn(page, 'gina');
  await page.locator('#note-list li').first().waitFor();
  await openAccount(page);
  await page.click('#add-passkey');
  await waitForText(page, '#message', 'The passkey is added.');
  assert.match(await textOf(page, '#factor-list'), /^Chrome on Linux passkey\s+added .*20\d\d/);

  await signOut(page);
  await page.click('#passkey-sign-in');
  await page.locator('#note-list li').first().waitFor();
  assert.equal(await textOf(page, '.who'), 'gina acme');
  await openAccount(page);
  assert.match(await textOf(page, '#factor-list'), /used /);
  await page.click('#add-passkey');
  await waitForText(page, '#factors .error', 'This device has a passkey for you already.');
  const secret = await addAuthenticator(page);
  await page.click('#make-codes');
  await page.locator('#code-list code').first().waitFor();
  const codes = await page.locator('#code-list code').allInnerTexts();
  assert.equal(codes.length, 10);
  await page.click('#hide-codes');
  assert.equal(await page.locator('#code-list code').count(), 0);

  await signOut(page);
  await signIn(page, 'gina');
  await prove(page, '000000');
  await page.locator('#proof .error:not(:empty)').waitFor();
  assert.equal(await page.locator('#signed-in').isVisible(), false);
  forgetSteps('gina');
  await prove(page, codeOf(secret));
  await page.locator('#note-list li').first().waitFor();
  await signOut(page);

  await loseThePhone();
  await addPhone(page);
  await page.click('#passkey-sign-in');
  await waitForText(page, '.other .error', 'No passkey was used.');
  await signIn(page, 'gina');
  await page.click('#use-recovery-code');
  await prove(page, codes[3]);
  await page.locator('#note-list li').first().waitFor();

  await page.fill('#note-body', 'Buy a phone');
  await page.click('#note-form button');
  await waitForText(page, '#message', 'The note is added.');
  ageProofs('gina', 6);
  await openAccount(page);
  await page.click('#delete-notes');
  await page.click('#proof-cancel');
  await page.locator('#proof').waitFor({ state: 'hidden' });
  assert.equal(query("SELECT count(*) FROM notes WHERE author = 'gina'"), '1', 'without another proof nothing is deleted');
  await page.click('#delete-notes');
  await page.click('#use-recovery-code');
  await prove(page, codes[4]);
  await waitForText(page, '#message', 'Your notes are deleted.');
  assert.equal(query("SELECT count(*) FROM notes WHERE author = 'gina'"), '0');

  for (const name of ['Remove the authenticator app: Authenticator app', 'Remove the passkey: Chrome on Linux']) {
    await page.getByRole('button', { name }).click();
    await waitForText(page, '#message', 'is removed.');
  }
  assert.equal(await page.locator('#factor-list li').count(), 0);
  const shown = await textOf(page, '#event-list');
  for (const text of [
    'Passkey added', 'Login: passkey', 'Factor added', 'Recovery codes made', 'Mfa required', 'Login: second factor', 'Recovery code used', 'Step up', 'Factor removed', 'Factor denied: wrong code',
    ...['Session from new client', 'Factor added', 'Recovery code used', 'Factor removed'].map((kind) => `Mail to gina@acme.example: ${kind}`),
  ]) {
    assert.ok(shown.includes(text), `${text}: ${shown}`);
  }
  assert.deepEqual(loginsOf('gina'), ['password', 'passkey', 'second factor', 'second factor']);
  assert.deepEqual(eventsOf('gina'), [
    'user_created', 'login', 'passkey_added',
    'session_revoked', 'login', 'factor_denied', 'factor_added', 'recovery_codes_made',
    'session_revoked', 'mfa_required', 'factor_denied', 'login',
    'session_revoked', 'mfa_required', 'recovery_code_used', 'login',
    'recovery_code_used', 'step_up', 'factor_removed', 'factor_removed',
  ]);
  assert.deepEqual(messagesTo('gina'), [
    'session_from_new_client', 'factor_added', 'factor_added', 'recovery_code_used', 'recovery_code_used', 'factor_removed', 'factor_removed',
  ]);
}, { at: HOME });

withPage('a passkey is the second factor, and steps up', async (page) => {
  addUser('kate');
  const takeAway = await addPhone(page);

  await signIn(page, 'kate');
  await openAccount(page);
  await page.click('#add-passkey');
  await waitForText(page, '#message', 'The passkey is added.');
  ageProofs('kate', 6);
  await page.click('#delete-notes');
  await page.click('#use-passkey');
  await waitForText(page, '#message', 'Your notes are deleted.');
  await signOut(page);

  await signIn(page, 'kate');
  await page.locator('#use-passkey').waitFor();
  assert.equal(await page.locator('#proof-code').isVisible(), false, 'there is no app whose code could be typed');
  await page.keyboard.press('Enter');
  await page.locator('#note-list li').first().waitFor();
  assert.equal(query("SELECT aal FROM jwt_auth.sessions WHERE user_id = jwt_find_user('kate') ORDER BY created_at DESC LIMIT 1"), '2');
  await signOut(page);

  await takeAway();
  await addPhone(page);
  await signIn(page, 'kate');
  await page.click('#use-passkey');
  await waitForText(page, '#proof .error', 'No passkey was used.');
  assert.equal(await page.locator('#signed-in').isVisible(), false);
  assert.deepEqual(eventsOf('kate').filter((event) => /step_up|mfa_required/.test(event)), ['step_up', 'mfa_required', 'mfa_required']);
}, { at: HOME });

withPage('whoever must have a second factor adds an app, and is signed in', async (page) => {
  addUser('tessa');
  requireFactor('tessa');
  await signIn(page, 'tessa');
  await page.locator('#enrollment').waitFor();
  await checkView(page, 'a factor that must be added');
  await page.click('#enrollment-cancel');
  await page.locator('#enrollment').waitFor({ state: 'hidden' });
  assert.deepEqual([await textOf(page, '#sign-in-form .error'), await page.locator('#signed-in').isVisible()], ['', false]);

  await signIn(page, 'tessa');
  await page.click('#enroll-authenticator');
  await page.locator('#qr svg').waitFor();
  await checkView(page, 'the key of the app');
  await page.click('#authenticator-cancel');
  assert.equal(await page.locator('#enroll-authenticator').evaluate((button) => button === document.activeElement), true, 'the button has the focus again');
  await page.click('#enroll-authenticator');
  const secret = await enterFirstCode(page);
  await page.locator('#note-list li').first().waitFor();
  assert.equal(await page.locator('#secret').textContent(), '', 'the key is not shown any longer');
  await openAccount(page);
  assert.match(await textOf(page, '#factor-list'), /^Authenticator app/);
  await signOut(page);

  forgetSteps('tessa');
  await signIn(page, 'tessa');
  await prove(page, codeOf(secret));
  await page.locator('#note-list li').first().waitFor();
  assert.deepEqual(eventsOf('tessa').filter((event) => /mfa|factor/.test(event)), [
    'mfa_enrollment_required', 'mfa_enrollment_required', 'factor_denied', 'factor_added', 'mfa_required',
  ]);
  assert.deepEqual(loginsOf('tessa'), ['factor enrolled', 'second factor']);
  assert.ok(messagesTo('tessa').includes('factor_added'));
}, { at: HOME, viewport: { width: 320, height: 568 }, colorScheme: 'dark', reducedMotion: 'reduce', bypassCSP: true });

withPage('whoever must have a second factor adds a passkey, unless that took too long', async (page) => {
  addUser('vera');
  requireFactor('vera');
  await addPhone(page);
  await signIn(page, 'vera');
  await page.locator('#enrollment').waitFor();
  query("UPDATE jwt_auth.users SET credentials_version = credentials_version + 1 WHERE username = 'vera'");
  for (const button of ['#enroll-passkey', '#enroll-authenticator']) {
    await page.click(button);
    await waitForText(page, '#enrollment .error', 'This took too long. Please cancel, and start again.');
  }
  await page.click('#enrollment-cancel');

  await signIn(page, 'vera');
  await page.click('#enroll-passkey');
  await page.locator('#note-list li').first().waitFor();
  await signOut(page);
  await page.click('#passkey-sign-in');
  await page.locator('#note-list li').first().waitFor();
  assert.deepEqual(loginsOf('vera'), ['factor enrolled', 'passkey']);
  assert.ok(messagesTo('vera').includes('factor_added'));
}, { at: HOME });

withPage('a synced passkey says so, and its page asks for no name', async (page) => {
  addUser('hugo');
  await addPhone(page, { defaultBackupEligibility: true, defaultBackupState: true });
  await signIn(page, 'hugo');
  await openAccount(page);
  await page.click('#add-passkey');
  await waitForText(page, '#factor-list', 'synced passkey');
  await page.reload();
  await openAccount(page);
  await signOut(page);
  await page.focus('#passkey-sign-in');
  await page.keyboard.press('Enter');
  await page.locator('#note-list li').first().waitFor();
}, { at: HOME });

withPage('where passkeys cannot be used, the page says so', async (page) => {
  await addPhone(page);
  await page.click('#passkey-sign-in');
  await waitForText(page, '.other .error', 'Passkeys cannot be used at this address.');
});

withPage('what needs a newer sign-in or a second factor says which', async (page) => {
  addUser('ines');
  await signIn(page, 'ines');
  await openAccount(page);
  await page.click('#delete-notes');
  await waitForText(page, '#account .card .error:not(:empty)', 'Please add a passkey or an authenticator app first.');
  ageProofs('ines', 6);
  await page.click('#add-passkey');
  await waitForText(page, '#factors .error', 'This needs a sign-in of the last five minutes.');
  assert.equal(await page.locator('#signed-in').isVisible(), true);
}, { at: HOME });

withPage('second factors fit and are accessible', async (page) => {
  addUser('jo');
  await addPhone(page);
  await signIn(page, 'jo');
  await openAccount(page);
  await page.click('#add-passkey');
  await waitForText(page, '#message', 'The passkey is added.');
  await signOut(page);
  await page.click('#passkey-sign-in');
  await openAccount(page);
  await page.click('#add-authenticator');
  await page.locator('#qr svg').waitFor();
  await checkViews(page, 'a new authenticator app');
  await page.click('#authenticator-cancel');
  await addAuthenticator(page);
  await page.click('#make-codes');
  await page.locator('#code-list code').first().waitFor();
  await checkViews(page, 'recovery codes');
  await signOut(page);
  await signIn(page, 'jo');
  await page.locator('#proof-code').waitFor();
  await checkViews(page, 'a second factor');
  assert.equal(await page.locator('#proof-code').evaluate((input) => input === document.activeElement), true, 'the field has the focus');
  await page.keyboard.press('Escape');
  await page.locator('#proof').waitFor({ state: 'hidden' });
  assert.equal(await page.locator('#sign-in-form .error').innerText(), '');
}, { at: HOME, bypassCSP: true });
