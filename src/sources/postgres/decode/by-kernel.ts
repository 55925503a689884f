import type { BytesColumn } from '../../../columns/bytes-column.js';
import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import type { KernelFunctions } from '../../../kernels/kernels.js';
import type { WireChunk } from '../../wire/wire.js';

/** Writes `count` plain values of the fields at `offsets`, all addresses; 0 if one of them needs the TypeScript decoder. */
export type KernelCall = (run: KernelFunctions, wire: number, offsets: number, count: number, out: number) => number;

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
  const { kernels } = column.memory;
  if (kernels === undefined) return false;
  const wireAt = kernels.address(wire.bytes);
  const offsetsAt = kernels.address(offsets);
  if (wireAt < 0 || offsetsAt < 0) return false;
  return column.fill(to - from, (out) => call(kernels.run, wireAt, offsetsAt + from * 4, to - from, out) !== 0);
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
  const { kernels } = column.memory;
  if (kernels === undefined) return false;
  const wireAt = kernels.address(wire.bytes);
  const offsetsAt = kernels.address(offsets);
  if (wireAt < 0 || offsetsAt < 0) return false;
  return column.fillBytes({ wire: wireAt, offsets: offsetsAt + from * 4, count: to - from }, skip);
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
  const { kernels } = column.memory;
  if (kernels === undefined) return false;
  const wireAt = kernels.address(wire.bytes);
  const offsetsAt = kernels.address(offsets);
  return wireAt >= 0 && offsetsAt >= 0 && kernels.run.beginWith(wireAt, offsetsAt + from * 4, to - from, byte) !== 0;
}
