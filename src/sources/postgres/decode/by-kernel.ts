import type { BytesColumn } from '../../../columns/bytes-column.js';
import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import type { KernelFunctions } from '../../../kernels/kernels.js';
import type { WireChunk } from '../../wire/wire.js';

/** Writes `count` plain values of the fields at `offsets`, all addresses; 0 if one of them needs the TypeScript decoder. */
export type KernelCall = (run: KernelFunctions, wire: number, offsets: number, count: number, out: number) => number;

/** A batch of fields, by addresses in the kernels' memory. */
interface Fields {
  readonly run: KernelFunctions;
  readonly wire: number;
  readonly offsets: number;
  readonly count: number;
}

/** Undefined if there are no kernels, or something is not in their memory. */
function fieldsOf(
  { memory: { kernels } }: ColumnBuffer,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): Fields | undefined {
  if (kernels === undefined) return undefined;
  const wireAt = kernels.address(wire.bytes);
  const offsetsAt = kernels.address(offsets);
  if (wireAt < 0 || offsetsAt < 0) return undefined;
  return { run: kernels.run, wire: wireAt, offsets: offsetsAt + from * 4, count: to - from };
}

/**
 * Decodes a batch by a kernel.
 * @returns false if it has to be done in TypeScript, and nothing was appended: something is not in the kernels' memory,
 *   or a value is none that the kernel knows
 */
export function byKernel(
  column: Exclude<ColumnBuffer, BytesColumn>,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
  call: KernelCall,
): boolean {
  const fields = fieldsOf(column, wire, offsets, from, to);
  if (fields === undefined) return false;
  return column.fill(fields.count, (out) => call(fields.run, fields.wire, fields.offsets, fields.count, out) !== 0);
}

/** Like `byKernel`, for byte strings. @param skip bytes to omit at the start of each field */
export function bytesByKernel(
  column: BytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
  skip: number,
): boolean {
  const fields = fieldsOf(column, wire, offsets, from, to);
  return fields !== undefined && column.fillBytes(fields, skip);
}

/** Whether a kernel found that every field begins with this byte. */
export function beginByKernel(
  column: BytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
  byte: number,
): boolean {
  const fields = fieldsOf(column, wire, offsets, from, to);
  return fields !== undefined && fields.run.beginWith(fields.wire, fields.offsets, fields.count, byte) !== 0;
}
