// The page of administrators: users, the audit log, keys, and what jwt_check() finds.

import { byId, capitalize, fill, onClick, onPress, onSubmit, openDialog, say } from './page.js';
import { actAs, actNoMore, request } from './session.js';

// What a reason is asked for: work({ reason, duration })
let useReason;

// onChange: the page is to be shown anew, for another user.
export function startAdmin(onChange) {
  onSubmit('reason-form', async ({ elements }) => {
    await useReason({ reason: elements.reason.value, duration: elements.duration.value || undefined });
    byId('reason').close('done');
  });
  byId('reason-cancel').addEventListener('click', () => byId('reason').close());
  onClick('rotate-key', async () => {
    await ask('POST', 'keys');
    await loadAdmin();
    say('The next key signs from now on. The former one verifies until its tokens have expired.');
  });
  onSubmit('invitation-form', invite);
  onClick('act-no-more', async () => {
    await actNoMore();
    await onChange('admin');
  });
  byId('user-list').addEventListener('acting', ({ detail }) => onChange('notes', detail));
}

export async function loadAdmin() {
  const [users, keys, findings, events] = await Promise.all([
    ...['users', 'keys', 'check', 'events'].map((what) => ask('GET', what)), loadInvitations()]);

  byId('user-list').replaceChildren(...users.map(userItem));
  byId('key-list').replaceChildren(...keys.map(keyItem));
  byId('finding-list').replaceChildren(...findings.map((finding) => fill('finding-template', {
    '.severity': finding.severity, '.finding': `${capitalize(finding.finding)}: ${finding.object ?? ''}`, '.remedy': finding.remedy,
  })));
  byId('no-findings').hidden = findings.length > 0;
  byId('admin-event-list').replaceChildren(...events.map(eventItem));
}

// What the database refuses to whoever is no administrator
async function ask(method, what, body) {
  try {
    return await request(method, `/api/admin/${what}`, body);
  } catch (error) {
    if (error.code === 'insufficient_scope') {
      error.code = 'admin_needed';
    }
    throw error;
  }
}

function userItem({ id, name, role, tenant, sessions, factors, is_banned: isBanned, banned_until: end, ban_reason: reason, is_self: isSelf }) {
  const item = fill('user-template', {
    '.name': name,
    '.role': `${role}, ${tenant}`,
    '.counts': `${sessions} ${sessions === '1' ? 'session' : 'sessions'}, ${factors} ${factors === '1' ? 'second factor' : 'second factors'}`,
    '.ban': isBanned ? `Banned ${end ? 'until ' : 'without end'}` : '',
    ...(isBanned && end && { '.ban-end': new Date(end) }),
    '.ban-reason': isBanned && reason ? `: ${reason}` : '',
  });
  const actions = {
    'Act as': isSelf || isBanned ? undefined : () => askReason(`Act as ${name}`, false, async (body) => {
      await actAs(await ask('POST', `users/${id}/act`, body));
      byId('user-list').dispatchEvent(new CustomEvent('acting', { detail: `You act as ${name}.` }));
    }),
    Ban: isSelf || isBanned ? undefined : () => askReason(`Ban ${name}`, true, async (body) => {
      await ask('POST', `users/${id}/ban`, body);
      await loadAdmin();
      say(`${name} is banned, and signed out everywhere.`);
    }),
    'Lift the ban': isBanned ? () => change('DELETE', `users/${id}/ban`, `${name} may sign in again.`) : undefined,
    'End sessions': isSelf || sessions === '0' ? undefined : () => change('DELETE', `users/${id}/sessions`, `${name} is signed out everywhere.`),
  };

  for (const [label, work] of Object.entries(actions).filter(([, each]) => each)) {
    const button = document.createElement('button');

    button.className = 'quiet';
    button.textContent = label;
    button.ariaLabel = `${label}: ${name}`;
    onPress(button, byId('users'), work);
    item.querySelector('.buttons').append(button);
  }
  return item;
}

async function change(method, what, message) {
  await ask(method, what);
  await loadAdmin();
  byId('users-title').focus();
  say(message);
}

// Rejects when the dialog is closed.
async function askReason(title, hasDuration, work) {
  const form = byId('reason-form');

  form.reset();
  useReason = work;
  byId('reason-title').textContent = title;
  byId('reason-duration').hidden = !hasDuration;
  form.querySelector('button.primary').textContent = hasDuration ? 'Ban' : 'Act as the user';
  await openDialog('reason');
}

async function loadInvitations() {
  const invitations = await ask('GET', 'invitations');

  byId('invitation-list').replaceChildren(...invitations.map(invitationItem));
  byId('no-invitations').hidden = invitations.length > 0;
}

async function invite(form) {
  const address = form.elements.identifier.value.trim();

  try {
    await ask('POST', 'invitations', { identifier: address, name: form.elements.name.value.trim() });
  } catch (error) {
    const texts = { conflict: `${address} has an account already.`, invalid_request: 'This is no e-mail address that can be invited.' };

    throw texts[error.code] ? new Error(texts[error.code]) : error;
  }
  form.reset();
  await loadInvitations();
  say(`An invitation is on its way to ${address}.`);
}

function invitationItem({ id, address, name, created_at: created, expires_at: end }) {
  const item = fill('invitation-template', { '.address': address, '.name': name, '.created': new Date(created), '.end': new Date(end) });
  const button = item.querySelector('button');

  button.ariaLabel = `Revoke the invitation: ${address}`;
  onPress(button, byId('invitations'), async () => {
    await ask('DELETE', `invitations/${id}`);
    await loadInvitations();
    byId('invitations-title').focus();
    say(`The invitation of ${address} is revoked: its links do nothing now.`);
  });
  return item;
}

function keyItem({ kid, use, alg, state, sealed, created_at: created }) {
  return fill('key-template', {
    '.kid': kid, '.state': state, '.use': `${use}, ${alg}, ${sealed ? 'sealed' : 'not sealed'}`, time: new Date(created),
  });
}

function eventItem({ at, event, reason, name, acting, address }) {
  return fill('event-template', {
    '.what': [capitalize(event.replaceAll('_', ' ')), name, reason, acting && `acting: ${acting}`, address].filter(Boolean).join(' · '),
    time: new Date(at),
  });
}
