import { LakeportError } from '../../errors.js';
import { plannedRows, type RowCheckMode, type RowCheckResult, takesCount } from '../model/row-check.js';
import type { RowCount } from '../../sources/source.js';
import type { RunObserver } from '../model/observer.js';
import type { TablePlan } from '../model/plan.js';
import type { TableProgress } from './table-progress.js';
import { tableName } from '../../model/table.js';

/** Counts a table's rows in the source; undefined where it can't tell. */
export type CountRows = (job: TableProgress) => Promise<RowCount | undefined>;

export interface RowCheckSettings {
  readonly mode: RowCheckMode;
  readonly count: CountRows;
  /** Whether the snapshot that the job's rows are of, and its locks, are still held. */
  readonly isHeld: (job: TableProgress) => Promise<boolean>;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/** A count that came to its end. */
type Counted = RowCount | { readonly failure: LakeportError | undefined };

/**
 * Compares the rows of tables that are read in several slices with what the source counts: each row is in one slice, and
 * only one. A table that is written to while it is read, with no snapshot for all of its slices, is told, not failed.
 */
export class RowCheck {
  readonly #settings: RowCheckSettings;
  /** Counts as of the beginning, by plans: a table that begins anew has another. */
  readonly #before = new WeakMap<TablePlan, Promise<Counted>>();

  constructor(settings: RowCheckSettings) {
    this.#settings = settings;
  }

  /** To be called when the table's first slice is begun. */
  begin(job: TableProgress): void {
    if (job.isReadAtOnce && takesCount(job.plan, this.#settings.mode)) void this.#countBefore(job);
  }

  /** @throws LakeportError where rows are missing or come twice */
  async check(job: TableProgress): Promise<RowCheckResult> {
    const { plan } = job;
    if (plan.slices.length <= 1) return 'not_needed';
    const planned = plannedRows(plan);
    if (planned === undefined && this.#settings.mode === 'none') return 'off';
    // What an earlier attempt has read is of another time; so is each foreign table by itself.
    if (!job.isReadAtOnce || plan.isForeign === true) return 'not_possible';
    const before = planned === undefined ? await this.#countBefore(job) : { rows: planned, ofSnapshot: false };
    if ('failure' in before) return this.#notCounted(job, before.failure);
    const { rows } = job.sums;
    if (before.rows === rows) return 'passed';
    if (before.ofSnapshot) return this.#differs(job, { rows, counted: before.rows });
    const after = await this.#count(job);
    if ('failure' in after) return this.#notCounted(job, after.failure, before.rows);
    if (after.rows === rows) return 'passed';
    if (after.rows === before.rows) throw differs(job, { rows, counted: before.rows });
    const table = tableName(plan.id);
    const text =
      `${table} was modified while it was read in ${plan.slices.length} slices: the source counted ` +
      `${before.rows} rows before and ${after.rows} after, ${rows} were exported; ` +
      `"${table}:None" in --table-config reads it in one piece`;
    this.#settings.observer.message?.('warning', text, { event: 'table_modified', table });
    return 'not_possible';
  }

  /** Locks that are gone let others empty the table, also for a snapshot that is still there. */
  async #differs(
    job: TableProgress,
    numbers: { readonly rows: number; readonly counted: number },
  ): Promise<RowCheckResult> {
    if (await this.#settings.isHeld(job)) throw differs(job, numbers);
    return this.#notCounted(job, snapshotGone());
  }

  #countBefore(job: TableProgress): Promise<Counted> {
    const begun = this.#before.get(job.plan) ?? this.#count(job);
    this.#before.set(job.plan, begun);
    return begun;
  }

  async #count(job: TableProgress): Promise<Counted> {
    try {
      return (await this.#settings.count(job)) ?? { failure: undefined };
    } catch (error) {
      return { failure: LakeportError.from(error) };
    }
  }

  #notCounted(job: TableProgress, failure: LakeportError | undefined, before?: number): RowCheckResult {
    const { observer, signal } = this.#settings;
    if (signal.aborted || failure?.exit === 'interrupted') return 'not_possible';
    const table = tableName(job.plan.id);
    const numbers = before === undefined ? '' : ` ${before} rows before, ${job.sums.rows} exported:`;
    const why = failure === undefined ? 'the source does not tell' : failure.message;
    const text = `${table}:${numbers} its rows could not be counted, so its ${job.plan.slices.length} slices are not checked: ${why}`;
    observer.message?.('warning', text, {
      event: 'rows_not_checked',
      table,
      ...(failure !== undefined && { code: failure.code }),
    });
    return 'not_possible';
  }
}

function snapshotGone(): LakeportError {
  return new LakeportError({
    code: 'SNAPSHOT_LOST',
    exit: 'tables-failed',
    message: 'the snapshot was lost after its slices were read',
  });
}

function differs(
  job: TableProgress,
  { rows, counted }: { readonly rows: number; readonly counted: number },
): LakeportError {
  const { id, method, slices } = job.plan;
  return new LakeportError({
    code: 'SLICES_DIFFER_FROM_TABLE',
    exit: 'tables-failed',
    message: `The source counts ${counted} rows, but the ${slices.length} slices by ${method} gave ${rows}`,
    hint: `Read the table in one piece ("${tableName(id)}:None" in --table-config), or by another key or method.`,
    context: { table: tableName(id) },
  });
}
