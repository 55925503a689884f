import { viewOf } from '../../../kernels/memory.js';
import { decode, encodingExists } from '../../wire/legacy-encodings.js';
import type { BytesColumn } from '../../../columns/bytes-column.js';
import { characterLength, type DatabaseCharacters } from '../characters.js';
import { decodeBytes } from './texts.js';
import { UndecodableText, type WireChunk } from '../../wire/wire.js';
import { fieldLength } from './field-length.js';

/**
 * Text in an encoding other than UTF-8: the database's, or the one that the user declared for a database without an
 * encoding. All of them are supersets of ASCII.
 */
export interface TextDecoding {
  readonly encoding: string;
  /** Most bytes of UTF-8 that one input byte can become. */
  readonly expansion: number;
  /** Writes the text of `bytes[start, end)` to `out` at `at`; returns its end there, or -1 if it is not valid text. */
  decode(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number;
}

const known = new Map<string, TextDecoding>();

/** Registers a database's encoding with the decoders of this thread. */
export function registerCharacters(characters: DatabaseCharacters): void {
  if (!known.has(characters.encoding)) known.set(characters.encoding, ofDatabase(characters));
}

/** Decoding for a registered encoding, or for one that iconv supports. */
export function textDecoding(encoding: string): TextDecoding {
  const found = known.get(encoding);
  if (found !== undefined) return found;
  const made = ofIconv(encoding);
  known.set(encoding, made);
  return made;
}

/* `… as number` below: within the field or the table. */

function ofDatabase({ encoding, byCode }: DatabaseCharacters): TextDecoding {
  const utf8 = new Map([...byCode].map(([code, character]) => [code, Buffer.from(character)]));
  const lengths = Uint8Array.from({ length: 256 }, (_, lead) => characterLength(encoding, lead));
  return {
    encoding,
    expansion: 3,
    decode(bytes, start, end, out, at) {
      let i = start;
      while (i < end) {
        const lead = bytes[i] as number;
        if (lead < 0x80) {
          out[at++] = lead;
          i++;
          continue;
        }
        const next = i + (lengths[lead] as number);
        if (next > end) return -1;
        let code = lead;
        for (let k = i + 1; k < next; k++) code = code * 0x100 + (bytes[k] as number);
        const character = utf8.get(code);
        if (character === undefined) return -1;
        for (let k = 0; k < character.length; k++) out[at++] = character[k] as number;
        i = next;
      }
      return at;
    },
  };
}

const REPLACEMENT = '\ufffd';
const encoder = new TextEncoder();

function ofIconv(encoding: string): TextDecoding {
  if (!encodingExists(encoding)) throw new TypeError('The text has an unknown encoding');
  // Single-byte encodings use a table; for others only the converter can find the character boundaries.
  const singles = singleBytes(encoding);
  if (singles !== undefined) return { ...ofDatabase({ encoding: '', byCode: singles }), encoding };
  return {
    encoding,
    expansion: 3,
    decode(bytes, start, end, out, at) {
      const text = decode(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start), encoding);
      if (text.includes(REPLACEMENT)) return -1;
      return at + encoder.encodeInto(text, out.subarray(at)).written;
    },
  };
}

/** Undefined for a multi-byte encoding. */
function singleBytes(encoding: string): Map<number, string> | undefined {
  const byCode = new Map<number, string>();
  for (let byte = 0x80; byte <= 0xff; byte++) {
    const twice = decode(Buffer.of(byte, byte, 0x41), encoding);
    if (!/^(.)\1A$/su.test(twice)) return undefined;
    const character: string = twice.slice(0, (twice.length - 1) / 2);
    if (character !== REPLACEMENT) byCode.set(byte, character);
  }
  return byCode.size === 0 ? undefined : byCode;
}

/** The values of a batch, converted to UTF-8 in the same layout. Grows and is reused. */
let converted = chunkOf(64 << 10);
let convertedOffsets = new Int32Array(1024);

export function decodeEncodedText(
  column: BytesColumn,
  decoding: TextDecoding,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (isAscii(wire, offsets, from, to)) {
    decodeBytes(column, wire, offsets, from, to);
    return;
  }
  const { bytes, view } = wire;
  let total = 0;
  for (let i = from; i < to; i++) total += 4 + decoding.expansion * fieldLength(view, offsets[i] as number);
  if (total > converted.bytes.length) converted = chunkOf(total * 2);
  if (to - from > convertedOffsets.length) convertedOffsets = new Int32Array((to - from) * 2);
  let at = 0;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    const begin = at + 4;
    const end = decoding.decode(bytes, offset, offset + fieldLength(view, offset), converted.bytes, begin);
    if (end < 0) throw new UndecodableText(decoding.encoding);
    converted.view.setInt32(at, end - begin);
    convertedOffsets[i - from] = begin;
    at = end;
  }
  decodeBytes(column, converted, convertedOffsets, 0, to - from);
}

/** Whether the decoding would reject the value at `offset`. */
export function isUndecodable(decoding: TextDecoding, { bytes, view }: WireChunk, offset: number): boolean {
  const length = fieldLength(view, offset);
  if (decoding.expansion * length > converted.bytes.length) converted = chunkOf(decoding.expansion * length * 2);
  return decoding.decode(bytes, offset, offset + length, converted.bytes, 0) < 0;
}

function isAscii({ bytes, view }: WireChunk, offsets: Int32Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    const end = offset + fieldLength(view, offset);
    let k = offset;
    for (; k + 4 <= end; k += 4) if ((view.getInt32(k) & 0x80808080) !== 0) return false;
    for (; k < end; k++) if ((bytes[k] as number) >= 0x80) return false;
  }
  return true;
}

function chunkOf(length: number): WireChunk {
  const bytes = new Uint8Array(length);
  return { bytes, view: viewOf(bytes) };
}
