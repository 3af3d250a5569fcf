// An SMTP server for mailer.pl: smtp.mjs HOST [KEY CERTIFICATE].  What happens is
// printed, a line of JSON each.  A line of standard input says what to answer at a
// step of each session from now on: { at, code, text }, where no code means to hold
// it, and TOKEN in the text is that of the message.  Without "at", nothing any more,
// and what is held goes on, or is forgotten if "forget" is true.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

const [host, key, cert] = process.argv.slice(2);
const held = [];
let refusal = {};

function say(event, details) {
  console.log(JSON.stringify({ event, ...details }));
}

function answer(at, callback, token = '') {
  if (refusal.at !== at) {
    callback();
  } else if (refusal.code) {
    callback(Object.assign(new Error(refusal.text.replace('TOKEN', token)), { responseCode: refusal.code }));
  } else {
    held.push(callback);
    say('held', { at });
  }
}

async function receive(stream, { envelope, secure, user }, callback) {
  const { from, to, subject, text, html, messageId, headers, headerLines } = await simpleParser(stream, { skipTextToHtml: true });
  const message = {
    sender: envelope.mailFrom.address, recipients: envelope.rcptTo.map(({ address }) => address),
    from: from.text, to: to.text, subject, text, html, messageId, secure, user,
    automatic: headers.get('auto-submitted'), date: headerLines.find(({ key }) => key === 'date')?.line, token: /#(jat_[\w-]+)/.exec(text)?.[1],
  };

  say('seen', message);
  answer('data', (error) => {
    callback(error);
    if (!error) say('accepted', message);
  }, message.token);
}

const server = new SMTPServer({
  authOptional: true,
  allowInsecureAuth: true,
  disableReverseLookup: true,
  closeTimeout: 100,
  disabledCommands: key ? [] : ['STARTTLS'],
  ...(key && { key: readFileSync(key), cert: readFileSync(cert) }),
  onConnect: (session, callback) => answer('greeting', callback),
  onAuth: ({ username, password }, session, callback) =>
    answer('auth', (error) => callback(error, { user: `${username} ${password}` })),
  onMailFrom: (address, session, callback) => answer('sender', callback),
  onRcptTo: (address, session, callback) => answer('recipient', callback),
  onData: receive,
});

server.on('error', () => {}); // Clients that are killed leave their connections.
server.listen(0, host, () => say('listening', { port: server.server.address().port }));
createInterface({ input: process.stdin }).on('line', (line) => {
  refusal = JSON.parse(line);
  if (!refusal.at) held.splice(0).forEach((callback) => refusal.forget || callback());
  say('told', { line });
}).on('close', () => process.exit());
