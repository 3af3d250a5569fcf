// A mailbox for everybody: an SMTP server that keeps what it is sent, and a page that
// shows it.  It stands in for the mailboxes of the users, and is for the example alone.
//
// Prints its two addresses once it listens, on 127.0.0.1, and ends when its input does.

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { securityHeaders } from './security.js';

const HOST = '127.0.0.1';
const MAX_MAILS = 50;
const mails = [];

const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  size: 100_000,
  async onData(stream, { envelope }, callback) {
    try {
      const { subject, text, date } = await simpleParser(stream, { skipTextToHtml: true });

      mails.unshift({ to: envelope.rcptTo.map(({ address }) => address).join(), subject, text, date });
      mails.splice(MAX_MAILS);
      callback();
    } catch (error) {
      callback(error);
    }
  },
});
const web = express().listen(0, HOST);

smtp.on('error', () => {}); // A client has gone away.
smtp.listen(0, HOST);
await Promise.all([once(smtp.server, 'listening'), once(web, 'listening')]);
const address = `${HOST}:${web.address().port}`;

web.removeAllListeners('request');
web.on('request', createApp());
console.log(`smtp://${HOST}:${smtp.server.address().port} http://${address}`);
process.stdin.on('end', () => process.exit()).resume();

// Other sites cannot read mails, nor under a name of theirs for this address.
function createApp() {
  const app = express();

  app.use((request, response, next) => (request.get('Host') === address ? next() : response.sendStatus(403)));
  app.use(securityHeaders());
  app.get('/style.css', (request, response) => response.sendFile(fileURLToPath(new URL('public/style.css', import.meta.url))));
  app.get('/mails', (request, response) => response.json(mails));
  app.use(express.static(fileURLToPath(new URL('mailbox', import.meta.url)), { redirect: false }));
  return app;
}
