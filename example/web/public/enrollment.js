// The first factor of whoever may not sign in without one: it is added with the ticket
// that the sign-in answered.

import { hideAuthenticator, showAuthenticator } from './authenticator.js';
import { byId, nameClient, onClick, openDialog } from './page.js';
import { makePasskey } from './proof.js';
import { onEnrollment, send } from './session.js';

// The sign-in that waits for a factor: { token, submit }
let pending;

export function startEnrollment() {
  onEnrollment(askToEnroll);
  onClick('enroll-passkey', enrollPasskey);
  onClick('enroll-authenticator', enrollAuthenticator);
  byId('enrollment-cancel').addEventListener('click', () => byId('enrollment').close());
}

// Shows the dialog until submit(way, answer) has succeeded; rejects when it is closed.
async function askToEnroll({ mfa_token: token }, submit) {
  pending = { token, submit };
  try {
    await openDialog('enrollment');
  } finally {
    pending = undefined;
    hideAuthenticator();
  }
}

async function enrollPasskey() {
  const options = await send('POST', '/api/auth/enrollment/passkey/options', { body: { mfa_token: pending.token } });

  await finish('passkey', { credential: await makePasskey(options), name: nameClient(navigator.userAgent) });
}

async function enrollAuthenticator() {
  const body = { mfa_token: pending.token, name: 'Authenticator app' };
  const begun = await send('POST', '/api/auth/enrollment/authenticator', { body });

  showAuthenticator(byId('enroll-authenticator'), begun, (code) => finish(`authenticator/${begun.factor_id}`, { code }));
}

async function finish(way, answer) {
  await pending.submit(way, { mfa_token: pending.token, ...answer });
  byId('enrollment').close('done');
}
