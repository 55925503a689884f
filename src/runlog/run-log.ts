import path from 'node:path';

import { ENVIRONMENT } from '../environment.js';
import {
  type NewSync,
  type RunHistory,
  type RunRecord,
  runHistory,
  runRecord,
  type SyncRecord,
  type WatermarkRecord,
} from './model/run-history.js';
import { newOwner } from './run-owner.js';
import { ActiveRun } from './recorder/active-run.js';
import type { LogListener } from './recorder/log-listener.js';
import type { WriterOptions } from './recorder/log-writer.js';
import { idAmbiguous, logInUse, runUnknown } from './errors.js';
import { RUNS, SYNCS, WATERMARKS } from './model/columns.js';
import type { ShownState } from './model/run-outcome.js';
import type { NewRun, PlaceOf, Redact } from './model/run-events.js';
import type { WorkerRow } from './model/rows.js';
import { RunState } from './model/run-state.js';
import type {
  DeletedRows,
  LivingRun,
  RunsToDelete,
  SyncLock,
  LogMode,
  LogStore,
  OpenedLog,
  RunWorkers,
  SchemaStatus,
  WatermarkQuery,
} from './store/log-store.js';
import type { RecordedOverride } from '../export/model/recorded-override.js';
import { type RunLogTarget, stateDirectory } from './target.js';
import { RunSpool } from './recorder/spool.js';

/** Length of a UUID. */
const FULL_ID = 36;

/** Most runs of a sync. */
const ALL_RUNS = 1_000_000;

/** Maximum ids listed in the error for an ambiguous one. */
const MAX_LISTED = 5;

export interface OpenLogOptions {
  readonly mode?: LogMode;
  readonly redact?: Redact;
  /** True for an export: the driver gets its own thread once the run takes longer. False for commands that only read. */
  readonly threaded?: boolean;
  readonly threadAfterMs?: number | undefined;
  /** The thread's compiled file; by default the program's own. */
  readonly threadEntry?: URL | undefined;
  /** Where runs are saved if the log is unavailable; by default in the user's state directory. */
  readonly unloggedDirectory?: string;
  readonly callTimeoutMs?: number | undefined;
  readonly writer?: WriterOptions | undefined;
}

/**
 * Connects to the log database and creates or migrates its schema.
 * @throws LakeportError of class `unreachable` if it cannot be used, of class `usage` if its tables are another program's
 */
