import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runExportHere as runExportHere, type ExportRun } from '../../harness/export-run.js';
import { columnSchemas } from '../../harness/parquet-readers/schema.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { differences } from '../../harness/same-rows.js';

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
  { name: 'day_end', type: 'time', bad: '24:00:00', good: '23:59:59.999999', printed: '23:59:59.999999' },
  { name: 'day_end_by_rounding', type: 'time(0)', bad: '23:59:59.9', good: '00:00', printed: '00:00:00' },
  { name: 'day_end_domain', type: 'closing', bad: '24:00', good: '12:00', printed: '12:00:00' },
  {
    name: 'tz_infinity',
    type: 'timestamptz',
    bad: '-infinity',
    good: '2024-01-01 00:00:00+00',
    printed: '2024-01-01 00:00:00+00',
  },
];

/** The row that each default run is stopped by. */
const SECOND_ROW = 'ctid (0,2)';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.query('CREATE DOMAIN closing AS time');
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
    run = await runExportHere(server);
  });
  afterAll(() => run.remove());

  it('the run ends with exit code 5 and publishes the other tables', () => {
    expect(run.cli.code).toBe(5);
    expect(run.table('fine').state).toBe('completed');
  });

  it.each(CASES)('$name fails its table, names the column and the solution, and leaves nothing behind', ({ name }) => {
    const { state, error } = run.table(name);
    expect(state).toBe('failed');
    expect(error).toMatchObject({ context: { column: 'v', row: SECOND_ROW } });
    expect(error?.context?.table).toContain(name);
    expect(error?.message).toContain(SECOND_ROW);
    expect(error?.hint).toContain('--on-unrepresentable');
    // These columns have a precision already.
    expect(error?.hint).not.toContain('--unbounded-numeric');
    expect(existsSync(path.join(run.directory, 'public', name))).toBe(false);
  });
});

describe('with --on-unrepresentable null', () => {
  let run: ExportRun;
  beforeAll(async () => {
    run = await runExportHere(server, { args: ['--on_unrepresentable', 'null'] });
  });
  afterAll(() => run.remove());

  it('the run ends with exit code 0', () => {
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
      ['3', null, [printed, null, null]],
    ];
    expect(await differences('DuckDB', files, expected)).toEqual([]);
    expect(await differences('parquet-wasm', files, expected)).toEqual([]);
  });

  it('the manifest counts values written as NULL', async () => {
    expect(JSON.stringify(await run.manifest('nan_decimal'))).toMatch(/"unrepresentable":2\b/);
  });
});

describe('arrays of several dimensions', () => {
  beforeAll(async () => {
    await server.query("CREATE TABLE two_dimensions AS SELECT 1 AS id, '{{1,2},{3,4}}'::integer[] AS v");
  });

  it('multidimensional arrays fail their table, with a hint how to export them', async () => {
    await using run = await runExportHere(server, { args: ['-i', 'two_dimensions'] });
    expect(run.cli.code).toBe(5);
    expect(run.table('two_dimensions').error).toMatchObject({ context: { column: 'v', row: 'ctid (0,1)' } });
    expect(run.table('two_dimensions').error?.hint).toMatch(/--arrays json/);
  });

  it('multidimensional arrays become NULL on request', async () => {
    await using run = await runExportHere(server, { args: ['-i', 'two_dimensions', '--on_unrepresentable', 'null'] });
    expect(run.table('two_dimensions')).toMatchObject({ state: 'completed', unrepresentable: { v: 1 } });
    expect(await differences('DuckDB', await run.files('two_dimensions'), [['1', null]])).toEqual([]);
  });
});

