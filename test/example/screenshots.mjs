// Pictures of the example application: node screenshots.mjs [DIRECTORY]
// (default: test-output).

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser, openPage, PHONE, signIn } from './pages.mjs';
import { login, startExample, stopServer, url } from './server.mjs';

const directory = process.argv[2] ?? join(process.env.JWT_AUTH_SOURCE, 'test-output');
const DESKTOP = { width: 1024, height: 720 };

mkdirSync(directory, { recursive: true });
await startExample('30s');
await login('alice', undefined, { Origin: url, 'User-Agent': 'Mozilla/5.0 (iPhone) Safari/605.1' });
const browser = await launchBrowser();

try {
  for (const [device, viewport] of [['desktop', DESKTOP], ['phone', PHONE]]) {
    for (const colorScheme of ['light', 'dark']) {
      await takePictures(`${device}-${colorScheme}`, { viewport, colorScheme, reducedMotion: 'reduce', locale: 'en-GB' });
    }
  }
} finally {
  await browser.close();
  await stopServer();
}

async function takePictures(suffix, options) {
  const context = await browser.newContext(options);
  const page = await openPage(context);
  const take = (name) => page.screenshot({ path: join(directory, `${name}-${suffix}.png`) });

  await take('sign-in');
  await signIn(page, 'alice', 'open sesame');
  await page.locator('#sign-in-form .error:not(:empty)').waitFor();
  await take('refused');
  await signIn(page, 'alice');
  await page.locator('#note-list li').first().waitFor();
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
  await context.close();
}
