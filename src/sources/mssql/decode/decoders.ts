import type { BytesColumn } from '../../../columns/bytes-column.js';
import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import { appendTexts } from '../../../columns/written-text.js';
import type { ColumnDecoder } from '../../source.js';
import { CHUNKS, fieldLayout, type FieldLayout, type WireType } from '../tds/wire-type.js';
import { decodeBinary } from './binary.js';
import { codePage } from './code-pages.js';
import { decodeDecimal32, decodeDecimal64, decodeDecimalBytes, decodeMoney, decodeSmallMoney } from './decimals.js';
import { decodeBit, decodeInt16, decodeInt32, decodeInt64, decodeUint8, decodeUuid } from './integers.js';
import { decodeText, isNoText } from './texts.js';
import {
  decodeDate,
  decodeDateTime,
  decodeDateTime2,
  decodeSmallDateTime,
  decodeTime,
  isOutOfRange,
  timeTarget,
} from './times.js';
import { type Transcoder, UTF16, UTF8 } from './transcoder.js';
import type { FieldDecoder, LengthBytes, WireChunk } from './wire.js';
import { timeText, uuidText } from './written-texts.js';

/** A column of a read, bound to its buffer and to the type that its values arrive in. */
export interface BoundField {
  readonly layout: FieldLayout;
  readonly decode: FieldDecoder;
  /** Tells whether the Parquet type lacks the (non-NULL) value at an offset; undefined where it lacks none. */
  readonly isUnrepresentable: ((wire: WireChunk, offset: number) => boolean) | undefined;
  /** Given for types of up to 2 GB: what values are made of that don't fit into a batch. */
  readonly large: LargeField | undefined;
}

export interface LargeField {
  readonly column: BytesColumn;
  /** Undefined for binary values. */
  readonly transcoder: Transcoder | undefined;
}

/**
 * Binds a column's decoder, as the plan names it. Done once for a read, never per value.
 * @returns undefined where the values that arrive are not of the type that was planned for
 */
export function bindField(decoder: ColumnDecoder, column: ColumnBuffer, wire: WireType): BoundField | undefined {
  const layout = fieldLayout(wire);
  const lengthBytes: LengthBytes = layout === CHUNKS ? 4 : 2;
  const written = column.kind === 'bytes' ? bindWritten(decoder, column) : undefined;
  if (written !== undefined) {
    return arrivesAs(decoder, wire)
      ? { layout, decode: written, isUnrepresentable: undefined, large: undefined }
      : undefined;
  }
  if (column.kind === 'bytes') {
    const text = TEXTS[decoder.kind]?.(wire);
    const isBinary = decoder.kind === 'binary' && (wire.name === 'VarBinary' || wire.name === 'Binary');
    if (text === undefined && !isBinary) return undefined;
    const decode: FieldDecoder = text
      ? (chunk, o, from, to) => decodeText(column, text, lengthBytes, chunk, o, from, to)
      : (chunk, o, from, to) => decodeBinary(column, lengthBytes, chunk, o, from, to);
    return {
      layout,
      decode,
      isUnrepresentable: text && ((chunk, offset) => isNoText(text, lengthBytes, chunk, offset)),
      large: layout === CHUNKS ? { column, transcoder: text } : undefined,
    };
  }
  if (!arrivesAs(decoder, wire)) return undefined;
  const decode = bindFixed(decoder, column);
  return decode && { layout, decode, isUnrepresentable: rangeCheck(decoder), large: undefined };
}

const TEXTS: Readonly<Record<string, (wire: WireType) => Transcoder | undefined>> = {
  nvarchar: ({ name }) => (name === 'NVarChar' || name === 'NChar' ? UTF16 : undefined),
  varchar: ({ name, codepage }) => {
    if ((name !== 'VarChar' && name !== 'Char') || codepage === undefined) return undefined;
    return codepage === 'utf-8' ? UTF8 : codePage(codepage);
  },
};

interface Arrival {
  readonly names: readonly string[];
  /** Of the types that share a name. */
  readonly width?: number;
}

