import type { Fidelity } from '../../../columns/column-spec.js';
import { compatibleType, readerOf } from '../../../columns/compat.js';
import { decimalType, DOUBLE, JSON_TEXT, timestampType } from '../../../columns/parquet-types.js';
import type { WantedType } from '../../../model/wanted-type.js';
import { typeNotPossible } from '../../column-treatment.js';
import { output, readExpression, whereGiven } from './expressions.js';
import { quoteName } from '../identifiers.js';
import type { ColumnRead, TreatedColumn } from './column-read.js';
import type { TypeCatalog } from './type-catalog.js';
import {
  checkedText,
  isBuiltIn,
  mapJsonArray,
  type Mapping,
  type MappingOptions,
  numericShape,
  TEXT,
} from './types.js';

/** Columns that users want as another type than their own: cast by the server, or decoded differently. */

interface Conversion {
  /** The column by its own type. */
  readonly plain: ColumnRead;
  readonly wanted: WantedType;
  readonly types: TypeCatalog;
  readonly options: MappingOptions;
}

/** @throws LakeportError if the values cannot be written as the type */
export function convertedRead(column: TreatedColumn, conversion: Conversion): ColumnRead {
  const { wanted, plain, types, options } = conversion;
  const element = types.element(column.resolved);
  const array = element !== undefined;
  switch (wanted.as) {
    case 'text':
      return asText(column, conversion);
    case 'json':
      if (element === undefined) return asJson(column, conversion);
      return { ...mapped(column, mapJsonArray(element, options)), list: false };
    case 'double':
      return array ? refuse(column, wanted) : asDouble(column, wanted);
    case 'decimal':
      return array ? refuse(column, wanted) : asDecimal(column, wanted, options);
    case 'timestamp':
      return array ? refuse(column, wanted) : asTimestamp(column, wanted, { plain, options });
    default:
      return wanted satisfies never;
  }
}

/** Text keeps a column that is text by its own type. */
function asText(column: TreatedColumn, { plain, options }: Conversion): ColumnRead {
  const isText = plain.type.logical?.kind === 'string' && !plain.list;
  return isText ? plain : { ...mapped(column, { ...TEXT, ...checkedText(options) }), list: false };
}

function mapped({ name }: TreatedColumn, { form, ...mapping }: Mapping): Omit<ColumnRead, 'list'> {
  return { ...mapping, expression: readExpression(name, form) };
}

/** JSON stays as it is; the server checks whether text is JSON, and fails the read where it is not. */
function asJson(column: TreatedColumn, { plain, options, wanted }: Conversion): ColumnRead {
  if (plain.type.logical?.kind === 'json') return plain;
  if (!TEXTS.has(typeNameOf(column)) || !isBuiltIn(column.resolved.type)) return refuse(column, wanted);
  const name = quoteName(column.name);
  const document = `CAST(CAST(${output(name)} AS pg_catalog.json) AS pg_catalog.text)`;
  const { decoder, partial } = checkedText(options);
  return { type: JSON_TEXT, decoder, partial, fidelity: 'exact', expression: whereGiven(name, document), list: false };
}

function asDouble(column: TreatedColumn, wanted: WantedType): ColumnRead {
  const name = quoteName(column.name);
  const kind = numberKind(column);
  const double = { type: DOUBLE, list: false } as const;
  if (kind === undefined) return refuse(column, wanted);
  if (kind === 'numeric' || kind === 'money') {
    const expression = kind === 'money' ? cast(name, 'numeric') : name;
    return { ...double, decoder: { kind: 'numericDouble' }, fidelity: 'lossy', partial: true, expression };
  }
  const expression =
    kind === 'oid' ? cast(cast(name, 'int8'), 'float8') : kind === 'float8' ? name : cast(name, 'float8');
  // 53 bits hold every integer but those of 64 bits.
  const fidelity: Fidelity = kind === 'int8' ? 'lossy' : 'exact';
  return { ...double, decoder: { kind: 'float8' }, fidelity, partial: false, expression };
}

/** Most digits before the decimal point. */
const INTEGER_DIGITS: Readonly<Record<string, number>> = { int2: 5, int4: 10, oid: 10, int8: 19 };

