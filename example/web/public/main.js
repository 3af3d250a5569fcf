// The page: shows what there is, and answers clicks.  Text from the server is
// only ever set as textContent.

import { events, Refusal, renew, request, SessionEnded, signIn, signOut } from './session.js';

const TEXTS = {
  insufficient_scope: 'You may read these notes, but not change them.',
  server_error: 'The server cannot do this now. Please try again later.',
};

const byId = (id) => document.getElementById(id);
const views = ['notes', 'account'];
const loaders = { notes: loadNotes, account: loadSessions };
const dateFormat = new Intl.DateTimeFormat(undefined, {
  day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit',
});

// The first access token is no renewal.
let renewals = -1;
let tokenTimer;

start();

async function start() {
  addEventListener('hashchange', () => showView());
  events.addEventListener('token', ({ detail }) => showTokenLife(detail.seconds));
  onSubmit('sign-in-form', submitSignIn);
  onSubmit('note-form', submitNote);
  onSubmit('password-form', submitPassword);
  onClick('sign-out', () => endSession('local', 'You have signed out.'));
  onClick('sign-out-everywhere', () => endSession('global', 'You have signed out everywhere.'));

  // A page that is loaded anew has no access token, but perhaps the cookie.
  try {
    await renew();
    await showSignedIn();
  } catch (error) {
    showSignIn(error instanceof SessionEnded ? '' : describe(error));
  }
}

// Views

function showSignIn(notice) {
  byId('signed-in').hidden = true;
  byId('sign-in').hidden = false;
  byId('sign-in-notice').textContent = notice;
  for (const list of [byId('note-list'), byId('session-list')]) {
    list.replaceChildren();
  }
  renewals = -1;
  history.replaceState(null, '', '/');
  document.title = 'Sign in – Notebook';
  byId('username').focus();
}

async function showSignedIn() {
  const { name, tenant } = await request('GET', '/api/me');

  byId('user-name').textContent = name;
  byId('user-tenant').textContent = tenant;
  byId('sign-in').hidden = true;
  byId('signed-in').hidden = false;
  await showView();
}

async function showView() {
  const [, name] = /^#(\w+)$/.exec(location.hash) ?? [];
  const chosen = views.includes(name) ? name : 'notes';

  for (const view of views) {
    byId(view).hidden = view !== chosen;
    document.querySelector(`nav a[href="#${view}"]`).ariaCurrent = view === chosen ? 'page' : null;
  }
  say('');
  document.title = chosen === 'notes' ? 'Notes – Notebook' : 'Account – Notebook';
  byId(`${chosen}-title`).focus();
  await attempt(byId(chosen), loaders[chosen]);
}

// Signing in and out

async function submitSignIn(form) {
  byId('sign-in-notice').textContent = '';
  try {
    await signIn(form.elements.username.value.trim(), form.elements.password.value);
  } catch (error) {
    form.elements.password.focus();
    form.elements.password.select();
    if (error.code === 'temporarily_unavailable') {
      countDown(form, error.retryAfter);
      throw new Error(`Too many attempts. Please try again ${inSeconds(error.retryAfter)}.`);
    }
    throw error.code === 'invalid_grant' ? new Error('The username or the password is wrong.') : error;
  }
  form.reset();
  await showSignedIn();
}

function inSeconds(seconds) {
  const count = seconds < 60 ? seconds : Math.ceil(seconds / 60);

  return new Intl.RelativeTimeFormat('en').format(count, seconds < 60 ? 'second' : 'minute');
}

// The button says how long there is to wait; then the form is as it was.
function countDown(form, seconds) {
  const button = form.querySelector('button');
  const end = Date.now() + seconds * 1000;
  const label = 'Sign in';

  button.disabled = true;
  const timer = setInterval(tick, 250);
  tick();

  function tick() {
    const left = Math.ceil((end - Date.now()) / 1000);

    button.textContent = left > 0 ? `Wait ${left} s` : label;
    if (left <= 0) {
      button.disabled = false;
      form.querySelector('.error').textContent = '';
      clearInterval(timer);
    }
  }
}

async function endSession(scope, notice) {
  await signOut(scope);
  showSignIn(notice);
}

// Notes

async function loadNotes() {
  const notes = await request('GET', '/api/notes');

  byId('note-list').replaceChildren(...notes.map(noteItem));
  showWhetherEmpty();
}

function noteItem(note) {
  const item = fill('note-template', {
    '.body': note.body,
    '.author': note.author,
    time: new Date(note.created_at),
  });
  const button = item.querySelector('button');

  button.hidden = !note.is_own;
  button.ariaLabel = `Delete the note: ${note.body}`;
  button.addEventListener('click', () => attempt(byId('notes'), async () => {
    await request('DELETE', `/api/notes/${note.id}`);
    removeItem(item, byId('notes-title'));
    showWhetherEmpty();
    say('The note is deleted.', { Undo: () => attempt(byId('notes'), () => addNote(note.body)) });
  }));
  return item;
}

