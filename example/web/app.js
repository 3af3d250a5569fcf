// The HTTP interface.  It knows nothing of tokens: the database makes and
// verifies them, and this passes them on.

import { fileURLToPath } from 'node:url';
import { parse } from 'cookie';
import express from 'express';
import { asClient, transaction } from './database.js';
import { handleError, refuse, sendDenial } from './errors.js';
import { allow, allowOrigins, refreshCookie, requireTexts, securityHeaders } from './security.js';

const PUBLIC = fileURLToPath(new URL('public', import.meta.url));
const REFRESH_PATH = '/api/refresh';

// origins: the addresses of our own pages.
export function createApp({ pool, origins }) {
  const app = express();
  const cookie = refreshCookie(origins, REFRESH_PATH);
  const ownPages = allowOrigins(origins);

  app.set('etag', false);
  app.use(securityHeaders());
  app.use(express.static(PUBLIC));
  app.use(express.json({ limit: '8kb' }));

  function inNameOf(request, work, options) {
    return asClient(pool, request.get('Authorization'), work, options);
  }

  // Whoever signs in gets the access token in the answer, for the memory of
  // the page, and the refresh token in a cookie that no script can read.
  function sendTokens(response, { refresh_token, refresh_expires_in, ...answer }) {
    response.cookie(cookie.name, refresh_token, { ...cookie.options, maxAge: refresh_expires_in * 1000 });
    response.json(answer);
  }

  app.route('/api/login')
    .post(ownPages, requireTexts('username', 'password'), async (request, response) => {
      const { username, password } = request.body;
      const answer = await transaction(pool, async (client) => {
        await describeClient(client, request);
        return valueOf(client, 'SELECT jwt_login($1, $2)', [username, password]);
      });

      if (answer.error) {
        sendDenial(response, answer);
      } else {
        sendTokens(response, answer);
      }
    })
    .all(allow('POST'));

  app.route(REFRESH_PATH)
    .post(ownPages, async (request, response) => {
      const token = parse(request.get('Cookie') ?? '')[cookie.name] ?? '';
      const answer = await transaction(pool, (client) =>
        valueOf(client, 'SELECT jwt_refresh($1)', [token]));

      if (answer.error) {
        response.clearCookie(cookie.name, cookie.options);
        sendDenial(response, answer);
      } else {
        sendTokens(response, answer);
      }
    })
    .all(allow('POST'));

  // scope: local (this session), others, or global (all of them).
  app.route('/api/logout')
    .post(requireTexts('scope'), async (request, response) => {
      const { scope } = request.body;

      await inNameOf(request, (client) =>
        client.query('SELECT jwt_logout($1)', [scope]));
      if (scope !== 'others') {
        response.clearCookie(cookie.name, cookie.options);
      }
      response.sendStatus(204);
    })
    .all(allow('POST'));

  app.route('/api/password')
    .post(requireTexts('old_password', 'new_password'), async (request, response) => {
      const { old_password: oldPassword, new_password: newPassword } = request.body;
      const answer = await inNameOf(request, (client) =>
        valueOf(client, 'SELECT jwt_change_password($1, $2)', [oldPassword, newPassword]),
      { assumeRole: false });

      if (answer.error) {
        sendDenial(response, answer);
      } else {
        response.sendStatus(204);
      }
    })
    .all(allow('POST'));

  app.route('/api/me')
    .get(async (request, response) => {
      response.json(await inNameOf(request, (client) =>
        rowOf(client, "SELECT jwt_claim('name') AS name, jwt_claim('tenant') AS tenant")));
    })
    .all(allow('GET'));

  app.route('/api/sessions')
    .get(async (request, response) => {
      response.json(await inNameOf(request, (client) =>
        rowsOf(client, `
          SELECT session_id, created_at, refreshed_at, user_agent, claimed_address, is_current
          FROM jwt_sessions() ORDER BY is_current DESC, refreshed_at DESC`)));
    })
    .all(allow('GET'));

  app.route('/api/sessions/:id')
    .delete(async (request, response) => {
      await inNameOf(request, (client) =>
        client.query('SELECT jwt_revoke_session($1)', [request.params.id]));
      response.sendStatus(204);
    })
    .all(allow('DELETE'));

  // No condition on the tenant: the policies decide which rows there are.
  app.route('/api/notes')
    .get(async (request, response) => {
      response.json(await inNameOf(request, (client) =>
        rowsOf(client, `
          SELECT id, author, body, created_at, owner = jwt_user_id() AS is_own
          FROM notes ORDER BY id DESC LIMIT 100`)));
    })
    .post(requireTexts('body'), async (request, response) => {
      const note = await inNameOf(request, (client) =>
        rowOf(client, `
          INSERT INTO notes (body) VALUES ($1)
          RETURNING id, author, body, created_at, true AS is_own`, [request.body.body]));

      response.status(201).json(note);
    })
    .all(allow('GET, POST'));

  app.route('/api/notes/:id')
    .delete(async (request, response) => {
      const { rowCount } = await inNameOf(request, (client) =>
        client.query('DELETE FROM notes WHERE id = $1', [request.params.id]));

      if (rowCount === 0) {
        refuse(response, 404, 'not_found', 'there is no such note, or it is not yours');
      } else {
        response.sendStatus(204);
      }
    })
    .all(allow('DELETE'));

  app.use((request, response) => refuse(response, 404, 'not_found', 'there is nothing here'));
  app.use(handleError);
  return app;
}

// What the list of sessions shows; people read it, nothing is decided by it.
function describeClient(client, request) {
  const headers = { 'user-agent': request.get('User-Agent'), 'x-forwarded-for': request.ip };

  return client.query("SELECT set_config('request.headers', $1, true)", [JSON.stringify(headers)]);
}

async function rowsOf(client, sql, values) {
  const { rows } = await client.query(sql, values);

  return rows;
}

async function rowOf(client, sql, values) {
  const [row] = await rowsOf(client, sql, values);

  return row;
}

async function valueOf(client, sql, values) {
  const [value] = Object.values(await rowOf(client, sql, values));

  return value;
}
