// Runs the function of doc/drivers.md with node-postgres: each line of the input
// is [token, text, values]; each line of the output is {rows} or {error}.

import { createInterface } from 'node:readline';
import pg from 'pg';
import { queryWithToken } from './guide.mjs';

const pool = new pg.Pool({ connectionString: process.argv[2], max: 1, pipeline: true });

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await queryWithToken(pool, ...JSON.parse(line)).then(
    ({ rows }) => ({ rows: rows.map(Object.values) }),
    (error) => ({ error: error.code ?? error.message }),
  );

  console.log(JSON.stringify(answer));
}
await pool.end();
