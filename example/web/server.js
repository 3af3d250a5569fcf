// Starts the web server on 127.0.0.1.
//
// Environment: PG* (how to connect), PORT (3000; 0 takes a free one), ORIGIN, the
// address that browsers see when a proxy stands in front, for example
// https://notes.example.com, and OIDC_ISSUER and OIDC_CLIENT_ID of an identity
// provider, if there is one; MAILBOX is the address of a page with all mails, and
// UNDER_THE_HOOD=1 shows what the database is asked.

import { createServer } from 'node:http';
import { createApp } from './app.js';
import { createPools } from './database.js';
import { createOpenid } from './openid.js';
import { TracedClient } from './trace.js';

const HOST = '127.0.0.1';
const REQUEST_TIMEOUT_MS = 10_000;

const { PORT = '3000', ORIGIN, OIDC_ISSUER, OIDC_CLIENT_ID, MAILBOX, UNDER_THE_HOOD } = process.env;
const isTraced = UNDER_THE_HOOD === '1';
const pools = createPools(isTraced && TracedClient);
const openid = createOpenid({ issuer: OIDC_ISSUER, clientId: OIDC_CLIENT_ID });
const ownOrigin = ORIGIN && originOf(ORIGIN);
const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS });

// As browsers write it in the header Origin: without a path, nor a slash at its
// end.  Anything else would refuse every sign-in.
function originOf(text) {
  try {
    const { protocol, origin, href } = new URL(text);

    if (/^https?:$/.test(protocol) && href === `${origin}/`) {
      return origin;
    }
  } catch {
    // It is no address at all.
  }
  console.error('ORIGIN must be an address such as https://notes.example.com, without a path.');
  return process.exit(1);
}

server.on('error', (error) => {
  const advice = error.code === 'EADDRINUSE' ? '; set PORT to another one' : '';

  console.error(`Port ${PORT} cannot be used (${error.code})${advice}.`);
  process.exit(1);
});

server.listen(Number(PORT), HOST, () => {
  const { port } = server.address();
  const origins = ownOrigin ? [ownOrigin] : [`http://localhost:${port}`, `http://${HOST}:${port}`];

  server.on('request', createApp({ pools, origins, openid, mailbox: MAILBOX, isTraced }));
  console.log(`Listening on ${HOST}:${port}.  Open ${origins[0]}`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => Object.values(pools).forEach((pool) => pool.end()));
    server.closeAllConnections();
  });
}
