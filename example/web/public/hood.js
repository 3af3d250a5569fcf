// The panel "under the hood": what each click asked of the database, as whom, and what
// came of it.

import { byId, fill } from './page.js';
import { events } from './session.js';

const MAX_CLICKS = 15;

// What a refusal means, and what to do about it; the first row that fits counts.
const ADVICE = [
  [/^28J01/, 'The access token has expired. The page gets a new one for its cookie, and asks again.'],
  [/^28J02/, 'The session of this token is over. Sign in again.'],
  [/^28J03/, 'There was no token. Sign in first.'],
  [/^28J0[05]/, 'This is no valid token. Sign in again.'],
  [/^28J04/, 'This takes a fresh proof, or a second kind of proof. The page asks for it, and tries again.'],
  [/^25P02/, 'Not run, since a statement before it was refused.'],
  [/^42501/, 'No policy or grant allows this to the role. Use an account that may do it.'],
  [/^2[23]/, 'A value cannot be used. Correct it, and try again.'],
  [/^(08|40|53|55|57)/, 'The server cannot do this now. Try again later.'],
];

// What the next requests are for, until something else is clicked
let label = 'Page loaded';
let group;

export function startHood() {
  byId('hood-details').open = matchMedia('(min-width: 72rem)').matches;
  document.addEventListener('click', ({ target }) => {
    const control = target.closest('button, a');

    if (control && !control.closest('#hood')) {
      label = control.ariaLabel ?? control.textContent.trim();
      group = undefined;
    }
  }, { capture: true });
  byId('hood-clear').addEventListener('click', forgetClicks);
  events.addEventListener('answered', ({ detail }) => show(detail));
}

// Labels and paths say what somebody had on the page.
export function forgetClicks() {
  byId('hood-list').replaceChildren();
  group = undefined;
}

function show({ method, path, status, statements }) {
  const request = fill('request-template', { '.line': `${method} ${path}`, '.status': status });

  if (!group) {
    group = fill('click-template', { '.click': label });
    byId('hood-list').prepend(group);
    byId('hood-list').children[MAX_CLICKS]?.remove();
  }
  request.querySelector('.status').classList.toggle('bad', status >= 400);
  request.querySelector('ol').append(...statements.map(statementItem));
  group.querySelector('ol').append(request);
  byId('hood').hidden = false;
}

function statementItem({ sql, values, role, state, message, ...result }) {
  const item = fill('statement-template', { '.role': role, '.state': state, '.sql': indentLess(sql) });
  const isGood = state === '00000';
  const lines = isGood ? outcomesOf(result) : [message, ADVICE.find(([pattern]) => pattern.test(state))?.[1]];

  item.querySelector('.state').classList.toggle('bad', !isGood);
  item.querySelector('.values').textContent = values.map((value, i) => `$${i + 1} = ${value}`).join(', ');
  item.querySelector('.outcome').textContent = lines.filter(Boolean).join('\n');
  return item;
}

// A transaction that a refusal has ended says so to its COMMIT.
function outcomesOf({ command, rows, answer, scans = [] }) {
  if (command === 'BEGIN' || command === 'COMMIT') {
    return [];
  }
  if (command === 'ROLLBACK') {
    return ['Rolled back.'];
  }
  const members = Object.entries(answer ?? {}).map(([name, value]) => `${name}: ${value}`).join(', ');

  return [
    answer ? `{ ${members} }` : `${command}: ${rows} ${rows === 1 ? 'row' : 'rows'}`,
    ...scans.map(({ table, filter, passed, removed }) => `${table}: ${passed} let through, ${removed} kept back by ${filter}`),
  ];
}

// Without the indentation that the source has
function indentLess(sql) {
  return sql.trim().replace(/\n\s+/g, '\n');
}
