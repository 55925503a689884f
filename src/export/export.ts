import type { AuthFile } from '../auth/auth-file.js';
import { LakeportError } from '../errors.js';
import { openSource } from '../sources/index.js';
import type { Source } from '../sources/source.js';
import { openStorage, type StorageTarget } from '../storage/index.js';
import { checkSubPath, tableDirectory } from '../storage/path.js';
import type { Storage } from '../storage/storage.js';
import { exitClassOf } from './exit-class.js';
import { interruption } from './interruption.js';
import { stagedTable } from './job-publication.js';
import type { RunObserver } from './observer.js';
import type { ExportOptions } from './options.js';
import type { RunPlan } from './plan.js';
import { planTables } from './planner.js';
import { publishTable } from './publisher.js';
import type { RunResult, TableResult } from './result.js';
import { Run } from './run.js';
import { problemResult } from './table-result.js';
import { WorkerPool } from './worker-pool.js';

export interface ExportRequest {
  readonly options: ExportOptions;
  readonly auth: AuthFile;
  readonly observer?: RunObserver | undefined;
  /** A `LakeportError` as its reason says what kind of interruption it is. */
  readonly signal?: AbortSignal | undefined;
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
    const { storage, options, observer } = prepared;
    await storage.prepare();
    await storage.beginRun({ runId: options.runId, directory: options.subPath });
    try {
      await sweep(storage, observer);
      const result = await exportTables(prepared);
      observer.ended?.(result);
      return result;
    } finally {
      await endRun(storage, observer);
    }
  });
}

interface PreparedRun {
  readonly options: ExportOptions;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  readonly source: Source;
  readonly target: StorageTarget;
  readonly storage: Storage;
  readonly plan: RunPlan;
}

/** Opens source and storage, plans, and closes them after `use`, which may need the snapshot that the source holds. */
async function withPlan<T>(request: ExportRequest, use: (prepared: PreparedRun) => Promise<T>): Promise<T> {
  const { options, auth, observer = {}, signal = new AbortController().signal } = request;
  checkSubPath(options.subPath);
  const entry = auth.database(options.sourceId);
  const target = storageTarget(options, auth);
  const storage = await openStorage(target);
  let source: Source | undefined;
  // Ends whatever the source is waiting for, such as a lock.
  const giveUp = () => void source?.close();
  try {
    signal.throwIfAborted();
    const { databaseName: database, lockTimeoutMs } = options;
    source = await openSource(entry, { database, lockTimeoutMs, signal });
    signal.addEventListener('abort', giveUp, { once: true });
    signal.throwIfAborted();
    const plan = await planTables({ options, source, storage, observer, signal });
    signal.removeEventListener('abort', giveUp);
    return await use({ options, observer, signal, source, target, storage, plan });
  } catch (error) {
    throw signal.aborted ? interruption(signal) : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
    await Promise.all([source?.close(), storage.close()]);
  }
}

function storageTarget({ target }: ExportOptions, auth: AuthFile): StorageTarget {
  if ('directory' in target) return { kind: 'directory', directory: target.directory };
  return { kind: 'entry', entry: auth.storage(target.storageId) };
}

async function exportTables(prepared: PreparedRun): Promise<RunResult> {
  const { options, plan, source, observer, signal, target, storage } = prepared;
  const { runId, startedAt, codec, rowGroupRows, maxRowsPerFile, onUnrepresentable, jobs, errorAction } = options;
  const problems = plan.problems.map((problem) => {
    return problemResult(problem, storage.display(tableDirectory(options.subPath, problem.id)));
  });
  for (const { id, error } of plan.problems) observer.tableFailed?.(id, error);
  for (const result of problems) observer.tableEnded?.(result);

  const pool = new WorkerPool({
    runId,
    reader: source.readerSettings(),
    snapshot: plan.snapshot,
    targets: [target],
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
    withdraw: (part) => storage.withdraw(part),
    publish: (job) => publishTable(stagedTable(job, { runId, engine: source.engine, plan, storage })),
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
async function sweep(storage: Storage, observer: RunObserver): Promise<void> {
  try {
    const removed = await storage.sweep();
    if (removed === 0) return;
    observer.message?.('info', `Removed ${removed} temporary files that runs before this one had left`, { removed });
  } catch (thrown) {
    const { message } = LakeportError.from(thrown);
    observer.message?.('warning', `Temporary files of runs before this one could not be removed: ${message}`);
  }
}

/** What was published is published: what can't be tidied up now is no failure, and the next run will try again. */
async function endRun(storage: Storage, observer: RunObserver): Promise<void> {
  try {
    await storage.endRun();
  } catch (thrown) {
    const { message } = LakeportError.from(thrown);
    observer.message?.('warning', `Temporary files could not be removed; the next run will: ${message}`);
  }
}
