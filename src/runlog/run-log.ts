import path from 'node:path';

import { type RunHistory, type RunSummary, runHistory, runRecord } from './model/run-history.js';
import { newOwner } from './run-owner.js';
import { ActiveRun } from './recorder/active-run.js';
import type { LogListener } from './recorder/log-listener.js';
import type { WriterOptions } from './recorder/log-writer.js';
import { idAmbiguous, runUnknown } from './errors.js';
import { RUNS } from './model/columns.js';
import type { NewRun, Redact } from './model/run-events.js';
import { RunState } from './model/run-state.js';
import type { LivingRun, LogMode, LogStore, OpenedLog, SchemaStatus } from './store/log-store.js';
import type { RecordedOverride } from '../export/model/recorded-override.js';
import { type RunLogTarget, stateDirectory } from './target.js';
import { RunSpool } from './recorder/spool.js';

/** Letters of a UUID. */
const FULL_ID = 36;

/** Runs that are named where an id is ambiguous. */
const MOST_NAMED = 5;

export interface OpenLogOptions {
  readonly mode?: LogMode;
  readonly redact?: Redact;
  /** True for an export: the driver works in a thread of its own. False for commands that only read. */
  readonly threaded?: boolean;
  /** The thread's compiled file; the program's own by default. */
  readonly threadEntry?: URL | undefined;
  /** Where runs are kept whose log did not answer; in the user's state directory by default. */
  readonly unloggedDirectory?: string;
  readonly callTimeoutMs?: number | undefined;
  readonly writer?: WriterOptions | undefined;
}

/**
 * Connects to the log database and brings its schema up to date.
 * @throws LakeportError of class `unreachable` where it can't be used, of class `usage` where it is another program's
 */
export async function openRunLog(target: RunLogTarget, options: OpenLogOptions = {}): Promise<RunLog> {
  const store = await storeFor(target, options);
  try {
    const opened = await store.open({ mode: options.mode ?? 'preserve' });
    const log = new RunLog({ ...options, store, opened });
    await log.takeInUnlogged();
    return log;
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function storeFor(target: RunLogTarget, options: OpenLogOptions): Promise<LogStore> {
  const { callTimeoutMs, threadEntry: entry } = options;
  if (options.threaded === true) {
    const { threadedLog } = await import('./thread/log-thread-client.js');
    return threadedLog(target, { callTimeoutMs, entry });
  }
  const { databaseLog } = await import('./store/database-log.js');
  return databaseLog(target, { callTimeoutMs });
}

/** The history of runs: what is recorded of a run in progress, and what earlier ones have left. */
export class RunLog {
  /** For people: a file, or `host:port/database`. */
  readonly address: string;
  /** As it was found. */
  readonly schema: SchemaStatus;
  readonly #store: LogStore;
  readonly #redact: Redact;
  readonly #writer: WriterOptions | undefined;
  readonly #unlogged: RunSpool;

  constructor(options: OpenLogOptions & { readonly store: LogStore; readonly opened: OpenedLog }) {
    this.address = options.opened.address;
    this.schema = options.opened.schema;
    this.#store = options.store;
    this.#redact = options.redact ?? ((text) => text);
    this.#writer = options.writer;
    this.#unlogged = new RunSpool(options.unloggedDirectory ?? unloggedDirectory());
  }

  /** @throws LakeportError where the log has a run of this id */
  async begin(run: NewRun, listener: LogListener = {}): Promise<ActiveRun> {
    const row = RUNS.newRow(RUNS.valuesOf('begin', { run, owner: await newOwner(), redact: this.#redact }));
    await this.#store.insertRun(row);
    return this.#activeRun(new RunState(row), listener);
  }

  /**
   * Takes over an earlier run that did not come to its end.
   * @throws LakeportError where there is no such run, it is complete, or a living process holds it
   */
  async resume(
    runId: string,
    listener: LogListener = {},
  ): Promise<{ readonly run: ActiveRun; readonly history: RunHistory }> {
    const stored = await this.#store.claimRun({ runId, ...(await newOwner()) });
    return { run: this.#activeRun(RunState.restore(stored), listener), history: runHistory(stored) };
  }

  /** The user's own settings for tables of this database, from `partition_columns`. */
  tableSettings(of: {
    readonly engine: string;
    readonly database: string;
    readonly envName: string | undefined;
  }): Promise<RecordedOverride[]> {
    return this.#store.tableSettings(of);
  }

  /** The latest first. */
  async runs(options: { readonly limit: number }): Promise<RunSummary[]> {
    const rows = await this.#store.listRuns(options);
    return rows.map(runRecord);
  }

  /** Runs that other living processes are at work on. */
  livingRuns(options: { readonly except: string }): Promise<LivingRun[]> {
    return this.#store.livingRuns(options);
  }

  /**
   * The whole id of the run whose id begins so.
   * @throws LakeportError where there is none, or more than one
   */
  async fullId(prefix: string): Promise<string> {
    if (prefix.length === FULL_ID) return prefix;
    const ids = await this.#store.runIdsLike({ prefix, limit: MOST_NAMED });
    const [id] = ids;
    if (id === undefined) throw runUnknown(prefix, this.address);
    if (ids.length > 1) throw idAmbiguous(prefix, ids);
    return id;
  }

  /** @throws LakeportError where the log has no such run */
  async history(runId: string): Promise<RunHistory> {
    return runHistory(await this.#store.readRun(runId));
  }

  /** Writes what earlier runs could not write into this log. Never throws. */
  async takeInUnlogged(): Promise<void> {
    for (const { file, batch } of this.#unlogged.of(this.address)) {
      try {
        await this.#store.write(batch);
        this.#unlogged.remove(file);
      } catch {
        // It stays for the next time.
      }
    }
  }

  /** Never throws. */
  close(): Promise<void> {
    return this.#store.close();
  }

  #activeRun(rows: RunState, listener: LogListener): ActiveRun {
    return new ActiveRun({
      store: this.#store,
      rows,
      listener,
      redact: this.#redact,
      writer: this.#writer,
      keep: (left) => this.#unlogged.keep(left.whole(), this.address),
    });
  }
}

function unloggedDirectory(): string {
  return path.join(stateDirectory({ environment: process.env, platform: process.platform }), 'unlogged');
}
