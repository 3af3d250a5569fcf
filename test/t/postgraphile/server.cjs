// PostGraphile on 127.0.0.1: each request's bearer token goes to the database as
// it came, and policies decide what is in the answer.  Prints its port.
//
// usage: node server.cjs CONNECTION_STRING SCHEMA ROLE

const http = require('node:http');
const { Pool } = require('pg');
const { postgraphile } = require('postgraphile');

const [connectionString, schema, role] = process.argv.slice(2);

// Few connections, so that they go from one client to the next.
const pool = new Pool({ connectionString, max: 2 });

// The setting is local to the request's transaction.  Without credentials it
// must be set, too, since a connection may hold what was left on it.
function pgSettings(request) {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];

  return { role, 'jwt_auth.token': token ?? '' };
}

// A bad token is the client's to renew: 401, as RFC 6750 has it.
function handleErrors(errors, request, response) {
  const codes = errors.map((error) => error.originalError?.code ?? '');

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
