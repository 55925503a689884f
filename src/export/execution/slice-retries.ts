import type { LakeportError } from '../../errors.js';
import type { Slice } from '../../sources/source.js';
import type { StagedPart } from '../../storage/storage.js';
import type { RunObserver } from '../model/observer.js';
import { retryDelay, type RetryPolicy, waitUnlessAborted } from '../../runtime/retry.js';
import type { TableProgress } from './table-progress.js';
import { tableName } from '../../model/table.js';
import type { SliceTask } from '../worker/protocol.js';

export interface RetryPlannerOptions {
  readonly policy: RetryPolicy;
  readonly observer: RunObserver;
  /** Aborted when the run stops: back-offs end at once. */
  readonly stopWaiting: AbortSignal;
  /** Never rejects. */
  readonly discard: (parts: readonly StagedPart[]) => Promise<void>;
}

export interface PlannedRetry {
  /** Settles when the back-off is over, or at once when the run stops. */
  readonly wait: Promise<void>;
}

/** Decides what is retried, and when. Reports each failed attempt to the observer. */
export class RetryPlanner {
  readonly #options: RetryPlannerOptions;

  constructor(options: RetryPlannerOptions) {
    this.#options = options;
  }

  /**
   * Plans another read of the slice, and discards what it had staged.
   * @returns undefined if its attempts are exhausted or the error is not transient
   */
  async afterSliceFailure(
    task: SliceTask,
    table: TableProgress,
    error: LakeportError,
  ): Promise<PlannedRetry | undefined> {
    const { policy, observer, stopWaiting, discard } = this.#options;
    const { slice, mode } = task;
    const made = table.countAttempt(slice);
    const delay = retryDelay(error, made, { policy });
    observer.sliceFailed?.(table.plan.id, slice.index, { error, final: delay === undefined });
    if (delay === undefined) return undefined;
    const name = tableName(table.plan.id);
    const which = table.plan.slices.length === 1 ? name : `${name}, slice ${slice.index}`;
    this.#announce(`${which}: ${error.message}`, { error, made, delay });
    await discard(table.detachStaged(slice));
    if (mode === 'schema') {
      await waitUnlessAborted(delay, stopWaiting);
      table.released(slice);
      return { wait: Promise.resolve() };
    }
    const wake = table.backOff(slice);
    return { wait: waitUnlessAborted(delay, stopWaiting).then(wake) };
  }

  /**
   * Plans another connection attempt. The reader's slice goes back to the queue, so it may continue with another one.
   * @param made failed connection attempts so far
   * @returns undefined if the reader should be given up
   */
  afterConnectFailure(
    table: TableProgress,
    slice: Slice,
    { error, made }: { error: LakeportError; made: number },
  ): PlannedRetry | undefined {
    const { policy, observer, stopWaiting } = this.#options;
    observer.sliceFailed?.(table.plan.id, slice.index, { error, final: false });
    table.requeue(slice);
    const delay = retryDelay(error, made, { policy });
    if (delay === undefined) return undefined;
    this.#announce(`A reader could not connect: ${error.message}`, { error, made, delay });
    return { wait: waitUnlessAborted(delay, stopWaiting).then(() => undefined) };
  }

  #announce(text: string, { error, made, delay }: { error: LakeportError; made: number; delay: number }): void {
    const { policy, observer } = this.#options;
    const attempt = `attempt ${made + 1} of ${policy.attempts} in ${(delay / 1000).toFixed(1)} s`;
    observer.message?.('warning', `${text}; ${attempt}`, {
      event: 'retry',
      code: error.code,
      attempt: made + 1,
    });
  }
}
