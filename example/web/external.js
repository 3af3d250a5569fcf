// The routes to sign in with an identity provider, and to link one's identity there
// to the account.

import { Router } from 'express';
import { parse } from 'cookie';
import { refuse } from './errors.js';
import { isRefusal } from './openid.js';
import { queriesInNameOf, queryAsGateway, sendAnswer, valueOf } from './requests.js';
import { allow, requireTexts } from './security.js';

// What the database and people call the provider.
const PROVIDER = 'example-id';
const NAME = 'Example ID';

const FLOW_LIFE_MS = 600_000;

// begin: starts a session and sends its tokens, or why there are none.
export function externalRoutes({ pools, openid, ownPages, cookie, begin }) {
  const router = Router();
  const queryInNameOf = queriesInNameOf(pools);
  const name = cookie.name.replace('refresh_token', 'external');

  // What this browser began, or holds until it is linked.  Nobody else's answer of
  // the provider fits to it.
  function keepFlow(response, flow) {
    response.cookie(name, JSON.stringify(flow), { ...cookie.options, maxAge: FLOW_LIFE_MS });
  }

  function dropFlow(response) {
    response.clearCookie(name, cookie.options);
  }

  function requireFlow(request, response, next) {
    request.flow = flowIn(parse(request.get('Cookie') ?? '')[name]);
    if (request.flow) {
      next();
    } else {
      refuse(response, 400, 'external_failed', 'this browser did not begin it, or more than ten minutes ago');
    }
  }

  // Puts tokens in place of the flow.  A code is good for one exchange.
  async function exchange(request, response, next) {
    if (!request.flow.idToken) {
      try {
        request.flow = await openid.finish(request.flow, request.body.response);
      } catch (error) {
        dropFlow(response);
        if (!isRefusal(error)) {
          throw error;
        }
        refuse(response, 400, 'external_failed', 'the provider did not confirm it');
        return;
      }
    }
    next();
  }

  router.route('/')
    .post(ownPages, async (request, response) => {
      if (!openid.isAvailable) {
        refuse(response, 404, 'not_found', 'there is no identity provider');
        return;
      }
      const sql = 'SELECT jwt_external_nonce()';
      const { nonce } = request.get('Authorization')
        ? valueOf(await queryInNameOf(request, sql))
        : await queryAsGateway(pools, sql);
      const { url, flow } = await openid.begin(`${request.get('Origin')}/`, nonce);

      keepFlow(response, flow);
      response.json({ url });
    })
    .all(allow('POST'));

  // "account_exists": the page lets the user sign in as ever, and asks for the link.
  router.route('/sign-in')
    .post(ownPages, requireTexts('response'), requireFlow, exchange, (request, response) => {
      const { nonce, idToken, accessToken } = request.flow;

      return begin(request, response, 'SELECT jwt_login_external($1, $2, $3, $4)', [PROVIDER, idToken, nonce, accessToken], {
        beforeAnswer: ({ link_token: linkToken, ...answer }) => {
          if (linkToken) {
            keepFlow(response, { ...request.flow, linkToken });
          } else {
            dropFlow(response);
          }
          return answer;
        },
      });
    })
    .all(allow('POST'));

  router.route('/link')
    .post(ownPages, requireTexts('response'), requireFlow, exchange, async (request, response) => {
      const { nonce, idToken, accessToken, linkToken } = request.flow;

      try {
        const { rows } = await queryInNameOf(
          request, 'SELECT jwt_link_external($1, $2, $3, $4, $5)', [PROVIDER, idToken, nonce, accessToken, linkToken]);

        dropFlow(response);
        sendAnswer(response, valueOf({ rows }));
      } catch (error) {
        // Perhaps it is asked again, after a step-up.
        keepFlow(response, request.flow);
        throw error;
      }
    })
    .all(allow('POST'));

  return router;
}

// What the provider is called, if there is one, and the identities of whoever is signed in.
export function identityRoutes({ pools, openid }) {
  const router = Router();
  const queryInNameOf = queriesInNameOf(pools);

  router.route('/provider')
    .get((request, response) => {
      openid.isAvailable ? response.json({ name: NAME }) : response.sendStatus(204);
    })
    .all(allow('GET'));

  router.route('/identities')
    .get(async (request, response) => {
      response.json(valueOf(await queryInNameOf(request, 'SELECT jwt_identities()')));
    })
    .all(allow('GET'));

  router.route('/identities/:provider/:subject')
    .delete(async (request, response) => {
      const { provider, subject } = request.params;

      sendAnswer(response, valueOf(await queryInNameOf(request, 'SELECT jwt_unlink_external($1, $2)', [provider, subject])));
    })
    .all(allow('DELETE'));

  return router;
}

// Anybody can write a cookie of the own browser.
function flowIn(text) {
  try {
    const flow = JSON.parse(text);
    const has = (...names) => names.every((name) => name in flow);
    const isSound = Object.values(flow).every((value) => typeof value === 'string')
      && (has('nonce', 'redirect', 'state', 'verifier') || has('nonce', 'idToken', 'accessToken'));

    return isSound ? flow : undefined;
  } catch {
    return undefined;
  }
}
