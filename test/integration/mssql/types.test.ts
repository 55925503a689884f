import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { SliceReader } from '../../../src/sources/source.js';
import { differences } from '../../harness/same-rows.js';
import { columnSchemas } from '../../harness/parquet-readers/schema.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { expectedCell } from '../../servers/tds/expected-cell.js';
import { openReader, readColumns, readRequest, readToParquet } from '../../servers/tds/read-table.js';
import type { ResultEncoding, WireColumn, WireValue } from '../../servers/tds/result-set.js';
import { startTdsServer, type TdsServer } from '../../servers/tds/server.js';
import { TYPE_VALUES } from '../../servers/tds/type-values.js';

/** Values of every type over the wire, through the real driver's connection, into a file that others read. */

let server: TdsServer;
let reader: SliceReader;
let table: { columns: readonly WireColumn[]; rows: readonly (readonly WireValue[])[]; encoding: ResultEncoding };

beforeAll(async () => {
  server = await startTdsServer({
    handler: ({ sql }) => (sql.includes('[dbo].[t]') ? { ...table, ...table.encoding } : undefined),
  });
});
afterAll(() => server.stop());
beforeAll(async () => (reader = await openReader(server)));
afterAll(() => reader.close());
afterEach(() => (table = { columns: [], rows: [], encoding: {} }));

/** Bits of a type's column in one row each, behind a number that keeps their order. */
async function differencesOf(
  columns: readonly WireColumn[],
  rows: readonly (readonly WireValue[])[],
  encoding: ResultEncoding = {},
): Promise<string[]> {
  const all = [{ name: 'n', type: 'int', nullable: false }, ...columns];
  const numbered = rows.map((row, i) => [100_000 + i, ...row]);
  table = { columns: all, rows: numbered, encoding };
  await using read = await readToParquet(reader, readRequest(readColumns(all)));
  expect(read.result.rows).toBe(rows.length);
  const expected = numbered.map((row) => row.map((value, i) => expectedCell(all[i]!, value)));
  return [
    ...(await differences('DuckDB', [read.file], expected)),
    ...(await differences('parquet-wasm', [read.file], expected)),
  ];
}

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('every value of its type arrives as it is', () => {
  test.for(TYPE_VALUES)('%s', async ([type, values]) => {
    const rows = [...values, null].map((value) => [value]);
    expect(await differencesOf([{ name: 'v', type }], rows)).toEqual([]);
  });

  test.for(TYPE_VALUES)('%s, NOT NULL', async ([type, values]) => {
    const rows = values.map((value) => [value]);
    expect(await differencesOf([{ name: 'v', type, nullable: false }], rows)).toEqual([]);
  });
});

test('for Spark, times and uniqueidentifiers arrive as the server prints them, and tinyint signed', async () => {
  const columns: readonly WireColumn[] = [
    { name: 'n', type: 'int', nullable: false },
    { name: 't0', type: 'time(0)' },
    { name: 't3', type: 'time(3)' },
    { name: 't7', type: 'time(7)', nullable: false },
    { name: 'u', type: 'uniqueidentifier' },
    { name: 'b', type: 'tinyint' },
  ];
  const uuid = '6f9619ff-8b86-d011-b42d-00c04fc964ff';
  const rows = [
    [1, '12:34:56', '12:34:56.789', '23:59:59.9999999', uuid, 255],
    [2, '00:00:00', '00:00:00.000', '00:00:00.0000001', uuid, 0],
    [3, null, null, '12:00:00.0000000', null, null],
  ];
  table = { columns, rows, encoding: {} };
  await using read = await readToParquet(reader, readRequest(readColumns(columns, { compat: 'spark' })));
  const expected = rows.map((row) => row.map((value) => (value === null ? null : String(value))));
  expect(await differences('DuckDB', [read.file], expected)).toEqual([]);
  expect(await differences('parquet-wasm', [read.file], expected)).toEqual([]);
  expect((await columnSchemas(read.file)).map(({ type }) => type)).toEqual([
    'INT32',
    ...Array<string>(4).fill('BYTE_ARRAY STRING'),
    'INT32 INT(16)',
  ]);
});

test('every tick of a datetime is another microsecond', async () => {
  const rows = Array.from({ length: 300 }, (_, tick) => {
    const fraction = String(Math.round((tick * 10_000_000) / 300)).padStart(7, '0');
    return [`2024-02-29T12:34:56.${fraction}`];
  });
  expect(await differencesOf([{ name: 'v', type: 'datetime' }], rows)).toEqual([]);
});

