import type { Fidelity, ParquetType } from '../../columns/column-spec.js';
import { type Compat, compatibleType } from '../../columns/compat.js';
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
} from '../../columns/parquet-types.js';
import type { ArrayForm, ColumnDecoder, UnboundedNumeric } from '../source.js';
import type { JsonElements, ReadForm } from './expressions.js';
import type { PostgresType, ResolvedType, TypeCatalog } from './type-catalog.js';

/**
 * The type table: how each type of PostgreSQL is read and what it becomes in Parquet. A type that is not listed is read
 * as the text that the server makes of it, which every type has.
 */

/** How the values of one type arrive, and as what they are written. */
export interface TypeMapping {
  readonly type: ParquetType;
  /** Name of the decoding kernel, with its parameters. */
  readonly decoder: ColumnDecoder;
  readonly fidelity: Fidelity;
  /** What the query asks for. */
  readonly form: ReadForm;
  /** True where a value may have no counterpart in the Parquet type: NaN in a decimal, an infinite date. */
  readonly partial: boolean;
  readonly list: boolean;
}

export interface MappingOptions {
  readonly unboundedNumeric: UnboundedNumeric;
  /** A list by default. */
  readonly arrays?: ArrayForm | undefined;
  /** Of `money`: digits after the point. */
  readonly moneyScale: number;
  /** For a reader that does not take every type. */
  readonly compat?: Compat | undefined;
  /** The database's; `SQL_ASCII` says that its text may be in any. */
  readonly encoding: string;
  /** What the user knows the text of a database without an encoding to be in. */
  readonly sourceEncoding?: string | undefined;
}

type Mapping = Omit<TypeMapping, 'list'>;

const AS_IS: ReadForm = { as: 'value' };
const BUILT_IN: Readonly<Record<string, Mapping>> = {
  bool: exact('bool', BOOLEAN),
  int2: exact('int2', integerType(16, { signed: true })),
  int4: exact('int4', INT32),
  int8: exact('int8', INT64),
  oid: exact('oid', INT64),
  float4: exact('float4', FLOAT),
  float8: exact('float8', DOUBLE),
  text: exact('text', STRING),
  varchar: exact('text', STRING),
  bpchar: exact('text', STRING),
  name: exact('text', STRING),
  // Sent as one byte, which need not be text; printed so too before PostgreSQL 16.
  char: { ...partial('checkedText', STRING), form: { as: 'text' } },
  // Sent with a declaration of the encoding that the stored text does not have.
  xml: { ...exact('text', STRING), form: { as: 'text' } },
  bytea: exact('bytea', BYTES),
  uuid: exact('uuid', UUID),
  json: exact('json', JSON_TEXT),
  jsonb: exact('jsonb', JSON_TEXT),
  // Infinite.
  date: partial('date', DATE),
  // Infinite, or after 294247-01-10, which is more than 2^63 microseconds from 1970.
  timestamp: partial('timestamp', timestampType('MICROS', { utc: false })),
  timestamptz: partial('timestamp', timestampType('MICROS', { utc: true })),
  // 24:00:00.
  time: partial('time', timeType('MICROS')),
};

/** Types of extensions, by extension and name. */
const EXTENSIONS: Readonly<Record<string, Mapping>> = {
  'citext.citext': exact('text', STRING),
  'postgis.geometry': exact('bytea', BYTES),
  'postgis.geography': exact('bytea', BYTES),
};

const TEXT: Mapping = { ...exact('text', STRING), fidelity: 'text', form: { as: 'text' } };

/**
 * How a column of this type is read. Arrays of one dimension become lists of what their elements become.
 * Undefined for a type that no value can be read of.
 */
export function mapType(resolved: ResolvedType, types: TypeCatalog, options: MappingOptions): TypeMapping | undefined {
  if (resolved.type.kind === 'p') return undefined;
  const element = types.element(resolved);
  if (element === undefined) return { ...mapScalar(resolved, options), list: false };
  if (options.arrays === 'json') return mapJsonArray(element, options);
  // A list of lists would have to be of one shape, which nothing in the type promises.
  if (options.arrays === 'text' || element.type.element !== undefined) {
    return { ...checked(TEXT, options), list: false };
  }
  const mapping = mapScalar(element, options);
  const { kind, ...parameters } = mapping.decoder;
  const form: ReadForm = mapping.form.as === 'text' ? { as: 'texts', delimiter: element.type.delimiter } : mapping.form;
  // More dimensions than one.
  return { ...mapping, form, partial: true, list: true, decoder: { kind: 'array', element: kind, ...parameters } };
}

/** The server's own JSON of built-in types; for others it would run a user's cast, so they are given as text. */
function mapJsonArray({ type }: ResolvedType, options: MappingOptions): TypeMapping {
  const form: ReadForm = { as: 'json', elements: jsonElements(type) };
  const plain = type.name === 'char' ? partial('checkedText', JSON_TEXT) : exact('text', JSON_TEXT);
  const mapping = checked(plain, options);
  const { kind, ...parameters } = mapping.decoder;
  const decoder = { kind: 'jsonArray', text: kind, ...parameters };
  return { ...mapping, decoder, fidelity: 'text', form, list: false };
}

