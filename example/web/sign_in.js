// The routes to sign in.  Which proofs are needed is the database's affair: it
// answers with tokens, or with a ticket: "mfa_required" for the second factor, or
// "mfa_enrollment_required" to add the first one.

import { Router } from 'express';
import { transaction } from './database.js';
import { mailRoutes } from './by_mail.js';
import { externalRoutes } from './external.js';
import { withQrCode } from './factors.js';
import { describeClient, queryAsGateway, refreshTokenOf, sendAnswer, valueOf } from './requests.js';
import { allow, allowOrigins, requireObjects, requireTexts } from './security.js';

export function signInRoutes({ pools, origins, cookie, openid }) {
  const router = Router();
  const ownPages = allowOrigins(origins);
  const proof = [ownPages, requireTexts('mfa_token', 'method'), requireObjects('response')];

  // Whoever signs in gets the access token in the answer, for the memory of
  // the page, and the refresh token in a cookie that no script can read.  A new
  // password alone begins no session.
  function sendTokens(response, { refresh_token, refresh_expires_in, ...answer }) {
    if (!refresh_token) {
      response.json(answer);
      return;
    }
    response.cookie(cookie.name, refresh_token, { ...cookie.options, maxAge: refresh_expires_in * 1000 });
    response.json(answer);
  }

  // Sends the tokens of a new session, or why there are none.  The new cookie
  // replaces that of a session which nobody could end then.
  async function begin(request, response, sql, values, { pool = pools.requests, beforeAnswer = (answer) => answer } = {}) {
    const former = refreshTokenOf(request, cookie);
    const answer = await transaction(pool, async (client) => {
      await describeClient(client, request);
      const tokens = valueOf(await client.query(sql, values));

      if (tokens.access_token && former) {
        await client.query('SELECT jwt_revoke($1)', [former]);
      }
      return tokens;
    });

    sendAnswer(response, beforeAnswer(answer), (tokens) => sendTokens(response, tokens));
  }

  router.use(mailRoutes({ pools, ownPages, cookie, begin }));
  router.use('/external', externalRoutes({ pools, openid, ownPages, cookie, begin }));

  router.route('/login')
    .post(ownPages, requireTexts('username', 'password'), (request, response) => {
      const { username, password } = request.body;

      return begin(request, response, 'SELECT jwt_login($1, $2)', [username, password], { pool: pools.passwords });
    })
    .all(allow('POST'));

  // What the browser is to ask a passkey for, and what that answered.
  router.route('/passkey')
    .get(async (request, response) => {
      response.json(await queryAsGateway(pools, 'SELECT jwt_passkey_login_options()'));
    })
    .post(ownPages, requireObjects('credential'), (request, response) => begin(
      request, response, 'SELECT jwt_passkey_login($1)', [JSON.stringify(request.body.credential)]))
    .all(allow('GET, POST'));

  router.route('/second-factor')
    .post(proof, (request, response) => begin(
      request, response, 'SELECT jwt_mfa_verify($1, $2, $3)', proofIn(request)))
    .all(allow('POST'));

  router.route('/second-factor/options')
    .post(ownPages, requireTexts('mfa_token', 'method'), async (request, response) => {
      const { mfa_token: ticket, method } = request.body;

      sendAnswer(response, await queryAsGateway(pools, 'SELECT jwt_mfa_options($1, $2)', [ticket, method]));
    })
    .all(allow('POST'));

  // The ticket of whoever must have a factor, and has none, adds the first one, which
  // begins the session.
  router.route('/enrollment/authenticator')
    .post(ownPages, requireTexts('mfa_token', 'name'), async ({ body }, response) => sendAnswer(
      response, await queryAsGateway(pools, 'SELECT jwt_enroll_totp($1, $2)', [body.name, body.mfa_token]),
      (begun) => response.json(withQrCode(begun))))
    .all(allow('POST'));

  router.route('/enrollment/authenticator/:id')
    .post(ownPages, requireTexts('mfa_token', 'code'), (request, response) => begin(
      request, response, 'SELECT jwt_confirm_totp($1, $2, $3)', [request.params.id, request.body.code, request.body.mfa_token]))
    .all(allow('POST'));

  router.route('/enrollment/passkey/options')
    .post(ownPages, requireTexts('mfa_token'), async ({ body }, response) => sendAnswer(
      response, await queryAsGateway(pools, 'SELECT jwt_passkey_register_options($1)', [body.mfa_token])))
    .all(allow('POST'));

  router.route('/enrollment/passkey')
    .post(ownPages, requireTexts('mfa_token', 'name'), requireObjects('credential'), (request, response) => {
      const { credential, name, mfa_token: ticket } = request.body;

      return begin(request, response, 'SELECT jwt_passkey_register($1, $2, $3)', [JSON.stringify(credential), name, ticket]);
    })
    .all(allow('POST'));

  // The session goes on, at a higher level and with another cookie.
  router.route('/step-up')
    .post(proof, async (request, response) => {
      const answer = await queryAsGateway(pools, 'SELECT jwt_mfa_verify($1, $2, $3)', proofIn(request));

      sendAnswer(response, answer, (tokens) => sendTokens(response, tokens));
    })
    .all(allow('POST'));

  router.route('/refresh')
    .post(ownPages, async (request, response) => {
      const token = refreshTokenOf(request, cookie);

      // Whoever opens the page without being signed in has made no mistake.
      if (!token) {
        response.sendStatus(204);
        return;
      }
      const answer = await queryAsGateway(pools, 'SELECT jwt_refresh($1)', [token]);

      if (answer.error) {
        response.clearCookie(cookie.name, cookie.options);
      }
      sendAnswer(response, answer, (tokens) => sendTokens(response, tokens));
    })
    .all(allow('POST'));

  return router;
}

function proofIn({ body }) {
  return [body.mfa_token, body.method, JSON.stringify(body.response)];
}
