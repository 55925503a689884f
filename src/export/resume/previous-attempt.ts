import type { ColumnSpec } from '../../columns/column-spec.js';
import type { DisplayPath } from '../../model/display-path.js';
import type { SliceOutcome } from '../model/slice-outcome.js';
import type { TableSync } from '../model/table-sync.js';

/**
 * The record of an unfinished run, as far as a resume needs it. Plain data; the run log's `RunHistory` is one.
 */
export interface PreviousAttempt {
  readonly run: {
    readonly runId: string;
    readonly startedAt: Date;
    readonly toolVersion: string;
    readonly consistency: string | undefined;
    readonly snapshotId: string | undefined;
    readonly snapshotAt: Date | undefined;
    /** Undefined if the run had not been planned yet. */
    readonly tables: number | undefined;
  };
  readonly tables: readonly PreviousTable[];
  readonly partitions: readonly PreviousSlice[];
}

export interface PreviousTable {
  readonly jobId: number;
  readonly schema: string;
  readonly table: string;
  /** `completed`: published. */
  readonly state: string;
  readonly attempts: number;
  readonly storageId: string | undefined;
  readonly path: DisplayPath | undefined;
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
  readonly files: number | undefined;
  /** If it differs from the run's. */
  readonly consistency: string | undefined;
  readonly columns: readonly PreviousColumn[] | undefined;
  readonly unrepresentable: Readonly<Record<string, number>>;
  /** Which of its rows were to be read, or were; undefined for a table that is exported whole. */
  readonly sync: TableSync | undefined;
  /** See `TablePlan.moment`. */
  readonly moment: string | undefined;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
}

/** Name, source type, nullability; for published tables, the number of arrays that lost their bounds. */
export type PreviousColumn = readonly [name: string, sourceType: string, nullable: boolean, lostBounds?: number];

/** The record of a table's columns, by which a later attempt detects changes. */
export function columnsOnRecord(columns: readonly ColumnSpec[]): PreviousColumn[] {
  return columns.map(({ name, sourceType, nullable, isTextByValues }) => [
    name,
    isTextByValues === true ? asTextOnRecord(sourceType) : sourceType,
    nullable,
  ]);
}

/** The source type of a column that is text because of its values, in the record. */
export function asTextOnRecord(sourceType: string): string {
  return `${sourceType} as text`;
}

export interface PreviousSlice {
  readonly jobId: number;
  readonly sliceIndex: number;
  readonly bounds: string;
  /** A `Slice`; undefined if the table is read in one piece. */
  readonly slice: unknown;
  /** A `SliceOutcome` whose files are staged but not published; undefined or null if there is none. */
  readonly staged: unknown;
  /** Was staged when nobody coordinated the run: it counts only if the snapshot of its table was held all the time. */
  readonly reported?: SliceOutcome | undefined;
}
