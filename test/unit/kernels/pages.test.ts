import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createColumnBuffers } from '../../../src/columns/column-buffers.js';
import type { ColumnBuffer } from '../../../src/columns/column-buffer.js';
import type { ParquetType } from '../../../src/columns/column-spec.js';
import type { Memory } from '../../../src/kernels/kernels.js';
import { HEAP, integers, viewOf } from '../../../src/kernels/memory.js';
import { bytesRange, decimalRange, fixedRange } from '../../../src/parquet/bytes-range.js';
import { PageBuffer } from '../../../src/parquet/page-buffer.js';
import { pageBounds } from '../../../src/parquet/page-statistics.js';
import { appendHybrid } from '../../../src/parquet/rle.js';
import { KERNEL_BUILDS, kernelsOf } from '../../harness/kernels.js';

/** Values with long runs, short runs and none. */
const runs = (width: number) =>
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 2 ** width - 1 }), fc.integer({ min: 1, max: 70 })), { maxLength: 40 })
    .map((all) => all.flatMap(([value, length]) => new Array<number>(length).fill(value)));

describe.each(KERNEL_BUILDS)('pages by kernels (%s)', (build) => {
  it.each(Array.from({ length: 31 }, (_, i) => i + 1))('indices of %i bits are encoded as in TypeScript', (width) => {
    const kernels = kernelsOf(build);
    fc.assert(
      fc.property(runs(width), (values) => {
        kernels.clearColumns();
        const fast = new PageBuffer();
        fast.start(kernels, values.length * 4 + 1024);
        const indices = integers(kernels.columns, values.length);
        indices.set(values);
        appendHybrid(fast, indices, { count: values.length, width, kernels });
        const reference = new PageBuffer();
        appendHybrid(reference, Int32Array.from(values), { count: values.length, width });
        expect(Buffer.from(fast.content())).toEqual(Buffer.from(reference.content()));
      }),
      { numRuns: 30 },
    );
  });

  it.each([1, 2])('levels of %i bits are encoded as in TypeScript', (width) => {
    const kernels = kernelsOf(build);
    fc.assert(
      fc.property(runs(width), (values) => {
        kernels.clearColumns();
        const fast = new PageBuffer();
        fast.start(kernels, values.length * 4 + 1024);
        const levels = kernels.columns.bytes(values.length);
        levels.set(values);
        appendHybrid(fast, levels, { count: values.length, width, kernels });
        const reference = new PageBuffer();
        appendHybrid(reference, Uint8Array.from(values), { count: values.length, width });
        expect(Buffer.from(fast.content())).toEqual(Buffer.from(reference.content()));
      }),
    );
  });

  it('a page that the memory has no room for is encoded elsewhere', () => {
    const kernels = kernelsOf(build);
    const out = new PageBuffer();
    out.start(kernels, 64 << 20);
    expect(kernels.address(out.bytes)).toBe(-1);
  });

  it('byte strings have the range that TypeScript finds', () => {
    const kernels = kernelsOf(build);
    const value = fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ min: 97, max: 98, maxLength: 20 }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, fc.boolean()), { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        (all, marked) => {
          kernels.clearColumns();
          const plain = Buffer.concat(
            all.map(([bytes]) => {
              const length = Buffer.alloc(4);
              length.writeInt32LE(bytes.length);
              return Buffer.concat([length, bytes]);
            }),
          );
          const used = Uint8Array.from(all, ([, isUsed], i) => (isUsed || i === 0 ? 1 : 0));
          const data = kernels.columns.bytes(plain.length);
          data.set(plain);
          const marks = kernels.columns.bytes(used.length);
          marks.set(used);
          const found = bytesRange(data, marked ? marks : undefined, kernels);
          const expected = bytesRange(plain, marked ? used : undefined);
          expect([Buffer.from(found.min), Buffer.from(found.max)]).toEqual([
            Buffer.from(expected.min),
            Buffer.from(expected.max),
          ]);
        },
      ),
    );
  });

  it.each([8, 9, 12, 13, 16, 20])('values of %i bytes have the range that TypeScript finds', (width) => {
    const kernels = kernelsOf(build);
    // Few differ in their first bytes.
    const byte = fc.constantFrom(0, 1, 0x7f, 0x80, 0xff);
    const value = fc
      .tuple(byte, fc.array(byte, { minLength: 2, maxLength: 2 }))
      .map(([first, last]) => [first, ...Array<number>(width - 3).fill(7), ...last]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, fc.boolean()), { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        (all, marked) => {
          kernels.clearColumns();
          const plain = Uint8Array.from(all.flatMap(([bytes]) => bytes));
          const used = Uint8Array.from(all, ([, isUsed], i) => (isUsed || i === 0 ? 1 : 0));
          const data = kernels.columns.bytes(plain.length);
          data.set(plain);
          const marks = kernels.columns.bytes(used.length);
          marks.set(used);
          const fast = { data, width, used: marked ? marks : undefined };
          const reference = { data: plain, width, used: marked ? used : undefined };
          expect(fixedRange(fast, kernels)).toEqual(fixedRange(reference));
          expect(decimalRange(fast, kernels)).toEqual(decimalRange(reference));
        },
      ),
    );
  });

  it.each([
    ['gatherUsed32', 4],
    ['gatherUsed64', 8],
  ] as const)('%s gathers the marked entries', (kernel, width) => {
    const kernels = kernelsOf(build);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.bigInt(0n, 2n ** 32n - 1n), fc.boolean()), { maxLength: 30 }), (all) => {
        kernels.clearColumns();
        const entries = kernels.columns.bytes(all.length * width);
        const marks = kernels.columns.bytes(all.length);
        const out = kernels.columns.bytes(all.length * width);
        const read = (at: number) =>
          width === 4 ? BigInt(kernels.view.getUint32(at, true)) : kernels.view.getBigUint64(at, true);
        for (const [i, [value, isUsed]] of all.entries()) {
          const at = entries.byteOffset + i * width;
          if (width === 4) kernels.view.setUint32(at, Number(value), true);
          else kernels.view.setBigUint64(at, value << 31n, true);
          marks[i] = isUsed ? 1 : 0;
        }
        const count = kernels.run[kernel](entries.byteOffset, all.length, marks.byteOffset, out.byteOffset);
        const expected = all.flatMap(([value, isUsed]) => (isUsed ? [width === 4 ? value : value << 31n] : []));
        expect(Array.from({ length: count }, (_, i) => read(out.byteOffset + i * width))).toEqual(expected);
      }),
    );
  });

  it('markUsed marks the entries that there are indices of, and no other', () => {
    const kernels = kernelsOf(build);
    const page = fc.record({
      entries: fc.integer({ min: 1, max: 300 }),
      // Those that come first, for so many values, and those that come later.
      first: fc.array(fc.nat(), { maxLength: 5 }),
      length: fc.integer({ min: 0, max: 3000 }),
      rest: fc.array(fc.nat(), { maxLength: 400 }),
    });
    fc.assert(
      fc.property(page, ({ entries, first, length, rest }) => {
        kernels.clearColumns();
        const repeated = first.length === 0 ? [] : Array.from({ length }, (_, i) => first[i % first.length]!);
        const indices = [...repeated, ...rest].map((index) => index % entries);
        const from = integers(kernels.columns, indices.length);
        from.set(indices);
        const marks = kernels.columns.bytes(entries + 1).fill(7);
        kernels.run.markUsed(from.byteOffset, indices.length, marks.byteOffset, entries);
        const expected = Array.from({ length: entries }, (_, i) => (indices.includes(i) ? 1 : 0));
        expect([...marks]).toEqual([...expected, 7]);
      }),
    );
  });

  it.each<[string, ParquetType]>([
    ['32 bits', { physical: 'INT32' }],
    ['64 bits', { physical: 'INT64' }],
    ['16 bytes', { physical: 'FIXED_LEN_BYTE_ARRAY', length: 16 }],
    ['bytes', { physical: 'BYTE_ARRAY' }],
  ])('values of an abandoned dictionary are those that were appended: %s', (_, type) => {
    const kernels = kernelsOf(build);
    const value = fc.oneof(fc.uint8Array({ maxLength: 3, max: 2 }), fc.uint8Array({ maxLength: 60, size: 'max' }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), (values) => {
        kernels.clearColumns();
        const [fast, slow] = [kernels.columns, HEAP].map((memory) => {
          const column = columnOf(type, memory);
          column.startRowGroup();
          expect(column.usesDictionary).toBe(true);
          for (const bytes of values) append(column, bytes);
          column.abandonDictionary();
          // What is appended later comes behind.
          for (const bytes of values.slice(0, 3)) append(column, bytes);
          return Buffer.from(column.plain());
        });
        expect(fast).toEqual(slow);
        expect(slow).toEqual(Buffer.concat([...values, ...values.slice(0, 3)].map((bytes) => plainOf(type, bytes))));
      }),
    );
  });

  const bits64 = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.double().map((value) => new BigInt64Array(Float64Array.of(value).buffer)[0]!),
  );
  const NUMBERS: readonly ParquetType[] = [
    { physical: 'INT32' },
    { physical: 'FLOAT' },
    { physical: 'INT64' },
    { physical: 'DOUBLE' },
    { physical: 'INT32', logical: { kind: 'decimal', precision: 9, scale: 2 } },
  ];
  it.each(NUMBERS)('numbers have the bounds that TypeScript finds ($physical)', (type) => {
    const kernels = kernelsOf(build);
    fc.assert(
      fc.property(fc.array(bits64, { minLength: 1, maxLength: 30 }), fc.boolean(), (values, dictionary) => {
        kernels.clearColumns();
        expect(boundsOf(type, values, dictionary, kernels.columns)).toEqual(boundsOf(type, values, dictionary, HEAP));
      }),
    );
  });
});

