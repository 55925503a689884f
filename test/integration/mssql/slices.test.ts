import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkSliceCoverage } from '../../../src/export/planning/slice-coverage.js';
import type { PartitionMethod, TableOverride, Slice, SliceOptions } from '../../../src/sources/source.js';
import { describeTable, openDatabase, type OpenDatabase } from '../../servers/tds/open-database.js';
import type { WireValue } from '../../servers/tds/result-set.js';
import type { Quirks, TestTable } from '../../servers/tds/test-tables.js';

const OPTIONS: SliceOptions = { degree: 3, largeTableThreshold: 10 };

/** Slices of the table `t`, and which of its rows each of them gives. */
async function slicesOf(
  table: Omit<TestTable, 'name'>,
  options: Partial<SliceOptions> = {},
  quirks: Quirks = {},
): Promise<{ readonly slices: readonly Slice[]; readonly rows: readonly (readonly number[])[] }> {
  await using open = await openDatabase([{ name: 't', ...table }], quirks);
  return await slicesIn(open, options);
}

async function slicesIn(open: OpenDatabase, options: Partial<SliceOptions>): ReturnType<typeof slicesOf> {
  const described = await describeTable(open.source, 't');
  const slices = await open.source.slice(described.table, described.columns, { ...OPTIONS, ...options });
  checkSliceCoverage(slices);
  const rows: number[][] = [];
  for (const { query } of slices) rows.push(await open.database.rowNumbers(query));
  return { slices, rows };
}

/** Fails where a row is in no slice, or in more than one. */
function expectEachOnce(rows: readonly (readonly number[])[], count: number): void {
  const seen = rows.flat().sort((a, b) => a - b);
  expect(seen).toEqual(Array.from({ length: count }, (_, i) => i));
}

const id = { name: 'id', type: 'int', nullable: false } as const;
const many = (count: number): WireValue[][] => Array.from({ length: count }, (_, i) => [i]);
const large = { rows: 1_000_000, pages: 100_000 };

describe('the automatic choice', () => {
  const methodOf = async (table: Partial<TestTable>, quirks: Quirks = {}, options: Partial<SliceOptions> = {}) => {
    const whole = { columns: [id], rows: many(1000), statistics: large, ...table };
    const { slices, rows } = await slicesOf(whole, options, quirks);
    expectEachOnce(rows, whole.rows.length);
    return [...new Set(slices.map(({ method }) => method))].join();
  };
  const clustered = [{ keys: ['id'], isClustered: true, isUnique: true }];

  test('is one reader for a table that is small, of unknown size, or a view', async () => {
    expect(await methodOf({ indexes: clustered, statistics: { rows: 9, pages: 1 } })).toBe('None');
    expect(await methodOf({ indexes: clustered }, {}, { degree: 1 })).toBe('None');
    expect(await methodOf({ indexes: clustered, kind: 'view' })).toBe('None');
    const noStatistics = { refused: { 'sys.dm_db_partition_stats': 208, 'sys.partitions': 208 } };
    expect(await methodOf({ indexes: clustered }, noStatistics)).toBe('None');
  });

  test('is ranges of a clustered key that is a number or a date', async () => {
    expect(await methodOf({ indexes: clustered })).toBe('RangeId');
    const days = Array.from({ length: 500 }, (_, i) => [new Date(i * 86_400_000).toISOString().slice(0, 10)]);
    const columns = [{ name: 'day', type: 'date' }];
    expect(await methodOf({ columns, rows: days, indexes: [{ keys: ['day', 'x'], isClustered: true }] })).toBe(
      'RangeId',
    );
  });

  test('is the place of the rows where there is no such key', async () => {
    expect(await methodOf({})).toBe('Physloc');
    const columns = [id, { name: 'code', type: 'nvarchar(9)' }];
    expect(await methodOf({ columns, indexes: [{ keys: ['code'], isClustered: true }] })).toBe('Physloc');
    expect(await methodOf({ indexes: [{ keys: ['id'], isUnique: true }] })).toBe('Physloc');
    // All rows with one key: there are no ranges between.
    expect(await methodOf({ rows: Array.from({ length: 50 }, () => [7]), indexes: clustered })).toBe('Physloc');
  });

  test('is a unique number where rows have no place', async () => {
    const unique = [{ keys: ['id'], isUnique: true }];
    expect(await methodOf({ indexes: unique, hasLocations: false })).toBe('RangeId');
    expect(await methodOf({ indexes: unique }, { noPhysloc: true })).toBe('RangeId');
    expect(await methodOf({ indexes: unique }, { noPhysloc: true, refused: { 'sys.indexes': 208 } })).toBe('RangeId');
    expect(await methodOf({ indexes: [{ keys: ['id'], isUnique: true, filtered: true }] }, { noPhysloc: true })).toBe(
      'None',
    );
    expect(await methodOf({ indexes: [{ keys: ['id', 'id'], isUnique: true }] }, { noPhysloc: true })).toBe('None');
  });

  test('is the place of the rows where there are fewer keys than readers that were asked for', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => [i % 2]);
    expect(await methodOf({ rows, indexes: clustered })).toBe('RangeId');
    expect(await methodOf({ rows, indexes: clustered }, {}, { isDegreeAsked: true })).toBe('Physloc');
    expect(await methodOf({ rows, indexes: clustered }, { noPhysloc: true }, { isDegreeAsked: true })).toBe('RangeId');
  });

  test('is one reader where nothing tells rows apart', async () => {
    expect(await methodOf({}, { noPhysloc: true })).toBe('None');
  });
});

