import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import { appendTexts } from '../../../columns/written-text.js';
import type { ColumnDecoder } from '../../source.js';
import { type ArrayTally, decodeArrays, isNoList, unmarkJsonArrays } from './arrays.js';
import { decodeDate, decodeTime, decodeTimestamp, isDayEnd, isInfiniteDate, isUnboundedTimestamp } from './dates.js';
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
import { decodeEncodedText, isUndecodable, textDecoding } from './encoded-text.js';
import { decodeBytes, decodeCheckedText, decodeFixed, decodeJsonb, decodeMoney, isUtf8At } from './texts.js';
import type { FieldDecoder, Unrepresentable } from './wire.js';
import { timeText, uuidText } from './written-texts.js';

export interface DecoderOptions {
  /** `null`: elements of arrays that their type can't hold are written as NULL. */
  readonly onUnrepresentable: 'error' | 'null';
  readonly tally: ArrayTally;
}

/**
 * Binds a column's decoder, as the plan names it, to the column's buffer. Looked up once a column, never per value.
 * @throws TypeError where the plan names a decoder that does not fit the buffer: a defect, not a user's mistake
 */
export function bindDecoder(decoder: ColumnDecoder, column: ColumnBuffer, options: DecoderOptions): FieldDecoder {
  if (decoder.kind === 'array') {
    const element = elementDecoder(decoder);
    const { tally, onUnrepresentable } = options;
    const isUnrepresentable = onUnrepresentable === 'null' ? unrepresentableBy(element) : undefined;
    const lists = { decodeElements: bindScalar(element, column), isUnrepresentable, tally };
    return (wire, offsets, from, to) => decodeArrays(column, lists, wire, offsets, from, to);
  }
  if (decoder.kind === 'jsonArray') {
    const decode = bindScalar(textDecoder(decoder), column);
    return (wire, offsets, from, to) => {
      unmarkJsonArrays(options.tally, wire, offsets, from, to);
      decode(wire, offsets, from, to);
    };
  }
  return bindScalar(decoder, column);
}

function bindScalar(decoder: ColumnDecoder, column: ColumnBuffer): FieldDecoder {
  switch (column.kind) {
    case 'boolean':
      if (decoder.kind === 'bool') return (wire, o, from, to) => decodeBool(column, wire, o, from, to);
      break;
    case 'int32':
      if (decoder.kind === 'int2') return (wire, o, from, to) => decodeInt16(column, wire, o, from, to);
      if (decoder.kind === 'date') return (wire, o, from, to) => decodeDate(column, wire, o, from, to);
      if (decoder.kind === 'int4' || decoder.kind === 'float4') {
        return (wire, o, from, to) => decodeInt32(column, wire, o, from, to);
      }
      if (decoder.kind === 'numeric') {
        const target = targetOf(decoder);
        return (wire, o, from, to) => decodeDecimal32(column, target, wire.view, o, from, to);
      }
      break;
    case 'int64':
      if (decoder.kind === 'oid') return (wire, o, from, to) => decodeOid(column, wire, o, from, to);
      if (decoder.kind === 'timestamp') return (wire, o, from, to) => decodeTimestamp(column, wire, o, from, to);
      if (decoder.kind === 'time') return (wire, o, from, to) => decodeTime(column, wire, o, from, to);
      if (decoder.kind === 'int8' || decoder.kind === 'float8') {
        return (wire, o, from, to) => decodeInt64(column, wire, o, from, to);
      }
      if (decoder.kind === 'numeric') {
        const target = targetOf(decoder);
        return (wire, o, from, to) => decodeDecimal64(column, target, wire.view, o, from, to);
      }
      if (decoder.kind === 'numericDouble') {
        return (wire, o, from, to) => decodeNumericAsDouble(column, wire.view, o, from, to);
      }
      break;
    case 'fixed':
      if (decoder.kind === 'uuid') return (wire, o, from, to) => decodeFixed(column, wire, o, from, to);
      if (decoder.kind === 'money') return (wire, o, from, to) => decodeMoney(column, wire, o, from, to);
      if (decoder.kind === 'numeric') {
        const target = targetOf(decoder);
        return (wire, o, from, to) => decodeDecimalBytes(column, target, wire.view, o, from, to);
      }
      break;
    case 'bytes':
      if (decoder.kind === 'jsonb') return (wire, o, from, to) => decodeJsonb(column, wire, o, from, to);
      if (decoder.kind === 'uuidText') return (wire, o, from, to) => appendTexts(column, uuidText(wire), o, from, to);
      if (decoder.kind === 'timeText') return (wire, o, from, to) => appendTexts(column, timeText(wire), o, from, to);
      if (decoder.kind === 'encodedText') {
        const decoding = decodingOf(decoder);
        return (wire, o, from, to) => decodeEncodedText(column, decoding, wire, o, from, to);
      }
      if (decoder.kind === 'checkedText') return (wire, o, from, to) => decodeCheckedText(column, wire, o, from, to);
      if (decoder.kind === 'text' || decoder.kind === 'bytea' || decoder.kind === 'json') {
        return (wire, o, from, to) => decodeBytes(column, wire, o, from, to);
      }
      break;
    default:
      column satisfies never;
  }
  throw new TypeError(`column ${column.spec.name}: no decoder ${decoder.kind} for ${column.spec.type.physical}`);
}

/**
 * What a column's decoder would refuse as a whole, for runs that write such values as NULL; undefined where it refuses
 * nothing. Elements of arrays are looked at when they are decoded.
 */
export function unrepresentableBy(decoder: ColumnDecoder): Unrepresentable | undefined {
  switch (decoder.kind) {
    case 'array':
      return (wire, offset) => isNoList(wire.view, offset);
    case 'jsonArray':
      return unrepresentableBy(textDecoder(decoder));
    case 'numeric': {
      const target = targetOf(decoder);
      return (wire, offset) => !fitsDecimal(wire.view, offset, target);
    }
    case 'date':
      return (wire, offset) => isInfiniteDate(wire.view, offset);
    case 'time':
      return (wire, offset) => isDayEnd(wire.view, offset);
    case 'numericDouble':
      return (wire, offset) => isBeyondDouble(wire.view, offset);
    case 'timestamp':
      return (wire, offset) => isUnboundedTimestamp(wire.view, offset);
    case 'checkedText':
      return (wire, offset) => !isUtf8At(wire, offset);
    case 'encodedText': {
      const decoding = decodingOf(decoder);
      return (wire, offset) => isUndecodable(decoding, wire, offset);
    }
    default:
      return undefined;
  }
}

function textDecoder(decoder: ColumnDecoder): ColumnDecoder {
  return { ...decoder, kind: String(decoder['text']) };
}

function elementDecoder(decoder: ColumnDecoder): ColumnDecoder {
  const { element } = decoder;
  if (typeof element !== 'string') throw new TypeError('an array decoder without its element');
  return { ...decoder, kind: element };
}

function decodingOf({ encoding }: ColumnDecoder) {
  if (typeof encoding !== 'string') throw new TypeError('a text decoder without its encoding');
  return textDecoding(encoding);
}

function targetOf(decoder: ColumnDecoder) {
  const { precision, scale } = decoder;
  if (typeof precision !== 'number' || typeof scale !== 'number') {
    throw new TypeError('a numeric decoder without precision and scale');
  }
  return decimalTarget(precision, scale);
}
