import { LakeportError } from '../../errors.js';
import type { DirectoryLocks } from './directory-locks.js';
import { ageOf, CONFIRMED_MS, HEARTBEAT_MS, type Moment, SILENCE_MS, thisMoment } from './lease-times.js';

export interface RunLeaseOptions {
  readonly claims: DirectoryLocks;
  /** Writes a heartbeat. */
  readonly beat: () => Promise<void>;
  /** Called once, when another run has taken over what this one had claimed. */
  readonly onLost?: ((error: LakeportError) => void) | undefined;
}

/**
 * A run's lease on its destination: kept by heartbeats, and confirmed before anything is published. A process may be
 * suspended at any point, a machine may sleep, a store may be unreachable: then others assume that the run is dead and
 * take over what it claimed.
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
      // A missed heartbeat makes the run look older to other machines; the run itself continues.
      this.#beating = this.#keep().catch(() => undefined);
    }, HEARTBEAT_MS).unref();
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /**
   * Resolves once the store has confirmed, at most a moment ago, that the claim is still this run's.
   * @throws LakeportError `CLAIM_LOST`, or the store's error if it does not respond
   */
  async confirm(): Promise<void> {
    for (;;) {
      if (this.#lost !== undefined) throw this.#lost;
      if (this.#confirmed !== undefined && ageOf(this.#confirmed) <= CONFIRMED_MS) return;
      this.#confirming ??= this.#ask().finally(() => (this.#confirming = undefined));
      // If the process is suspended during the request, the response may be long out of date when it resumes.
      if (ageOf(await this.#confirming) < SILENCE_MS / 2) return;
    }
  }

  /** Like `confirm`, but always asks: something has indicated that the claim is gone. */
  async recheck(): Promise<void> {
    this.#confirmed = undefined;
    await this.confirm();
  }

  /** Stops the heartbeats; resolves when none is in progress. */
  async stop(): Promise<void> {
    this.abandon();
    await this.#beating;
  }

  /** Stops the heartbeats, as if the process were killed. */
  abandon(): void {
    clearInterval(this.#timer);
  }

  /** Checks before writing, so that the heartbeat does not revive a run that was swept away. */
  async #keep(): Promise<void> {
    await this.#look();
    const moment = thisMoment();
    await this.#options.beat();
    this.#beaten = moment;
  }

  async #ask(): Promise<Moment> {
    // From then on nobody assumes that the run is dead; anyone who did so before is seen after it.
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
