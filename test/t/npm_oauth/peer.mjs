// Plays the gateway of an application, over HTTP on the loopback, and its clients (the
// package oauth4webapi). Each line of its input is answered with a line:
// {"do":"discover"}, {"do":"grant"}, {"do":"refresh"}, {"do":"check"}, {"do":"key"}.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { webcrypto } from 'node:crypto';
import pg from 'pg';

// Node.js 18 has it in the module only
globalThis.crypto ??= webcrypto;
const oauth = await import('oauth4webapi');

const pool = new pg.Pool({ connectionString: process.argv[2], max: 2 });

async function call(query, ...values) {
  const { rows } = await pool.query(`SELECT ${query} AS answer`, values);

  return rows[0].answer;
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(JSON.stringify(body));
}

async function read(request) {
  let body = '';

  for await (const part of request) body += part;
  return body;
}

// The form's fields, and what stands in the header of HTTP Basic (RFC 6749 section 2.3.1)
function parameters(request, body) {
  const fields = Object.fromEntries(new URLSearchParams(body));
  const [, basic] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];

  if (!basic) return fields;
  const [id, secret] = Buffer.from(basic, 'base64').toString().split(':');
  const decode = (text) => decodeURIComponent(text.replaceAll('+', ' '));

  return { ...fields, client_id: decode(id), client_secret: decode(secret) };
}

async function token(request, response) {
  const answer = await call('jwt_token($1)', JSON.stringify(parameters(request, await read(request))));

  if (!answer.error) return send(response, 200, answer);
  if (answer.error !== 'invalid_client') return send(response, 400, answer);
  return send(response, 401, answer, request.headers.authorization ? { 'www-authenticate': 'Basic realm="token"' } : {});
}

const pages = {
  '/.well-known/oauth-authorization-server': async (request, response) => send(response, 200, await call('jwt_discovery()')),
  '/jwks': async (request, response) => send(response, 200, await call('jwt_jwks()')),
  '/token': token,
};

const server = createServer((request, response) => {
  const page = pages[request.url] ?? (async () => send(response, 404, {}));

  page(request, response).catch((error) => send(response, 500, { error: String(error) }));
});

await new Promise((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
const issuer = new URL(`http://127.0.0.1:${server.address().port}`);
const options = { [oauth.allowInsecureRequests]: true };
const keys = {};
let as;

const methods = {
  basic: ({ secret }) => oauth.ClientSecretBasic(secret),
  post: ({ secret }) => oauth.ClientSecretPost(secret),
  signed: ({ key, changed = {} }) =>
    oauth.PrivateKeyJwt({ key: keys[key].privateKey, kid: key }, {
      [oauth.modifyAssertion]: (header, payload) => {
        Object.assign(payload, changed);
      },
    }),
  none: () => oauth.None(),
};

const actions = {
  issuer: async () => ({ issuer: issuer.href.replace(/\/$/, '') }),

  async discover() {
    const identifier = new URL(issuer.href.replace(/\/$/, ''));
    const response = await oauth.discoveryRequest(identifier, { algorithm: 'oauth2', ...options });

    as = await oauth.processDiscoveryResponse(identifier, response);
    return as;
  },

  // A pair of keys of the client's own, of which the public half is told
  async key({ kid, alg }) {
    keys[kid] = await oauth.generateKeyPair(alg, { extractable: true });
    return { ...(await crypto.subtle.exportKey('jwk', keys[kid].publicKey)), kid, alg, use: 'sig' };
  },

  async grant({ client: id, method, scope, ...shown }) {
    const client = { client_id: id };
    const form = new URLSearchParams(scope === undefined ? {} : { scope });
    const response = await oauth.clientCredentialsGrantRequest(as, client, methods[method](shown), form, options);

    return oauth.processClientCredentialsResponse(as, client, response);
  },

  async refresh({ client: id, token: refreshToken }) {
    const client = { client_id: id };
    const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), refreshToken, options);

    return oauth.processRefreshTokenResponse(as, client, response);
  },

  // What an API makes of an access token (RFC 9068)
  async check({ token: accessToken, audience }) {
    const request = new Request('https://api.example/', { headers: { authorization: `Bearer ${accessToken}` } });

    return oauth.validateJwtAccessToken(as, request, audience, options);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;

  try {
    answer = await actions[request.do](request);
  } catch (error) {
    answer = { failed: error.name, error: error.error ?? error.code, status: error.status ?? error.response?.status, message: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await pool.end();
server.close();
