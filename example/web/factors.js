// The routes for passkeys, authenticator apps and recovery codes of whoever is
// signed in.  Where an older sign-in or one proof is not enough, the database
// raises 28J04, and the page steps up.

import { Router } from 'express';
import qrcode from 'qrcode-generator';
import { answersInNameOf, queriesInNameOf } from './requests.js';
import { allow, requireObjects, requireTexts } from './security.js';

export function factorRoutes({ pools }) {
  const router = Router();
  const queryInNameOf = queriesInNameOf(pools);
  const ask = answersInNameOf(pools);

  router.route('/factors')
    .get((request, response) => ask(request, response, 'SELECT jwt_factors()'))
    .all(allow('GET'));

  router.route('/factors/:id')
    .delete((request, response) => ask(request, response, 'SELECT jwt_remove_factor($1)', [request.params.id]))
    .all(allow('DELETE'));

  router.route('/passkeys')
    .get((request, response) => ask(request, response, 'SELECT jwt_passkey_register_options()'))
    .post(requireTexts('name'), requireObjects('credential'), (request, response) => {
      const { credential, name } = request.body;

      return ask(request, response, 'SELECT jwt_passkey_register($1, $2)', [JSON.stringify(credential), name]);
    })
    .all(allow('GET, POST'));

  router.route('/authenticators')
    .post(requireTexts('name'), (request, response) => ask(
      request, response, 'SELECT jwt_enroll_totp($1)', [request.body.name],
      (begun) => response.json(withQrCode(begun))))
    .all(allow('POST'));

  router.route('/authenticators/:id')
    .post(requireTexts('code'), (request, response) => ask(
      request, response, 'SELECT jwt_confirm_totp($1, $2)', [request.params.id, request.body.code]))
    .all(allow('POST'));

  router.route('/recovery-codes')
    .post((request, response) => ask(request, response, 'SELECT jwt_make_recovery_codes()'))
    .all(allow('POST'));

  // A ticket with which the session reaches a higher level.
  router.route('/step-up')
    .post((request, response) => ask(request, response, 'SELECT jwt_step_up()'))
    .all(allow('POST'));

  router.route('/events')
    .get(async (request, response) => {
      response.json((await queryInNameOf(request, 'SELECT * FROM own_events()')).rows);
    })
    .all(allow('GET'));

  return router;
}

// A new authenticator with what its app can scan
export function withQrCode(begun) {
  return { ...begun, qr: qrOf(begun.uri) };
}

// A QR code as a path of SVG, one square a module, and its size.
function qrOf(text) {
  const code = qrcode(0, 'M');

  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const squares = Array.from({ length: size * size }, (_, i) => [i % size, Math.floor(i / size)])
    .filter(([x, y]) => code.isDark(y, x));

  return { size, path: squares.map(([x, y]) => `M${x} ${y}h1v1h-1z`).join('') };
}
