import type { Encoding } from 'hyparquet';
import type { ColumnBuffer } from '../columns/column-buffer.js';
import type { ParquetType } from '../columns/column-spec.js';
import type { Kernels } from '../kernels/kernels.js';
import type { PageBuffer } from './page-buffer.js';
import type { PlainValues } from './plain-values.js';
import { appendHybrid } from './rle.js';

/** Encodings of values that are not looked up in a dictionary. */
export type ValueEncoding = Exclude<Encoding, 'RLE_DICTIONARY' | 'PLAIN_DICTIONARY' | 'BIT_PACKED'>;

/** Encodings that may make values of the type smaller than PLAIN, as far as readers know them for it. */
export function encodingsFor({ physical }: ParquetType): readonly ValueEncoding[] {
  switch (physical) {
    case 'BOOLEAN':
      return ['RLE'];
    case 'INT32':
    case 'INT64':
      return ['DELTA_BINARY_PACKED'];
    case 'FLOAT':
    case 'DOUBLE':
      return ['BYTE_STREAM_SPLIT'];
    case 'BYTE_ARRAY':
      return ['DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY'];
    case 'FIXED_LEN_BYTE_ARRAY':
      // The format allows DELTA_BYTE_ARRAY and BYTE_STREAM_SPLIT, but polars 2.1 cannot decode them.
      return [];
    default:
      return physical satisfies never;
  }
}

/**
 * Appends values in an encoding other than PLAIN.
 * @param values at least one
 * @returns false if they or the output are out of the kernels' reach, and nothing was appended
 */
export function appendEncoded(
  out: PageBuffer,
  values: PlainValues,
  { column, encoding }: { readonly column: ColumnBuffer; readonly encoding: ValueEncoding },
): boolean {
  if (encoding === 'RLE') {
    appendBooleans(out, values, column.memory.kernels);
    return true;
  }
  const { kernels } = column.memory;
  if (kernels === undefined) return false;
  out.reserve(mostBytes(values));
  const address = kernels.address(out.bytes);
  const from = kernels.address(values.bytes);
  if (Math.min(address, from) < 0) return false;
  const start = address + out.length;
  const end = encode(kernels, { start, from, values }, { column, encoding });
  if (end === undefined) return false;
  out.length = end - address;
  return true;
}

/** Most bytes that an encoding makes of values: each length twice, and headers. */
export function mostBytes({ bytes, count }: PlainValues): number {
  return bytes.length + count * 4 + Math.ceil(count / 128) * 32 + 2048;
}

interface Placed {
  readonly start: number;
  readonly from: number;
  readonly values: PlainValues;
}

/** @returns address of the output's end; undefined for want of room */
function encode(
  kernels: Kernels,
  { start, from, values: { bytes, count } }: Placed,
  { column, encoding }: { readonly column: ColumnBuffer; readonly encoding: ValueEncoding },
): number | undefined {
  const { run } = kernels;
  switch (encoding) {
    case 'DELTA_BINARY_PACKED':
      return column.kind === 'int32' ? run.delta32(start, from, count) : run.delta64(start, from, count);
    case 'BYTE_STREAM_SPLIT':
      run.streamSplit(start, from, count, bytes.length / count);
      return start + bytes.length;
    case 'DELTA_LENGTH_BYTE_ARRAY': {
      const lengths = kernels.scratch('suffixes', count * 4)?.byteOffset;
      if (lengths === undefined) return undefined;
      run.plainLengths(from, bytes.length, lengths);
      return run.suffixBytes(run.delta32(start, lengths, count), from, count, 0, lengths);
    }
    case 'DELTA_BYTE_ARRAY': {
      const prefixes = kernels.scratch('prefixes', count * 4)?.byteOffset;
      const suffixes = kernels.scratch('suffixes', count * 4)?.byteOffset;
      if (prefixes === undefined || suffixes === undefined) return undefined;
      run.plainPrefixes(from, bytes.length, prefixes, suffixes);
      const lengths = run.delta32(start, prefixes, count);
      return run.suffixBytes(run.delta32(lengths, suffixes, count), from, count, prefixes, suffixes);
    }
    default:
      return undefined;
  }
}

/** Booleans in runs, after their length in 4 bytes. */
function appendBooleans(out: PageBuffer, { bytes, count }: PlainValues, kernels: Kernels | undefined): void {
  out.reserve(4);
  const start = out.length;
  out.length += 4;
  appendHybrid(out, bytes, { count, width: 1, kernels });
  out.view.setInt32(start, out.length - start - 4, true);
}
