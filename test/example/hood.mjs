// The panel "under the hood" in a real browser.

import assert from 'node:assert/strict';
import { PHONE, signIn } from './pages.mjs';
import { checkViews, textOf, waitForText, withPage } from './with_page.mjs';

const DESKTOP = { width: 1400, height: 900 };

// What the panel says of the last click
const last = '#hood-list > li:first-child';

withPage('each click shows what the database was asked, and as whom', async (page) => {
  await signIn(page, 'carol', 'open sesame');
  await waitForText(page, last, 'jwt_login');
  await waitForText(page, last, 'error: invalid_grant');
  await signIn(page, 'carol');
  await waitForText(page, '#note-list', 'Order more anvils');
  assert.equal(await textOf(page, `${last} h2`), 'Sign in');
  await page.click('nav a[href="#notes"]');
  await page.fill('#note-body', 'Mine');
  await page.click('#note-form button');
  await waitForText(page, last, '42501');
  await waitForText(page, last, 'new row violates row-level security policy for table "notes"');
  await waitForText(page, last, 'Use an account that may do it.');
  await waitForText(page, last, 'Rolled back.');
  assert.equal(await textOf(page, `${last} h2`), 'Add note');
  await waitForText(page, '#hood-list', /notes: \d+ let through, [1-9]\d* kept back by \(tenant = jwt_claim\('tenant'::text\)\)/);
  assert.doesNotMatch(await page.locator('#hood').innerHTML(), /(eyJ|ja[a-z]_)[\w-]|candle|sesame/);
  await page.click('#hood-clear');
  assert.equal(await page.locator('#hood-list > li').count(), 0);
}, { viewport: DESKTOP });

withPage('the panel fits and is accessible', async (page) => {
  await signIn(page, 'carol', 'open sesame');
  await page.locator('#sign-in-form .error:not(:empty)').waitFor();
  assert.equal(await page.locator('#hood-list').isVisible(), false, 'it is closed at first');
  await page.locator('#hood-title').focus();
  await page.keyboard.press('Enter');
  await page.locator('#hood-list').waitFor();
  await checkViews(page, 'after a refusal');
  await signIn(page, 'carol');
  await page.fill('#note-body', 'Mine');
  await page.click('#note-form button');
  await page.locator('#hood-list .state.bad').first().waitFor();
  await checkViews(page, 'after another one');
}, { viewport: PHONE, bypassCSP: true });
