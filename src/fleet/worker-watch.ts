import { LakeportError } from '../errors.js';
import type { RunObserver } from '../export/model/observer.js';
import type { LoggedWorker, RunLog } from '../runlog/index.js';
import { counted } from '../text/quantities.js';

const LOOK_MS = 1_000;
const WARN_MS = 60_000;

export interface WorkerWatchOptions {
  readonly log: RunLog;
  readonly runId: string;
  /** The run fails if there is no worker for so long. */
  readonly waitMs: number;
  readonly observer: RunObserver;
  /** Told each second who works on the run. */
  readonly onSeen: (living: readonly LoggedWorker[]) => void;
  readonly onNone: (error: LakeportError) => void;
}

/** Looks into the run log which workers a run has, and waits for them only so long. */
export class WorkerWatch {
  readonly #options: WorkerWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #seenAt = performance.now();
  #warnedAt = this.#seenAt;
  #hadWorkers = false;
  #isClosed = false;

  constructor(options: WorkerWatchOptions) {
    this.#options = options;
    this.#lookSoon(0);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #lookSoon(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#look().finally(() => this.#lookSoon(LOOK_MS)), ms);
  }

  /** Never rejects: a log that cannot be reached now is asked again. */
  async #look(): Promise<void> {
    const { log, runId, onSeen } = this.#options;
    let living: readonly LoggedWorker[];
    try {
      living = (await log.workersOf(runId)).workers.filter(({ role, isLiving }) => role === 'worker' && isLiving);
    } catch {
      return;
    }
    if (this.#isClosed) return;
    onSeen(living);
    const now = performance.now();
    if (living.length > 0) {
      this.#seenAt = now;
      this.#hadWorkers = true;
    } else this.#warn(now);
  }

  #warn(now: number): void {
    const { waitMs, observer, onNone } = this.#options;
    const goneMs = now - this.#seenAt;
    if (goneMs >= waitMs) {
      onNone(noWorkers(waitMs, this.#hadWorkers));
      return;
    }
    if (now - this.#warnedAt < WARN_MS) return;
    this.#warnedAt = now;
    const left = counted(Math.round((waitMs - goneMs) / 1000), 'second');
    observer.message?.('warning', `No worker reads for this run; it ends in ${left} if none comes`, {
      event: 'no_workers',
    });
  }
}

function noWorkers(waitMs: number, hadWorkers: boolean): LakeportError {
  const within = counted(Math.round(waitMs / 1000), 'second');
  return new LakeportError({
    code: 'NO_WORKERS',
    message: hadWorkers
      ? `All workers are gone, and none has come for ${within}`
      : `No worker has come within ${within}`,
    hint: 'Start `lakeport work --run-id ...` with the same run log, or let this process read too with --local-readers.',
    context: { detail: '--workers-wait' },
  });
}
