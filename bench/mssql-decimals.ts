import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { TdsServer } from '../test/servers/tds/server.js';
import { FORMS } from './mssql-forms.js';

/*
 * `npm run bench:mssql-decimals -- [--rows N] [--rounds N]`: what it costs a client to have every digit of the four decimals
 * of `lineitem`, by the form that the query asks for. The driver's rows are thrown away, those of the reader go into columns.
 * Times are processor seconds for a million rows, each form's least; what a conversion costs the server comes on top.
 */

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '2' } },
});
const rows = Number(values.rows);

const child = fork(fileURLToPath(new URL('./mssql-server.ts', import.meta.url)), [String(rows)], {
  execArgv: ['--import', 'tsx'],
});
const [server] = (await once(child, 'message')) as [Pick<TdsServer, 'port' | 'user' | 'password'>];
const script = fileURLToPath(new URL('./mssql-decimal-form.ts', import.meta.url));
const least = new Map<string, { driver: number; ours: number }>();
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { name } of FORMS) {
      const given = JSON.stringify({ server, name });
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, given]);
      const { driver, ours } = JSON.parse(stdout) as { driver: number; ours: number };
      const found = least.get(name) ?? { driver: Infinity, ours: Infinity };
      least.set(name, { driver: Math.min(found.driver, driver), ours: Math.min(found.ours, ours) });
    }
  }
} finally {
  child.kill();
}
for (const { name, expression, isExact } of FORMS) {
  const { driver = NaN, ours = NaN } = least.get(name) ?? {};
  const seconds = [driver, ours].map((cpu) => ((cpu / rows) * 1_000_000).toFixed(2));
  console.log(`| ${[expression.padEnd(26), isExact.padEnd(14), ...seconds].join(' | ')} |`);
}
