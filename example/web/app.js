// The HTTP interface.  It knows nothing of tokens: the database makes and
// verifies them, and this passes them on.

import { fileURLToPath } from 'node:url';
import express from 'express';
import { addressRoutes } from './addresses.js';
import { adminRoutes } from './admin.js';
import { apiTokenRoutes } from './api_tokens.js';
import { handleError, refuse } from './errors.js';
import { identityRoutes } from './external.js';
import { factorRoutes } from './factors.js';
import { queriesInNameOf, sendAnswer, valueOf } from './requests.js';
import { allow, refreshCookie, requireTexts, securityHeaders } from './security.js';
import { signInRoutes } from './sign_in.js';
import { traceRequests } from './trace.js';

const PUBLIC = fileURLToPath(new URL('public', import.meta.url));

// Where the links of mails lead to: the page takes the token from behind the #.
const MAIL_PATHS = ['/accept', '/confirm', '/confirm-address', '/login', '/recover', '/undo'];

// The cookie goes to the addresses below this one alone.
const COOKIE_PATH = '/api/auth';

// origins: the addresses of our own pages.
export function createApp({ pools, origins, openid, mailbox, isTraced }) {
  const app = express();
  const cookie = refreshCookie(origins, COOKIE_PATH);
  const queryInNameOf = queriesInNameOf(pools);

  app.set('etag', false);
  app.use(securityHeaders());
  app.use(express.static(PUBLIC, { redirect: false }));
  app.get(MAIL_PATHS, (request, response) => response.sendFile('index.html', { root: PUBLIC }));
  app.use(express.json({ limit: '8kb' }));
  if (isTraced) {
    app.use(traceRequests);
  }
  app.use(COOKIE_PATH, signInRoutes({ pools, origins, cookie, openid }));
  app.use('/api/admin', adminRoutes({ pools }));
  app.use('/api/addresses', addressRoutes({ pools }));
  app.use('/api', apiTokenRoutes({ pools }));
  app.use('/api', factorRoutes({ pools }));
  app.use('/api', identityRoutes({ pools, openid }));

  // scope: local (this session), others, or global (all of them).  Whoever acts as
  // somebody else ends that, and keeps the own session with its cookie.
  app.route('/api/logout')
    .post(requireTexts('scope'), async (request, response) => {
      const { scope } = request.body;

      const { rows: [{ is_own: isOwn }] } = await queryInNameOf(
        request, 'SELECT jwt_actor() IS NULL AS is_own, jwt_logout($1)', [scope]);

      if (isOwn && scope !== 'others') {
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

      sendAnswer(response, answer, () => response.sendStatus(204));
    })
    .all(allow('POST'));

  // Where to read the mails of this example
  app.route('/api/mailbox')
    .get((request, response) => {
      mailbox ? response.json({ url: mailbox }) : response.sendStatus(204);
    })
    .all(allow('GET'));

  app.route('/api/me')
    .get(async (request, response) => {
      const { rows } = await queryInNameOf(
        request, `
        SELECT jwt_claim('name') AS name, jwt_claim('tenant') AS tenant,
            jwt_has_scope('admin') AS is_admin, jwt_actor() IS NOT NULL AS is_acted`);

      response.json(rows[0]);
    })
    .all(allow('GET'));

  app.route('/api/sessions')
    .get(async (request, response) => {
      const { rows } = await queryInNameOf(request, `
        SELECT session_id, created_at, refreshed_at, user_agent, claimed_address, is_current, method, api_token
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
    .delete(async (request, response) => {
      await queryInNameOf(request, 'SELECT delete_own_notes()');
      response.sendStatus(204);
    })
    .all(allow('GET, POST, DELETE'));

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
