// Signing up, signing in without a password, and choosing a new one: an address is
// proven by the link or the code of a mail.

import { byId, onSubmit } from './page.js';
import { send, signIn } from './session.js';

const SIGN_UP_HINT = 'This is a link for a sign-up that began in another browser. Please choose the password here.';

// What is asked for at first, and with the code or the link
const KINDS = {
  'sign-up': { title: 'Sign up', ask: ['name', 'identifier', 'password'], redeem: [], button: 'Sign up', finish: 'Confirm the address' },
  login: { title: 'Sign in by mail', ask: ['identifier'], redeem: [], button: 'Send a link and a code', finish: 'Sign in' },
  recovery: { title: 'Choose a new password', ask: ['identifier'], redeem: ['password'], button: 'Send a link and a code', finish: 'Set the password' },
};

// Where the links of mails lead to
const PATHS = { '/confirm': 'sign-up', '/login': 'login', '/recover': 'recovery' };

// What the form is for, and the token of a link
let kind;
let token;
let isAsked;

// show(name): shows a page without session; onDone(notice): whoever did this is signed
// in, or is to sign in where there is a notice.
export async function startMail(show, onDone) {
  for (const button of document.querySelectorAll('[data-mail]')) {
    button.addEventListener('click', () => {
      show('by-mail');
      ask(button.dataset.mail);
    });
  }
  byId('mail-back').addEventListener('click', () => show('sign-in'));
  onSubmit('mail-form', async (form) => {
    if (isAsked) {
      await redeem(form, onDone);
    } else {
      await request(form);
    }
  });
  const { url } = await send('GET', '/api/mailbox') ?? {};

  for (const link of document.querySelectorAll('.mailbox')) {
    link.href = url ?? '';
    link.hidden = !url;
  }
}

// The token with which the page was opened from a mail, if it was; it does not stay in
// the address.
export function takeLink() {
  const found = { kind: PATHS[location.pathname], token: location.hash.slice(1) };

  if (!found.kind) {
    return undefined;
  }
  history.replaceState(null, '', '/');
  return found;
}

export function showLink(link) {
  if (!link.token) {
    ask(link.kind);
    return;
  }
  ({ kind, token } = link);
  isAsked = true;
  showFields(KINDS[kind].redeem, 'Press the button, and the link of the mail is used.');
}

function ask(wanted) {
  kind = wanted;
  token = undefined;
  isAsked = false;
  showFields(KINDS[kind].ask, '');
}

async function request({ elements }) {
  const address = elements.identifier.value.trim();

  await send('POST', `/api/auth/${kind}/request`, {
    body: { identifier: address, password: elements.password.value, name: elements.name.value },
  });
  isAsked = true;
  showFields(['code', ...KINDS[kind].redeem], `A mail is on its way to ${address}. Type its code here, or open its link.`);
}

async function redeem({ elements }, onDone) {
  try {
    await signIn(`${kind}/redeem`, {
      token: token ?? elements.code.value.replaceAll(' ', ''),
      password: elements.password.disabled ? undefined : elements.password.value,
    });
  } catch (error) {
    if (error.code === 'password_required') {
      showFields(['password'], SIGN_UP_HINT);
      return;
    }
    throw error.code === 'invalid_grant'
      ? new Error('The link or the code is wrong, was used, or has expired. Please ask for another one.') : error;
  }
  await onDone(kind === 'recovery' ? 'Your password is set, and all sessions are ended. Please sign in with it.' : '');
}

// Only what is shown is filled in and sent.
function showFields(names, notice) {
  const form = byId('mail-form');

  form.reset();
  form.querySelector('.error').textContent = '';
  for (const field of form.querySelectorAll('[data-field]')) {
    field.hidden = !names.includes(field.dataset.field);
    field.querySelector('input').disabled = field.hidden;
  }
  byId('mail-title').textContent = KINDS[kind].title;
  byId('mail-notice').textContent = notice;
  form.querySelector('button.primary').textContent = isAsked ? KINDS[kind].finish : KINDS[kind].button;
  document.title = `${KINDS[kind].title} – Notebook`;
  (form.querySelector('input:enabled') ?? byId('mail-title')).focus();
}
