// An authenticator app: codes of RFC 6238.

import { createHmac } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const STEP_MS = 30_000;

// The code of a secret in base32, so many steps from now
export function codeOf(secret, steps = 0) {
  const counter = Buffer.alloc(8);

  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / STEP_MS) + steps));
  const mac = createHmac('sha1', bytesOf(secret)).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;

  return String(number % 1_000_000).padStart(6, '0');
}

function bytesOf(secret) {
  const bits = [...secret].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');

  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}
