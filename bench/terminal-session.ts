import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSampleTables } from '../src/cli/demo/sample-tables.js';
import { startCluster, type Cluster } from '../src/embedded-postgres/cluster.js';
import { Screen } from './terminal-session/screen.js';
import { terminalSvg } from './terminal-session/svg.js';

/**
 * Makes docs/images/terminal.svg: what a terminal shows of an export of the demo's tables, run for the purpose. Needs
 * `script` (util-linux), which gives the program a terminal.
 */

const ROOT = path.resolve(import.meta.dirname, '..');
const PICTURE = path.join(ROOT, 'docs/images/terminal.svg');
const PASSWORD_VARIABLE = 'SHOP_DB_PASSWORD';

const COMMANDS = [
  'lakeport check -a auth.json',
  'lakeport -a auth.json --source-db-auth-id ds_pg --output-dir ./exports',
  'ls exports/shop exports/shop/events',
];

const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-session-'));
const cluster = await startCluster();
try {
  await createSampleTables(cluster, { signal: new AbortController().signal, say: (what) => console.error(what) });
  writeFileSync(path.join(directory, 'auth.json'), JSON.stringify(authFile(cluster)), { mode: 0o600 });
  const screen = new Screen();
  for (const command of COMMANDS) {
    screen.write(`\u001b[32m$\u001b[39m \u001b[1m${command}\u001b[22m\r\n`);
    screen.write(`${outputOf(command)}\r\n`);
  }
  writeFileSync(PICTURE, terminalSvg(screen.lines(), 'An export of five tables, in a terminal'));
  console.error(`wrote ${PICTURE}`);
} finally {
  await cluster.stop();
  rmSync(directory, { recursive: true });
}

function authFile({ host, port, user, database }: Cluster): object {
  const info = { server: host, port, database, username: user, password: `\${${PASSWORD_VARIABLE}}`, ssl: 'disable' };
  return { ds_pg: { ds_type: 'postgres', auth_mode: 'classic', info } };
}

function outputOf(command: string): string {
  const typed = command.replace(/^lakeport\b/, `"${process.execPath}" "${path.join(ROOT, 'bin/lakeport.js')}"`);
  const { stdout, status } = spawnSync('script', ['-qec', `stty cols 100; ${typed}`, '/dev/null'], {
    cwd: directory,
    env: {
      ...process.env,
      TERM: 'xterm-256color',
      LC_ALL: 'C.UTF-8',
      XDG_STATE_HOME: directory,
      [PASSWORD_VARIABLE]: cluster.password,
    },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command} failed:\n${stdout}`);
  return stdout;
}