describe('as many slices as are worth a file', () => {
  const countOf = async (statistics: { rows: number; pages: number }, degree: number) => {
    const indexes = [{ keys: ['id'], isClustered: true }];
    return (await slicesOf({ columns: [id], rows: many(1000), statistics, indexes }, { degree })).slices.length;
  };
  const pagesOf = (gib: number) => (gib * 1024 ** 3) / 8192;

  test('four for each reader of a large table, one for each of a smaller one', async () => {
    expect(await countOf({ rows: 50_000_000, pages: pagesOf(4) }, 4)).toBe(16);
    expect(await countOf({ rows: 600_000, pages: pagesOf(0.1) }, 2)).toBe(2);
  });

  test('more where they would pass 1 GiB', async () => {
    expect(await countOf({ rows: 1_000_000_000, pages: pagesOf(40) }, 2)).toBe(40);
  });
});

describe('what the configuration asks for', () => {
  const as = (method: PartitionMethod, key?: string): { override: TableOverride } => ({
    override: { method, key },
  });
  const columns = [id, { name: 'name', type: 'nvarchar(20)' }, { name: 'at', type: 'datetime2(3)' }];
  const rows: WireValue[][] = [
    [1, 'a', '2024-12-30T10:00:00'],
    [2, 'A', '2025-01-01T00:00:00'],
    [3, null, null],
    [4, "it's", '2025-01-05T23:59:59.999'],
    [5, 'b', '2025-01-06T00:00:00'],
    [6, 'b', '0001-01-01T00:00:00'],
    [7, 'c', '9999-12-31T23:59:59.999'],
  ];
  const table = { columns, rows };

  test('goes before the size of the table', async () => {
    const { slices } = await slicesOf(table, { ...as('Random', 'id'), largeTableThreshold: 1_000_000 });
    expect(slices.map(({ bounds }) => bounds)).toEqual(['id mod 3 = 0', 'id mod 3 = 1', 'id mod 3 = 2']);
  });

  test('by value has a slice for each, and one for NULL', async () => {
    const { slices, rows: given } = await slicesOf(table, as('DataDriven', 'NAME'));
    expectEachOnce(given, rows.length);
    const counts = Object.fromEntries(slices.map(({ bounds, estimatedRows }) => [bounds.toLowerCase(), estimatedRows]));
    expect(counts).toEqual({ 'name is null': 1, 'name = a': 2, 'name = b': 2, 'name = c': 1, "name = it's": 1 });
  });

  test('may be an expression', async () => {
    const { slices, rows: given } = await slicesOf(table, as('DataDriven', '[id] % 2'));
    expectEachOnce(given, rows.length);
    expect(slices.map(({ bounds }) => bounds)).toEqual(['[id] % 2 = 0', '[id] % 2 = 1']);
  });

  const directories = async (key: string) => {
    const { slices, rows: given } = await slicesOf(table, as('Timepartition', key));
    expectEachOnce(given, rows.length);
    return slices.map(({ directory }) => directory);
  };
  const NULL = '__HIVE_DEFAULT_PARTITION__';
  // All files lie equally deep: Spark and DuckDB want it.
  const NULLS = `year=${NULL}`;

  test('by time has a directory for each period', async () => {
    expect(await directories('(at,year)')).toEqual(['year=0001', 'year=2024', 'year=2025', 'year=9999', NULLS]);
    expect(await directories('(at, year, month)')).toEqual([
      'year=0001/month=01',
      'year=2024/month=12',
      'year=2025/month=01',
      'year=9999/month=12',
      `${NULLS}/month=${NULL}`,
    ]);
    expect(await directories('(at,year,month,day)')).toEqual([
      'year=0001/month=01/day=01',
      'year=2024/month=12/day=30',
      'year=2025/month=01/day=01',
      'year=2025/month=01/day=05',
      'year=2025/month=01/day=06',
      'year=9999/month=12/day=31',
      `${NULLS}/month=${NULL}/day=${NULL}`,
    ]);
    // ISO 8601: the week of 30 December 2024 is the first of 2025.
    expect(await directories('(at,year,week)')).toEqual([
      'year=0001/week=01',
      'year=2025/week=01',
      'year=2025/week=02',
      'year=9999/week=52',
      `${NULLS}/week=${NULL}`,
    ]);
  });

  test('of a table without rows is one slice', async () => {
    for (const [method, key] of [
      ['RangeId', 'id'],
      ['Ntile', 'id'],
      ['DataDriven', 'id'],
      ['Timepartition', '(at,year)'],
    ] as const) {
      const { slices } = await slicesOf({ columns }, as(method, key));
      expect(slices).toHaveLength(1);
    }
  });

  test('by time may be an expression with commas of its own', async () => {
    expect(await directories('(CONVERT(date, [at]), year)')).toEqual([
      'year=0001',
      'year=2024',
      'year=2025',
      'year=9999',
      NULLS,
    ]);
  });

  const methodsOf = async (override: TableOverride, more: Partial<TestTable> = {}) => {
    const { slices, rows: given } = await slicesOf({ ...table, ...more }, { override, largeTableThreshold: 1_000_000 });
    expectEachOnce(given, rows.length);
    return slices.map(({ method }) => method);
  };

  test('may be a number of readers alone: the automatic choice, whatever the size', async () => {
    expect(await methodsOf({ degree: 2 })).toEqual(['Physloc', 'Physloc']);
    const indexes = [{ keys: ['id'], isClustered: true }];
    expect(await methodsOf({ degree: 4 }, { indexes })).toEqual(Array.from({ length: 4 }, () => 'RangeId'));
    expect(await methodsOf({ degree: 1 }, { indexes })).toEqual(['None']);
    expect(await methodsOf({ method: 'RangeId', key: 'id', degree: 1 })).toEqual(['None']);
  });

  test('may be a key alone: ranges of it', async () => {
    expect(await methodsOf({ key: 'id', degree: 2 })).toEqual(['RangeId', 'RangeId']);
    expect(await methodsOf({ key: 'name', degree: 2 })).toEqual(['Ntile', 'Ntile']);
  });

  test('by a column that is not there is refused with those that are', async () => {
    for (const key of ['nmae', '[nmae]', '"nmae"', '(nmae,year)']) {
      const method = key.startsWith('(') ? 'Timepartition' : 'Ntile';
      await expect(slicesOf(table, as(method, key))).rejects.toMatchObject({
        code: 'PARTITION_KEY_UNKNOWN',
        message: expect.stringContaining('nmae') as string,
        hint: 'Its columns are id, name, at',
        context: { table: 'dbo.t' },
      });
    }
  });

  test.each([
    ['RangeId', 'name', 'Ntile, DataDriven'],
    ['Random', 'at', 'RangeId, Ntile, DataDriven, Timepartition'],
    ['Timepartition', '(id,year)', 'RangeId, Random, Ntile, DataDriven'],
  ] as const)('%s by %s is refused with the methods that fit', async (method, key, fitting) => {
    await expect(slicesOf(table, as(method, key))).rejects.toMatchObject({
      hint: expect.stringMatching(new RegExp(`: ${fitting}$`)) as string,
    });
  });

  test('by location is refused where rows have none', async () => {
    const refused = slicesOf({ ...table, hasLocations: false }, as('Physloc'));
    await expect(refused).rejects.toMatchObject({ code: 'METHOD_NOT_SUPPORTED', exit: 'usage' });
  });

  const refusal = (method: PartitionMethod, key?: string) => slicesOf(table, as(method, key));
  test.each<[PartitionMethod, string | undefined, string]>([
    ['RangeId', undefined, 'PARTITION_KEY_MISSING'],
    ['RangeId', 'name', 'PARTITION_KEY_UNSUITABLE'],
    ['Random', 'at', 'PARTITION_KEY_UNSUITABLE'],
    ['Timepartition', '(id,year)', 'PARTITION_KEY_UNSUITABLE'],
    ['Timepartition', '(at,quarter)', 'PARTITION_KEY_UNSUITABLE'],
    ['Ctid', undefined, 'METHOD_NOT_SUPPORTED'],
  ])('%s by %s is refused', async (method, key, code) => {
    await expect(refusal(method, key)).rejects.toMatchObject({ code, exit: 'usage' });
  });
});

