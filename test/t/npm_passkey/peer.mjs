// Passkeys of an authenticator in software, right ones and ones with a single
// thing wrong, and what the package @simplewebauthn/server says of each. Prints a
// line for each: {name, is_right, credential, key, expected, verdict}; key is NULL
// for a registration, verdict what the package tells, or its error.

import { createHash, generateKeyPairSync, sign, webcrypto } from 'node:crypto';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';

globalThis.crypto ??= webcrypto;

const RP_ID = 'example.org';
const ORIGIN = 'https://example.org';
const CHALLENGE = Buffer.alloc(32, 'c').toString('base64url');
const USER_HANDLE = Buffer.alloc(16, 'u').toString('base64url');
const ID = Buffer.alloc(20, 'i');
const AAGUID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const [UP, UV, BE, BS, AT, ED] = [0x01, 0x04, 0x08, 0x10, 0x40, 0x80];

const sha256 = (data) => createHash('sha256').update(data).digest();
const uint = (size, value) => {
  const bytes = Buffer.alloc(size);

  bytes.writeUIntBE(value, 0, size);
  return bytes;
};

// CBOR in its shortest form: integers, strings, bytes, booleans, maps and arrays.
function head(kind, value) {
  if (value < 24) return Buffer.from([(kind << 5) | value]);
  if (value < 0x100) return Buffer.from([(kind << 5) | 24, value]);
  return Buffer.concat([Buffer.from([(kind << 5) | 25]), uint(2, value)]);
}

function cbor(value) {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4]);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  return Buffer.concat([head(5, value.size), ...[...value].flat().map(cbor)]);
}

const curves = { 'P-256': 1, 'P-384': 2, 'P-521': 3 };
const algorithms = {
  ES256: { cose: -7, hash: 'sha256', make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  ES384: { cose: -35, hash: 'sha384', make: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }) },
  ES512: { cose: -36, hash: 'sha512', make: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }) },
  EdDSA: { cose: -8, hash: null, make: () => generateKeyPairSync('ed25519') },
  RS256: { cose: -257, hash: 'sha256', make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }) },
};

function makeKey(alg) {
  const { privateKey, publicKey } = algorithms[alg].make();
  const jwk = publicKey.export({ format: 'jwk' });
  const octets = (name) => Buffer.from(jwk[name], 'base64url');
  const common = [[1, { OKP: 1, EC: 2, RSA: 3 }[jwk.kty]], [3, algorithms[alg].cose]];
  const own = {
    EC: () => [[-1, curves[jwk.crv]], [-2, octets('x')], [-3, octets('y')]],
    OKP: () => [[-1, 6], [-2, octets('x')]],
    RSA: () => [[-1, octets('n')], [-2, octets('e')]],
  }[jwk.kty]();

  return { alg, privateKey, jwk: { ...jwk, alg }, cose: new Map([...common, ...own]) };
}

const signed = (key, input) => sign(algorithms[key.alg].hash, input, key.privateKey);

// What the browser says; a text is taken as it is.
function clientData(type, changes) {
  if (Buffer.isBuffer(changes)) return changes;
  return Buffer.from(JSON.stringify({ type, challenge: CHALLENGE, origin: ORIGIN, crossOrigin: false, ...changes }));
}

function authenticatorData({ rpId = RP_ID, flags, counter = 1, attested = [], extensions = [] }) {
  return Buffer.concat([sha256(rpId), uint(1, flags), uint(4, counter), ...attested, ...extensions]);
}

function credentialOf(id, response) {
  const text = id.toString('base64url');

  return {
    id: text,
    rawId: text,
    type: 'public-key',
    authenticatorAttachment: 'platform',
    clientExtensionResults: {},
    response: Object.fromEntries(
      Object.entries(response).map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString('base64url') : value]),
    ),
  };
}

function registration(key, { id = ID, idLength, cose = key.cose, format = 'none', statement = new Map(), members, behind, client, ...says }) {
  const attested = [AAGUID, uint(2, idLength ?? id.length), id, Buffer.isBuffer(cose) ? cose : cbor(cose)];
  const data = authenticatorData({ flags: UP | UV | AT, attested, ...says });
  const object = cbor(new Map(members?.(data) ?? [['fmt', format], ['attStmt', statement], ['authData', data]]));

  return credentialOf(ID, {
    clientDataJSON: clientData('webauthn.create', client),
    attestationObject: Buffer.concat([object, behind ?? Buffer.alloc(0)]),
    transports: ['internal', 'hybrid'],
  });
}

