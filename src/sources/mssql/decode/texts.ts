import { viewOf } from '../../../kernels/memory.js';
import type { BytesColumn } from '../../../columns/bytes-column.js';
import { type Transcoder, UTF16 } from './transcoder.js';
import { textByKernel } from '../../wire/by-kernel.js';
import { UnrepresentableValue, type WireChunk } from '../../wire/wire.js';
import { fieldLength, type LengthBytes, prefixOf } from './field-length.js';

/** Holds a transcoded value for its dictionary lookup. Grows to the largest value. */
let scratch = new Uint8Array(16 << 10);
let scratchView = viewOf(scratch);

function reserveScratch(bytes: number): void {
  if (bytes <= scratch.length) return;
  scratch = new Uint8Array(bytes * 2);
  scratchView = viewOf(scratch);
}

/** Text in any encoding, as UTF-8. */
export function decodeText(
  column: BytesColumn,
  transcoder: Transcoder,
  lengthBytes: LengthBytes,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const { expansion, convert } = transcoder;
  if (convert !== undefined) {
    const kernel = { prefix: prefixOf(lengthBytes), expansion, convert };
    if (textByKernel(column, wire, offsets, from, to, kernel)) return;
  }
  if (column.usesDictionary) decodeToDictionary(column, transcoder, lengthBytes, wire, offsets, from, to);
  else decodeToPlain(column, transcoder, lengthBytes, wire, offsets, from, to);
}

// `offsets[i] as number` below: i is in range.

function decodeToDictionary(
  column: BytesColumn,
  transcoder: Transcoder,
  lengthBytes: LengthBytes,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const { bytes, view } = wire;
  column.reserve(to - from);
  const { indices, dictionary } = column;
  let at = column.valueCount;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    const length = fieldLength(view, offset, lengthBytes);
    reserveScratch(Math.ceil(length * transcoder.expansion));
    const end = transcoder.transcode(bytes, view, offset, length, scratch, 0);
    if (end < 0) throw noText(transcoder);
    indices[at++] = dictionary.intern(scratch, scratchView, 0, end);
  }
  column.valueCount = at;
}

function decodeToPlain(
  column: BytesColumn,
  transcoder: Transcoder,
  lengthBytes: LengthBytes,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const { bytes, view } = wire;
  let total = 0;
  for (let i = from; i < to; i++) total += fieldLength(view, offsets[i] as number, lengthBytes);
  column.reserveBytes(Math.ceil(total * transcoder.expansion) + 4 * (to - from));
  const { data, view: out } = column;
  let at = column.byteLength;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    const end = transcoder.transcode(bytes, view, offset, fieldLength(view, offset, lengthBytes), data, at + 4);
    if (end < 0) throw noText(transcoder);
    out.setInt32(at, end - at - 4, true);
    at = end;
  }
  column.byteLength = at;
  column.valueCount += to - from;
}

/** Whether the transcoder would reject the value at `offset`. */
export function isNoText(
  transcoder: Transcoder,
  lengthBytes: LengthBytes,
  { bytes, view }: WireChunk,
  offset: number,
): boolean {
  const length = fieldLength(view, offset, lengthBytes);
  reserveScratch(Math.ceil(length * transcoder.expansion));
  return transcoder.transcode(bytes, view, offset, length, scratch, 0) < 0;
}

export function noText(transcoder: Transcoder): UnrepresentableValue {
  return new UnrepresentableValue(
    transcoder === UTF16
      ? 'text with an unpaired surrogate, which UTF-8 cannot hold'
      : 'text with bytes that are not assigned in its code page',
  );
}
