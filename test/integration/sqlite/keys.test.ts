import path from 'node:path';
import fc from 'fast-check';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSliceCoverage } from '../../../src/export/planning/slice-coverage.js';
import { openSqliteSource } from '../../../src/sources/sqlite/source.js';
import type { PartitionMethod, ReadColumn, Slice, Source, TableOverride } from '../../../src/sources/source.js';
import { ScratchDirectory } from '../../harness/scratch.js';

/* Whatever the key, each row is in exactly one slice: SQL of the planner, run on a real file. */

type Value = null | number | bigint | string | Uint8Array;

const integers = fc.oneof(
  fc.constantFrom<Value[]>(-(2n ** 63n), 2n ** 63n - 1n, 0, -1, 9007199254740993n, 9007199254740992n),
  fc.integer(),
  fc.integer({ min: -3, max: 3 }),
);
const reals = fc.oneof(
  // SQLite stores NaN as NULL.
  fc.constantFrom<Value[]>(Infinity, -Infinity, NaN, 1.7e308, -1.7e308, 5e-324, -0, 0, 0.1, 9007199254740992, 1e15),
  fc.double(),
  fc.double({ min: -10, max: 10 }),
);
const texts = fc.oneof(
  fc.constantFrom<Value[]>(
    '',
    ' ',
    'a',
    'A',
    'a ',
    'a  ',
    'ä',
    'Ä',
    "it's",
    '"',
    ';',
    '--',
    'NULL',
    'a\0',
    'a\0b',
    '12',
  ),
  fc.string({ maxLength: 3, unit: 'binary' }),
);
const blobs = fc.oneof(
  fc.constantFrom<Value[]>(new Uint8Array([]), new Uint8Array([0]), new Uint8Array([0, 0]), new Uint8Array([0xff])),
  fc.uint8Array({ maxLength: 3 }),
);
const moments = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
const isoDates = fc.oneof(
  fc.constantFrom(
    ...['0000-01-01', '0001-01-01', '9999-12-31T23:59:59.999', '2024-02-29', '2024-12-30 23:30'],
    ...['2024-12-31T23:30:00-05:00', '2024-12-31T23:30:00Z', '2025-01-01T00:30:00+01:00'],
  ),
  moments.map((date) => date.toISOString().slice(0, 10)),
  moments.map((date) => date.toISOString().slice(0, 19).replace('T', ' ')),
);

/** Columns, their declared types, and the methods that must take them. */
const KEYS: Readonly<
  Record<
    string,
    { readonly type: string; readonly values: fc.Arbitrary<Value>; readonly methods: readonly PartitionMethod[] }
  >
> = {
  whole: { type: 'INTEGER', values: integers, methods: ['Random', 'RangeId', 'Ntile', 'DataDriven'] },
  flag: {
    type: 'BOOLEAN',
    values: fc.constantFrom<Value[]>(0, 1),
    methods: ['Random', 'RangeId', 'Ntile', 'DataDriven'],
  },
  real: { type: 'REAL', values: reals, methods: ['RangeId', 'Ntile', 'DataDriven'] },
  number: { type: 'NUMERIC', values: fc.oneof(integers, reals), methods: ['Ntile', 'DataDriven'] },
  text: { type: 'TEXT', values: texts, methods: ['Ntile', 'DataDriven'] },
  folded: { type: 'TEXT COLLATE NOCASE', values: texts, methods: ['Ntile', 'DataDriven'] },
  padded: { type: 'TEXT COLLATE RTRIM', values: texts, methods: ['Ntile', 'DataDriven'] },
  blob: { type: 'BLOB', values: blobs, methods: ['Ntile', 'DataDriven'] },
  untyped: { type: '', values: fc.oneof(integers, reals, texts, blobs), methods: ['Ntile', 'DataDriven'] },
  iso: { type: 'DATETIME', values: isoDates, methods: ['Ntile', 'DataDriven', 'Timepartition'] },
  unix: {
    type: 'INTEGER',
    values: moments.map((date) => Math.floor(date.getTime() / 1000)),
    methods: ['Random', 'RangeId', 'Ntile', 'DataDriven', 'Timepartition'],
  },
  julian: {
    type: 'REAL',
    values: fc.double({ min: 0, max: 5373484.4, noNaN: true }),
    methods: ['RangeId', 'Ntile', 'DataDriven', 'Timepartition'],
  },
};

let scratch: ScratchDirectory;
let database: DatabaseSyncInstance;
let source: Source;

