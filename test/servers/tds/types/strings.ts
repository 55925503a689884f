import type { ByteWriter } from '../byte-writer.js';
import { collationBytes } from './collations.js';
import type { DeclaredType, WireType, WireValue } from './wire-type.js';

/** Text, binary, identifiers, xml (MS-TDS 2.2.5.4.2, 2.2.5.4.3, 2.2.5.2.3). */

interface Lengthy {
  readonly token: number;
  readonly encoding: 'utf16le' | 'latin1' | 'binary';
}

const LENGTHY: Readonly<Record<string, Lengthy>> = {
  varbinary: { token: 0xa5, encoding: 'binary' },
  varchar: { token: 0xa7, encoding: 'latin1' },
  binary: { token: 0xad, encoding: 'binary' },
  char: { token: 0xaf, encoding: 'latin1' },
  nvarchar: { token: 0xe7, encoding: 'utf16le' },
  nchar: { token: 0xef, encoding: 'utf16le' },
};

const SHORT_NULL = 0xffff;
const PLP_LENGTH = 0xffff;
const PLP_NULL = 0xffff_ffff_ffff_ffffn;
const PLP_UNKNOWN = 0xffff_ffff_ffff_fffen;

export interface StringOptions {
  readonly collation?: string | undefined;
  /** Largest piece of a value of type (max). */
  readonly chunkBytes: number;
  /** Whether the length of such a value stands before it, or shows only at its end. */
  readonly knownLength: boolean;
}

export function stringType(declared: DeclaredType, options: StringOptions): WireType | undefined {
  const { name, arguments: given } = declared;
  if (name === 'uniqueidentifier') return GUID;
  if (name === 'rowversion' || name === 'timestamp') {
    return stringType({ name: 'binary', arguments: [8] }, options);
  }
  if (name === 'xml') {
    return {
      typeInfo: (out) => out.u8(0xf1).u8(0), // no schema
      value: (out, value) => writeChunks(out, bytesOf(value, 'utf16le'), options),
    };
  }
  const type = LENGTHY[name];
  if (type === undefined) return undefined;
  const [length = 1] = given;
  const isMax = length === Infinity;
  const unit = type.encoding === 'utf16le' ? 2 : 1;
  return {
    typeInfo: (out) => {
      out.u8(type.token).u16(isMax ? PLP_LENGTH : length * unit);
      if (type.encoding !== 'binary') out.bytes(collationBytes(options.collation));
    },
    value: (out, value) => {
      const bytes = bytesOf(value, type.encoding);
      if (isMax) writeChunks(out, bytes, options);
      else if (bytes === null) out.u16(SHORT_NULL);
      else out.u16(bytes.length).bytes(bytes);
    },
  };
}

/** The first three groups stand little-endian. */
const GUID: WireType = {
  typeInfo: (out) => out.u8(0x24).u8(16),
  value: (out, value) => {
    if (value === null) {
      out.u8(0);
      return;
    }
    const bytes = Buffer.from(String(value).replaceAll('-', ''), 'hex');
    out.u8(16);
    for (const index of [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]) out.u8(bytes.readUInt8(index));
  },
};

function writeChunks(out: ByteWriter, bytes: Uint8Array | null, { chunkBytes, knownLength }: StringOptions): void {
  if (bytes === null) {
    out.i64(PLP_NULL);
    return;
  }
  out.i64(knownLength ? BigInt(bytes.length) : PLP_UNKNOWN);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    out.u32(chunk.length).bytes(chunk);
  }
  out.u32(0);
}

function bytesOf(value: WireValue, encoding: Lengthy['encoding']): Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value;
  if (encoding === 'binary') throw new Error('binary values are given as bytes');
  return Buffer.from(String(value), encoding);
}
