// Whether everything can be read and reached, in each view, colour scheme and state
// (F42): contrast of texts, borders and outlines, and the keyboard.

import assert from 'node:assert/strict';
import { codeOf } from './authenticator.mjs';
import { addAuthenticator, signIn } from './pages.mjs';
import { addUser, query } from './server.mjs';
import { withPage } from './with_page.mjs';

const CONTROLS = 'button, a[href], input, select, textarea, summary';
const STATES = [[], ['hover'], ['active', 'hover'], ['focus', 'focus-visible'], ['focus', 'focus-visible', 'hover']];

// Has the browser show all controls as if they were in a state.  A list that the page
// has just shown anew takes another try.
async function force(devtools, states, tries = 50) {
  try {
    const { root: { nodeId } } = await devtools.send('DOM.getDocument');
    const { nodeIds } = await devtools.send('DOM.querySelectorAll', { nodeId, selector: CONTROLS });

    await Promise.all(nodeIds.map((id) => devtools.send(
      'CSS.forcePseudoState', { nodeId: id, forcedPseudoClasses: states })));
  } catch (error) {
    if (tries === 0 || !/Could not find node/.test(error.message)) {
      throw error;
    }
    await force(devtools, states, tries - 1);
  }
}

// By WCAG 2.2: texts need 4.5 to 1 with what is behind them, the borders of fields and
// outlines 3 to 1.
function findPale([controls, isFocused]) {
  const parse = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [red, green, blue] = [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));

    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    const color = parse(getComputedStyle(element).backgroundColor);

    return color[3] === 0 && element.parentElement ? behind(element.parentElement) : color;
  };
  const contrast = (...colors) => {
    const [dark, light] = colors.map(luminance).sort((a, b) => a - b);

    return (light + 0.05) / (dark + 0.05);
  };
  const pale = [];
  const check = (element, what, least, ...colors) => {
    const value = contrast(...colors);

    if (value < least) {
      pale.push(`${what} of ${element.outerHTML.slice(0, 80)}: ${value.toFixed(2)}`);
    }
  };
  const scope = document.querySelector('dialog[open]') ?? document.body;
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

  for (const element of [...scope.querySelectorAll('*')].filter((each) => each.checkVisibility())) {
    const style = getComputedStyle(element);

    if (hasText(element)) {
      check(element, 'text', 4.5, parse(style.color), behind(element));
    }
    if (element.matches('input:not([type="checkbox"]), select, textarea')) {
      check(element, 'text', 4.5, parse(style.color), behind(element));
      check(element, 'border', 3, parse(style.borderTopColor), behind(element.parentElement));
    }
    if (isFocused && element.matches(controls)) {
      check(element, 'outline', 3, parse(style.outlineColor), behind(element.parentElement));
      if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) {
        pale.push(`no outline: ${element.outerHTML.slice(0, 80)}`);
      }
    }
  }
  return pale;
}

async function checkStates(page, name) {
  const devtools = await page.context().newCDPSession(page);

  await devtools.send('DOM.enable');
  await devtools.send('CSS.enable');
  for (const states of STATES) {
    await force(devtools, states);
    const pale = await page.evaluate(findPale, [CONTROLS, states.includes('focus')]);
    assert.deepEqual(pale, [], `${name}, ${states}`);
  }
  const disable = (value) => page.locator('button').evaluateAll((buttons, isDisabled) => buttons
    .forEach((button) => { button.disabled = isDisabled; }), value);

  for (const states of [[], ['hover']]) {
    await disable(true);
    await force(devtools, states);
    assert.deepEqual(await page.evaluate(findPale, [CONTROLS, false]), [], `${name}, disabled, ${states}`);
  }
  await disable(false);
  await force(devtools, []);
  await devtools.detach();
}

// Whether the Tab key reaches every control that is shown.
async function checkKeyboard(page, name) {
  const wanted = await page.evaluate((controls) => {
    const scope = document.querySelector('dialog[open]') ?? document;
    const shown = [...scope.querySelectorAll(controls)].filter((element) => element.checkVisibility());

    shown.forEach((element, i) => { element.dataset.place = i; });
    document.activeElement.blur();
    return shown.length;
  }, CONTROLS);
  const reached = new Set();

  for (let i = 0; i < wanted + 5 && reached.size < wanted; i += 1) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.dataset.place));
    reached.delete(undefined);
  }
  assert.equal(reached.size, wanted, `${name}: not every control is reached`);
}

// The list of the panel under the hood grows with each click, and its items are alike.
async function clearHood(page) {
  if (await page.locator('dialog[open]').count() === 0) {
    await page.locator('#hood-clear').click();
  }
}

async function checkColors(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await checkStates(page, `${name}, ${colorScheme}`);
  }
}

async function check(page, name) {
  await clearHood(page);
  await checkColors(page, name);
  await checkKeyboard(page, name);
}

withPage('everything can be read and reached in every state, light and dark', async (page) => {
  const name = 'ada';

  addUser(name);
  query(`SELECT jwt_update_user(jwt_find_user('${name}'), role => 'notes_admin',
    claims => '{"name": "Ada", "tenant": "acme", "scope": "notes:write admin"}')`);
  await signIn(page, name, 'open sesame');
  await page.locator('#sign-in-form .error:not(:empty)').waitFor();
  await check(page, 'sign in');
  await page.click('[data-mail="sign-up"]');
  await check(page, 'sign up');
  await page.click('#mail-back');
  await signIn(page, name);
  await page.locator('#note-list li').first().waitFor();
  await checkColors(page, 'notes');
  await checkKeyboard(page, 'notes');
  await page.click('nav a[href="#account"]');
  await page.locator('#session-list li').first().waitFor();
  await page.fill('#new-address', 'ada@new.example');
  await page.keyboard.press('Enter');
  await page.locator('#address-code').waitFor();
  const secret = await addAuthenticator(page, () => check(page, 'account with a new address and authenticator'));

  query(`UPDATE jwt_auth.factors SET last_step = 0 WHERE user_id = jwt_find_user('${name}')`);
  await page.click('#make-codes');
  await page.locator('#proof-code').waitFor();
  await check(page, 'second factor');
  await page.fill('#proof-code', codeOf(secret));
  await page.keyboard.press('Enter');
  await page.locator('#code-list li').first().waitFor();
  await checkColors(page, 'recovery codes');
  await page.click('#admin-link');
  await page.locator('#user-list li').first().waitFor();
  await page.fill('#invited-name', 'Zed');
  await page.fill('#invited-address', 'zed@new.example');
  await page.keyboard.press('Enter');
  await page.locator('#invitation-list li').first().waitFor();
  await check(page, 'administration');
  await page.getByRole('button', { name: 'Act as: bob' }).click();
  await page.fill('#reason-text', 'x');
  await check(page, 'a reason');
  await page.click('#reason-form button.primary');
  await page.locator('#acting:visible').waitFor();
  await checkColors(page, 'acting');
}, { reducedMotion: 'reduce', viewport: { width: 1400, height: 900 } });
