import type { AuthFile } from '../auth/auth-file.js';
import { LakeportError } from '../errors.js';
import { openSource } from '../sources/index.js';
import type { Source } from '../sources/source.js';
import { checkSubPath } from '../storage/path.js';
import type { EarlierRun } from './earlier-run.js';
import { exitClassOf } from './exit-class.js';
import { interruption, unlessAborted } from './interruption.js';
import { stagedTable } from './job-publication.js';
import type { RunObserver } from './observer.js';
import type { ExportOptions } from './options.js';
import type { RunPlan } from './plan.js';
import { planTables } from './planner.js';
import { publishTable } from './publisher.js';
import type { RunResult, TableResult } from './result.js';
import type { TableSettings } from './table-settings.js';
import { Run } from './run.js';
import { RunStorages } from './run-storages.js';
import { problemResult } from './table-result.js';
import { WorkerPool } from './worker-pool.js';

export interface ExportRequest {
  readonly options: ExportOptions;
  readonly auth: AuthFile;
  readonly observer?: RunObserver | undefined;
  /** A `LakeportError` as its reason says what kind of interruption it is. */
  readonly signal?: AbortSignal | undefined;
  /** The user's own settings for tables of the source, asked for when it is connected. They come before the options'. */
  readonly tableSettings?: ((source: TableSettingsOf) => Promise<readonly TableSettings[]>) | undefined;
  /** What an earlier process has done of this run, which is to be brought to its end. */
  readonly earlier?: EarlierRun | undefined;
  /** Called with the plan before anything is written; what it throws ends the run. */
  readonly beforeWriting?: ((plan: RunPlan) => Promise<void>) | undefined;
}

export interface TableSettingsOf {
  readonly engine: string;
  readonly database: string;
}

/**
 * Says what an export would do, and writes nothing.
 * @throws LakeportError
 */
export async function planExport(request: ExportRequest): Promise<RunPlan> {
  return withPlan(request, ({ plan }) => Promise.resolve(plan));
}

/**
 * Exports the tables that the options select. Failures of single tables are in the result.
 * @throws LakeportError where nothing was begun: usage, source or storage not reachable, interrupted in planning
 */
export async function runExport(request: ExportRequest): Promise<RunResult> {
  return withPlan(request, async (prepared) => {
    prepared.observer.planned?.(prepared.plan);
    const { storages, options, observer, signal } = prepared;
    try {
      await storages.begin(usedStorages(prepared.plan), {
        runId: options.runId,
        directory: options.subPath,
        signal,
      });
      await sweep(prepared);
      const result = await exportTables(prepared);
      observer.ended?.(result);
      return result;
    } finally {
      await endRun(storages, observer);
    }
  });
}

interface PreparedRun {
  readonly options: ExportOptions;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  readonly source: Source;
  readonly storages: RunStorages;
  readonly plan: RunPlan;
}

/** Opens source and storages, plans, and closes them after `use`, which may need the snapshot that the source holds. */
async function withPlan<T>(request: ExportRequest, use: (prepared: PreparedRun) => Promise<T>): Promise<T> {
  const { options, auth, observer = {}, signal = new AbortController().signal } = request;
  checkSubPath(options.subPath);
  for (const route of options.routes) checkSubPath(route.subPath, '--route');
  const entry = auth.database(options.sourceId);
  const storages = RunStorages.of(options, auth);
  let source: Source | undefined;
  // Ends whatever the source is waiting for, such as a lock.
  const giveUp = () => void source?.close();
  try {
    // With nowhere else to go, what is wrong with the entry is told before the database is asked.
    if (options.routes.length === 0) await storages.open(storages.defaultId);
    signal.throwIfAborted();
    const { databaseName: database, lockTimeoutMs } = options;
    source = await openSource(entry, { database, lockTimeoutMs, signal });
    signal.addEventListener('abort', giveUp, { once: true });
    signal.throwIfAborted();
    const plan = await planTables({ options, source, storages, observer, signal });
    signal.removeEventListener('abort', giveUp);
    return await use({ options, observer, signal, source, storages, plan });
  } catch (error) {
    throw signal.aborted ? interruption(signal) : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
    await Promise.all([source?.close(), storages.close()]);
  }
}

/** A storage of which all tables have failed before is not written to. */
function usedStorages(plan: RunPlan): string[] {
  return [...new Set(plan.tables.map((table) => table.storageId))];
}

async function exportTables(prepared: PreparedRun): Promise<RunResult> {
  const { options, plan, source, observer, signal, storages } = prepared;
  const { runId, startedAt, codec, rowGroupRows, maxRowsPerFile, onUnrepresentable, jobs, errorAction } = options;
  const problems = plan.problems.map(problemResult);
  for (const { id, error } of plan.problems) observer.tableFailed?.(id, error);
  for (const result of problems) observer.tableEnded?.(result);

  const pool = new WorkerPool({
    runId,
    reader: source.readerSettings(),
    snapshot: plan.snapshot,
    targets: storages.targets(usedStorages(plan)),
    codec,
    rowGroupRows,
    maxRowsPerFile,
    onUnrepresentable,
  });
  const run = new Run({
    tables: plan.tables,
    readers: plan.readers,
    jobs,
    errorAction,
    pool,
    withdraw: (part) => storages.get(part.storageId).withdraw(part),
    publish: (job) => {
      const storage = storages.get(job.plan.storageId);
      return publishTable(stagedTable(job, { runId, engine: source.engine, plan, storage }));
    },
    observer,
    signal,
    isStopped: errorAction === 'fail' && problems.length > 0,
  });
  let results: TableResult[];
  try {
    results = await run.execute();
  } finally {
    await pool.close();
  }

  const tables = [...results, ...problems];
  const endedAt = new Date();
  const sum = (count: (table: TableResult) => number) => tables.reduce((total, table) => total + count(table), 0);
  return {
    runId,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    seconds: (endedAt.getTime() - startedAt.getTime()) / 1000,
    consistency: plan.snapshot.consistency,
    tables,
    rows: sum((table) => table.rows),
    files: sum((table) => table.files),
    bytes: sum((table) => table.bytes),
    exit: exitClassOf(tables, signal.aborted ? interruption(signal) : undefined),
  };
}

/** What dead runs of other users have left may not be ours to remove: no reason not to export. */
async function sweep({ storages, observer, signal }: PreparedRun): Promise<void> {
  for (const storage of storages.begun) {
    try {
      const removed = await unlessAborted(signal, storage.sweep());
      if (removed === 0) continue;
      observer.message?.('info', `Removed ${removed} temporary files that runs before this one had left`, { removed });
    } catch (thrown) {
      if (signal.aborted) return;
      const { message } = LakeportError.from(thrown);
      observer.message?.('warning', `Temporary files of runs before this one could not be removed: ${message}`);
    }
  }
}

/** What was published is published: what can't be tidied up now is no failure, and the next run will try again. */
async function endRun(storages: RunStorages, observer: RunObserver): Promise<void> {
  for (const storage of storages.begun) {
    try {
      await storage.endRun();
    } catch (thrown) {
      const { message } = LakeportError.from(thrown);
      observer.message?.('warning', `Temporary files could not be removed; the next run will: ${message}`);
    }
  }
}