/** Keys of every type, with the extremes of each among them. */
const KEYS: Readonly<Record<string, fc.Arbitrary<WireValue>>> = {
  tinyint: fc.oneof(fc.constantFrom(0, 255), fc.integer({ min: 0, max: 255 })),
  smallint: fc.oneof(fc.constantFrom(-32768, 32767), fc.integer({ min: -32768, max: 32767 })),
  int: fc.oneof(fc.constantFrom(-2147483648, 2147483647, 0, -1), fc.integer()),
  bigint: fc.oneof(
    fc.constantFrom('-9223372036854775808', '9223372036854775807'),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String),
    fc.integer({ min: -3, max: 3 }),
  ),
  bit: fc.constantFrom(0, 1),
  'decimal(38,0)': fc.oneof(fc.constantFrom('9'.repeat(38), `-${'9'.repeat(38)}`), fc.integer().map(String)),
  'decimal(18,4)': fc.integer().map((n) => (n / 10_000).toFixed(4)),
  money: fc.constantFrom('-922337203685477.5808', '922337203685477.5807', '0.0001', '-0.0001', '12.34'),
  // Neither NaN nor infinities are among SQL Server's floats.
  float: fc.oneof(
    fc.constantFrom(-1.7976931348623157e308, 1.7976931348623157e308, 0, -0, 5.5, 5e-324),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }),
  ),
  real: fc.oneof(
    fc.constantFrom(-3.4028234663852886e38, 3.4028234663852886e38, 0, 0.25),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
  ),
  date: fc.oneof(fc.constantFrom('0001-01-01', '9999-12-31'), dates(10)),
  'time(3)': fc.constantFrom('00:00:00', '23:59:59.999', '12:34:56.789'),
  smalldatetime: dates(16, new Date('1900-01-01'), new Date('2079-06-06')).map((text) => `${text}:00`),
  datetime: dates(23, new Date('1753-01-01')),
  'datetime2(7)': fc.oneof(fc.constantFrom('0001-01-01T00:00:00', '9999-12-31T23:59:59.999999'), dates(23)),
  'datetimeoffset(3)': dates(19).map((text) => `${text}+00:00`),
  'nvarchar(30)': fc
    .oneof(
      fc.constantFrom('', ' ', 'a', 'A', 'a  ', 'A ', ' a', "o'b", "'", ']', '--', 'z', '\u{1F600}'),
      fc.string({ maxLength: 8 }),
    )
    .map(withoutNul),
  'nchar(4)': fc.constantFrom('a   ', 'A   ', '    ', 'b   '),
  'varchar(30)': fc
    .oneof(fc.constantFrom('a', 'A', 'a ', "o'b", 'B'), fc.string({ maxLength: 8 }))
    .map((text) => withoutNul(text)),
  'varbinary(8)': fc.uint8Array({ minLength: 1, maxLength: 8 }),
  'varbinary(max)': fc.uint8Array({ minLength: 1, maxLength: 3 }),
  uniqueidentifier: fc.uuid(),
};
const TYPES = Object.keys(KEYS);

