import { memoryBytes, NO_MEMORY } from '../../../src/parquet/memory.js';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { LakeportError } from '../../../src/errors.js';
import type { RunPlan } from '../../../src/export/model/plan.js';
import { planTables } from '../../../src/export/planning/planner.js';
import { TableOverrides } from '../../../src/export/planning/table-overrides.js';
import type { ExportOptions } from '../../../src/export/model/options.js';
import { LocalStorage } from '../../../src/storage/local/local-storage.js';
import { exportOptions } from '../../harness/export-tables.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { openPostgres } from '../../harness/postgres-source.js';
import { ScratchDirectory } from '../../harness/scratch.js';

let server: PostgresServer;
let scratch: ScratchDirectory;
let databases = 0;
let database: string;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  scratch = new ScratchDirectory();
  database = `plan_${databases++}`;
  await server.query(`CREATE DATABASE ${database}`);
});
afterEach(() => scratch.remove());

const sql = (text: string) => server.query(text, undefined, database);

async function plan(options: Partial<ExportOptions> = {}, { ignoresCase = false } = {}): Promise<RunPlan> {
  const base = path.join(scratch.path, 'out');
  const storage = new LocalStorage({ id: 'test', base, shownBase: './out', ignoresCase });
  const source = await openPostgres(server, { database });
  try {
    return await planTables({
      options: exportOptions(base, options),
      source,
      storages: { defaultId: 'test', open: () => Promise.resolve(storage), place: (_, directory) => directory },
      observer: {},
      signal: new AbortController().signal,
      overrides: new TableOverrides({ recorded: [], config: options.tableConfig ?? [], cores: 2 }),
    });
  } finally {
    await source.close();
  }
}

async function refusal(planning: Promise<unknown>): Promise<LakeportError> {
  return planning.then(
    () => {
      throw new Error('nothing was refused');
    },
    (error: unknown) => error as LakeportError,
  );
}

describe('a plan', () => {
  it('a plan lists tables with their destinations, largest first, and writes nothing', async () => {
    await sql(`CREATE TABLE small AS SELECT 1 AS i;
      CREATE TABLE large AS SELECT i FROM generate_series(1, 200000) i;
      CREATE TABLE middle AS SELECT i FROM generate_series(1, 20000) i;
      CREATE SCHEMA "a/b"; CREATE TABLE "a/b".tiny (i int); ANALYZE;`);
    const made = await plan({ subPath: 'daily', jobs: 2, parallel: 1 });
    expect(made.tables.map((table) => table.id.name)).toEqual(['large', 'middle', 'small', 'tiny']);
    expect(made.tables[3]).toMatchObject({
      directory: 'daily/a%2Fb/tiny',
      displayPath: './out/daily/a%2Fb/tiny',
      storageId: 'test',
      method: 'None',
      degree: 1,
    });
    expect(made).toMatchObject({ problems: [], readers: 2, snapshot: { consistency: 'run' } });
    expect(memoryBytes(made.readerMemory)).toBeGreaterThan(1 << 20);
    expect(await scratch.files()).toEqual([]);
  });

  it('a plan uses no more readers than can be busy', async () => {
    await sql('CREATE TABLE one AS SELECT 1 AS i; ANALYZE');
    expect((await plan({ jobs: 4, parallel: 8 })).readers).toBe(1);
  });

  it('a plan skips tables with nothing to read', async () => {
    await sql(
      'CREATE TABLE bare (); CREATE TABLE good (i int); CREATE MATERIALIZED VIEW mv AS SELECT 1 AS i WITH NO DATA',
    );
    const made = await plan({ optIns: ['views'] });
    expect(made.tables.map((table) => table.id.name)).toEqual(['good']);
    expect(made.problems).toEqual([]);
    expect(made.skipped).toMatchObject([
      { id: { schema: 'public', name: 'mv' }, reason: { code: 'TABLE_NOT_POPULATED' } },
      { id: { schema: 'public', name: 'bare' }, reason: { code: 'TABLE_WITHOUT_COLUMNS' } },
    ]);
  });

  it('a plan may consist of failing tables only', async () => {
    await sql('CREATE TABLE bare ()');
    expect(await plan()).toMatchObject({
      tables: [],
      readers: 0,
      readerMemory: NO_MEMORY,
      problems: [],
      skipped: [{}],
    });
  });

  it('two tables that share a directory on a case-insensitive disk are rejected', async () => {
    await sql('CREATE TABLE orders (i int); CREATE TABLE "Orders" (i int)');
    expect((await plan()).tables).toHaveLength(2);
    const error = await refusal(plan({}, { ignoresCase: true }));
    expect(error).toMatchObject({ code: 'PATHS_COLLIDE', exit: 'usage' });
    expect(error.message).toMatch(/public\.orders/);
    expect(error.message).toMatch(/public\.Orders/);
    expect((await plan({ includePatterns: ['orders'] }, { ignoresCase: true })).tables).toHaveLength(1);
  });

  it('names that differ only in Unicode normalization are rejected in the same way', async () => {
    await sql('CREATE TABLE "caf\u00e9" (i int); CREATE TABLE "cafe\u0301" (i int)');
    expect((await plan()).tables).toHaveLength(2);
    expect(await refusal(plan({}, { ignoresCase: true }))).toMatchObject({ code: 'PATHS_COLLIDE' });
  });
});
