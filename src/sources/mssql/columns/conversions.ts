import type { Fidelity } from '../../../columns/column-spec.js';
import { compatibleType, readerOf } from '../../../columns/compat.js';
import { decimalType, DOUBLE, JSON_TEXT, STRING, timestampType } from '../../../columns/parquet-types.js';
import type { WantedType } from '../../../model/wanted-type.js';
import { typeNotPossible } from '../../column-treatment.js';
import { hasAllDigits, textForm } from './text-forms.js';
import type { MappingOptions, MssqlType, TypeMapping } from './types.js';

/** Columns that users want as another type than their own: cast by the server, or decoded differently. */

interface Conversion {
  readonly column: { readonly name: string; readonly sourceType: string };
  readonly source: MssqlType;
  /** The column by its own type. */
  readonly own: TypeMapping;
  readonly options: MappingOptions;
}

/** @throws LakeportError if the values cannot be written as the type */
export function convertedMapping(wanted: WantedType, conversion: Conversion): TypeMapping {
  switch (wanted.as) {
    case 'text':
      return asText(conversion);
    case 'json':
      return asJson(wanted, conversion);
    case 'double':
      return asDouble(wanted, conversion);
    case 'decimal':
      return asDecimal(wanted, conversion);
    case 'timestamp':
      return asTimestamp(wanted, conversion);
    default:
      return wanted satisfies never;
  }
}

function asText({ source, own, options }: Conversion): TypeMapping {
  // Text already, or what only its own conversion makes text of.
  if (own.type.logical?.kind === 'string') return own;
  const { name } = source;
  return {
    ...{ type: STRING, decoder: { kind: 'nvarchar' }, partial: true },
    fidelity: hasAllDigits(name, options.styles) ? 'text' : 'lossy',
    expression: (column) => textForm(name, column, options.styles),
  };
}

/** The server fails the read where a text is no JSON. */
function asJson(wanted: WantedType, { column, source, own }: Conversion): TypeMapping {
  if (own.type.logical?.kind === 'json') return own;
  if (source.isAssembly || !TEXTS.has(source.name)) return refuse(column, wanted);
  const problem = `CONVERT(nvarchar(max), CONVERT(int, N'a text that is not JSON'))`;
  return {
    ...{ type: JSON_TEXT, decoder: { kind: 'nvarchar' }, partial: true, fidelity: 'exact' },
    expression: (name) => {
      const text = `CONVERT(nvarchar(max), ${name})`;
      return `CASE ISJSON(${text}) WHEN 0 THEN ${problem} ELSE ${text} END`;
    },
  };
}

function asDouble(wanted: WantedType, { column, source, own }: Conversion): TypeMapping {
  if (!isNumber(source)) return refuse(column, wanted);
  if (source.name === 'float') return own;
  const fidelity: Fidelity = EXACT_DOUBLES.has(source.name) ? 'exact' : 'lossy';
  const expression = (name: string) => `CONVERT(float, ${name})`;
  return { type: DOUBLE, decoder: { kind: 'float' }, partial: false, fidelity, expression };
}

/** Rounds as the server does, which fails the read where a number has too many digits before the point. */
function asDecimal(wanted: Extract<WantedType, { as: 'decimal' }>, { column, source }: Conversion): TypeMapping {
  if (!isNumber(source)) return refuse(column, wanted);
  const { precision, scale } = wanted;
  const fidelity: Fidelity = digitsAfterPoint(source) <= scale ? 'exact' : 'lossy';
  const expression = (name: string) => `CONVERT(decimal(${precision},${scale}), ${name})`;
  const decoder = { kind: 'decimal', precision, scale };
  return { type: decimalType(precision, scale), decoder, partial: false, fidelity, expression };
}

function digitsAfterPoint({ name, scale }: MssqlType): number {
  if (name === 'decimal' || name === 'numeric') return scale;
  if (name === 'money' || name === 'smallmoney') return 4;
  return name === 'float' || name === 'real' ? Infinity : 0;
}

function asTimestamp(
  wanted: Extract<WantedType, { as: 'timestamp' }>,
  { column, source, own, options }: Conversion,
): TypeMapping {
  const { name } = source;
  if (source.isAssembly || !MOMENTS.has(name)) return refuse(column, wanted);
  const isOffset = name === 'datetimeoffset';
  const unit = wanted.unit === 'ns' ? 'NANOS' : 'MICROS';
  const type = timestampType(unit, { utc: isOffset });
  if (options.compat !== undefined && compatibleType(type, options.compat) !== type) {
    throw typeNotPossible(column, wanted, `${readerOf(options.compat)} (--compat) cannot read nanoseconds`);
  }
  if (unit === 'MICROS' && name.endsWith('datetime')) return own;
  const isFine = name === 'datetime2' || isOffset;
  const scale = isFine ? source.scale : 7;
  return {
    type,
    decoder: { kind: isOffset ? name : 'datetime2', scale, unit },
    // The offset is dropped: Parquet has a type for the instant only.
    fidelity: isOffset || (isFine && scale === 7 && unit === 'MICROS') ? 'lossy' : 'exact',
    partial: unit === 'NANOS',
    expression: (quoted) => (isFine ? quoted : `CONVERT(datetime2(7), ${quoted})`),
  };
}

const TEXTS = new Set(['char', 'varchar', 'nchar', 'nvarchar', 'text', 'ntext', 'sysname', 'json']);
const EXACT_DOUBLES = new Set(['tinyint', 'smallint', 'int', 'real']);
const NUMBERS = new Set([...EXACT_DOUBLES, ...['bigint', 'decimal', 'numeric', 'money', 'smallmoney', 'float']]);
const MOMENTS = new Set(['date', 'smalldatetime', 'datetime', 'datetime2', 'datetimeoffset']);

function isNumber({ name, isAssembly }: MssqlType): boolean {
  return !isAssembly && NUMBERS.has(name);
}

const NEEDED: Readonly<Record<WantedType['as'], string>> = {
  text: 'any values',
  double: 'numbers',
  decimal: 'numbers',
  timestamp: 'dates or timestamps',
  json: 'JSON or text',
};

function refuse(column: Conversion['column'], wanted: WantedType): never {
  throw typeNotPossible(column, wanted, `its values are not ${NEEDED[wanted.as]}`);
}
