// Chromium with a virtual authenticator, which makes passkeys and uses them on a page
// of its own. Each line of its input is {"do":"create"|"get","options":...}, or
// {"do":"authenticator","options":...} for another authenticator, "clone" for another
// one with copies of the passkeys, whose counters are {"signCount":...}, or "forget"
// for one that has lost them; each line of the output is the credential, as toJSON()
// of the browser writes it, or {"error":...}. The first line says at which origin the
// page is: {"origin":...}.

import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const BROWSERS = [process.env.CHROMIUM, '/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];
const AUTHENTICATOR = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

const server = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/html');
  response.end('<!doctype html><title>Passkeys</title>');
});

await new Promise((resolve) => server.listen(0, 'localhost', resolve));
const origin = `http://localhost:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: BROWSERS.find((path) => path && existsSync(path)),
  args: ['--disable-gpu'],
  chromiumSandbox: process.getuid() !== 0,
});
const page = await browser.newPage();
const devtools = await page.context().newCDPSession(page);
let authenticatorId;

async function addAuthenticator(options) {
  if (authenticatorId) await devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
  ({ authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options: { ...AUTHENTICATOR, ...options } }));
  return {};
}

const actions = {
  authenticator: addAuthenticator,

  async clone({ signCount, ...options }) {
    const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId });

    await addAuthenticator(options);
    for (const credential of credentials) {
      await devtools.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credential, signCount } });
    }
    return { cloned: credentials.length };
  },

  async forget() {
    await devtools.send('WebAuthn.clearCredentials', { authenticatorId });
    return {};
  },

  create: (options) =>
    page.evaluate(async (json) => {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(json);

      return (await navigator.credentials.create({ publicKey })).toJSON();
    }, options),

  get: (options) =>
    page.evaluate(async (json) => {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(json);

      return (await navigator.credentials.get({ publicKey })).toJSON();
    }, options),
};

await page.goto(origin);
await devtools.send('WebAuthn.enable');
await addAuthenticator({});
console.log(JSON.stringify({ origin }));
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;

  try {
    answer = await actions[request.do](request.options);
  } catch (error) {
    answer = { error: String(error).split('\n')[0] };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
server.close();
