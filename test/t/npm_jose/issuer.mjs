// Plays another issuer of tokens, and another verifier of ours, with the package
// jose. Each line of its input is answered with a line:
// {"do":"issuer"}, {"do":"issue"}, {"do":"verify"}.

import { createInterface } from 'node:readline';
import * as jose from 'jose';

const issuers = new Map();

const actions = {
  // An issuer with a key for each algorithm, and its public JWK Set
  async issuer({ name, algs }) {
    const pairs = await Promise.all(
      algs.map(async (alg, index) => {
        const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true });

        return { alg, kid: `${alg}-${index}`, privateKey, public: await jose.exportJWK(publicKey) };
      }),
    );

    issuers.set(name, pairs);
    return { jwks: { keys: pairs.map(({ alg, kid, public: jwk }) => ({ ...jwk, alg, kid, use: 'sig' })) } };
  },

  // A token of an issuer; "forge" names the issuer that it claims to be
  async issue({ name, alg, claims, typ = 'JWT', expires = '5m', withKid = true, forge = name, audience = 'api' }) {
    const pair = issuers.get(name).find((candidate) => candidate.alg === alg);
    const header = { alg, typ, ...(withKid ? { kid: pair.kid } : {}) };
    const token = new jose.SignJWT(claims)
      .setProtectedHeader(header)
      .setIssuer(forge)
      .setIssuedAt()
      .setExpirationTime(expires)
      .setJti('j1');

    if (audience !== null) token.setAudience(audience);
    return { token: await token.sign(pair.privateKey) };
  },

  // What a verifier that loaded our JWK Set says
  async verify({ jwks, token, issuer, audience }) {
    const { payload, protectedHeader } = await jose.jwtVerify(token, jose.createLocalJWKSet(jwks), {
      issuer,
      audience,
      requiredClaims: ['exp', 'iat', 'jti'],
    });

    return { claims: payload, header: protectedHeader };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;

  try {
    answer = await actions[request.do](request);
  } catch (error) {
    answer = { error: error.code ?? String(error) };
  }
  console.log(JSON.stringify(answer));
}
