// Starts the example application, and talks to it without a browser.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export const USERS = {
  alice: 'correct horse battery staple',
  bob: 'rowing on a quiet lake',
  carol: 'reading by candle light',
};

const PASSWORD = 'walking on the dry sand';
const SERVER = `${process.env.TMPDIR}/web/server.js`;
const GATEWAY = { PGDATABASE: 'notes', PGUSER: 'notes_gateway' };

const started = [];
export let url;

// Nothing outlives this process.
process.on('exit', () => started.forEach((server) => server.kill()));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => process.exit(1));
}

// Ends when the server listens.
export async function startExample(tokenLife) {
  url = await start(process.env.EXAMPLE, [], { ACCESS_TOKEN_TTL: tokenLife });
}

// A second web server on the same database, as behind a proxy; resolves to its
// address.
export function startBehind(origin, env) {
  return start('node', [SERVER], { ...GATEWAY, ORIGIN: origin, ...env });
}

// The status with which the web server ends for an origin that it refuses.
export function statusWithOrigin(origin) {
  return spawnSync('node', [SERVER], {
    env: { ...process.env, ...GATEWAY, ORIGIN: origin, PORT: '0' }, timeout: 10_000,
  }).status;
}

async function start(command, options, env) {
  const server = spawn(command, options, {
    env: { ...process.env, ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });

  started.push(server);
  for await (const line of createInterface({ input: server.stdout })) {
    const [, address] = /^Listening on (127\.0\.0\.1:\d+)/.exec(line) ?? [];

    if (address) {
      return `http://${address}`;
    }
  }
  throw new Error(`${command} did not start`);
}

// What psql prints for statements of a superuser.
export function query(statements) {
  return execFileSync('psql', ['-XAtqd', 'notes', '-v', 'ON_ERROR_STOP=1', '-c', statements], { encoding: 'utf8' }).trim();
}

// As if the grace of all refresh tokens that were replaced were over.
export function endGrace() {
  query('UPDATE jwt_auth.refresh_tokens SET earlier = NULL');
}

// Another user of the tenant acme, with an address at it; as alice in anything else.
export function addUser(name) {
  const claims = JSON.stringify({ name, tenant: 'acme', scope: 'notes:write' });

  query(`SELECT jwt_create_user('${name}', '${PASSWORD}', role => 'notes_user', claims => '${claims}', email => '${name}@acme.example')`);
  USERS[name] = PASSWORD;
}

// As an admin who lets a user sign in with a second factor only.
export function requireFactor(name) {
  query(`SELECT jwt_update_user(jwt_find_user('${name}'), mfa_enrollment => 'required')`);
}

// As if the last proofs of a user were some minutes old.
export function ageProofs(name, minutes) {
  query(`UPDATE jwt_auth.sessions SET auth_time = coalesce(auth_time, created_at) - interval '${minutes} minutes', created_at = created_at - interval '${minutes} minutes'
    WHERE user_id = jwt_find_user('${name}')`);
}

// As if no code of the user's authenticator app had been used yet.
export function forgetSteps(name) {
  query(`UPDATE jwt_auth.factors SET last_step = 0 WHERE user_id = jwt_find_user('${name}')`);
}

// What the audit log has on a user, and the kinds of the messages to the address, the
// oldest first.
export function eventsOf(name) {
  return query(`SELECT event FROM jwt_auth.audit_log WHERE user_id = jwt_find_user('${name}') ORDER BY at`).split('\n');
}

// By what the user's sessions began.
export function loginsOf(name) {
  return query(`SELECT coalesce(reason, 'password') FROM jwt_auth.audit_log WHERE event = 'login' AND user_id = jwt_find_user('${name}') ORDER BY at`).split('\n');
}

export function messagesTo(name) {
  return query(`SELECT kind FROM jwt_auth.outbox WHERE recipient = '${name}@acme.example' ORDER BY created_at`).split('\n');
}

// Keeps all logins waiting, until the function that this resolves to is called.
export async function holdLogins() {
  const psql = spawn('psql', ['-Xqd', 'notes'], { stdio: ['pipe', 'pipe', 'inherit'] });

  psql.stdin.write('BEGIN; LOCK TABLE jwt_auth.login_throttle;\n\\echo held\n');
  await once(psql.stdout, 'data');
  return async () => {
    psql.stdin.end('ROLLBACK;\n');
    await once(psql, 'exit');
  };
}

// Ends the connections of the web server that wait for a lock, as an administrator of
// the database does, once there is one.
export async function endConnections() {
  const ended = () => query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'notes_gateway' AND wait_event_type = 'Lock'");

  for (let i = 0; i < 600 && ended() === '0'; i += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

// Ends the last one; resolves to its status.
export async function stopServer() {
  const server = started.pop();

  server.kill('SIGTERM');
  const [status] = await once(server, 'exit');

  return status;
}

// Status, headers, and body as data.  A body that is a text is sent as it is.
export async function ask(method, path, { token, authorization, body, headers = {}, at = url } = {}) {
  const all = { ...headers };

  if (token) {
    all.Authorization = `Bearer ${token}`;
  }
  if (authorization) {
    all.Authorization = authorization;
  }
  if (body !== undefined) {
    all['Content-Type'] ??= 'application/json';
  }
  const response = await fetch(at + path, {
    method,
    headers: all,
    body: typeof body === 'object' ? JSON.stringify(body) : body,
    redirect: 'manual',
  });
  const text = await response.text();

  return { status: response.status, headers: response.headers, text, body: parse(text) };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function login(username, password = USERS[username], headers = { Origin: url }) {
  return ask('POST', '/api/auth/login', { body: { username, password }, headers });
}

export function refresh(cookie, headers = { Origin: url }) {
  return ask('POST', '/api/auth/refresh', { headers: { ...headers, Cookie: cookie } });
}

// The cookies that an answer sets: ours set one at most.  Debian 12's Node.js has
// no getSetCookie().
export function cookiesOf(answer) {
  const cookie = answer.headers.get('set-cookie');

  return cookie === null ? [] : [cookie];
}

// "name=value" of the cookie that an answer sets.
export function cookieOf(answer) {
  return cookiesOf(answer)[0].split(';')[0];
}

export async function tokenOf(username) {
  const answer = await login(username);

  return answer.body.access_token;
}

// The statements that an answer took, as the panel under the hood gets them, and the
// role and SQLSTATE of each
export function tracesOf(answer) {
  return JSON.parse(decodeURIComponent(answer.headers.get('under-the-hood') ?? '[]'));
}

export const statesOf = (answer) => tracesOf(answer).map(({ role, state }) => [role, state]);

// The newest mail with a subject to an address, once it has arrived: its text, and the
// link and the code in it.  It is none of those that were there before.
export async function mailTo(address, subject, before = []) {
  const { body: { url: mailbox } } = await ask('GET', '/api/mailbox');

  for (let i = 0; i < 600; i += 1) {
    const { body: mails } = await ask('GET', '/mails', { at: mailbox });
    const mail = mails.find((each) => each.to === address && each.subject === subject && !before.includes(each.text));

    if (mail) {
      const [link, , token] = /https?:\S+?(#(jat_\S+))?(?=\s)/.exec(mail.text) ?? [];

      return { ...mail, mailbox, link, token, code: /code.*: (\d+)/.exec(mail.text)?.[1] };
    }
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error(`no mail "${subject}" arrived`);
}
