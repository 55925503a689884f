import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSliceCoverage } from '../../../src/export/planning/slice-coverage.js';
import type {
  PartitionMethod,
  ReadColumn,
  Slice,
  Source,
  SourceTable,
  TableOverride,
} from '../../../src/sources/source.js';
import { describeTable, findTable, openPostgres } from '../../harness/postgres-source.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

let server: PostgresServer;
let source: Source;
/** One connection for all: there are many statements. */
let client: pg.Client;

/** Types by column, and values that are awkward for them. */
const KEYS: Readonly<Record<string, { readonly type: string; readonly values: readonly string[] }>> = {
  int2: { type: 'int2', values: ['-32768', '32767', '0', '-1'] },
  int4: { type: 'int4', values: ['-2147483648', '2147483647', '0', '7', '-7'] },
  int8: { type: 'int8', values: ['-9223372036854775808', '9223372036854775807', '-1', '0'] },
  oid: { type: 'oid', values: ['0', '4294967295', '2147483648'] },
  numeric: {
    type: 'numeric',
    values: ['NaN', 'Infinity', '-Infinity', '-1e300', '1e-300', '0.5', '-0.5', '1.0', '1.00'],
  },
  decimal: { type: 'numeric(12,3)', values: ['NaN', '999999999.999', '-999999999.999', '0.001', '-2.500'] },
  tens: { type: 'numeric(20,0)', values: ['-99999999999999999999', '99999999999999999999', 'NaN'] },
  float4: { type: 'float4', values: ['NaN', 'Infinity', '-Infinity', '3.4e38', '-3.4e38', '1e-45', '-0', '0', '0.1'] },
  float8: { type: 'float8', values: ['NaN', 'Infinity', '-Infinity', '1.7e308', '-1.7e308', '5e-324', '-0', '0'] },
  date: {
    type: 'date',
    values: [
      'infinity',
      '-infinity',
      '4713-01-01 BC',
      '5874897-12-31',
      '0001-01-01',
      '9999-12-31',
      '10000-01-01',
      '0001-12-31 BC',
      '2024-02-29',
    ],
  },
  timestamp: {
    type: 'timestamp',
    values: [
      'infinity',
      '-infinity',
      '4713-01-01 00:00:00 BC',
      '294276-12-31 23:59:59.999999',
      '0045-02-29 23:59:59.9 BC',
      '1969-12-31 23:59:59.999999',
      '9999-12-31 23:59:59.999999',
    ],
  },
  timestamptz: {
    type: 'timestamptz',
    values: [
      'infinity',
      '-infinity',
      '4713-01-01 00:00:00+00 BC',
      '294276-12-31 23:59:59.999999+00',
      '2024-12-30 23:30:00-05',
    ],
  },
  time: { type: 'time', values: ['00:00', '24:00', '12:34:56.789012'] },
  timetz: { type: 'timetz', values: ['00:00+14', '24:00-12', '12:00+05:30'] },
  interval: {
    type: 'interval',
    values: ['1 mon', '30 days', '720 hours', '-178000000 years', '1 year 2 mons -3 days 04:05:06.7'],
  },
  bool: { type: 'bool', values: ['true', 'false'] },
  uuid: {
    type: 'uuid',
    values: [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    ],
  },
  bytea: { type: 'bytea', values: ['\\x', '\\x00', '\\x0000', '\\xff', '\\x27'] },
  text: {
    type: 'text',
    values: [
      '',
      ' ',
      "it's",
      '"',
      '\\',
      '$$',
      '--',
      '/*',
      ';',
      'a/b',
      'a=b',
      '50%',
      'ü',
      'u\u0308',
      '😀',
      'NULL',
      '\n',
    ],
  },
  german: { type: 'text COLLATE german', values: ['a', 'A', 'ä', 'Ä', 'z', 'ß', 'ss'] },
  folded: { type: 'text COLLATE folded', values: ['a', 'A', 'ä', 'Ä', 'aa', 'AA', ' a'] },
  citext: { type: 'citext', values: ['a', 'A', 'B', 'b', ''] },
  bpchar: { type: 'char(4)', values: ['a', 'a   ', '', "'"] },
  name: { type: 'name', values: ['pg_class', 'B', 'a'] },
  mood: { type: 'mood', values: ['sad', 'ok', "it's; --"] },
  domain: { type: 'positive', values: ['1', '2147483647'] },
  json: { type: 'json', values: ['{"a": 1}', '{"a":1}', 'null', '[]'] },
  array: { type: 'int[]', values: ['{}', '{1,2}', '{1,NULL}', '[0:1]={1,2}'] },
  inet: { type: 'inet', values: ['10.0.0.1/32', '10.0.0.0/8', '::1'] },
  money: { type: 'money', values: ['-92233720368547758.08', '92233720368547758.07', '0'] },
};