// A note that is added again after all is a new one, of now.
async function addNote(body) {
  const note = await request('POST', '/api/notes', { body });

  byId('note-list').prepend(noteItem(note));
  showWhetherEmpty();
  say('The note is added.');
}

async function submitNote(form) {
  await addNote(form.elements.body.value);
  form.reset();
  form.elements.body.focus();
}

function showWhetherEmpty() {
  byId('notes').querySelector('.empty').hidden = byId('note-list').childElementCount > 0;
}

// Account

async function loadSessions() {
  const sessions = await request('GET', '/api/sessions');

  byId('session-list').replaceChildren(...sessions.map(sessionItem));
}

function sessionItem(session) {
  const client = nameClient(session.user_agent ?? '');
  const item = fill('session-template', {
    '.client': client,
    '.address': session.claimed_address ?? 'unknown address',
    '.created': new Date(session.created_at),
    '.refreshed': new Date(session.refreshed_at),
  });
  const button = item.querySelector('button');

  item.querySelector('.badge').hidden = !session.is_current;
  button.hidden = session.is_current;
  button.ariaLabel = `End session: ${client}`;
  button.addEventListener('click', () => attempt(byId('account'), async () => {
    await request('DELETE', `/api/sessions/${session.session_id}`);
    removeItem(item, byId('account-title'));
    say('The session is ended.');
  }));
  return item;
}

// A short name for a User-Agent header; the first word that fits counts.
function nameClient(userAgent) {
  const browsers = [[/Edg\//, 'Edge'], [/Firefox\//, 'Firefox'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari']];
  const systems = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS/, 'macOS'], [/Linux/, 'Linux']];
  const pick = (names) => names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = pick(browsers) ?? (userAgent.split('/')[0] || 'Unknown program');
  const system = pick(systems);

  return system ? `${browser} on ${system}` : browser;
}

async function submitPassword(form) {
  try {
    await request('POST', '/api/password', {
      old_password: form.elements.old_password.value,
      new_password: form.elements.new_password.value,
    });
  } catch (error) {
    if (error.code === 'temporarily_unavailable') {
      throw new Error(`Too many attempts. Please try again ${inSeconds(error.retryAfter)}.`);
    }
    throw error.code === 'invalid_grant' ? new Error('The current password is wrong.') : error;
  }
  form.reset();
  await loadSessions();
  say('Your password is changed, and your other sessions are ended.');
}

// The foot of the page shows how long the access token lasts.
function showTokenLife(seconds) {
  const end = Date.now() + seconds * 1000;

  renewals += 1;
  clearInterval(tokenTimer);
  tokenTimer = setInterval(tick, 500);
  tick();

  function tick() {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));

    byId('token-life').value = left / seconds;
    byId('token-state').textContent = left > 0
      ? `${left} s left, renewed ${renewals}×`
      : `expired, renewed with the next request (${renewals}× so far)`;
  }
}

// Helpers

// Runs work; what it throws is shown in the first .error inside scope.  What was
// said before is over.
async function attempt(scope, work) {
  const output = [...scope.querySelectorAll('.error')].find((each) => scope.tagName === 'FORM' || !each.closest('form'));

  output.textContent = '';
  say('');
  try {
    await work();
  } catch (error) {
    if (error instanceof SessionEnded) {
      showSignIn('Your session has ended. Please sign in again.');
    } else {
      output.textContent = describe(error);
    }
  }
}

// A form that is still being sent is not sent again.
function onSubmit(id, work) {
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

function onClick(id, work) {
  byId(id).addEventListener('click', () => attempt(document.querySelector('section:not([hidden])'), work));
}

function describe(error) {
  if (error instanceof TypeError) {
    return 'The server does not answer. Please check your connection and try again.';
  }
  return TEXTS[error.code] ?? (error instanceof Refusal ? sentence(error.message) : error.message);
}

// The server's descriptions begin small and have no full stop.
function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

// A message with buttons, by their labels.
function say(text, actions = {}) {
  const buttons = Object.entries(actions).map(([label, work]) => {
    const button = document.createElement('button');

    button.textContent = label;
    button.addEventListener('click', work);
    return button;
  });

  byId('message').replaceChildren(...(text ? [`${text} `] : []), ...buttons);
}

// A copy of a template's item with texts and times, by selector.
function fill(id, values) {
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
function removeItem(item, otherwise) {
  const next = item.nextElementSibling ?? item.previousElementSibling;
  const button = next?.querySelector('button:not([hidden])');

  item.remove();
  (button ?? otherwise).focus();
}