test('rows with a bitmap of their NULLs, and rows without, hold the same', async () => {
  // 23 columns: the bitmap has a byte that is not full.
  const columns = TYPE_VALUES.slice(0, 23).map(([type], i) => ({ name: `c${i}`, type }));
  const row = TYPE_VALUES.slice(0, 23).map(([, values]) => values[0]!);
  const rows = [row, row.map(() => null), ...row.map((_, i) => row.map((value, k) => (k === i ? null : value)))];
  expect(await differencesOf(columns, rows, { nullBitmaps: true })).toEqual([]);
  expect(await differencesOf(columns, rows, { nullBitmaps: false })).toEqual([]);
});

describe('values of up to 2 GB come in chunks', () => {
  const columns = [
    { name: 't', type: 'nvarchar(max)' },
    { name: 'v', type: 'varchar(max)' },
    { name: 'b', type: 'varbinary(max)' },
  ];
  const text = '\u00fc\u{1F600}a'.repeat(2000);
  const rows = Array.from({ length: 50 }, (_, i) => [
    text.slice(0, i * 4),
    'caf\u00e9 '.repeat(i * 20),
    new Uint8Array(i * 100).map((_, k) => (k * 7 + i) & 0xff),
  ]);

  // Odd sizes cut characters and surrogate pairs in two.
  test.each([1, 3, 7, 1000])('of %i bytes', async (chunkBytes) => {
    expect(await differencesOf(columns, rows, { chunkBytes })).toEqual([]);
  });

  test('without their length before them', async () => {
    expect(await differencesOf(columns, rows, { chunkBytes: 1000, knownLength: false })).toEqual([]);
  });

  test('and larger than any buffer, between small ones', async () => {
    const large = [
      ['small', 'small', bytes(1)],
      ['\u00fc\u{1F600}a'.repeat(300_000), 'caf\u00e9'.repeat(400_000), new Uint8Array(3_000_000).fill(9)],
      [null, 'x', null],
      ['\u{1F600}'.repeat(500_000), null, bytes()],
      ['end', '', bytes(2)],
    ];
    for (const chunkBytes of [4001, 65_536, 10_000_000]) {
      expect(await differencesOf(columns, large, { chunkBytes, nullBitmaps: chunkBytes === 65_536 })).toEqual([]);
    }
  });
});

describe('text of a code page', () => {
  const page = async (collation: string, text: string, encoded: Uint8Array) => {
    const column = { name: 'v', type: 'varchar(200)', collation };
    table = { columns: [column], rows: [[encoded]], encoding: {} };
    await using read = await readToParquet(reader, readRequest(readColumns([column])));
    const [row] = await queryDuckDb(`SELECT v FROM ${quote(read.file)}`);
    expect(row?.['v']).toBe(text);
  };

  test('1252, with the control characters that Windows has in its gaps', async () => {
    const all = Uint8Array.from({ length: 255 }, (_, i) => i + 1);
    // bestfit1252.txt of the Unicode Consortium; the rest is ISO 8859-1.
    const from80to9f =
      '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
      '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';
    const latin1 = String.fromCharCode(...all);
    await page('SQL_Latin1_General_CP1_CI_AS', latin1.slice(0, 127) + from80to9f + latin1.slice(159), all);
  });

  test('1253', () => page('Greek_CI_AS', '\u03b1\u03b2\u03b3\u20ac', bytes(0xe1, 0xe2, 0xe3, 0x80)));
  test('1251', () => page('Cyrillic_General_CI_AS', '\u0416\u044f', bytes(0xc6, 0xff)));
  test('437', () => page('SQL_Latin1_General_CP437_CI_AS', '\u00e9\u2502\u03b1', bytes(0x82, 0xb3, 0xe0)));
  test('932', () => page('Japanese_CI_AS', 'a\u65e5\u672c\uff76\\', bytes(0x61, 0x93, 0xfa, 0x96, 0x7b, 0xb6, 0x5c)));
  test('UTF-8', () => page('Latin1_General_100_CI_AS_SC_UTF8', 'a\u4e2d\u{1F600}', Buffer.from('a\u4e2d\u{1F600}')));

  test('932 in a value that is cut anywhere', async () => {
    const column = { name: 'v', type: 'varchar(max)', collation: 'Japanese_CI_AS' };
    const encoded = Buffer.alloc(1_000_001, Buffer.from([0x93, 0xfa, 0x96, 0x7b]));
    encoded[1_000_000] = 0x61;
    table = { columns: [column], rows: [[encoded]], encoding: { chunkBytes: 4001 } };
    await using read = await readToParquet(reader, readRequest(readColumns([column])));
    const [row] = await queryDuckDb(`SELECT v FROM ${quote(read.file)}`);
    expect(row?.['v'] === `${'\u65e5\u672c'.repeat(250_000)}a`).toBe(true);
  });
});

