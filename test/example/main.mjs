// All tests of the example application; prints TAP.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { startExample, stopServer } from './server.mjs';

// Short, since a test waits for its end.
const TOKEN_LIFE = '30s';

await startExample(TOKEN_LIFE);
await import('./http.mjs');
await import('./factors.mjs');
await import('./provider.mjs');
if (process.env.SKIP_BROWSER) {
  test('in a browser', { skip: 'SKIP_BROWSER is set' }, () => {});
} else {
  await import('./browser.mjs');
  await import('./passkeys.mjs');
  await import('./identities.mjs');
  const { endBrowser } = await import('./with_page.mjs');

  test('the browser ends', endBrowser);
}
test('the server ends when it is told to', async () => {
  assert.equal(await stopServer(), 0);
});