export async function openRunLog(target: RunLogTarget, options: OpenLogOptions = {}): Promise<RunLog> {
  const store = await storeFor(target, options);
  try {
    const opened = await store.open({ mode: options.mode ?? 'preserve' });
    const log = new RunLog({ ...options, store, opened });
    await log.writeSpooledRuns();
    return log;
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function storeFor(target: RunLogTarget, options: OpenLogOptions): Promise<LogStore> {
  const { callTimeoutMs, threadAfterMs, threadEntry: entry } = options;
  if (options.threaded === true) {
    const { lateThreadLog } = await import('./thread/late-thread.js');
    return lateThreadLog(target, { callTimeoutMs, threadAfterMs, entry });
  }
  const { databaseLog } = await import('./store/database-log.js');
  return databaseLog(target, { callTimeoutMs });
}

/** The history of runs: records runs in progress, and reads earlier ones. */
export class RunLog {
  /** Human-readable: a file, or `host:port/database`. */
  readonly address: string;
  /** What opening the log did to its schema. */
  readonly schema: SchemaStatus;
  readonly #store: LogStore;
  readonly #redact: Redact;
  readonly #writer: WriterOptions | undefined;
  readonly #spool: RunSpool;

  constructor(options: OpenLogOptions & { readonly store: LogStore; readonly opened: OpenedLog }) {
    this.address = options.opened.address;
    this.schema = options.opened.schema;
    this.#store = options.store;
    this.#redact = options.redact ?? ((text) => text);
    this.#writer = options.writer;
    this.#spool = new RunSpool(options.unloggedDirectory ?? unloggedDirectory());
  }

  /** @throws LakeportError if the log already has a run of this id */
  async begin(run: NewRun, listener: LogListener = {}, placeOf?: PlaceOf): Promise<ActiveRun> {
    const row = RUNS.newRow(RUNS.valuesOf('begin', { run, owner: await newOwner(), redact: this.#redact }));
    await this.#store.insertRun(row);
    return this.#activeRun(new RunState(row), listener, placeOf);
  }

  /**
   * Takes over an earlier run that did not complete.
   * @throws LakeportError if there is no such run, it is complete, or a living process owns it
   */
  async resume(
    runId: string,
    listener: LogListener = {},
    placeOf?: PlaceOf,
  ): Promise<{ readonly run: ActiveRun; readonly history: RunHistory }> {
    const stored = await this.#store.claimRun({ runId, ...(await newOwner()) });
    return { run: this.#activeRun(RunState.restore(stored), listener, placeOf), history: runHistory(stored) };
  }

  /** The user's own settings for tables of this database, from `partition_columns`. */
  tableSettings(of: {
    readonly engine: string;
    readonly database: string;
    readonly envName: string | undefined;
  }): Promise<RecordedOverride[]> {
    return this.#store.tableSettings(of);
  }

  /** Latest first; of one stored sync or of all runs. */
  async runs(options: { readonly limit: number; readonly syncId?: string | undefined }): Promise<RunRecord[]> {
    const rows = await this.#store.listRuns(options);
    return rows.map(runRecord);
  }

  /**
   * Stores a sync: an export's flags under a name.
   * @returns whether it has replaced one of this id
   * @throws LakeportError `SYNC_EXISTS` if there is one and `replaces` is false
   */
  saveSync(sync: NewSync, { replaces }: { readonly replaces: boolean }): Promise<boolean> {
    const row = {
      sync_id: sync.syncId,
      env_name: sync.envName ?? null,
      command_line: this.#redact(sync.commandLine),
      settings: JSON.stringify(sync.settings),
    };
    return this.#store.saveSync({ sync: row, replaces });
  }

  /** By their ids. */
  async syncs(): Promise<SyncRecord[]> {
    return (await this.#store.listSyncs(undefined)).map((row) => SYNCS.record(row));
  }

  /** @returns whether there was one. @throws LakeportError `SYNC_RUNNING` if a run of it is in progress */
  deleteSync(syncId: string): Promise<boolean> {
    return this.#store.deleteSync({ syncId });
  }

  /** Who works on stored syncs: on one or on all. */
  syncLocks(of: { readonly syncId?: string | undefined } = {}): Promise<SyncLock[]> {
    return this.#store.syncLocks(of);
  }

  /** @returns whether this holder had it */
  releaseLock(lock: { readonly syncId: string; readonly holder: string }): Promise<boolean> {
    return this.#store.releaseLock(lock);
  }

  /** Removes runs with all that belongs to them. The last watermark of each table in each place stays. */
  deleteRuns(request: RunsToDelete): Promise<DeletedRows> {
    return this.#store.deleteRuns(request);
  }

  /** Deletes all runs and watermarks, of one sync or of all. @throws LakeportError if one of the runs is in progress */
  async empty({ syncId }: { readonly syncId: string | undefined }): Promise<void> {
    if (syncId === undefined) {
      await this.#store.empty(undefined);
      return;
    }
    const runs = await this.runs({ limit: ALL_RUNS, syncId });
    const living = runs.find(({ state }) => state === 'running');
    if (living !== undefined) throw logInUse(living.runId, 'truncate');
    await this.#store.deleteRuns({ runs, isDryRun: false, allWatermarksOf: syncId });
  }

  /** Removes all tables of the log, users' own settings too. @throws LakeportError if a run is in progress */
  drop(): Promise<void> {
    return this.#store.drop(undefined);
  }

  /** Where syncs of tables ended, latest first, at most `limit` of each table in each place. */
  async watermarks(of: WatermarkQuery): Promise<WatermarkRecord[]> {
    return (await this.#store.watermarks(of)).map((row) => WATERMARKS.record(row));
  }

  /** Runs in progress in other living processes. */
  livingRuns(options: { readonly except: string }): Promise<LivingRun[]> {
    return this.#store.livingRuns(options);
  }

  /** Writes or renews the row of a process that works on a run. `joinedAt` and the heartbeat are the database's. */
  putWorker(worker: WorkerRow): Promise<void> {
    return this.#store.putWorker(worker);
  }

  /** The state of a run, and the processes that work on it. */
  workersOf(runId: string): Promise<RunWorkers> {
    return this.#store.runWorkers({ runId });
  }

  /** The state of a run; undefined if the log has no such run. Costs less than `workersOf`. */
  stateOf(runId: string): Promise<ShownState | undefined> {
    return this.#store.runState({ runId });
  }

  /**
   * The full id of the run whose id has this prefix.
   * @throws LakeportError if there is none, or more than one
   */
  async fullId(prefix: string): Promise<string> {
    if (prefix.length === FULL_ID) return prefix;
    const ids = await this.#store.runIdsLike({ prefix, limit: MAX_LISTED });
    const [id] = ids;
    if (id === undefined) throw runUnknown(prefix, this.address);
    if (ids.length > 1) throw idAmbiguous(prefix, ids);
    return id;
  }

  /** @throws LakeportError if the log has no such run */
  async history(runId: string): Promise<RunHistory> {
    return runHistory(await this.#store.readRun(runId));
  }

  /** Writes saved runs of this log to it. Never throws. */
  async writeSpooledRuns(): Promise<void> {
    for (const { file, batch } of this.#spool.of(this.address)) {
      try {
        await this.#store.write(batch);
        this.#spool.remove(file);
      } catch {
        // Retried when the log is next opened.
      }
    }
  }

  /** Never throws. */
  close(): Promise<void> {
    return this.#store.close();
  }

  #activeRun(rows: RunState, listener: LogListener, placeOf: PlaceOf | undefined): ActiveRun {
    return new ActiveRun({
      store: this.#store,
      rows,
      listener,
      redact: this.#redact,
      placeOf,
      writer: this.#writer,
      keep: (left) => this.#spool.keep(left.whole(), this.address),
    });
  }
}

function unloggedDirectory(): string {
  return path.join(stateDirectory({ environment: ENVIRONMENT, platform: process.platform }), 'unlogged');
}
