// Tests with a page of the browser, and what they look at.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { launchBrowser, openPage } from './pages.mjs';

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

// Whatever is too wide, or wrong by the rules of WCAG, in each view.
export async function checkView(page, name) {
  const [needed, given] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;

    return [scrollWidth, clientWidth];
  });
  assert.ok(needed <= given, `${name}: ${needed} px do not fit into ${given}`);

  const unlabelled = await page.locator('input, textarea, button, progress').evaluateAll((elements) => elements
    .filter((element) => element.checkVisibility())
    .filter((element) => !element.ariaLabel && !element.labels?.length && !element.textContent.trim())
    .map((element) => element.outerHTML));
  assert.deepEqual(unlabelled, [], name);

  await page.addScriptTag({ path: AXE });
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]), [], name);
}
