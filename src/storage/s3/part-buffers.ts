/**
 * Buffers for parts on their way, used again from file to file: a fresh one of some MiB costs the system a page fault
 * every 4 KiB.
 */
export class PartBuffers {
  readonly #free: Buffer[] = [];
  readonly #keep: number;

  /** @param keep how many buffers stay allocated while nothing is being sent */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** A buffer of at least that size; what is in it is left over from earlier. */
  take(bytes: number): Buffer {
    for (let buffer = this.#free.pop(); buffer !== undefined; buffer = this.#free.pop()) {
      // Others belong to files whose parts were of another size, and are let go.
      if (buffer.length === bytes) return buffer;
    }
    return Buffer.allocUnsafeSlow(bytes);
  }

  /** Gives back a buffer that nobody uses any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#keep) this.#free.push(buffer);
  }
}