/** Zero characters are no part of DuckDB's strings. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}

function dates(length: number, min = new Date('0001-01-02'), max = new Date('9999-12-30')): fc.Arbitrary<string> {
  return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString().slice(0, length));
}

function requestsFor(type: string, key: string): TableOverride[] {
  const isText = /char|binary|unique|time\(3|bit/.test(type);
  const isInteger = /int|decimal\(38,0\)/.test(type);
  const isDate = /date/.test(type);
  const periods = ['year,month', 'year,week'];
  return [
    { method: 'DataDriven', key },
    ...(type === 'bit' ? [] : [{ method: 'Ntile', key }]),
    ...(isText ? [] : [{ method: 'RangeId', key }]),
    ...(isInteger ? [{ method: 'Random', key }] : []),
    ...(isDate ? periods.map((period) => ({ method: 'Timepartition', key: `(${key},${period})` })) : []),
  ];
}

const ROWS = 30;
/** Keys by type, as lists of which some are shorter than the table: the rest is NULL. */
const lists = fc.record(
  Object.fromEntries(
    TYPES.map((type) => {
      const key = fc.option(KEYS[type]!, { freq: 6, nil: null });
      const list = fc.oneof(
        { weight: 5, arbitrary: fc.array(key, { maxLength: ROWS }) },
        // One value alone, and one value beside few others.
        key.map((one) => Array<WireValue>(ROWS).fill(one)),
        fc.tuple(key, key).map(([one, two]) => [...Array<WireValue>(ROWS - 1).fill(one), two]),
      );
      return [type, list];
    }),
  ),
);

