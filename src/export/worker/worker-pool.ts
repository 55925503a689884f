import type { ResourceLimits } from 'node:worker_threads';

import type { Snapshot } from '../../sources/source.js';
import type { SliceTask, WorkerSetup } from './protocol.js';
import { type PoolListener, READERS_GRACE_MS, type SliceEnd, type SlicePool } from './slice-pool.js';
import { ThreadLoad } from './thread-load.js';
import { type PoolWorker, WorkerThread } from './worker-thread.js';

export interface WorkerPoolOptions {
  /** The threads' compiled file. Default: lakeport's own. */
  readonly entry?: URL;
  /** Called when a worker should stop. */
  readonly graceMs?: () => number;
  /** Of a thread. Default: Node's own limits. */
  readonly resourceLimits?: ResourceLimits;
  /** How many workers share a thread as long as it keeps up with them. Default: 1. */
  readonly workersPerThread?: number;
  readonly load?: Pick<ThreadLoad, 'isSaturated' | 'takeCore'>;
}

/**
 * Workers in threads, started on demand or ahead of it, reused for the next slice, and replaced when they die.
 *
 * A thread costs a fifth of a second of processor time, and memory of its own. Workers whose source is slower than they
 * are leave it idle: they share one, and move out if it keeps them waiting while a core is idle.
 */
export class WorkerPool implements SlicePool {
  readonly #setup: WorkerSetup;
  readonly #entry: URL;
  readonly #graceMs: () => number;
  readonly #resourceLimits: ResourceLimits;
  readonly #threads = new Set<WorkerThread>();
  readonly #workers = new Set<PoolWorker>();
  readonly #load: Pick<ThreadLoad, 'isSaturated' | 'takeCore'>;
  #workersPerThread: number;

  constructor(setup: WorkerSetup, options: WorkerPoolOptions = {}) {
    this.#setup = setup;
    this.#entry = options.entry ?? new URL('./worker-entry.js', import.meta.url);
    this.#graceMs = options.graceMs ?? (() => READERS_GRACE_MS);
    this.#resourceLimits = options.resourceLimits ?? {};
    this.#workersPerThread = options.workersPerThread ?? 1;
    this.#load = options.load ?? new ThreadLoad(this.#threads);
  }

  async run(task: SliceTask, listener: PoolListener): Promise<SliceEnd> {
    const worker = this.#idleWorker(task);
    const end = await worker.run(task, listener);
    if (end.ok) return end;
    // One of them may die each time: the next ones do so alone.
    if (end.givenBack === true) this.#workersPerThread = 1;
    // The next slice should get a worker with a connection.
    else if (end.unconnected) void worker.close(this.#graceMs());
    return end;
  }

  connect(workers: number, snapshot: Snapshot): void {
    for (let started = this.#workers.size; started < workers; started++) this.#startWorker().connect(snapshot);
  }

  cancel(tasks: readonly SliceTask[]): void {
    for (const worker of this.#workers) worker.cancelIf((task) => tasks.includes(task), this.#graceMs());
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#workers, (worker) => worker.close(this.#graceMs())));
    await Promise.all(Array.from(this.#threads, (thread) => thread.close(this.#graceMs())));
  }

  /** Prefers a worker that has read the same table, as its buffers are ready. */
  #idleWorker(task: SliceTask): PoolWorker {
    const idle = [...this.#workers].filter((worker) => !worker.isBusy);
    const worker = idle.find((one) => one.lastDataset === task.dataset) ?? idle.at(-1);
    if (worker === undefined) return this.#startWorker();
    return this.#isCrowded(worker) ? this.#moveOut(worker) : worker;
  }

  #isCrowded({ thread }: PoolWorker): boolean {
    return thread.openWorkers > 1 && this.#load.isSaturated(thread);
  }

  /** @returns its successor, which connects once the worker has left its connection to others */
  #moveOut(worker: PoolWorker): PoolWorker {
    this.#load.takeCore();
    return this.#startIn(this.#startThread(), worker.close(this.#graceMs()));
  }

  #startWorker(): PoolWorker {
    const hasRoom = ({ openWorkers }: WorkerThread) => openWorkers > 0 && openWorkers < this.#workersPerThread;
    return this.#startIn([...this.#threads].find(hasRoom) ?? this.#startThread());
  }

  #startIn(thread: WorkerThread, after?: Promise<void>): PoolWorker {
    const worker = thread.startWorker(after);
    this.#workers.add(worker);
    void worker.ended.then(() => this.#workers.delete(worker));
    return worker;
  }

  #startThread(): WorkerThread {
    const options = { workerData: this.#setup, name: 'lakeport-reader', resourceLimits: this.#resourceLimits };
    const thread = new WorkerThread(this.#entry, options);
    this.#threads.add(thread);
    void thread.exited.then(() => this.#threads.delete(thread));
    return thread;
  }
}
