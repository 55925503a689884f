import type { BytesColumn } from '../../columns/bytes-column.js';
import type { ColumnBuffer } from '../../columns/column-buffer.js';
import type { KernelFunctions, Kernels, LengthPrefix } from '../../kernels/kernels.js';
import type { WireChunk } from './wire.js';

/*
 * The way of a decoder to the WebAssembly kernels: it asks for a batch here, and does it in TypeScript where that returns
 * false. Then nothing was appended: there are no kernels, something is not in their memory, or a value is none that the
 * kernel knows.
 */

/** Writes `count` plain values of the fields at `offsets`, all addresses; 0 if one of them needs the TypeScript decoder. */
export type KernelCall = (run: KernelFunctions, wire: number, offsets: number, count: number, out: number) => number;

/** A batch of fields, by addresses in the kernels' memory. */
interface Fields {
  readonly kernels: Kernels;
  readonly wire: number;
  readonly offsets: number;
  readonly count: number;
}

function fieldsOf(
  kernels: Kernels | undefined,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): Fields | undefined {
  if (kernels === undefined) return undefined;
  const wireAt = kernels.address(wire.bytes);
  const offsetsAt = kernels.address(offsets);
  if (wireAt < 0 || offsetsAt < 0) return undefined;
  return { kernels, wire: wireAt, offsets: offsetsAt + from * 4, count: to - from };
}

/** Decodes values of a fixed width. */
export function byKernel(
  column: Exclude<ColumnBuffer, BytesColumn>,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
  call: KernelCall,
): boolean {
  const fields = fieldsOf(column.memory.kernels, wire, offsets, from, to);
  if (fields === undefined) return false;
  const { kernels, wire: wireAt, offsets: offsetsAt, count } = fields;
  return column.fill(count, (out) => call(kernels.run, wireAt, offsetsAt, count, out) !== 0);
}

/** Appends byte strings as they are. @param skip bytes to omit at the start of each field */
export function bytesByKernel(
  column: BytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
  { prefix, skip = 0 }: { readonly prefix: LengthPrefix; readonly skip?: number },
): boolean {
  const fields = fieldsOf(column.memory.kernels, wire, offsets, from, to);
  if (fields === undefined) return false;
  const { wire: wireAt, offsets: offsetsAt, count } = fields;
  return column.fillBytes({ wire: wireAt, offsets: offsetsAt, count, skip, prefix });
}

/** A text's conversion to UTF-8. */
export interface TextKernel {
  /** Most bytes of UTF-8 that one input byte can become. */
  readonly expansion: number;
  /** Returns the end of the values, 0 if it can't convert one of them; see `fillMade` of the column. */
  readonly convert: (fields: Fields, prefix: LengthPrefix, out: number, positions: number) => number;
}

/** Appends texts, converted to UTF-8. */
export function textByKernel(
  column: BytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
  { prefix, expansion, convert }: TextKernel & { readonly prefix: LengthPrefix },
): boolean {
  const fields = fieldsOf(column.memory.kernels, wire, offsets, from, to);
  if (fields === undefined) return false;
  const { kernels, count } = fields;
  const lengths = 4 * count;
  const plain = kernels.run.bytesLength(fields.wire, fields.offsets, count, 0, prefix);
  if (plain < 0) return false;
  const bytes = lengths + Math.ceil((plain - lengths) * expansion);
  return column.fillMade({ count, bytes }, (out, positions) => convert(fields, prefix, out, positions));
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
  const fields = fieldsOf(column.memory.kernels, wire, offsets, from, to);
  return fields !== undefined && fields.kernels.run.beginWith(fields.wire, fields.offsets, fields.count, byte) !== 0;
}

/** Joins chunked values in place, and moves the offsets, NULLs among them, to the values. @returns false if it can't */
export function gatherByKernel(
  kernels: Kernels | undefined,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): boolean {
  const fields = fieldsOf(kernels, wire, offsets, from, to);
  fields?.kernels.run.gatherTds(fields.wire, fields.offsets, fields.count);
  return fields !== undefined;
}
