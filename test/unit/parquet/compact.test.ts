import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  BOOLEAN,
  BYTES,
  DATE,
  decimalType,
  DOUBLE,
  FLOAT,
  INT32,
  INT64,
  STRING,
  timestampType,
  UUID,
} from '../../../src/columns/parquet-types.js';
import type { Codec } from '../../../src/parquet/codec.js';
import { kernelsOf } from '../../harness/kernels.js';
import { type TestColumn, type TestValue, writeParquet } from '../../harness/parquet-file.js';
import type { ReadColumn } from '../../harness/parquet-readers/cell.js';
import { readFooter } from '../../harness/parquet-readers/schema.js';
import { FULL_READERS, READERS } from '../../harness/same-rows.js';
import { ScratchDirectory } from '../../harness/scratch.js';

const ROWS = 1500;

/** Numbers that are the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function rows<T>(make: (i: number, next: () => number) => T, seed = 1): T[] {
  const next = random(seed);
  return Array.from({ length: ROWS }, (_, i) => make(i, next));
}

const bytes = (length: number, next: () => number) => Uint8Array.from({ length }, () => Math.floor(next() * 256));

/** Each with the encoding that makes it smallest. */
const COLUMNS: Readonly<Record<string, TestColumn & { readonly encoding: string }>> = {
  serial: { type: INT32, encoding: 'DELTA_BINARY_PACKED', values: rows((i) => i + 1) },
  falling: { type: INT32, encoding: 'DELTA_BINARY_PACKED', values: rows((i) => -7 * i) },
  wide: {
    type: INT32,
    encoding: 'PLAIN',
    values: rows((i, next) => [2 ** 31 - 1, -(2 ** 31), Math.floor((next() - 0.5) * 2 ** 32)][i % 3]!),
  },
  keys: { type: INT64, encoding: 'DELTA_BINARY_PACKED', values: rows((i) => 2n ** 40n + BigInt(i >> 2)) },
  extremes: {
    type: INT64,
    encoding: 'DELTA_BINARY_PACKED',
    values: rows((i) => (i < 4 ? [2n ** 63n - 1n, -(2n ** 63n), 0n, -1n][i]! : BigInt(i) * 1_000_003n)),
  },
  at: {
    type: timestampType('MICROS', { utc: true }),
    encoding: 'DELTA_BINARY_PACKED',
    nullable: true,
    values: rows((i, next) =>
      i % 5 === 0 ? null : 1_700_000_000_000_000n + BigInt(i * 1000 + Math.floor(next() * 900)),
    ),
  },
  day: { type: DATE, encoding: 'RLE_DICTIONARY', values: rows((_, next) => Math.floor(next() * 40)) },
  price: {
    type: decimalType(12, 2),
    encoding: 'DELTA_BINARY_PACKED',
    values: rows((_, next) => BigInt(Math.floor(next() * 1_000_000))),
  },
  measure: {
    type: DOUBLE,
    encoding: 'BYTE_STREAM_SPLIT',
    values: rows((i, next) => 20 + Math.sin(i / 9) + next() / 1000),
  },
  ratio: {
    type: FLOAT,
    encoding: 'BYTE_STREAM_SPLIT',
    nullable: true,
    values: rows((i, next) => (i === 9 ? null : 1 + next())),
  },
  special: {
    type: DOUBLE,
    encoding: 'BYTE_STREAM_SPLIT',
    values: rows((i, next) => (i < 5 ? [NaN, -0, Infinity, -Infinity, 5e-324][i]! : 1000 + next())),
  },
  sorted: {
    type: STRING,
    encoding: 'DELTA_BYTE_ARRAY',
    values: rows((i, next) => `https://example.org/${String(i).padStart(8, '0')}/${Math.floor(next() * 1e9)}`),
  },
  hex: {
    type: STRING,
    encoding: 'DELTA_LENGTH_BYTE_ARRAY',
    values: rows((_, next) => Buffer.from(bytes(3 + Math.floor(next() * 12), next)).toString('hex')),
  },
  empty: {
    type: BYTES,
    encoding: 'DELTA_LENGTH_BYTE_ARRAY',
    values: rows((_, next) => bytes(next() < 0.5 ? 0 : Math.floor(next() * 9), next)),
  },
  uuid: { type: UUID, encoding: 'PLAIN', values: rows((_, next) => bytes(16, next)) },
  sum: {
    type: decimalType(38, 4),
    encoding: 'PLAIN',
    values: rows((_, next) => Uint8Array.from([...new Uint8Array(12), ...bytes(4, next)])),
  },
  flag: { type: BOOLEAN, encoding: 'RLE', values: rows((i) => i > 1000) },
  coin: { type: BOOLEAN, encoding: 'PLAIN', values: rows((_, next) => next() < 0.5) },
  nothing: { type: INT32, encoding: 'PLAIN', nullable: true, values: rows(() => null) },
  list: {
    type: INT64,
    encoding: 'DELTA_BINARY_PACKED',
    nullable: true,
    list: true,
    values: rows((i, next): (TestValue | null)[] | null =>
      i % 7 === 0 ? null : Array.from({ length: i % 4 }, (_, k) => (next() < 0.1 ? null : BigInt(i * 1000 + k))),
    ),
  },
  texts: {
    type: STRING,
    encoding: 'DELTA_BYTE_ARRAY',
    nullable: true,
    list: true,
    values: rows((i) =>
      i % 9 === 0 ? null : Array.from({ length: i % 3 }, (_, k) => (k === 1 ? null : `order ${i}`)),
    ),
  },
};