function assertion(key, { client, signature = (right) => right, input = (data, hash) => Buffer.concat([data, hash]), ...says }) {
  const json = clientData('webauthn.get', client);
  const data = authenticatorData({ flags: UP | UV, counter: 6, ...says });

  return credentialOf(ID, {
    clientDataJSON: json,
    authenticatorData: data,
    signature: signature(signed(key, input(data, sha256(json)))),
    userHandle: USER_HANDLE,
  });
}

// What the package says: what it read, or the error.
async function judged(verify) {
  try {
    return await verify();
  } catch (error) {
    return { error: String(error) };
  }
}

const common = { expectedChallenge: CHALLENGE, expectedOrigin: ORIGIN, expectedRPID: RP_ID };

function judgeRegistration(response) {
  return judged(async () => {
    const supportedAlgorithmIDs = Object.values(algorithms).map(({ cose }) => cose);
    const { verified, registrationInfo: info } = await verifyRegistrationResponse({ ...common, response, supportedAlgorithmIDs });

    return verified
      ? { id: info.credential.id, counter: info.credential.counter, aaguid: info.aaguid, user_verified: info.userVerified, backed_up: info.credentialBackedUp, backup_eligible: info.credentialDeviceType === 'multiDevice' }
      : { error: 'not verified' };
  });
}

function judgeAssertion(response, key, counter) {
  return judged(async () => {
    const credential = { id: ID.toString('base64url'), publicKey: cbor(key.cose), counter };
    const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({ ...common, response, credential });

    return verified
      ? { id: info.credentialID, counter: info.newCounter, user_verified: info.userVerified, backed_up: info.credentialBackedUp, backup_eligible: info.credentialDeviceType === 'multiDevice' }
      : { error: 'not verified' };
  });
}

async function report(name, is_right, credential, key, counter = 5, public_key = undefined) {
  const expected = { challenge: CHALLENGE, origins: [ORIGIN], rp_id: RP_ID };
  const verdict = key ? await judgeAssertion(credential, key, counter) : await judgeRegistration(credential);

  if (key) Object.assign(expected, { counter, backup_eligible: null, credential_id: ID.toString('base64url'), user_handle: USER_HANDLE });
  else expected.algorithms = Object.keys(algorithms);
  console.log(JSON.stringify({ name, is_right, credential, key: key?.jwk ?? null, public_key, expected, verdict }));
}

// Every member of the JSON form, each with every kind of damage.
const damages = {
  missing: () => undefined,
  null: () => null,
  'a number': () => 1,
  true: () => true,
  'a list of itself': (value) => [value],
  'an object': () => ({}),
  empty: () => '',
  padded: (text) => `${text}=`,
  'with a space': (text) => `${text} `,
  'with a line break inside': (text) => `${text.slice(0, 4)}\n${text.slice(4)}`,
  'with a letter more': (text) => `${text}A`,
  'with a letter less': (text) => text.slice(0, -1),
  'with another first letter': (text) => (text[0] === 'B' ? 'C' : 'B') + text.slice(1),
  'with another last letter': (text) => text.slice(0, -1) + (text.endsWith('-') ? '_' : '-'),
  'with stray bits': (text) => text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1),
};
const ofTexts = new Set(Object.keys(damages).filter((damage) => /^(padded|with |a list)/.test(damage)));
// An absent user handle is nobody else's, and what is not signed need not be there.
const harmless = new Set(['response.userHandle missing', 'response.userHandle null', 'response.transports missing']);

// The last letters of an attestation object are part of a key, which may become
// another one; and the last letter of four has no stray bits.
function isDamage(member, value, damage) {
  if (typeof value !== 'string') return !ofTexts.has(damage);
  if (damage === 'with stray bits') return value.length % 4 !== 0;
  return member !== 'attestationObject' || damage !== 'with another last letter';
}

