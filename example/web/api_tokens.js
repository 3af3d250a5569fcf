// The routes for API tokens, with which scripts act for a user, and the exchange of one
// for an access token.

import { Router } from 'express';
import { queriesInNameOf, queryAsGateway, sendAnswer, valueOf } from './requests.js';
import { allow, requireTexts } from './security.js';

export function apiTokenRoutes({ pools }) {
  const router = Router();
  const queryInNameOf = queriesInNameOf(pools);

  router.route('/tokens')
    .get(async (request, response) => {
      response.json(valueOf(await queryInNameOf(request, 'SELECT jwt_api_tokens()')));
    })
    .post(requireTexts('name', 'scope', 'expires_in'), async (request, response) => {
      const { name, scope, expires_in: life } = request.body;

      sendAnswer(response, valueOf(await queryInNameOf(request, 'SELECT jwt_create_api_token($1, $2, $3)', [name, scope, life])));
    })
    .all(allow('GET, POST'));

  router.route('/tokens/:id')
    .delete(async (request, response) => {
      await queryInNameOf(request, 'SELECT jwt_revoke_api_token($1)', [request.params.id]);
      response.sendStatus(204);
    })
    .all(allow('DELETE'));

  // For scripts, which have no cookie and no page.
  router.route('/token')
    .post(requireTexts('token'), async ({ body }, response) => {
      sendAnswer(response, await queryAsGateway(pools, 'SELECT jwt_login_api_token($1)', [body.token]));
    })
    .all(allow('POST'));

  return router;
}
