import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

import type { RunObserver } from '../../../src/export/model/observer.js';
import type { ExportOptions } from '../../../src/export/model/options.js';
import type { RunPlan } from '../../../src/export/model/plan.js';
import type { Slice } from '../../../src/sources/source.js';
import { exportOptions, exportTables } from '../../harness/export-tables.js';
import { describeTable, findTable, openPostgres } from '../../harness/postgres-source.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { fileSums } from '../../harness/table-sums.js';

/** Rows of slices against the server's own count in the same snapshot. */

const ROWS = 5000;
let server: PostgresServer;
let scratch: ScratchDirectory;
let out: string;
let messages: string[];

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  scratch = new ScratchDirectory();
  out = path.join(scratch.path, 'out');
  messages = [];
  await server.query(`
    DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s;
    CREATE TABLE s.t AS SELECT i::bigint, md5(i::text) AS t FROM generate_series(1, ${ROWS}) i;
    CREATE TABLE s.written AS SELECT * FROM s.t;
    CREATE TABLE s.whole AS SELECT * FROM s.t;
    CREATE TABLE s.parted (i bigint, t text) PARTITION BY RANGE (i);
    CREATE TABLE s.p1 PARTITION OF s.parted FOR VALUES FROM (0) TO (2000);
    CREATE TABLE s.p2 PARTITION OF s.parted FOR VALUES FROM (2000) TO (10000);
    INSERT INTO s.parted SELECT * FROM s.t;
    CREATE TABLE s.later AS SELECT i + 10000 AS i, t FROM s.t;
    CREATE TABLE s.parent (i bigint, t text); CREATE TABLE s.heir () INHERITS (s.parent);
    INSERT INTO s.parent SELECT * FROM s.t WHERE i <= 3000; INSERT INTO s.heir SELECT * FROM s.t WHERE i > 3000;
    ANALYZE;`);
});
afterEach(() => scratch.remove());

/** Every table in four slices, whatever its size. */
const IN_SLICES = ['t', 'written', 'parted', 'parent', 'heir'].map((table) => ({
  schema: undefined,
  table,
  method: 'Ctid' as const,
  key: undefined,
  degree: 4,
}));

interface Hooks extends RunObserver {
  /** Changes the plan before anything is read by it. */
  readonly change?: (plan: RunPlan) => void;
}

function run({ change, ...observer }: Hooks = {}, options: Partial<ExportOptions> = {}) {
  return exportTables({
    server,
    observer: { message: (level, text) => void messages.push(`${level}: ${text}`), ...observer },
    options: exportOptions(out, {
      schemaPatterns: ['s'],
      jobs: 1,
      parallel: 2,
      tableConfig: IN_SLICES,
      inherited: 'include',
      ...options,
    }),
    beforeWriting: (plan) => Promise.resolve(change?.(plan)),
  });
}

/** A mistake in a table's slices, which the program must find by itself. */
function mistaken(table: string, change: (query: string) => string) {
  return ({ tables }: RunPlan): void => {
    const slices = tables.find(({ id }) => id.name === table)!.slices as Slice[];
    slices[1] = { ...slices[1]!, query: change(slices[1]!.query) };
  };
}
const losesRows = (table: string) => mistaken(table, (query) => `${query} AND i % 10 <> 0`);
const readsTwice = (table: string) => mistaken(table, (query) => query.replace(/ WHERE .*/, ''));

async function manifest(table: string): Promise<Record<string, unknown>> {
  const text = await readFile(path.join(out, 's', table, '_manifest.json'), 'utf8');
  return JSON.parse(text) as Record<string, unknown>;
}

it('sliced tables are compared with a count in their snapshot, and fail individually', async () => {
  // What is written, and what becomes a partition, after the snapshot is in neither.
  const meddle = () =>
    server.query(`
      DELETE FROM s.written WHERE i % 2 = 0; INSERT INTO s.written SELECT -i, 'new' FROM generate_series(1, 77) i;
      ALTER TABLE s.parted ATTACH PARTITION s.later FOR VALUES FROM (10000) TO (20000)`);
  let meddling: Promise<unknown> | undefined;
  const change = (plan: RunPlan) => {
    losesRows('t')(plan);
    readsTwice('heir')(plan);
    meddling ??= meddle();
  };
  const result = await run({ change }, { excludePatterns: ['later'] });
  await meddling;
  const ended = result.tables.map(({ table, rows, rowCheck, error }) => [table.name, rowCheck ?? error?.code, rows]);
  expect(ended.sort()).toEqual([
    ['heir', 'SLICES_DIFFER_FROM_TABLE', 0],
    ['parent', 'passed', ROWS],
    ['parted', 'passed', ROWS],
    ['t', 'SLICES_DIFFER_FROM_TABLE', 0],
    ['whole', 'not_needed', ROWS],
    ['written', 'passed', ROWS],
  ]);
  const { error } = result.tables.find(({ table }) => table.name === 't')!;
  expect(error!.message).toMatch(new RegExp(`^The source counts ${ROWS} rows, but the \\d slices by Ctid gave \\d+$`));
  expect(result.exit).toBe('tables-failed');
  const names = (await scratch.files()).filter((file) => file.endsWith('.parquet')).map((file) => file.split('/')[2]);
  expect([...new Set(names)]).toEqual(['parent', 'parted', 'whole', 'written']);
  expect(await fileSums(path.join(out, 's', 'written'))).toMatchObject({ rows: ROWS, distinct: ROWS });
  expect(await manifest('written')).toMatchObject({ row_check: 'passed', row_count: ROWS });
});

it('tables are not counted with the check turned off, and their manifests say so', async () => {
  const result = await run({ change: losesRows('t') }, { includePatterns: ['t'], rowCheck: 'none' });
  expect(result).toMatchObject({ exit: undefined, tables: [{ state: 'completed', rowCheck: 'off' }] });
  expect(await manifest('t')).toMatchObject({ row_check: 'off' });
});

it('without a snapshot, an unmodified table with missing rows fails too', async () => {
  const result = await run({ change: losesRows('t') }, { includePatterns: ['t'], consistency: 'none' });
  expect(result.tables).toMatchObject([{ error: { code: 'SLICES_DIFFER_FROM_TABLE' } }]);
});

it("a waiting count does not block the planner's queries, and is cancelled on the server when abandoned", async () => {
  const source = await openPostgres(server);
  const other = await server.connect();
  try {
    const table = await findTable(source, 't', 's');
    const { snapshot } = await source.pin([], { consistency: 'auto' });
    const columns = await describeTable(source, table);
    await source.slice(table, columns, { degree: 4, largeTableThreshold: 1, override: { method: 'Ctid', degree: 4 } });
    const controller = new AbortController();
    const waiting = `SELECT FROM pg_stat_activity WHERE query LIKE '%count(*)%' AND wait_event_type = 'Lock'`;
    await other.query('BEGIN; LOCK TABLE s.t IN ACCESS EXCLUSIVE MODE');
    const count = source.countRows(table.dataset, { snapshot, signal: controller.signal });
    count.catch(() => undefined);
    await expect.poll(() => server.query(waiting), { timeout: 20_000 }).toHaveLength(1);
    expect(await source.isPinned?.()).toBe(true);
    controller.abort();
    await expect(count).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await expect.poll(() => server.query(waiting), { timeout: 20_000 }).toHaveLength(0);
    await other.query('ROLLBACK');
    expect(await source.countRows(table.dataset, { snapshot, signal: new AbortController().signal })).toEqual({
      rows: ROWS,
      ofSnapshot: true,
    });
  } finally {
    await other.end();
    await source.close();
  }
});
