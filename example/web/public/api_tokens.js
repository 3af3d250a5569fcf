// The part of the account page on API tokens, with which scripts act for the user.

import { byId, fill, onPress, onSubmit, removeItem, say } from './page.js';
import { request } from './session.js';

export function startApiTokens() {
  onSubmit('token-form', createToken);
  byId('hide-token').addEventListener('click', () => {
    hideToken();
    byId('token-name').focus();
  });
}

export async function loadApiTokens() {
  const tokens = await request('GET', '/api/tokens');

  byId('token-list').replaceChildren(...tokens.map(tokenItem));
}

// What is shown once does not stay for whoever comes next.
export function hideToken() {
  byId('new-token').hidden = true;
  byId('token-text').textContent = '';
}

async function createToken(form) {
  const { name, write, life } = form.elements;

  hideToken();
  try {
    const { token } = await request('POST', '/api/tokens', {
      name: name.value, scope: write.checked ? 'notes:write' : '', expires_in: life.value,
    });

    byId('token-text').textContent = token;
  } catch (error) {
    if (error.code === 'insufficient_scope') {
      error.code = 'scope_needed';
    }
    throw error;
  }
  form.reset();
  byId('token-use').textContent = `curl ${location.origin}/api/token -H 'Content-Type: application/json' -d @token.json`;
  byId('new-token').hidden = false;
  byId('new-token-title').focus();
  await loadApiTokens();
}

function tokenItem({ id, name, scope, expires_at: end, last_used_at: used }) {
  const item = fill('token-template', {
    '.name': name,
    '.badge': scope || 'reads only',
    '.end': new Date(end),
    ...(used && { '.used': new Date(used) }),
  });
  const button = item.querySelector('button');

  item.querySelector('.when-used').hidden = !used;
  button.ariaLabel = `Revoke the API token: ${name}`;
  onPress(button, byId('api-tokens'), async () => {
    await request('DELETE', `/api/tokens/${id}`);
    removeItem(item, byId('tokens-title'));
    say('The API token is revoked, and so are its access tokens.');
  });
  return item;
}
