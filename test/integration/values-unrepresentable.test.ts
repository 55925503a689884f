import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runExport, type ExportRun } from '../support/export-run.js';
import { columnSchemas } from '../support/parquet-readers/schema.js';
import { startPostgres, type PostgresServer } from '../support/postgres.js';
import { differences } from '../support/same-rows.js';

/* Values that no Parquet type holds: they stop their table, or become NULL and are counted, and never anything else. */

interface Case {
  readonly name: string;
  readonly type: string;
  /** Holds one unrepresentable value, twice, and one that is not. */
  readonly bad: string;
  readonly good: string;
  readonly printed: string;
}

const CASES: readonly Case[] = [
  { name: 'nan_decimal', type: 'numeric(10,2)', bad: 'NaN', good: '1.5', printed: '1.50' },
  { name: 'nan_small_decimal', type: 'numeric(4,2)', bad: 'NaN', good: '1.5', printed: '1.50' },
  { name: 'nan_large_decimal', type: 'numeric(38,2)', bad: 'NaN', good: '1.5', printed: '1.50' },
  { name: 'date_infinity', type: 'date', bad: 'infinity', good: '2024-01-01', printed: '2024-01-01' },
  { name: 'date_minus_infinity', type: 'date', bad: '-infinity', good: '2024-01-01', printed: '2024-01-01' },
  { name: 'ts_infinity', type: 'timestamp', bad: 'infinity', good: '2024-01-01', printed: '2024-01-01 00:00:00' },
  {
    name: 'ts_minus_infinity',
    type: 'timestamp',
    bad: '-infinity',
    good: '2024-01-01',
    printed: '2024-01-01 00:00:00',
  },
  // 2^63 microseconds from 1970 end here, PostgreSQL counts from 2000.
  {
    name: 'ts_too_late',
    type: 'timestamp',
    bad: '294247-01-10 04:00:54.775808',
    good: '2024-01-01',
    printed: '2024-01-01 00:00:00',
  },
  {
    name: 'ts_last',
    type: 'timestamp',
    bad: '294276-12-31 23:59:59.999999',
    good: '2024-01-01',
    printed: '2024-01-01 00:00:00',
  },
  {
    name: 'tz_infinity',
    type: 'timestamptz',
    bad: '-infinity',
    good: '2024-01-01 00:00:00+00',
    printed: '2024-01-01 00:00:00+00',
  },
];

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  for (const { name, type, bad, good } of CASES) {
    await server.query(`CREATE TABLE ${name} (id integer NOT NULL, v ${type} NOT NULL, l ${type}[]);
      INSERT INTO ${name} VALUES (1, '${good}', NULL), (2, '${bad}', NULL), (3, '${bad}', ARRAY['${good}', '${bad}', NULL]::${type}[])`);
  }
  await server.query("CREATE TABLE fine AS SELECT 1 AS id, DATE '2024-01-01' AS v");
});
afterAll(() => server.stop());

describe('by default', () => {
  let run: ExportRun;
  beforeAll(async () => {
    run = await runExport(server);
  });
  afterAll(() => run.remove());

  it('ends with exit code 5 and publishes the other tables', () => {
    expect(run.cli.code).toBe(5);
    expect(run.table('fine').state).toBe('completed');
  });

  it.each(CASES)('$name stops its table, names the column and the way out, and leaves nothing behind', ({ name }) => {
    const { state, error } = run.table(name);
    expect(state).toBe('failed');
    expect(error).toMatchObject({ context: { column: 'v' } });
    expect(error?.context?.table).toContain(name);
    expect(error?.hint).toContain('--on_unrepresentable');
    expect(existsSync(path.join(run.directory, 'public', name))).toBe(false);
  });
});

describe('with --on_unrepresentable null', () => {
  let run: ExportRun;
  beforeAll(async () => {
    run = await runExport(server, { args: ['--on_unrepresentable', 'null'] });
  });
  afterAll(() => run.remove());

  it('ends with exit code 0', () => {
    expect(run.cli.code).toBe(0);
  });

  it.each(CASES)('$name is written as NULL and counted', async ({ name, printed }) => {
    const { state, unrepresentable } = run.table(name);
    expect(state).toBe('completed');
    expect(unrepresentable).toEqual({ v: 2, l: 1 });
    const files = await run.files(name);
    const [, column] = await columnSchemas(files[0]!);
    expect(column).toMatchObject({ name: 'v', required: false });
    const expected = [
      ['1', printed, null],
      ['2', null, null],
      // A list is one value: it is written whole or not at all.
      ['3', null, null],
    ];
    expect(await differences('DuckDB', files, expected)).toEqual([]);
    expect(await differences('parquet-wasm', files, expected)).toEqual([]);
  });

  it('counts them in the manifest', async () => {
    expect(JSON.stringify(await run.manifest('nan_decimal'))).toMatch(/"unrepresentable":2\b/);
  });
});

