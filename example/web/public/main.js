// The page: shows what there is, and answers clicks.

import { hideForm, holdLink, isLinkHeld, loadAddresses, startAddresses } from './addresses.js';
import { loadAdmin, startAdmin } from './admin.js';
import { hideToken, loadApiTokens, startApiTokens } from './api_tokens.js';
import { startAuthenticator } from './authenticator.js';
import { startEnrollment } from './enrollment.js';
import { link, linkIfPending, loadIdentities, signInExternally, startExternal, takeAnswer } from './external.js';
import { showLink, startMail, takeLink } from './by_mail.js';
import { hideSecrets, loadFactors, startFactors } from './factors.js';
import { forgetClicks, startHood } from './hood.js';
import { attempt, byId, describe, fill, nameClient, onClick, onPress, onSubmit, removeItem, say } from './page.js';
import { startProofs, usePasskey } from './proof.js';
import { events, renew, request, send, SessionEnded, signIn, signOut } from './session.js';

const loaders = { notes: loadNotes, account: loadAccount, admin: loadAdmin };
const views = Object.keys(loaders);

// How a session began
const METHODS = {
  password: 'password', passkey: 'passkey', external: 'identity provider', code: 'link or code', sign_up: 'sign-up', invitation: 'invitation',
  application: 'application', api_token: 'API token', impersonated: 'an administrator who acts as you',
};

// The first access token is no renewal.
let renewals = -1;
let tokenTimer;

start();

async function start() {
  addEventListener('hashchange', () => showView());
  events.addEventListener('token', ({ detail }) => showTokenLife(detail.seconds));
  events.addEventListener('ended', () => {
    forgetClicks();
    showSignIn('Your session has ended. Please sign in again.');
  });
  events.addEventListener('acted', () => showUser('notes', 'This was ended, by the user or after a while. You are yourself again.'));
  startHood();
  startProofs();
  startAddresses();
  startFactors();
  startAuthenticator();
  startEnrollment();
  startAdmin(showUser);
  startApiTokens();
  const link = takeLink();

  if (link?.kind === 'address') {
    holdLink(link.token);
    history.replaceState(null, '', '#account');
  }
  const mail = startMail(showSignedOut, (notice) => (notice ? showSignIn(notice) : showAfterSignIn()));

  onSubmit('sign-in-form', submitSignIn);
  onClick('passkey-sign-in', signInWithPasskey);
  onSubmit('note-form', submitNote);
  onSubmit('password-form', submitPassword);
  onClick('delete-notes', deleteNotes);
  onClick('sign-out', () => endSession('local', 'You have signed out.'));
  onClick('sign-out-everywhere', () => endSession('global', 'You have signed out everywhere.'));

  // A page that is loaded anew has no access token, but perhaps the cookie.
  const answer = takeAnswer();

  try {
    await Promise.all([startExternal(), mail]);
    if (link && !isLinkHeld()) {
      showSignIn('');
      showSignedOut('by-mail');
      showLink(link);
      return;
    }
    await renew();
    await showSignedIn();
  } catch (error) {
    showSignIn(error instanceof SessionEnded ? noticeOfLink() : describe(error));
  }
  if (answer) {
    await takeUp(answer);
  }
}

// The provider's answer is for whoever is signed in, or signs somebody in.
async function takeUp(answer) {
  if (byId('sign-in').hidden) {
    history.replaceState(null, '', '#account');
    await showView();
    await attempt(byId('identities'), () => link(answer));
    return;
  }
  await attempt(byId('sign-in'), async () => {
    const notice = await signInExternally(answer);

    if (notice) {
      byId('sign-in-notice').textContent = notice;
    } else {
      await showSignedIn();
    }
  });
}

// A new address is confirmed by the user who asked for it.
function noticeOfLink() {
  return isLinkHeld() ? 'Please sign in, and confirm your new address then.' : '';
}

// Views

function showSignIn(notice) {
  byId('signed-in').hidden = true;
  byId('sign-in-notice').textContent = notice;
  forgetUser();
  hideSecrets();
  hideToken();
  hideForm();
  renewals = -1;
  history.replaceState(null, '', '/');
  showSignedOut('sign-in');
}

// What was shown, said or typed is not for whoever comes next.
function forgetUser() {
  say('');
  for (const dialog of document.querySelectorAll('dialog[open]')) {
    dialog.close();
  }
  for (const form of document.querySelectorAll('#signed-in form, dialog form')) {
    form.reset();
  }
  for (const element of document.querySelectorAll('#signed-in :is(.list, .error)')) {
    element.replaceChildren();
  }
}

