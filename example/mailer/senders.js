// How messages leave: mail by SMTP, text messages through a command of yours.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import nodemailer from 'nodemailer';

// What a server says once it has the message may quote the token, so only its codes
// are kept then.  A recipient or message that it refuses for good (5xx) is final; all
// else may be a fault of the relay, or of how we use it.  What is not ASCII is left out:
// the database may not be able to store it.
function mailFailure({ code, command, response, responseCode, message }) {
  const [enhanced] = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(response) ?? [];
  const summary = [code, command, responseCode, enhanced].filter(Boolean).join(' ');
  const details = !response || /^(EHLO|AUTH|MAIL FROM|RCPT TO)/.test(command) ? `: ${message}` : '';

  return Object.assign(new Error(summary), {
    details: (summary + details).replace(/[^\x20-\x7e]+/g, ' ').slice(0, 250),
    isFinal: responseCode >= 500 && ['RCPT TO', 'DATA'].includes(command),
  });
}

// Each message has a connection of its own: what a pool sends again by itself might
// arrive twice.  The Message-ID stays the same, so that servers can recognize one.
export function mailSender(from, smtpUrl) {
  const [, domain] = /@([^\s@>]+)>?$/.exec(from) ?? [];
  const { protocol, hostname, port, username, password } = new URL(smtpUrl);
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);

  if (!domain) throw new Error('MAIL_FROM must be an address such as "Notes <no-reply@notes.example>"');
  if (!/^smtps?:$/.test(protocol) || !hostname) throw new Error('SMTP_URL must begin with smtp:// or smtps://');
  const transport = nodemailer.createTransport({
    host: hostname.replace(/[[\]]/g, ''), port: Number(port) || undefined, secure: protocol === 'smtps:',
    auth: username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : undefined,
    requireTLS: !isLocal, ignoreTLS: isLocal, disableFileAccess: true, disableUrlAccess: true,
    dnsTimeout: 10_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 60_000,
  });

  return ({ id, recipient, created_at: created }, contents) => transport.sendMail({
    from, to: { name: '', address: recipient }, date: new Date(created), messageId: `<${id}@${domain}>`,
    headers: { 'Auto-Submitted': 'auto-generated' }, ...contents,
  }).catch((error) => { throw mailFailure(error); });
}

// The command gets the text on standard input and the number in RECIPIENT: a list of
// processes shows neither.  Its output is dropped, as it may hold the code.  75 is the
// EX_TEMPFAIL of sysexits.h.
export function phoneSender(command) {
  return async ({ recipient: RECIPIENT }, { text }) => {
    if (!command) throw new Error('there is no SMS_COMMAND');
    const options = { env: { ...process.env, RECIPIENT }, timeout: 60_000, killSignal: 'SIGKILL' };
    const child = spawn(command, { ...options, stdio: ['pipe', 'ignore', 'ignore'] });

    child.stdin?.on('error', () => {}).end(text);
    const [status, signal] = await once(child, 'exit');

    if (status !== 0) throw Object.assign(new Error(`SMS_COMMAND ended with ${status ?? signal}`), { isFinal: status > 0 && status !== 75 });
  };
}
