import type { SchemaElement, SchemaTree, TimeUnit } from 'hyparquet';

import { bigEndian } from '../columns/value-digest.js';
import { type Annotation, annotationOf } from './annotation.js';
import { halfFloat, type StoredValue } from './stored-value.js';
import { listItem } from './type-name.js';

/**
 * A value for people and JSON. Whatever JSON's numbers do not keep is a text: integers of 64 bits, decimals, dates,
 * times (ISO 8601), bytes (`0x` and hex), NaN and infinities.
 */
export type ShownValue =
  null | boolean | number | string | readonly ShownValue[] | { readonly [name: string]: ShownValue };

/** A value of a column, nested as `assembled` by hyparquet: lists as arrays, groups as objects. */
export function shownNested(node: SchemaTree, assembled: unknown): ShownValue {
  if (assembled === undefined || assembled === null) return null;
  const item = listItem(node);
  if (item !== undefined && Array.isArray(assembled)) return assembled.map((value) => shownNested(item, value));
  if (node.element.repetition_type === 'REPEATED' && Array.isArray(assembled)) {
    const single = { ...node, element: { ...node.element, repetition_type: 'REQUIRED' as const } };
    return assembled.map((value) => shownNested(single, value));
  }
  if (node.children.length === 0) return isStored(assembled) ? shownValue(node.element, assembled) : null;
  const fields = assembled as Readonly<Record<string, unknown>>; // groups are objects
  return Object.fromEntries(
    node.children.map((child) => [child.element.name, shownNested(child, fields[child.element.name])]),
  );
}

function isStored(value: unknown): value is StoredValue {
  return ['boolean', 'number', 'bigint'].includes(typeof value) || value instanceof Uint8Array;
}

/** For a table of differences. */
export function shownText(element: SchemaElement, value: StoredValue | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(shownValue(element, value));
}

export function shownValue(element: SchemaElement, value: StoredValue): ShownValue {
  const annotation = annotationOf(element) ?? (element.type === 'INT96' ? INT96 : undefined);
  const annotated = annotation === undefined ? undefined : shownAnnotated(annotation, value);
  if (annotated !== undefined) return annotated;
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return shownNumber(element.type === 'FLOAT' ? shortestFloat(value) : value);
  return value;
}

const INT96: Annotation = { kind: 'timestamp', unit: 'NANOS', utc: false };

/** Undefined where the annotation does not go with the stored type. */
function shownAnnotated(annotation: Annotation, value: StoredValue): ShownValue | undefined {
  const bytes = value instanceof Uint8Array ? value : undefined;
  const whole =
    typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value)) ? BigInt(value) : undefined;
  switch (annotation.kind) {
    case 'string':
    case 'json':
    case 'enum':
      return bytes && utf8(bytes);
    case 'uuid':
      return bytes?.length === 16 ? uuid(bytes) : undefined;
    case 'float16':
      return bytes?.length === 2 ? shownNumber(halfFloat(bytes)) : undefined;
    case 'interval':
      return bytes?.length === 12 ? interval(bytes) : undefined;
    case 'decimal': {
      const unscaled = bytes === undefined ? whole : bigEndian(bytes);
      return unscaled === undefined ? undefined : decimal(unscaled, annotation.scale);
    }
    case 'integer':
      if (whole === undefined || annotation.signed) return undefined;
      return typeof value === 'bigint' ? String(BigInt.asUintN(64, value)) : Number(BigInt.asUintN(32, whole));
    case 'date':
      return whole === undefined ? undefined : date(whole);
    case 'time':
      return whole === undefined ? undefined : `${timeOfDay(whole, annotation.unit)}${annotation.utc ? 'Z' : ''}`;
    case 'timestamp': {
      if (whole === undefined) return undefined;
      const perDay = 86_400n * PER_SECOND[annotation.unit];
      const day = floorDivide(whole, perDay);
      return `${date(day)}T${timeOfDay(whole - day * perDay, annotation.unit)}${annotation.utc ? 'Z' : ''}`;
    }
    default:
      return undefined;
  }
}

function shownNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** The shortest decimal number that is the same in 32 bits, where a double would show digits that mean nothing. */
function shortestFloat(value: number): number {
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

const DECODER = new TextDecoder('utf-8', { fatal: true });

/** Bytes that are no UTF-8, or a bound that was cut within a character, are shown in hex. */
function utf8(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    return hex(bytes);
  }
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

function uuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Three unsigned little-endian numbers. */
function interval(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return `${view.getUint32(0, true)} months ${view.getUint32(4, true)} days ${view.getUint32(8, true)} ms`;
}

function decimal(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return scale > 0 ? `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}` : `${sign}${digits}`;
}

/** Days that a JavaScript date can hold, from 1970. */
const MOST_DAYS = 100_000_000n;

function date(days: bigint): string {
  if (days > MOST_DAYS || days < -MOST_DAYS) return `day ${days}`;
  return new Date(Number(days) * 86_400_000).toISOString().replace(/T.*/, '');
}

const PER_SECOND: Readonly<Record<TimeUnit, bigint>> = { MILLIS: 1000n, MICROS: 1_000_000n, NANOS: 1_000_000_000n };

function timeOfDay(time: bigint, unit: TimeUnit): string {
  const perSecond = PER_SECOND[unit];
  const seconds = floorDivide(time, perSecond);
  const fraction = time - seconds * perSecond;
  const two = (value: bigint) => String(value).padStart(2, '0');
  const whole = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  if (fraction === 0n) return whole;
  return `${whole}.${String(fraction).padStart(String(perSecond).length - 1, '0')}`;
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}
