/** Bytes that kernels may read or write behind what they were given. */
const SLACK_BYTES = 64;
/** Regions have sizes of powers of two, of at least this exponent, so that a released one fits the next request. */
const LEAST_EXPONENT = 8;

/** Gives out regions of `[start, end)`. */
export class Regions {
  readonly #start: number;
  readonly #end: number;
  #next: number;
  /** Addresses of released regions, by the exponent of their size. */
  #free: number[][] = [];

  constructor(start: number, end: number) {
    this.#start = start;
    this.#end = end;
    this.#next = start;
  }

  /** @returns the region's address; undefined if there is no room */
  take(length: number): number | undefined {
    const exponent = exponentOf(length);
    const released = this.#free[exponent]?.pop();
    if (released !== undefined) return released;
    const address = this.#next;
    const next = address + 2 ** exponent;
    if (next > this.#end) return undefined;
    this.#next = next;
    return address;
  }

  /** @param length as it was taken with */
  release(address: number, length: number): void {
    (this.#free[exponentOf(length)] ??= []).push(address);
  }

  /** All regions are free again. */
  clear(): void {
    this.#next = this.#start;
    this.#free = [];
  }
}

function exponentOf(length: number): number {
  return Math.max(LEAST_EXPONENT, 32 - Math.clz32(length + SLACK_BYTES - 1));
}
