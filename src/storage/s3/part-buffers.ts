/**
 * Reusable buffers for parts in flight: a fresh one of some MiB costs the system a page fault every 4 KiB.
 */
export class PartBuffers {
  readonly #free: Buffer[] = [];
  readonly #keep: number;

  /** @param keep number of buffers that stay allocated while nothing is being sent */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** A buffer of at least that size, with leftover content. */
  take(bytes: number): Buffer {
    for (let buffer = this.#free.pop(); buffer !== undefined; buffer = this.#free.pop()) {
      // Buffers of other files may have another size, and are dropped.
      if (buffer.length === bytes) return buffer;
    }
    return Buffer.allocUnsafeSlow(bytes);
  }

  /** Returns a buffer that is no longer in use. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#keep) this.#free.push(buffer);
  }
}
