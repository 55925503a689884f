import { BytesDictionary } from '../../columns/bytes-dictionary.js';
import { hashBytes } from '../../columns/bytes-hash.js';

/** A key that is in no row: seen in the source only, or listed as deleted. */
export const NO_ROW = -1;

/** Keys of rows, as `RowKeys` makes them. */
export interface KeyBytes {
  readonly bytes: Uint8Array;
  /** Over the same bytes. */
  readonly view: DataView;
  /** Of each key in the bytes, and the end of the last. */
  readonly offsets: Int32Array;
}

/** Some of the keys, by their hash: a table with more keys than fit in memory is gone through bucket by bucket. */
export interface Bucket {
  readonly index: number;
  readonly count: number;
}

/** Exact keys of rows, each with the position of its last row. */
export class KeyIndex {
  readonly #keys = new BytesDictionary();
  readonly #bucket: Bucket;
  /** By key: the position of its last row, or `NO_ROW`. */
  #rows = new Float64Array(1024);
  /** By key: the sync of its last row, or of its deletion. */
  #syncs = new Int32Array(1024);
  /** By key: whether the source has it. */
  #isPresent = new Uint8Array(1024);

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  get count(): number {
    return this.#keys.count;
  }

  /** The number of a key, which is new or known; undefined if it belongs to another bucket. */
  find({ bytes, view, offsets }: KeyBytes, row: number): number | undefined {
    const start = offsets[row] as number; // row is within bounds
    const length = (offsets[row + 1] as number) - start;
    const { count, index } = this.#bucket;
    if (count > 1 && bucketOf(hashBytes(bytes, view, start, length), count) !== index) return undefined;
    const known = this.#keys.count;
    const key = this.#keys.intern(bytes, view, start, length);
    if (key === known) this.#add(key);
    return key;
  }

  rowOf(key: number): number {
    return this.#rows[key] as number; // the caller's key is known, as below
  }

  syncOf(key: number): number {
    return this.#syncs[key] as number;
  }

  isPresent(key: number): boolean {
    return this.#isPresent[key] === 1;
  }

  set(key: number, row: number, sync: number): void {
    this.#rows[key] = row;
    this.#syncs[key] = sync;
  }

  markPresent(key: number): void {
    this.#isPresent[key] = 1;
  }

  /** The bytes of a key, as `RowKeys` makes them. Valid until another key is found. */
  bytesOf(key: number): Uint8Array {
    const all = this.#keys.plain();
    const start = this.#keys.offset(key) + 4;
    const end = key + 1 < this.#keys.count ? this.#keys.offset(key + 1) : all.length;
    return all.subarray(start, end);
  }

  #add(key: number): void {
    if (key === this.#rows.length) {
      this.#rows = longer(this.#rows, new Float64Array(key * 2));
      this.#syncs = longer(this.#syncs, new Int32Array(key * 2));
      this.#isPresent = longer(this.#isPresent, new Uint8Array(key * 2));
    }
    this.#rows[key] = NO_ROW;
  }
}

/** Of the upper bits of a product, so that the keys of a bucket still spread over the slots of a hash table. */
export function bucketOf(hash: number, count: number): number {
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) % count;
}

function longer<A extends Float64Array | Int32Array | Uint8Array>(array: A, to: A): A {
  to.set(array);
  return to;
}
