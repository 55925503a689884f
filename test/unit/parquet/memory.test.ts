import { describe, expect, it } from 'vitest';

import { createColumnBuffers } from '../../../src/columns/column-buffers.js';
import type { ColumnSpec, ParquetType } from '../../../src/columns/column-spec.js';
import type { Kernels } from '../../../src/kernels/kernels.js';
import { integers, viewOf } from '../../../src/kernels/memory.js';
import { createCompressor } from '../../../src/parquet/codec.js';
import { estimateReaderMemory, memoryBytes } from '../../../src/parquet/memory.js';
import { PageEncoder } from '../../../src/parquet/page-encoder.js';
import { RowGroupWriter } from '../../../src/parquet/row-group.js';
import { availableMemory } from '../../../src/runtime/machine.js';
import { bindField } from '../../../src/sources/postgres/decode/decoders.js';
import { fieldTable } from '../../../src/sources/wire/field-table.js';
import type { WireChunk } from '../../../src/sources/wire/wire.js';
import { kernelsOf } from '../../harness/kernels.js';
import { saySkipped } from '../../harness/skipped.js';

const MIB = 2 ** 20;

/** Values of one column: `distinct` of them, or none twice. */
interface Values {
  readonly type: ParquetType;
  readonly decoder: string;
  readonly bytes: number;
  readonly distinct?: number | undefined;
}

const int = (distinct?: number): Values => ({ type: { physical: 'INT32' }, decoder: 'int4', bytes: 4, distinct });
const long = (distinct?: number): Values => ({ type: { physical: 'INT64' }, decoder: 'int8', bytes: 8, distinct });
const text = (bytes: number, distinct?: number): Values => ({
  type: { physical: 'BYTE_ARRAY', logical: { kind: 'string' } },
  decoder: 'text',
  bytes,
  distinct,
});
const uuid = (): Values => ({
  type: { physical: 'FIXED_LEN_BYTE_ARRAY', length: 16 },
  decoder: 'uuid',
  bytes: 16,
});

function specsOf(columns: readonly Values[]): ColumnSpec[] {
  return columns.map(({ type }, i) => ({
    name: `c${i}`,
    fieldId: i + 1,
    nullable: true,
    list: false,
    type,
    sourceType: '',
    fidelity: 'exact',
  }));
}

function layValues({ bytes, distinct }: Values, row: number, wire: WireChunk, offsets: Int32Array): void {
  for (let r = 0, at = 0; r < offsets.length; r++, at += 4 + bytes) {
    wire.view.setInt32(at, bytes);
    wire.bytes.fill(0, at + 4, at + 4 + bytes);
    const number = Math.imul(row + r, 7919);
    wire.view.setInt32(at + bytes, distinct === undefined ? number : Math.abs(number) % distinct);
    offsets[r] = at + 4;
  }
}

/** Appends rows as a read does. @returns most bytes that the columns needed */
function needed(columns: readonly Values[], rows: number, kernels: Kernels): number {
  kernels.clearColumns();
  const buffers = createColumnBuffers(specsOf(columns), { rowGroupRows: 1_000_000, memory: kernels.columns });
  const decoders = columns.map(
    ({ decoder }, i) => bindField({ kind: decoder }, buffers[i]!, { onUnrepresentable: 'error' }).decode,
  );
  const group = new RowGroupWriter(
    buffers,
    new PageEncoder(createCompressor('None'), { encoding: 'plain' }),
    1_000_000,
  );
  const { capacity } = fieldTable(columns.length);
  const bytes = kernels.fixed.bytes(capacity * (4 + Math.max(...columns.map((column) => column.bytes))));
  const wire = { bytes, view: viewOf(bytes) };
  const offsets = integers(kernels.fixed, capacity);
  for (let row = 0; row < rows; row += capacity) {
    columns.forEach((column, i) => {
      // Columns of one kind have the same values.
      if (column !== columns[i - 1]) layValues(column, row, wire, offsets);
      buffers[i]!.levels.appendPresent(capacity);
      decoders[i]!(wire, offsets, 0, capacity);
    });
    group.commit(capacity);
  }
  kernels.fixed.release(bytes);
  kernels.fixed.release(offsets);
  return kernels.columnBytes;
}

const planned = (columns: readonly Values[]) =>
  estimateReaderMemory(specsOf(columns), {
    rowGroupRows: 1_000_000,
    averageRowBytes: columns.reduce((sum, { bytes }) => sum + bytes, 0),
    uploadBytes: 0,
  }).columnBytes;

const times = (count: number, column: Values) => Array.from({ length: count }, () => column);

