import { isUtf8 } from 'node:buffer';

import type { TextKernel } from '../../wire/by-kernel.js';

/** Converts text in one encoding to the UTF-8 that Parquet requires. */
export interface Transcoder {
  /** Most bytes of UTF-8 that one input byte can become. */
  readonly expansion: number;
  /** Undefined where no kernel knows the encoding. */
  readonly convert?: TextKernel['convert'];
  /** How many of the `length` bytes at `start` form whole characters, which can be transcoded without what follows. */
  wholeCharacters(bytes: Uint8Array, start: number, length: number): number;
  /**
   * Transcodes `length` bytes at `start` into `out` at `at`, which must have capacity.
   * @returns the end of the text in `out`, or -1 if the input is not valid text
   */
  transcode(bytes: Uint8Array, view: DataView, start: number, length: number, out: Uint8Array, at: number): number;
}

/* `bytes[i] as number` in the loops below: i is within the value. */

/** nchar, nvarchar, and everything converted to them. */
export const UTF16: Transcoder = {
  expansion: 1.5,
  convert: ({ kernels, wire, offsets, count }, prefix, out, positions) =>
    kernels.run.fromUtf16(wire, offsets, count, prefix, out, positions),

  wholeCharacters(bytes, start, length) {
    const even = length & ~1;
    const lastUnitHigh = even === 0 ? 0 : (bytes[start + even - 1] as number);
    return isHighSurrogate(lastUnitHigh << 8) ? even - 2 : even;
  },

  transcode(bytes, view, start, length, out, at) {
    const end = start + length;
    const lastPair = end - 4;
    let i = start;
    while (i < end) {
      // Two ASCII characters at a time: most text is pure ASCII.
      while (i <= lastPair) {
        const pair = view.getInt32(i, true);
        if ((pair & 0xff80ff80) !== 0) break;
        out[at] = pair;
        out[at + 1] = pair >>> 16;
        at += 2;
        i += 4;
      }
      if (i >= end) break;
      if (i + 1 === end) return -1;
      const unit = (bytes[i] as number) | ((bytes[i + 1] as number) << 8);
      i += 2;
      if (unit < 0x80) {
        out[at++] = unit;
      } else if (unit < 0x800) {
        out[at++] = 0xc0 | (unit >> 6);
        out[at++] = 0x80 | (unit & 0x3f);
      } else if ((unit & 0xf800) !== 0xd800) {
        out[at++] = 0xe0 | (unit >> 12);
        out[at++] = 0x80 | ((unit >> 6) & 0x3f);
        out[at++] = 0x80 | (unit & 0x3f);
      } else {
        const next = i + 1 < end ? (bytes[i] as number) | ((bytes[i + 1] as number) << 8) : 0;
        if (!isHighSurrogate(unit) || (next & 0xfc00) !== 0xdc00) return -1;
        i += 2;
        const point = 0x10000 + ((unit & 0x3ff) << 10) + (next & 0x3ff);
        out[at++] = 0xf0 | (point >> 18);
        out[at++] = 0x80 | ((point >> 12) & 0x3f);
        out[at++] = 0x80 | ((point >> 6) & 0x3f);
        out[at++] = 0x80 | (point & 0x3f);
      }
    }
    return at;
  },
};

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

/** varchar with a _UTF8 collation. A cast from binary can put invalid bytes there. */
export const UTF8: Transcoder = {
  expansion: 1,
  convert: ({ kernels, wire, offsets, count }, prefix, out, positions) =>
    kernels.run.fromUtf8(wire, offsets, count, prefix, out, positions),

  wholeCharacters(bytes, start, length) {
    // A character has at most three continuation bytes.
    for (let back = 1; back <= Math.min(3, length); back++) {
      const byte = bytes[start + length - back] as number;
      if ((byte & 0xc0) === 0x80) continue;
      const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
      return size > back ? length - back : length;
    }
    return length;
  },

  transcode(bytes, _view, start, length, out, at) {
    const end = start + length;
    let i = start;
    while (i < end && (bytes[i] as number) < 0x80) out[at++] = bytes[i++] as number;
    if (i === end) return at;
    const rest = bytes.subarray(i, end);
    if (!isUtf8(rest)) return -1;
    out.set(rest, at);
    return at + rest.length;
  },
};
