import type { TableId } from '../../model/table.js';
import type { RecordedOverride } from '../../export/model/recorded-override.js';
import type {
  LogBatch,
  RunRow,
  ShownRunRow,
  StoredRun,
  StoredSyncRow,
  SyncRow,
  WatermarkRow,
  WorkerRow,
  WriteOutcome,
} from '../model/rows.js';
import type { LoggedState, ShownState } from '../model/run-outcome.js';
import type { AnnouncedSnapshot, WorkerSlice } from '../model/worker.js';
import type { RunOwner } from '../run-owner.js';

/** What to do with the log's content before the run: keep it, delete all rows, or recreate the tables. */
export type LogMode = 'preserve' | 'truncate' | 'drop';

/** What opening a log did to its schema: created it, migrated it from an older version, or nothing. */
export type SchemaStatus = 'created' | 'migrated' | 'current';

/** The result of opening a log. */
export interface OpenedLog {
  /** Human-readable: a file, or `host:port/database`. */
  readonly address: string;
  readonly schema: SchemaStatus;
}

/** A run in progress in a living process. */
export interface LivingRun {
  readonly runId: string;
  readonly startedAt: Date;
  /** Human-readable: `process 4711 on host db1`. */
  readonly holder: string | undefined;
  /** As given to `begin`. */
  readonly settings: unknown;
  readonly tables: readonly {
    readonly storageId: string | undefined;
    /** Human-readable. */
    readonly path: string | undefined;
    readonly state: LoggedState;
  }[];
}

/** A process that works on a run, as the log has it. */
export interface LoggedWorker {
  readonly workerId: string;
  readonly role: WorkerRow['role'];
  readonly name: string;
  readonly host: string;
  readonly processId: number;
  readonly slots: number;
  readonly slices: readonly WorkerSlice[];
  readonly slicesRead: number;
  readonly rows: number;
  readonly snapshot: AnnouncedSnapshot | undefined;
  readonly joinedAt: Date;
  readonly heartbeatAt: Date;
  readonly leftAt: Date | undefined;
  /** Not left, and heard of within the last seconds. */
  readonly isLiving: boolean;
}

/** What a process that works on a run looks at again and again. */
export interface RunWorkers {
  /** Undefined if the log has no such run. */
  readonly state: ShownState | undefined;
  /** Of lakeport, in the process that coordinates the run. */
  readonly toolVersion: string | undefined;
  /** As given to `begin`. */
  readonly settings: unknown;
  /** Grows with each process that coordinates the run. */
  readonly attempt: number;
  /** In the order in which they came. */
  readonly workers: readonly LoggedWorker[];
}

/** Who works on a stored sync. */
export interface SyncLock {
  readonly syncId: string;
  readonly runId: string;
  /** Random id of the holding process. */
  readonly holder: string;
  readonly host: string;
  /** Human-readable: `process 4711 on host db1`. */
  readonly owner: string | undefined;
  readonly lockedAt: Date;
  readonly heartbeatAt: Date;
  /** Whether its process may be alive; the lock of a dead one is taken over by the next run. */
  readonly isLiving: boolean;
}

export interface RunsToDelete {
  /** With the holders that the log has named: a run that has another one by now was resumed. */
  readonly runs: readonly { readonly runId: string; readonly holder: string }[];
  /** Only counts. */
  readonly isDryRun: boolean;
  /** A sync whose watermarks go too, all of them; of other runs, the last of each table in each place stay. */
  readonly allWatermarksOf?: string | undefined;
}

/** Numbers of rows. */
export interface DeletedRows {
  readonly runs: number;
  readonly jobs: number;
  readonly partitions: number;
  readonly files: number;
  readonly watermarks: number;
}

/** Which watermarks to read: all that fit. */
export interface WatermarkQuery {
  /** A stored sync. */
  readonly syncId?: string | undefined;
  /** Tables by name, wherever they are. */
  readonly tables?: readonly TableId[] | undefined;
  /** Syncs of each table in each place. */
  readonly limit: number;
}

/**
 * A log database, in this thread or another: arguments and answers are plain data. Calls run one after the other. Each may
 * fail with a `LakeportError`, after which the next call reconnects.
 */
