// The browser, and what its pages are used for.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { codeOf } from './authenticator.mjs';
import { url, USERS } from './server.mjs';

const BROWSERS = process.env.CHROMIUM
  ? [process.env.CHROMIUM]
  : ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];

export const PHONE = { width: 390, height: 844 };

// Passkeys are for a name, not for a number.
export const homeOf = (address) => address.replace('127.0.0.1', 'localhost');

// Root and some containers cannot have Chromium's sandbox.  It matters little
// here, since the browser sees our own pages only.
export async function launchBrowser() {
  const executablePath = BROWSERS.find((path) => existsSync(path));

  if (!executablePath) {
    throw new Error(`there is no ${BROWSERS.join(' or ')}: install Debian's package chromium-headless-shell, name another one in CHROMIUM, or set SKIP_BROWSER=1`);
  }
  const options = { executablePath, args: ['--disable-gpu'] };

  if (process.getuid() !== 0) {
    try {
      return await chromium.launch({ ...options, chromiumSandbox: true });
    } catch (error) {
      console.log(`# the browser does not start in its sandbox: ${error.message.split('\n')[0]}`);
    }
  }
  return chromium.launch({ ...options, chromiumSandbox: false });
}

// A page that is ready.  Its member "problems" holds what the browser found wrong:
// errors of scripts, and what the security policy stopped.  A refused request is
// none.
export async function openPage(context, at = url) {
  const page = await context.newPage();

  page.problems = [];
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => page.problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/^Failed to load resource/.test(message.text())) {
      page.problems.push(message.text());
    }
  });
  await page.goto(at);
  await page.locator('#sign-in:visible, #by-mail:visible, #signed-in:visible').first().waitFor();
  return page;
}

// Fills in the form and sends it.
export async function signIn(page, username, password = USERS[username]) {
  await page.locator('#sign-in-form button:enabled').waitFor();
  await page.fill('#username', username);
  await page.fill('#password', password);
  await page.click('#sign-in-form button');
}

// Adds an authenticator app on the account page; resolves to its secret.  look() is called
// while the page shows that.
export async function addAuthenticator(page, look = () => {}) {
  await page.click('#add-authenticator');
  await page.locator('#qr svg').waitFor();
  const secret = (await page.locator('#secret').innerText()).replaceAll(' ', '');

  await look();
  await page.fill('#first-code', codeOf(secret));
  await page.keyboard.press('Enter');
  await page.locator('#factor-list li', { hasText: 'Authenticator app' }).waitFor();
  return secret;
}

// A phone that keeps passkeys, and is unlocked with a finger; resolves to what takes it away.
export async function addPhone(page, options) {
  const devtools = await page.context().newCDPSession(page);

  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true, ...options,
    },
  });

  return () => devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
}
