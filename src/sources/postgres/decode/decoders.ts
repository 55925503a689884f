import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import type { BytesColumn } from '../../../columns/bytes-column.js';
import { appendTexts } from '../../../columns/written-text.js';
import type { ColumnDecoder } from '../../source.js';
import type { BoundField } from '../../wire/batch-decoder.js';
import { bindDecoder, plain, type TypeDecoders } from '../../wire/type-decoders.js';
import type { FieldDecoder, WireChunk } from '../../wire/wire.js';
import { type ArrayTally, decodeArrays, isNoList, unmarkJsonArrays } from './arrays.js';
import {
  decodeDate,
  decodeTime,
  decodeTimestamp,
  decodeTimestampNanos,
  isBeyondNanos,
  isDayEnd,
  isInfiniteDate,
  isUnboundedTimestamp,
} from './dates.js';
import { decodeEncodedText, isUndecodable, textDecoding } from './encoded-text.js';
import { decodeBool, decodeInt16, decodeInt32, decodeInt64, decodeOid } from './integers.js';
import {
  decimalTarget,
  decodeDecimal32,
  decodeDecimal64,
  decodeDecimalBytes,
  decodeNumericAsDouble,
  fitsDecimal,
  isBeyondDouble,
} from './numeric.js';
import { decodeBytes, decodeCheckedText, decodeFixed, decodeJsonb, decodeMoney, isUtf8At } from './texts.js';
import { timeText, uuidText } from './written-texts.js';

/** By the decoder's name in the plan. */
const TYPES: Readonly<Record<string, TypeDecoders>> = {
  bool: { boolean: plain(decodeBool) },
  int2: { int32: plain(decodeInt16) },
  int4: { int32: plain(decodeInt32) },
  int8: { int64: plain(decodeInt64) },
  oid: { int64: plain(decodeOid) },
  float4: { int32: plain(decodeInt32) },
  float8: { int64: plain(decodeInt64) },
  numeric: {
    int32: (column, decoder) => {
      const target = targetOf(decoder);
      return (wire, offsets, from, to) => decodeDecimal32(column, target, wire, offsets, from, to);
    },
    int64: (column, decoder) => {
      const target = targetOf(decoder);
      return (wire, offsets, from, to) => decodeDecimal64(column, target, wire, offsets, from, to);
    },
    fixed: (column, decoder) => {
      const target = targetOf(decoder);
      return (wire, offsets, from, to) => decodeDecimalBytes(column, target, wire, offsets, from, to);
    },
    lacks: (decoder) => {
      const target = targetOf(decoder);
      return ({ view }, offset) => !fitsDecimal(view, offset, target);
    },
  },
  numericDouble: {
    int64:
      (column) =>
      ({ view }, offsets, from, to) =>
        decodeNumericAsDouble(column, view, offsets, from, to),
    lacks: () => ofView(isBeyondDouble),
  },
  money: { fixed: plain(decodeMoney) },
  date: { int32: plain(decodeDate), lacks: () => ofView(isInfiniteDate) },
  time: { int64: plain(decodeTime), lacks: () => ofView(isDayEnd) },
  timestamp: { int64: plain(decodeTimestamp), lacks: () => ofView(isUnboundedTimestamp) },
  timestampNanos: { int64: plain(decodeTimestampNanos), lacks: () => ofView(isBeyondNanos) },
  timeText: { bytes: written(timeText) },
  uuid: { fixed: plain(decodeFixed) },
  uuidText: { bytes: written(uuidText) },
  text: { bytes: plain(decodeBytes) },
  bytea: { bytes: plain(decodeBytes) },
  json: { bytes: plain(decodeBytes) },
  jsonb: { bytes: plain(decodeJsonb) },
  checkedText: { bytes: plain(decodeCheckedText), lacks: () => (wire, offset) => !isUtf8At(wire, offset) },
  encodedText: {
    bytes: (column, decoder) => {
      const decoding = decodingOf(decoder);
      return (wire, offsets, from, to) => decodeEncodedText(column, decoding, wire, offsets, from, to);
    },
    lacks: (decoder) => {
      const decoding = decodingOf(decoder);
      return (wire, offset) => isUndecodable(decoding, wire, offset);
    },
  },
};

/** A column's field, with counts of what its arrays lose. */
export interface PostgresField extends BoundField {
  readonly tally: ArrayTally;
}

/**
 * Binds the decoder that the plan names to the column's buffer. Looked up once per column, never per value.
 * @param onUnrepresentable `null`: array elements that do not fit their type are written as NULL
 * @throws TypeError if the plan names a decoder that does not fit the buffer, which is a bug
 */
export function bindField(
  decoder: ColumnDecoder,
  column: ColumnBuffer,
  { onUnrepresentable }: { readonly onUnrepresentable: 'error' | 'null' },
): PostgresField {
  const tally: ArrayTally = { unrepresentable: 0, lostBounds: 0 };
  if (decoder.kind === 'null') return { tally, decode: noValues, isUnrepresentable: undefined };
  if (decoder.kind === 'array') {
    const element = bindScalar(elementDecoder(decoder), column);
    const lists = {
      decodeElements: element.decode,
      isUnrepresentable: onUnrepresentable === 'null' ? element.isUnrepresentable : undefined,
      tally,
    };
    return {
      tally,
      decode: (wire, offsets, from, to) => decodeArrays(column, lists, wire, offsets, from, to),
      isUnrepresentable: ofView(isNoList),
      writesLevels: true,
    };
  }
  if (decoder.kind === 'jsonArray') {
    const { decode, isUnrepresentable } = bindScalar({ ...decoder, kind: String(decoder['text']) }, column);
    return {
      tally,
      decode: (wire, offsets, from, to) => {
        unmarkJsonArrays(tally, wire, offsets, from, to);
        decode(wire, offsets, from, to);
      },
      isUnrepresentable,
    };
  }
  return { tally, ...bindScalar(decoder, column) };
}

function bindScalar(decoder: ColumnDecoder, column: ColumnBuffer): Pick<BoundField, 'decode' | 'isUnrepresentable'> {
  const type = TYPES[decoder.kind];
  const decode = type && bindDecoder(type, column, decoder);
  if (decode !== undefined) return { decode, isUnrepresentable: type?.lacks?.(decoder) };
  throw new TypeError(`Column ${column.spec.name} has no decoder ${decoder.kind} for ${column.spec.type.physical}`);
}

/** For a column that only has NULLs. */
function noValues(): never {
  throw new TypeError('A column of NULLs has a value');
}

/** For text that is generated here instead of by the server. */
function written(text: (wire: WireChunk) => Parameters<typeof appendTexts>[1]): (column: BytesColumn) => FieldDecoder {
  return (column) => (wire, offsets, from, to) => appendTexts(column, text(wire), offsets, from, to);
}

function ofView(test: (view: DataView, offset: number) => boolean): (wire: WireChunk, offset: number) => boolean {
  return ({ view }, offset) => test(view, offset);
}

function elementDecoder(decoder: ColumnDecoder): ColumnDecoder {
  const { element } = decoder;
  if (typeof element !== 'string') throw new TypeError('An array decoder needs its element');
  return { ...decoder, kind: element };
}

function decodingOf({ encoding }: ColumnDecoder) {
  if (typeof encoding !== 'string') throw new TypeError('A text decoder needs its encoding');
  return textDecoding(encoding);
}

function targetOf(decoder: ColumnDecoder) {
  const { precision, scale } = decoder;
  if (typeof precision !== 'number' || typeof scale !== 'number') {
    throw new TypeError('A numeric decoder needs precision and scale');
  }
  return decimalTarget(precision, scale);
}
