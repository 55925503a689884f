import { parseArgs } from 'node:util';
import { openDatabase } from './database.js';
import { ensureLineitem } from './lineitem/table.js';

/*
 * `npm run bench:serve -- [--rows N] [--data DIR] [--port N]`: keeps the benchmark's table at hand, for profiling, until
 * it is interrupted.
 */

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '6000000' }, data: { type: 'string' }, port: { type: 'string' } },
});

const database = await openDatabase({
  data: values.data,
  port: values.port === undefined ? undefined : Number(values.port),
});
const bytes = await ensureLineitem(database.url, Number(values.rows), (line) => console.log(line));
console.log(`lineitem takes ${(bytes / 1e6).toFixed(0)} MB; ${database.url} (server's process ${database.pid ?? ''})`);

const end = () => {
  clearInterval(alive);
  void database.stop();
};
// The server's pipe alone doesn't keep the process alive.
const alive = setInterval(() => undefined, 60_000);
process.once('SIGINT', end);
process.once('SIGTERM', end);
