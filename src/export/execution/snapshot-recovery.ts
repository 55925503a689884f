import { LakeportError } from '../../errors.js';
import { isSameMoment, type Snapshot } from '../../sources/source.js';
import type { StagedPart } from '../../storage/storage.js';
import type { RunObserver } from '../model/observer.js';
import type { TablePlan } from '../model/plan.js';
import type { Renewal, SharedSnapshot } from './shared-snapshot.js';
import type { TableProgress } from './table-progress.js';
import { tableKey, tableName } from '../../model/table.js';

/** A table restarts at most this often; after that, it continues with slices from several snapshots. */
const MAX_RESTARTS = 2;

export interface RecoveryOptions {
  readonly snapshot: SharedSnapshot;
  readonly observer: RunObserver;
  /** Cancels the table's readers. */
  readonly stopReading: (table: TableProgress) => void;
  /** Never rejects. */
  readonly discard: (parts: readonly StagedPart[]) => Promise<void>;
}

/**
 * Recovers tables when the connection holding the run's snapshot is lost. Readers keep their view of it, but the
 * locks are gone: rows removed by a later TRUNCATE are silently missing from that view. Only what was read before
 * counts, and incomplete tables restart from a new snapshot.
 */
export class SnapshotRecovery {
  readonly #options: RecoveryOptions;
  readonly #first: Snapshot;
  readonly #plans = new Map<string, TablePlan>();
  /** Called when no reader is working on the table. */
  readonly #idle = new Map<TableProgress, () => void>();
  #running: Promise<Map<TableProgress, LakeportError>> | undefined;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#first = options.snapshot.current;
  }

  /** While true, no slice may start. */
  get isRenewing(): boolean {
    return this.#running !== undefined || this.#options.snapshot.isTakingOver === true;
  }

  /**
   * Whether this is still the run's snapshot, and the source confirms that it is held. If so, everything read before
   * the call is complete.
   */
  async isCurrent(snapshot: Snapshot): Promise<boolean> {
    const isHeld = await this.#options.snapshot.isHeld();
    return isHeld && this.#running === undefined && isSameMoment(snapshot, this.#options.snapshot.current);
  }

  /** Whether another session holds this snapshot now than the one that the snapshot names. */
  wasTakenOver(snapshot: Snapshot): boolean {
    const { current } = this.#options.snapshot;
    return isSameMoment(snapshot, current) && snapshot.token !== current.token;
  }

  /**
   * Takes another snapshot for the incomplete tables, as the run's is known to be lost.
   * @returns tables that can no longer be read
   * @throws LakeportError if no other snapshot is possible
   */
  async renewLost(all: readonly TableProgress[]): Promise<ReadonlyMap<TableProgress, LakeportError>> {
    await this.#running?.catch(() => undefined);
    return all.some(isUnread) ? this.#ensureHeld(all) : new Map();
  }

  /**
   * Restarts the table, after taking another snapshot if the run holds none.
   * @param all the unsettled tables, including this one
   * @returns tables that can no longer be read; reported to only one of several concurrent callers
   * @throws LakeportError if no other snapshot is possible
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

  /** Takes another snapshot if none is held, nor can be taken over; concurrent callers wait for the first. */
  async #ensureHeld(all: readonly TableProgress[]): Promise<Map<TableProgress, LakeportError>> {
    const { snapshot } = this.#options;
    const { current } = snapshot;
    // It may have been replaced while the query was in flight.
    if ((await snapshot.isHeld()) || !isSameMoment(snapshot.current, current)) return new Map();
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

  /** Call when a reader has left the table; does nothing while others remain. */
  readerLeft(table: TableProgress): void {
    if (!table.isIdle) return;
    this.#idle.get(table)?.();
    this.#idle.delete(table);
  }

  #isStale(table: TableProgress): boolean {
    return !isSameMoment(table.plan.snapshot ?? this.#first, this.#options.snapshot.current);
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

  /** Returns the error if the table cannot restart. */
  async #restartTable(table: TableProgress): Promise<LakeportError | undefined> {
    const plan = this.#plans.get(tableKey(table.plan.id));
    const { observer, stopReading, discard } = this.#options;
    if (plan === undefined) return changed(table, 'no longer exists');
    if (table.startedAt !== undefined && table.restarts >= MAX_RESTARTS) {
      if (!hasSameColumns(plan, table.plan)) return changed(table, 'now has other columns');
      table.markMixed({ consistency: 'none', snapshot: plan.snapshot });
      const text = `${tableName(plan.id)} continues with rows from another snapshot: its consistency is none`;
      observer.message?.('warning', text, { table: tableName(plan.id) });
      return undefined;
    }
    if (table.startedAt !== undefined) {
      table.isRestarting = true;
      stopReading(table);
      if (!table.isIdle) await new Promise<void>((resolve) => this.#idle.set(table, resolve));
      observer.message?.('warning', `${tableName(plan.id)} restarts from a new snapshot`, {
        table: tableName(plan.id),
      });
    }
    await discard(table.restart(plan));
    return undefined;
  }
}

function isUnread(table: TableProgress): boolean {
  return table.failure === undefined && !table.isComplete;
}

/** Reports the restarted tables with their new plans. */
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
    message: `The connection that held the run's snapshot was lost, and ${tableName(table.plan.id)} ${how}`,
    hint: 'Export the table again.',
    context: { table: tableName(table.plan.id) },
  });
}
