/** Larger than any token but those with values of the (max) types, and small enough to stay in the processor's cache. */
const CAPACITY = 512 << 10;

/**
 * The bytes of one response, as they come from the driver's packets, in one buffer that rows are decoded from. What is
 * not consumed yet moves to the front when room runs out, so a token always lies in one piece.
 */
export class ByteInput {
  readonly bytes = new Uint8Array(CAPACITY);
  /** Over the same bytes. */
  readonly view = new DataView(this.bytes.buffer);
  /** First byte that is not consumed. */
  start = 0;
  /** Behind the last byte received. */
  end = 0;
  /** All bytes received so far. */
  received = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** What has come and found no room yet. */
  #waiting: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes that are there and not consumed. */
  get length(): number {
    return this.end - this.start;
  }

  /** Whether `append` is going to overwrite bytes that are consumed already, and may be referred to still. */
  get isFull(): boolean {
    return this.#waiting.length > CAPACITY - this.end;
  }

  /** Waits for more bytes. @returns false where the response has ended */
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
   * Takes in what `fetch` has brought, or as much of it as there is room for.
   * @throws Error where the buffer is full of bytes that nobody consumes
   */
  append(): void {
    if (this.isFull && this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
      this.end -= this.start;
      this.start = 0;
    }
    const taken = this.#waiting.subarray(0, CAPACITY - this.end);
    if (taken.length === 0) throw new Error('a response with a token that is too large to be one');
    this.bytes.set(taken, this.end);
    this.end += taken.length;
    this.#waiting = this.#waiting.subarray(taken.length);
  }

  /** Throws away all that has come. */
  discard(): void {
    this.start = this.end = 0;
    this.#waiting = new Uint8Array(0);
  }

  /** Waits until so many bytes can be read from `start` on. @throws Error where the response ends before */
  async need(bytes: number): Promise<void> {
    while (this.length < bytes) {
      if (!(await this.fetch())) throw new Error('a response that ends within a token');
      this.append();
    }
  }
}