async function damageForm(what, credential, key) {
  const paths = [['id'], ['rawId'], ['type'], ['response'], ...Object.keys(credential.response).map((name) => ['response', name])];

  for (const path of paths) {
    for (const [damage, change] of Object.entries(damages)) {
      const damaged = structuredClone(credential);
      const parent = path.length === 1 ? damaged : damaged.response;
      const value = parent[path.at(-1)];
      const name = `${path.join('.')} ${damage}`;

      if (!isDamage(path.at(-1), value, damage)) continue;
      parent[path.at(-1)] = change(value);
      await report(`${what}: ${name}`, harmless.has(name), damaged, key);
    }
  }
}

const text = (changes) => JSON.stringify({ type: 'webauthn.create', challenge: CHALLENGE, origin: ORIGIN, ...changes });
// Client data for both ceremonies: what is right, and what is not.
const clients = {
  'with a member of the future': [true, { futureMember: { a: [1e3, null] } }],
  'without crossOrigin': [true, { crossOrigin: undefined }],
  'of a number beyond all bounds': [true, (type) => text({ type }).replace('}', ',"n":1e5}')],
  'with escapes for letters': [true, (type) => text({ type }).replace('webauthn', '\\u0077ebauthn')],
  'of the other ceremony': [false, (type) => text({ type: type === 'webauthn.get' ? 'webauthn.create' : 'webauthn.get' })],
  'of a payment': [false, { type: 'payment.get' }],
  'without type': [false, { type: undefined }],
  'with another challenge': [false, { challenge: Buffer.alloc(32, 'd').toString('base64url') }],
  'with a padded challenge': [false, { challenge: `${CHALLENGE}=` }],
  'with a longer challenge': [false, { challenge: `${CHALLENGE}A` }],
  'with the challenge as a list': [false, { challenge: [CHALLENGE] }],
  'without challenge': [false, { challenge: undefined }],
  'with http': [false, { origin: 'http://example.org' }],
  'with a port': [false, { origin: `${ORIGIN}:8443` }],
  'with a suffix': [false, { origin: `${ORIGIN}.evil.example` }],
  'with a subdomain': [false, { origin: 'https://www.example.org' }],
  'with a slash': [false, { origin: `${ORIGIN}/` }],
  'with the origin null': [false, { origin: null }],
  'with the origin "null"': [false, { origin: 'null' }],
  'with the origin as a list': [false, { origin: [ORIGIN] }],
  'with a homograph': [false, { origin: 'https://ex\u0430mple.org' }],
  'with a NUL behind the origin': [false, { origin: `${ORIGIN}\0` }],
  'with crossOrigin': [false, { crossOrigin: true }],
  'with crossOrigin as text': [false, { crossOrigin: 'false' }],
  'with a topOrigin': [false, { topOrigin: 'https://evil.example' }],
  'with a topOrigin inside': [false, { topOrigin: 'https://evil.example', crossOrigin: true }],
  'with the origin twice': [false, (type) => text({ type }).replace('{', '{"origin":"https://evil.example",')],
  'with the type twice, once in escapes': [false, (type) => text({ type }).replace('{', '{"\\u0074ype":"webauthn.get",')],
  'with a byte order mark': [false, (type) => `\ufeff${text({ type })}`],
  'with a comment': [false, (type) => `${text({ type })}//`],
  'with a comma at the end': [false, (type) => text({ type }).replace('}', ',}')],
  'as a list': [false, (type) => `[${text({ type })}]`],
  'twice encoded': [false, (type) => JSON.stringify(text({ type }))],
};

async function damageClient(what, type, make, key) {
  for (const [name, [isRight, changes]] of Object.entries(clients)) {
    const client = typeof changes === 'function' ? Buffer.from(changes(type)) : changes;

    await report(`${what}: client data ${name}`, isRight, make(client), key);
  }
}

const altered = (bytes, at) => Buffer.concat([bytes.subarray(0, at), uint(1, bytes[at] ^ 1), bytes.subarray(at + 1)]);
const without = (key, label) => new Map([...key.cose].filter(([candidate]) => candidate !== label));
const changed = (key, label, value) => new Map([...key.cose, [label, value]]);
const BYTE = Buffer.from([0]);

