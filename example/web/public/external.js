// Signing in with an identity provider, and the part of the account page on identities
// there that are linked.
//
// The browser goes to the provider and comes back to a page that is loaded anew, with
// an answer in its address.  The server has put what belongs to it into a cookie.

import { byId, fill, onClick, onPress, removeItem, say } from './page.js';
import { request, send, signIn } from './session.js';

// Whether the identity that was not known is to be linked, once the user has signed in.
let isLinkPending = false;
let provider;

// The answer of the provider with which the page was loaded, if it was; it does not
// stay in the address.
export function takeAnswer() {
  const query = location.search;

  if (!new URLSearchParams(query).has('state')) {
    return undefined;
  }
  history.replaceState(null, '', '/');
  return query;
}

export async function startExternal() {
  onClick('external-sign-in', async () => goTo(await send('POST', '/api/auth/external')));
  onClick('link-identity', async () => goTo(await request('POST', '/api/auth/external')));
  provider = (await send('GET', '/api/provider'))?.name;
  for (const element of document.querySelectorAll('.with-provider')) {
    element.hidden = !provider;
  }
  for (const element of document.querySelectorAll('.provider')) {
    element.textContent = provider;
  }
}

// Resolves to what is to be said where the user must sign in as ever first.
export async function signInExternally(answer) {
  try {
    await signIn('external/sign-in', { response: answer });
  } catch (error) {
    if (error.code !== 'account_exists') {
      throw error;
    }
    isLinkPending = true;
    return `There is an account with the address that ${provider} names. Please sign in to it as ever, and the two are linked.`;
  }
  return undefined;
}

export async function linkIfPending() {
  if (isLinkPending) {
    isLinkPending = false;
    await link('');
  }
}

export async function link(answer) {
  await request('POST', '/api/auth/external/link', { response: answer });
  if (!byId('account').hidden) {
    await loadIdentities();
  }
  say(`From now on you can sign in with ${provider}.`);
}

export async function loadIdentities() {
  const identities = await request('GET', '/api/identities');

  byId('identity-list').replaceChildren(...identities.map(identityItem));
}

function identityItem({ provider: name, subject, created_at: created }) {
  const item = fill('identity-template', { '.subject': `${subject} at ${provider}`, '.created': new Date(created) });
  const button = item.querySelector('button');

  button.ariaLabel = `Unlink: ${subject}`;
  onPress(button, byId('identities'), async () => {
    await request('DELETE', `/api/identities/${encodeURIComponent(name)}/${encodeURIComponent(subject)}`);
    removeItem(item, byId('identities-title'));
    say('The identity is no longer linked.');
  });
  return item;
}

function goTo({ url }) {
  location.assign(url);
}
