import { columnsOnRecord } from '../../export/resume/previous-attempt.js';
import type { TablePlan } from '../../export/model/plan.js';
import type { TableId } from '../../model/table.js';
import type { Slice } from '../../sources/source.js';
import type { JobRow, PartitionRow } from './row-types.js';

/** A table of which nothing is known but its name. Every field is named here: objects of one shape are cheap. */
export function emptyJob(table: TableId, { runId, jobId }: { readonly runId: string; readonly jobId: number }): JobRow {
  return {
    run_id: runId,
    job_id: jobId,
    source_schema: table.schema,
    source_table: table.name,
    table_kind: null,
    storage_id: null,
    directory: null,
    path: null,
    method: null,
    degree: null,
    partition_count: 0,
    estimated_rows: null,
    estimated_bytes: null,
    columns: null,
    state: 'pending',
    attempts: 0,
    row_count: null,
    byte_count: null,
    file_count: null,
    consistency: null,
    unrepresentable: null,
    started_at: null,
    ended_at: null,
    error_class: null,
    error_code: null,
    error_message: null,
    error_hint: null,
  };
}

/** What a plan says of a table; nothing of an earlier attempt counts any more. */
export function plannedJob(plan: TablePlan) {
  return {
    table_kind: plan.kind,
    storage_id: plan.storageId,
    directory: plan.directory,
    path: plan.displayPath,
    method: plan.method,
    degree: plan.degree,
    partition_count: plan.slices.length,
    estimated_rows: plan.estimatedRows ?? null,
    estimated_bytes: plan.estimatedBytes ?? null,
    columns: JSON.stringify(columnsOnRecord(plan.columns)),
    state: 'pending',
    row_count: null,
    byte_count: null,
    file_count: null,
    consistency: plan.consistency ?? null,
    unrepresentable: null,
    started_at: null,
    ended_at: null,
    error_class: null,
    error_code: null,
    error_message: null,
    error_hint: null,
  } satisfies Partial<JobRow>;
}

/** @param slice.sole the table is read in one piece */
export function plannedPartition(
  slice: Slice & { readonly sole: boolean },
  ids: { readonly runId: string; readonly jobId: number; readonly partitionId: number },
): PartitionRow {
  const { sole, ...plain } = slice;
  return {
    run_id: ids.runId,
    partition_id: ids.partitionId,
    job_id: ids.jobId,
    slice_index: slice.index,
    method: slice.method,
    bounds: slice.bounds,
    // Slices are of their moment and are kept; a whole table is planned anew as well as it was.
    slice: sole ? null : JSON.stringify(plain),
    state: 'pending',
    attempts: 0,
    row_count: null,
    byte_count: null,
    staged: null,
    started_at: null,
    ended_at: null,
    error_code: null,
    error_message: null,
  };
}
