// Plays an identity provider (the package oidc-provider), and an application whose
// user logs in there by the authorization code flow with PKCE (openid-client). Each
// line of its input is answered with a line: {"do":"keys"}, {"do":"login"},
// {"do":"rotate"}.

import { createServer, request as httpsRequest } from 'node:https';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { exportJWK, generateKeyPair } from 'jose';
import { Issuer, generators } from 'openid-client';
import Provider from 'oidc-provider';

const [keyFile, certificateFile] = process.argv.slice(2);
const redirect = 'https://app.example/callback';
const clients = ['app', 'other'];

let provider;
const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certificateFile) }, (request, response) => {
  const uid = /^\/interaction\/([^/?]+)/.exec(request.url)?.[1];

  return uid ? finishInteraction(request, response) : provider.callback()(request, response);
});

await new Promise((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
const issuer = `https://localhost:${server.address().port}`;

// A provider with new keys, at the same place
async function makeProvider(generation) {
  const keys = await Promise.all(
    ['RS256', 'ES256'].map(async (alg) => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true });

      return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: `${alg}-${generation}` };
    }),
  );

  provider = new Provider(issuer, {
    clients: clients.map((id) => ({
      client_id: id,
      client_secret: `secret of ${id}`,
      redirect_uris: [redirect],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      id_token_signed_response_alg: id === 'app' ? 'RS256' : 'ES256',
    })),
    jwks: { keys },
    cookies: { keys: ['a key of the test'] },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
    ttl: { IdToken: 300, AccessToken: 300, AuthorizationCode: 60, Grant: 300, Session: 300, Interaction: 300 },
    findAccount: (context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@mail.example`, email_verified: true }),
    }),
  });
}

// The user types a name, and consents: both in one step
async function finishInteraction(request, response) {
  const { params, prompt } = await provider.interactionDetails(request, response);

  if (prompt.name === 'login')
    return provider.interactionFinished(request, response, { login: { accountId: params.login_hint } });
  const grant = new provider.Grant({ accountId: params.login_hint, clientId: params.client_id });

  grant.addOIDCScope('openid email');
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

// A browser: follows redirections with its cookies, to the application's page
function get(url, cookies) {
  return new Promise((resolve, reject) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');

    httpsRequest(url, { headers: { cookie } }, (response) => {
      for (const line of response.headers['set-cookie'] ?? []) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);

        cookies.set(name, value);
      }
      response.resume();
      response.on('end', () => resolve(response));
    })
      .on('error', reject)
      .end();
  });
}

async function browse(start) {
  const cookies = new Map();
  let url = start;

  while (!url.startsWith(redirect)) {
    const response = await get(url, cookies);

    if (!response.headers.location) throw new Error(`no redirection from ${url}: ${response.statusCode}`);
    url = new URL(response.headers.location, url).href;
  }
  return url;
}

let generation = 1;

const actions = {
  // What an operator loads from jwks_uri
  async keys() {
    const { metadata } = await Issuer.discover(issuer);
    const keys = await new Promise((resolve, reject) => {
      httpsRequest(metadata.jwks_uri, (response) => {
        let body = '';

        response.on('data', (part) => (body += part)).on('end', () => resolve(JSON.parse(body)));
      })
        .on('error', reject)
        .end();
    });

    return { issuer, jwks: keys, jwks_uri: metadata.jwks_uri };
  },

  // Tokens of an account for a client, with the nonce that is given
  async login({ account, client: id = 'app', nonce: given }) {
    const nonce = given ?? undefined;
    const { Client } = await Issuer.discover(issuer);
    const client = new Client({
      client_id: id,
      client_secret: `secret of ${id}`,
      redirect_uris: [redirect],
      response_types: ['code'],
      id_token_signed_response_alg: id === 'app' ? 'RS256' : 'ES256',
    });
    const verifier = generators.codeVerifier();
    const state = generators.state();
    const reached = await browse(
      client.authorizationUrl({
        scope: 'openid email',
        nonce,
        state,
        login_hint: account,
        code_challenge: generators.codeChallenge(verifier),
        code_challenge_method: 'S256',
      }),
    );
    const tokens = await client.callback(redirect, client.callbackParams(reached), {
      code_verifier: verifier,
      nonce,
      state,
    });

    return { id_token: tokens.id_token, access_token: tokens.access_token };
  },

  async rotate() {
    generation += 1;
    await makeProvider(generation);
    return {};
  },
};

await makeProvider(generation);
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;

  try {
    answer = await actions[request.do](request);
  } catch (error) {
    answer = { error: String(error.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
server.close();
