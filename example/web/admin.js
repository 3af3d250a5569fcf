// The routes of administrators.  Whether somebody is one, the database decides: each of
// these functions is granted to the role notes_admin alone, and asks for the scope.

import { Router } from 'express';
import { queriesInNameOf, sendAnswer, valueOf } from './requests.js';
import { allow, permitTexts, requireTexts } from './security.js';

export function adminRoutes({ pools }) {
  const router = Router();
  const queryInNameOf = queriesInNameOf(pools);
  const list = (sql) => async (request, response) => response.json((await queryInNameOf(request, sql)).rows);
  const act = (sql, valuesOf = () => []) => async (request, response) => {
    await queryInNameOf(request, sql, valuesOf(request));
    response.sendStatus(204);
  };

  router.route('/users').get(list('SELECT * FROM admin_users()')).all(allow('GET'));
  router.route('/events').get(list('SELECT * FROM admin_events()')).all(allow('GET'));
  router.route('/check').get(list('SELECT * FROM admin_check()')).all(allow('GET'));

  router.route('/keys')
    .get(list('SELECT * FROM admin_keys()'))
    .post(act('SELECT admin_rotate_key()'))
    .all(allow('GET, POST'));

  // duration: an interval of PostgreSQL, or nothing for a ban without end.
  router.route('/users/:id/ban')
    .post(requireTexts('reason'), permitTexts('duration'), act(
      'SELECT admin_ban($1, $2, $3)', ({ params, body }) => [params.id, body.reason, body.duration]))
    .delete(act('SELECT admin_unban($1)', ({ params }) => [params.id]))
    .all(allow('POST, DELETE'));

  router.route('/users/:id/sessions')
    .delete(act('SELECT admin_end_sessions($1)', ({ params }) => [params.id]))
    .all(allow('DELETE'));

  // An access token with which the administrator is that user for a while
  router.route('/users/:id/act')
    .post(requireTexts('reason'), async (request, response) => sendAnswer(response, valueOf(
      await queryInNameOf(request, 'SELECT admin_act_as($1, $2)', [request.params.id, request.body.reason]))))
    .all(allow('POST'));

  // The newest to each address; a revocation is for all of them.
  router.route('/invitations')
    .get(list('SELECT * FROM admin_invitations()'))
    .post(requireTexts('identifier', 'name'), act(
      'SELECT admin_invite($1, $2)', ({ body }) => [body.identifier, body.name]))
    .all(allow('GET, POST'));

  router.route('/invitations/:id')
    .delete(act('SELECT admin_revoke_invitation($1)', ({ params }) => [params.id]))
    .all(allow('DELETE'));

  return router;
}
