import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';

/** The type of a result column as COLMETADATA declares it, with the driver's names. */
export interface WireType {
  /** `Int` where the column is NOT NULL, `IntN` where it may be NULL, and so on. */
  readonly name: string;
  /** Maximum length of a value in bytes. */
  readonly dataLength: number | undefined;
  readonly precision: number | undefined;
  readonly scale: number | undefined;
  /** Of char and varchar, by the collation: `CP1252`, `utf-8`. */
  readonly codepage: string | undefined;
}

export function wireTypeOf({ type, dataLength, precision, scale, collation }: ColumnMetadata): WireType {
  return { name: type.name, dataLength, precision, scale, codepage: collation?.codepage };
}

/** How a value is laid out in a row: its fixed width, or how its length is encoded. */
export type FieldLayout = number;

/** A one-byte length before the value; 0 for NULL. */
export const BYTE_LENGTH: FieldLayout = 0;
/** A two-byte length before the value; 65535 for NULL. */
export const SHORT_LENGTH: FieldLayout = -1;
/** In chunks, each preceded by its length (PLP, MS-TDS 2.2.5.2.3). */
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

/** For messages: `Decimal(15,2)`. */
export function displayWireType({ name, precision, scale, dataLength }: WireType): string {
  const parts = [precision, scale].filter((part) => part !== undefined);
  if (parts.length > 0) return `${name}(${parts.join(',')})`;
  return dataLength === undefined || dataLength === MAX ? name : `${name}(${dataLength} bytes)`;
}

/** A type as CREATE TABLE names it. */
export interface DeclaredType {
  readonly name: string;
  readonly precision: number;
  readonly scale: number;
  /** In bytes; -1 for (max). */
  readonly maxLength: number;
}

/** By the driver's names, which encode nullability; widths distinguish types that share a name. */
const DECLARED: Readonly<Record<string, string | Readonly<Record<number, string>>>> = {
  Bit: 'bit',
  BitN: 'bit',
  TinyInt: 'tinyint',
  SmallInt: 'smallint',
  Int: 'int',
  BigInt: 'bigint',
  IntN: { 1: 'tinyint', 2: 'smallint', 4: 'int', 8: 'bigint' },
  Real: 'real',
  Float: 'float',
  FloatN: { 4: 'real', 8: 'float' },
  SmallMoney: 'smallmoney',
  Money: 'money',
  MoneyN: { 4: 'smallmoney', 8: 'money' },
  DecimalN: 'decimal',
  NumericN: 'numeric',
  UniqueIdentifier: 'uniqueidentifier',
  Date: 'date',
  Time: 'time',
  SmallDateTime: 'smalldatetime',
  DateTime: 'datetime',
  DateTimeN: { 4: 'smalldatetime', 8: 'datetime' },
  DateTime2: 'datetime2',
  DateTimeOffset: 'datetimeoffset',
  Char: 'char',
  VarChar: 'varchar',
  NChar: 'nchar',
  NVarChar: 'nvarchar',
  Binary: 'binary',
  VarBinary: 'varbinary',
  Text: 'text',
  NText: 'ntext',
  Image: 'image',
  Xml: 'xml',
  Variant: 'sql_variant',
};

/** The declared type that has this wire type. Undefined if it is ambiguous. */
export function declaredTypeOf({ name, dataLength, precision, scale }: WireType): DeclaredType | undefined {
  const declared = DECLARED[name];
  const typeName = typeof declared === 'object' ? declared[dataLength ?? 0] : declared;
  if (typeName === undefined) return undefined;
  const maxLength = dataLength === MAX || dataLength === undefined ? -1 : dataLength;
  return { name: typeName, precision: precision ?? 0, scale: scale ?? 0, maxLength };
}
