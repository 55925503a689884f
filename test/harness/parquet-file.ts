import { writeFile } from 'node:fs/promises';
import type { ColumnBuffer } from '../../src/columns/column-buffer.js';
import { createColumnBuffers } from '../../src/columns/column-buffers.js';
import type { ColumnSpec, ParquetType } from '../../src/columns/column-spec.js';
import type { Kernels } from '../../src/kernels/kernels.js';
import type { FileOptions } from '../../src/parquet/file-options.js';
import { type FileSummary, ParquetFileWriter } from '../../src/parquet/file-writer.js';

export type TestValue = number | bigint | boolean | string | Uint8Array;

/** A column with its values: arrays in a list. */
export interface TestColumn {
  readonly type: ParquetType;
  readonly nullable?: boolean;
  readonly list?: boolean;
  readonly bloomFilter?: number;
  readonly values: readonly (TestValue | null | readonly (TestValue | null)[])[];
}

/** Writes columns of the same number of values as a file, as a source's reader does: a batch at a time. */
export async function writeParquet(
  path: string,
  columns: Readonly<Record<string, TestColumn>>,
  options: Partial<FileOptions> & { readonly kernels?: Kernels; readonly batchRows?: number } = {},
): Promise<FileSummary> {
  const { kernels, batchRows = 1024, ...files } = options;
  const given = Object.values(columns);
  const specs = Object.entries(columns).map(
    ([name, { type, nullable = false, list = false, bloomFilter }], i): ColumnSpec => ({
      ...{ name, type, nullable, list, bloomFilter, fieldId: i + 1, sourceType: 'test', fidelity: 'exact' },
    }),
  );
  const { rowGroupRows = 1_000_000 } = files;
  kernels?.clearColumns();
  const buffers = createColumnBuffers(specs, { rowGroupRows, memory: kernels?.columns });
  const chunks: Uint8Array[] = [];
  const writer = new ParquetFileWriter({
    output: {
      write: (bytes) => {
        chunks.push(...bytes);
        return Promise.resolve();
      },
    },
    columns: buffers,
    files: { codec: 'Zstd', rowGroupRows, ...files },
  });
  const rows = given[0]?.values.length ?? 0;
  for (let row = 0; row < rows;) {
    const batch = Math.min(batchRows, writer.room, rows - row);
    for (const [i, buffer] of buffers.entries()) append(buffer, given[i]!.values.slice(row, row + batch));
    await writer.commit(batch);
    row += batch;
  }
  const summary = await writer.finish();
  await writeFile(path, Buffer.concat(chunks));
  return summary;
}

function append(column: ColumnBuffer, rows: TestColumn['values']): void {
  const { levels, spec } = column;
  const present: TestValue[] = [];
  const none = spec.nullable ? 1 : 0;
  for (const row of rows) {
    if (spec.list) {
      if (row === null) levels.append(0, 0);
      else if ((row as readonly TestValue[]).length === 0) levels.append(none, 0);
      for (const [i, item] of ((row ?? []) as readonly (TestValue | null)[]).entries()) {
        levels.append(levels.maxDefinition - (item === null ? 1 : 0), i === 0 ? 0 : 1);
        if (item !== null) present.push(item);
      }
    } else {
      levels.appendOffsets(Int32Array.of(row === null ? -1 : 0), 0, 1);
      if (row !== null) present.push(row as TestValue);
    }
  }
  for (const value of present) appendValue(column, value);
}

function appendValue(column: ColumnBuffer, value: TestValue): void {
  column.reserve(1);
  const { end } = column as { end?: number };
  switch (column.kind) {
    case 'boolean':
      column.values[column.valueCount++] = value === true ? 1 : 0;
      return;
    case 'int32':
      if (column.spec.type.physical === 'FLOAT') {
        column.values[end!] = new Int32Array(Float32Array.of(Number(value)).buffer)[0]!;
      } else column.values[end!] = Number(value);
      column.takeTo(end! + 1);
      return;
    case 'int64': {
      const words = new Int32Array(2);
      if (column.spec.type.physical === 'DOUBLE') new Float64Array(words.buffer)[0] = Number(value);
      else new BigInt64Array(words.buffer)[0] = BigInt(value as number);
      column.words.set(words, end! * 2);
      column.takeTo(end! + 1);
      return;
    }
    case 'bytes': {
      const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : (value as Uint8Array);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (column.usesDictionary) {
        column.indices[column.valueCount] = column.dictionary.intern(bytes, view, 0, bytes.length);
      } else {
        column.reserveBytes(4 + bytes.length);
        column.view.setInt32(column.byteLength, bytes.length, true);
        column.data.set(bytes, column.byteLength + 4);
        column.byteLength += 4 + bytes.length;
      }
      column.valueCount++;
      return;
    }
    case 'fixed':
      column.data.set(value as Uint8Array, end);
      column.take(1);
      return;
    default:
      column satisfies never;
  }
}