export interface LogStore {
  /** Connects and creates or migrates the schema. */
  open(options: { readonly mode: LogMode }): Promise<OpenedLog>;
  /** Records the start of a run. @throws LakeportError if the log already has a run of this id */
  insertRun(run: RunRow): Promise<void>;
  /** Takes over a run. @throws LakeportError if it is unknown, complete, or owned by a living process */
  claimRun(claim: { readonly runId: string } & RunOwner): Promise<StoredRun>;
  write(batch: LogBatch): Promise<WriteOutcome>;
  /** Removes a run, if this holder still owns it. */
  removeRun(hold: { readonly runId: string; readonly holder: string }): Promise<void>;
  /** The user's settings for tables of this database and environment. */
  tableSettings(of: {
    readonly engine: string;
    readonly database: string;
    readonly envName: string | undefined;
  }): Promise<RecordedOverride[]>;
  /** Latest first; of one sync or of all. */
  listRuns(options: { readonly limit: number; readonly syncId?: string | undefined }): Promise<ShownRunRow[]>;
  /** Returns whether a sync was replaced. @throws LakeportError if there is one that is not to be replaced */
  saveSync(request: { readonly sync: SyncRow; readonly replaces: boolean }): Promise<boolean>;
  /** By their ids. */
  listSyncs(all: undefined): Promise<StoredSyncRow[]>;
  /** Returns whether there was one. @throws LakeportError if a run of it is in progress */
  deleteSync(sync: { readonly syncId: string }): Promise<boolean>;
  syncLocks(of: { readonly syncId?: string | undefined }): Promise<SyncLock[]>;
  /** Returns whether this holder had it. */
  releaseLock(lock: { readonly syncId: string; readonly holder: string }): Promise<boolean>;
  deleteRuns(request: RunsToDelete): Promise<DeletedRows>;
  /** Deletes all runs and watermarks. @throws LakeportError if a living process is writing to the log */
  empty(all: undefined): Promise<void>;
  /** Removes everything, users' own settings too. @throws LakeportError if a living process is writing to the log */
  drop(all: undefined): Promise<void>;
  /** At most `limit` ids of runs with this prefix, in lower case. */
  runIdsLike(begin: { readonly prefix: string; readonly limit: number }): Promise<string[]>;
  /** Runs in progress in living processes, except one. */
  livingRuns(options: { readonly except: string }): Promise<LivingRun[]>;
  /** The syncs of tables that were published, latest first, at most `limit` of each table in each place. */
  watermarks(of: WatermarkQuery): Promise<WatermarkRow[]>;
  /** Writes or renews the row of a process that works on a run, with its heartbeat. */
  putWorker(worker: WorkerRow): Promise<void>;
  runWorkers(of: { readonly runId: string }): Promise<RunWorkers>;
  /** Undefined if the log has no such run. */
  runState(of: { readonly runId: string }): Promise<ShownState | undefined>;
  /** @throws LakeportError if the log has no such run */
  readRun(runId: string): Promise<StoredRun>;
  /** Never throws. */
  close(): Promise<void>;
}

export type StoreCall = keyof LogStore;

export type CallArgument<Call extends StoreCall> = Parameters<LogStore[Call]>[0];

/** Every call. A record, so that none can be missing. */
const CALLS: Readonly<Record<StoreCall, true>> = {
  open: true,
  insertRun: true,
  claimRun: true,
  write: true,
  removeRun: true,
  tableSettings: true,
  listRuns: true,
  runIdsLike: true,
  livingRuns: true,
  watermarks: true,
  putWorker: true,
  runWorkers: true,
  runState: true,
  saveSync: true,
  listSyncs: true,
  deleteSync: true,
  syncLocks: true,
  releaseLock: true,
  deleteRuns: true,
  empty: true,
  drop: true,
  readRun: true,
  close: true,
};

/** A store that passes all calls to one function, which must answer each as the method of that name would. */
export function storeOver(ask: (call: StoreCall, argument: unknown) => Promise<unknown>): LogStore {
  // The keys of `CALLS` are those of a store.
  const calls = Object.keys(CALLS) as StoreCall[];
  const methods = calls.map((call) => [call, (argument: unknown) => ask(call, argument)]);
  // All methods are there; `ask` promises their answers.
  return Object.fromEntries(methods) as LogStore;
}
