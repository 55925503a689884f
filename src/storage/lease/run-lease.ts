import { LakeportError } from '../../errors.js';
import type { DirectoryLocks } from './directory-locks.js';
import { ageOf, CONFIRMED_MS, HEARTBEAT_MS, type Moment, SILENCE_MS, thisMoment } from './lease-times.js';

export interface RunLeaseOptions {
  readonly claims: DirectoryLocks;
  /** Writes a heartbeat. */
  readonly beat: () => Promise<void>;
  /** Told once, when another run has taken over what this one had claimed. */
  readonly onLost?: ((error: LakeportError) => void) | undefined;
}

/**
 * A run's hold on its destination: kept by heartbeats, and proven before anything is published. A process may be stopped
 * at any point for any time, a machine sleep, a store be out of reach: then others take the run for dead, and what it
 * believes to hold is theirs.
 */
export class RunLease {
  readonly #options: RunLeaseOptions;
  readonly #timer: NodeJS.Timeout;
  #beating: Promise<void> = Promise.resolve();
  #beaten = thisMoment();
  #confirmed: Moment | undefined;
  #confirming: Promise<Moment> | undefined;
  #lost: LakeportError | undefined;

  /** The first heartbeat has just been written. */
  constructor(options: RunLeaseOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      // A heartbeat that can't be written makes the run look older to other machines; the run itself goes on.
      this.#beating = this.#keep().catch(() => undefined);
    }, HEARTBEAT_MS).unref();
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /**
   * Settles when the store has confirmed, a moment ago at most, that the claim is still this run's.
   * @throws LakeportError `CLAIM_LOST`, or the store's error where it does not answer
   */
  async confirm(): Promise<void> {
    for (;;) {
      if (this.#lost !== undefined) throw this.#lost;
      if (this.#confirmed !== undefined && ageOf(this.#confirmed) <= CONFIRMED_MS) return;
      this.#confirming ??= this.#ask().finally(() => (this.#confirming = undefined));
      // Stopped while the answer was on its way, the process may wake up to an answer that is long out of date.
      if (ageOf(await this.#confirming) < SILENCE_MS / 2) return;
    }
  }

  /** As `confirm`, but asks in any case: something has shown that the claim is gone. */
  async recheck(): Promise<void> {
    this.#confirmed = undefined;
    await this.confirm();
  }

  /** Ends the heartbeats; settles when none is on its way. */
  async stop(): Promise<void> {
    this.abandon();
    await this.#beating;
  }

  /** Ends the heartbeats, as a killed process would. */
  abandon(): void {
    clearInterval(this.#timer);
  }

  /** Looks before it writes, so that a run that was swept away does not come back by its heartbeat. */
  async #keep(): Promise<void> {
    await this.#look();
    const moment = thisMoment();
    await this.#options.beat();
    this.#beaten = moment;
  }

  async #ask(): Promise<Moment> {
    // From then on nobody takes the run for dead; who has done so before is seen after it.
    if (ageOf(this.#beaten) > 2 * HEARTBEAT_MS) await this.#keep();
    const moment = thisMoment();
    await this.#look();
    this.#confirmed = moment;
    return moment;
  }

  async #look(): Promise<void> {
    try {
      await this.#options.claims.confirm(ageOf(this.#beaten));
    } catch (error) {
      if (error instanceof LakeportError && error.code === 'CLAIM_LOST' && this.#lost === undefined) {
        this.#lost = error;
        this.abandon();
        this.#options.onLost?.(error);
      }
      throw error;
    }
  }
}
