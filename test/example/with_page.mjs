// Tests with a page of the browser, and what they look at.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { launchBrowser, openPage, PHONE } from './pages.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core');

let browser;

test('the browser starts', async () => {
  browser = await launchBrowser();
});

// A test with a browser profile of its own, in which no script may fail and no
// policy be broken.  Options: those of the profile, and "at", the page's address.
export function withPage(name, work, { at, ...options } = {}) {
  test(name, async () => {
    const context = await newContext(options);
    const page = await openPage(context, at);

    try {
      await work(page, context);
      assert.deepEqual(page.problems, []);
    } finally {
      await context.close();
    }
  });
}

export const newContext = (options) => browser.newContext({ locale: 'en-GB', ...options });
export const endBrowser = () => browser.close();
export const textOf = (page, selector) => page.locator(selector).innerText();

export function waitForText(page, selector, text) {
  return page.locator(selector, { hasText: text }).waitFor();
}

const LEAST = { width: 320, height: 568 };
const DESKTOP = { width: 1400, height: 900 };

// Looks at a state of the page in all views: whether it fits, from 320 px on, and in
// which colours.  Only contrast depends on those, so that all else is looked at once.
// The page stays in the last view.
export async function checkViews(page, name) {
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  for (const size of [PHONE, DESKTOP]) {
    await page.setViewportSize(size);
    await checkWidth(page, name);
  }
  await checkRules(page, `${name}, dark`, { runOnly: ['color-contrast'] });
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize(LEAST);
  await checkView(page, name);
}

// Opens the link of the newest mail in the mailbox, as its owner does; resolves to the
// page of the link.
export async function openLink(page, path) {
  const [mailbox] = await Promise.all([page.waitForEvent('popup'), page.locator('.mailbox:visible').first().click()]);

  await mailbox.locator('a', { hasText: path }).first().click();
  await mailbox.locator('#by-mail:visible, #sign-in:visible, #signed-in:visible').first().waitFor();
  assert.doesNotMatch(mailbox.url(), /jat_/, 'nothing stays in the address');
  return mailbox;
}

// Whatever is too wide, or wrong by the rules of WCAG, in each view.
export async function checkView(page, name) {
  await checkWidth(page, name);
  const unlabelled = await page.locator('input, textarea, button, progress').evaluateAll((elements) => elements
    .filter((element) => element.checkVisibility())
    .filter((element) => !element.ariaLabel && !element.labels?.length && !element.textContent.trim())
    .map((element) => element.outerHTML));

  assert.deepEqual(unlabelled, [], name);
  await checkRules(page, name);
}

async function checkWidth(page, name) {
  const [needed, given] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const { scrollWidth: message, clientWidth: box } = document.getElementById('message') ?? document.body;

    return [Math.max(scrollWidth, clientWidth + message - box), clientWidth];
  });

  assert.ok(needed <= given, `${name}: ${needed} px do not fit into ${given}`);
}

// Of the panel under the hood, the last two clicks: the list grows, and its items are alike.
async function checkRules(page, name, rules = {}) {
  if (!await page.evaluate(() => 'axe' in window)) {
    await page.addScriptTag({ path: AXE });
  }
  const violations = await page.evaluate(async (options) => {
    const { violations: found } = await window.axe.run({ exclude: ['#hood-list > li:nth-child(n + 3)'] }, { ...options, resultTypes: ['violations'] });

    return found.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
  }, rules);

  assert.deepEqual(violations, [], name);
}
