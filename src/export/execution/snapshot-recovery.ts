import { LakeportError } from '../../errors.js';
import type { Snapshot } from '../../sources/source.js';
import type { StagedPart } from '../../storage/storage.js';
import type { RunObserver } from '../model/observer.js';
import type { TablePlan } from '../model/plan.js';
import type { Renewal, SharedSnapshot } from './shared-snapshot.js';
import type { TableProgress } from './table-progress.js';
import { tableKey, tableName } from '../../model/table.js';

/** A table is begun anew so often; if the snapshot is lost once more, it goes on with slices of several moments. */
const MAX_RESTARTS = 2;

export interface RecoveryOptions {
  readonly snapshot: SharedSnapshot;
  readonly observer: RunObserver;
  /** Asks the table's readers to stop. */
  readonly stopReading: (table: TableProgress) => void;
  /** Never rejects. */
  readonly discard: (parts: readonly StagedPart[]) => Promise<void>;
}

/**
 * What becomes of tables when the connection is lost that holds the run's snapshot. A reader keeps its view of it, but the
 * locks are gone: what TRUNCATE has removed since is missing from that view without a word. So nothing counts that was not
 * read before: tables that are not complete begin anew as of another moment.
 */
export class SnapshotRecovery {
  readonly #options: RecoveryOptions;
  readonly #first: Snapshot;
  readonly #plans = new Map<string, TablePlan>();
  /** Called when no reader is on the table any more. */
  readonly #idle = new Map<TableProgress, () => void>();
  #running: Promise<Map<TableProgress, LakeportError>> | undefined;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#first = options.snapshot.current;
  }

  /** No slice may be begun now. */
  get isRenewing(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Whether the run's snapshot is still this one, and held, as the source says when it is asked from now on. What was read
   * before that is complete.
   */
  async isCurrent(snapshot: Snapshot): Promise<boolean> {
    const isHeld = await this.#options.snapshot.isHeld();
    return isHeld && this.#running === undefined && snapshot === this.#options.snapshot.current;
  }

  /**
   * Takes another snapshot at once, as the run's is known to be lost, for the tables that are not complete.
   * @returns tables that can't be read any more
   * @throws LakeportError where there can be no other snapshot
   */
  async renewLost(all: readonly TableProgress[]): Promise<ReadonlyMap<TableProgress, LakeportError>> {
    await this.#running?.catch(() => undefined);
    return all.some(isUnread) ? this.#ensureHeld(all) : new Map();
  }

  /**
   * Begins the table anew, and takes another snapshot before where the run has none.
   * @param all the tables that are not settled, this one among them
   * @returns tables that can't be read any more; to one of several callers
   * @throws LakeportError where there can be no other snapshot
   */
  async renew(table: TableProgress, all: readonly TableProgress[]): Promise<ReadonlyMap<TableProgress, LakeportError>> {
    this.readerLeft(table);
    await this.#running?.catch(() => undefined);
    const failures = await this.#ensureHeld(all);
    if (this.#isStale(table) && table.failure === undefined && !failures.has(table)) {
      const error = await this.#restartTable(table);
      if (error !== undefined) failures.set(table, error);
    }
    return failures;
  }

  /** Takes another snapshot where there is none; of several callers one does, and the others wait. */
  async #ensureHeld(all: readonly TableProgress[]): Promise<Map<TableProgress, LakeportError>> {
    const { snapshot } = this.#options;
    const { current } = snapshot;
    // Another one may have come while the old one was asked for.
    if ((await snapshot.isHeld()) || snapshot.current !== current) return new Map();
    if (this.#running !== undefined) {
      await this.#running;
      return new Map();
    }
    this.#running = this.#renewAll(all);
    try {
      return await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  /** To be called when a reader has left the table; does nothing as long as there are others. */
  readerLeft(table: TableProgress): void {
    if (!table.isIdle) return;
    this.#idle.get(table)?.();
    this.#idle.delete(table);
  }

  #isStale(table: TableProgress): boolean {
    return (table.plan.snapshot ?? this.#first) !== this.#options.snapshot.current;
  }

  async #renewAll(all: readonly TableProgress[]): Promise<Map<TableProgress, LakeportError>> {
    const { snapshot, observer } = this.#options;
    const unread = all.filter(isUnread);
    const renewal = await snapshot.renew(unread.map(({ plan }) => plan.id));
    for (const [key, plan] of renewal.tables) this.#plans.set(key, plan);
    const left = unread.filter(isUnread);
    reportReplanned(observer, renewal, left);
    const failures = new Map<TableProgress, LakeportError>();
    await Promise.all(
      left.map(async (table) => {
        const error = renewal.problems.get(tableKey(table.plan.id)) ?? (await this.#restartTable(table));
        if (error !== undefined) failures.set(table, error);
      }),
    );
    return failures;
  }

  /** Returns why it can't be. */
  async #restartTable(table: TableProgress): Promise<LakeportError | undefined> {
    const plan = this.#plans.get(tableKey(table.plan.id));
    const { observer, stopReading, discard } = this.#options;
    if (plan === undefined) return changed(table, 'is not there any more');
    if (table.startedAt !== undefined && table.restarts >= MAX_RESTARTS) {
      if (!hasSameColumns(plan, table.plan)) return changed(table, 'has other columns now');
      table.markMixed({ consistency: 'none', snapshot: plan.snapshot });
      const text = `${tableName(plan.id)} goes on with rows of another moment: its consistency is none`;
      observer.message?.('warning', text, { table: tableName(plan.id) });
      return undefined;
    }
    if (table.startedAt !== undefined) {
      table.isRestarting = true;
      stopReading(table);
      if (!table.isIdle) await new Promise<void>((resolve) => this.#idle.set(table, resolve));
      observer.message?.('warning', `${tableName(plan.id)} begins anew`, { table: tableName(plan.id) });
    }
    await discard(table.restart(plan));
    return undefined;
  }
}

function isUnread(table: TableProgress): boolean {
  return table.failure === undefined && !table.isComplete;
}

/** The tables that begin anew, with what is planned for them now. */
function reportReplanned(observer: RunObserver, { plan, tables }: Renewal, all: readonly TableProgress[]): void {
  const renewed = all.flatMap((table) => tables.get(tableKey(table.plan.id)) ?? []);
  observer.replanned?.({ ...plan, tables: renewed, problems: [] });
}

function hasSameColumns(a: TablePlan, b: TablePlan): boolean {
  return JSON.stringify(a.columns) === JSON.stringify(b.columns);
}

function changed(table: TableProgress, how: string): LakeportError {
  return new LakeportError({
    code: 'TABLE_CHANGED',
    exit: 'tables-failed',
    message: `The connection that held the run's snapshot was lost, and ${tableName(table.plan.id)} ${how}`,
    hint: 'Export the table again.',
    context: { table: tableName(table.plan.id) },
  });
}
