import { LakeportError } from '../errors.js';
import { openPool, type PoolInput } from '../export/execution/open-pool.js';
import type { RunObserver } from '../export/model/observer.js';
import type { Parallelism } from '../export/model/options.js';
import type { SnapshotKeepers } from '../export/planning/planning-context.js';
import type { PreviousAttempt } from '../export/resume/previous-attempt.js';
import type { SlicePool } from '../export/worker/slice-pool.js';
import { type AnnouncedSnapshot, openDialect, type RunLog, type RunLogTarget } from '../runlog/index.js';
import type { HeldSnapshot } from '../sources/source.js';
import type { StagedPart } from '../storage/storage.js';
import { Announcement } from './announcement.js';
import { FleetPool } from './fleet-pool.js';
import { fleetReaders } from './fleet-readers.js';
import { runSnapshot, sessionsOf } from './keeper-choice.js';
import { QueuePool } from './queue-pool.js';
import { withReportedSlices } from './reported-slices.js';
import { SliceQueue } from './slice-queue.js';

export interface FleetOptions {
  readonly runId: string;
  /** Used for nothing else; closed by the fleet. */
  readonly log: RunLog;
  readonly target: RunLogTarget;
  readonly parallel: Parallelism;
  /** Slices that this process reads itself at the same time. */
  readonly localReaders: number;
  /** The run fails without a worker for so long. */
  readonly waitMs: number;
  /** Workers that hold the run's snapshot too. */
  readonly keepers: number;
  /** What earlier processes of the run have done, if it is resumed. */
  readonly previous: PreviousAttempt | undefined;
  readonly observer: RunObserver;
}

/** What a run needs whose slices are read by workers on other machines. */
export class Fleet {
  /** How many readers the plan counts on. */
  readonly cores: number;
  /** With the slices that workers have read since nobody coordinated the run. */
  readonly previous: PreviousAttempt | undefined;
  /** Sees which snapshot the run has, to tell the workers. */
  readonly observer: RunObserver;
  readonly keepers: SnapshotKeepers;
  readonly #options: FleetOptions;
  readonly #queue: SliceQueue;
  readonly #announcement: Announcement;

  #snapshot: AnnouncedSnapshot | undefined;

  private constructor(options: FleetOptions, queue: SliceQueue, previous: PreviousAttempt | undefined) {
    const { log, runId, localReaders, keepers } = options;
    this.#options = options;
    this.#queue = queue;
    this.previous = previous;
    const standing = () => ({ slots: localReaders, slices: [], slicesRead: 0, rows: 0, snapshot: this.#snapshot });
    this.#announcement = new Announcement({ log, runId, role: 'coordinator', standing });
    this.cores = fleetReaders(options.parallel);
    const announce = (held: HeldSnapshot) => this.#announce(held);
    this.observer = { planned: announce, replanned: announce, snapshotTakenOver: announce };
    this.keepers = { count: keepers, held: () => this.#heldSnapshots() };
  }

  /**
   * Opens the queue of a run that the log has, and announces it to workers.
   * @throws LakeportError if there can be none
   */
  static async open(options: FleetOptions): Promise<Fleet> {
    const { target, runId, log, observer } = options;
    let queue: SliceQueue | undefined;
    try {
      const onError = (error: unknown) =>
        observer.message?.('debug', `The queue: ${LakeportError.from(error).message}`);
      let { previous } = options;
      queue = await SliceQueue.create(await openDialect(target), runId, onError, async (before) => {
        previous &&= await withReportedSlices(previous, before, onError);
      });
      const fleet = new Fleet(options, queue, previous);
      await fleet.#announcement.begin();
      return fleet;
    } catch (error) {
      await queue?.close();
      await log.close();
      throw error;
    }
  }

  /** The readers of a planned run. */
  readonly openPool = (input: PoolInput): SlicePool => {
    const { log, runId, localReaders, waitMs, observer } = this.#options;
    const server = () => input.source.server;
    const discard = async (parts: readonly StagedPart[]) => {
      // What is left is removed at the end of the run.
      await Promise.allSettled(parts.map(async (part) => input.storages.get(part.storageId).discard(part)));
    };
    const remote = new QueuePool({
      ...{ queue: this.#queue, log, runId, server, waitMs, discard, observer },
      limit: input.plan.readers,
    });
    return new FleetPool({ local: openPool(input), readers: localReaders, remote });
  };

  #announce({ snapshot, server }: HeldSnapshot): void {
    if (snapshot.moment === undefined) return;
    this.#snapshot = { server, snapshot, keepers: this.#options.keepers };
    this.#announcement.renew();
  }

  async #heldSnapshots(): Promise<readonly HeldSnapshot[]> {
    const { workers } = await this.#options.log.workersOf(this.#options.runId);
    return sessionsOf(workers, runSnapshot(workers)?.snapshot.moment);
  }

  /** Never throws. */
  async close(): Promise<void> {
    await this.#queue.remove().catch(() => undefined);
    await this.#announcement.end();
    await this.#queue.close();
    await this.#options.log.close();
  }
}
