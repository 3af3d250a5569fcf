// API tokens and the whole account page in a real browser.

import assert from 'node:assert/strict';
import { signIn } from './pages.mjs';
import { addUser, ask } from './server.mjs';
import { checkView, textOf, waitForText, withPage } from './with_page.mjs';

async function openAccount(page, name) {
  await signIn(page, name);
  await page.click('nav a[href="#account"]');
  await page.locator('#session-list li').first().waitFor();
}

withPage('an API token is created, shown once, used and revoked', async (page) => {
  addUser('zoe');
  await openAccount(page, 'zoe');
  await page.fill('#token-name', 'nightly');
  await page.check('[name="write"]');
  await page.keyboard.press('Enter');
  await page.locator('#token-text:not(:empty)').waitFor();
  await checkView(page, 'a new API token');
  const token = await textOf(page, '#token-text');
  const { body } = await ask('POST', '/api/token', { body: { token } });
  assert.equal(body.scope, 'notes:write');
  assert.equal(await page.locator('#hood').innerHTML().then((text) => text.includes(token)), false);
  await page.click('#hide-token');
  assert.equal(await textOf(page, '#token-text').catch(() => ''), '');
  await page.click('nav a[href="#notes"]');
  await page.click('nav a[href="#account"]');
  await waitForText(page, '#session-list', 'nightly');
  await waitForText(page, '#token-list', 'used');
  assert.doesNotMatch(await page.content(), /jap_\w/, 'nothing of it is left');
  await page.getByRole('button', { name: 'Revoke the API token: nightly' }).click();
  await waitForText(page, '#message', 'The API token is revoked');
  assert.equal((await ask('GET', '/api/me', { token: body.access_token })).status, 401);
}, { viewport: { width: 320, height: 568 }, bypassCSP: true });

withPage('who may not write is told which API token is possible', async (page) => {
  await openAccount(page, 'carol');
  await page.fill('#token-name', 'copy');
  await page.check('[name="write"]');
  await page.click('#token-form button');
  await waitForText(page, '#token-form .error', 'Please create one that reads only.');
  await page.uncheck('[name="write"]');
  await page.click('#token-form button');
  await page.locator('#token-text:not(:empty)').waitFor();
});
