import type { Fidelity, ParquetType, TimeUnit } from '../../../columns/column-spec.js';
import { type Compat, compatibleType } from '../../../columns/compat.js';
import {
  BOOLEAN,
  BYTES,
  DATE,
  decimalType,
  DOUBLE,
  FLOAT,
  INT32,
  INT64,
  integerType,
  JSON_TEXT,
  STRING,
  timestampType,
  timeType,
  UUID,
} from '../../../columns/parquet-types.js';
import type { ColumnDecoder } from '../../source.js';
import type { TextStyles } from '../connection/server.js';

/**
 * The type table: how each SQL Server type is read and which Parquet type it becomes. Numbers, times and text are decoded
 * from the wire directly; the server converts types without a usable wire form.
 */

/** A column's type from the catalog; an alias type is replaced by its base type. */
export interface MssqlType {
  /** In lower case, e.g. `nvarchar`; for a CLR type its own name. */
  readonly name: string;
  readonly precision: number;
  readonly scale: number;
  /** A user-defined type from an assembly. */
  readonly isAssembly: boolean;
}

/** How values of a type arrive and how they are written. */
export interface TypeMapping {
  readonly type: ParquetType;
  /** Name of the decoding kernel, with its parameters. */
  readonly decoder: ColumnDecoder;
  readonly fidelity: Fidelity;
  /** The SELECT expression for a quoted column. */
  readonly expression: (column: string) => string;
  /** Whether a value may have no counterpart in the Parquet type. */
  readonly partial: boolean;
}

export interface MappingOptions {
  /** `ns` writes times with seven digits in nanoseconds. */
  readonly timestampUnit: 'us' | 'ns';
  /** For a Parquet reader that does not support every type. */
  readonly compat?: Compat | undefined;
  /** CONVERT styles that the server supports, for the text of a `sql_variant`. */
  readonly styles: TextStyles;
}

/** Text, which may still have an unpaired surrogate or bytes without a character. */
const NVARCHAR = partial(exact('nvarchar', STRING));
const VARCHAR = partial(exact('varchar', STRING));
const BINARY = exact('binary', BYTES);
/** The server's own text form, with every digit and letter. */
const TEXT: TypeMapping = { ...converted(NVARCHAR, 'nvarchar(max)'), fidelity: 'text' };
const JSON_DOCUMENT: TypeMapping = { ...converted(NVARCHAR, 'nvarchar(max)'), type: JSON_TEXT };

const TYPES: Readonly<Record<string, TypeMapping>> = {
  bit: exact('bit', BOOLEAN),
  tinyint: exact('tinyint', integerType(8, { signed: false })),
  smallint: exact('smallint', integerType(16, { signed: true })),
  int: exact('int', INT32),
  bigint: exact('bigint', INT64),
  real: exact('real', FLOAT),
  float: exact('float', DOUBLE),
  money: exact('money', decimalType(19, 4)),
  smallmoney: exact('smallmoney', decimalType(10, 4)),
  char: VARCHAR,
  varchar: VARCHAR,
  nchar: NVARCHAR,
  nvarchar: NVARCHAR,
  sysname: NVARCHAR,
  text: converted(VARCHAR, 'varchar(max)'),
  ntext: converted(NVARCHAR, 'nvarchar(max)'),
  xml: converted(NVARCHAR, 'nvarchar(max)'),
  binary: BINARY,
  varbinary: BINARY,
  rowversion: BINARY,
  timestamp: BINARY,
  image: converted(BINARY, 'varbinary(max)'),
  date: exact('date', DATE),
  smalldatetime: exact('smalldatetime', timestampType('MICROS', { utc: false })),
  // Each tick of 1/300 s rounds to a distinct microsecond.
  datetime: exact('datetime', timestampType('MICROS', { utc: false })),
  uniqueidentifier: exact('uniqueidentifier', UUID),
  hierarchyid: { ...converted(NVARCHAR, 'nvarchar(4000)'), fidelity: 'text' },
  geometry: converted(BINARY, 'varbinary(max)'),
  geography: converted(BINARY, 'varbinary(max)'),
  json: JSON_DOCUMENT,
};

