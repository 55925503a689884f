import pg from 'pg';
import {
  decimalScale,
  type KeyScale,
  type KeyType,
  notOfForm,
  ofText,
  type TextForm,
} from '../../partitioning/key-type.js';
import { DAY_SCALE, secondScale } from './moment-scale.js';

/** What the server declares for a key. */
export interface DeclaredKey {
  /** Oid of the type; of its base type for a domain. */
  readonly type: number;
  readonly modifier: number;
  /** Its own collation orders texts totally, and equal texts are the same. Unknown, and so false, for expressions. */
  readonly isDeterministic: boolean;
  /** The database has no encoding, so the text of a value may not be what it is. */
  readonly isUnencoded: boolean;
}

/**
 * How keys of a type are compared and written. Comparisons are always those of a built-in type, which no extension or
 * schema of a user can replace: other types are compared by their text, byte by byte.
 */
export function keyTypeOf(declared: DeclaredKey): KeyType {
  const known = BY_OID[declared.type];
  if (known !== undefined) return known(declared);
  return { ...text(declared), wrap: (key) => bytewise(outputOf(key)) };
}

type Maker = (declared: DeclaredKey) => KeyType;

const BY_OID: Readonly<Record<number, Maker>> = {
  16: () => ({
    ...plain('bool', { form: /^(?:true|false)$/ }),
    isExact: true,
    isOrdered: false,
  }),
  17: () => BYTEA,
  18: (declared) => ({ ...text(declared), wrap: (key) => bytewise(asText(key)) }),
  19: (declared) => ({ ...text(declared), wrap: (key) => bytewise(asText(key)) }),
  20: () => integer('int8'),
  21: () => integer('int2'),
  23: () => integer('int4'),
  25: (declared) => collated(text(declared), declared),
  26: () => ({ ...integer('int8'), wrap: (key) => `CAST(${key} AS pg_catalog.int8)` }),
  700: () => FLOAT,
  701: () => FLOAT,
  1042: (declared) => collated(padded(declared), declared),
  1043: (declared) => collated(text(declared), declared),
  1082: () => DATE,
  1083: () => plain('time', { form: /^[\d:.]+$/ }),
  1114: () => moment('timestamp', secondScale({ hasOffset: false })),
  1184: () => moment('timestamptz', secondScale({ hasOffset: true })),
  1186: () => plain('interval', { form: /^(?:[-PTYMWDHS\d.]+|-?infinity)$/ }),
  1266: () => plain('timetz', { form: /^[\d:.+-]+$/ }),
  1700: ({ modifier }) => numeric(modifier),
  2950: () => UUID,
};

function literal(value: string, type: string): string {
  return `CAST(${pg.escapeLiteral(value).trim()} AS pg_catalog.${type})`;
}

function asText(key: string): string {
  return `CAST(${key} AS pg_catalog.text)`;
}

/** By the output function of the type, whatever casts there are. */
function outputOf(key: string): string {
  return `CASE WHEN ${key} IS DISTINCT FROM NULL THEN pg_catalog.format('%s', ${key}) END`;
}

function bytewise(key: string): string {
  return `(${key}) COLLATE pg_catalog."C"`;
}

function plain(type: string, { form }: Pick<TextForm, 'form'>): KeyType {
  return {
    ...ofText({ name: type, value: asText, form, write: (value) => literal(value, type) }),
    extreme: (which, key) => `pg_catalog.${which}(${key})`,
  };
}

function integer(type: 'int2' | 'int4' | 'int8'): KeyType {
  return { ...plain(type, { form: /^-?\d{1,19}$/ }), scale: decimalScale(0), isInteger: true, isExact: true };
}

function text({ isUnencoded }: DeclaredKey): KeyType {
  const type = { ...plain('text', { form: /^/ }), isExact: true };
  return isUnencoded ? { ...type, textOf: (answer) => encodedText(type.textOf(answer)) } : type;
}

/** Equal up to spaces at the end, and shown with those of its length. */
function padded(declared: DeclaredKey): KeyType {
  return {
    ...text(declared),
    name: 'bpchar',
    value: outputOf,
    literal: (value) => literal(value, 'bpchar'),
    // Without a length, each value has spaces of its own.
    isExact: declared.modifier > 0,
  };
}

/** In a column's own collation, so that its index can be used, unless texts that differ may be equal there. */
function collated(type: KeyType, { isDeterministic }: DeclaredKey): KeyType {
  return isDeterministic ? type : { ...type, wrap: (key) => `(${key}) COLLATE pg_catalog."C"` };
}

