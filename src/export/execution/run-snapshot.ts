import { setTimeout } from 'node:timers/promises';
import { LakeportError } from '../../errors.js';
import { type TableId, tableKey } from '../../model/table.js';
import { isSameMoment, type Snapshot, type Source } from '../../sources/source.js';
import { perTableAtBest } from '../model/consistency.js';
import type { RunObserver } from '../model/observer.js';
import type { ExportOptions } from '../model/options.js';
import type { RunPlan } from '../model/plan.js';
import { type RetryPolicy, withRetry } from '../../runtime/retry.js';
import type { SnapshotKeepers } from '../planning/planning-context.js';
import type { Renewal, SharedSnapshot } from './shared-snapshot.js';
import { lossFields, lossOf, takeOverSnapshot } from './snapshot-takeover.js';

export interface RunSnapshotOptions {
  readonly source: Source;
  readonly first: Snapshot;
  readonly consistency: ExportOptions['consistency'];
  /** Pins these tables and plans them. */
  readonly plan: (tables: readonly TableId[]) => Promise<RunPlan>;
  /** Who else holds the run's snapshot; undefined if nobody does. */
  readonly keepers?: SnapshotKeepers | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/** The run's snapshot in the source, and the ones that replace it when its connection is lost. */
export class RunSnapshot implements SharedSnapshot {
  readonly #options: RunSnapshotOptions;
  #current: Snapshot;
  #takingOver: Promise<boolean> | undefined;
  /** One that nobody holds any more: it is not asked for again, and is replaced next. */
  #gone: Snapshot | undefined;
  readonly #held = new SharedQuestion(async () => (await this.#options.source.isPinned?.()) ?? true);

  constructor(options: RunSnapshotOptions) {
    this.#options = options;
    this.#current = options.first;
  }

  get current(): Snapshot {
    return this.#current;
  }

  /** Whether some tables were read from a later snapshot. */
  get wasRenewed(): boolean {
    return !isSameMoment(this.#current, this.#options.first);
  }

  get isTakingOver(): boolean {
    return this.#takingOver !== undefined;
  }

  async isHeld(): Promise<boolean> {
    for (;;) {
      const asked = this.#current;
      const isHeld = asked !== this.#gone && (await this.#held.ask());
      // While it is replaced, the source may answer for the next one.
      if (asked === this.#gone) return false;
      if (isHeld) return true;
      // The question may have been put to a session that has been replaced meanwhile.
      if (asked === this.#current && !(await this.#takeOver())) return false;
    }
  }

  onLost(listener: () => void): void {
    this.#options.source.onLost?.(listener);
  }

  /**
   * Concurrent callers wait for the first.
   * @returns whether the source holds the snapshot again
   */
  #takeOver(): Promise<boolean> {
    this.#takingOver ??= (async () => {
      const taken = await takeOverSnapshot(this.#current, this.#options);
      if (taken === undefined) this.#gone = this.#current;
      else this.#current = taken;
      return taken !== undefined;
    })().finally(() => (this.#takingOver = undefined));
    return this.#takingOver;
  }

  async renew(tables: readonly TableId[]): Promise<Renewal> {
    const { source, consistency, retry: policy, observer, signal } = this.#options;
    if (consistency === 'run') throw lost(source);
    const text = `${lossOf(source)}: tables not read yet use a new one`;
    observer.message?.('warning', text, {
      event: 'snapshot_lost',
      ...lossFields(source),
    });
    const plan = await withRetry(
      async () => {
        await source.reopen?.({ signal });
        return this.#options.plan(tables);
      },
      { policy, signal, observer },
    );
    this.#current = plan.snapshot;
    return {
      plan: { ...plan, snapshot: { ...plan.snapshot, consistency: perTableAtBest(plan.snapshot.consistency) } },
      tables: new Map(
        plan.tables.map((table) => {
          const own = table.consistency ?? plan.snapshot.consistency;
          return [tableKey(table.id), { ...table, snapshot: plan.snapshot, consistency: perTableAtBest(own) }];
        }),
      ),
      problems: new Map(plan.problems.map(({ id, error }) => [tableKey(id), error])),
    };
  }
}

function lost(source: Source): LakeportError {
  const { loss } = source;
  const cure = loss?.hint === undefined ? '' : `${capital(loss.hint)}. `;
  return new LakeportError({
    code: 'SNAPSHOT_LOST',
    // All of the run fails, not only the table that the snapshot is missed for.
    exit: 'unreachable',
    message: `${lossOf(source)}, and --consistency run does not allow a second one`,
    hint: `${cure}Run again; without --consistency run, tables not read yet are read from another snapshot.`,
    context: { detail: loss?.context.detail ?? '--consistency' },
    cause: loss,
  });
}

function capital(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}

/**
 * Small tables end faster than a question is worth: their readers wait this long for the next one, which serves all of
 * them. Nobody waits for a question that is not preceded by another.
 */
const PAUSE_MS = 20;

/** Coalesces calls: each caller gets the answer to a query sent after its call. */
class SharedQuestion {
  readonly #put: () => Promise<boolean>;
  #answeredAt = -Infinity;
  #asked: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;

  constructor(put: () => Promise<boolean>) {
    this.#put = put;
  }

  ask(): Promise<boolean> {
    const left = this.#answeredAt + PAUSE_MS - performance.now();
    if (this.#next !== undefined) return this.#next;
    if (this.#asked === undefined && left <= 0) return this.#askNow();
    // The query in flight may have been answered before this call.
    this.#next = (async () => {
      await this.#asked;
      await setTimeout(PAUSE_MS);
      this.#next = undefined;
      return this.#askNow();
    })();
    return this.#next;
  }

  #askNow(): Promise<boolean> {
    const answer = this.#put()
      .catch(() => false)
      .finally(() => {
        this.#asked = undefined;
        this.#answeredAt = performance.now();
      });
    this.#asked = answer;
    return answer;
  }
}
