/** Rows before a file's first review: without an average, rows may be of any size. */
const FIRST_ROWS = 16;
/** Share of the limit that is aimed at: sizes of dictionaries and of the footer are estimates. */
const AIM = 0.985;
/** A file this close to its aim is full: the rest is not worth another page. */
const NEAR = 0.02;

/** A file in progress. */
export interface SizedFile {
  readonly rows: number;
  /** The file's size if it ended now, in bytes: pages count as they are, held values as if they did not compress. */
  estimatedBytes(): number;
  /** Takes pages of all held values, so that their size is known. */
  takePages(): void;
}

/**
 * Ends a file before it exceeds a size. Rows arrive in batches, so a file is too large by less than one batch, and only
 * if its rows are much larger than those before them.
 */
export class FileSizeLimit {
  readonly #limit: number;
  #room = FIRST_ROWS;
  #isReached = false;

  /** @param limit in bytes; undefined for none */
  constructor(limit: number | undefined) {
    this.#limit = (limit ?? Infinity) * AIM;
    if (limit === undefined) this.#room = Infinity;
  }

  /** Rows that still fit, by the average so far; at least 1. */
  get room(): number {
    return this.#room;
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  /** To be called after each batch. */
  review(file: SizedFile): void {
    if (this.#limit === Infinity) return;
    let left = this.#rowsLeft(file);
    if (left < 1) {
      file.takePages();
      left = this.#rowsLeft(file);
    }
    this.#isReached = left < 1;
    this.#room = Math.max(1, Math.floor(left));
  }

  #rowsLeft(file: SizedFile): number {
    const bytes = file.estimatedBytes();
    const rest = this.#limit - bytes;
    return rest < this.#limit * NEAR ? 0 : rest / (bytes / file.rows);
  }
}
