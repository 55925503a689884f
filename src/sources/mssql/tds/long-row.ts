import type { BatchDecoder } from '../../wire/batch-decoder.js';
import type { MssqlField } from '../decode/decoders.js';
import type { ByteInput } from './byte-input.js';
import { LargeValue } from './large-value.js';
import { isNullInChunks, PLP_LENGTH_BYTES, ROW_WITH_BITMAP } from './row-scanner.js';
import { BYTE_LENGTH, CHUNKS } from './wire-type.js';

const SHORT_NULL = 0xffff;

/**
 * Reads a row that is larger than the buffer, field by field as it arrives, from the input's start. Chunked values go to
 * their columns piece by piece. The caller commits the row.
 */
export async function readLongRow(
  input: ByteInput,
  fields: readonly MssqlField[],
  decoder: BatchDecoder,
): Promise<void> {
  await input.need(1);
  const hasBitmap = input.bytes[input.start++] === ROW_WITH_BITMAP;
  const bitmap = hasBitmap ? await takeBitmap(input, fields.length) : undefined;
  for (const [index, field] of fields.entries()) {
    if (bitmap !== undefined && ((bitmap[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0) {
      decoder.decodeField(index, input, -1);
    } else if (field.layout === CHUNKS) {
      await readChunks(input, index, field, decoder);
    } else {
      await readShortField(input, index, field, decoder);
    }
  }
}

async function takeBitmap(input: ByteInput, columns: number): Promise<Uint8Array> {
  const bytes = (columns + 7) >>> 3;
  await input.need(bytes);
  const bitmap = input.bytes.slice(input.start, input.start + bytes);
  input.start += bytes;
  return bitmap;
}

async function readShortField(
  input: ByteInput,
  index: number,
  { layout }: MssqlField,
  decoder: BatchDecoder,
): Promise<void> {
  const prefix = layout > 0 ? 0 : layout === BYTE_LENGTH ? 1 : 2;
  await input.need(prefix);
  const { bytes, view, start } = input;
  const told = prefix === 0 ? layout : prefix === 1 ? (bytes[start] ?? 0) : view.getUint16(start, true);
  const isNull = prefix === 1 ? told === 0 : prefix === 2 && told === SHORT_NULL;
  const length = isNull ? 0 : told;
  await input.need(prefix + length);
  // The bytes may have moved while waiting.
  decoder.decodeField(index, input, isNull ? -1 : input.start + prefix);
  input.start += prefix + length;
}

async function readChunks(
  input: ByteInput,
  index: number,
  { large }: MssqlField,
  decoder: BatchDecoder,
): Promise<void> {
  await input.need(PLP_LENGTH_BYTES);
  const isNull = isNullInChunks(input.view, input.start);
  input.start += PLP_LENGTH_BYTES;
  if (isNull) {
    decoder.decodeField(index, input, -1);
    return;
  }
  if (large === undefined) throw new TypeError('A chunked value in a column of small values');
  const value = new LargeValue(large);
  for (;;) {
    await input.need(4);
    let rest = input.view.getUint32(input.start, true);
    input.start += 4;
    if (rest === 0) break;
    while (rest > 0) {
      await input.need(1);
      const part = input.bytes.subarray(input.start, Math.min(input.end, input.start + rest));
      value.add(part);
      input.start += part.length;
      rest -= part.length;
    }
  }
  const problem = value.end();
  if (problem !== undefined) decoder.refuse(index, problem);
}
