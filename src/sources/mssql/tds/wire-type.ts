import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';

/** The type of a result's column as COLMETADATA declares it, by the driver's names. */
export interface WireType {
  /** `Int` where the column is NOT NULL, `IntN` where it may be NULL, and so on. */
  readonly name: string;
  /** Bytes of a value at most. */
  readonly dataLength: number | undefined;
  readonly precision: number | undefined;
  readonly scale: number | undefined;
  /** Of char and varchar, by the collation: `CP1252`, `utf-8`. */
  readonly codepage: string | undefined;
}

export function wireTypeOf({ type, dataLength, precision, scale, collation }: ColumnMetadata): WireType {
  return { name: type.name, dataLength, precision, scale, codepage: collation?.codepage };
}

/** How a value stands in a row: its width where that is always the same, else how its length is told. */
export type FieldLayout = number;

/** A byte of length before the value; 0 for NULL. */
export const BYTE_LENGTH: FieldLayout = 0;
/** Two bytes of length before it; 65535 for NULL. */
export const SHORT_LENGTH: FieldLayout = -1;
/** In chunks, each behind its length (PLP, MS-TDS 2.2.5.2.3). */
export const CHUNKS: FieldLayout = -2;

const FIXED_WIDTHS: Readonly<Record<string, number>> = {
  TinyInt: 1,
  Bit: 1,
  SmallInt: 2,
  Int: 4,
  SmallDateTime: 4,
  Real: 4,
  SmallMoney: 4,
  Money: 8,
  DateTime: 8,
  Float: 8,
  BigInt: 8,
};

const SHORT = new Set(['VarChar', 'Char', 'NVarChar', 'NChar', 'VarBinary', 'Binary']);
const MAX = 0xffff;

export function fieldLayout({ name, dataLength }: WireType): FieldLayout {
  if (SHORT.has(name)) return dataLength === MAX ? CHUNKS : SHORT_LENGTH;
  return FIXED_WIDTHS[name] ?? BYTE_LENGTH;
}

/** For people: `Decimal(15,2)`. */
export function displayWireType({ name, precision, scale, dataLength }: WireType): string {
  const parts = [precision, scale].filter((part) => part !== undefined);
  if (parts.length > 0) return `${name}(${parts.join(',')})`;
  return dataLength === undefined || dataLength === MAX ? name : `${name}(${dataLength} bytes)`;
}