function jsonElements(type: PostgresType): JsonElements {
  // The text of an array with another delimiter does not read as one of texts.
  if (!isBuiltIn(type) || type.kind === 'c') return type.delimiter === ',' ? 'text' : 'own';
  if (type.name === 'oid') return { as: 'int8' };
  // As digits, whatever the currency.
  return type.name === 'money' ? { as: 'numeric' } : 'own';
}

function mapScalar(resolved: ResolvedType, options: MappingOptions): Mapping {
  return compatible(checked(lookUp(resolved, options), options), options.compat);
}

/** By the decoder of what a reader may refuse: the one that writes it as the server prints it. */
const AS_TEXT: Readonly<Record<string, string>> = { uuid: 'uuidText', time: 'timeText' };

function compatible(mapping: Mapping, compat: Compat | undefined): Mapping {
  const type = compatibleType(mapping.type, compat);
  const kind = AS_TEXT[mapping.decoder.kind];
  if (type !== STRING || kind === undefined) return { ...mapping, type };
  return { ...exact(kind, type), fidelity: 'text' };
}

function lookUp({ type, modifier }: ResolvedType, options: MappingOptions): Mapping {
  if (type.kind === 'e') return exact('text', STRING);
  if (type.kind !== 'b') return TEXT;
  if (isBuiltIn(type)) {
    if (type.name === 'numeric') return mapNumeric(modifier, options.unboundedNumeric);
    if (type.name === 'money') return { ...mapDecimal('money', 19, options.moneyScale), partial: false };
    return BUILT_IN[type.name] ?? TEXT;
  }
  return EXTENSIONS[`${type.extension ?? ''}.${type.name}`] ?? TEXT;
}

function isBuiltIn({ schema }: PostgresType): boolean {
  return schema === 'pg_catalog';
}

/** Most digits that a DECIMAL may have where everybody is to read it. */
const MOST_DIGITS = 38;

function mapNumeric(modifier: number, unbounded: UnboundedNumeric): Mapping {
  if (modifier !== -1) {
    const { precision, scale } = numericShape(modifier);
    if (precision <= MOST_DIGITS) return mapDecimal('numeric', precision, scale);
  }
  switch (unbounded.as) {
    case 'text':
      return TEXT;
    case 'double':
      // Numbers beyond the doubles.
      return {
        ...partial('numericDouble', DOUBLE),
        decoder: { kind: 'numericDouble', unbounded: true },
        fidelity: 'lossy',
      };
    case 'decimal': {
      const mapping = mapDecimal('numeric', unbounded.precision, unbounded.scale);
      return { ...mapping, decoder: { ...mapping.decoder, unbounded: true } };
    }
  }
}

/**
 * Precision and scale of a `numeric(p,s)` as a DECIMAL, whose scale lies between 0 and its precision. The modifier is
 * `((p << 16) | (s & 0x7ff)) + 4`, the scale of 11 bits with sign (numeric.c: make_numeric_typmod).
 */
export function numericShape(modifier: number): { readonly precision: number; readonly scale: number } {
  const packed = modifier - 4;
  const precision = (packed >> 16) & 0xffff;
  const scale = ((packed & 0x7ff) ^ 0x400) - 0x400;
  if (scale < 0) return { precision: precision - scale, scale: 0 };
  return { precision: Math.max(precision, scale), scale };
}

function mapDecimal(kind: 'numeric' | 'money', precision: number, scale: number): Mapping {
  const decoder = kind === 'money' ? { kind, scale } : { kind, precision, scale };
  return { type: decimalType(precision, scale), decoder, fidelity: 'exact', form: AS_IS, partial: true };
}

/**
 * Text that does not come as UTF-8 is decoded here; text of which nobody knows the encoding has to be proven to be UTF-8.
 */
function checked(mapping: Mapping, { encoding, sourceEncoding }: MappingOptions): Mapping {
  const { kind } = mapping.decoder;
  if (encoding === 'UTF8' || !['text', 'json', 'jsonb', 'checkedText'].includes(kind)) return mapping;
  const from = encoding === 'SQL_ASCII' ? sourceEncoding : encoding;
  const decoder = from === undefined ? { kind: 'checkedText' } : { kind: 'encodedText', encoding: from };
  const form: ReadForm = kind === 'json' || kind === 'jsonb' ? { as: 'text' } : mapping.form;
  return { ...mapping, decoder, form, partial: true };
}

function exact(kind: string, type: ParquetType): Mapping {
  return { type, decoder: { kind }, fidelity: 'exact', form: AS_IS, partial: false };
}

function partial(kind: string, type: ParquetType): Mapping {
  return { ...exact(kind, type), partial: true };
}