beforeAll(async () => {
  server = await startPostgres({ settings: { autovacuum: 'off', work_mem: '64MB' } });
  await server.query(`
    CREATE EXTENSION citext;
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s; --');
    CREATE DOMAIN positive AS int CHECK (value > 0);
    CREATE COLLATION german (provider = icu, locale = 'de');
    CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE keys (n int, ${Object.entries(KEYS)
      .map(([name, { type }]) => `k_${name} ${type}`)
      .join(', ')});
    CREATE VIEW keys_view AS SELECT * FROM keys;
    CREATE TABLE keys_parted (LIKE keys) PARTITION BY HASH (n);
    CREATE TABLE keys_even PARTITION OF keys_parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE keys_odd PARTITION OF keys_parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw
      OPTIONS (host '127.0.0.1', port '${server.port}', dbname '${server.database}');
    CREATE USER MAPPING FOR postgres SERVER itself OPTIONS (user '${server.user}', password '${server.password}');
    CREATE FOREIGN TABLE keys_far (n int, ${Object.entries(KEYS)
      .map(([name, { type }]) => `k_${name} ${type}`)
      .join(', ')}) SERVER itself OPTIONS (table_name 'keys')`);
  source = await openPostgres(server);
  client = await server.connect();
});
afterAll(async () => {
  await source.close();
  await client.end();
  await server.stop();
});

/** Fills the table: row n has the n-th value of each list, as far as there is one. */
async function fill(lists: Readonly<Record<string, readonly (string | undefined)[]>>): Promise<void> {
  const rows = Math.max(...Object.values(lists).map(({ length }) => length));
  const columns = Object.keys(lists).map((name) => `k_${name}`);
  const data = Array.from({ length: rows }, (_, n) =>
    Object.fromEntries<number | string | null>([
      ['n', n],
      ...Object.entries(lists).map(([name, values]) => [`k_${name}`, values[n] ?? null] as const),
    ]),
  );
  const types = Object.keys(lists).map((name) => `k_${name} text`);
  const list = columns.map((column) => `CAST(${column} AS ${KEYS[column.slice(2)]!.type.replace(/ COLLATE .*/, '')})`);
  await client.query('DELETE FROM keys');
  await client.query(
    `INSERT INTO keys (n, ${columns.join(', ')})
     SELECT n, ${list.join(', ')} FROM json_to_recordset($1) AS r (n int, ${types.join(', ')})`,
    [JSON.stringify(data)],
  );
  await client.query('TRUNCATE keys_parted; INSERT INTO keys_parted SELECT * FROM keys');
}

let table: SourceTable;
let columns: ReadColumn[];

async function slicesBy(override: TableOverride, degree = 3): Promise<Slice[]> {
  const slices = await source.slice(table, columns, { degree, largeTableThreshold: 1e9, override });
  checkSliceCoverage(slices);
  return slices;
}

/** The numbers of the rows in the slices, sorted; the statement that a reader sends. */
async function rowsOf(slices: readonly Slice[]): Promise<number[]> {
  const union = slices.map(({ query }) => `SELECT n FROM (${query}) AS s`).join(' UNION ALL ');
  const { rows } = await client.query<{ n: number }>(`SELECT n FROM (${union}) AS u ORDER BY n`);
  return rows.map(({ n }) => n);
}

const SCALED = /^(?:int\d|oid|numeric|decimal|tens|float\d|date|timestamp|timestamptz|uuid|domain)$/;

function methodsOf(name: string): PartitionMethod[] {
  return [
    'DataDriven',
    ...(name === 'bool' ? [] : ['Ntile']),
    ...(SCALED.test(name) ? ['RangeId'] : []),
    ...(/^(?:int\d|oid|numeric|decimal|tens|domain)$/.test(name) ? ['Random'] : []),
    ...(/^(?:date|timestamp|timestamptz)$/.test(name) ? ['Timepartition'] : []),
  ];
}