describe('arrays of another shape than a list', () => {
  it.each([
    ['two_dimensions', "'{{1,2},{3,4}}'"],
    ['lower_bound', "'[0:1]={1,2}'"],
  ])('%s fails its table and says how to get it as text', async (name, value) => {
    await server.query(`CREATE TABLE ${name} AS SELECT 1 AS id, ${value}::integer[] AS v`);
    const run = await runExport(server, { args: ['-i', name] });
    try {
      expect(run.cli.code).toBe(5);
      expect(run.table(name).error).toMatchObject({ context: { column: 'v' } });
      expect(run.table(name).error?.hint).toMatch(/text/);
    } finally {
      await run.remove();
    }
  });
});

describe('numeric without a precision', () => {
  const values = ['0', '-1.5', '123456789012345678.0123456789', '-9999999999999999999999999999.9999999999'];
  const exportNumeric = (as: string, table = 'unbounded') =>
    runExport(server, { args: ['-i', table, '--unbounded_numeric', as] });

  beforeAll(async () => {
    await server.query(`CREATE TABLE unbounded AS SELECT n::integer AS id, v::numeric AS v
      FROM unnest('{${values.join(',')}}'::text[]) WITH ORDINALITY AS u (v, n)`);
    await server.query(`CREATE TABLE too_wide AS SELECT 1 AS id, 1e30::numeric AS v`);
    await server.query(`CREATE TABLE too_fine AS SELECT 1 AS id, 0.00000000001::numeric AS v`);
    await server.query(`CREATE TABLE trailing_zeros AS SELECT 1 AS id, 1.500000000000000000000000::numeric AS v`);
    await server.query(`CREATE TABLE infinite AS SELECT 1 AS id, 'Infinity'::numeric AS v`);
  });

  it('becomes a decimal of the wanted size', async () => {
    const run = await exportNumeric('decimal(38,10)');
    try {
      expect(run.cli.code).toBe(0);
      const [, column] = await columnSchemas((await run.files('unbounded'))[0]!);
      expect(column?.type).toBe('FIXED(16) DECIMAL(38,10)');
      const scaled = values.map((v, i) => [
        String(i + 1),
        v.includes('.') ? v + '0'.repeat(10 - v.split('.')[1]!.length) : `${v}.${'0'.repeat(10)}`,
      ]);
      expect(await differences('DuckDB', await run.files('unbounded'), scaled)).toEqual([]);
      expect(await differences('parquet-wasm', await run.files('unbounded'), scaled)).toEqual([]);
    } finally {
      await run.remove();
    }
  });

  it.each(['too_wide', 'too_fine', 'infinite'])('fails on a value that does not fit (%s)', async (table) => {
    const run = await exportNumeric('decimal(38,10)', table);
    try {
      expect(run.cli.code).toBe(5);
      expect(run.table(table).error).toMatchObject({ context: { column: 'v' } });
    } finally {
      await run.remove();
    }
  });

  it('takes zeros beyond the scale for what they are', async () => {
    const run = await exportNumeric('decimal(38,10)', 'trailing_zeros');
    try {
      expect(run.cli.code).toBe(0);
      expect(await differences('DuckDB', await run.files('trailing_zeros'), [['1', '1.5000000000']])).toEqual([]);
    } finally {
      await run.remove();
    }
  });

  it('becomes the nearest double', async () => {
    const run = await exportNumeric('double', '%');
    try {
      expect(run.table('unbounded').state).toBe('completed');
      const expected = values.map((v, i) => [String(i + 1), String(Number(v))]);
      expect(await differences('DuckDB', await run.files('unbounded'), expected)).toEqual([]);
      expect(await differences('DuckDB', await run.files('infinite'), [['1', 'Infinity']])).toEqual([]);
    } finally {
      await run.remove();
    }
  });
});
