// PostGraphile 5 on 127.0.0.1 with the preset of the guide.  Prints what server.cjs does.

import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { grafserv } from 'postgraphile/grafserv/node';
import preset from './graphile.config.mjs';

const { pool } = preset.pgServices[0].adaptorSettings;
const server = createServer();

// Few connections, so that they go from one client to the next.
pool.options.max = 2;
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

process.on('SIGTERM', async () => {
  for (const client of await Promise.all([pool.connect(), pool.connect()])) {
    const { rows } = await client.query("SELECT current_user, current_setting('jwt_auth.token') AS token");

    console.log(`${rows[0].current_user},${rows[0].token}`);
  }
  process.exit(0);
});