/** A table with a key of each type, `k0` and so on, behind `id`. */
function keysTable(values: Readonly<Record<string, readonly WireValue[]>>, more: Partial<TestTable> = {}): TestTable {
  return {
    name: 't',
    columns: [id, ...TYPES.map((type, i) => ({ name: `k${i}`, type }))],
    rows: Array.from({ length: ROWS }, (_, n) => [n, ...TYPES.map((type) => values[type]?.[n] ?? null)]),
    ...more,
  };
}

const keyOf = (type: string) => `k${TYPES.indexOf(type)}`;

describe('every row is in exactly one slice, by every method', () => {
  /** Once for each database: there are many requests. */
  const known = new WeakMap<OpenDatabase, ReturnType<typeof describeTable>>();
  const described = (open: OpenDatabase) => {
    const table = known.get(open) ?? describeTable(open.source, 't');
    known.set(open, table);
    return table;
  };
  /** Slices of a table, of which a condition leaves some rows, and the numbers of their rows. */
  const sliced = async (open: OpenDatabase, override: TableOverride, degree: number, where?: string) => {
    const { table, columns } = await described(open);
    const dataset = { ...table.dataset, ...(where !== undefined && { predicates: [where] }) };
    const slices = await open.source.slice({ ...table, dataset }, columns, { ...OPTIONS, override, degree });
    checkSliceCoverage(slices);
    const rows: number[] = [];
    for (const { query } of slices) rows.push(...(await open.database.rowNumbers(query)));
    return { slices, rows: rows.sort((a, b) => a - b) };
  };
  const all = Array.from({ length: ROWS }, (_, n) => n);
  const CONDITIONS: readonly (readonly [where: string | undefined, rows: readonly number[]])[] = [
    [undefined, all],
    ['[id] % 3 = 1 OR [id] > 25', all.filter((n) => n % 3 === 1 || n > 25)],
    ['1 = 0', []],
  ];

  test('of keys of every type, also of the rows that a condition leaves', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(...CONDITIONS),
        async (values, degree, [where, expected]) => {
          await using open = await openDatabase([keysTable(values)]);
          for (const override of [{ method: 'Physloc' }, ...TYPES.flatMap((type) => requestsFor(type, keyOf(type)))]) {
            const { rows } = await sliced(open, override, degree, where);
            expect([override, rows]).toEqual([override, expected]);
          }
        },
      ),
      { numRuns: 2, endOnFailure: true },
    );
  });

  test('of expressions, and of a view', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(lists, async (values) => {
        const [whole, text, day] = ['int', 'nvarchar(30)', 'date'].map(keyOf);
        for (const kind of ['table', 'view'] as const) {
          await using open = await openDatabase([keysTable(values, { kind })]);
          for (const override of [
            { method: 'DataDriven', key: `YEAR(${day})` },
            { method: 'DataDriven', key: `${text}, year(${day}), month(${day})` },
            { method: 'Ntile', key: `(${whole} % 7)` },
            { method: 'RangeId', key: `(CONVERT(bigint, ${whole}) * 2)` },
            { method: 'Random', key: `(${whole} % 100)` },
          ]) {
            const { rows } = await sliced(open, override, 3);
            expect([kind, override, rows]).toEqual([kind, override, all]);
          }
        }
      }),
      { numRuns: 1, endOnFailure: true },
    );
  });

  const BOUNDARIES: readonly (readonly [type: string, boundaries: readonly WireValue[]])[] = [
    ['int', [-5, 0, 1000]],
    ['date', ['2000-01-01', '2024-02-29']],
    ['nvarchar(30)', ['B', "o'b"]],
    ['bigint', []],
  ];

  test('of declared partitions, which have directories with their numbers', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.constantFrom(...BOUNDARIES),
        fc.boolean(),
        async (values, [type, boundaries], isOnRight) => {
          const partitionedBy = { function: "by] ['k", column: keyOf(type), boundaries, isOnRight };
          const indexes = [{ keys: ['id', keyOf(type)], isClustered: true }];
          await using open = await openDatabase([keysTable(values, { partitionedBy, ...(isOnRight && { indexes }) })]);
          for (const [where, expected] of CONDITIONS) {
            const { slices, rows } = await sliced(open, { method: 'DBPartition' }, 2, where);
            expect(rows).toEqual(expected);
            expect(slices.map(({ directory }) => directory)).toEqual(
              [...boundaries, undefined].map((_, i) => `partition=${i + 1}`),
            );
          }
        },
      ),
      { numRuns: 4, endOnFailure: true },
    );
  });
});

