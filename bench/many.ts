import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openDatabase } from './database.js';
import { measureProcesses } from './measured-process.js';

/*
 * `npm run bench:many -- [--tables N] [--runs N] [--url URL | --data DIR] [--json FILE]`: thousands of tables of ten rows,
 * planned and exported to disk with the run log; beside them `pg_dump -j 2`, where there is one, which reads the same rows
 * under the same locks. Whole processes. Without --url an embedded PostgreSQL is started; --data keeps its tables.
 */

const { values } = parseArgs({
  options: {
    tables: { type: 'string', default: '20000' },
    runs: { type: 'string', default: '3' },
    url: { type: 'string' },
    data: { type: 'string' },
    json: { type: 'string' },
  },
});

const tables = Number(values.tables);
const SCHEMA = 'many';
/** Tables made in one transaction, which holds a lock for each. */
const BATCH = 500;

const home = mkdtempSync(path.join(os.tmpdir(), 'lakeport-bench-'));
/** A new one for each run: ext4 takes long to make files where thousands have just been removed. */
let out = '';
// Locks for all tables at once, and for those of pg_dump's readers.
const locks = Math.ceil((tables * 8) / 100) + 64;
const database = await openDatabase({ ...values, settings: { max_locks_per_transaction: locks } });
try {
  await ensureTables();
  writeFileSync(path.join(home, 'auth.json'), JSON.stringify({ bench: entryOf(database.url) }), { mode: 0o600 });
  process.env['XDG_STATE_HOME'] = home;
  const flags = ['-a', path.join(home, 'auth.json'), '--source-db-auth-id', 'bench', '--source-schema-name', SCHEMA];
  const lakeport = (...words: readonly string[]) => ({
    command: process.execPath,
    args: ['bin/lakeport.js', ...words, ...flags, '--output-dir', out],
  });
  const contenders = [
    { name: 'lakeport plan', command: () => lakeport('plan') },
    { name: 'lakeport', command: () => lakeport() },
    ...((await canDump())
      ? [
          {
            name: 'pg_dump -j 2',
            command: () => ({
              command: 'pg_dump',
              args: ['-d', database.url, '-n', SCHEMA, '-Fd', '-j', '2', '--data-only', '-f', out],
            }),
          },
        ]
      : []),
  ];
  const results = contenders.map(({ name }) => ({ name, seconds: [] as number[], cpu: [] as number[], peak: 0 }));
  for (let round = 0; round < Number(values.runs); round++) {
    for (const [i, { command }] of contenders.entries()) {
      out = path.join(home, `out-${round}-${i}`);
      const { seconds, cpuSeconds = NaN, peakBytes = NaN } = await measureProcesses([command()]);
      const result = results[i];
      result?.seconds.push(seconds);
      result?.cpu.push(cpuSeconds);
      if (result !== undefined) result.peak = Math.max(result.peak, peakBytes);
    }
  }
  console.log(`${tables.toLocaleString('en')} tables of 10 rows, ${os.cpus().length} cores, Node ${process.version}`);
  const lines = results.map(({ name, seconds, cpu, peak }) => ({
    name,
    seconds: median(seconds),
    cpuSeconds: median(cpu),
    millisecondsPerTable: (median(seconds) * 1000) / tables,
    peakMegabytes: peak / 1e6,
  }));
  const dump = lines.find(({ name }) => name.startsWith('pg_dump'))?.seconds;
  for (const { name, seconds, cpuSeconds, millisecondsPerTable, peakMegabytes } of lines) {
    const ratio = dump === undefined ? '' : `${(seconds / dump).toFixed(2)} × pg_dump`;
    console.log(
      `${name.padEnd(14)} ${seconds.toFixed(1).padStart(7)} s  ${cpuSeconds.toFixed(1).padStart(7)} CPU s  ` +
        `${millisecondsPerTable.toFixed(2).padStart(6)} ms/table  ${peakMegabytes.toFixed(0).padStart(5)} MB  ${ratio}`,
    );
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ tables, lines }, undefined, 2)}\n`);
} finally {
  await database.stop();
  rmSync(home, { recursive: true, force: true });
}

function entryOf(url: string) {
  return { ds_type: 'postgres', auth_mode: 'classic', info: { connection_string: url } };
}

/** A `pg_dump` that is older than the server refuses it. */
async function canDump(): Promise<boolean> {
  const { stdout, status } = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' });
  if (status !== 0) return false;
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    );
    return Number(/\d+/.exec(stdout)?.[0]) >= Math.floor((rows[0]?.version ?? Infinity) / 10_000);
  } finally {
    await client.end();
  }
}

async function ensureTables(): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: string }>('SELECT count(*) AS n FROM pg_tables WHERE schemaname = $1', [
      SCHEMA,
    ]);
    const made = Number(rows[0]?.n);
    if (made > tables) throw new Error(`the database has ${made} tables; use another, or --tables ${made}`);
    if (made === tables) return;
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
    await client.query(`DO $$ BEGIN FOR i IN ${made + 1}..${tables} LOOP
      EXECUTE format('CREATE TABLE ${SCHEMA}.t%s (id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12,2), at timestamp, is_open boolean)', i);
      EXECUTE format('INSERT INTO ${SCHEMA}.t%s SELECT n, ''name '' || n, n * 1.5, timestamp ''2026-01-01'' + n * interval ''1 day'', n %% 2 = 0 FROM generate_series(1, 10) AS n', i);
      IF i % ${BATCH} = 0 THEN COMMIT; END IF;
    END LOOP; END $$`);
    await client.query('ANALYZE');
  } finally {
    await client.end();
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
