import type { ColumnBuffer } from '../columns/column-buffer.js';
import type { Kernels } from '../kernels/kernels.js';
import { viewOf } from '../kernels/memory.js';

/** Values without NULLs in PLAIN layout, except that a boolean takes a byte. */
export interface PlainValues {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** What a column holds without a dictionary. Valid until the next append. */
export function plainValues(column: ColumnBuffer): PlainValues {
  const { valueCount: count } = column;
  return { bytes: column.kind === 'boolean' ? column.values.subarray(0, count) : column.plain(), count };
}

/** The first of these values, of at most about so many bytes. */
export function firstValues(column: ColumnBuffer, { bytes, count }: PlainValues, most: number): PlainValues {
  if (bytes.length <= most) return { bytes, count };
  if (column.kind !== 'bytes') {
    const width = bytes.length / count;
    const few = Math.max(1, Math.floor(most / width));
    return { bytes: bytes.subarray(0, few * width), count: few };
  }
  const view = viewOf(bytes);
  let end = 0;
  let few = 0;
  while (few < count && (few === 0 || end < most)) {
    end += 4 + view.getInt32(end, true);
    few++;
  }
  return { bytes: bytes.subarray(0, end), count: few };
}

/** The first values of a column with a dictionary, of at most about so many bytes: as they were without it. */
export function firstEntries(column: ColumnBuffer, kernels: Kernels, most: number): PlainValues | undefined {
  const { dictionary, indices, valueCount } = column;
  if (dictionary === undefined) return undefined;
  const entries = dictionary.plain();
  const view = viewOf(entries);
  const isText = column.kind === 'bytes';
  const width = entries.length / Math.max(dictionary.count, 1);
  const start = (index: number) => (isText ? column.dictionary.offset(index) : index * width);
  const length = (at: number) => (isText ? 4 + view.getInt32(at, true) : width);
  const first = start(indices[0] ?? 0);
  const out = kernels.scratch('sample', Math.max(most, length(first)));
  if (out === undefined) return undefined;
  let count = 0;
  let to = 0;
  for (; count < valueCount; count++) {
    const at = start(indices[count] as number); // the column's own indices
    const bytes = length(at);
    if (to + bytes > out.length) break;
    out.set(entries.subarray(at, at + bytes), to);
    to += bytes;
  }
  return { bytes: out.subarray(0, to), count };
}