/** How a column of this type is read. The server converts a value of an unknown type to text. */
export function mapType(type: MssqlType, options: MappingOptions): TypeMapping {
  const mapping = lookUp(type, options);
  const compatible = compatibleType(mapping.type, options.compat);
  if (compatible === mapping.type) return mapping;
  // Text keeps every digit of a time.
  return compatible === STRING
    ? { ...mapping, type: compatible, fidelity: 'text', partial: false }
    : { ...mapping, type: compatible };
}

function lookUp(type: MssqlType, options: MappingOptions): TypeMapping {
  const { name, precision, scale } = type;
  if (type.isAssembly) return TYPES[name] ?? converted(BINARY, 'varbinary(max)');
  switch (name) {
    case 'decimal':
    case 'numeric':
      return { ...exact('decimal', decimalType(precision, scale)), decoder: { kind: 'decimal', precision, scale } };
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return mapTime(name, scale, options);
    case 'sql_variant':
      return {
        ...TEXT,
        fidelity: options.styles.allDigits && options.styles.hexadecimal ? 'text' : 'lossy',
        expression: (column) => variantText(column, options),
      };
    default:
      return TYPES[name] ?? TEXT;
  }
}

const MOST_DIGITS = 7;

/** The seventh digit needs nanoseconds, and 64 bits of those cover the years 1677 to 2262. */
function mapTime(
  kind: 'time' | 'datetime2' | 'datetimeoffset',
  scale: number,
  { timestampUnit }: MappingOptions,
): TypeMapping {
  const isFine = scale === MOST_DIGITS;
  const unit: TimeUnit = isFine && timestampUnit === 'ns' ? 'NANOS' : 'MICROS';
  const type: ParquetType = kind === 'time' ? timeType(unit) : timestampType(unit, { utc: kind === 'datetimeoffset' });
  // The offset is dropped: Parquet has a type for the instant only.
  const isLossy = kind === 'datetimeoffset' || (isFine && unit === 'MICROS');
  return {
    ...exact(kind, type),
    decoder: { kind, scale, unit },
    fidelity: isLossy ? 'lossy' : 'exact',
    partial: unit === 'NANOS' && kind !== 'time',
  };
}

/** By the type of each value: a plain conversion would truncate digits. As a decimal, money keeps all of its digits. */
function variantText(column: string, { styles }: MappingOptions): string {
  const text = (value: string, style?: number) =>
    `CONVERT(nvarchar(max), ${value}${style === undefined ? '' : `, ${style}`})`;
  const float = styles.allDigits ? 3 : 2;
  return [
    `CASE CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(${column}, N'BaseType'))`,
    `WHEN N'float' THEN ${text(`CONVERT(float, ${column})`, float)}`,
    `WHEN N'real' THEN ${text(`CONVERT(real, ${column})`, float)}`,
    `WHEN N'money' THEN ${text(`CONVERT(decimal(19,4), CONVERT(money, ${column}))`)}`,
    `WHEN N'smallmoney' THEN ${text(`CONVERT(decimal(10,4), CONVERT(smallmoney, ${column}))`)}`,
    `WHEN N'datetime' THEN ${text(`CONVERT(datetime, ${column})`, 126)}`,
    `WHEN N'smalldatetime' THEN ${text(`CONVERT(smalldatetime, ${column})`, 126)}`,
    `WHEN N'binary' THEN ${text(`CONVERT(varbinary(8000), ${column})`, 1)}`,
    `WHEN N'varbinary' THEN ${text(`CONVERT(varbinary(8000), ${column})`, 1)}`,
    `ELSE CONVERT(nvarchar(max), ${column}) END`,
  ].join(' ');
}

function exact(kind: string, type: ParquetType): TypeMapping {
  return { type, decoder: { kind }, fidelity: 'exact', expression: (column) => column, partial: false };
}

function partial(mapping: TypeMapping): TypeMapping {
  return { ...mapping, partial: true };
}

function converted(mapping: TypeMapping, to: string): TypeMapping {
  return { ...mapping, expression: (column) => `CONVERT(${to}, ${column})` };
}
