// The tests of the example application; prints TAP.  Names of files without .mjs
// choose some of them: main.mjs http hood.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ask, startExample, stopServer } from './server.mjs';

// Short, since a test waits for its end.
const TOKEN_LIFE = '30s';

const chosen = process.argv.slice(2);
const choose = (names) => names.filter((name) => chosen.length === 0 || chosen.includes(name));
const inBrowser = choose(['browser', 'passkeys', 'identities', 'hood', 'admin_page', 'by_mail_page', 'addresses_page', 'invitations_page', 'account_page', 'states']);

await startExample(TOKEN_LIFE);
for (const name of choose(['http', 'factors', 'provider', 'traces', 'admin', 'by_mail', 'addresses', 'invitations', 'api_tokens'])) {
  await import(`./${name}.mjs`);
}
if (process.env.SKIP_BROWSER) {
  test('in a browser', { skip: 'SKIP_BROWSER is set' }, () => {});
} else if (inBrowser.length > 0) {
  const { endBrowser } = await import('./with_page.mjs');

  for (const name of inBrowser) {
    await import(`./${name}.mjs`);
  }
  test('the browser ends', endBrowser);
}
test('the server ends when it is told to, and the mailbox with it', async () => {
  const { body: { url: mailbox } } = await ask('GET', '/api/mailbox');
  const isThere = () => ask('GET', '/mails', { at: mailbox }).then(() => true, () => false);

  assert.equal(await isThere(), true);
  assert.equal(await stopServer(), 0);
  for (let i = 0; i < 600 && await isThere(); i += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  assert.equal(await isThere(), false);
});
