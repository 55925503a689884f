import type { ReadColumn } from '../../sources/source.js';

/**
 * What is on record of a run that did not come to its end, as far as going on with it needs. Plain data; the run log's
 * `RunHistory` is one.
 */
export interface PreviousAttempt {
  readonly run: {
    readonly runId: string;
    readonly startedAt: Date;
    readonly toolVersion: string;
    readonly consistency: string | undefined;
    readonly snapshotId: string | undefined;
    readonly snapshotAt: Date | undefined;
    /** Undefined where the run had not been planned yet. */
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
  /** For people. */
  readonly path: string | undefined;
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
  readonly files: number | undefined;
  /** Where it is another than the run's. */
  readonly consistency: string | undefined;
  readonly columns: readonly PreviousColumn[] | undefined;
  readonly unrepresentable: Readonly<Record<string, number>>;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
}

/** Name, the source's type, whether it may be NULL; of published tables, how many of its arrays lost their bounds. */
export type PreviousColumn = readonly [name: string, sourceType: string, nullable: boolean, lostBounds?: number];

/** What goes on record of a table's columns, by which a later attempt knows whether they are still the same. */
export function columnsOnRecord(columns: readonly ReadColumn[]): PreviousColumn[] {
  return columns.map(({ spec }) => [spec.name, spec.sourceType, spec.nullable]);
}

export interface PreviousSlice {
  readonly jobId: number;
  readonly sliceIndex: number;
  readonly bounds: string;
  /** A `Slice`; undefined where the table is read in one piece. */
  readonly slice: unknown;
  /** A `SliceOutcome` whose files are staged and not published; undefined or null where there is none. */
  readonly staged: unknown;
}
