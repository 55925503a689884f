import { LakeportError } from '../errors.js';
import { openPool, type PoolInput } from '../export/execution/open-pool.js';
import type { RunObserver } from '../export/model/observer.js';
import type { Parallelism } from '../export/model/options.js';
import type { SlicePool } from '../export/worker/slice-pool.js';
import { openDialect, type RunLog, type RunLogTarget } from '../runlog/index.js';
import type { StagedPart } from '../storage/storage.js';
import { Announcement } from './announcement.js';
import { FleetPool } from './fleet-pool.js';
import { fleetReaders } from './fleet-readers.js';
import { QueuePool } from './queue-pool.js';
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
  readonly observer: RunObserver;
}

/** What a run needs whose slices are read by workers on other machines. */
export class Fleet {
  /** How many readers the plan counts on. */
  readonly cores: number;
  readonly #options: FleetOptions;
  readonly #queue: SliceQueue;
  readonly #announcement: Announcement;

  private constructor(options: FleetOptions, queue: SliceQueue, announcement: Announcement) {
    this.#options = options;
    this.#queue = queue;
    this.#announcement = announcement;
    this.cores = fleetReaders(options.parallel);
  }

  /**
   * Opens the queue of a run that the log has, and announces it to workers.
   * @throws LakeportError if there can be none
   */
  static async open(options: FleetOptions): Promise<Fleet> {
    const { target, runId, log, localReaders, observer } = options;
    let queue: SliceQueue | undefined;
    try {
      const onError = (error: unknown) =>
        observer.message?.('debug', `The queue: ${LakeportError.from(error).message}`);
      queue = await SliceQueue.create(await openDialect(target), runId, onError);
      const standing = () => ({ slots: localReaders, slices: [], slicesRead: 0, rows: 0 });
      const announcement = new Announcement({ log, runId, role: 'coordinator', standing });
      await announcement.begin();
      return new Fleet(options, queue, announcement);
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

  /** Never throws. */
  async close(): Promise<void> {
    await this.#queue.remove().catch(() => undefined);
    await this.#announcement.end();
    await this.#queue.close();
    await this.#options.log.close();
  }
}
