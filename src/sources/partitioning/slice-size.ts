/** How many slices a table is split into, and how large each is, whatever the method. */

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

/** Where slices begin, counted in units of equal size. Each ends where the next begins. */
export interface Cut {
  readonly starts: readonly number[];
  readonly units: number;
}

export function evenCut(count: number): Cut {
  return { starts: Array.from({ length: count }, (_, index) => index), units: count };
}

/**
 * The last slices are half as large as the others, so that no reader works alone for long at the end. There are as many as
 * let all readers end at once if they are equally fast: with two readers and eight slices the last two.
 */
export function taperedCut(count: number, readers: number): Cut {
  const rounds = Math.floor(count / readers);
  const incomplete = 2 * (count % readers);
  const halves = rounds === 0 || readers === 1 ? 0 : incomplete + (incomplete < readers && rounds > 1 ? readers : 0);
  const wholes = count - halves;
  return {
    starts: Array.from({ length: count }, (_, index) => index + Math.min(index, wholes)),
    units: count + wholes,
  };
}

/** Tapered, unless slices would be empty because there are too few pages or keys. @param available pages, or keys */
export function fittingCut(count: number, readers: number, available: number | bigint): Cut {
  const tapered = taperedCut(count, readers);
  return available >= tapered.units ? tapered : evenCut(count);
}

/** Estimated rows of one of the slices. */
export function estimatedShare(rows: number | undefined, { starts, units }: Cut, index: number): number | undefined {
  const width = (starts[index + 1] ?? units) - (starts[index] ?? units);
  return rows === undefined ? undefined : Math.round((rows * width) / units);
}
