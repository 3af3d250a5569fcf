// PostGraphile 4 on 127.0.0.1: each request's bearer token goes to the database as
// it came, and policies decide what is in the answer.  Prints its port, and at its
// end who each connection of its pool is, and with which token.
//
// usage: DATABASE_URL=... node server.cjs SCHEMA ANONYMOUS_ROLE

const http = require('node:http');
const { Pool } = require('pg');
const { postgraphile } = require('postgraphile');

const [schema, anonymousRole] = process.argv.slice(2);

// Few connections, so that they go from one client to the next.
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 2 });

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
process.on('SIGTERM', async () => {
  for (const client of await Promise.all([pool.connect(), pool.connect()])) {
    const { rows } = await client.query("SELECT current_user, current_setting('jwt_auth.token') AS token");

    console.log(`${rows[0].current_user},${rows[0].token}`);
  }
  process.exit(0);
});
