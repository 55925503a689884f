import type { Memory } from '../../../kernels/kernels.js';
import { HEAP, viewOf } from '../../../kernels/memory.js';

/** Larger than any token without values of the (max) types, yet small enough for the processor's cache. */
const CAPACITY = 512 << 10;

/**
 * Buffers the bytes of one response as they arrive in the driver's packets; rows are decoded in place. Unconsumed bytes
 * move to the front when space runs out, so a token is always contiguous.
 */
export class ByteInput {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** A view of the same bytes. */
  readonly view: DataView;
  /** First unconsumed byte. */
  start = 0;
  /** End of the bytes received. */
  end = 0;
  /** All bytes received so far. */
  received = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #memory: Memory;
  /** Bytes received that did not fit yet. */
  #waiting: Uint8Array = new Uint8Array(0);

  /** @param memory of kernels that are to work on the rows. Default: an ordinary array */
  constructor(chunks: AsyncIterable<Uint8Array>, memory: Memory = HEAP) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#memory = memory;
    this.bytes = memory.bytes(CAPACITY);
    this.view = viewOf(this.bytes);
  }

  /** The input is used no more; its memory may be given out again. */
  release(): void {
    this.#memory.release(this.bytes);
  }

  /** Number of unconsumed bytes. */
  get length(): number {
    return this.end - this.start;
  }

  /** Whether `append` will overwrite consumed bytes that may still be referenced. */
  get isFull(): boolean {
    return this.#waiting.length > CAPACITY - this.end;
  }

  /** Waits for more bytes. @returns false if the response has ended */
  async fetch(): Promise<boolean> {
    while (this.#waiting.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#waiting = next.value;
      this.received += next.value.length;
    }
    return true;
  }

  /**
   * Adds what `fetch` has received, or as much of it as fits.
   * @throws Error if the buffer is full of unconsumed bytes
   */
  append(): void {
    if (this.isFull && this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
      this.end -= this.start;
      this.start = 0;
    }
    const taken = this.#waiting.subarray(0, CAPACITY - this.end);
    if (taken.length === 0) throw new Error('the response has a token of impossible size');
    this.bytes.set(taken, this.end);
    this.end += taken.length;
    this.#waiting = this.#waiting.subarray(taken.length);
  }

  /** Discards everything received. */
  discard(): void {
    this.start = this.end = 0;
    this.#waiting = new Uint8Array(0);
  }

  /** Waits for this many bytes from `start` on. @throws Error if the response ends first */
  async need(bytes: number): Promise<void> {
    while (this.length < bytes) {
      if (!(await this.fetch())) throw new Error('the response ends within a token');
      this.append();
    }
  }
}