function columnOf(type: ParquetType, memory: Memory): ColumnBuffer {
  const spec = {
    name: 'c',
    fieldId: 1,
    nullable: false,
    list: false,
    type,
    sourceType: '',
    fidelity: 'exact' as const,
  };
  const [column] = createColumnBuffers([spec], { rowGroupRows: 1000, memory });
  return column!;
}

/** A value made of these bytes, as it lies in the PLAIN layout. */
function plainOf({ physical, length }: ParquetType, bytes: Uint8Array): Buffer {
  const widths = { INT32: 4, INT64: 8, FIXED_LEN_BYTE_ARRAY: length };
  if (physical in widths) return Buffer.concat([bytes], widths[physical as keyof typeof widths]);
  const prefix = Buffer.alloc(4);
  prefix.writeInt32LE(bytes.length);
  return Buffer.concat([prefix, bytes]);
}

/** Appends it as a source without kernels does. */
function append(column: ColumnBuffer, bytes: Uint8Array): void {
  const plain = plainOf(column.spec.type, bytes);
  column.reserve(1);
  switch (column.kind) {
    case 'int32':
      column.values[column.end] = plain.readInt32LE(0);
      {
        column.takeTo(column.end + 1);
        return;
      }
    case 'int64':
      column.words.set([plain.readInt32LE(0), plain.readInt32LE(4)], column.end * 2);
      {
        column.takeTo(column.end + 1);
        return;
      }
    case 'fixed':
      column.data.set(plain, column.end);
      {
        column.take(1);
        return;
      }
    case 'bytes':
      if (column.usesDictionary) {
        const { indices, valueCount, dictionary } = column;
        indices[valueCount] = dictionary.intern(bytes, viewOf(bytes), 0, bytes.length);
      } else {
        column.reserveBytes(plain.length);
        column.data.set(plain, column.byteLength);
        column.byteLength += plain.length;
      }
      column.valueCount++;
      return;
    default:
      throw new TypeError(`no value of ${column.kind} is made of bytes`);
  }
}

function boundsOf(type: ParquetType, values: readonly bigint[], dictionary: boolean, memory: Memory) {
  const column = columnOf(type, memory);
  if (dictionary) column.startRowGroup();
  column.reserve(values.length);
  for (const value of values) {
    const at = column.valueCount++;
    const low = Number(BigInt.asIntN(32, value));
    const high = Number(BigInt.asIntN(32, value >> 32n));
    if (column.kind === 'int32') {
      if (dictionary) column.indices[at] = column.dictionary.intern(low);
      else column.values[at] = low;
    } else if (column.kind === 'int64') {
      if (dictionary) column.indices[at] = column.dictionary.intern(low, high);
      else column.words.set([low, high], at * 2);
    }
  }
  return pageBounds(column);
}
