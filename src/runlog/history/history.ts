import type { PreviousSlice, PreviousTable } from '../../export/resume/previous-attempt.js';
import type { LoggedState, ShownState } from '../model/row-types.js';

/** What the log says of a run, as the program hands it to people and to a resume. Plain data. */

/** One line of `lakeport runs`. */
export interface RunSummary {
  readonly runId: string;
  /** `interrupted`: its process is gone. */
  readonly state: ShownState;
  readonly envName: string | undefined;
  readonly sourceType: string | undefined;
  /** `host:port` */
  readonly sourceServer: string | undefined;
  readonly sourceDatabase: string | undefined;
  /** For people. */
  readonly target: string;
  readonly consistency: string | undefined;
  readonly startedAt: Date;
  readonly endedAt: Date | undefined;
  /** Undefined before the run was planned. */
  readonly tables: number | undefined;
  readonly completedTables: number;
  readonly failedTables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly files: number;
  /** 1, and one more for every resume. */
  readonly attempt: number;
  readonly error: LoggedError | undefined;
}

export interface LoggedError {
  /** Exit class, such as `unreachable`. */
  readonly class: string | undefined;
  readonly code: string | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** All that the log knows of one run. */
export interface RunHistory {
  readonly run: RunRecord;
  /** In the order of the plan. */
  readonly tables: readonly TableRecord[];
  readonly partitions: readonly PartitionRecord[];
  readonly files: readonly FileRecord[];
}

export interface RunRecord extends RunSummary {
  readonly toolVersion: string;
  readonly commandLine: string;
  /** As they were given to `beginRun`. */
  readonly settings: unknown;
  readonly snapshotId: string | undefined;
  readonly snapshotAt: Date | undefined;
  readonly heartbeatAt: Date;
  /** `ProcessIdentity` of the process that worked on it last. */
  readonly process: unknown;
  readonly holder: string;
}

export interface TableRecord extends PreviousTable {
  readonly kind: string | undefined;
  /** Relative to the storage's base. */
  readonly directory: string | undefined;
  readonly method: string | undefined;
  readonly degree: number | undefined;
  readonly partitions: number;
  readonly estimatedRows: number | undefined;
  readonly estimatedBytes: number | undefined;
  readonly state: ShownState;
  readonly error: LoggedError | undefined;
}

export interface PartitionRecord extends PreviousSlice {
  readonly partitionId: number;
  readonly method: string;
  readonly state: LoggedState;
  readonly attempts: number;
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
  readonly error: LoggedError | undefined;
}

export interface FileRecord {
  readonly fileId: number;
  readonly jobId: number;
  readonly sliceIndex: number;
  readonly storageId: string;
  /** Relative to the storage's base. */
  readonly objectPath: string;
  /** For people. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly rowGroups: number;
  readonly publishedAt: Date;
}
