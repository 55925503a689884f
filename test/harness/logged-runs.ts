import { randomUUID } from 'node:crypto';

import type { LakeportError } from '../../src/errors.js';
import type { RunPlan, TablePlan } from '../../src/export/model/plan.js';
import type { RunResult, TableResult } from '../../src/export/model/result.js';
import type { SliceOutcome } from '../../src/export/model/slice-outcome.js';
import { NO_MEMORY } from '../../src/parquet/memory.js';
import type { LogListener } from '../../src/runlog/recorder/log-listener.js';
import type { NewRun } from '../../src/runlog/model/run-events.js';
import type { PublishedFile } from '../../src/export/model/observer.js';
import type { RunRecorder } from '../../src/runlog/recorder/run-recorder.js';
import { tablePlan } from './table-plans.js';

/** The run-log events of an export, without an export. */

export function newRun(changes: Partial<NewRun> = {}): NewRun {
  return {
    runId: randomUUID(),
    startedAt: new Date(),
    commandLine: 'lakeport -a auth.json --source_db_auth_id ds_pg --output_dir out',
    settings: { sourceId: 'ds_pg', jobs: 4 },
    target: 'out',
    envName: undefined,
    sourceType: 'postgres',
    ...changes,
  };
}

export function runPlan(tables: readonly TablePlan[], changes: Partial<RunPlan> = {}): RunPlan {
  return {
    server: { product: 'PostgreSQL 17.9', address: 'db1:5432', database: 'shop' },
    snapshot: { consistency: 'run', token: '1', id: '100:200:', takenAt: '2026-01-02T03:04:05.678Z' },
    tables,
    problems: [],
    skipped: [],
    leftOut: [],
    readers: 2,
    connections: 3,
    readerMemory: { ...NO_MEMORY, rowGroupBytes: 1 << 28 },
    ...changes,
  };
}

export function tables(count: number, options: { readonly slices?: number } = {}): TablePlan[] {
  return Array.from({ length: count }, (_, index) => tablePlan(`table_${index}`, options));
}

export function stagedOutcome(plan: TablePlan, slice: number, rows = 10): SliceOutcome {
  const path = `${plan.directory}/part-${String(slice).padStart(5, '0')}.parquet`;
  const part = { storageId: plan.storageId, path, bytes: rows * 100, sha256: 'ab'.repeat(32), token: { slice } };
  const rowGroups = [{ rows, bytes: rows * 90 }];
  return { rows, bytes: rows * 80, unrepresentable: {}, files: [{ part, rows, rowGroups }] };
}

export function tableResult(plan: TablePlan, changes: Partial<TableResult> = {}): TableResult {
  const files = plan.slices.length;
  return {
    table: plan.id,
    state: 'completed',
    rows: files * 10,
    files,
    bytes: files * 1000,
    seconds: 0.05,
    storageId: plan.storageId,
    path: plan.displayPath,
    unrepresentable: {},
    error: undefined,
    ...changes,
  };
}

export function runResult(runId: string, results: readonly TableResult[], exit?: RunResult['exit']): RunResult {
  const sum = (count: (result: TableResult) => number) => results.reduce((total, one) => total + count(one), 0);
  return {
    runId,
    startedAt: '',
    endedAt: '',
    seconds: 1,
    consistency: 'run',
    tables: results,
    rows: sum((result) => result.rows),
    files: sum((result) => result.files),
    bytes: sum((result) => result.bytes),
    exit,
    skipped: [],
  };
}

/** All events of a successful table. */
export function recordTable(recorder: RunRecorder, plan: TablePlan): TableResult {
  recorder.tableStarted(plan.id);
  const outcomes = plan.slices.map((slice) => {
    const outcome = stagedOutcome(plan, slice.index);
    recorder.sliceStarted(plan.id, slice.index);
    recorder.sliceStaged(plan.id, slice.index, outcome);
    return outcome;
  });
  const result = tableResult(plan);
  recorder.tablePublished(plan.id, outcomes.flatMap(publishedFiles));
  recorder.tableEnded(result);
  return result;
}

/** All events of a table that cannot be read. */
export function recordFailure(recorder: RunRecorder, plan: TablePlan, error: LakeportError): TableResult {
  recorder.tableStarted(plan.id);
  recorder.sliceStarted(plan.id, 0);
  recorder.sliceFailed(plan.id, 0, { error, final: true });
  const result = tableResult(plan, { state: 'failed', rows: 0, files: 0, bytes: 0, error: error.toData() });
  recorder.tableEnded(result);
  return result;
}

export function publishedFiles(outcome: SliceOutcome, slice: number): PublishedFile[] {
  return outcome.files.map(({ part, rows, rowGroups }) => ({
    slice,
    storageId: part.storageId,
    path: part.path,
    displayPath: `out/${part.path}`,
    rows,
    bytes: part.bytes,
    sha256: part.sha256,
    rowGroups: rowGroups.length,
  }));
}

/** Records the log's own events, by call name. */
export class HeardOfLog implements LogListener {
  readonly events: string[] = [];
  readonly errors: LakeportError[] = [];
  readonly kept: string[] = [];

  onTrouble(error: LakeportError): void {
    this.events.push('trouble');
    this.errors.push(error);
  }

  onRecovered(): void {
    this.events.push('recovered');
  }

  onTaken(): void {
    this.events.push('taken');
  }

  onKept(file: string): void {
    this.events.push('kept');
    this.kept.push(file);
  }

  onLost(error: LakeportError): void {
    this.events.push('lost');
    this.errors.push(error);
  }
}
