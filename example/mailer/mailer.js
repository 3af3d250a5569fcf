// Sends the messages in the outbox of jwt_auth; README.md explains the environment.
//
// A message is claimed, which commits, then sent, then reported.  If this process
// dies in between, the claim runs out and the same message goes out again.  The log
// holds no token, code or address.

import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { mailSender, phoneSender } from './senders.js';
import { loadTemplates, render } from './templates.js';

const BATCH = 5;
const { POLL_SECONDS = 15, LEASE_SECONDS = 180 } = process.env;
const { baseUrl, templates, senders } = configure(process.env);

// By message, the call that tells the database what became of it.  It outlives a
// connection, so that what was sent is not claimed again.
const reports = new Map();
let isStopping = false;
let isNotified = false;
let wake = () => {};

// Links begin with what the operator says, never with what a request says.
function configure({ BASE_URL, MAIL_FROM, SMTP_URL = 'smtp://localhost', SMS_COMMAND, TEMPLATES }) {
  const isBase = /^(https:\/\/[^\s?#/]+|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?)(\/[^\s?#]*)?$/.test(BASE_URL);

  try {
    if (!isBase) throw new Error('BASE_URL must be an address such as https://notes.example, without "?" and "#"');
    return {
      baseUrl: BASE_URL.replace(/\/+$/, ''),
      templates: loadTemplates(TEMPLATES ? pathToFileURL(`${TEMPLATES}/`) : new URL('templates/', import.meta.url)),
      senders: { email: mailSender(MAIL_FROM, SMTP_URL), phone: phoneSender(SMS_COMMAND) },
    };
  } catch (error) {
    console.error(`The mailer cannot start: ${error.message}.`); // the stack might show a password
    return process.exit(1);
  }
}

function pause(seconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);

    wake = () => { clearTimeout(timer); resolve(); };
  });
}

// As long as the message is old, but 15 seconds to an hour.  Null gives it up, as it
// would expire before.
function secondsToRetry({ created_at: created, expires_at: end }) {
  const seconds = Math.min(Math.max(Math.round((Date.now() - Date.parse(created)) / 1000), 15), 3600);

  return Date.now() + seconds * 1000 < Date.parse(end) ? seconds : null;
}

async function send(message) {
  const { id, kind, channel } = message;

  try {
    if (!templates.has(kind)) throw new Error(`there is no template ${kind}.txt`);
    await senders[channel](message, render(templates.get(kind), message, baseUrl));
    reports.set(id, ['SELECT jwt_outbox_sent($1)', [id]]);
    console.log(`${kind} ${id}: sent`);
  } catch (error) {
    const seconds = error.isFinal ? null : secondsToRetry(message);

    reports.set(id, ['SELECT jwt_outbox_failed($1, $2, make_interval(secs => $3))', [id, error.details ?? error.message, seconds]]);
    console.error(`${kind} ${id}: ${error.message}; ${seconds ? `next try in ${seconds} s` : 'given up'}`);
  }
}

// 22023: the message was purged meanwhile.
async function report(client) {
  for (const [id, [call, values]] of reports) {
    await client.query(call, values).catch((error) => { if (error.code !== '22023') throw error; });
    reports.delete(id);
  }
}

async function work(client) {
  await client.query('LISTEN jwt_auth_outbox');
  console.log('Waiting for messages.');
  while (!isStopping) {
    isNotified = false;
    const { rows: [{ messages }] } = await client.query(
      'SELECT jwt_outbox_claim($1, make_interval(secs => $2)) AS messages', [BATCH, LEASE_SECONDS]);

    await Promise.all(messages.map(send));
    await report(client);
    if (messages.length === 0 && !isNotified && !isStopping) await pause(POLL_SECONDS);
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { isStopping = true; wake(); });
while (!isStopping) {
  const client = new pg.Client({ application_name: 'mailer', keepAlive: true, connectionTimeoutMillis: 10_000, query_timeout: 30_000 });

  client.on('notification', () => { isNotified = true; wake(); });
  client.on('error', () => wake());
  try {
    await client.connect();
    await report(client);
    await work(client);
  } catch (error) {
    console.error(`database: ${error.message}`);
    await pause(2);
  }
  client.end().catch(() => {});
}
