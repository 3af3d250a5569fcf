// The routes for what the signed-in user is called: lists, adds, confirms and removes
// addresses.  Others learn nothing: whether an address is taken, only its owner is told.

import { Router } from 'express';
import { answersInNameOf } from './requests.js';
import { allow, permitTexts, requireTexts } from './security.js';

export function addressRoutes({ pools }) {
  const router = Router();
  const ask = answersInNameOf(pools);

  router.route('/')
    .get((request, response) => ask(request, response, 'SELECT jwt_identifiers()'))
    .post(requireTexts('identifier'), (request, response) => ask(
      request, response, 'SELECT jwt_add_identifier($1)', [request.body.identifier]))
    .all(allow('GET, POST'));

  // token: of a link, or a code with the flow that the page was given for it.
  router.route('/confirm')
    .post(requireTexts('token'), permitTexts('flow'), (request, response) => ask(
      request, response, 'SELECT jwt_confirm_identifier($1, $2)', [request.body.token, request.body.flow]))
    .all(allow('POST'));

  router.route('/:address')
    .delete((request, response) => ask(
      request, response, 'SELECT jwt_remove_identifier($1)', [request.params.address]))
    .all(allow('DELETE'));

  return router;
}
