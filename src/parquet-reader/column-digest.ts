import type { SchemaElement } from 'hyparquet';

import { type Annotation, annotationOf } from './annotation.js';
import { hashPrefix, prefix } from './sha256-prefix.js';
import { bigEndian, compareStored, type StoredValue } from './stored-value.js';

/**
 * What is compared of a column's values, whatever their order. Plain data. Of a list, a value is a row's whole list.
 *
 * The hash is the sum, in 64 bits, of the first 64 bits of the SHA-256 of each value's bytes. These are: of texts and
 * bytes, themselves; of a float, IEEE 754, big-endian; of a decimal, its digits with the point; of anything else, the
 * digits of the number that is stored. Of a list, the hashes of its elements as signed numbers, with commas between, and
 * `N` for NULL.
 */
export interface ColumnDigest {
  readonly rows: number;
  readonly nulls: number;
  /** Of numbers, as they are stored. Undefined for lists and for what is not a number. */
  readonly sum: bigint | undefined;
  readonly hash: bigint;
  /** Undefined without values, and for lists; NaN is neither. */
  readonly min: StoredValue | undefined;
  readonly max: StoredValue | undefined;
}

/** How a value becomes the bytes that are hashed. */
export type DigestForm = 'integer' | 'decimal' | 'text' | 'bytes' | 'float';

export function digestForm(element: SchemaElement): DigestForm {
  const annotation = annotationOf(element);
  if (annotation?.kind === 'decimal') return 'decimal';
  if (element.type === 'FLOAT' || element.type === 'DOUBLE') return 'float';
  if (element.type !== 'BYTE_ARRAY' && element.type !== 'FIXED_LEN_BYTE_ARRAY') return 'integer';
  return annotation?.kind === 'string' || annotation?.kind === 'json' ? 'text' : 'bytes';
}

/** Of the values of two parts of a column. */
export function mergeDigests(element: SchemaElement, a: ColumnDigest, b: ColumnDigest): ColumnDigest {
  const isFirst = (left: StoredValue, right: StoredValue) => compareStored(element, left, right) <= 0;
  return {
    rows: a.rows + b.rows,
    nulls: a.nulls + b.nulls,
    sum: a.sum === undefined || b.sum === undefined ? undefined : a.sum + b.sum,
    hash: BigInt.asUintN(64, a.hash + b.hash),
    min: a.min === undefined || (b.min !== undefined && !isFirst(a.min, b.min)) ? b.min : a.min,
    max: a.max === undefined || (b.max !== undefined && isFirst(a.max, b.max)) ? b.max : a.max,
  };
}

/** Values whose hashes are added up as doubles before they are carried over: 2^21 sums of 32 bits are exact. */
const MOST_PENDING = 1 << 20;

/** Adds up hashes and numbers of one column's values. */
export class DigestSums {
  readonly #form: DigestForm;
  readonly #annotation: Annotation | undefined;
  readonly #isDouble: boolean;
  /** Texts of numbers. */
  #scratch: Uint8Array = new Uint8Array(64);
  readonly #bits = new DataView(new ArrayBuffer(8));
  readonly #bitBytes = new Uint8Array(this.#bits.buffer);
  #hash = 0n;
  #sum = 0n;
  #high = 0;
  #low = 0;
  #small = 0;
  #pending = 0;

  constructor(element: SchemaElement) {
    this.#form = digestForm(element);
    this.#annotation = annotationOf(element);
    this.#isDouble = element.type === 'DOUBLE';
  }

