// Signing up, signing in without a password, and choosing a new one: an address is
// proven by the link or the code of a mail.  So are invitations accepted, and changes of
// an account undone.

import { byId, onSubmit } from './page.js';
import { send, signIn } from './session.js';

const SIGN_UP_HINT = 'This is a link for a sign-up that began in another browser. Please choose the password here.';

const PRESS = 'Press the button, and the link of the mail is used.';
const REFUSED = 'The link or the code is wrong, was used, or has expired. Please ask for another one.';

// What is asked for at first, and with the code or the link; what is said to a link, and
// when it is refused
const KINDS = {
  'sign-up': { title: 'Sign up', ask: ['name', 'identifier', 'password'], redeem: [], button: 'Sign up', finish: 'Confirm the address' },
  login: { title: 'Sign in by mail', ask: ['identifier'], redeem: [], button: 'Send a link and a code', finish: 'Sign in' },
  invitation: {
    title: 'You are invited', redeem: ['password'], finish: 'Accept the invitation',
    hint: 'Choose a password, and you are signed in. Whoever is signed in here is signed out.',
    refused: 'The link is wrong, was used or revoked, or has expired. Please ask for another invitation.',
  },
  undo: {
    title: 'Undo a change', redeem: [], finish: 'Undo the change',
    hint: 'Press the button, and the change that the mail names is undone, with all later ones. All sessions of the account end.',
    refused: 'The link is wrong, was used, or has expired. If you cannot sign in, please ask an administrator.',
  },
  recovery: { title: 'Choose a new password', ask: ['identifier'], redeem: ['password'], button: 'Send a link and a code', finish: 'Set the password' },
};

// Where the links of mails lead to
const PATHS = {
  '/confirm': 'sign-up', '/login': 'login', '/recover': 'recovery', '/accept': 'invitation', '/undo': 'undo', '/confirm-address': 'address',
};

// What is said once the link is used, by the status that was answered; for some, a new
// password is next.
const DONE = {
  password_set: 'Your password is set, and all sessions are ended. Please sign in with it.',
  undone: 'The change is undone, and all sessions are ended. Whoever made it may know your password: please choose a new one.',
  partly_undone: 'All sessions are ended, but not everything could be undone. Please choose a new password, and ask an administrator.',
};

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
  if (!link.token && KINDS[link.kind].ask) {
    ask(link.kind);
    return;
  }
  ({ kind, token } = link);
  isAsked = true;
  showFields(KINDS[kind].redeem, KINDS[kind].hint ?? PRESS);
}

function ask(wanted, notice = '') {
  kind = wanted;
  token = undefined;
  isAsked = false;
  showFields(KINDS[kind].ask, notice);
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
  const refusal = new Error(KINDS[kind].refused ?? REFUSED);
  let answer;

  if (token === '') {
    throw refusal;
  }
  try {
    answer = await signIn(`${kind}/redeem`, {
      token: token ?? elements.code.value.replaceAll(' ', ''),
      password: elements.password.disabled ? undefined : elements.password.value,
    });
  } catch (error) {
    if (error.code === 'password_required') {
      showFields(['password'], SIGN_UP_HINT);
      return;
    }
    throw error.code === 'invalid_grant' ? refusal : error;
  }
  if (kind === 'undo') {
    ask('recovery', DONE[answer.status]);
  } else {
    await onDone(kind === 'recovery' ? DONE.password_set : '');
  }
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