describe('DBPartition', () => {
  const columns = [id, { name: 'partition', type: 'int' }];
  const rows = many(10).map(([n]) => [n!, -Number(n)]);
  const partitionedBy = { function: 'pf', column: 'id', boundaries: [3, 7], isOnRight: true };

  test('names its slices by number and boundaries, and leaves a column of the same name alone', async () => {
    const { slices } = await slicesOf({ columns, rows, partitionedBy }, { override: { method: 'DBPartition' } });
    expect(slices.map(({ bounds, directory, query }) => [bounds, directory, query])).toEqual([
      [
        'partition 1: id < 3',
        'partition_key=1',
        `SELECT [id], [partition] FROM [dbo].[t] WHERE $PARTITION.[pf]([id]) = 1`,
      ],
      ['partition 2: id >= 3 and id < 7', 'partition_key=2', expect.stringContaining('= 2')],
      ['partition 3: id >= 7', 'partition_key=3', expect.stringContaining('= 3')],
    ]);
    const left = await slicesOf(
      { columns, rows, partitionedBy: { ...partitionedBy, isOnRight: false } },
      { override: { method: 'DBPartition' } },
    );
    expect(left.slices.map(({ bounds }) => bounds)).toEqual([
      'partition 1: id <= 3',
      'partition 2: id > 3 and id <= 7',
      'partition 3: id > 7',
    ]);
  });

  test.each<[Partial<TestTable>, Quirks, string]>([
    [{}, {}, 'it has no partitions'],
    [{ kind: 'view' }, {}, 'it is a view'],
    [{ partitionedBy }, { refused: { 'sys.partition_schemes': 208 } }, 'the server does not tell its partitions'],
  ])('is refused with the reason where there are none: %j %j', async (more, quirks, why) => {
    const refused = slicesOf({ columns, rows, ...more }, { override: { method: 'DBPartition' } }, quirks);
    await expect(refused).rejects.toMatchObject({
      code: 'METHOD_NOT_SUPPORTED',
      message: `dbo.t cannot be split by the method DBPartition: ${why}`,
      hint: expect.stringContaining('--partition-by') as string,
    });
  });
});

test('the last automatic ranges are smaller, so that no reader works alone for long', async () => {
  const indexes = [{ keys: ['id'], isClustered: true }];
  const statistics = { rows: 8_000_000, pages: 100_000 };
  const { slices, rows } = await slicesOf({ columns: [id], rows: many(1400), indexes, statistics }, { degree: 2 });
  expectEachOnce(rows, 1400);
  expect(slices.map(({ method }) => method)).toEqual(Array.from({ length: 8 }, () => 'RangeId'));
  expect(rows.map(({ length }) => length)).toEqual([200, 200, 200, 200, 200, 200, 100, 100]);
  expect(slices.at(-1)?.estimatedRows).toBe(Math.round(8_000_000 / 14));
});
