// What the routes share: who sent a request, and answers of the database.

import { parse } from 'cookie';
import { queryAsClient, transaction } from './database.js';
import { sendDenial } from './errors.js';

// A function that runs a query in the name of whoever sent the request.
// Credentials of another scheme than Bearer are none.
export function queriesInNameOf(pools) {
  return (request, sql, values, { pool = pools.requests, ...options } = {}) => {
    const header = request.get('Authorization') ?? '';

    return queryAsClient(pool, /^bearer(?: |$)/i.test(header) ? header : null, sql, values, options);
  };
}

// The one value that a function answers to the gateway.
export function queryAsGateway(pools, sql, values) {
  return transaction(pools.requests, async (client) => valueOf(await client.query(sql, values)));
}

// A function that sends what a query answers in the name of whoever sent the request.
export function answersInNameOf(pools) {
  const queryInNameOf = queriesInNameOf(pools);

  return async (request, response, sql, values, send) => sendAnswer(
    response, valueOf(await queryInNameOf(request, sql, values)), send);
}

// A cookie of ours, or undefined.  Others who can set cookies for this host keep nobody
// from signing in with one that the database takes for no value at all.
export function cookieIn(request, name) {
  const value = parse(request.get('Cookie') ?? '')[name];

  return /^[\w.-]{1,1000}$/.test(value) ? value : undefined;
}

export function refreshTokenOf(request, cookie) {
  return cookieIn(request, cookie.name) ?? '';
}

// What the list of sessions shows; people read it, nothing is decided by it.
export function describeClient(client, request) {
  const headers = { 'user-agent': request.get('User-Agent'), 'x-forwarded-for': request.ip };

  return client.query("SELECT set_config('request.headers', $1, true)", [JSON.stringify(headers)]);
}

// The one value of a result
export function valueOf({ rows: [row] }) {
  return Object.values(row)[0];
}

// Sends what a function answered: an error object, or what send(answer) makes of
// anything else.
export function sendAnswer(response, answer, send = (good) => response.json(good)) {
  if (answer.error) {
    sendDenial(response, answer);
  } else {
    send(answer);
  }
}
