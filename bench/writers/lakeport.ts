import type { ColumnBuffer } from '../../src/columns/column-buffer.js';
import type { ColumnSpec, ParquetType } from '../../src/columns/column-spec.js';
import { createColumnBuffers } from '../../src/columns/create.js';
import { ParquetFileWriter } from '../../src/parquet/file-writer.js';
import { type LineitemColumn, type LineitemColumns, SCALE } from './columns.js';

/** What a source appends at a time. */
const BATCH = 1024;

export async function writeWithLakeport({ rows, columns }: LineitemColumns): Promise<number> {
  const buffers = createColumnBuffers(columns.map(spec), { rowGroupRows: 1_000_000 });
  let bytes = 0;
  const writer = new ParquetFileWriter({
    output: {
      write: (chunks) => {
        for (const chunk of chunks) bytes += chunk.length;
        return Promise.resolve();
      },
    },
    columns: buffers,
    codec: 'Snappy',
    rowGroupRows: 1_000_000,
  });
  const views = columns.map((column) => (column.kind === 'string' ? viewOf(column.data) : undefined));
  for (let from = 0; from < rows; from += BATCH) {
    const to = Math.min(rows, from + BATCH);
    columns.forEach((column, i) => {
      const buffer = buffers[i];
      if (buffer !== undefined) append(buffer, column, views[i], from, to);
    });
    await writer.commit(to - from);
  }
  await writer.finish();
  return bytes;
}

function append(
  buffer: ColumnBuffer,
  column: LineitemColumn,
  view: DataView | undefined,
  from: number,
  to: number,
): void {
  buffer.levels.appendPresent(to - from);
  buffer.reserve(to - from);
  let at = buffer.valueCount;
  if (buffer.kind === 'int32' && column.values instanceof Int32Array) {
    const { usesDictionary, indices, dictionary, values } = buffer;
    for (let i = from; i < to; i++, at++) {
      const value = column.values[i] as number; // i is within bounds, here and below
      if (usesDictionary) indices[at] = dictionary.intern(value);
      else values[at] = value;
    }
  } else if (buffer.kind === 'int64' && column.values instanceof BigInt64Array) {
    const { usesDictionary, indices, dictionary, words } = buffer;
    const source = new Int32Array(column.values.buffer);
    for (let i = from; i < to; i++, at++) {
      const low = source[i * 2] as number;
      const high = source[i * 2 + 1] as number;
      if (usesDictionary) {
        indices[at] = dictionary.intern(low, high);
      } else {
        words[at * 2] = low;
        words[at * 2 + 1] = high;
      }
    }
  } else if (buffer.kind === 'bytes' && column.kind === 'string' && view !== undefined) {
    at = appendStrings(buffer, column, view, from, to);
  }
  buffer.valueCount = at;
}

function appendStrings(
  buffer: Extract<ColumnBuffer, { kind: 'bytes' }>,
  { data, offsets }: Extract<LineitemColumn, { kind: 'string' }>,
  view: DataView,
  from: number,
  to: number,
): number {
  let at = buffer.valueCount;
  if (!buffer.usesDictionary) buffer.reserveBytes((offsets[to] ?? 0) - (offsets[from] ?? 0) + 4 * (to - from));
  for (let i = from; i < to; i++, at++) {
    const start = offsets[i] as number;
    const length = (offsets[i + 1] as number) - start;
    if (buffer.usesDictionary) {
      buffer.indices[at] = buffer.dictionary.intern(data, view, start, length);
    } else {
      buffer.view.setInt32(buffer.byteLength, length, true);
      for (let k = 0; k < length; k++) buffer.data[buffer.byteLength + 4 + k] = data[start + k] as number;
      buffer.byteLength += 4 + length;
    }
  }
  return at;
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

function spec(column: LineitemColumn, i: number): ColumnSpec {
  const rest = { nullable: false, list: false, sourceType: column.kind, fidelity: 'exact' } as const;
  return { name: column.name, fieldId: i + 1, type: TYPES[column.kind], ...rest };
}

const TYPES: Readonly<Record<LineitemColumn['kind'], ParquetType>> = {
  int32: { physical: 'INT32' },
  date: { physical: 'INT32', logical: { kind: 'date' } },
  int64: { physical: 'INT64' },
  decimal: { physical: 'INT64', logical: { kind: 'decimal', precision: 15, scale: SCALE } },
  string: { physical: 'BYTE_ARRAY', logical: { kind: 'string' } },
};
