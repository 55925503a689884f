import type { LakeportError } from '../../errors.js';
import type { PublishedFile, RunObserver } from '../../export/model/observer.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { RunResult, TableResult } from '../../export/model/result.js';
import type { SliceOutcome } from '../../export/model/slice-outcome.js';
import type { TableId } from '../../model/table.js';
import { FILES, JOBS, PARTITIONS, RUNS, WATERMARKS } from '../model/columns.js';
import { PlanRows } from '../model/plan-rows.js';
import type { JobRow, PartitionRow, RunRow } from '../model/rows.js';
import type { PlaceOf, Redact } from '../model/run-events.js';
import { laterThan, stateOf } from '../model/run-outcome.js';
import type { RunState } from '../model/run-state.js';

export interface RecorderOptions {
  readonly rows: RunState;
  readonly redact: Redact;
  readonly placeOf?: PlaceOf | undefined;
  /** Called after every change. */
  readonly onChange: () => void;
}

/** Records what happens in a run, as rows in memory: calls never throw and never wait. A `LogWriter` writes the rows. */
export class RunRecorder implements RunObserver {
  readonly #rows: RunState;
  readonly #redact: Redact;
  readonly #placeOf: PlaceOf | undefined;
  readonly #onChange: () => void;
  readonly #plan: PlanRows;
  /** Ids of each job's files. */
  readonly #fileIds = new Map<number, number[]>();
  /** When the snapshot of each job was taken. */
  readonly #snapshotTimes = new Map<number, Date>();

  constructor({ rows, redact, placeOf, onChange }: RecorderOptions) {
    this.#rows = rows;
    this.#redact = redact;
    this.#placeOf = placeOf;
    this.#onChange = onChange;
    this.#plan = new PlanRows(rows);
    for (const row of rows.files.all()) idsOf(this.#fileIds, row.job_id).push(row.file_id);
  }

  get runId(): string {
    return this.#rows.run.run_id;
  }

  /** On a resume, keeps what the log has only if the plan still contains it. */
  planned(plan: RunPlan): void {
    for (const table of plan.tables) {
      const job = this.#plan.jobOf(table.id);
      this.#changeJob(job, this.#plan.plan(table));
      const { takenAt } = table.snapshot ?? plan.snapshot;
      this.#snapshotTimes.set(job.job_id, new Date(takenAt));
    }
    for (const { id } of plan.problems) this.#plan.jobOf(id);
    this.#changeRun(RUNS.valuesOf('plan', { plan, tableCount: this.#rows.jobs.nextId }));
  }

  replanned(plan: RunPlan): void {
    this.planned(plan);
  }

  tableStarted(table: TableId): void {
    const job = this.#plan.jobOf(table);
    this.#changeJob(job, {
      ...JOBS.newAttempt(),
      state: 'running',
      attempts: job.attempts + 1,
      started_at: new Date(),
    });
  }

  /** Reading a slice starts, for the first time or as a retry. */
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

  /** All files of the slice are staged, so it need not be read again. */
  sliceStaged(table: TableId, slice: number, outcome: SliceOutcome): void {
    const partition = this.#plan.partitionOf(table, slice);
    if (partition === undefined) return;
    this.#changePartition(partition, {
      state: 'completed',
      ...PARTITIONS.valuesOf('staged', { outcome, startedAt: partition.started_at }),
    });
  }

  /** Reading a slice failed; `final` if it is not retried. */
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
      const published = { file, runId: this.runId, jobId: job.job_id, fileId, publishedAt };
      this.#rows.files.put(fileId, FILES.newRow(FILES.valuesOf('published', published)));
    }
    for (const id of this.#plan.partitionIdsOf(job)) this.#rows.partitions.change(id, { staged: null });
    this.#onChange();
  }

  tableEnded(result: TableResult): void {
    const job = this.#plan.jobOf(result.table);
    const published = result.state === 'completed' ? result : undefined;
    this.#changeJob(job, JOBS.valuesOf('result', { result, published, before: job, redact: this.#redact }));
    if (published !== undefined && published.publishedEarlier !== true) this.#recordSync(job.job_id, published);
  }

  /** Where the sync of a published table ended; written in one step with the table's result. */
  #recordSync(jobId: number, result: TableResult): void {
    const { sync, storageId, path } = result;
    if (sync === undefined) return;
    const synced = {
      result,
      sync,
      run: this.#rows.run,
      jobId,
      place: this.#placeOf?.({ storageId, path }) ?? `${storageId} ${path}`,
      snapshotAt: this.#snapshotTimes.get(jobId) ?? null,
      recordedAt: new Date(),
    };
    this.#rows.watermarks.put(jobId, WATERMARKS.newRow(WATERMARKS.valuesOf('synced', synced)));
    this.#onChange();
  }

  ended(result: RunResult): void {
    const { started_at: startedAt } = this.#rows.run;
    this.#changeRun({
      state: stateOf(result.exit),
      ...RUNS.valuesOf('result', { result, startedAt, redact: this.#redact }),
    });
  }

  /** The run failed without a result. */
  failed(error: LakeportError): void {
    this.#changeRun({
      state: stateOf(error.exit),
      ended_at: laterThan(this.#rows.run.started_at),
      error_class: error.exit,
      error_code: error.code,
      error_message: this.#redact(error.message),
    });
  }

  /** Keeps the run's sums in step with its tables. */
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

/** What a table contributes to its run's sums. */
function shareOf({ state, row_count: rows, byte_count: bytes, file_count: files }: JobRow) {
  return {
    completed_tables: Number(state === 'completed'),
    failed_tables: Number(state === 'failed'),
    row_count: rows ?? 0,
    byte_count: bytes ?? 0,
    file_count: files ?? 0,
  };
}

type Share = ReturnType<typeof shareOf>;

/** A run's sums after the share of one of its tables has changed. */
function sumsAfter(run: Share, { from, to }: { readonly from: Share; readonly to: Share }): Share {
  return {
    completed_tables: run.completed_tables + to.completed_tables - from.completed_tables,
    failed_tables: run.failed_tables + to.failed_tables - from.failed_tables,
    row_count: run.row_count + to.row_count - from.row_count,
    byte_count: run.byte_count + to.byte_count - from.byte_count,
    file_count: run.file_count + to.file_count - from.file_count,
  };
}
