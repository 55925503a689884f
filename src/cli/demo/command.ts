import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CliContext } from '../context.js';
import { timeSpan } from '../../text/quantities.js';
import { startCluster, type Cluster } from '../../embedded-postgres/cluster.js';
import { queryLines } from './sample-query.js';
import { createSampleTables } from './sample-tables.js';
import { treeLines } from './written-files.js';

const DIRECTORY = './lakeport-demo';
const SOURCE_ID = 'demo';

/** Runs one command line, as `runCli` does. */
export type RunCommandLine = (argv: readonly string[], options: { readonly logged: boolean }) => Promise<number>;

/**
 * `lakeport demo`. Leaves only the exported files behind.
 * @returns the exit code
 */
export async function runDemo(context: CliContext, run: RunCommandLine): Promise<number> {
  const { stdout, signal } = context;
  const say = (line: string) => stdout.write(`${line}\n`);
  const started = performance.now();
  say(stdout.paint('bold', 'Starting an embedded PostgreSQL'));
  const settings = { wal_level: 'minimal', max_wal_senders: 0, max_wal_size: '4GB' };
  const cluster = await startCluster({ settings, signal });
  try {
    await createSampleTables(cluster, { signal, say: (what) => say(`  making ${what}`) });
    const arguments_ = await exportArguments(cluster);
    say(stdout.paint('bold', `\n$ lakeport ${arguments_.join(' ')}`));
    // Not logged: its server is gone at the end, so the run could never be resumed.
    const code = await run(arguments_, { logged: false });
    if (code !== 0) return code;
    say('');
    for (const line of [...(await treeLines(DIRECTORY)), '', ...(await queryLines(DIRECTORY))]) say(line);
  } finally {
    await cluster.stop();
  }
  const seconds = (performance.now() - started) / 1000;
  say(`\nPostgreSQL is stopped. All of it took ${timeSpan(seconds)}; the files stay in ${DIRECTORY}.`);
  return 0;
}

/** The auth file is among the server's temporary files, so that both are removed together. */
async function exportArguments(cluster: Cluster): Promise<string[]> {
  const file = path.join(cluster.directory, 'auth.json');
  const { host, port, user, password, database } = cluster;
  const info = { server: host, port, database, username: user, password, ssl: 'disable' };
  const entries = { [SOURCE_ID]: { ds_type: 'postgres', auth_mode: 'classic', info } };
  await writeFile(file, JSON.stringify(entries, undefined, 2), { mode: 0o600 });
  return ['-a', file, '--source-db-auth-id', SOURCE_ID, '--output-dir', DIRECTORY];
}