describe('arrays that do not start at 1', () => {
  it('the elements are kept, and the column is counted and lossy only if there are such arrays', async () => {
    await server.query(`CREATE TABLE lower_bound AS SELECT id, v::integer[] AS v, w::inet[] AS w, '{1}'::integer[] AS plain
      FROM (VALUES (1, '[0:1]={1,2}', '[5:6]={10.0.0.1,NULL}'), (2, '{3,NULL}', '{}'), (3, '[-2:-2]={4}', NULL)) AS t (id, v, w)`);
    await using run = await runExportHere(server, { args: ['-i', 'lower_bound'] });
    expect(run.cli.code).toBe(0);
    expect(run.table('lower_bound')).toMatchObject({ unrepresentable: {}, lost_bounds: { v: 2, w: 1 } });
    const rows = [
      ['1', ['1', '2'], ['10.0.0.1', null], ['1']],
      ['2', ['3', null], [], ['1']],
      ['3', ['4'], null, ['1']],
    ];
    for (const reader of ['DuckDB', 'parquet-wasm'] as const) {
      expect(await differences(reader, await run.files('lower_bound'), rows)).toEqual([]);
    }
    const { columns } = (await run.manifest('lower_bound')) as { columns: object[] };
    expect(columns).toMatchObject([
      {},
      { name: 'v', fidelity: 'lossy', lost_bounds: 2 },
      { name: 'w', fidelity: 'lossy', lost_bounds: 1 },
      { name: 'plain', fidelity: 'exact' },
    ]);
  });
});

describe('numeric without a precision', () => {
  const values = ['0', '-1.5', '123456789012345678.0123456789', '-9999999999999999999999999999.9999999999'];
  const exportNumeric = (as: string, table = 'unbounded') =>
    runExportHere(server, { args: ['-i', table, '--unbounded_numeric', as] });

  beforeAll(async () => {
    await server.query(`CREATE TABLE unbounded AS SELECT n::integer AS id, v::numeric AS v
      FROM unnest('{${values.join(',')}}'::text[]) WITH ORDINALITY AS u (v, n)`);
    await server.query(`CREATE TABLE too_wide AS SELECT 1 AS id, 1e30::numeric AS v`);
    await server.query(`CREATE TABLE too_fine AS SELECT 1 AS id, 0.00000000001::numeric AS v`);
    await server.query(`CREATE TABLE trailing_zeros AS SELECT 1 AS id, 1.500000000000000000000000::numeric AS v`);
    await server.query(`CREATE TABLE infinite AS SELECT 1 AS id, 'Infinity'::numeric AS v`);
    await server.query(
      `CREATE TABLE too_large AS SELECT n AS id, ('-1e' || 200 * n)::numeric AS v FROM generate_series(1, 2) n`,
    );
    await server.query(
      `CREATE TABLE too_small AS SELECT n AS id, ('1e-' || 200 * n)::numeric AS v FROM generate_series(1, 2) n`,
    );
    // More groups of four digits than 15 bits count.
    await server.query(`CREATE TABLE most_digits (id integer, v numeric);
      INSERT INTO most_digits VALUES (1, 0), (2, repeat('9', 131072)::numeric + repeat('7', 16383)::numeric / 1e16383)`);
  });

  it('numeric becomes a decimal of the given size', async () => {
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

  it.each(['too_wide', 'too_fine', 'infinite', 'most_digits'])(
    'fails on a value that does not fit (%s)',
    async (table) => {
      const run = await exportNumeric('decimal(38,10)', table);
      try {
        expect(run.cli.code).toBe(5);
        expect(run.table(table).error).toMatchObject({ context: { column: 'v' } });
        expect(run.table(table).error?.hint).toContain('--unbounded-numeric text');
      } finally {
        await run.remove();
      }
    },
  );

  it('zeros beyond the scale are accepted', async () => {
    const run = await exportNumeric('decimal(38,10)', 'trailing_zeros');
    try {
      expect(run.cli.code).toBe(0);
      expect(await differences('DuckDB', await run.files('trailing_zeros'), [['1', '1.5000000000']])).toEqual([]);
    } finally {
      await run.remove();
    }
  });

  it('numeric becomes the nearest double', async () => {
    const run = await exportNumeric('double', '%');
    try {
      expect(run.table('unbounded').state).toBe('completed');
      const expected = values.map((v, i) => [String(i + 1), String(Number(v))]);
      expect(await differences('DuckDB', await run.files('unbounded'), expected)).toEqual([]);
      expect(await differences('DuckDB', await run.files('infinite'), [['1', 'Infinity']])).toEqual([]);
      for (const name of ['too_large', 'too_small', 'most_digits']) {
        expect(run.table(name).error).toMatchObject({ context: { column: 'v', row: 'ctid (0,2)' } });
        expect(run.table(name).error?.hint).toContain('--unbounded-numeric text');
      }
    } finally {
      await run.remove();
    }
  });
});
