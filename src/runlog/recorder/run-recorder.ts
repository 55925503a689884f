import type { PreviousColumn } from '../../export/resume/previous-attempt.js';
import type { LakeportError } from '../../errors.js';
import type { PublishedFile, RunObserver } from '../../export/model/observer.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { RunResult, TableResult } from '../../export/model/result.js';
import type { SliceOutcome } from '../../export/model/slice-outcome.js';
import type { TableId } from '../../model/table.js';
import { PlanRows } from '../model/plan-rows.js';
import type { JobRow, PartitionRow, RunRow } from '../model/row-types.js';
import { failureOf, laterThan, shareOf, stateOf, sumsAfter } from '../model/run-outcome.js';
import type { RunState } from '../model/run-state.js';

export interface RecorderOptions {
  readonly rows: RunState;
  /** Hides secrets in texts that come from elsewhere. */
  readonly redact: (text: string) => string;
  /** Called after every change. */
  readonly onChange: () => void;
}

const NO_ERROR = { error_class: null, error_code: null, error_message: null, error_hint: null } as const;

/**
 * Notes what happens in a run, in rows in memory: calls never throw and nobody waits for them. The rows come into the log
 * in their own time.
 */
export class RunRecorder implements RunObserver {
  readonly #rows: RunState;
  readonly #redact: (text: string) => string;
  readonly #onChange: () => void;
  readonly #plan: PlanRows;
  /** Ids of each job's files. */
  readonly #fileIds = new Map<number, number[]>();

