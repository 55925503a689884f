import type { BytesColumn } from '../../../columns/bytes-column.js';
import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import { appendTexts } from '../../../columns/written-text.js';
import type { ColumnDecoder } from '../../source.js';
import type { BoundField } from '../../wire/batch-decoder.js';
import { bindDecoder, plain, type TypeDecoders } from '../../wire/type-decoders.js';
import type { FieldDecoder, Unrepresentable } from '../../wire/wire.js';
import { gatherFields } from '../tds/chunks.js';
import { CHUNKS, fieldLayout, type FieldLayout, type WireType } from '../tds/wire-type.js';
import { decodeBinary } from './binary.js';
import { codePage } from './code-pages.js';
import { decodeDecimal32, decodeDecimal64, decodeDecimalBytes, decodeMoney, decodeSmallMoney } from './decimals.js';
import type { LengthBytes } from './field-length.js';
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
import { timeText, uuidText } from './written-texts.js';

/** A column of a read, bound to its buffer and to the type of its incoming values. */
export interface MssqlField extends BoundField {
  readonly layout: FieldLayout;
  /** For types of up to 2 GB: handles values that do not fit into a batch. */
  readonly large: LargeField | undefined;
}

export interface LargeField {
  readonly column: BytesColumn;
  /** Undefined for binary values. */
  readonly transcoder: Transcoder | undefined;
}

/** A type whose values all have the same length on the wire. */
interface FixedType extends TypeDecoders {
  /** The driver's names for such columns, NOT NULL and nullable. */
  readonly names: readonly string[];
  /** Distinguishes types that share a name. */
  readonly width?: number;
}

const MOMENT: TypeDecoders = {
  int64: (column, decoder) => {
    const target = targetOf(decoder);
    return (wire, offsets, from, to) => decodeDateTime2(column, target, wire, offsets, from, to);
  },
  lacks: rangeCheck,
};

/** By the decoder's name in the plan. */
const FIXED_TYPES: Readonly<Record<string, FixedType>> = {
  bit: { names: ['Bit', 'BitN'], boolean: plain(decodeBit) },
  tinyint: { names: ['TinyInt', 'IntN'], width: 1, int32: plain(decodeUint8) },
  smallint: { names: ['SmallInt', 'IntN'], width: 2, int32: plain(decodeInt16) },
  int: { names: ['Int', 'IntN'], width: 4, int32: plain(decodeInt32) },
  bigint: { names: ['BigInt', 'IntN'], width: 8, int64: plain(decodeInt64) },
  real: { names: ['Real', 'FloatN'], width: 4, int32: plain(decodeInt32) },
  float: { names: ['Float', 'FloatN'], width: 8, int64: plain(decodeInt64) },
  smallmoney: { names: ['SmallMoney', 'MoneyN'], width: 4, int64: plain(decodeSmallMoney) },
  money: { names: ['Money', 'MoneyN'], width: 8, fixed: plain(decodeMoney) },
  decimal: {
    names: ['DecimalN', 'NumericN'],
    int32: plain(decodeDecimal32),
    int64: plain(decodeDecimal64),
    fixed: plain(decodeDecimalBytes),
  },
  uniqueidentifier: {
    names: ['UniqueIdentifier'],
    fixed: plain(decodeUuid),
    bytes: (column) => (wire, offsets, from, to) => appendTexts(column, uuidText(wire), offsets, from, to),
  },
  date: { names: ['Date'], int32: plain(decodeDate) },
  time: {
    names: ['Time'],
    int64: (column, decoder) => {
      const target = targetOf(decoder);
      return (wire, offsets, from, to) => decodeTime(column, target, wire, offsets, from, to);
    },
    bytes: (column, { scale }) => {
      const digits = Number(scale);
      return (wire, offsets, from, to) => appendTexts(column, timeText(wire, digits), offsets, from, to);
    },
  },
  smalldatetime: { names: ['SmallDateTime', 'DateTimeN'], width: 4, int64: plain(decodeSmallDateTime) },
  datetime: { names: ['DateTime', 'DateTimeN'], width: 8, int64: plain(decodeDateTime) },
  datetime2: { names: ['DateTime2'], ...MOMENT },
  datetimeoffset: { names: ['DateTimeOffset'], ...MOMENT },
};