const CODECS: readonly Codec[] = ['Zstd', 'Snappy', 'Gzip', 'Lz4', 'None'];

const scratch = new ScratchDirectory();
const file = (name: string) => path.join(scratch.path, `${name}.parquet`);
const write = (name: string, options: Parameters<typeof writeParquet>[2]) => writeParquet(file(name), COLUMNS, options);

beforeAll(async () => {
  await write('plain', { kernels: kernelsOf('simd') });
  for (const codec of CODECS)
    await write(codec, { codec, encoding: 'compact', kernels: kernelsOf('simd'), rowGroupRows: 700 });
}, 60_000);
afterAll(() => scratch.remove());

async function chunks(name: string) {
  const { row_groups } = await readFooter(file(name));
  return row_groups.map(({ columns }) => columns.map(({ meta_data }) => meta_data!));
}

/** Names of columns whose cells differ; to print the cells would take long. */
function different(found: readonly ReadColumn[], expected: readonly ReadColumn[]): string[] {
  return expected
    .filter(({ cells }, i) => JSON.stringify(cells) !== JSON.stringify(found[i]?.cells))
    .map(({ name }) => name);
}

const plain: Partial<Record<keyof typeof READERS, readonly ReadColumn[]>> = {};

describe('compact files', () => {
  it.each(CODECS)('hold what plain files do, for every reader: %s', async (codec) => {
    for (const reader of FULL_READERS) {
      const found = await READERS[reader]([file(codec)]);
      expect(different(found, (plain[reader] ??= await READERS[reader]([file('plain')])))).toEqual([]);
    }
  });

  it('hold what plain files do for hyparquet', async () => {
    const found = await READERS.hyparquet([file('Zstd')]);
    expect(different(found, await READERS.hyparquet([file('plain')]))).toEqual([]);
  });

  it('have the encoding that makes each column smallest', async () => {
    await write('one', { encoding: 'compact', kernels: kernelsOf('simd') });
    const [columns] = await chunks('one');
    const isOwn = (encoding: string, name: string) =>
      !['RLE', 'PLAIN'].includes(encoding) || (encoding === 'RLE' && name === 'flag');
    const found = columns!.map(({ encodings, path_in_schema: [name = ''] }) => [
      name,
      encodings.find((encoding) => isOwn(encoding, name)) ?? 'PLAIN',
    ]);
    expect(found).toEqual(Object.entries(COLUMNS).map(([name, { encoding }]) => [name, encoding]));
  });
});