// The form to sign in, or the one for whoever has a mail
function showSignedOut(name) {
  for (const each of ['sign-in', 'by-mail']) {
    byId(each).hidden = each !== name;
  }
  document.title = 'Sign in – Notebook';
  byId('username').focus();
}

async function showSignedIn() {
  const { name, tenant, is_admin: isAdmin, is_acted: isActed } = await request('GET', '/api/me');

  byId('user-name').textContent = name;
  byId('user-tenant').textContent = tenant;
  byId('admin-link').hidden = !isAdmin;
  byId('acting').hidden = !isActed;
  byId('acting-name').textContent = name;
  byId('sign-out').hidden = isActed;
  byId('sign-in').hidden = true;
  byId('by-mail').hidden = true;
  byId('signed-in').hidden = false;
  await showView();
}

// Shows a view to whoever the page is for from now on.
async function showUser(view, message = '') {
  history.replaceState(null, '', `#${view}`);
  await showSignedIn();
  say(message);
}

async function showView() {
  const [, name] = /^#(\w+)$/.exec(location.hash) ?? [];
  const chosen = views.includes(name) ? name : 'notes';

  for (const view of views) {
    byId(view).hidden = view !== chosen;
    document.querySelector(`nav a[href="#${view}"]`).ariaCurrent = view === chosen ? 'page' : null;
  }
  say('');
  hideSecrets();
  hideToken();
  hideForm();
  document.title = `${byId(`${chosen}-title`).textContent} – Notebook`;
  byId(`${chosen}-title`).focus();
  await attempt(byId(chosen), loaders[chosen]);
}

// Signing in and out

async function submitSignIn(form) {
  byId('sign-in-notice').textContent = '';
  try {
    await signIn('login', { username: form.elements.username.value.trim(), password: form.elements.password.value });
  } catch (error) {
    form.elements.password.focus();
    form.elements.password.select();
    if (error.code === 'temporarily_unavailable') {
      countDown(form, error.retryAfter);
    }
    throw error.code === 'invalid_grant' ? new Error('The username or the password is wrong. Please try again, or choose a new password.') : error;
  }
  form.reset();
  await showAfterSignIn();
}

async function signInWithPasskey() {
  byId('sign-in-notice').textContent = '';
  await signIn('passkey', { credential: await usePasskey(await send('GET', '/api/auth/passkey')) });
  byId('sign-in-form').reset();
  await showAfterSignIn();
}

async function showAfterSignIn() {
  if (isLinkHeld()) {
    history.replaceState(null, '', '#account');
  }
  await showSignedIn();
  await attempt(byId('notes'), linkIfPending);
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

// The panel under the hood keeps this click alone.
async function endSession(scope, notice) {
  forgetClicks();
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
  onPress(button, byId('notes'), async () => {
    await request('DELETE', `/api/notes/${note.id}`);
    removeItem(item, byId('notes-title'));
    showWhetherEmpty();
    say('The note is deleted.', { Undo: () => attempt(byId('notes'), () => addNote(note.body)) });
  });
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

// Deletes all of one's notes, for which the database wants a fresh second factor.
async function deleteNotes() {
  await request('DELETE', '/api/notes');
  await loadFactors();
  say('Your notes are deleted.');
}

// Account

async function loadAccount() {
  await Promise.all([loadSessions(), loadAddresses(), loadFactors(), loadIdentities(), loadApiTokens()]);
}

async function loadSessions() {
  const sessions = await request('GET', '/api/sessions');

  byId('session-list').replaceChildren(...sessions.map(sessionItem));
}

function sessionItem(session) {
  const client = session.api_token ?? nameClient(session.user_agent ?? '');
  const item = fill('session-template', {
    '.client': client,
    '.address': session.claimed_address ?? 'unknown address',
    '.created': new Date(session.created_at),
    '.refreshed': new Date(session.refreshed_at),
  });
  const button = item.querySelector('button');

  item.querySelector('.badge').hidden = !session.is_current;
  item.querySelector('.method').textContent = METHODS[session.method.split(':')[0]];
  button.hidden = session.is_current;
  button.ariaLabel = `End session: ${client}`;
  onPress(button, byId('account'), async () => {
    await request('DELETE', `/api/sessions/${session.session_id}`);
    removeItem(item, byId('account-title'));
    say('The session is ended.');
  });
  return item;
}

async function submitPassword(form) {
  try {
    await request('POST', '/api/password', {
      old_password: form.elements.old_password.value,
      new_password: form.elements.new_password.value,
    });
  } catch (error) {
    throw error.code === 'invalid_grant' ? new Error('The current password is wrong. Please try again.') : error;
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