  constructor({ rows, redact, onChange }: RecorderOptions) {
    this.#rows = rows;
    this.#redact = redact;
    this.#onChange = onChange;
    this.#plan = new PlanRows(rows);
    for (const row of rows.files.all()) idsOf(this.#fileIds, row.job_id).push(row.file_id);
  }

  get runId(): string {
    return this.#rows.run.run_id;
  }

  /** On a resume, of what the log has only that stays which the plan still holds. */
  planned(plan: RunPlan): void {
    const { server, snapshot } = plan;
    for (const table of plan.tables) this.#changeJob(this.#plan.jobOf(table.id), this.#plan.plan(table));
    for (const { id } of plan.problems) this.#plan.jobOf(id);
    this.#changeRun({
      source_server: server.address,
      source_database: server.database,
      consistency: snapshot.consistency,
      snapshot_id: snapshot.id ?? null,
      snapshot_at: new Date(snapshot.takenAt),
      table_count: this.#rows.jobs.nextId,
    });
  }

  replanned(plan: RunPlan): void {
    this.planned(plan);
  }

  tableStarted(table: TableId): void {
    const job = this.#plan.jobOf(table);
    this.#changeJob(job, {
      state: 'running',
      attempts: job.attempts + 1,
      row_count: null,
      byte_count: null,
      file_count: null,
      started_at: new Date(),
      ended_at: null,
      ...NO_ERROR,
    });
  }

  /** A slice is being read, for the first time or once more. */
  sliceStarted(table: TableId, slice: number): void {
    const partition = this.#plan.partitionOf(table, slice);
    if (partition === undefined) return;
    this.#changePartition(partition, {
      state: 'running',
      attempts: partition.attempts + 1,
      started_at: new Date(),
      ended_at: null,
    });
  }

  /** All files of the slice are staged: from now on it need not be read again. */
  sliceStaged(table: TableId, slice: number, outcome: SliceOutcome): void {
    const partition = this.#plan.partitionOf(table, slice);
    if (partition === undefined) return;
    this.#changePartition(partition, {
      state: 'completed',
      row_count: outcome.rows,
      byte_count: outcome.files.reduce((sum, file) => sum + file.part.bytes, 0),
      staged: JSON.stringify(outcome),
      ended_at: laterThan(partition.started_at),
      error_code: null,
      error_message: null,
    });
  }

  /** Reading a slice failed; `final` where it is not tried again. */
  sliceFailed(
    table: TableId,
    slice: number,
    failure: { readonly error: LakeportError; readonly final: boolean },
  ): void {
    const partition = this.#plan.partitionOf(table, slice);
    if (partition === undefined) return;
    this.#changePartition(partition, {
      state: failure.final ? 'failed' : 'pending',
      ended_at: laterThan(partition.started_at),
      error_code: failure.error.code,
      error_message: this.#redact(failure.error.message),
    });
  }

  /** The table's files are visible, `_SUCCESS` included. */
  tablePublished(table: TableId, files: readonly PublishedFile[]): void {
    const job = this.#plan.jobOf(table);
    const ids = idsOf(this.#fileIds, job.job_id);
    for (const id of ids.splice(0)) this.#rows.files.remove(id);
    const publishedAt = new Date();
    for (const file of files) {
      const fileId = this.#rows.files.nextId;
      ids.push(fileId);
      this.#rows.files.put(fileId, {
        run_id: this.runId,
        file_id: fileId,
        job_id: job.job_id,
        slice_index: file.slice,
        storage_id: file.storageId,
        object_path: file.path,
        path: file.displayPath,
        row_count: file.rows,
        byte_count: file.bytes,
        sha256: file.sha256,
        row_groups: file.rowGroups,
        published_at: publishedAt,
      });
    }
    for (const id of this.#plan.partitionIdsOf(job)) this.#rows.partitions.change(id, { staged: null });
    this.#onChange();
  }

  tableEnded(result: TableResult): void {
    const job = this.#plan.jobOf(result.table);
    const { error, state, unrepresentable, lostBounds = {} } = result;
    const isPublished = state === 'completed';
    const wasNeverBegun = state === 'cancelled' && job.started_at === null;
    this.#changeJob(job, {
      state,
      path: result.path,
      row_count: isPublished ? result.rows : null,
      byte_count: isPublished ? result.bytes : null,
      file_count: isPublished ? result.files : null,
      columns: withLostBounds(job.columns, lostBounds),
      unrepresentable: Object.keys(unrepresentable).length === 0 ? null : JSON.stringify(unrepresentable),
      ended_at: wasNeverBegun ? null : laterThan(job.started_at, result.seconds),
      error_class: error?.exit ?? null,
      error_code: error?.code ?? null,
      error_message: error === undefined ? null : this.#redact(error.message),
      error_hint: error?.hint === undefined ? null : this.#redact(error.hint),
    });
  }

  ended(result: RunResult): void {
    this.#changeRun({
      state: stateOf(result.exit),
      consistency: result.consistency,
      ended_at: laterThan(this.#rows.run.started_at, result.seconds),
      error_class: result.exit ?? null,
      error_message: result.exit === undefined ? null : this.#redact(failureOf(result)),
    });
  }

  /** The run failed before it came to a result. */
  failed(error: LakeportError): void {
    this.#changeRun({
      state: stateOf(error.exit),
      ended_at: laterThan(this.#rows.run.started_at),
      error_class: error.exit,
      error_code: error.code,
      error_message: this.#redact(error.message),
    });
  }

  /** The run's sums follow its tables. */
  #changeJob(job: JobRow, change: Partial<JobRow>): void {
    const from = shareOf(job);
    this.#rows.jobs.change(job.job_id, change);
    this.#changeRun(sumsAfter(this.#rows.run, { from, to: shareOf(job) }));
  }

  #changePartition(partition: PartitionRow, change: Partial<PartitionRow>): void {
    this.#rows.partitions.change(partition.partition_id, change);
    this.#onChange();
  }

  #changeRun(change: Partial<RunRow>): void {
    this.#rows.changeRun(change);
    this.#onChange();
  }
}

function idsOf(byJob: Map<number, number[]>, jobId: number): number[] {
  const known = byJob.get(jobId);
  if (known !== undefined) return known;
  const ids: number[] = [];
  byJob.set(jobId, ids);
  return ids;
}

/** @param columns of the job's row */
function withLostBounds(columns: string | null, lostBounds: Readonly<Record<string, number>>): string | null {
  if (columns === null || Object.keys(lostBounds).length === 0) return columns;
  // Written by `plannedJob`, by nobody else.
  const known = JSON.parse(columns) as readonly PreviousColumn[];
  return JSON.stringify(
    known.map(([name, type, nullable]) =>
      Object.hasOwn(lostBounds, name) ? [name, type, nullable, lostBounds[name]] : [name, type, nullable],
    ),
  );
}
