// Starts the web server on 127.0.0.1.
//
// Environment: PG* (how to connect), PORT (3000; 0 takes a free one), and
// ORIGIN, the address that browsers see when a proxy stands in front, for
// example https://notes.example.com.

import { createServer } from 'node:http';
import { createApp } from './app.js';
import { createPool } from './database.js';

const HOST = '127.0.0.1';
const REQUEST_TIMEOUT_MS = 10_000;

const { PORT = '3000', ORIGIN } = process.env;
const pool = createPool();
const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS });

server.on('error', (error) => {
  const advice = error.code === 'EADDRINUSE' ? '; set PORT to another one' : '';

  console.error(`Port ${PORT} cannot be used (${error.code})${advice}.`);
  process.exit(1);
});

server.listen(Number(PORT), HOST, () => {
  const { port } = server.address();
  const origins = ORIGIN ? [ORIGIN] : [`http://${HOST}:${port}`, `http://localhost:${port}`];

  server.on('request', createApp({ pool, origins }));
  console.log(`Listening on ${HOST}:${port}.  Open ${origins[0]}`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => pool.end());
    server.closeAllConnections();
  });
}
