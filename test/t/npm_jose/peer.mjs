// Does with the package jose what the lines of its input ask for, and answers
// each with a line: {"do":"verify"|"sign"|"generate"|"thumbprint", ...}.

import { createInterface } from 'node:readline';
import * as jose from 'jose';

const AUDIENCE = 'api';

const actions = {
  async verify({ alg, key, token }) {
    const imported = await jose.importJWK(key, alg);
    const { payload, protectedHeader } = await jose.jwtVerify(token, imported, {
      algorithms: [alg],
      audience: AUDIENCE,
    });

    return { claims: payload, header: protectedHeader };
  },

  async sign({ alg, key, claims }) {
    const imported = await jose.importJWK(key, alg);
    const header = { alg, typ: 'JWT', kid: key.kid };

    return { token: await new jose.SignJWT(claims).setProtectedHeader(header).sign(imported) };
  },

  async generate({ alg, curve, claims }) {
    if (alg.startsWith('HS')) {
      const secret = new Uint8Array(Number(alg.slice(2)) / 8).map((_, index) => 7 * index + 1);
      const key = { kty: 'oct', alg, k: jose.base64url.encode(secret) };
      const { token } = await actions.sign({ alg, key, claims });

      return { token, private: key, public: key };
    }
    const pair = await jose.generateKeyPair(alg, { extractable: true, crv: curve ?? undefined });
    const [privateKey, publicKey] = await Promise.all([
      jose.exportJWK(pair.privateKey),
      jose.exportJWK(pair.publicKey),
    ]);

    return {
      token: await new jose.SignJWT(claims).setProtectedHeader({ alg }).sign(pair.privateKey),
      private: { ...privateKey, alg },
      public: { ...publicKey, alg },
      pkcs8: await jose.exportPKCS8(pair.privateKey),
      spki: await jose.exportSPKI(pair.publicKey),
    };
  },

  async thumbprint({ key }) {
    return { thumbprint: await jose.calculateJwkThumbprint(key) };
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
