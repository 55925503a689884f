import type { ResourceLimits, Worker } from 'node:worker_threads';

import { LakeportError } from '../../errors.js';
import { quietWorker } from '../../runtime/quiet-worker.js';
import type { Snapshot } from '../../sources/source.js';
import type { FromWorker, SliceTask, ToWorker, WorkerSetup } from './protocol.js';
import { type PoolListener, READERS_GRACE_MS, readerDied, type ReadEnd, type SlicePool } from './slice-pool.js';

export interface WorkerPoolOptions {
  /** The workers' compiled file. Default: lakeport's own. */
  readonly entry?: URL;
  /** Called when a worker should stop. */
  readonly graceMs?: () => number;
  /** Default: Node's own limits. */
  readonly resourceLimits?: ResourceLimits;
}

/** Threads started on demand or ahead of it, reused for the next slice, and replaced when they die. */
export class WorkerPool implements SlicePool {
  readonly #setup: WorkerSetup;
  readonly #entry: URL;
  readonly #graceMs: () => number;
  readonly #resourceLimits: ResourceLimits;
  readonly #workers = new Set<PoolWorker>();

  constructor(setup: WorkerSetup, options: WorkerPoolOptions = {}) {
    this.#setup = setup;
    this.#entry = options.entry ?? new URL('./worker-entry.js', import.meta.url);
    this.#graceMs = options.graceMs ?? (() => READERS_GRACE_MS);
    this.#resourceLimits = options.resourceLimits ?? {};
  }

  async run(task: SliceTask, listener: PoolListener): Promise<ReadEnd> {
    const worker = this.#idleWorker(task);
    const end = await worker.run(task, listener);
    // The next slice should get a worker with a connection.
    if (!end.ok && end.unconnected) void worker.close(this.#graceMs());
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
  }

  /** Prefers a worker that has read the same table, as its buffers are ready. */
  #idleWorker(task: SliceTask): PoolWorker {
    const idle = [...this.#workers].filter((worker) => !worker.isBusy);
    const worker = idle.find((one) => one.lastDataset === task.dataset) ?? idle.at(-1);
    return worker ?? this.#startWorker();
  }

  #startWorker(): PoolWorker {
    const options = { workerData: this.#setup, name: 'lakeport-reader', resourceLimits: this.#resourceLimits };
    const worker = new PoolWorker(quietWorker(this.#entry, options));
    this.#workers.add(worker);
    void worker.exited.then(() => this.#workers.delete(worker));
    return worker;
  }
}

interface Running {
  readonly id: number;
  readonly task: SliceTask;
  readonly listener: PoolListener;
  readonly settle: (end: ReadEnd) => void;
}

/** One thread and its current task. */
class PoolWorker {
  readonly exited: Promise<void>;
  readonly #thread: Worker;
  #running: Running | undefined;
  #lastTask: SliceTask | undefined;
  #lastId = 0;
  #closing = false;
  #uncaught: unknown;

  constructor(thread: Worker) {
    this.#thread = thread;
    thread.on('message', (message: FromWorker) => this.#receive(message));
    thread.on('error', (error) => (this.#uncaught = error));
    this.exited = new Promise((resolve) => {
      thread.once('exit', () => {
        this.#closing = true;
        this.#settle({ ok: false, error: readerDied(this.#uncaught), unconnected: false });
        resolve();
      });
    });
  }

  /** Also true while the worker is closing. */
  get isBusy(): boolean {
    return this.#running !== undefined || this.#closing;
  }

  get lastDataset(): SliceTask['dataset'] | undefined {
    return this.#lastTask?.dataset;
  }

  run(task: SliceTask, listener: PoolListener): Promise<ReadEnd> {
    const id = ++this.#lastId;
    this.#lastTask = task;
    return new Promise((settle) => {
      this.#running = { id, task, listener, settle };
      this.#send({ type: 'task', id, task });
    });
  }

  connect(snapshot: Snapshot): void {
    this.#send({ type: 'connect', snapshot });
  }

  cancelIf(condition: (task: SliceTask) => boolean, graceMs: number): void {
    const running = this.#running;
    if (running === undefined || !condition(running.task)) return;
    this.#send({ type: 'cancel', id: running.id });
    setTimeout(() => {
      if (this.#running === running) void this.#thread.terminate();
    }, graceMs).unref();
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#send({ type: 'close' });
    const force = setTimeout(() => void this.#thread.terminate(), graceMs);
    await this.exited;
    clearTimeout(force);
  }

  #send(message: ToWorker): void {
    this.#thread.postMessage(message);
  }

  #receive(message: FromWorker): void {
    const running = this.#running;
    // Ignore late messages about a task already settled.
    if (running?.id !== message.id) return;
    switch (message.type) {
      case 'progress':
        running.listener.onProgress(message);
        break;
      case 'staged':
        running.listener.onStaged(message.part);
        break;
      case 'done':
        this.#settle({ ok: true, outcome: message.outcome });
        break;
      case 'failed': {
        const { error, unconnected } = message.failure;
        this.#settle({ ok: false, error: LakeportError.fromData(error), unconnected });
        break;
      }
    }
  }

  #settle(end: ReadEnd): void {
    const running = this.#running;
    this.#running = undefined;
    running?.settle(end);
  }
}
