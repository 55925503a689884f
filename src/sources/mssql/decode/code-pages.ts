import { decode, encodingExists } from '../../wire/legacy-encodings.js';
import type { Transcoder } from './transcoder.js';

/**
 * Text of char and varchar columns in the code page of their collation, converted as SQL Server converts it to nvarchar.
 * All of these code pages are supersets of ASCII.
 */

const DOUBLE_BYTE = new Set(['CP932', 'CP936', 'CP949', 'CP950']);
const REPLACEMENT = '\ufffd';

const known = new Map<string, Transcoder>();

/** @param name such as `CP1252`. @returns undefined for an unknown code page */
export function codePage(name: string): Transcoder | undefined {
  const transcoder = known.get(name);
  if (transcoder !== undefined || !encodingExists(name)) return transcoder;
  const made = DOUBLE_BYTE.has(name) ? doubleByte(name) : singleByte(name);
  known.set(name, made);
  return made;
}

/** Bytes per entry: the character's length in UTF-8, then the character. */
const ENTRY_BYTES = 4;

/* `… as number`: in range, since it is within the value or the table of 256 entries. */

function singleByte(name: string): Transcoder {
  const table = new Uint8Array(256 * ENTRY_BYTES);
  for (let byte = 0; byte < 256; byte++) {
    const character = characterOf(name, byte);
    if (character === undefined) continue;
    const utf8 = Buffer.from(character);
    table[byte * ENTRY_BYTES] = utf8.length;
    table.set(utf8, byte * ENTRY_BYTES + 1);
  }
  return {
    expansion: 3,
    convert: ({ kernels, wire, offsets, count }, prefix, out, positions) => {
      const copy = kernels.scratch('codePage', table.length);
      copy?.set(table);
      if (copy === undefined) return 0;
      return kernels.run.fromCodePage(wire, offsets, count, prefix, out, positions, copy.byteOffset);
    },
    wholeCharacters: (_bytes, _start, length) => length,
    transcode(bytes, _view, start, length, out, at) {
      const end = start + length;
      for (let i = start; i < end; i++) {
        const byte = bytes[i] as number;
        if (byte < 0x80) {
          out[at++] = byte;
          continue;
        }
        const entry = byte * ENTRY_BYTES;
        const size = table[entry] as number;
        if (size === 0) return -1;
        for (let k = 1; k <= size; k++) out[at++] = table[entry + k] as number;
      }
      return at;
    },
  };
}

/** Windows maps a byte from 0x80 to 0x9f that its code page leaves unassigned to the control character of that number. */
function characterOf(name: string, byte: number): string | undefined {
  const character = decode(Buffer.of(byte), name);
  if (character !== REPLACEMENT) return character;
  return byte >= 0x80 && byte <= 0x9f ? String.fromCharCode(byte) : undefined;
}

function doubleByte(name: string): Transcoder {
  return {
    expansion: 3,
    wholeCharacters(bytes, start, length) {
      // The character boundary is only certain after the last byte that cannot be part of a two-byte character.
      let i = start;
      const end = start + length;
      while (i < end) i += isLead(bytes[i] as number) ? 2 : 1;
      return i > end ? length - 1 : length;
    },
    transcode(bytes, _view, start, length, out, at) {
      const end = start + length;
      let i = start;
      while (i < end && (bytes[i] as number) < 0x80) out[at++] = bytes[i++] as number;
      if (i === end) return at;
      const text = decode(Buffer.from(bytes.buffer, bytes.byteOffset + i, end - i), name);
      if (text.includes(REPLACEMENT)) return -1;
      const { written } = encoder.encodeInto(text, out.subarray(at));
      return at + written;
    },
  };

  /** Whether this is a lead byte. CP932 has single-byte half-width katakana in the middle of the range. */
  function isLead(byte: number): boolean {
    if (name === 'CP932') return (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc);
    return byte >= 0x81 && byte <= 0xfe;
  }
}

const encoder = new TextEncoder();