  get hash(): bigint {
    this.#carry();
    return BigInt.asUintN(64, this.#hash);
  }

  get sum(): bigint | undefined {
    this.#carry();
    return this.#form === 'integer' || this.#form === 'decimal' ? this.#sum : undefined;
  }

  addAll(values: ArrayLike<StoredValue>): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value !== undefined) this.add(value, 1);
    }
  }

  /** @param count how often the value occurs */
  add(value: StoredValue, count: number): void {
    this.hashOf(value);
    this.#addHash(count);
    if (this.#form !== 'integer' && this.#form !== 'decimal') return;
    if (typeof value === 'bigint') this.#sum += this.#number(value) * BigInt(count);
    else if (value instanceof Uint8Array) this.#sum += bigEndian(value) * BigInt(count);
    else if (count === 1) this.#small += this.#plainNumber(value);
    else this.#sum += BigInt(this.#plainNumber(value)) * BigInt(count);
  }

  /** A row's list, as its elements were put together. */
  addList(joined: string): void {
    this.#hashText(joined);
    this.#addHash(1);
  }

  /** The hash of an element, for `addList`. */
  elementHash(value: StoredValue): string {
    this.hashOf(value);
    return String(BigInt.asIntN(64, (BigInt(prefix.high) << 32n) | BigInt(prefix.low)));
  }

  /** Hashes a value into `prefix`. */
  hashOf(value: StoredValue): void {
    switch (this.#form) {
      case 'text':
      case 'bytes':
        if (value instanceof Uint8Array) hashPrefix(value, value.length);
        return;
      case 'float':
        this.#hashFloat(Number(value));
        return;
      case 'decimal': {
        const scale = this.#annotation?.kind === 'decimal' ? this.#annotation.scale : 0;
        this.#hashText(decimalText(value instanceof Uint8Array ? bigEndian(value) : value, scale));
        return;
      }
      case 'integer':
        this.#hashText(String(typeof value === 'bigint' ? this.#number(value) : this.#plainNumber(value)));
    }
  }

  #number(value: bigint): bigint {
    return this.#isUnsigned ? BigInt.asUintN(64, value) : value;
  }

  #plainNumber(value: Exclude<StoredValue, bigint>): number {
    const number = Number(value);
    return this.#isUnsigned ? number >>> 0 : number;
  }

  get #isUnsigned(): boolean {
    return this.#annotation?.kind === 'integer' && !this.#annotation.signed;
  }

  /** NaN has many forms, and one here. */
  #hashFloat(value: number): void {
    const view = this.#bits;
    if (this.#isDouble) view.setFloat64(0, value);
    else view.setFloat32(0, value);
    if (Number.isNaN(value)) {
      view.setUint32(0, this.#isDouble ? 0x7ff80000 : 0x7fc00000);
      view.setUint32(4, 0);
    }
    hashPrefix(this.#bitBytes, this.#isDouble ? 8 : 4);
  }

  /** Digits, signs, points and commas. */
  #hashText(text: string): void {
    if (text.length > this.#scratch.length) this.#scratch = new Uint8Array(text.length * 2);
    const scratch = this.#scratch;
    for (let i = 0; i < text.length; i++) scratch[i] = text.charCodeAt(i);
    hashPrefix(scratch, text.length);
  }

  #addHash(count: number): void {
    if (this.#pending + count > MOST_PENDING) {
      this.#carry();
      if (count > MOST_PENDING) {
        this.#hash += ((BigInt(prefix.high) << 32n) | BigInt(prefix.low)) * BigInt(count);
        return;
      }
    }
    this.#high += prefix.high * count;
    this.#low += prefix.low * count;
    this.#pending += count;
  }

  #carry(): void {
    this.#hash += (BigInt(this.#high) << 32n) + BigInt(this.#low);
    this.#sum += BigInt(this.#small);
    this.#high = this.#low = this.#small = this.#pending = 0;
  }
}

/** `-0.05`: all digits of the scale, and at least one before the point. */
export function decimalText(unscaled: StoredValue, scale: number): string {
  const digits = String(unscaled);
  if (scale === 0) return digits;
  const isNegative = digits.startsWith('-');
  const bare = (isNegative ? digits.slice(1) : digits).padStart(scale + 1, '0');
  return `${isNegative ? '-' : ''}${bare.slice(0, -scale)}.${bare.slice(-scale)}`;
}