/** By the decoder's kind: what the driver calls the types of such columns, NOT NULL and nullable. */
const ARRIVALS: Readonly<Record<string, Arrival>> = {
  bit: { names: ['Bit', 'BitN'] },
  tinyint: { names: ['TinyInt', 'IntN'], width: 1 },
  smallint: { names: ['SmallInt', 'IntN'], width: 2 },
  int: { names: ['Int', 'IntN'], width: 4 },
  bigint: { names: ['BigInt', 'IntN'], width: 8 },
  real: { names: ['Real', 'FloatN'], width: 4 },
  float: { names: ['Float', 'FloatN'], width: 8 },
  smallmoney: { names: ['SmallMoney', 'MoneyN'], width: 4 },
  money: { names: ['Money', 'MoneyN'], width: 8 },
  decimal: { names: ['DecimalN', 'NumericN'] },
  uniqueidentifier: { names: ['UniqueIdentifier'] },
  date: { names: ['Date'] },
  time: { names: ['Time'] },
  smalldatetime: { names: ['SmallDateTime', 'DateTimeN'], width: 4 },
  datetime: { names: ['DateTime', 'DateTimeN'], width: 8 },
  datetime2: { names: ['DateTime2'] },
  datetimeoffset: { names: ['DateTimeOffset'] },
};

function arrivesAs({ kind, scale, precision }: ColumnDecoder, wire: WireType): boolean {
  const arrival = ARRIVALS[kind];
  if (arrival === undefined || !arrival.names.includes(wire.name)) return false;
  if (arrival.width !== undefined && wire.name.endsWith('N') && wire.dataLength !== arrival.width) return false;
  if (precision !== undefined && (wire.precision ?? Infinity) > Number(precision)) return false;
  return scale === undefined || wire.scale === scale;
}

/** What has a fixed length on the wire and is written as text. */
function bindWritten({ kind, scale }: ColumnDecoder, column: BytesColumn): FieldDecoder | undefined {
  if (kind === 'uniqueidentifier') return (wire, o, from, to) => appendTexts(column, uuidText(wire), o, from, to);
  if (kind !== 'time') return undefined;
  const digits = Number(scale);
  return (wire, o, from, to) => appendTexts(column, timeText(wire, digits), o, from, to);
}

function bindFixed(decoder: ColumnDecoder, column: Exclude<ColumnBuffer, BytesColumn>): FieldDecoder | undefined {
  const { kind } = decoder;
  switch (column.kind) {
    case 'boolean':
      return kind === 'bit' ? (wire, o, from, to) => decodeBit(column, wire, o, from, to) : undefined;
    case 'int32':
      if (kind === 'tinyint') return (wire, o, from, to) => decodeUint8(column, wire, o, from, to);
      if (kind === 'smallint') return (wire, o, from, to) => decodeInt16(column, wire, o, from, to);
      if (kind === 'int' || kind === 'real') return (wire, o, from, to) => decodeInt32(column, wire, o, from, to);
      if (kind === 'date') return (wire, o, from, to) => decodeDate(column, wire, o, from, to);
      if (kind === 'decimal') return (wire, o, from, to) => decodeDecimal32(column, wire, o, from, to);
      return undefined;
    case 'int64':
      if (kind === 'bigint' || kind === 'float') return (wire, o, from, to) => decodeInt64(column, wire, o, from, to);
      if (kind === 'decimal') return (wire, o, from, to) => decodeDecimal64(column, wire, o, from, to);
      if (kind === 'smallmoney') return (wire, o, from, to) => decodeSmallMoney(column, wire, o, from, to);
      if (kind === 'datetime') return (wire, o, from, to) => decodeDateTime(column, wire, o, from, to);
      if (kind === 'smalldatetime') return (wire, o, from, to) => decodeSmallDateTime(column, wire, o, from, to);
      if (kind === 'time') {
        const target = targetOf(decoder);
        return (wire, o, from, to) => decodeTime(column, target, wire, o, from, to);
      }
      if (kind === 'datetime2' || kind === 'datetimeoffset') {
        const target = targetOf(decoder);
        return (wire, o, from, to) => decodeDateTime2(column, target, wire, o, from, to);
      }
      return undefined;
    case 'fixed':
      if (kind === 'uniqueidentifier') return (wire, o, from, to) => decodeUuid(column, wire, o, from, to);
      if (kind === 'decimal') return (wire, o, from, to) => decodeDecimalBytes(column, wire, o, from, to);
      if (kind === 'money') return (wire, o, from, to) => decodeMoney(column, wire, o, from, to);
      return undefined;
    default:
      return column satisfies never;
  }
}

function rangeCheck(decoder: ColumnDecoder): BoundField['isUnrepresentable'] {
  const isMoment = decoder.kind === 'datetime2' || decoder.kind === 'datetimeoffset';
  if (!isMoment || decoder['unit'] !== 'NANOS') return undefined;
  const target = targetOf(decoder);
  return ({ view }, offset) => isOutOfRange(view, offset, target);
}

function targetOf({ scale, unit }: ColumnDecoder): ReturnType<typeof timeTarget> {
  return timeTarget(Number(scale), unit === 'NANOS' ? 'NANOS' : 'MICROS');
}