// Keys: [is right, the COSE key, made of a right one]
const keys = {
  'without kty': [false, (key) => without(key, 1)],
  'without alg': [false, (key) => without(key, 3)],
  'without its first parameter': [false, (key) => without(key, -1)],
  'without its second parameter': [false, (key) => without(key, -2)],
  'of a symmetric kind': [false, (key) => changed(key, 1, 4)],
  'of an unknown kind': [false, (key) => changed(key, 1, 99)],
  'with the kind as text': [false, (key) => changed(key, 1, 'EC2')],
  'for HS256': [false, (key) => changed(key, 3, 5)],
  'for an algorithm that is unknown': [false, (key) => changed(key, 3, -65535)],
  'for ES256K': [false, (key) => changed(key, 3, -47)],
  'for PS256': [false, (key) => changed(key, 3, -37)],
  'with the algorithm as text': [false, (key) => changed(key, 3, key.alg)],
  'with a private part': [false, (key) => changed(key, -4, Buffer.alloc(32, 1))],
  'with a byte behind it': [false, (key) => Buffer.concat([cbor(key.cose), BYTE])],
  'of no byte': [false, () => Buffer.alloc(0)],
  'as a list': [false, (key) => cbor([...key.cose.values()])],
  'without end': [false, (key) => Buffer.concat([Buffer.from([0xbf]), cbor(key.cose).subarray(1), Buffer.from([0xff])])],
  'with its kind twice': [false, (key) => Buffer.concat([head(5, key.cose.size + 1), cbor(key.cose).subarray(1), cbor(1), cbor(key.cose.get(1))])],
};

async function registrations(alg, key) {
  const is = (name, isRight, says) =>
    report(`${alg}, registration: ${name}`, isRight, registration(key, says), null, 0, key.jwk);

  await is('nothing wrong', true, {});
  await is('eligible for backup', true, { flags: UP | UV | AT | BE });
  await is('backed up', true, { flags: UP | UV | AT | BE | BS });
  await is('a counter', true, { counter: 4294967295 });
  await is('an extension', true, { flags: UP | UV | AT | ED, extensions: [cbor(new Map([['credProtect', 2]]))] });
  await is('a statement of self attestation', true, selfAttested(key));
  await is('nobody present', false, { flags: UV | AT });
  await is('nobody verified', false, { flags: UP | AT });
  await is('backed up, but not eligible', false, { flags: UP | UV | AT | BS });
  await is('another relying party', false, { rpId: 'example.com' });
  await is('a parent domain', false, { rpId: 'org' });
  await is('no attested credential', false, { flags: UP | UV });
  await is('neither flag nor credential', false, { flags: UP | UV, attested: [] });
  await is('another id', false, { id: altered(ID, 0) });
  await is('an empty id', false, { id: Buffer.alloc(0) });
  await is('an id that says to be longer', false, { idLength: ID.length + 1 });
  await is('an id that says to be shorter', false, { idLength: ID.length - 1 });
  await is('an id beyond the end', false, { idLength: 65535 });
  await is('extensions without flag', false, { extensions: [cbor(new Map([['a', true]]))] });
  await is('a flag without extensions', false, { flags: UP | UV | AT | ED });
  await is('a byte behind the extensions', false, { flags: UP | UV | AT | ED, extensions: [cbor(new Map()), BYTE] });
  await is('a byte behind the object', false, { behind: BYTE });
  await is('no format', false, { members: (data) => [['attStmt', new Map()], ['authData', data]] });
  await is('no statement', false, { members: (data) => [['fmt', 'none'], ['authData', data]] });
  await is('no data', false, { members: () => [['fmt', 'none'], ['attStmt', new Map()]] });
  await is('a statement as list', false, { statement: [] });
  for (const [name, [isRight, cose]] of Object.entries(keys)) await is(`a key ${name}`, isRight, { cose: cose(key) });
  await keysOfKind[key.jwk.kty](is, key);
  await damageForm(`${alg}, registration`, registration(key, {}), null);
  await damageClient(`${alg}, registration`, 'webauthn.create', (client) => registration(key, { client }), null);
}

