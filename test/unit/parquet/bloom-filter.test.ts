import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  BOOLEAN,
  DATE,
  decimalType,
  DOUBLE,
  FLOAT,
  INT32,
  INT64,
  STRING,
  UUID,
} from '../../../src/columns/parquet-types.js';
import { bloomFilterBytes, takesBloomFilter } from '../../../src/parquet/bloom-filter.js';
import { KERNEL_BUILDS, kernelsOf } from '../../harness/kernels.js';
import { type TestColumn, writeParquet } from '../../harness/parquet-file.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { readFooter } from '../../harness/parquet-readers/schema.js';
import { ScratchDirectory } from '../../harness/scratch.js';

const ROWS = 2000;
const rows = <T>(make: (i: number) => T) => Array.from({ length: ROWS }, (_, i) => make(i));
const bigEndian = (value: number) => Uint8Array.from({ length: 16 }, (_, i) => (i < 12 ? 0 : value >>> (8 * (15 - i))));

/** Values 0, 3, 6 … in each type; one in three is there. */
const filtered = { bloomFilter: 0.01 };
const COLUMNS: Readonly<Record<string, TestColumn & { readonly sql: (n: number) => string }>> = {
  i: { ...filtered, type: INT32, values: rows((i) => i * 3), sql: (n) => String(n) },
  l: {
    ...filtered,
    type: INT64,
    nullable: true,
    values: rows((i) => (i % 4 ? BigInt(i * 3) : null)),
    sql: (n) => `${n}::BIGINT`,
  },
  few: { ...filtered, type: INT32, values: rows((i) => (i % 100) * 3), sql: (n) => String(n % 300) },
  f: { ...filtered, type: FLOAT, values: rows((i) => i * 3), sql: (n) => `${n}::FLOAT` },
  d: { ...filtered, type: DOUBLE, values: rows((i) => i * 3), sql: (n) => `${n}::DOUBLE` },
  t: { ...filtered, type: STRING, values: rows((i) => `text ${i * 3}`), sql: (n) => `'text ${n}'` },
  long: {
    ...filtered,
    type: STRING,
    values: rows((i) => `${'a rather long text, '.repeat(4)}${i * 3}`),
    sql: (n) => `'${'a rather long text, '.repeat(4)}${n}'`,
  },
  day: { ...filtered, type: DATE, values: rows((i) => i * 3), sql: (n) => `DATE '1970-01-01' + ${n}` },
  b: { type: BOOLEAN, values: rows((i) => i % 2 === 0), sql: () => 'true' },
  none: { type: INT32, values: rows((i) => i), sql: (n) => String(n) },
};

const scratch = new ScratchDirectory();
afterAll(() => scratch.remove());

/** For each number whether the only row group of the file certainly lacks it. */
async function excluded(file: string, column: string, numbers: readonly number[]): Promise<boolean[]> {
  const { sql } = COLUMNS[column]!;
  const probes = numbers.map(
    (n) =>
      `SELECT ${n} AS n, bloom_filter_excludes AS e FROM parquet_bloom_probe(${quote(file)}, ${quote(column)}, ${sql(n)})`,
  );
  const found = await queryDuckDb(`${probes.join(' UNION ALL ')} ORDER BY n`);
  return found.map(({ e }) => e === true);
}

