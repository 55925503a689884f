import { LakeportError } from '../errors.js';
import type { RunObserver } from './observer.js';
import type { TableJob } from './table-job.js';
import { tableName } from './table-name.js';

/** Counts a table's rows in the source; undefined where it can't tell. */
export type CountRows = (job: TableJob) => Promise<number | undefined>;

/**
 * Compares the rows of tables that are read in several slices with what the source counts: each row is in one slice, and
 * only one. A table that is written to while it is read, with no snapshot for all of its slices, is told, not failed.
 */
export class RowCheck {
  readonly #count: CountRows;
  readonly #observer: RunObserver;
  /** Rows when the first slice was begun. */
  readonly #before = new Map<TableJob, Promise<number | undefined>>();

  constructor({ count, observer }: { readonly count: CountRows; readonly observer: RunObserver }) {
    this.#count = count;
    this.#observer = observer;
  }

  /** To be called when the table's first slice is begun. */
  begin(job: TableJob): void {
    if (!isDivided(job) || plannedRows(job) !== undefined) return;
    this.#before.set(
      job,
      this.#count(job).catch(() => undefined),
    );
  }

  /** @throws LakeportError where rows are missing or come twice */
  async check(job: TableJob): Promise<void> {
    if (!isDivided(job)) return;
    const { rows } = job.sums;
    const before = plannedRows(job) ?? (await this.#before.get(job));
    this.#before.delete(job);
    if (before === undefined || before === rows) return;
    const after = await this.#count(job).catch(() => undefined);
    if (after === rows) return;
    if (after === before) throw differs(job, { rows, counted: before });
    const table = tableName(job.plan.id);
    const counted = after === undefined ? `${before} rows before` : `${before} rows before and ${after} after`;
    const text =
      `${table} was modified while it was read in ${job.plan.slices.length} slices: the source counted ${counted}, ` +
      `${rows} were exported; "${table}:None" in --table_config reads it in one piece`;
    this.#observer.message?.('warning', text, { table });
  }
}

/** What an earlier attempt of the run has read is of another time, and so is what begins anew. */
function isDivided({ plan, isReadAtOnce }: TableJob): boolean {
  return plan.slices.length > 1 && isReadAtOnce;
}

/** What the plan's own question counted. */
function plannedRows({ plan }: TableJob): number | undefined {
  return plan.slices[0]?.tableRows;
}

function differs(job: TableJob, { rows, counted }: { readonly rows: number; readonly counted: number }): LakeportError {
  const { id, method, slices } = job.plan;
  return new LakeportError({
    code: 'SLICES_DIFFER_FROM_TABLE',
    exit: 'tables-failed',
    message: `The source counts ${counted} rows, but the ${slices.length} slices by ${method} gave ${rows}`,
    hint: `Read the table in one piece ("${tableName(id)}:None" in --table_config), or by another key or method.`,
    context: { table: tableName(id) },
  });
}
