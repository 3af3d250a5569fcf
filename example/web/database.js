// The way to the database: connections and transactions.

import pg from 'pg';

// Connects as PGUSER, the gateway: a role that may log people in, and has no
// right to any table.  Passwords have a small pool of their own: checking one
// takes long, and must not keep people waiting who are signed in.  Client: another
// class of connections.
export function createPools(Client) {
  return { requests: createPool(10, Client), passwords: createPool(2, Client) };
}

function createPool(max, Client) {
  const pool = new pg.Pool({
    max,
    ...(Client && { Client }),
    pipeline: true,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 10_000,
    application_name: 'jwt_auth example',
  });

  // An idle connection was lost; the pool opens another one when needed.
  pool.on('error', (error) => console.error(`connection lost: ${error.message}`));

  // So was one in the middle of a transaction, whose statements fail by that.  The
  // process would end with an error that nobody listens to.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

// No free connection in time, or none at all; an SQLSTATE stands for both.
async function connect(pool) {
  try {
    return await pool.connect();
  } catch (cause) {
    throw Object.assign(new Error(`no connection: ${cause.message}`, { cause }), { code: '08001' });
  }
}

// Runs work(client) in a transaction, and commits unless it throws.  What
// jwt_login, jwt_refresh and jwt_change_password answer is committed, denials
// too, so that failed attempts are counted.
export async function transaction(pool, work) {
  const client = await connect(pool);
  let broken;

  try {
    await client.query('BEGIN');
    const result = await work(client);

    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((failure) => { broken = failure; });
    throw broken ? asLost(error) : error;
  } finally {
    client.release(broken);
  }
}

// A connection that was lost in the middle has no SQLSTATE either.
function asLost(error) {
  error.code ??= '08006';
  return error;
}

// Runs one query in the name of the client, with the Authorization header as it
// came: the database verifies it, and the transaction takes on the token's role.
// Without assumeRole it stays the gateway, for functions granted to that.
//
// All four go out at once, which takes one round trip.  A token that is denied
// aborts the transaction, so that the query behind it does not run.
export async function queryAsClient(pool, authorization, sql, values, { assumeRole = true } = {}) {
  const client = await connect(pool);
  const answers = await Promise.allSettled([
    client.query('BEGIN'),
    client.query('SELECT jwt_authenticate($1, $2)', [authorization, assumeRole]),
    client.query(sql, values),
    client.query('COMMIT'),
  ]);
  const failed = answers.find(({ status }) => status === 'rejected');

  client.release(answers[3].reason);
  if (failed) {
    throw answers[3].reason ? asLost(failed.reason) : failed.reason;
  }
  return answers[2].value;
}