// A statement of format "packed", signed with the key itself.
function selfAttested(key) {
  const client = clientData('webauthn.create', {});
  const data = authenticatorData({ flags: UP | UV | AT, attested: [AAGUID, uint(2, ID.length), ID, cbor(key.cose)] });
  const sig = signed(key, Buffer.concat([data, sha256(client)]));

  return { client, format: 'packed', statement: new Map([['alg', algorithms[key.alg].cose], ['sig', sig]]) };
}

const zeros = (key, label) => Buffer.alloc(key.cose.get(label).length);
const keysOfKind = {
  async EC(is, key) {
    const [x, y] = [key.cose.get(-2), key.cose.get(-3)];
    const other = { 'P-256': 2, 'P-384': 1, 'P-521': 1 }[key.jwk.crv];

    await is('a point off its curve', false, { cose: changed(key, -3, altered(y, y.length - 1)) });
    await is('the point 0, 0', false, { cose: new Map([...key.cose, [-2, zeros(key, -2)], [-3, zeros(key, -3)]]) });
    await is('a compressed point', false, { cose: changed(key, -3, Boolean(y.at(-1) & 1)) });
    await is('a compressed point of one member', false, { cose: new Map([...without(key, -3), [-2, Buffer.concat([Buffer.from([2 + (y.at(-1) & 1)]), x])]]) });
    await is('another curve', false, { cose: changed(key, -1, other) });
    await is('an unknown curve', false, { cose: changed(key, -1, 9) });
    await is('x with a zero before it', false, { cose: changed(key, -2, Buffer.concat([BYTE, x])) });
    await is('y with a zero behind it', false, { cose: changed(key, -3, Buffer.concat([y, BYTE])) });
    await is('x beyond the field', false, { cose: changed(key, -2, Buffer.alloc(x.length, 0xff)) });
    await is('an empty x', false, { cose: changed(key, -2, Buffer.alloc(0)) });
  },
  async OKP(is, key) {
    const x = key.cose.get(-2);

    await is('x one byte short', false, { cose: changed(key, -2, x.subarray(1)) });
    await is('x one byte long', false, { cose: changed(key, -2, Buffer.concat([x, BYTE])) });
    await is('X25519', false, { cose: changed(key, -1, 4) });
    await is('Ed448', false, { cose: new Map([...key.cose, [-1, 7], [-2, Buffer.alloc(57, 0x11)]]) });
    for (const point of ['01', '00', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa', '0200000000000000000000000000000000000000000000000000000000000000']) {
      await is(`the point ${point}`, false, { cose: changed(key, -2, Buffer.concat([Buffer.from(point, 'hex'), Buffer.alloc(32)]).subarray(0, 32)) });
    }
  },
  async RSA(is, key) {
    const n = key.cose.get(-1);

    await is('a modulus of 1024 bits', false, { cose: changed(key, -1, n.subarray(0, 128)) });
    await is('an even modulus', false, { cose: changed(key, -1, altered(n, 255)) });
    await is('an empty modulus', false, { cose: changed(key, -1, Buffer.alloc(0)) });
    await is('a modulus of 16400 bits', false, { cose: changed(key, -1, Buffer.alloc(2050, 0xff)) });
    for (const e of ['', '00', '01', '02', '010000', '01000000000000000001']) await is(`the exponent ${e}`, false, { cose: changed(key, -2, Buffer.from(e, 'hex')) });
    await is('n and e exchanged', false, { cose: new Map([...key.cose, [-1, key.cose.get(-2)], [-2, n]]) });
  },
};

const der = (...integers) => {
  const body = Buffer.concat(integers.map((value) => Buffer.concat([Buffer.from([2]), derLength(value.length), value])));

  return Buffer.concat([Buffer.from([0x30]), derLength(body.length), body]);
};
const derLength = (length) => Buffer.from(length < 128 ? [length] : [0x81, length]);

// The two integers of a signature in DER, with their signs.
function integersOf(signature) {
  const at = signature[1] & 0x80 ? 3 : 2;
  const length = signature[at + 1];

  return [signature.subarray(at + 2, at + 2 + length), signature.subarray(at + 4 + length)];
}

// Other encodings of a right signature.
const encodings = {
  'r and s side by side': (signature) => Buffer.concat(integersOf(signature).map((value) => (value[0] === 0 ? value.subarray(1) : value))),
  'a zero before r': (signature) => der(Buffer.concat([Buffer.alloc(2), integersOf(signature)[0]]), integersOf(signature)[1]),
  'a zero before s': (signature) => der(integersOf(signature)[0], Buffer.concat([Buffer.alloc(2), integersOf(signature)[1]])),
  'r negative': (signature) => der(Buffer.from(integersOf(signature)[0].map((byte) => ~byte)), integersOf(signature)[1]),
  'r and s exchanged': (signature) => der(...integersOf(signature).reverse()),
  'r and s zero': () => der(BYTE, BYTE),
  'r and s one': () => der(Buffer.from([1]), Buffer.from([1])),
  'r alone': (signature) => der(integersOf(signature)[0]),
  'three integers': (signature) => der(...integersOf(signature), BYTE),
  'an empty sequence': () => Buffer.from([0x30, 0]),
};

async function assertions(alg, key) {
  const is = (name, isRight, says, counter) => report(`${alg}, use: ${name}`, isRight, assertion(key, says), key, counter);
  const other = makeKey(alg);

  await is('nothing wrong', true, {});
  await is('a counter that never counts', true, { counter: 0 }, 0);
  await is('the greatest counter', true, { counter: 4294967295 }, 4294967294);
  await is('eligible for backup', true, { flags: UP | UV | BE });
  await is('backed up', true, { flags: UP | UV | BE | BS });
  await is('an extension', true, { flags: UP | UV | ED, extensions: [cbor(new Map([['appid', true]]))] });
  await is('nobody present', false, { flags: UV });
  await is('nobody verified', false, { flags: UP });
  await is('backed up, but not eligible', false, { flags: UP | UV | BS });
  await is('another relying party', false, { rpId: 'example.com' });
  await is('a counter that stands', false, { counter: 5 });
  await is('a counter that falls', false, { counter: 4 });
  await is('a counter that falls to zero', false, { counter: 0 });
  await is('extensions without flag', false, { extensions: [cbor(new Map([['a', true]]))] });
  await is('a flag without extensions', false, { flags: UP | UV | ED });
  await is('a byte behind the extensions', false, { flags: UP | UV | ED, extensions: [cbor(new Map()), BYTE] });
  await is('an attested credential', false, { flags: UP | UV | AT, attested: [AAGUID, uint(2, ID.length), ID, cbor(key.cose)] });
  await is('a signature with another key', false, { signature: () => signed(other, Buffer.concat([authenticatorData({ flags: UP | UV, counter: 6 }), sha256(clientData('webauthn.get', {}))])) });
  await is('a signature over the data alone', false, { input: (data) => data });
  await is('a signature over the hash alone', false, { input: (data, hash) => hash });
  await is('a signature over both the other way round', false, { input: (data, hash) => Buffer.concat([hash, data]) });
  await is('a signature with a zero behind', false, { signature: (right) => Buffer.concat([right, BYTE]) });
  await is('a signature with a zero before', false, { signature: (right) => Buffer.concat([BYTE, right]) });
  await is('a signature cut short', false, { signature: (right) => right.subarray(0, -1) });
  await is('a signature of zeros', false, { signature: (right) => Buffer.alloc(right.length) });
  await is('a signature with a bit turned', false, { signature: (right) => altered(right, right.length - 1) });
  if (key.jwk.kty === 'EC') for (const [name, encode] of Object.entries(encodings)) await is(`a signature with ${name}`, false, { signature: encode });
  if (alg === 'EdDSA') await is('a signature with S beyond the order', false, { signature: addOrder });
  await damageForm(`${alg}, use`, assertion(key, {}), key);
  await damageClient(`${alg}, use`, 'webauthn.get', (client) => assertion(key, { client }), key);
}

// S + L, which is the same to a verifier that does not look (RFC 8032 section 5.1.7).
function addOrder(signature) {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;

  return Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()]);
}

for (const alg of Object.keys(algorithms)) {
  const key = makeKey(alg);

  await registrations(alg, key);
  await assertions(alg, key);
}
