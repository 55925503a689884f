import { isUtf8 } from 'node:buffer';

/** Turns text in one encoding into the UTF-8 that Parquet wants. */
export interface Transcoder {
  /** Bytes of UTF-8 that a byte can become at most. */
  readonly expansion: number;
  /** How many of the first `length` bytes at `start` can be transcoded without those that follow. */
  wholeCharacters(bytes: Uint8Array, start: number, length: number): number;
  /**
   * Transcodes `length` bytes from `start` on to `out`, from `at` on, where there must be room.
   * @returns where the text ends in `out`; -1 where the bytes are no text
   */
  transcode(bytes: Uint8Array, view: DataView, start: number, length: number, out: Uint8Array, at: number): number;
}

/* In the loops below `bytes[i] as number`: i lies within the value. */

/** nchar, nvarchar, and everything that is converted to them. */
export const UTF16: Transcoder = {
  expansion: 1.5,

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
      // Two ASCII characters at a time: most text is nothing else.
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

/** varchar of a collation whose name ends in _UTF8. Nothing keeps a cast from binary from putting other bytes there. */
export const UTF8: Transcoder = {
  expansion: 1,

  wholeCharacters(bytes, start, length) {
    // A character has at most three bytes behind its first one.
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
