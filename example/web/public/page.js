// What the parts of the page share.  Text from the server is only ever set as
// textContent.

import { Cancelled, events, Refusal, SessionEnded } from './session.js';

const TEXTS = {
  insufficient_scope: 'You may read these notes, but not change them. An administrator can let you.',
  server_error: 'The server cannot do this now. Please try again later.',
  second_factor_needed: 'This needs a second proof of who you are. Please add a passkey or an authenticator app first.',
  scope_needed: 'You may not write notes, so no API token of yours may. Please create one that reads only.',
  admin_needed: 'Only administrators may do this. Please sign in as one.',
  user_needed: 'Only the user may do this. Please stop acting in the name of somebody else first.',
  sign_in_needed: 'This needs a sign-in of the last five minutes. Please sign out, and sign in again.',
};

// What to do next, where the server's own words do not say it
const ADVICE = {
  external_failed: 'Please begin again.',
  invalid_grant: 'Please try again.',
  not_found: 'Please load the page anew.',
  session_limit: 'Please end another session first.',
};

// What browsers throw when a passkey is made or used
const PASSKEY_TEXTS = {
  InvalidStateError: 'This device has a passkey for you already. Please use that one.',
  NotAllowedError: 'No passkey was used. Please try again, or choose another way.',
  SecurityError: 'Passkeys cannot be used at this address.',
};

const dateFormat = new Intl.DateTimeFormat(undefined, {
  day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit',
});

export const byId = (id) => document.getElementById(id);

// Runs work; what it throws is shown in the first .error inside scope.  What was
// said before is over.  On the account page, whoever may not do something acts as
// somebody else.
export async function attempt(scope, work) {
  const output = [...scope.querySelectorAll('.error')].find((each) => scope.tagName === 'FORM' || !each.closest('form'));

  output.textContent = '';
  say('');
  try {
    await work();
  } catch (error) {
    if (error instanceof SessionEnded) {
      events.dispatchEvent(new Event('ended'));
    } else if (!(error instanceof Cancelled)) {
      if (error.code === 'insufficient_scope' && scope.closest('#account')) {
        error.code = 'user_needed';
      }
      output.textContent = describe(error);
    }
  }
}

// A form that is still being sent is not sent again.
export function onSubmit(id, work) {
  const form = byId(id);

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.ariaBusy !== 'true') {
      form.ariaBusy = 'true';
      await attempt(form, () => work(form));
      form.ariaBusy = 'false';
    }
  });
}

export function onClick(id, work) {
  const button = byId(id);

  onPress(button, button.closest('.card'), work);
}

// A button that is still at work does not begin anew.  Without a scope, it is the part
// of the page that is shown.
export function onPress(button, scope, work) {
  let isBusy = false;

  button.addEventListener('click', async () => {
    if (!isBusy) {
      isBusy = true;
      await attempt(scope ?? document.querySelector('section:not([hidden])'), work);
      isBusy = false;
    }
  });
}

// Shows a dialog.  Ends when it is closed as done, and rejects when it is closed otherwise.
export function openDialog(id) {
  const dialog = byId(id);

  dialog.returnValue = '';
  dialog.querySelector('.error').textContent = '';
  dialog.showModal();
  return new Promise((resolve, reject) => {
    dialog.addEventListener('close', () => (dialog.returnValue === 'done' ? resolve() : reject(new Cancelled())), { once: true });
  });
}

// The server's own descriptions begin small and have no full stop.
export function describe(error) {
  if (error instanceof TypeError) {
    return 'The server does not answer. Please check your connection and try again.';
  }
  if (/^the mfa_token is/.test(error.message)) {
    return 'This took too long. Please cancel, and start again.';
  }
  if (error.code === 'temporarily_unavailable') {
    return `Too many attempts. Please try again ${inSeconds(error.retryAfter)}.`;
  }
  return TEXTS[error.code] ?? PASSKEY_TEXTS[error.name]
    ?? (error instanceof Refusal ? [`${capitalize(error.message)}.`, ADVICE[error.code]].filter(Boolean).join(' ') : error.message);
}

function inSeconds(seconds) {
  const count = seconds < 60 ? seconds : Math.ceil(seconds / 60);

  return new Intl.RelativeTimeFormat('en').format(count, seconds < 60 ? 'second' : 'minute');
}

export function capitalize(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}`;
}

// A message with buttons, by their labels.
export function say(text, actions = {}) {
  const buttons = Object.entries(actions).map(([label, work]) => {
    const button = document.createElement('button');

    button.textContent = label;
    button.addEventListener('click', work);
    return button;
  });

  byId('message').replaceChildren(...(text ? [`${text} `] : []), ...buttons);
}

// A copy of a template's item with texts and times, by selector.
export function fill(id, values) {
  const item = byId(id).content.firstElementChild.cloneNode(true);

  for (const [selector, value] of Object.entries(values)) {
    const element = item.querySelector(selector);

    element.textContent = value instanceof Date ? dateFormat.format(value) : value;
    if (value instanceof Date) {
      element.dateTime = value.toISOString();
    }
  }
  return item;
}

// Takes an item away, and moves the focus to where the next action is.
export function removeItem(item, otherwise) {
  const next = item.nextElementSibling ?? item.previousElementSibling;
  const button = next?.querySelector('button:not([hidden])');

  item.remove();
  (button ?? otherwise).focus();
}

// A short name for a User-Agent header; the first word that fits counts.
export function nameClient(userAgent) {
  const browsers = [[/Edg\//, 'Edge'], [/Firefox\//, 'Firefox'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari']];
  const systems = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS/, 'macOS'], [/Linux/, 'Linux']];
  const pick = (names) => names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = pick(browsers) ?? (userAgent.split('/')[0] || 'Unknown program');
  const system = pick(systems);

  return system ? `${browser} on ${system}` : browser;
}
