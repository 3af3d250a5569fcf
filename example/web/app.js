// The HTTP interface.  It knows nothing of tokens: the database makes and
// verifies them, and this passes them on.

import { fileURLToPath } from 'node:url';
import { parse } from 'cookie';
import express from 'express';
import { queryAsClient, transaction } from './database.js';
import { handleError, refuse, sendDenial } from './errors.js';
import { allow, allowOrigins, refreshCookie, requireTexts, securityHeaders } from './security.js';

const PUBLIC = fileURLToPath(new URL('public', import.meta.url));

// The cookie goes to the addresses below this one alone.
const COOKIE_PATH = '/api/auth';

// origins: the addresses of our own pages.
export function createApp({ pools, origins }) {
  const app = express();
  const cookie = refreshCookie(origins, COOKIE_PATH);
  const ownPages = allowOrigins(origins);

  app.set('etag', false);
  app.use(securityHeaders());
  app.use(express.static(PUBLIC, { redirect: false }));
  app.use(express.json({ limit: '8kb' }));

  // Credentials of another scheme than Bearer are none.
  function queryInNameOf(request, sql, values, { pool = pools.requests, ...options } = {}) {
    const header = request.get('Authorization') ?? '';

    return queryAsClient(pool, /^bearer(?: |$)/i.test(header) ? header : null, sql, values, options);
  }

  function refreshTokenOf(request) {
    return parse(request.get('Cookie') ?? '')[cookie.name] ?? '';
  }

  // Whoever signs in gets the access token in the answer, for the memory of
  // the page, and the refresh token in a cookie that no script can read.
  function sendTokens(response, { refresh_token, refresh_expires_in, ...answer }) {
    response.cookie(cookie.name, refresh_token, { ...cookie.options, maxAge: refresh_expires_in * 1000 });
    response.json(answer);
  }

  app.route(`${COOKIE_PATH}/login`)
    .post(ownPages, requireTexts('username', 'password'), async (request, response) => {
      const { username, password } = request.body;
      const former = refreshTokenOf(request);
      const answer = await transaction(pools.passwords, async (client) => {
        await describeClient(client, request);
        const tokens = valueOf(await client.query('SELECT jwt_login($1, $2)', [username, password]));

        // The new cookie replaces that of a session which nobody could end then.
        if (!tokens.error && former) {
          await client.query('SELECT jwt_revoke($1)', [former]);
        }
        return tokens;
      });

      if (answer.error) {
        sendDenial(response, answer);
      } else {
        sendTokens(response, answer);
      }
    })
    .all(allow('POST'));

  app.route(`${COOKIE_PATH}/refresh`)
    .post(ownPages, async (request, response) => {
      const token = refreshTokenOf(request);

      // Whoever opens the page without being signed in has made no mistake.
      if (!token) {
        response.sendStatus(204);
        return;
      }
      const answer = await transaction(pools.requests, async (client) =>
        valueOf(await client.query('SELECT jwt_refresh($1)', [token])));

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

      await queryInNameOf(request, 'SELECT jwt_logout($1)', [scope]);
      if (scope !== 'others') {
        response.clearCookie(cookie.name, cookie.options);
      }
      response.sendStatus(204);
    })
    .all(allow('POST'));

  app.route('/api/password')
    .post(requireTexts('old_password', 'new_password'), async (request, response) => {
      const { old_password: oldPassword, new_password: newPassword } = request.body;
      const answer = valueOf(await queryInNameOf(
        request, 'SELECT jwt_change_password($1, $2)', [oldPassword, newPassword],
        { pool: pools.passwords, assumeRole: false }));

      if (answer.error) {
        sendDenial(response, answer);
      } else {
        response.sendStatus(204);
      }
    })
    .all(allow('POST'));

  app.route('/api/me')
    .get(async (request, response) => {
      const { rows } = await queryInNameOf(
        request, "SELECT jwt_claim('name') AS name, jwt_claim('tenant') AS tenant");

      response.json(rows[0]);
    })
    .all(allow('GET'));

  app.route('/api/sessions')
    .get(async (request, response) => {
      const { rows } = await queryInNameOf(request, `
        SELECT session_id, created_at, refreshed_at, user_agent, claimed_address, is_current
        FROM jwt_sessions() ORDER BY is_current DESC, refreshed_at DESC`);

      response.json(rows);
    })
    .all(allow('GET'));

  app.route('/api/sessions/:id')
    .delete(async (request, response) => {
      await queryInNameOf(request, 'SELECT jwt_revoke_session($1)', [request.params.id]);
      response.sendStatus(204);
    })
    .all(allow('DELETE'));

  // No condition on the tenant: the policies decide which rows there are.
  app.route('/api/notes')
    .get(async (request, response) => {
      const { rows } = await queryInNameOf(request, `
        SELECT id, author, body, created_at, owner = jwt_user_id() AS is_own
        FROM notes ORDER BY id DESC LIMIT 100`);

      response.json(rows);
    })
    .post(requireTexts('body'), async (request, response) => {
      const { rows } = await queryInNameOf(request, `
        INSERT INTO notes (body) VALUES ($1)
        RETURNING id, author, body, created_at, true AS is_own`, [request.body.body]);

      response.status(201).json(rows[0]);
    })
    .all(allow('GET, POST'));

  app.route('/api/notes/:id')
    .delete(async (request, response) => {
      const { rowCount } = await queryInNameOf(
        request, 'DELETE FROM notes WHERE id = $1', [request.params.id]);

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

// The one value of a result
function valueOf({ rows: [row] }) {
  return Object.values(row)[0];
}
