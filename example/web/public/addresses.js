// The part of the account page on what the user is called.  All addresses are alike:
// each signs in and gets the mails, so that none is the first among them.

import { byId, fill, onPress, onSubmit, say } from './page.js';
import { request } from './session.js';

const KINDS = { username: 'username', email: 'e-mail address', phone: 'phone number' };

// Of a mail that was asked for here, and of a link that the page was opened with
let flow;
let token;

export function startAddresses() {
  onSubmit('address-form', add);
  onSubmit('address-code-form', confirm);
  byId('address-cancel').addEventListener('click', () => {
    hideConfirmation();
    byId('new-address').focus();
  });
}

// Keeps the token of a link until the user who asked for it is signed in.
export function holdLink(held) {
  token = held;
}

export const isLinkHeld = () => token !== undefined;

export async function loadAddresses() {
  const addresses = await request('GET', '/api/addresses');
  const others = (address) => addresses.filter(({ kind, identifier }) => kind === 'email' && identifier !== address);

  byId('address-list').replaceChildren(...addresses.map((address) => addressItem(address, others(address.identifier))));
  if (isLinkHeld() && byId('address-code-form').hidden) {
    showConfirmation(`Press the button, and the link of the mail adds its address to the account of ${byId('user-name').textContent}.`, true);
  }
}

// What waits for its confirmation is not for whoever comes next.
export function hideConfirmation() {
  flow = undefined;
  token = undefined;
  hideForm();
}

export function hideForm() {
  byId('address-form').reset();
  byId('address-code-form').reset();
  byId('address-code-form').hidden = true;
}

function showConfirmation(hint, isLink) {
  const code = byId('address-code');

  byId('address-code-hint').textContent = hint;
  byId('address-code-form').querySelector('.error').textContent = '';
  byId('address-by-code').hidden = isLink;
  code.disabled = isLink;
  byId('address-code-form').hidden = false;
  (isLink ? byId('address-code-title') : code).focus();
}

async function add(form) {
  const address = form.elements.identifier.value.trim();
  const answer = await request('POST', '/api/addresses', { identifier: address });

  hideConfirmation();
  ({ flow } = answer);
  showConfirmation([
    `A mail is on its way to ${address}. Type its code here, or open its link.`,
    'If the address has an account already, its owner is told, and there is no code.',
  ].join(' '), false);
}

async function confirm({ elements }) {
  try {
    await request('POST', '/api/addresses/confirm', token
      ? { token } : { token: elements.code.value.replaceAll(' ', ''), flow });
  } catch (error) {
    throw error.code === 'invalid_grant'
      ? new Error('The link or the code is wrong, was used, or has expired, or another account asked for it. Please add the address again.') : error;
  }
  hideConfirmation();
  await loadAddresses();
  byId('addresses-title').focus();
  say('The address is yours: it signs you in, and gets your mails. Your other addresses were told, with a link to undo this.');
}

function addressItem({ kind, identifier, created_at: created, verified_at: verified }, others) {
  const item = fill('address-template', {
    '.value': identifier, '.badge': verified ? KINDS[kind] : `${KINDS[kind]}, not confirmed`, '.created': new Date(created),
  });
  const remove = item.querySelector('.remove');
  const keep = item.querySelector('.keep');

  remove.hidden = kind === 'username';
  remove.ariaLabel = `Remove the address: ${identifier}`;
  onPress(remove, byId('addresses'), async () => {
    await removeAddress(identifier);
    await loadAddresses();
    byId('addresses-title').focus();
    say(`${identifier} is removed. Your addresses were told, with a link to undo this.`);
  });
  keep.hidden = kind !== 'email' || !verified || others.length === 0;
  keep.ariaLabel = `Make it the only one: ${identifier}`;
  onPress(keep, byId('addresses'), async () => {
    for (const other of others) {
      await removeAddress(other.identifier);
    }
    await loadAddresses();
    byId('addresses-title').focus();
    say(`${identifier} is your only e-mail address now. The others were told, with a link to undo this.`);
  });
  return item;
}

const removeAddress = (address) => request('DELETE', `/api/addresses/${encodeURIComponent(address)}`);
