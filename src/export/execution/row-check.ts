import { LakeportError } from '../../errors.js';
import { plannedRows, type RowCheckMode, type RowCheckResult, takesCount } from '../model/row-check.js';
import type { RowCount } from '../../sources/source.js';
import type { RunObserver } from '../model/observer.js';
import type { TablePlan } from '../model/plan.js';
import type { TableProgress } from './table-progress.js';
import { tableName } from '../../model/table.js';

/** Counts a table's rows in the source; undefined if the source cannot count them. */
type CountRows = (table: TableProgress) => Promise<RowCount | undefined>;

export interface RowCheckOptions {
  readonly mode: RowCheckMode;
  readonly count: CountRows;
  /** Whether the snapshot the table was read from, and its locks, are still held. */
  readonly isHeld: (table: TableProgress) => Promise<boolean>;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

type Counted = RowCount | { readonly failure: LakeportError | undefined };

/**
 * Compares the rows of tables read in several slices with the source's own count: every row must be in exactly one
 * slice. A table modified while it was read without a shared snapshot causes a warning, not a failure.
 */
export class RowCheck {
  readonly #options: RowCheckOptions;
  /** Counts taken before the first read, by plan: a restarted table has another plan. */
  readonly #before = new WeakMap<TablePlan, Promise<Counted>>();

  constructor(options: RowCheckOptions) {
    this.#options = options;
  }

  /** Call before the table's first slice is read. */
  begin(table: TableProgress): void {
    if (table.isFromOnePlan && takesCount(table.plan, this.#options.mode)) void this.#countBefore(table);
  }

  /** @throws LakeportError if rows are missing or duplicated */
  async check(table: TableProgress): Promise<RowCheckResult> {
    const { plan } = table;
    if (plan.slices.length <= 1) return 'not_needed';
    const planned = plannedRows(plan);
    if (planned === undefined && this.#options.mode === 'none') return 'off';
    // Rows read by an earlier attempt, and rows of foreign tables, are from other points in time.
    if (!table.isFromOnePlan || plan.isForeign === true) return 'not_possible';
    const before = planned === undefined ? await this.#countBefore(table) : { rows: planned, ofSnapshot: false };
    if ('failure' in before) return this.#notCounted(table, before.failure);
    const { rows } = table.sums;
    if (before.rows === rows) return 'passed';
    if (before.ofSnapshot) return this.#differs(table, { rows, counted: before.rows });
    const after = await this.#count(table);
    if ('failure' in after) return this.#notCounted(table, after.failure, before.rows);
    if (after.rows === rows) return 'passed';
    if (after.rows === before.rows) throw differs(table, { rows, counted: before.rows });
    const name = tableName(plan.id);
    const text =
      `${name} was modified while it was read in ${plan.slices.length} slices: the source counted ` +
      `${before.rows} rows before and ${after.rows} after, ${rows} were exported; ` +
      `"${name}:None" in --table-config reads it in one piece`;
    this.#options.observer.message?.('warning', text, { event: 'table_modified', table: name });
    return 'not_possible';
  }

  /** Without the locks, other sessions can truncate the table, even for a snapshot that is still held. */
  async #differs(
    table: TableProgress,
    numbers: { readonly rows: number; readonly counted: number },
  ): Promise<RowCheckResult> {
    if (await this.#options.isHeld(table)) throw differs(table, numbers);
    return this.#notCounted(table, snapshotGone());
  }

  #countBefore(table: TableProgress): Promise<Counted> {
    const begun = this.#before.get(table.plan) ?? this.#count(table);
    this.#before.set(table.plan, begun);
    return begun;
  }

  async #count(table: TableProgress): Promise<Counted> {
    try {
      return (await this.#options.count(table)) ?? { failure: undefined };
    } catch (error) {
      return { failure: LakeportError.from(error) };
    }
  }

  #notCounted(table: TableProgress, failure: LakeportError | undefined, before?: number): RowCheckResult {
    const { observer, signal } = this.#options;
    if (signal.aborted || failure?.exit === 'interrupted') return 'not_possible';
    const name = tableName(table.plan.id);
    const numbers = before === undefined ? '' : ` ${before} rows before, ${table.sums.rows} exported:`;
    const why = failure === undefined ? 'the source gives no count' : failure.message;
    const text = `${name}:${numbers} its rows could not be counted, so its ${table.plan.slices.length} slices are not checked: ${why}`;
    observer.message?.('warning', text, {
      event: 'rows_not_checked',
      table: name,
      ...(failure !== undefined && { code: failure.code }),
    });
    return 'not_possible';
  }
}

function snapshotGone(): LakeportError {
  return new LakeportError({
    code: 'SNAPSHOT_LOST',
    message: 'The snapshot was lost after its slices were read',
  });
}

function differs(
  table: TableProgress,
  { rows, counted }: { readonly rows: number; readonly counted: number },
): LakeportError {
  const { id, method, slices } = table.plan;
  return new LakeportError({
    code: 'SLICES_DIFFER_FROM_TABLE',
    message: `The source counts ${counted} rows, but the ${slices.length} slices by ${method} gave ${rows}`,
    hint: `Read the table in one piece ("${tableName(id)}:None" in --table-config), or by another key or method.`,
    context: { table: tableName(id) },
  });
}
