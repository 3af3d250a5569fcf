// Runs a recipe of the guide, whose library is the argument: each line of the input is
// a request, each line of the output its answer. {rows} are bodies of notes or what
// SQL gives; a failure has {sqlstate, status}, whether the work {ran}, and all that an
// application might log of it.

import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import { statusOf } from './status.mjs';

const library = process.argv[2];
const { db, withToken, sqlstateOf, listNotes, addNote } = await import(`./${library}.mjs`);

// Some libraries print what the server warns of.
console.log = console.error;

// How each runs SQL of its own, in a transaction or on any connection
const sqlOf = {
  'node-postgres': async (db, text) => (await db.query(text)).rows,
  postgres: (db, text) => db.unsafe(text),
  knex: async (db, text) => (await db.raw(text)).rows,
  drizzle: async (db, text) => (await db.execute(text)).rows,
  typeorm: (db, text) => db.query(text),
  prisma: (db, text) => db.$queryRawUnsafe(text),
}[library];
const pool = db.manager ?? db;

// A savepoint, where the library has them
const savepoint = {
  async 'node-postgres'(tx, work) {
    await tx.query('SAVEPOINT nested');
    return work(tx).catch(() => tx.query('ROLLBACK TO nested'));
  },
  postgres: (tx, work) => tx.savepoint(work),
  prisma: (tx, work) => tx.$transaction(work),
}[library] ?? ((tx, work) => tx.transaction(work));

const works = {
  list: (tx) => listNotes(tx),
  add: (tx, { body }) => addNote(tx, body).then(() => listNotes(tx)),
  sql: (tx, { text }) => sqlOf(tx, text),
  astray: () => listNotes(pool),
  async unbound(tx, { token }) {
    await sqlOf(pool, `SELECT jwt_authenticate('${token}', true) ->> 'sub'`);
    return listNotes(pool);
  },
  async savepoint(tx, { body }) {
    await addNote(tx, body);
    await savepoint(tx, (nested) => sqlOf(nested, 'SELECT 1 / 0')).catch(() => {});
    return listNotes(tx);
  },
  late: async (tx, { kept }) => kept.query,
  async fail(tx, { body }) {
    await addNote(tx, body);
    throw new Error('of the application');
  },
  async swallow(tx, { body }) {
    await addNote(tx, body);
    await sqlOf(tx, 'SELECT 1 / 0').catch(() => {});
    return [];
  },
};

const textOf = (row) => row.body ?? Object.values(row).map(String).join(' ');

async function answer(request) {
  let ran = false;

  try {
    const rows = await withToken(db, request.token, (tx) => {
      ran = true;
      return works[request.work](tx, request);
    });
    return { rows: rows.map(textOf) };
  } catch (error) {
    const sqlstate = sqlstateOf(error) ?? null;
    return { sqlstate, status: statusOf(sqlstate), ran, message: error.message, logged: inspect(error, { depth: 8 }) };
  }
}

// A query that a request has built, and that is awaited in another one.
async function awaitLater({ first, second }) {
  const kept = await withToken(db, first, (tx) => ({ query: listNotes(tx) }));

  return answer({ work: 'late', kept, token: second });
}

// Requests at once, and queries that are no request's, each on its own connection.
async function handle(request) {
  if (request.together) return Promise.all(request.together.map(answer));
  if (request.first) return awaitLater(request);
  if (!request.outside) return answer(request);
  return Promise.all(Array.from({ length: request.outside }, () => sqlOf(pool, request.text)))
    .then((all) => ({ rows: all.flat().map(textOf) }))
    .catch((error) => ({ sqlstate: sqlstateOf(error) ?? null }));
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await handle(JSON.parse(line)))}\n`);
}
process.exit();
