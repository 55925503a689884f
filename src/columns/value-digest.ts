import { hashPrefix, prefix } from './sha256-prefix.js';

/**
 * The hash of a column's values, whatever their order: the sum, in 64 bits, of the first 64 bits of the SHA-256 of each
 * value's bytes. These are: of texts and bytes, themselves; of a float, IEEE 754, big-endian; of a decimal, its digits
 * with the point; of anything else, the digits of the number that is stored. Databases compute the same in SQL.
 */

/** A stored value, without its meaning. */
export type DigestedValue = boolean | number | bigint | Uint8Array;

/** How values become the bytes that are hashed. */
export type DigestShape =
  | { readonly form: 'integer'; readonly isUnsigned: boolean }
  /** Numbers without their point, or big-endian bytes of such. */
  | { readonly form: 'decimal'; readonly scale: number }
  | { readonly form: 'text'; readonly encoding?: TextEncodingName | undefined }
  | { readonly form: 'bytes' | 'float32' | 'float64' };

/** Of texts, when they are hashed: as the database has them at hand. UTF-8 by default. */
export type TextEncodingName = 'utf-8' | 'utf-16le';

/** Values whose hashes are added up as doubles before they are carried over: 2^21 sums of 32 bits are exact. */
const MOST_PENDING = 1 << 20;

/** Adds up hashes and numbers of one column's values. */
export class DigestSums {
  readonly #shape: DigestShape;
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

  constructor(shape: DigestShape) {
    this.#shape = shape;
  }

  get hash(): bigint {
    this.#carry();
    return BigInt.asUintN(64, this.#hash);
  }

  get sum(): bigint | undefined {
    this.#carry();
    return this.#isNumber ? this.#sum : undefined;
  }

  addAll(values: ArrayLike<DigestedValue>): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value !== undefined) this.add(value, 1);
    }
  }

  /** @param count how often the value occurs */
  add(value: DigestedValue, count: number): void {
    this.hashOf(value);
    this.#addHash(count);
    if (!this.#isNumber) return;
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
  elementHash(value: DigestedValue): string {
    this.hashOf(value);
    return String(BigInt.asIntN(64, (BigInt(prefix.high) << 32n) | BigInt(prefix.low)));
  }

  /** Hashes a value into `prefix`. */
  hashOf(value: DigestedValue): void {
    const shape = this.#shape;
    switch (shape.form) {
      case 'text':
        if (shape.encoding === 'utf-16le') this.#hashUtf16(value);
        else if (value instanceof Uint8Array) hashPrefix(value, value.length);
        return;
      case 'bytes':
        if (value instanceof Uint8Array) hashPrefix(value, value.length);
        return;
      case 'float32':
      case 'float64':
        this.#hashFloat(Number(value), shape.form === 'float64');
        return;
      case 'decimal':
        this.#hashText(decimalText(value instanceof Uint8Array ? bigEndian(value) : value, shape.scale));
        return;
      case 'integer':
        this.#hashText(String(typeof value === 'bigint' ? this.#number(value) : this.#plainNumber(value)));
    }
  }

  #number(value: bigint): bigint {
    return this.#isUnsigned ? BigInt.asUintN(64, value) : value;
  }

  #plainNumber(value: Exclude<DigestedValue, bigint>): number {
    const number = Number(value);
    return this.#isUnsigned ? number >>> 0 : number;
  }

  get #isUnsigned(): boolean {
    return this.#shape.form === 'integer' && this.#shape.isUnsigned;
  }

  get #isNumber(): boolean {
    return this.#shape.form === 'integer' || this.#shape.form === 'decimal';
  }

  /** NaN has many forms, and one here. */
  #hashFloat(value: number, isDouble: boolean): void {
    const view = this.#bits;
    if (isDouble) view.setFloat64(0, value);
    else view.setFloat32(0, value);
    if (Number.isNaN(value)) {
      view.setUint32(0, isDouble ? 0x7ff80000 : 0x7fc00000);
      view.setUint32(4, 0);
    }
    hashPrefix(this.#bitBytes, isDouble ? 8 : 4);
  }

  #hashUtf16(value: DigestedValue): void {
    if (!(value instanceof Uint8Array)) return;
    const bytes = Buffer.from(DECODER.decode(value), 'utf16le');
    hashPrefix(bytes, bytes.length);
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
export function decimalText(unscaled: DigestedValue, scale: number): string {
  const digits = String(unscaled);
  if (scale === 0) return digits;
  const isNegative = digits.startsWith('-');
  const bare = (isNegative ? digits.slice(1) : digits).padStart(scale + 1, '0');
  return `${isNegative ? '-' : ''}${bare.slice(0, -scale)}.${bare.slice(-scale)}`;
}

/** Signed, from big-endian two's complement. */
export function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(Math.max(8, bytes.length * 8), value);
}

/** Characters of texts, and bytes of other values, that bounds are compared by. */
export const BOUND_LENGTH = 32;

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** A bound as databases are asked for it: a number in decimal digits, the beginning of a text, or of bytes in hex. */
export function boundText(shape: DigestShape, value: DigestedValue): string {
  switch (shape.form) {
    case 'text':
      return value instanceof Uint8Array ? Array.from(DECODER.decode(value)).slice(0, BOUND_LENGTH).join('') : '';
    case 'bytes':
      return value instanceof Uint8Array ? Buffer.from(value.subarray(0, BOUND_LENGTH)).toString('hex') : '';
    default:
      return numberText(shape, value);
  }
}

/** A value or a sum. */
export function numberText(shape: DigestShape, value: DigestedValue): string {
  const number = value instanceof Uint8Array ? bigEndian(value) : value;
  if (shape.form === 'decimal') return decimalText(number, shape.scale);
  if (typeof number === 'boolean') return number ? '1' : '0';
  if (shape.form !== 'integer' || !shape.isUnsigned) return String(number);
  return typeof number === 'bigint' ? String(number) : String(number >>> 0);
}
