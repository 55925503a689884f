import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runExportHere as runExportHere } from '../../harness/export-run.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { differences, type ReaderName } from '../../harness/same-rows.js';
import { serverText } from '../../harness/server-text.js';

/*
 * Columns of any cardinality, share of NULLs and width, over any layout of row groups, pages, files and readers: among
 * them dictionaries that grow, overflow and are given up in the middle of a row group.
 */

/** SQL of a column's values from `n`, by its seed `s` and its number of distinct values `d`. */
const KINDS = {
  bool: (s: number) => `hashint4(n + ${s}) % 2 = 0`,
  int2: (s: number, d: number) => `(hashint4(n % ${d} + ${s}) % 32768)::int2`,
  int4: (s: number, d: number) => `hashint4(n % ${d} + ${s})`,
  int8: (s: number, d: number) => `hashint8(n % ${d} + ${s})::int8 * 4294967291`,
  float4: (s: number, d: number) => `(hashint4(n % ${d} + ${s}) / 7.0)::float4`,
  float8: (s: number, d: number) => `CASE WHEN n % 97 = 0 THEN 'NaN'::float8 ELSE hashint4(n % ${d} + ${s}) / 7.0 END`,
  small: (s: number, d: number) => `((hashint4(n % ${d} + ${s}) % 100000) / 100.0)::numeric(7,2)`,
  middle: (s: number, d: number) => `((hashint4(n % ${d} + ${s})::numeric * 1000003) / 10000)::numeric(18,4)`,
  large: (s: number, d: number) => `(hashint4(n % ${d} + ${s})::numeric * 1e18 / 7)::numeric(38,6)`,
  text: (s: number, d: number) => `md5((n % ${d} + ${s})::text)`,
  wide: (s: number, d: number) => `repeat(md5((n % ${d} + ${s})::text) || 'ż', 1 + hashint4(n) % 7 + 7)`,
  bytes: (s: number, d: number) => `decode(md5((n % ${d} + ${s})::text), 'hex')`,
  uuid: (s: number, d: number) => `md5((n % ${d} + ${s})::text)::uuid`,
  date: (s: number, d: number) => `DATE '2000-01-01' + hashint4(n % ${d} + ${s}) % 100000`,
  time: (s: number, d: number) =>
    `TIMESTAMPTZ '2000-01-01+00' + hashint4(n % ${d} + ${s}) * INTERVAL '1.000001 seconds'`,
  list: (s: number, d: number) =>
    `CASE n % 4 WHEN 0 THEN '{}' WHEN 1 THEN ARRAY[NULL, hashint4(n % ${d})] ELSE ARRAY[n % ${d}, ${s}, n % 3] END::int4[]`,
  late: (s: number, d: number) =>
    `CASE WHEN n < 2000 THEN md5((n % 3)::text) ELSE md5((n % ${d} + n + ${s})::text) END`,
} as const;

type Kind = keyof typeof KINDS;

const column = fc.record({
  kind: fc.constantFrom(...(Object.keys(KINDS) as Kind[])),
  seed: fc.nat(1000),
  distinct: fc.constantFrom(1, 2, 17, 256, 257, 5000, 1_000_000),
  nulls: fc.constantFrom('never', 'few', 'half', 'most', 'all', 'first', 'last'),
});
type Column = typeof column extends fc.Arbitrary<infer T> ? T : never;

const layout = fc.record({
  columns: fc.array(column, { minLength: 1, maxLength: 8 }),
  rows: fc.constantFrom(1, 7, 8, 9, 1000, 4097, 12_000, 40_000),
});

const settings = fc.record({
  codec: fc.constantFrom('Zstd', 'Snappy', 'Gzip', 'Lz4', 'None'),
  groupRows: fc.constantFrom(100, 1000, 5000, 1_000_000),
  fileRows: fc.constantFrom(undefined, undefined, 3000, 9000),
  readers: fc.constantFrom(1, 2, 3),
});

/** Each set of flags is one run over this many tables. */
const TABLES = 8;
const RUNS = 6;

function columnSql({ kind, seed, distinct, nulls }: Column, rows: number): string {
  const value = KINDS[kind](seed, distinct);
  const isNull = {
    never: undefined,
    few: 'n % 50 = 3',
    half: `hashint4(n + ${seed}) % 2 = 0`,
    most: 'n % 50 <> 3',
    all: 'true',
    first: `n < ${rows} / 2`,
    last: `n > ${rows} / 2`,
  }[nulls];
  return isNull === undefined ? value : `CASE WHEN ${isNull} THEN NULL ELSE ${value} END`;
}

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

// Other seeds find other mixes; this one repeats.
const SEED = Number(process.env['LAKEPORT_TEST_SEED'] ?? 20_240_229);
const cases = fc.sample(fc.tuple(settings, fc.array(layout, { minLength: TABLES, maxLength: TABLES })), {
  seed: SEED,
  numRuns: RUNS,
});

describe.each(cases.map(([flags, tables], i) => ({ flags, tables, schema: `mix${i}`, shown: JSON.stringify(flags) })))(
  '$schema, $shown',
  ({ flags, tables, schema }) => {
    it('is read back as the server prints it', async () => {
      await server.query(`CREATE SCHEMA ${schema}`);
      for (const [i, { columns, rows }] of tables.entries()) {
        const list = columns.map((spec, c) => `${columnSql(spec, rows)} AS c${c}`).join(', ');
        await server.query(
          `CREATE TABLE ${schema}.t${i} AS SELECT n AS id, ${list} FROM generate_series(1, ${rows}) n`,
        );
        for (const [c, { nulls }] of columns.entries()) {
          if (nulls === 'never') await server.query(`ALTER TABLE ${schema}.t${i} ALTER c${c} SET NOT NULL`);
        }
      }
      await server.query('ANALYZE');
      const { codec, groupRows, fileRows, readers } = flags;
      const run = await runExportHere(server, {
        args: [
          ...['--source_schema_name', schema, '--compression_type', codec, '--row_group_rows', String(groupRows)],
          ...['-p', String(readers), '--large_table_threshold', '500'],
          ...(fileRows === undefined ? [] : ['--max_rows_per_file', String(fileRows)]),
        ],
      });
      try {
        expect(run.cli.stderr).not.toMatch(/error/i);
        expect(run.cli.code).toBe(0);
        const found: string[] = [];
        for (const [i, { columns }] of tables.entries()) {
          const printed = await serverText(server, `SELECT * FROM ${schema}.t${i}`);
          const files = await run.files(`t${i}`, schema);
          const wrong = async (reader: ReaderName) =>
            (await differences(reader, files, printed)).map((line) => `t${i} ${JSON.stringify(columns)} ${line}`);
          found.push(...(await wrong('DuckDB')), ...(await wrong('parquet-wasm')), ...(await wrong('hyparquet')));
        }
        expect(found).toEqual([]);
      } finally {
        await run.remove();
      }
    });
  },
);