/** Rounds as the server does; numbers with too many digits before the point do not fit. */
function asDecimal(
  column: TreatedColumn,
  wanted: Extract<WantedType, { as: 'decimal' }>,
  { moneyScale }: MappingOptions,
): ColumnRead {
  const { precision, scale } = wanted;
  const name = quoteName(column.name);
  const kind = numberKind(column);
  if (kind === undefined) return refuse(column, wanted);
  const read = (expression: string, fidelity: Fidelity, partial = true): ColumnRead => ({
    type: decimalType(precision, scale),
    decoder: { kind: 'numeric', precision, scale },
    ...{ fidelity, partial, expression, list: false },
  });
  const rounded = (number: string) => `pg_catalog.round(${number}, ${scale})`;
  const digits = INTEGER_DIGITS[kind];
  if (digits !== undefined) {
    const whole = kind === 'oid' ? cast(name, 'int8') : name;
    return read(cast(whole, 'numeric'), 'exact', precision - scale < digits);
  }
  if (kind === 'float4' || kind === 'float8') {
    // By its text, which has all digits; older servers have no infinite numeric.
    const digitsOnly = `pg_catalog.regexp_replace(${output(name)}, '^-?Infinity$', 'NaN')`;
    return read(whereGiven(name, rounded(cast(digitsOnly, 'numeric'))), 'lossy');
  }
  if (kind === 'money') {
    const number = cast(name, 'numeric');
    return scale >= moneyScale ? read(number, 'exact') : read(rounded(number), 'lossy');
  }
  const { modifier } = column.resolved;
  const isExact = modifier !== -1 && numericShape(modifier).scale <= scale;
  return isExact ? read(name, 'exact') : read(rounded(name), 'lossy');
}

function asTimestamp(
  column: TreatedColumn,
  wanted: Extract<WantedType, { as: 'timestamp' }>,
  { plain, options }: Pick<Conversion, 'plain' | 'options'>,
): ColumnRead {
  const kind = typeNameOf(column);
  if (!isBuiltIn(column.resolved.type) || !['date', 'timestamp', 'timestamptz'].includes(kind)) {
    return refuse(column, wanted);
  }
  const name = quoteName(column.name);
  const type = timestampType(wanted.unit === 'ns' ? 'NANOS' : 'MICROS', { utc: kind === 'timestamptz' });
  if (compatibleType(type, options.compat) !== type && options.compat !== undefined) {
    throw typeNotPossible(column, wanted, `${readerOf(options.compat)} (--compat) cannot read nanoseconds`);
  }
  // A date may be later than any timestamp.
  const fromDate = `CASE WHEN pg_catalog.date_gt(${name}, '294276-12-31') THEN 'infinity' ELSE ${cast(name, 'timestamp')} END`;
  return {
    ...plain,
    type,
    decoder: { kind: wanted.unit === 'ns' ? 'timestampNanos' : 'timestamp' },
    fidelity: 'exact',
    expression: kind === 'date' ? fromDate : name,
    partial: true,
  };
}

const TEXTS = new Set(['text', 'varchar', 'bpchar', 'json', 'jsonb']);
const NUMBERS = ['int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'numeric', 'money'] as const;

function numberKind(column: TreatedColumn): (typeof NUMBERS)[number] | undefined {
  const name = typeNameOf(column);
  return isBuiltIn(column.resolved.type) ? NUMBERS.find((number) => number === name) : undefined;
}

function typeNameOf({ resolved }: TreatedColumn): string {
  return resolved.type.name;
}

function cast(value: string, type: string): string {
  return `CAST(${value} AS pg_catalog.${type})`;
}

const NEEDED: Readonly<Record<WantedType['as'], string>> = {
  text: 'any values',
  double: 'numbers',
  decimal: 'numbers',
  timestamp: 'dates or timestamps',
  json: 'JSON, arrays, or text',
};

function refuse(column: TreatedColumn, wanted: WantedType): never {
  throw typeNotPossible(column, wanted, `its values are not ${NEEDED[wanted.as]}`);
}