describe('what Parquet cannot hold', () => {
  const cases: readonly [what: string, WireColumn, WireValue, RegExp][] = [
    ['an unpaired surrogate', { name: 'v', type: 'nvarchar(9)' }, 'a\ud800b', /unpaired surrogate/],
    ['half a pair at the end', { name: 'v', type: 'nvarchar(9)' }, 'ab\ud83d', /unpaired surrogate/],
    ['the wrong half', { name: 'v', type: 'nchar(2)' }, '\udc00 ', /unpaired surrogate/],
    [
      'one in a large value',
      { name: 'v', type: 'nvarchar(max)' },
      `${'x'.repeat(400_000)}\ud800`,
      /unpaired surrogate/,
    ],
    [
      'no UTF-8',
      { name: 'v', type: 'varchar(9)', collation: 'Latin1_General_100_CI_AS_SC_UTF8' },
      bytes(0xc3),
      /code page/,
    ],
    ['no character', { name: 'v', type: 'varchar(9)', collation: 'Greek_CI_AS' }, bytes(0xd2), /code page/],
  ];

  test.each(cases)('%s stops the table, naming the column', async (_, column, value, message) => {
    table = { columns: [column], rows: [['ok'], [value]], encoding: {} };
    const ours = await openReader(server);
    await expect(readToParquet(ours, readRequest(readColumns([column])))).rejects.toMatchObject({
      code: 'UNREPRESENTABLE_VALUE',
      exit: 'unrepresentable',
      message: expect.stringMatching(message) as string,
      context: { table: 'dbo.t', column: 'v' },
    });
    await ours.close();
  });

  test.each(cases)('%s is NULL and counted where that is asked for', async (_, column, value) => {
    table = { columns: [column], rows: [['ok'], [value], ['end'], [null]], encoding: {} };
    const request = readRequest(readColumns([column]), { onUnrepresentable: 'null' });
    await using read = await readToParquet(reader, request);
    expect(read.result.unrepresentable).toEqual({ v: 1 });
    const rows = await queryDuckDb(`SELECT v FROM ${quote(read.file)}`);
    expect(rows.map(({ v }) => v)).toEqual(['ok', null, 'end', null]);
  });
});

describe('times in nanoseconds', () => {
  const column = { name: 'v', type: 'datetime2(7)' };

  test('keep the seventh digit', async () => {
    const moments = ['1700-01-01T00:00:00.0000001', '2024-02-29T12:34:56.1234567', '2261-12-31T23:59:59.9999999'];
    table = { columns: [column], rows: moments.map((moment) => [moment]), encoding: {} };
    await using read = await readToParquet(reader, readRequest(readColumns([column], { timestampUnit: 'ns' })));
    const rows = await queryDuckDb(`SELECT CAST(v AS VARCHAR) AS v FROM ${quote(read.file)}`);
    expect(rows.map(({ v }) => (v as string).replace(' ', 'T').replace(/00$/, ''))).toEqual(moments);
  });

  test('reach from 1677 to 2262', async () => {
    for (const moment of ['1677-09-21T00:12:43.1452241', '2262-04-11T23:47:16.8547759', '0001-01-01T00:00:00']) {
      table = { columns: [column], rows: [[moment]], encoding: {} };
      const request = readRequest(readColumns([column], { timestampUnit: 'ns' }), { onUnrepresentable: 'null' });
      await using read = await readToParquet(reader, request);
      expect(read.result.unrepresentable).toEqual({ v: 1 });
    }
  });
});

test('any rows, in any packets', async () => {
  const value: Readonly<Record<string, fc.Arbitrary<WireValue>>> = {
    'decimal(38,10)': fc.bigInt(-(10n ** 38n) + 1n, 10n ** 38n - 1n).map((n) => pointed(n, 10)),
    'decimal(15,2)': fc.bigInt(-(10n ** 15n) + 1n, 10n ** 15n - 1n).map((n) => pointed(n, 2)),
    money: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((n) => pointed(n, 4)),
    bigint: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    float: fc.double({ noNaN: true, noDefaultInfinity: true }),
    'nvarchar(4000)': fc.string({ unit: 'binary', maxLength: 300 }),
    'nvarchar(max)': fc.string({ unit: 'binary', maxLength: 3000 }),
    'varbinary(max)': fc.uint8Array({ maxLength: 3000 }),
    uniqueidentifier: fc.uuid(),
  };
  const columns = Object.keys(value).map((type, i) => ({ name: `c${i}`, type }));
  const row = fc.tuple(...Object.values(value).map((one) => fc.option(one, { freq: 5, nil: null })));
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 40 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 5000 }),
      async (rows, nullBitmaps, chunkBytes) => {
        expect(await differencesOf(columns, rows, { nullBitmaps, chunkBytes })).toEqual([]);
      },
    ),
    { numRuns: 25 },
  );
});

function pointed(unscaled: bigint, scale: number): string {
  const text = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}
