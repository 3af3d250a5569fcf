// The way to the identity provider: the authorization code flow with PKCE.  What
// comes of it is an ID token, which the database judges.

import { errors, generators, Issuer } from 'openid-client';

// issuer: the provider's address; without one there is no provider.
export function createOpenid({ issuer, clientId }) {
  let discovery;

  async function clientFor(redirect) {
    discovery ??= Issuer.discover(issuer).catch((error) => {
      discovery = undefined;
      throw error;
    });
    const { Client } = await discovery;

    return new Client({
      client_id: clientId,
      redirect_uris: [redirect],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    });
  }

  return {
    isAvailable: Boolean(issuer),

    // Where to send the browser, and what it must bring along when it comes back.
    async begin(redirect, nonce) {
      const client = await clientFor(redirect);
      const flow = { redirect, nonce, state: generators.state(), verifier: generators.codeVerifier() };
      const url = client.authorizationUrl({
        scope: 'openid email profile',
        prompt: 'login',
        nonce,
        state: flow.state,
        code_challenge: generators.codeChallenge(flow.verifier),
        code_challenge_method: 'S256',
      });

      return { url, flow };
    },

    // The tokens for the query string with which the browser came back.
    async finish({ redirect, nonce, state, verifier }, query) {
      const client = await clientFor(redirect);
      const tokens = await client.callback(redirect, client.callbackParams(`${redirect}${query}`), {
        nonce, state, code_verifier: verifier, response_type: 'code',
      });

      return { nonce, idToken: tokens.id_token, accessToken: tokens.access_token };
    },
  };
}

// Whether the provider or the browser, and not the network, is why there are no tokens.
export function isRefusal(error) {
  return error instanceof errors.OPError || error instanceof errors.RPError;
}
