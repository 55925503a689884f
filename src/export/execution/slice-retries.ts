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
  /** Aborted when nothing is worth waiting for any more. */
  readonly patience: AbortSignal;
  /** Never rejects. */
  readonly withdraw: (parts: readonly StagedPart[]) => Promise<void>;
}

/** Another attempt is going to be made. */
export interface PlannedRetry {
  /** Settles when it is time; at once when there is no patience left. */
  readonly wait: Promise<void>;
}

/** What gets another attempt, and when. Each failed one is told to the observer. */
export class RetryPlanner {
  readonly #settings: RetryPlannerOptions;

  constructor(settings: RetryPlannerOptions) {
    this.#settings = settings;
  }

  /**
   * After the wait the slice is to be read again, without what it had staged.
   * @returns undefined where its attempts are used up, or its error does not pass
   */
  async afterSliceFailure(
    { table, slice, mode }: SliceTask,
    job: TableProgress,
    error: LakeportError,
  ): Promise<PlannedRetry | undefined> {
    const { policy, observer, patience, withdraw } = this.#settings;
    const made = job.countAttempt(slice);
    const delay = retryDelay(error, made, { policy });
    observer.sliceFailed?.(table, slice.index, { error, final: delay === undefined });
    if (delay === undefined) return undefined;
    const which = job.plan.slices.length === 1 ? tableName(table) : `${tableName(table)}, slice ${slice.index}`;
    this.#tell(`${which}: ${error.message}`, { error, made, delay });
    await withdraw(job.detachStaged(slice));
    if (mode === 'schema') {
      await waitUnlessAborted(delay, patience);
      job.released(slice);
      return { wait: Promise.resolve() };
    }
    const wake = job.backOff(slice);
    return { wait: waitUnlessAborted(delay, patience).then(wake) };
  }

  /**
   * After the wait the reader is to connect again, with the slice that it leaves to all, or with another one.
   * @param made how often it has failed to connect
   * @returns undefined where it is to be given up
   */
  afterConnectFailure(
    job: TableProgress,
    slice: Slice,
    { error, made }: { error: LakeportError; made: number },
  ): PlannedRetry | undefined {
    const { policy, observer, patience } = this.#settings;
    observer.sliceFailed?.(job.plan.id, slice.index, { error, final: false });
    job.requeue(slice);
    const delay = retryDelay(error, made, { policy });
    if (delay === undefined) return undefined;
    this.#tell(`A reader could not connect: ${error.message}`, { error, made, delay });
    return { wait: waitUnlessAborted(delay, patience).then(() => undefined) };
  }

  #tell(text: string, { error, made, delay }: { error: LakeportError; made: number; delay: number }): void {
    const { policy, observer } = this.#settings;
    const attempt = `attempt ${made + 1} of ${policy.attempts} in ${(delay / 1000).toFixed(1)} s`;
    observer.message?.('warning', `${text}; ${attempt}`, {
      event: 'retry',
      code: error.code,
      attempt: made + 1,
    });
  }
}