describe('each row is in exactly one slice, whatever the key', () => {
  const value = (name: string) => {
    const awkward = fc.constantFrom<string | undefined>(...KEYS[name]!.values, undefined);
    const ordinary = /^(?:int\d|oid|numeric|decimal|tens|float\d|domain)$/.test(name)
      ? fc.integer({ min: 1, max: 1000 }).map(String)
      : /^(?:text|german|folded|citext)$/.test(name)
        ? fc.string({ maxLength: 3, unit: 'binary' }).map((text) => text.replaceAll('\0', '0'))
        : /^(?:date|timestamp|timestamptz)$/.test(name)
          ? fc
              .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
              .map((day) => day.toISOString())
          : awkward;
    return fc.oneof({ weight: 2, arbitrary: awkward }, ordinary);
  };
  const lists = fc.record(
    Object.fromEntries(
      Object.keys(KEYS).map((name) => [
        name,
        fc.oneof(
          { weight: 6, arbitrary: fc.array(value(name), { minLength: 0, maxLength: 25 }) },
          // One value alone, and one value beside few others.
          value(name).map((one) => Array<string | undefined>(25).fill(one)),
          fc.tuple(value(name), value(name)).map(([one, two]) => [...Array<string | undefined>(24).fill(one), two]),
        ),
      ]),
    ),
  );

  const all = Array.from({ length: 26 }, (_, n) => n);
  const fillAll = (values: Readonly<Record<string, readonly (string | undefined)[]>>) =>
    fill({
      ...values,
      int4: [...values['int4']!, ...Array<undefined>(26 - values['int4']!.length).fill(undefined)],
    });
  const choose = async (relation: string, where?: string) => {
    const found = await findTable(source, relation);
    columns = await describeTable(source, found);
    table = { ...found, dataset: { ...found.dataset, ...(where !== undefined && { predicates: [where] }) } };
  };
  const CONDITIONS: readonly (readonly [where: string, rows: readonly number[]])[] = [
    ['n % 3 = 1 OR n > 20', all.filter((n) => n % 3 === 1 || n > 20)],
    ['false', []],
  ];

  // A foreign table's conditions are met by the other server, as far as it can.
  test.each(['keys', 'keys_view', 'keys_parted', 'keys_far'])(
    'in the relation %s',
    { timeout: 120_000 },
    async (relation) => {
      await fc.assert(
        fc.asyncProperty(
          lists,
          fc.integer({ min: 1, max: 5 }),
          fc.constantFrom<(typeof CONDITIONS)[number] | undefined>(undefined, ...CONDITIONS),
          async (values, degree, condition) => {
            await fillAll(values);
            const [where, expected = all] = condition ?? [];
            await choose(relation, where);
            for (const name of Object.keys(KEYS)) {
              for (const method of methodsOf(name)) {
                const key = method === 'Timepartition' ? `(k_${name},year,month)` : `k_${name}`;
                const slices = await slicesBy({ method, key }, degree);
                expect([method, name, await rowsOf(slices)]).toEqual([method, name, expected]);
              }
            }
          },
        ),
        { numRuns: relation === 'keys' ? 2 : 1, endOnFailure: true },
      );
    },
  );

  test.each(['keys', 'keys_view', 'keys_parted', 'keys_far'])(
    'by expressions, in the relation %s',
    { timeout: 120_000 },
    async (relation) => {
      await fc.assert(
        fc.asyncProperty(lists, fc.constantFrom(undefined, ...CONDITIONS), async (values, condition) => {
          await fillAll(values);
          const [where, expected = all] = condition ?? [];
          await choose(relation, where);
          const asked: readonly TableOverride[] = [
            // Of an infinite date, the year is infinite too.
            ...['DataDriven', 'Ntile', 'RangeId', 'Random'].map((method) => ({
              method,
              key: 'EXTRACT(YEAR FROM k_timestamp)',
            })),
            { method: 'DataDriven', key: 'lower(k_folded), (k_float8 > 0), year(k_date)' },
            { method: 'Ntile', key: 'k_folded || k_german' },
            { method: 'RangeId', key: '(k_int8::numeric * 3)' },
            { method: 'Random', key: '(k_int4 / 2)' },
            // Other zones move the greatest or the least one out of range.
            { method: 'Timepartition', key: "(k_timestamptz AT TIME ZONE 'UTC',year,week)" },
            ...(relation === 'keys_parted' ? [{ method: 'DBPartition' }, { method: 'Ctid' }] : []),
          ];
          for (const override of asked) {
            expect([override, await rowsOf(await slicesBy(override))]).toEqual([override, expected]);
          }
        }),
        { numRuns: 2, endOnFailure: true },
      );
    },
  );

  test('by declared partitions, whatever the type of their key', { timeout: 120_000 }, async () => {
    for (const [name, { type, values }] of Object.entries(KEYS)) {
      // The server itself partitions by no type without an order.
      if (name === 'json') continue;
      const [first = '', ...others] = [...values, undefined];
      const literals = [first, ...others].map((value) =>
        value === undefined ? 'NULL' : `'${value.replaceAll("'", "''")}'`,
      );
      const domain = name === 'domain' ? '::int' : '';
      await client.query(`
        DROP TABLE IF EXISTS parted;
        CREATE TABLE parted (n int, k ${type}) PARTITION BY LIST (k);
        CREATE TABLE "parted; ' one" PARTITION OF parted FOR VALUES IN (${literals[0]!}${domain}, NULL);
        CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
        INSERT INTO parted VALUES ${literals.map((literal, n) => `(${n}, ${literal})`).join(', ')}`);
      await choose('parted');
      const slices = await slicesBy({ method: 'DBPartition' });
      expect([name, slices.length, await rowsOf(slices)]).toEqual([name, 2, literals.map((_, n) => n)]);
    }
  });
});
