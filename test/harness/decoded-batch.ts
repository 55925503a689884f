import type { ColumnBuffer } from '../../src/columns/column-buffer.js';
import { createColumnBuffers } from '../../src/columns/column-buffers.js';
import type { ParquetType } from '../../src/columns/column-spec.js';
import type { Memory } from '../../src/kernels/kernels.js';
import { integers, viewOf } from '../../src/kernels/memory.js';
import type { FieldDecoder, WireChunk } from '../../src/sources/wire/wire.js';

/** Decodes fields of the wire by themselves, to compare kernels with the TypeScript that they stand in for. */

export interface Batch {
  readonly wire: WireChunk;
  readonly offsets: Int32Array<ArrayBuffer>;
}

/** What precedes a field: its length, in the engine's way. */
export type LengthBefore = (field: Uint8Array) => Uint8Array;

export function bufferOf(type: ParquetType, memory: Memory, { list = false } = {}): ColumnBuffer {
  const spec = { name: 'c', fieldId: 1, nullable: true, list, type, sourceType: '', fidelity: 'exact' as const };
  const [column] = createColumnBuffers([spec], { rowGroupRows: 1000, memory });
  return column!;
}

/** The fields as they lie in a message, each after its length, with other bytes behind the last. */
export function lay(fields: readonly Uint8Array[], memory: Memory, lengthBefore: LengthBefore): Batch {
  const parts = fields.map((field) => [lengthBefore(field), field] as const);
  const bytes = memory.bytes(parts.flat().reduce((sum, part) => sum + part.length, 64)).fill(0xa5);
  const offsets = integers(memory, fields.length);
  let at = 0;
  parts.forEach(([length, field], i) => {
    bytes.set(length, at);
    bytes.set(field, at + length.length);
    offsets[i] = at + length.length;
    at += length.length + field.length;
  });
  return { wire: { bytes, view: viewOf(bytes) }, offsets };
}

export interface Decoded {
  /** The message of the error that ended it. */
  readonly refused: string | undefined;
  readonly plain: Buffer | undefined;
  readonly indices: readonly number[];
  readonly entries: Buffer | undefined;
  readonly count: number;
}

/** In two batches, so that the second one goes on where the first one ended. */
export function decodeBatches(
  column: ColumnBuffer,
  decode: FieldDecoder,
  { wire, offsets }: Batch,
  { dictionary }: { readonly dictionary: boolean },
): Decoded {
  if (dictionary) column.startRowGroup();
  const half = offsets.length >> 1;
  let refused: string | undefined;
  try {
    if (half > 0) decode(wire, offsets, 0, half);
    decode(wire, offsets, half, offsets.length);
  } catch (error) {
    refused = (error as Error).message;
  }
  const { usesDictionary, valueCount: count } = column;
  const isWhole = refused === undefined;
  return {
    refused,
    count,
    plain: isWhole && !usesDictionary ? Buffer.from(column.plain()) : undefined,
    indices: isWhole && usesDictionary ? [...column.indices.subarray(0, count)] : [],
    entries: isWhole && usesDictionary ? Buffer.from(column.dictionary!.plain()) : undefined,
  };
}

/** Decodes in a view in which nothing can be read: anything but a kernel would fail. @returns values appended */
export function decodeBlindly(column: ColumnBuffer, decode: FieldDecoder, { wire, offsets }: Batch): number {
  decode({ bytes: wire.bytes, view: new DataView(new ArrayBuffer(0)) }, offsets, 0, offsets.length);
  return column.valueCount;
}
