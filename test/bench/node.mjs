// Verifies the same tokens with the npm packages fast-jwt and jose.
//
// usage: node node.mjs ALG DIRECTORY VERIFY_CALLS PACKAGES
//
// PACKAGES is the folder that npm installed into. Keys are imported once.
// "fast-jwt cached" verifies 500 tokens again that its cache already holds.

import { createPublicKey, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [alg, directory, callsText, packages] = process.argv.slice(2);
const calls = Number(callsText);
const require = createRequire(`${packages}/`);
const { createVerifier } = require('fast-jwt');
const { jwtVerify } = require('jose');

const read = (suffix) => readFileSync(`${directory}/${alg}.${suffix}`, 'utf8');
const tokens = read('tokens').trimEnd().split('\n');

const symmetric = alg.startsWith('HS');
const secret = symmetric ? Buffer.from(read('secret').trim(), 'hex') : null;
const pem = symmetric ? null : read('public.pem');
const keyObject = symmetric ? createSecretKey(secret) : createPublicKey(pem);

const print = (program, microseconds) =>
  console.log(`verify/${alg}/${program}\t${microseconds.toFixed(4)}`);

// As many calls again, before the clock starts, let the compiler settle.
async function measure(program, verify, some) {
  let start = 0n;
  for (let i = -calls; i < calls; i++) {
    if (i === 0) start = process.hrtime.bigint();
    const result = verify(some[Math.abs(i) % some.length]);
    if (result instanceof Promise) await result;
  }
  print(program, Number(process.hrtime.bigint() - start) / 1e3 / calls);
}

const key = symmetric ? secret : pem;
const algorithms = [alg];
const uncached = createVerifier({ key, algorithms, cache: false });
const cached = createVerifier({ key, algorithms, cache: 1000 });

await measure('fast-jwt', uncached, tokens);
await measure('fast-jwt cached', cached, tokens.slice(0, 500));
await measure('jose', (token) => jwtVerify(token, keyObject, { algorithms }),
  tokens);
