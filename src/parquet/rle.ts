import type { Kernels } from '../kernels/kernels.js';
import type { PageBuffer } from './page-buffer.js';

/**
 * Parquet's RLE / bit-packing hybrid (Encodings.md, "RLE = 3"): runs of `header, data` where the header is a varint:
 * `length << 1` before one repeated value in whole bytes, or `groups << 1 | 1` before groups of 8 bit-packed values.
 */

/** Bits needed for values from 0 to `max`, at least 1. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(Math.max(max, 1));
}

/**
 * Appends `values[0, count)`, each below `2 ** width`.
 * @param options.width 1 to 31 bits; 1 or 2 for bytes
 * @param options.kernels are used if both sides are in their memory
 */
export function appendHybrid(
  out: PageBuffer,
  values: Int32Array | Uint8Array,
  options: { readonly count: number; readonly width: number; readonly kernels?: Kernels | undefined },
): void {
  const { count, width, kernels } = options;
  out.reserve((count * width) / 4 + 64);
  if (kernels !== undefined) {
    const to = kernels.address(out.bytes);
    const from = kernels.address(values);
    if (to >= 0 && from >= 0) {
      const encode = values instanceof Int32Array ? kernels.run.hybrid32 : kernels.run.hybrid8;
      out.length = encode(to + out.length, from, count, width) - to;
      return;
    }
  }
  // A run must be longer than the headers it needs, its own and that of the packed run after it.
  const worthwhileRun = 8 + Math.ceil(32 / width);
  let packedFrom = 0;
  let i = 0;
  while (i + 8 <= count) {
    const value = values[i] as number; // i is below count, here and in the loops below
    if (value !== values[i + 7] || !isRun(values, i, value)) {
      i += 8;
      continue;
    }
    let end = i + 8;
    while (end < count && values[end] === value) end++;
    if (end - i < worthwhileRun && end < count) {
      i += 8;
      continue;
    }
    appendPacked(out, values, packedFrom, i, width);
    appendRun(out, value, end - i, width);
    i = end;
    packedFrom = end;
  }
  appendPacked(out, values, packedFrom, count, width);
}

/** Appends one value `count` times. */
export function appendRun(out: PageBuffer, value: number, count: number, width: number): void {
  out.reserve(16);
  out.appendVarint(count << 1);
  let rest = value;
  for (let bits = 0; bits < width; bits += 8) {
    out.bytes[out.length++] = rest & 0xff;
    rest >>>= 8;
  }
}

function isRun(values: Int32Array | Uint8Array, at: number, value: number): boolean {
  for (let i = at + 1; i < at + 7; i++) if (values[i] !== value) return false;
  return true;
}

/** Values least significant bit first; the last group is padded with zeros. */
function appendPacked(out: PageBuffer, values: Int32Array | Uint8Array, from: number, to: number, width: number): void {
  if (from === to) return;
  const groups = Math.ceil((to - from) / 8);
  out.appendVarint((groups << 1) | 1);
  const end = out.length + groups * width;
  const { view } = out;
  let at = out.length;
  let word = 0;
  let bits = 0;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    word |= value << bits;
    bits += width;
    if (bits >= 32) {
      view.setInt32(at, word, true);
      at += 4;
      bits -= 32;
      // A shift by 32 would shift by 0: with no bits left over, the next word starts empty.
      word = bits === 0 ? 0 : value >>> (width - bits);
    }
  }
  while (at < end) {
    out.bytes[at++] = word & 0xff;
    word >>>= 8;
  }
  out.length = end;
}
