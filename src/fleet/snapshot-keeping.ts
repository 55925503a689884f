import { type ErrorCode, LakeportError } from '../errors.js';
import type { LoggedWorker, RunWorkers } from '../runlog/index.js';
import type { HeldSnapshot, SnapshotKeeper } from '../sources/source.js';
import { isCrowded, isSurplus, keepersOf, runSnapshot, turnOf } from './keeper-choice.js';

const LOOK_MS = 2_000;
/** So long does a worker leave it to each of those whose turn it is before. */
const TURN_MS = 15_000;
/** After a failure; each further one waits longer. */
const AGAIN_MS = { least: 5_000, most: 60_000 } as const;
/** How often a keeper's own session is asked, which keeps proxies from closing it as well. */
const CHECK_MS = 30_000;

const ENDED = "The session that kept the run's snapshot here has ended";

export interface SnapshotKeepingOptions {
  /** This worker's id in the log. */
  readonly workerId: () => string;
  /** The processes of the run. */
  readonly lookAtRun: () => Promise<Pick<RunWorkers, 'workers'>>;
  /** @returns undefined if sessions of this source share no snapshots. @throws LakeportError if it cannot be held */
  readonly keep: (held: HeldSnapshot) => Promise<SnapshotKeeper | undefined>;
  /** Told whenever what is held has changed. */
  readonly onChange: () => void;
  readonly message: (level: 'debug' | 'info', text: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/**
 * Holds the run's snapshot and locks in a session of this worker, so that they outlive the coordinator, if it is this
 * worker's turn. Nothing fails by it.
 */
export class SnapshotKeeping {
  readonly #options: SnapshotKeepingOptions;
  readonly #told = new Set<string>();
  #kept: { readonly keeper: SnapshotKeeper; readonly held: HeldSnapshot } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #failures = 0;
  #notBefore = 0;
  /** Since when keepers are missing. */
  #missingSince: number | undefined;
  #checkedAt = 0;

  constructor(options: SnapshotKeepingOptions) {
    this.#options = options;
  }

  get held(): HeldSnapshot | undefined {
    return this.#kept?.held;
  }

  /** From now on, the snapshot is held whenever it is this worker's turn. */
  begin(): void {
    this.#timer = setInterval(() => {
      this.#working ??= this.#look().finally(() => (this.#working = undefined));
    }, LOOK_MS);
  }

  /** Never throws. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
    await this.#drop();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    try {
      const { workers } = await this.#options.lookAtRun();
      await (this.#kept === undefined ? this.#next(workers) : this.#whileKept(workers));
    } catch (error) {
      this.#options.message('debug', `The run log cannot be reached: ${LakeportError.from(error).message}`);
    }
  }

  async #next(workers: readonly LoggedWorker[]): Promise<void> {
    const now = performance.now();
    const turn = turnOf(this.#options.workerId(), workers);
    if (turn === undefined) {
      this.#missingSince = undefined;
      return;
    }
    this.#missingSince ??= now;
    if (now < this.#notBefore || now - this.#missingSince < turn * TURN_MS) return;
    const told = runSnapshot(workers);
    const keepers = keepersOf(workers, told?.snapshot.moment);
    await this.#keepFirst([told, ...keepers.map(({ snapshot }) => snapshot)].filter((held) => held !== undefined));
  }

  /** Any session that holds the snapshot does. */
  async #keepFirst(sessions: readonly HeldSnapshot[]): Promise<void> {
    let failure: unknown;
    for (const session of sessions) {
      try {
        const keeper = await this.#options.keep(session);
        if (keeper === undefined) {
          this.#notBefore = Infinity;
          return;
        }
        this.#begin(keeper, session);
        return;
      } catch (error) {
        failure ??= error;
      }
    }
    this.#failed(LakeportError.from(failure), "The run's snapshot cannot be kept here");
  }

  #begin(keeper: SnapshotKeeper, { server }: HeldSnapshot): void {
    const kept = { keeper, held: { server, snapshot: keeper.snapshot } };
    this.#kept = kept;
    this.#checkedAt = performance.now();
    keeper.onLost((why) => {
      if (this.#kept !== kept) return;
      this.#kept = undefined;
      this.#failed(why, ENDED);
      this.#options.onChange();
    });
    this.#options.message('debug', "Keeps the run's snapshot", { event: 'snapshot_kept' });
    this.#options.onChange();
  }

  async #whileKept(workers: readonly LoggedWorker[]): Promise<void> {
    const moment = runSnapshot(workers)?.snapshot.moment;
    if (isCrowded(workers)) this.#tellOnce('SNAPSHOT_NOT_KEPT', `${ENDED}: a reader needs its connection`);
    const isOld = moment !== undefined && moment !== this.#kept?.held.snapshot.moment;
    if (isOld || isSurplus(this.#options.workerId(), workers)) return this.#drop();
    if (performance.now() - this.#checkedAt < CHECK_MS) return;
    this.#checkedAt = performance.now();
    if ((await this.#kept?.keeper.isHeld()) === false) await this.#drop();
    // Not before: what ends each session soon must not be tried again and again.
    else this.#failures = 0;
  }

  async #drop(): Promise<void> {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept === undefined) return;
    this.#options.onChange();
    await kept.keeper.close();
  }

  /** Waits before the next attempt, longer each time. */
  #failed({ code, message }: LakeportError, what: string): void {
    this.#failures++;
    this.#notBefore = performance.now() + Math.min(AGAIN_MS.most, AGAIN_MS.least * 2 ** (this.#failures - 1));
    this.#tellOnce(code, code === 'SNAPSHOT_NOT_KEPT' ? message : `${what}: ${message}`);
  }

  #tellOnce(code: ErrorCode, text: string): void {
    if (this.#told.has(code)) return;
    this.#told.add(code);
    this.#options.message('info', text, { event: 'snapshot_not_kept', code });
  }
}
