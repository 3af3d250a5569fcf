// PostGraphile on 127.0.0.1: each request's bearer token goes to the database as
// it came, and policies decide what is in the answer.  Prints its port.
//
// usage: node server.cjs CONNECTION_STRING SCHEMA ANONYMOUS_ROLE

const http = require('node:http');
const { Pool } = require('pg');
const { postgraphile } = require('postgraphile');

const [connectionString, schema, anonymousRole] = process.argv.slice(2);

// Few connections, so that they go from one client to the next.
const pool = new Pool({ connectionString, max: 2 });

// Verifies the token before anything runs with its role.
async function roleOf(token) {
  const { rows } = await pool.query(
    "SELECT jwt_role() AS role FROM set_config('jwt_auth.token', $1, true)", [token]);

  return rows[0].role;
}

// The settings are local to the request's transaction.  Without credentials the
// token must be set, too, since a connection may hold what was left on it.
async function pgSettings(request) {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const role = token && (await roleOf(token));

  return { role: role || anonymousRole, 'jwt_auth.token': token ?? '' };
}

// A bad token is the client's to renew: 401, as RFC 6750 has it.
function handleErrors(errors, request, response) {
  const codes = errors.map((error) => (error.originalError ?? error).code ?? '');

  if (codes.some((code) => /^28J0[012]$/.test(code))) {
    response.statusCode = 401;
    response.setHeader('WWW-Authenticate', 'Bearer error="invalid_token"');
  }
  return errors.map((error, i) => ({ message: error.message, code: codes[i] }));
}

const server = http.createServer(
  postgraphile(pool, schema, {
    pgSettings,
    handleErrors,
    ignoreRBAC: false,
    disableQueryLog: true,
    retryOnInitFail: false,
  }),
);

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.on('SIGTERM', () => process.exit(0));
