import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExportRun, runExportHere } from '../../harness/export-run.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/* Columns that are written as another type than their own: because a user wants it, or because of their values. */

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    SET timezone = 'UTC';
    CREATE TABLE kinds (
      id int PRIMARY KEY, i2 int2, i8 int8, n numeric(12,4), free numeric, f4 float4, f8 float8, m money, d date,
      ts timestamp, tz timestamptz, t text, doc jsonb, tags text[], b bool);
    INSERT INTO kinds VALUES
      (1, 12, 9007199254740993, 1234.5678, 1.005, 1.1, 0.1, 12.34, '2024-02-29', '2024-01-01 00:00:00.123456',
        '1677-09-22 00:00+00', '{"a": 1}', '{"b": [1, 2]}', '{x,NULL,"y z"}', true),
      (2, -7, -9007199254740993, -0.00005, -123456.789, -2.5, 1e10, -0.01, '1970-01-01', '2262-04-11 23:47:16.854775',
        '1969-12-31 23:59:59.999999+00', '[]', '1', '{}', false),
      (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE misfits (
      id int, n numeric(10,2), wide numeric, d date, ts timestamptz, t time, nested int[], fine numeric(10,2), at timestamp, near date);
    INSERT INTO misfits SELECT i, i, i, date '2024-01-01' + i, '2024-01-01', '10:00', ARRAY[i], i, '2024-01-01', '2024-01-01'
      FROM generate_series(1, 3000) i;
    INSERT INTO misfits VALUES
      (0, 'NaN', 1e30, 'infinity', '-infinity', '24:00', '{{1,2},{3,4}}', 1.5, '0044-03-15 BC', '0044-03-15 BC');
    ANALYZE;`);
}, 60_000);
afterAll(() => server.stop());

const rowsOf = (run: ExportRun, table: string) =>
  `read_parquet(${quote(path.join(run.directory, 'public', table, '*.parquet'))})`;

/** By column: the type that is asked for, what DuckDB calls it, its fidelity, and what the server casts the values to. */
const WANTED = {
  i2: ['decimal(5,2)', 'DECIMAL(5,2)', 'exact', 'i2::numeric(5,2)::text'],
  i8: ['double', 'DOUBLE', 'lossy', "replace(i8::text, '993', '992')"],
  n: ['decimal(10,2)', 'DECIMAL(10,2)', 'lossy', 'round(n, 2)::text'],
  free: ['decimal(38,2)', 'DECIMAL(38,2)', 'lossy', 'round(free, 2)::text'],
  f4: ['decimal(9,1)', 'DECIMAL(9,1)', 'lossy', 'round(f4::text::numeric, 1)::text'],
  f8: ['text', 'VARCHAR', 'text', 'f8::text'],
  m: ['double', 'DOUBLE', 'lossy', 'm::numeric::text'],
  d: ['timestamp(us)', 'TIMESTAMP', 'exact', 'd::timestamp::text'],
  ts: ['timestamp(ns)', 'TIMESTAMP_NS', 'exact', 'ts::text'],
  tz: ['timestamp(ns)', 'TIMESTAMP WITH TIME ZONE', 'exact', '(extract(epoch FROM tz) * 1000000)::int8::text'],
  t: ['json', 'JSON', 'exact', 't'],
  doc: ['text', 'VARCHAR', 'text', 'doc::text'],
  tags: ['json', 'JSON', 'text', 'array_to_json(tags)::text'],
  b: ['text', 'VARCHAR', 'text', 'left(b::text, 1)'],
} as const;

test('columns have the types that were asked for, with the values that the server casts to', async () => {
  const args = Object.entries(WANTED).flatMap(([name, [type]]) => ['--column_type', `public.kinds.${name}:${type}`]);
  await using run = await runExportHere(server, { args: ['-i', 'kinds', '--manifest', 'inside', ...args] });
  expect(run.result).toMatchObject({ exit_code: 0 });
  const described = await queryDuckDb(`DESCRIBE SELECT * FROM ${rowsOf(run, 'kinds')}`);
  const types = Object.fromEntries(described.map((one) => [one['column_name'] as string, one['column_type']] as const));
  const manifest = JSON.parse(readFileSync(path.join(run.directory, 'public/kinds/_manifest.json'), 'utf8')) as {
    columns: readonly { readonly name: string; readonly fidelity: string }[];
  };
  const fidelities = Object.fromEntries(manifest.columns.map(({ name, fidelity }) => [name, fidelity]));
  for (const [name, [, type, fidelity]] of Object.entries(WANTED)) {
    expect([name, types[name], fidelities[name]]).toEqual([name, type, fidelity]);
  }
  const text = (name: string): string => {
    if (name === 'tz') return 'epoch_us(tz)::VARCHAR AS tz';
    return `${name === 'i8' ? 'i8::HUGEINT' : name}::VARCHAR AS ${name}`;
  };
  const read = await queryDuckDb(
    `SELECT ${Object.keys(WANTED).map(text).join(', ')} FROM ${rowsOf(run, 'kinds')} ORDER BY id`,
  );
  const list = Object.entries(WANTED).map(([name, [, , , sql]]) => `${sql} AS ${name}`);
  expect(read).toEqual(await server.query(`SELECT ${list.join(', ')} FROM kinds ORDER BY id`));
}, 60_000);

describe('--on_unrepresentable text', () => {
  let run: ExportRun;
  beforeAll(async () => {
    const args = ['-i', 'misfits', '--on_unrepresentable', 'text', '-p', '2', '--large_table_threshold', '10'];
    run = await runExportHere(server, { args: [...args, '--unbounded_numeric', 'decimal(20,2)'] });
  }, 60_000);
  afterAll(() => run[Symbol.asyncDispose]());

  test('writes columns with such values as text in all parts of the table, and no others', async () => {
    expect(run.result).toMatchObject({ exit_code: 0, totals: { rows: 3001, files: 2 } });
    const files = await queryDuckDb(
      `SELECT name, list(DISTINCT converted_type) AS types FROM parquet_schema(${quote(path.join(run.directory, 'public/misfits/*.parquet'))}) WHERE converted_type IS NOT NULL GROUP BY name ORDER BY name`,
    );
    expect(Object.fromEntries(files.map(({ name, types }) => [name, types]))).toMatchObject({
      n: ['UTF8'],
      wide: ['UTF8'],
      d: ['UTF8'],
      ts: ['UTF8'],
      t: ['UTF8'],
      nested: ['UTF8'],
      fine: ['DECIMAL'],
      at: ['TIMESTAMP_MICROS'],
      near: ['DATE'],
    });
  });

  test("has the server's own digits", async () => {
    const columns = ['n', 'wide', 'd', 'ts', 't', 'nested'];
    const client = await server.connect();
    await client.query("SET timezone = 'UTC'");
    const { rows } = await client.query(
      `SELECT id, ${columns.map((name) => `${name}::text`).join(', ')} FROM misfits ORDER BY id`,
    );
    await client.end();
    expect(
      await queryDuckDb(
        `SELECT id, ${columns.map((name) => `"${name}"`).join(', ')} FROM ${rowsOf(run, 'misfits')} ORDER BY id`,
      ),
    ).toEqual(rows);
  });

  test('is told, in the warnings and in the manifest', () => {
    expect(run.result.warnings.map(({ message }) => message).join()).toContain('public.misfits');
  });
});
