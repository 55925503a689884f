/** A set of rows, by their position among all rows that are merged: one bit for each. */
export class RowBits {
  readonly #bits: Uint8Array;

  /** @param rows how many there are */
  constructor(rows: number) {
    this.#bits = new Uint8Array(Math.ceil(rows / 8));
  }

  add(row: number): void {
    const at = Math.floor(row / 8);
    this.#bits[at] = (this.#bits[at] as number) | (1 << (row % 8)); // within bounds, as below
  }

  remove(row: number): void {
    const at = Math.floor(row / 8);
    this.#bits[at] = (this.#bits[at] as number) & ~(1 << (row % 8));
  }

  has(row: number): boolean {
    return ((this.#bits[Math.floor(row / 8)] as number) & (1 << (row % 8))) !== 0;
  }

  /** How many of the rows from one position to another, which is exclusive. */
  count(from: number, to: number): number {
    let count = 0;
    for (let row = from; row < to; row++) if (this.has(row)) count++;
    return count;
  }

  /** A byte for each of the rows from a position on: 1 for those in the set. */
  flags(from: number, out: Uint8Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.has(from + i) ? 1 : 0;
  }
}
