// Plays the servers that publish JWK Sets, good ones and others, over HTTPS on the
// loopback. Its argument is a folder with certificates. Each line of its input is
// answered with a line: {"do":"ports"} tells the ports, {"do":"serve"} what a path
// answers from now on, {"do":"requests"} how often it was asked for, and how many of
// those requests are still open.

import { createServer as createPlain } from 'node:http';
import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';

const folder = process.argv[2];
const paths = new Map();
const ports = {};

// How a path answers
const ways = {
  body: (response, { body }) => response.end(body),
  status: (response, { status, location, body }) => {
    response.writeHead(status, location ? { location } : {});
    response.end(body);
  },
  long: (response, { length }) => {
    response.setHeader('content-length', length);
    response.end(' '.repeat(length));
  },
  chunked: (response, { length }) => {
    for (let i = 0; i < length; i += 1000) response.write(' '.repeat(1000));
    response.end();
  },
  gzip: (response, { length }) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(Buffer.alloc(length, ' ')));
  },
  headers: (response, { length }) => {
    for (let i = 0; i < length; i += 1000) response.setHeader(`x-${i}`, 'x'.repeat(1000));
    response.end('{}');
  },
  hang: () => {},
  drip: (response) => {
    const timer = setInterval(() => response.write(' '), 50);

    response.on('close', () => clearInterval(timer));
  },
};

function pathOf(url) {
  if (!paths.has(url)) paths.set(url, { as: 'status', status: 404, count: 0, open: 0 });
  return paths.get(url);
}

function handle(request, response) {
  const path = pathOf(request.url);

  path.count += 1;
  path.open += 1;
  path.headers = request.headers;
  response.on('close', () => {
    path.open -= 1;
  });
  ways[path.as](response, path);
}

// A server that cannot have its address has no port.
function listen(name, server, address) {
  return new Promise((resolve) => {
    server.on('tlsClientError', () => {});
    server.on('error', resolve);
    server.listen(0, address, () => {
      ports[name] = server.address().port;
      resolve();
    });
  });
}

function secure(certificate) {
  const options = {
    key: readFileSync(`${folder}/${certificate}.key`),
    cert: readFileSync(`${folder}/${certificate}.pem`),
    maxHeaderSize: 1 << 20,
  };

  return createServer(options, handle);
}

const actions = {
  ports: () => ports,
  serve: ({ path, ...answer }) => {
    Object.assign(pathOf(path), answer);
    return {};
  },
  requests: ({ path }) => {
    const { count, open, headers } = pathOf(path);

    return { count, open, headers };
  },
};

await listen('good', secure('good'), '127.0.0.1');
await listen('v6', secure('good'), '::1');
await listen('wrong', secure('wrong'), '127.0.0.1');
await listen('self', secure('self'), '127.0.0.1');
await listen('expired', secure('expired'), '127.0.0.1');
await listen('plain', createPlain(handle), '127.0.0.1');
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);

  process.stdout.write(`${JSON.stringify(actions[request.do](request))}\n`);
}
process.exit();