describe.each(['plain', 'compact'] as const)('Bloom filters in %s files', (encoding) => {
  const file = path.join(scratch.path, `${encoding}.parquet`);

  beforeAll(async () => {
    await writeParquet(file, COLUMNS, { encoding, kernels: kernelsOf('simd') });
  }, 60_000);

  it.each(Object.keys(COLUMNS).filter((name) => COLUMNS[name]!.bloomFilter !== undefined))(
    'DuckDB finds every value of %s in them, and few that are not there',
    async (name) => {
      const present = Array.from({ length: 100 }, (_, i) => (i * 20 + 1) * 3);
      expect(await excluded(file, name, present)).not.toContain(true);
      const absent = Array.from({ length: 300 }, (_, i) => i * 18 + 1);
      const wrong = (await excluded(file, name, absent)).filter((is) => !is).length;
      expect(wrong).toBeLessThanOrEqual(12);
    },
    60_000,
  );

  it('their size follows the distinct values', async () => {
    const [group] = (await readFooter(file)).row_groups;
    const lengths: Readonly<Record<string, number | undefined>> = Object.fromEntries(
      group!.columns.map(({ meta_data }): [string, number | undefined] => [
        meta_data!.path_in_schema[0]!,
        meta_data!.bloom_filter_length,
      ]),
    );
    const header = 32;
    expect(lengths['i']).toBeLessThanOrEqual(2 * bloomFilterBytes(ROWS, 0.01) + header);
    expect(lengths['i']).toBeGreaterThan(ROWS / 2);
    expect(lengths['few']).toBeLessThanOrEqual(2 * bloomFilterBytes(100, 0.01) + header);
    expect(lengths['b']).toBeUndefined();
    expect(lengths['none']).toBeUndefined();
  });
});

describe('Bloom filters', () => {
  it('have both zeros, and any NaN', async () => {
    const file = path.join(scratch.path, 'zeros.parquet');
    const values = [-0, NaN];
    await writeParquet(
      file,
      { d: { ...filtered, type: DOUBLE, values }, f: { ...filtered, type: FLOAT, values } },
      { kernels: kernelsOf('scalar') },
    );
    for (const [column, type] of [
      ['d', 'DOUBLE'],
      ['f', 'FLOAT'],
    ] as const) {
      for (const value of ['0.0', '-0.0', "'NaN'"]) {
        const sql = `SELECT count(*)::INTEGER AS n FROM read_parquet(${quote(file)}) WHERE ${column} = ${value}::${type}`;
        expect(await queryDuckDb(sql)).toEqual([{ n: 1 }]);
      }
    }
  });

  it('are written for all row groups, of decimals, UUIDs and elements of lists too', async () => {
    const file = path.join(scratch.path, 'more.parquet');
    await writeParquet(
      file,
      {
        sum: { ...filtered, type: decimalType(38, 0), values: rows(bigEndian) },
        id: { ...filtered, type: UUID, values: rows(bigEndian) },
        list: { ...filtered, type: INT32, nullable: true, list: true, values: rows((i) => (i % 2 ? [i, null] : null)) },
        nothing: { ...filtered, type: INT32, nullable: true, values: rows(() => null) },
      },
      { kernels: kernelsOf('simd'), rowGroupRows: 600 },
    );
    const { row_groups } = await readFooter(file);
    expect(row_groups).toHaveLength(4);
    for (const { columns } of row_groups) {
      expect(columns.slice(0, 3).map(({ meta_data }) => meta_data!.bloom_filter_offset)).not.toContain(undefined);
      // There is nothing to find.
      expect(columns[3]!.meta_data!.bloom_filter_offset).toBeUndefined();
    }
    const [sums] = await queryDuckDb(
      `SELECT count(*)::INTEGER AS n FROM read_parquet(${quote(file)}) WHERE sum IN (7, 1999) OR id = '00000000-0000-0000-0000-000000000005'`,
    );
    expect(sums).toEqual({ n: 3 });
  });

  it('of booleans do not exist', () => {
    expect(takesBloomFilter({ type: BOOLEAN })).toBe(false);
    expect(takesBloomFilter({ type: INT32 })).toBe(true);
  });
});

describe.each(KERNEL_BUILDS)('xxHash64 by kernels (%s)', (build) => {
  it.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('of %j is the published one', (text, hash) => {
    const kernels = kernelsOf(build);
    const bytes = kernels.columns.bytes(64);
    const { written } = new TextEncoder().encodeInto(text, bytes);
    expect(BigInt.asUintN(64, kernels.run.xxHash64(bytes.byteOffset, written))).toBe(hash);
  });
});