/** @throws LakeportError for bytes that are no UTF-8: they would not be found again */
function encodedText(value: string | undefined): string | undefined {
  if (value?.includes('\u{FFFD}') === true) throw notOfForm('text', value);
  return value;
}

/** Fractional digits of bounds between values that have no fixed number of them. */
const BOUND_DIGITS = 20;
const MODIFIER_HEADER = 4;

function numeric(modifier: number): KeyType {
  // numeric_typmod_scale in numeric.c: eleven bits, signed since PostgreSQL 15.
  const declared = (((modifier - MODIFIER_HEADER) & 0x7ff) ^ 1024) - 1024;
  const scale = modifier < MODIFIER_HEADER ? BOUND_DIGITS : Math.max(0, declared);
  return {
    ...plain('numeric', { form: /^(?:-?\d+(?:\.\d+)?|NaN|-?Infinity)$/ }),
    scale: decimalScale(scale),
    // Neither NaN nor an infinity has a text of digits; versions before 14 have no infinities.
    isFinite: (key) => `pg_catalog.textregexeq(${asText(key)}, '[0-9]')`,
    isInteger: true,
    // NaN and infinities have no remainder, and what has fractional digits has no whole one.
    remainder: (key, divisor) =>
      `CASE WHEN pg_catalog.textregexeq(${asText(key)}, '[0-9]')` +
      ` THEN pg_catalog.abs(pg_catalog.mod(pg_catalog.trunc(${key}), ${divisor})) ELSE 0 END`,
  };
}

/** A `real` is compared as the double that it is. NaN is greater than all others, and 0 is -0. */
const FLOAT: KeyType = {
  ...plain('float8', { form: /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|-?Infinity)$/i }),
  value: (key) => asText(`CAST(${key} AS pg_catalog.float8)`),
  scale: 'float',
  isFinite: between('float8', '-Infinity', 'Infinity'),
};

function between(type: string, least: string, most: string): (key: string) => string {
  return (key) =>
    `${key} OPERATOR(pg_catalog.>) ${literal(least, type)} AND ${key} OPERATOR(pg_catalog.<) ${literal(most, type)}`;
}

const MOMENT = /^(?:\d{4,7}-\d\d-\d\d(?: \d\d:\d\d:\d\d(?:\.\d{1,6})?(?:\+00)?)?(?: BC)?|-?infinity)$/;

function moment(type: 'date' | 'timestamp' | 'timestamptz', scale: KeyScale): KeyType {
  const first = literal('0001-01-01', type);
  const end = literal('10000-01-01', type);
  const within = (key: string) => `${key} OPERATOR(pg_catalog.>=) ${first} AND ${key} OPERATOR(pg_catalog.<) ${end}`;
  const inUtc = (key: string) => (type === 'timestamptz' ? `pg_catalog.timezone('UTC', ${key})` : key);
  return {
    ...plain(type, { form: MOMENT }),
    scale,
    isFinite: between(type, '-infinity', 'infinity'),
    calendar: {
      lastDay: '9999-12-31',
      day: (key) => `CASE WHEN ${within(key)} THEN CAST(${inUtc(key)} AS pg_catalog.date) END`,
      outside: { condition: (key) => `NOT (${within(key)})`, end: '10000-01-01' },
    },
  };
}

const DATE: KeyType = { ...moment('date', DAY_SCALE), isExact: true };

const HEX_DIGITS = 32;

/** MIN and MAX of it came with PostgreSQL 18; its text is ordered as it is. */
const UUID: KeyType = {
  ...plain('uuid', { form: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ }),
  extreme: (which, key) => `CAST(pg_catalog.${which}(${bytewise(asText(key))}) AS pg_catalog.uuid)`,
  scale: {
    toPosition: (value) => BigInt(`0x${value.replaceAll('-', '')}`),
    toText: (position) =>
      position
        .toString(16)
        .padStart(HEX_DIGITS, '0')
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  },
};

/** Like `UUID`. */
const BYTEA: KeyType = {
  ...plain('bytea', { form: /^(?:[0-9a-f]{2})*$/ }),
  value: (key) => `pg_catalog.encode(${key}, 'hex')`,
  literal: (value) => {
    if (!/^(?:[0-9a-f]{2})*$/.test(value)) throw notOfForm('bytea', value);
    return `pg_catalog.decode('${value}', 'hex')`;
  },
  extreme: (which, key) =>
    `pg_catalog.decode(pg_catalog.${which}(${bytewise(`pg_catalog.encode(${key}, 'hex')`)}), 'hex')`,
};
