/** How many slices a table is split into, whatever the method. */

const MIB = 1024 * 1024;

/** Enough for a skewed table not to leave one reader working alone for long. */
const SLICES_PER_READER = 4;
/** Each slice becomes a file, so it should have enough rows for useful row groups … */
const FEWEST_ROWS = 250_000;
/** … unless the rows are so wide that fewer fill a row group; tiny slices are not worth their overhead. */
const LEAST_BYTES = { of: 16 * MIB, wideRows: 128 * MIB };
/** Limits the work that a retry repeats. */
const MOST_BYTES = 1024 * MIB;

export interface TableSize {
  readonly estimatedRows: number | undefined;
  /** Size in the database. */
  readonly estimatedBytes: number | undefined;
}

/** One for a single reader; otherwise about four per reader, each large enough for a file and at most 1 GiB. */
export function sliceCount({ estimatedRows, estimatedBytes }: TableSize, degree: number): number {
  if (degree === 1) return 1;
  const wanted = degree * SLICES_PER_READER;
  const byRows = estimatedRows === undefined ? wanted : Math.max(degree, Math.floor(estimatedRows / FEWEST_ROWS));
  const byBytes = Math.ceil((estimatedBytes ?? 0) / MOST_BYTES);
  return Math.max(1, Math.min(wanted, byRows), byBytes);
}

/** Suitable slice size in bytes for this many readers, for slices that are page ranges. */
export function targetBytes(
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
  degree: number,
): number {
  const bytesOfFewestRows = rows > 0 ? (bytes / rows) * FEWEST_ROWS : 0;
  const least = Math.min(Math.max(bytesOfFewestRows, LEAST_BYTES.of), LEAST_BYTES.wideRows);
  return Math.min(Math.max(bytes / (SLICES_PER_READER * degree), least), MOST_BYTES);
}
