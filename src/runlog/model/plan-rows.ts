import type { TablePlan } from '../../export/model/plan.js';
import { type TableId, tableKey } from '../../model/table.js';
import type { Slice } from '../../sources/source.js';
import { JOBS, PARTITIONS } from './columns.js';
import type { JobRow, PartitionRow } from './rows.js';
import type { RunState } from './run-state.js';

/** Finds the rows of tables and slices, and creates missing ones. */
export class PlanRows {
  readonly #rows: RunState;
  readonly #jobIds = new Map<string, number>();
  /** Ids of each job's partitions, by slice. */
  readonly #partitionIds = new Map<number, number[]>();
  /** Of each planned job. */
  readonly #slices = new Map<number, readonly Slice[]>();

  constructor(rows: RunState) {
    this.#rows = rows;
    for (const job of rows.jobs.all()) {
      this.#jobIds.set(tableKey({ schema: job.source_schema, name: job.source_table }), job.job_id);
    }
    for (const row of rows.partitions.all()) this.#idsOf(row)[row.slice_index] = row.partition_id;
  }

  /**
   * Creates or renews the partitions of a table. Those that are staged and still in the plan stay as they are.
   * @returns the changes to the table's own row
   */
  plan(table: TablePlan): Partial<JobRow> {
    const job = this.jobOf(table.id);
    const ids = this.#idsOf(job);
    this.#slices.set(job.job_id, table.slices);
    // What was read from another snapshot does not count in this one.
    const isOther = job.moment !== null && table.moment !== undefined && table.moment !== job.moment;
    for (const slice of table.slices) {
      // A table read in one piece gets its partition when it is read, if ever: large schemas consist mostly of such tables.
      if (table.slices.length === 1 && ids[slice.index] === undefined) continue;
      const row = this.#freshPartition(job, slice);
      const known = this.#rows.partitions.get(row.partition_id);
      const isStillStaged =
        !isOther && typeof known?.staged === 'string' && known.slice === row.slice && known.bounds === row.bounds;
      if (!isStillStaged) this.#rows.partitions.put(row.partition_id, { ...row, attempts: known?.attempts ?? 0 });
    }
    for (const id of ids.splice(table.slices.length)) this.#rows.partitions.remove(id);
    return { ...JOBS.newAttempt(), ...JOBS.valuesOf('plan', table) };
  }

  jobOf(table: TableId): JobRow {
    const { jobs, run } = this.#rows;
    const known = jobs.get(this.#jobIds.get(tableKey(table)) ?? -1);
    if (known !== undefined) return known;
    const job = JOBS.newRow({
      run_id: run.run_id,
      job_id: jobs.nextId,
      source_schema: table.schema,
      source_table: table.name,
    });
    this.#jobIds.set(tableKey(table), job.job_id);
    jobs.put(job.job_id, job);
    return job;
  }

  /** Undefined for a slice that is in no plan. */
  partitionOf(table: TableId, index: number): PartitionRow | undefined {
    const job = this.jobOf(table);
    const { partitions } = this.#rows;
    const known = partitions.get(this.#idsOf(job)[index] ?? -1);
    const slice = this.#slices.get(job.job_id)?.[index];
    if (known !== undefined || slice === undefined) return known;
    const partition = this.#freshPartition(job, slice);
    partitions.put(partition.partition_id, partition);
    return partition;
  }

  partitionIdsOf(job: JobRow): readonly number[] {
    return this.#idsOf(job);
  }

  #freshPartition(job: JobRow, slice: Slice): PartitionRow {
    const ids = this.#idsOf(job);
    const partitionId = ids[slice.index] ?? this.#rows.partitions.nextId;
    ids[slice.index] = partitionId;
    const isOnly = this.#slices.get(job.job_id)?.length === 1;
    const planned = { slice, isOnly, runId: job.run_id, jobId: job.job_id, partitionId };
    return PARTITIONS.newRow(PARTITIONS.valuesOf('plan', planned));
  }

  #idsOf({ job_id: jobId }: Pick<JobRow, 'job_id'>): number[] {
    const known = this.#partitionIds.get(jobId);
    if (known !== undefined) return known;
    const ids: number[] = [];
    this.#partitionIds.set(jobId, ids);
    return ids;
  }
}
