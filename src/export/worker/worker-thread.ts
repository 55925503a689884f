import type { Worker, WorkerOptions } from 'node:worker_threads';

import { LakeportError } from '../../errors.js';
import { quietWorker } from '../../runtime/quiet-worker.js';
import type { Snapshot } from '../../sources/source.js';
import type { FromThread, FromWorker, SliceTask, ToThread, ToWorker } from './protocol.js';
import { type PoolListener, readerDied, type SliceEnd } from './slice-pool.js';

/** A thread and the workers in it, which read at the same time. */
export class WorkerThread {
  readonly exited: Promise<void>;
  readonly #thread: Worker;
  readonly #workers = new Map<number, PoolWorker>();
  #lastNumber = 0;
  #measured: ReturnType<Worker['performance']['eventLoopUtilization']>;
  #isTerminated = false;
  #uncaught: unknown;

  constructor(entry: URL, options: WorkerOptions) {
    const thread = quietWorker(entry, options);
    this.#thread = thread;
    this.#measured = thread.performance.eventLoopUtilization();
    thread.on('message', ({ worker, message }: FromThread) => this.#receive(worker, message));
    thread.on('error', (error) => (this.#uncaught = error));
    this.exited = new Promise((resolve) => {
      thread.once('exit', () => {
        this.#end();
        resolve();
      });
    });
  }

  /** Its workers that were not told to close. It takes others as long as there is one. */
  get openWorkers(): number {
    return [...this.#workers.values()].filter((worker) => !worker.isClosing).length;
  }

  /** @param after when the worker may begin */
  startWorker(after?: Promise<unknown>): PoolWorker {
    const number = ++this.#lastNumber;
    const send = (message: ToWorker) => this.#thread.postMessage({ worker: number, message } satisfies ToThread);
    const worker = new PoolWorker(this, { send, after });
    this.#workers.set(number, worker);
    return worker;
  }

  /** The share of the time since the last call for which its event loop had something to do, from 0 to 1. */
  utilization(): number {
    const measured = this.#thread.performance.eventLoopUtilization();
    const { utilization } = this.#thread.performance.eventLoopUtilization(measured, this.#measured);
    this.#measured = measured;
    return utilization;
  }

  /** Terminates the thread, unless others work in it. @returns whether it does */
  terminateFor(worker: PoolWorker): boolean {
    for (const other of this.#workers.values()) if (other !== worker && other.isWanted) return false;
    this.#isTerminated = true;
    void this.#thread.terminate();
    return true;
  }

  /** Once it is over, which takes its workers' ends and at most this time. */
  async close(graceMs: number): Promise<void> {
    const force = setTimeout(() => void this.#thread.terminate(), graceMs);
    await this.exited;
    clearTimeout(force);
  }

  #receive(number: number, message: FromThread['message']): void {
    const worker = this.#workers.get(number);
    if (message.type !== 'closed') worker?.receive(message);
    else if (worker !== undefined) {
      this.#workers.delete(number);
      worker.end({ ok: false, error: readerDied(undefined), unconnected: false });
    }
  }

  /** Which one of several workers is to blame cannot be told: none is, until one has been alone. */
  #end(): void {
    const workers = [...this.#workers.values()];
    const reading = workers.filter(({ isReading }) => isReading).length;
    const error = readerDied(this.#uncaught);
    const end: SliceEnd =
      reading > 1 && !this.#isTerminated
        ? { ok: false, givenBack: true, error }
        : { ok: false, error, unconnected: false };
    this.#workers.clear();
    for (const worker of workers) worker.end(end);
  }
}

interface Running {
  readonly id: number;
  readonly task: SliceTask;
  readonly listener: PoolListener;
  readonly settle: (end: SliceEnd) => void;
  isCancelled: boolean;
}

interface PoolWorkerOptions {
  readonly send: (message: ToWorker) => void;
  /** Messages wait until then. */
  readonly after?: Promise<unknown> | undefined;
}

/** One worker in a thread, and its current task. */
export class PoolWorker {
  readonly thread: WorkerThread;
  readonly ended: Promise<void>;
  readonly #send: (message: ToWorker) => void;
  #waiting: ToWorker[] | undefined;
  #running: Running | undefined;
  #lastTask: SliceTask | undefined;
  #lastId = 0;
  #isClosing = false;
  #resolveEnded: () => void = () => undefined;

  constructor(thread: WorkerThread, { send, after }: PoolWorkerOptions) {
    this.thread = thread;
    this.#send = send;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    if (after === undefined) return;
    this.#waiting = [];
    void after.then(() => {
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const message of waiting) send(message);
    });
  }

  /** Also true while the worker is closing. */
  get isBusy(): boolean {
    return this.isReading || this.#isClosing;
  }

  get isReading(): boolean {
    return this.#running !== undefined;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Whether it reads what was not cancelled. */
  get isWanted(): boolean {
    return this.#running?.isCancelled === false;
  }

  get lastDataset(): SliceTask['dataset'] | undefined {
    return this.#lastTask?.dataset;
  }

  run(task: SliceTask, listener: PoolListener): Promise<SliceEnd> {
    const id = ++this.#lastId;
    this.#lastTask = task;
    return new Promise((settle) => {
      this.#running = { id, task, listener, settle, isCancelled: false };
      this.#post({ type: 'task', id, task });
    });
  }

  connect(snapshot: Snapshot): void {
    this.#post({ type: 'connect', snapshot });
  }

  cancelIf(condition: (task: SliceTask) => boolean, graceMs: number): void {
    const running = this.#running;
    if (running === undefined || !condition(running.task)) return;
    running.isCancelled = true;
    this.#post({ type: 'cancel', id: running.id });
    setTimeout(() => {
      if (this.#running === running) this.#giveUp();
    }, graceMs).unref();
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#post({ type: 'close' });
    const force = setTimeout(() => this.#giveUp(), graceMs);
    await this.ended;
    clearTimeout(force);
  }

  receive(message: FromWorker): void {
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

  /** Its last: nothing more comes from it. */
  end(end: SliceEnd): void {
    this.#isClosing = true;
    this.#settle(end);
    this.#resolveEnded();
  }

  /** It does not do what it is told, and is left alone in its thread if that one is still needed. */
  #giveUp(): void {
    if (!this.thread.terminateFor(this)) this.end({ ok: false, error: readerDied(undefined), unconnected: false });
  }

  #post(message: ToWorker): void {
    if (this.#waiting === undefined) this.#send(message);
    else this.#waiting.push(message);
  }

  #settle(end: SliceEnd): void {
    const running = this.#running;
    this.#running = undefined;
    running?.settle(end);
  }
}
