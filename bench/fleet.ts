import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { newerNode } from '../test/harness/newer-node.js';
import { openDatabase } from './database.js';
import { measureProcesses, type MeasuredCommand } from './measured-process.js';

/*
 * `npm run bench:fleet -- [--slices N] [--rows N,...] [--workers N] [--runs N] [--url URL | --data DIR] [--against BIN]`:
 * processor seconds of one process with so many readers, and of a coordinator with so many workers of one slice at a time,
 * in turns, for tables of so many slices with so many rows each. The run log is in PostgreSQL for both. --against measures
 * another build besides, by its bin/lakeport.js. Without --url an embedded PostgreSQL is started; --data keeps its tables.
 */

const { values } = parseArgs({
  options: {
    slices: { type: 'string', default: '100' },
    rows: { type: 'string', default: '80000,240000' },
    workers: { type: 'string', default: '3' },
    runs: { type: 'string', default: '5' },
    url: { type: 'string' },
    data: { type: 'string' },
    against: { type: 'string' },
  },
});

const LOG = 'lakeport_bench_log';
const slices = Number(values.slices);
const workers = Number(values.workers);

interface Contender {
  readonly name: string;
  readonly commands: () => readonly MeasuredCommand[];
}

const found = await newerNode();
if ('missing' in found) {
  console.log(`skipped: workers in other processes need ${found.missing}`);
} else {
  const database = await openDatabase(values);
  const home = mkdtempSync(path.join(os.tmpdir(), 'lakeport-bench-'));
  try {
    await ensureLog(database.url);
    const log = new URL(database.url);
    log.pathname = `/${LOG}`;
    const entries = { bench: entryOf(database.url), log: entryOf(log.href) };
    writeFileSync(path.join(home, 'auth.json'), JSON.stringify(entries), { mode: 0o600 });
    process.env['XDG_STATE_HOME'] = home;
    console.log(`${slices} slices, ${os.cpus().length} cores, medians of ${values.runs} rounds`);
    for (const rows of values.rows.split(',').map(Number)) {
      const table = await ensureTable(database.url, rows);
      await compare(contenders(table, { home, node: found.node }), { home, rows });
    }
  } finally {
    await database.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

function contenders(table: string, { home, node }: { readonly home: string; readonly node: string }): Contender[] {
  const builds = [
    { of: '', bin: 'bin/lakeport.js' },
    ...(values.against === undefined ? [] : [{ of: ', against', bin: values.against }]),
  ];
  return builds.flatMap(({ of, bin }) => {
    const lakeport = (...args: readonly string[]): MeasuredCommand => ({
      command: node,
      args: [bin, ...args, '-a', path.join(home, 'auth.json'), '--log-db-auth-id', 'log', '--quiet'],
    });
    const exporting = (...more: readonly string[]) =>
      lakeport(
        ...['--source-db-auth-id', 'bench', '-i', `public.${table}`, '--output-dir', path.join(home, 'out')],
        ...['--table-config', `public.${table}:DBPartition`, ...more],
      );
    const fleet = () => {
      const runId = randomUUID();
      const work = Array.from({ length: workers }, () => lakeport('work', '--run-id', runId, '-p', '1'));
      return [exporting('--run-id', runId, '--workers', 'external'), ...work];
    };
    return [
      { name: `one process with ${workers} readers${of}`, commands: () => [exporting('-p', String(workers))] },
      { name: `coordinator and ${workers} workers${of}`, commands: fleet },
    ];
  });
}

async function compare(
  list: readonly Contender[],
  { home, rows }: { readonly home: string; readonly rows: number },
): Promise<void> {
  const results = list.map(({ name }) => ({ name, seconds: [] as number[], cpu: [] as number[] }));
  for (let round = 0; round < Number(values.runs); round++) {
    for (const [i, { commands }] of list.entries()) {
      rmSync(path.join(home, 'out'), { recursive: true, force: true });
      const { seconds, cpuSeconds = NaN } = await measureProcesses(commands());
      results[i]?.seconds.push(seconds);
      results[i]?.cpu.push(cpuSeconds);
    }
  }
  console.log(`${rows.toLocaleString('en')} rows a slice:`);
  const one = median(results[0]?.cpu ?? []);
  for (const { name, seconds, cpu } of results) {
    const spread = `${Math.min(...cpu).toFixed(2)}-${Math.max(...cpu).toFixed(2)}`;
    console.log(
      `  ${name.padEnd(38)} ${median(cpu).toFixed(2).padStart(7)} CPU s (${spread}) ` +
        `${median(seconds).toFixed(1).padStart(6)} s  × ${(median(cpu) / one).toFixed(3)}`,
    );
  }
}

function entryOf(url: string) {
  return { ds_type: 'postgres', auth_mode: 'classic', info: { connection_string: url } };
}

async function ensureLog(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [LOG]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${LOG}`);
  });
}

/** Rows of about 70 bytes, with a partition for each slice. @returns the table's name */
async function ensureTable(url: string, rows: number): Promise<string> {
  const table = `events_${slices}_of_${rows}`;
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_tables WHERE tablename = $1', [table]);
    if (rowCount !== 0) return;
    await client.query('BEGIN');
    await client.query(`CREATE TABLE ${table} (id bigint, customer int, amount numeric(12,2), at timestamp, kind text,
      note text, is_open boolean) PARTITION BY RANGE (id)`);
    for (let slice = 0; slice < slices; slice++) {
      await client.query(`CREATE TABLE ${table}_${slice} PARTITION OF ${table}
        FOR VALUES FROM (${slice * rows}) TO (${(slice + 1) * rows})`);
    }
    await client.query(`INSERT INTO ${table}
      SELECT i, (i * 7919) % 100003, (i % 1000000) * 1.13, timestamp '2026-01-01' + i * interval '1 second',
             'kind ' || i % 20, 'note ' || (i * 31) % 5003, i % 3 = 0
        FROM generate_series(0::bigint, ${rows * slices - 1}) i`);
    await client.query('COMMIT');
    // Frozen, so that measured reads have no hint bits to write.
    await client.query(`VACUUM (FREEZE, ANALYZE) ${table}`);
  });
  return table;
}

async function withClient(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