const TEXTS: Readonly<Record<string, (wire: WireType) => Transcoder | undefined>> = {
  nvarchar: ({ name }) => (name === 'NVarChar' || name === 'NChar' ? UTF16 : undefined),
  varchar: ({ name, codepage }) => {
    if ((name !== 'VarChar' && name !== 'Char') || codepage === undefined) return undefined;
    return codepage === 'utf-8' ? UTF8 : codePage(codepage);
  },
};

/**
 * Binds the decoder that the plan names to a column. Done once per read, never per value.
 * @returns undefined if the incoming values do not have the planned type
 */
export function bindField(decoder: ColumnDecoder, column: ColumnBuffer, wire: WireType): MssqlField | undefined {
  if (decoder.kind === 'null')
    return { layout: fieldLayout(wire), decode: noValues, isUnrepresentable: undefined, large: undefined };
  const fixed = FIXED_TYPES[decoder.kind];
  if (fixed !== undefined) {
    if (!arrivesAs(fixed, decoder, wire)) return undefined;
    const decode = bindDecoder(fixed, column, decoder);
    const isUnrepresentable = column.kind === 'bytes' ? undefined : fixed.lacks?.(decoder);
    return decode && { layout: fieldLayout(wire), decode, isUnrepresentable, large: undefined };
  }
  return column.kind === 'bytes' ? bindVarying(decoder, column, wire) : undefined;
}

/** For a column that only has NULLs. */
function noValues(): never {
  throw new Error('A column of NULLs has a value');
}

/** Text and binary values. */
function bindVarying(decoder: ColumnDecoder, column: BytesColumn, wire: WireType): MssqlField | undefined {
  const text = TEXTS[decoder.kind]?.(wire);
  const isBinary = decoder.kind === 'binary' && (wire.name === 'VarBinary' || wire.name === 'Binary');
  if (text === undefined && !isBinary) return undefined;
  const layout = fieldLayout(wire);
  const lengthBytes: LengthBytes = layout === CHUNKS ? 4 : 2;
  const decode: FieldDecoder = text
    ? (chunk, offsets, from, to) => decodeText(column, text, lengthBytes, chunk, offsets, from, to)
    : (chunk, offsets, from, to) => decodeBinary(column, lengthBytes, chunk, offsets, from, to);
  return {
    layout,
    decode,
    isUnrepresentable: text && ((chunk, offset) => isNoText(text, lengthBytes, chunk, offset)),
    ...(layout === CHUNKS && { gather: gatherFields(column.memory.kernels) }),
    large: layout === CHUNKS ? { column, transcoder: text } : undefined,
  };
}

function arrivesAs({ names, width }: FixedType, { scale, precision }: ColumnDecoder, wire: WireType): boolean {
  if (!names.includes(wire.name)) return false;
  if (width !== undefined && wire.name.endsWith('N') && wire.dataLength !== width) return false;
  if (precision !== undefined && (wire.precision ?? Infinity) > Number(precision)) return false;
  return scale === undefined || wire.scale === scale;
}

function rangeCheck(decoder: ColumnDecoder): Unrepresentable | undefined {
  if (decoder['unit'] !== 'NANOS') return undefined;
  const target = targetOf(decoder);
  return ({ view }, offset) => isOutOfRange(view, offset, target);
}

function targetOf({ scale, unit }: ColumnDecoder): ReturnType<typeof timeTarget> {
  return timeTarget(Number(scale), unit === 'NANOS' ? 'NANOS' : 'MICROS');
}
