/** How many slices a table becomes, whatever it is shared out by. */

const MIB = 1024 * 1024;

/** So that a skewed table leaves no reader working alone for long. */
const SLICES_PER_READER = 4;
/** A slice becomes a file: so many rows that a file's row groups are worth having … */
const FEWEST_ROWS = 250_000;
/** … unless the rows are so wide that fewer make up a row group; and no slice of less than a moment's work. */
const LEAST_BYTES = { of: 16 * MIB, wideRows: 128 * MIB };
/** So that no slice is long to read anew. */
const MOST_BYTES = 1024 * MIB;

export interface TableSize {
  readonly estimatedRows: number | undefined;
  /** In the database. */
  readonly estimatedBytes: number | undefined;
}

/** One for one reader; else about four a reader, of a size that is worth a file, and none of more than 1 GiB. */
export function sliceCount({ estimatedRows, estimatedBytes }: TableSize, degree: number): number {
  if (degree === 1) return 1;
  const wanted = degree * SLICES_PER_READER;
  const byRows = estimatedRows === undefined ? wanted : Math.max(degree, Math.floor(estimatedRows / FEWEST_ROWS));
  const byBytes = Math.ceil((estimatedBytes ?? 0) / MOST_BYTES);
  return Math.max(1, Math.min(wanted, byRows), byBytes);
}

/** Size of a slice in bytes of the table that suits so many readers, for slices that are ranges of pages. */
export function targetBytes(
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
  degree: number,
): number {
  const bytesOfFewestRows = rows > 0 ? (bytes / rows) * FEWEST_ROWS : 0;
  const least = Math.min(Math.max(bytesOfFewestRows, LEAST_BYTES.of), LEAST_BYTES.wideRows);
  return Math.min(Math.max(bytes / (SLICES_PER_READER * degree), least), MOST_BYTES);
}
