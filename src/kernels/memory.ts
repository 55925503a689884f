import type { Memory } from './kernels.js';

/** Ordinary arrays. */
export const HEAP: Memory = {
  kernels: undefined,
  bytes: (length) => new Uint8Array(length),
  release: () => undefined,
};

/** `length` 32-bit integers. */
export function integers(memory: Memory, length: number): Int32Array<ArrayBuffer> {
  const bytes = memory.bytes(length * 4);
  return new Int32Array(bytes.buffer, bytes.byteOffset, length);
}

/** A longer array with the same content, in place of `array`, which is released. */
export function grown(memory: Memory, array: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer>;
export function grown(memory: Memory, array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer>;
export function grown(
  memory: Memory,
  array: Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
  length: number,
): Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  const longer = array instanceof Int32Array ? integers(memory, length) : memory.bytes(length);
  longer.set(array);
  memory.release(array);
  return longer;
}

/** A view of exactly these bytes: an array in the kernels' memory begins somewhere in the middle of its buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
