import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { openDatabase } from './database.js';
import { ensureLineitem, SCHEMA, TABLE } from './lineitem/table.js';
import { ensureSmallTables, SMALL_TABLES } from './storage/small-tables.js';
import { type Measured, type MeasuredCommand, measureProcesses } from './measured-process.js';
import { startServerProcess } from './storage/server-process.js';

/*
 * `npm run bench:storage -- [--rows N] [--tables N] [--url URL | --data DIR] [--runs N] [--codec CODEC] [--bin PATH]`:
 * what a store costs. The lineitem table, and then many small ones, go to disk and to an S3 server on the same machine,
 * in turn, so that a slow minute meets both. The server is that of the tests: it keeps bytes in memory, and verifies
 * signatures and checksums.
 */

const GOAL_RATIO = 1.35;
const GOAL_BYTES = 100e6;

interface Pair {
  readonly disk: Measured;
  readonly s3: Measured;
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '6000000' },
    tables: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '3' },
    url: { type: 'string' },
    data: { type: 'string' },
    codec: { type: 'string', default: 'Zstd' },
    bin: { type: 'string', default: fileURLToPath(new URL('../bin/lakeport.js', import.meta.url)) },
  },
});

const database = await openDatabase(values);
const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-bench-'));
// Keeps the benchmark's runs out of the user's run log.
process.env['XDG_STATE_HOME'] = directory;
const server = await startServerProcess();
try {
  await ensureLineitem(database.url, Number(values.rows), (line) => console.log(line));
  const auth = path.join(directory, 'auth.json');
  const source = { ds_type: 'postgres', auth_mode: 'classic', info: { connection_string: database.url } };
  writeFileSync(auth, JSON.stringify({ bench: source, s3: server.entry }), { mode: 0o600 });
  const tables = Number(values.tables);
  await ensureSmallTables(database.url, tables);
  const both = (what: readonly string[]) => ({
    disk: exportTo(auth, '--output_dir', path.join(directory, 'disk'), ...what),
    s3: exportTo(auth, '--target_storage_id', 's3', ...what),
  });
  report(await inTurn(both(['-i', `${SCHEMA}.${TABLE}`])));
  if (tables > 0) {
    const small = both(['--source_schema_name', SMALL_TABLES]);
    await measureProcesses([small.s3]);
    await server.counts();
    // A second export, which replaces an earlier one.
    await measureProcesses([small.s3]);
    const counts = Object.entries(await server.counts());
    const requests = counts.reduce((sum, [, count]) => sum + count, 0);
    console.log(
      `${tables} small tables: ${(requests / tables).toFixed(2)} requests for each ` +
        `(${counts.map(([operation, count]) => `${operation} ${count}`).join(', ')})`,
    );
    await inTurn(small);
  }
} finally {
  server.stop();
  rmSync(directory, { recursive: true, force: true });
  await database.stop();
}

function exportTo(auth: string, ...flags: readonly string[]): MeasuredCommand {
  const all = ['-a', auth, '--source_db_auth_id', 'bench', ...flags, '--compression_type', values.codec, '--quiet'];
  return { command: process.execPath, args: [values.bin, ...all] };
}

async function inTurn(commands: { readonly disk: MeasuredCommand; readonly s3: MeasuredCommand }): Promise<Pair[]> {
  const { disk, s3 } = commands;
  // From here on, the caches of server and system are warm.
  await measureProcesses([disk]);
  await measureProcesses([s3]);
  const runs: Pair[] = [];
  for (let run = 1; run <= Number(values.runs); run++) {
    const pair = { disk: await measureProcesses([disk]), s3: await measureProcesses([s3]) };
    console.log(`${run}: disk ${shown(pair.disk)}, S3 ${shown(pair.s3)}`);
    runs.push(pair);
  }
  return runs;
}

function report(runs: readonly Pair[]): void {
  const ratio = median(runs.map(({ disk, s3 }) => s3.seconds / disk.seconds));
  const peak = (kind: 'disk' | 's3') => Math.max(...runs.map((run) => run[kind].peakBytes ?? NaN));
  const more = peak('s3') - peak('disk');
  console.log(
    `S3 takes ${ratio.toFixed(2)} times as long (goal: ${GOAL_RATIO}), ` +
      `and ${(more / 1e6).toFixed(0)} MB more at its peak (goal: ${GOAL_BYTES / 1e6})`,
  );
}

function shown({ seconds, peakBytes }: Measured): string {
  return `${seconds.toFixed(2)} s${peakBytes === undefined ? '' : ` and ${(peakBytes / 1e6).toFixed(0)} MB`}`;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
