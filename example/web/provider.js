// An identity provider that stands in for Google and the like.  It believes whatever
// address somebody types, and is for the example alone.
//
// Prints its address once it listens, on 127.0.0.1, and ends when its input does.
// Environment: CLIENT_ID, and REDIRECT_URIS with spaces between them.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import Provider from 'oidc-provider';

const HOST = '127.0.0.1';
const SCOPE = 'openid email profile';

const { CLIENT_ID, REDIRECT_URIS } = process.env;
const server = createServer();

server.listen(0, HOST, () => {
  const issuer = `http://${HOST}:${server.address().port}`;
  const provider = createProvider(issuer);
  const answer = provider.callback();

  server.on('request', (request, response) => (
    request.url.startsWith('/interaction/') ? interact(provider, request, response) : answer(request, response)));
  console.log(issuer);
});
process.stdin.on('end', () => process.exit()).resume();

function createProvider(issuer) {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: CLIENT_ID,
      redirect_uris: REDIRECT_URIS.split(' '),
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }],
    jwks: { keys: [createKey()] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (context, { uid }) => `/interaction/${uid}` },
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 300, IdToken: 300, Interaction: 600, Session: 600 },
    findAccount: (context, address) => ({
      accountId: address,
      claims: () => ({ sub: address, email: address, email_verified: true, name: address.split('@')[0] }),
    }),
    // Nobody is asked whether the application may know the address.
    loadExistingGrant: async ({ oidc: { client, session } }) => {
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });

      grant.addOIDCScope(SCOPE);
      await grant.save();
      return grant;
    },
  });

  return provider;
}

function createKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  return { ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: 'example-1' };
}

// Shows the form, and takes what was typed; "cancel" is a button of it.
async function interact(provider, request, response) {
  try {
    await provider.interactionDetails(request, response);
    if (request.method !== 'POST') {
      response.setHeader('Content-Type', 'text/html; charset=utf-8').end(FORM);
      return;
    }
    const fields = new URLSearchParams(await text(request));

    await provider.interactionFinished(request, response, fields.has('cancel')
      ? { error: 'access_denied', error_description: 'the user cancelled' }
      : { login: { accountId: fields.get('email') } });
  } catch (error) {
    response.writeHead(400, { 'Content-Type': 'text/plain' }).end(error.message);
  }
}

const FORM = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Example ID</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; }
  input, button { font: inherit; padding: .5rem; width: 100%; box-sizing: border-box; margin: .25rem 0; }
</style>
<h1>Example ID</h1>
<p>This stands in for an identity provider such as Google. It believes whatever address you type.</p>
<form method="post">
  <label for="email">E-mail address</label>
  <input id="email" name="email" type="email" autocomplete="email" required autofocus>
  <button>Continue to Notebook</button>
  <button name="cancel" value="1" formnovalidate>Cancel</button>
</form>
</html>
`;
