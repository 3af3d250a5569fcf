// Proofs of who somebody is: passkeys, and the dialog for the second factor.

import { attempt, byId, onSubmit, openDialog } from './page.js';
import { onChallenge, send } from './session.js';

const LABELS = { totp: 'Code of your authenticator app', recovery_code: 'Recovery code' };

// The challenge that waits for an answer: { token, submit }
let pending;

export function startProofs() {
  onChallenge(askForFactor);
  onSubmit('proof-form', ({ elements }) => answer(elements.code.dataset.method, { code: elements.code.value.replaceAll(' ', '') }));
  byId('use-passkey').addEventListener('click', () => attempt(byId('proof-form'), proveWithPasskey));
  byId('use-recovery-code').addEventListener('click', () => showMethod('recovery_code'));
  byId('proof-cancel').addEventListener('click', () => byId('proof').close());
  for (const button of document.querySelectorAll('.with-passkey')) {
    button.hidden = !('parseCreationOptionsFromJSON' in (window.PublicKeyCredential ?? {}));
  }
}

// The browser asks an authenticator for a new passkey; resolves to what the server
// is sent.
export async function makePasskey(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);

  return (await navigator.credentials.create({ publicKey })).toJSON();
}

// The browser asks for one that it has.
export async function usePasskey(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);

  return (await navigator.credentials.get({ publicKey })).toJSON();
}

// Shows the dialog until submit(proof) has succeeded; rejects when it is closed.
async function askForFactor({ mfa_token: token, factors }, submit) {
  const has = (wanted) => factors.some(({ type }) => type === wanted);
  const done = openDialog('proof');

  pending = { token, submit };
  byId('use-passkey').hidden = !has('webauthn');
  showMethod(has('totp') ? 'totp' : undefined);
  try {
    await done;
  } finally {
    pending = undefined;
  }
}

async function answer(method, response) {
  await pending.submit({ mfa_token: pending.token, method, response });
  byId('proof').close('done');
}

async function proveWithPasskey() {
  const options = await send('POST', '/api/auth/second-factor/options', { body: { mfa_token: pending.token, method: 'webauthn' } });

  await answer('webauthn', await usePasskey(options));
}

// Without a method there is no field for a code.
function showMethod(method) {
  const input = byId('proof-code');

  input.value = '';
  input.dataset.method = method;
  input.inputMode = method === 'totp' ? 'numeric' : 'text';
  input.autocomplete = method === 'totp' ? 'one-time-code' : 'off';
  input.labels[0].textContent = LABELS[method] ?? '';
  byId('proof-form').querySelector('.error').textContent = '';
  byId('proof-by-code').hidden = !method;
  byId('use-recovery-code').hidden = method === 'recovery_code';
  (method ? input : byId('use-passkey')).focus();
}