beforeAll(async () => {
  scratch = new ScratchDirectory();
  const file = path.join(scratch.path, 'keys.db');
  database = new DatabaseSync(file);
  const columns = Object.entries(KEYS).map(([name, { type }]) => `k_${name} ${type}`);
  database.exec(`
    PRAGMA synchronous = OFF;
    CREATE TABLE keys (n INTEGER PRIMARY KEY, ${columns.join(', ')});
    CREATE VIEW seen AS SELECT n, k_real AS real, k_folded AS folded, upper(k_text) AS upper, k_iso AS iso FROM keys`);
  source = await openSqliteSource({ file, timeoutMs: 5000, entryId: 'test', maskSalt: undefined });
});
afterAll(async () => {
  await source.close();
  database.close();
  scratch.remove();
});

function fill(lists: Readonly<Record<string, readonly Value[]>>, rows: number): void {
  const names = Object.keys(lists);
  database.exec('BEGIN; DELETE FROM keys');
  const columns = names.map((name) => `k_${name}`).join(', ');
  for (let n = 0; n < rows; n++) {
    const values = names.map((name) => lists[name]?.[n] ?? null);
    // The driver ends text at a NUL.
    const parameters = values.map((value) => (typeof value === 'string' ? 'CAST(? AS TEXT)' : '?'));
    const insert = database.prepare(`INSERT INTO keys (n, ${columns}) VALUES (?, ${parameters.join(', ')})`);
    insert.run(n, ...values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value)));
  }
  database.exec('COMMIT');
}

interface Asked extends TableOverride {
  readonly table?: string;
  readonly where?: string;
}

async function slicesBy({ table: name = 'keys', where, ...override }: Asked, degree = 3): Promise<Slice[]> {
  const listed = (await source.listTables()).find(({ id }) => id.name === name)!;
  const dataset = { ...listed.dataset, ...(where !== undefined && { predicates: [where] }) };
  const table = { ...listed, dataset };
  const [described] = await source.describe([table], { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' });
  if (described === undefined || 'error' in described) throw described?.error ?? new Error('nothing described');
  const { columns }: { columns: readonly ReadColumn[] } = described;
  const slices = await source.slice(table, columns, { degree, largeTableThreshold: 1e9, override });
  checkSliceCoverage(slices);
  return slices;
}

/** The numbers of the rows that the slices read, sorted. */
function rowsOf(slices: readonly Slice[]): number[] {
  return slices
    .flatMap(({ query }) => {
      const statement = database.prepare(query.replace(/^SELECT .*? FROM "main"/s, 'SELECT n FROM "main"'));
      return (statement.all() as { n: number }[]).map(({ n }) => n);
    })
    .sort((a, b) => a - b);
}

const keyFor = (method: PartitionMethod, name: string, periods = 'year,month') =>
  method === 'Timepartition' ? `(${name},${periods})` : method === 'Rowid' ? undefined : name;

const ROWS = 30;
const lists = fc.record(
  Object.fromEntries(
    Object.entries(KEYS).map(([name, { values }]) => {
      const value = fc.option(values, { freq: 6, nil: null });
      const list = fc.oneof(
        { weight: 5, arbitrary: fc.array(value, { maxLength: ROWS }) },
        // One value alone, and one value beside few others.
        value.map((one) => Array<Value>(ROWS).fill(one)),
        fc.tuple(value, value).map(([one, two]) => [...Array<Value>(ROWS - 1).fill(one), two]),
      );
      return [name, list];
    }),
  ),
);

describe('each row is in exactly one slice, whatever the key', () => {
  test('by every method, also of the rows that a condition leaves', { timeout: 120_000 }, async () => {
    const conditions = [undefined, 'n % 3 = 1 OR k_whole > 0', '1 = 0'];
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(...conditions),
        async (values, degree, where) => {
          fill(values, ROWS);
          const all = database.prepare(`SELECT n FROM keys WHERE ${where ?? 'true'} ORDER BY n`).all() as {
            n: number;
          }[];
          for (const [name, { methods }] of Object.entries(KEYS)) {
            for (const method of ['None', 'Rowid', ...methods]) {
              const key = keyFor(method, `k_${name}`);
              const slices = await slicesBy({ method, key, ...(where !== undefined && { where }) }, degree);
              expect([method, name, rowsOf(slices)]).toEqual([method, name, all.map(({ n }) => n)]);
            }
          }
        },
      ),
      { numRuns: 8, endOnFailure: true },
    );
  });

  test('of a view, and by expressions', async () => {
    await fc.assert(
      fc.asyncProperty(lists, async (values) => {
        fill(values, ROWS);
        const all = Array.from({ length: ROWS }, (_, n) => n);
        const asked: readonly Asked[] = [
          ...['real', 'folded', 'upper', 'iso'].flatMap((key) =>
            ['Ntile', 'DataDriven'].map((method) => ({ table: 'seen', method, key })),
          ),
          { table: 'seen', method: 'RangeId', key: 'real' },
          { table: 'seen', method: 'Timepartition', key: '(iso,year)' },
          { method: 'DataDriven', key: "(strftime('%Y', k_iso))" },
          { method: 'Ntile', key: '(k_folded || k_text)' },
          { method: 'DataDriven', key: '(k_real IS NULL), k_folded, year(k_iso)' },
          { method: 'Timepartition', key: "(date(k_unix, 'unixepoch'),year,week)" },
        ];
        for (const one of asked) expect([one, rowsOf(await slicesBy(one))]).toEqual([one, all]);
      }),
      { numRuns: 3, endOnFailure: true },
    );
  });
});

