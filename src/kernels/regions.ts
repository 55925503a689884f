/** Bytes that kernels may read or write behind what they were given. */
const SLACK_BYTES = 64;
/** Regions begin at multiples of this, so that a line of the processor's cache belongs to one of them. */
const ALIGNMENT = 64;

interface Block {
  readonly start: number;
  readonly end: number;
}

/** Gives out regions of `[start, end)`. */
export class Regions {
  readonly #start: number;
  readonly #end: number;
  /** Everything from here on is free. */
  #next: number;
  /** Released regions before it, by address; neighbours are joined. */
  #free: Block[] = [];
  #mostBytes = 0;

  constructor(start: number, end: number) {
    this.#start = start;
    this.#end = end;
    this.#next = start;
  }

  /** Most bytes from the start on that have been in use since all were free. */
  get mostBytes(): number {
    return this.#mostBytes;
  }

  /** @returns the region's address; undefined if there is no room */
  take(length: number): number | undefined {
    const bytes = regionBytes(length);
    const at = this.#free.findIndex(({ start, end }) => end - start >= bytes);
    const block = this.#free[at];
    if (block !== undefined) {
      const { start, end } = block;
      const rest = start + bytes < end ? [{ start: start + bytes, end }] : [];
      this.#free.splice(at, 1, ...rest);
      return start;
    }
    const address = this.#next;
    if (address + bytes > this.#end) return undefined;
    this.#next = address + bytes;
    this.#mostBytes = Math.max(this.#mostBytes, this.#next - this.#start);
    return address;
  }

  /** @param length as it was taken with */
  release(address: number, length: number): void {
    let start = address;
    let end = address + regionBytes(length);
    const found = this.#free.findIndex((block) => block.start > address);
    const after = found < 0 ? this.#free.length : found;
    const before = this.#free[after - 1];
    const behind = this.#free[after];
    const isAfter = before?.end === start;
    const isBefore = behind?.start === end;
    if (before !== undefined && isAfter) start = before.start;
    if (behind !== undefined && isBefore) end = behind.end;
    const first = isAfter ? after - 1 : after;
    const joined = Number(isAfter) + Number(isBefore);
    if (end === this.#next) {
      this.#next = start;
      this.#free.splice(first, joined);
    } else {
      this.#free.splice(first, joined, { start, end });
    }
  }

  /** All regions are free again. */
  clear(): void {
    this.#next = this.#start;
    this.#free = [];
    this.#mostBytes = 0;
  }
}

/** Bytes that a region for `length` bytes takes. */
function regionBytes(length: number): number {
  return Math.ceil(Math.max(length, 1) / ALIGNMENT) * ALIGNMENT + SLACK_BYTES;
}
