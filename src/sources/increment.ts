import type { Cursor } from '../model/cursor.js';

/** What a sync asks a source for: the rows of a table since an earlier one. */
export interface IncrementRequest {
  readonly cursor: Cursor;
  /** `Increment.watermark` of the earlier sync; undefined for the first. */
  readonly after: string | undefined;
  /** Where the first sync begins, as the user wrote it. */
  readonly start: string | undefined;
  /** Whether rows with the cursor's value of `after`, or of `start`, are read again. */
  readonly isInclusive: boolean;
  /** How far before `after` rows are read again; for cursors that are times. */
  readonly lagSeconds: number;
  /** Whether rows without a value of the cursor are among those to read. */
  readonly withNulls: boolean;
}

/**
 * The rows of a table that a sync reads, all from one snapshot: above a lower bound, up to an upper bound that is among
 * the rows. Plain data, kept in the run's record.
 */
export interface Increment {
  /** In the source's own SQL, to be combined with other conditions; undefined for all rows. */
  readonly condition: string | undefined;
  /** Where the next sync goes on, in the engine's own notation; undefined while no row has a value. Never moves back. */
  readonly watermark: string | undefined;
  /** For people: the bounds of these rows. */
  readonly lower: string | undefined;
  readonly upper: string | undefined;
  /** Rows of the table that have no value. */
  readonly nulls: number;
  /** Why all rows are read although there was a watermark, as a sentence without its full stop. */
  readonly fullBecause?: string | undefined;
  /** Whether an index begins with the cursor's column; undefined if the source does not tell. */
  readonly isIndexed: boolean | undefined;
  /** Seconds from `upper` to the source's clock, negative for a value in the future; undefined if it is not a time. */
  readonly behindSeconds?: number | undefined;
  /** What users should know, as a sentence without its full stop, e.g. of a watermark in the future. */
  readonly warning?: string | undefined;
}