describe('Timepartition', () => {
  const directories = async (name: string, values: readonly Value[], periods?: string) => {
    fill({ [name]: values }, values.length);
    const slices = await slicesBy({ method: 'Timepartition', key: keyFor('Timepartition', `k_${name}`, periods) });
    expect(rowsOf(slices)).toEqual(values.map((_, n) => n));
    return slices.map(({ directory }) => directory);
  };
  const NULLS = '__HIVE_DEFAULT_PARTITION__';

  test('takes text in ISO 8601, by its day in UTC', async () => {
    const values = ['2024-12-30', '2024-12-31T23:30:00-05:00', '2025-01-05 23:59:59.999', '2025-01-06T00:00Z', null];
    expect(await directories('iso', values)).toEqual([
      ...['year=2024/month=12', 'year=2025/month=01', `year=${NULLS}/month=${NULLS}`],
    ]);
    expect(await directories('iso', values, 'year,week')).toEqual([
      ...['year=2025/week=01', 'year=2025/week=02', `year=${NULLS}/week=${NULLS}`],
    ]);
    expect(await directories('iso', ['0000-12-31', '0001-01-01', '9999-12-31'], 'year')).toEqual([
      ...['year=0001', 'year=9999', `year=${NULLS}`],
    ]);
  });

  test('takes Unix seconds, also with fractions, and Julian days', async () => {
    const seconds = Date.parse('2025-01-31T12:00:00Z') / 1000;
    expect(await directories('unix', [seconds, -1, null])).toEqual([
      ...['year=1969/month=12', 'year=2025/month=01', `year=${NULLS}/month=${NULLS}`],
    ]);
    expect(await directories('number', [seconds + 0.25, seconds])).toEqual(['year=2025/month=01']);
    // At noon, a Julian day has no fraction, and a column of this type stores it as an integer.
    expect(await directories('number', [2460676.5, 2460708])).toEqual(['year=2025/month=01', 'year=2025/month=02']);
  });

  test.each<[string, readonly Value[], string]>([
    ['iso', ['2024-01-01', 'soon'], "one of its values is 'soon'"],
    ['iso', ['2024-13-01'], "one of its values is '2024-13-01'"],
    ['iso', ['now'], "one of its values is 'now'"],
    ['iso', ['12:30'], "one of its values is '12:30'"],
    ['iso', ['2024-01-01', 1700000000], 'its values are text and numbers'],
    ['unix', [1700000000000], 'one of its values is 1700000000000'],
    ['julian', [2460676.5, 1700000000.5], 'some of its real numbers can be Julian days'],
    ['real', [Infinity], 'one of its values is 9.0e+999'],
    ['blob', [new Uint8Array([1])], 'some of its values are blobs'],
  ])('refuses what is no date: %s %j', async (name, values, why) => {
    await expect(directories(name, values)).rejects.toMatchObject({
      code: 'PARTITION_KEY_UNSUITABLE',
      exit: 'usage',
      message: expect.stringContaining(why) as string,
      hint: expect.stringContaining('ISO 8601') as string,
    });
  });
});

test('directories are called as the values are, without the quotes of SQL', async () => {
  fill({ untyped: ["it's", 12, 1.5, new Uint8Array([0, 255]), 'a\0b', null] }, 6);
  const slices = await slicesBy({ method: 'DataDriven', key: 'k_untyped' });
  expect(slices.map(({ levels }) => levels?.[0]?.value)).toEqual([
    ...[null, '1.5', '12', `CAST(X'610062' AS TEXT)`, "it's", "X'00FF'"],
  ]);
});

test('what SQLite has not is refused with the reason and the way out', async () => {
  await expect(slicesBy({ method: 'DBPartition' })).rejects.toMatchObject({
    code: 'METHOD_NOT_SUPPORTED',
    message: 'main.keys cannot be split by the method DBPartition: SQLite has no declared partitions',
    hint: expect.stringContaining('--partition-by') as string,
  });
});