describe('memory of columns', () => {
  const kernels = kernelsOf('simd');

  it.each([
    ['numbers that repeat', times(4, long(60_000)), 140_000, 8],
    ['numbers that do not', times(4, long()), 140_000, 8],
    ['uuids', times(4, uuid()), 80_000, 8],
    ['texts that repeat', times(4, text(30, 25_000)), 140_000, 4],
    ['long texts', times(4, text(300)), 8000, 4],
    ['one narrow column', [int(10)], 140_000, 16],
  ])('is planned for %s, and not much more', (_, columns, rows, most) => {
    const bytes = needed(columns, rows, kernels);
    const plan = planned(columns);
    expect(bytes).toBeLessThanOrEqual(plan);
    expect(bytes * most).toBeGreaterThan(plan);
  });

  it('is planned for 1,600 columns, whose indices are few at a time', () => {
    const columns = times(1600, int(2));
    // More than the entries of a page.
    const bytes = needed(columns, 8200, kernels);
    expect(bytes).toBeLessThanOrEqual(planned(columns));
    expect(bytes).toBeLessThan(120 * MIB);
  });

  it('is asked for once for a whole page, so that no touched array is left behind', () => {
    const lengths: number[] = [];
    const { columns } = kernelsOf('simd');
    const bytes = (length: number) => {
      lengths.push(length);
      return columns.bytes(length);
    };
    const memory = { ...columns, bytes };
    const [column] = createColumnBuffers(specsOf([long()]), { rowGroupRows: 1_000_000, memory });
    column!.abandonDictionary();
    lengths.length = 0;
    for (let rows = 0; rows < 131_072; rows += 1000) {
      column!.reserve(1000);
      column!.valueCount += 1000;
    }
    expect(lengths).toEqual([1024 * 8, expect.toSatisfy((length) => length >= 131_072 * 8)]);
  });

  it('does not grow from page to page', () => {
    const columns = [int(1000), long(), text(20, 100)];
    expect(needed(columns, 600_000, kernels)).toBe(needed(columns, 280_000, kernels));
  });
});

const isRoomy = availableMemory() >= 6 * 2 ** 30;
if (!isRoomy) saySkipped('a value of 1 GB', 'it takes up to 4 GiB of memory');

it.skipIf(!isRoomy)(
  'a value of 1 GB becomes a page, beside small ones',
  () => {
    const { columns } = kernelsOf('simd');
    const [buffer] = createColumnBuffers(specsOf([text(0)]), { rowGroupRows: 1000, memory: columns });
    const { decode } = bindField({ kind: 'text' }, buffer!, { onUnrepresentable: 'error' });
    const group = new RowGroupWriter(
      [buffer!],
      new PageEncoder(createCompressor('None'), { encoding: 'plain' }),
      1_000_000,
    );
    // The server's own limit for a row. A buffer of that size is an ordinary array.
    for (const length of [3, 1_000_000_000, 5]) {
      const bytes = new Uint8Array(4 + length);
      const wire = { bytes, view: viewOf(bytes) };
      wire.view.setInt32(0, length);
      bytes.set([0x61], 3 + length);
      const offsets = Int32Array.of(4);
      if (length > 2 ** 20) buffer!.abandonDictionary();
      buffer!.levels.appendPresent(1);
      decode(wire, offsets, 0, 1);
      group.commit(1);
    }
    const { bytes, rows } = group.finish(4);
    expect(rows).toBe(3);
    const pages = bytes.filter(({ length }) => length > 1_000_000_000);
    expect(pages).toHaveLength(1);
    expect(pages[0]!.at(-1)).toBe(0x61);
  },
  60_000,
);

describe('the memory that is planned for a reader', () => {
  it('is the sum of its parts, in whole bytes', () => {
    const memory = estimateReaderMemory(specsOf([int(), text(10)]), {
      rowGroupRows: 1000,
      averageRowBytes: 33.3,
      uploadBytes: 5,
    });
    expect(memory.uploadBytes).toBe(5);
    expect(memory.rowGroupBytes).toBe(66_600);
    expect(memoryBytes(memory)).toBe(
      memory.rowGroupBytes + memory.columnBytes + memory.batchBytes + memory.uploadBytes,
    );
    expect(Number.isInteger(memoryBytes(memory))).toBe(true);
  });

  it('does not grow with row groups that are larger than one may be', () => {
    const specs = specsOf([int(), text(10)]);
    const [some, many] = [10_000_000, 100_000_000].map((rowGroupRows) =>
      estimateReaderMemory(specs, { rowGroupRows, averageRowBytes: 100, uploadBytes: 0 }),
    );
    expect(some).toEqual(many);
  });
});
