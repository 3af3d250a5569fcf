// The part of the account page on passkeys, authenticator apps and recovery codes,
// and on what happened to the account.

import { hideAuthenticator, showAuthenticator } from './authenticator.js';
import { byId, capitalize, fill, nameClient, onClick, onPress, removeItem, say } from './page.js';
import { makePasskey } from './proof.js';
import { request } from './session.js';

const TYPES = { totp: 'authenticator app', webauthn: 'passkey' };

export function startFactors() {
  onClick('add-passkey', addPasskey);
  onClick('add-authenticator', beginAuthenticator);
  onClick('make-codes', makeCodes);
  onClick('copy-codes', copyCodes);
  byId('hide-codes').addEventListener('click', () => hideSecrets('make-codes'));
}

export async function loadFactors() {
  const [factors, events] = await Promise.all([request('GET', '/api/factors'), request('GET', '/api/events')]);

  byId('factor-list').replaceChildren(...factors.map(factorItem));
  byId('event-list').replaceChildren(...events.map(eventItem));
}

// What is shown once does not stay for whoever comes next.
export function hideSecrets(next) {
  hideAuthenticator();
  byId('codes').hidden = true;
  byId('code-list').replaceChildren();
  byId(next)?.focus();
}

function factorItem({ id, type, name, created_at: created, last_used_at: used, backed_up: isSynced }) {
  const item = fill('factor-template', {
    '.name': name,
    '.badge': isSynced ? `synced ${TYPES[type]}` : TYPES[type],
    '.created': new Date(created),
    ...(used && { '.used': new Date(used) }),
  });
  const button = item.querySelector('button');

  item.querySelector('.badge').hidden = name.toLowerCase() === TYPES[type];
  item.querySelector('.when-used').hidden = !used;
  button.ariaLabel = `Remove the ${TYPES[type]}: ${name}`;
  onPress(button, byId('factors'), async () => {
    await request('DELETE', `/api/factors/${id}`);
    removeItem(item, byId('factors-title'));
    await loadFactors();
    say(`The ${TYPES[type]} is removed.`);
  });
  return item;
}

// Events are named factor_added and the like; messages have a recipient.
function eventItem({ at, event, reason, recipient }) {
  const name = capitalize(event.replaceAll('_', ' '));
  const what = recipient ? [`Mail to ${recipient}`, name] : [name, reason];

  return fill('event-template', {
    '.what': what.filter(Boolean).join(': '),
    time: new Date(at),
  });
}

async function addPasskey() {
  const credential = await makePasskey(await request('GET', '/api/passkeys'));

  await request('POST', '/api/passkeys', { credential, name: nameClient(navigator.userAgent) });
  await loadFactors();
  say('The passkey is added.');
}

async function beginAuthenticator() {
  hideSecrets();
  const begun = await request('POST', '/api/authenticators', { name: 'Authenticator app' });

  showAuthenticator(byId('add-authenticator'), begun, async (code) => {
    await request('POST', `/api/authenticators/${begun.factor_id}`, { code });
    hideAuthenticator();
    await loadFactors();
    say('The authenticator app is added. From now on you are asked for its code.');
  });
}

async function makeCodes() {
  hideSecrets();
  const { codes } = await request('POST', '/api/recovery-codes');

  byId('code-list').replaceChildren(...codes.map((code) => fill('code-template', { code })));
  byId('codes').hidden = false;
  byId('codes-title').focus();
  await loadFactors();
}

async function copyCodes() {
  await navigator.clipboard.writeText(byId('code-list').innerText);
  say('The codes are copied.');
}
