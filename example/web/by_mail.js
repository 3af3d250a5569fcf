// The routes for whoever proves an address: to sign up, to sign in without a password,
// and to choose a new one.  Each sends a link and a code to the address, and takes one
// of the two back.  Invitations, and links that undo a change, nobody asked for.
//
// A code counts only in the browser that asked for it, which has the "flow" as a cookie.
// The answers are the same whether there is an account or not.

import { Router } from 'express';
import { transaction } from './database.js';
import { cookieIn, sendAnswer, valueOf } from './requests.js';
import { allow, permitTexts, requireTexts } from './security.js';

// values: those of a request's body; proof: what is redeemed
const KINDS = {
  'sign-up': {
    request: 'SELECT jwt_sign_up($1, $2, $3)',
    values: ({ identifier, password, name }) => [identifier, password, JSON.stringify({ name })],
    texts: ['identifier', 'password', 'name'],
    redeem: 'SELECT jwt_confirm_sign_up($1, $2, $3)',
  },
  login: {
    request: 'SELECT jwt_request_login($1)',
    redeem: 'SELECT jwt_login_code($1, $2)',
    proof: ({ token }, flow) => [token, flow],
  },
  recovery: {
    request: 'SELECT jwt_request_recovery($1)',
    redeem: 'SELECT jwt_recover($1, $3, $2)',
  },
  invitation: {
    redeem: 'SELECT jwt_accept_invitation($1, $2)',
    proof: ({ token, password }) => [token, password],
  },
  undo: {
    redeem: 'SELECT jwt_undo_change($1)',
    proof: ({ token }) => [token],
  },
};

const withPassword = ({ token, password }, flow) => [token, flow, password];

// begin: starts a session and sends its tokens, or what else was answered.
export function mailRoutes({ pools, ownPages, cookie, begin }) {
  const router = Router();

  for (const [kind, { request: sql, values = ({ identifier }) => [identifier], texts = ['identifier'], redeem, proof = withPassword }] of Object.entries(KINDS)) {
    const name = cookie.name.replace('refresh_token', `${kind}_flow`);

    if (sql) {
      router.route(`/${kind}/request`)
        .post(ownPages, requireTexts(...texts), async ({ body }, response) => {
          const answer = await transaction(pools.passwords, async (client) => valueOf(await client.query(sql, values(body))));

          sendAnswer(response, answer, ({ flow, expires_in: seconds, status }) => {
            response.cookie(name, flow, { ...cookie.options, maxAge: seconds * 1000 });
            response.json({ status });
          });
        })
        .all(allow('POST'));
    }

    // password: the new one, and with a sign-up only where that is asked for.
    router.route(`/${kind}/redeem`)
      .post(ownPages, requireTexts('token'), permitTexts('password'), (request, response) => {
        const flow = cookieIn(request, name);

        return begin(request, response, redeem, proof(request.body, flow), { pool: pools.passwords });
      })
      .all(allow('POST'));
  }
  return router;
}
