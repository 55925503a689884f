import { LakeportError } from '../errors.js';
import type { Snapshot, Source, TableId } from '../sources/source.js';
import { eachForItself } from './consistency.js';
import type { RunObserver } from './observer.js';
import type { ExportOptions } from './options.js';
import type { RunPlan } from './plan.js';
import { type RetryPolicy, tryAgain } from './retry.js';
import type { Renewal, SharedSnapshot } from './shared-snapshot.js';
import { tableKey } from './table-name.js';

export interface RunSnapshotSettings {
  readonly source: Source;
  readonly first: Snapshot;
  readonly consistency: ExportOptions['consistency'];
  /** Pins these tables and plans them. */
  readonly plan: (tables: readonly TableId[]) => Promise<RunPlan>;
  readonly retry: RetryPolicy | undefined;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/** The run's snapshot in the source, and those that come after it when its connection is lost. */
export class RunSnapshot implements SharedSnapshot {
  readonly #settings: RunSnapshotSettings;
  #current: Snapshot;

  constructor(settings: RunSnapshotSettings) {
    this.#settings = settings;
    this.#current = settings.first;
  }

  get current(): Snapshot {
    return this.#current;
  }

  /** Not all tables have been read as of one moment. */
  get wasRenewed(): boolean {
    return this.#current !== this.#settings.first;
  }

  async isHeld(): Promise<boolean> {
    return (await this.#settings.source.isPinned?.()) ?? true;
  }

  async renew(tables: readonly TableId[]): Promise<Renewal> {
    const { source, consistency, retry: policy, observer, signal } = this.#settings;
    if (consistency === 'run') throw lost();
    const text = 'The connection that held the snapshot was lost: tables that are not read yet get another one';
    observer.message?.('warning', text, { event: 'snapshot_lost' });
    const plan = await tryAgain(
      async () => {
        await source.reopen?.({ signal });
        return this.#settings.plan(tables);
      },
      { policy, signal, observer },
    );
    this.#current = plan.snapshot;
    return {
      plan: { ...plan, snapshot: { ...plan.snapshot, consistency: eachForItself(plan.snapshot.consistency) } },
      tables: new Map(
        plan.tables.map((table) => {
          const own = table.consistency ?? plan.snapshot.consistency;
          return [tableKey(table.id), { ...table, snapshot: plan.snapshot, consistency: eachForItself(own) }];
        }),
      ),
      problems: new Map(plan.problems.map(({ id, error }) => [tableKey(id), error])),
    };
  }
}

function lost(): LakeportError {
  return new LakeportError({
    code: 'SNAPSHOT_LOST',
    exit: 'unreachable',
    message: 'The connection that held the snapshot was lost, and --consistency run allows no second one',
    hint: 'Run again; without --consistency run, tables that are not read yet are read from another snapshot.',
    context: { detail: '--consistency' },
  });
}
