import type { Worker } from 'node:worker_threads';

import { LakeportError } from '../../errors.js';
import { quietWorker } from '../../runtime/quiet-worker.js';
import { type LogStore, type StoreCall, storeOver } from '../store/log-store.js';
import type { RunLogTarget } from '../target.js';
import type { FromThread, ThreadSetup, ToThread } from './log-thread-protocol.js';

/** A thread that does not answer within this time is abandoned. Longer than its own limit for a call. */
const ANSWER_TIMEOUT_MS = 90_000;

/** For the last call: a thread that hangs then will not recover. */
export const CLOSE_TIMEOUT_MS = 3_000;

export interface ThreadedLogOptions {
  /** The thread's compiled file; the program's own by default. */
  readonly entry?: URL | undefined;
  readonly callTimeoutMs?: number | undefined;
  readonly answerTimeoutMs?: number | undefined;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: LakeportError) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A log database whose driver runs in a thread of its own: a stalled disk, or a lock that an embedded database's driver
 * waits for without yielding, does not hold up the run.
 */
export function threadedLog(target: RunLogTarget, options: ThreadedLogOptions = {}): LogStore {
  const thread = new LogThread(target, options);
  return storeOver((call, argument) => (call === 'close' ? thread.close() : thread.ask(call, argument)));
}

/** The thread, started when it is needed, and the calls it has not answered yet. */
class LogThread {
  readonly #setup: ThreadSetup;
  readonly #entry: URL;
  readonly #answerTimeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #lastId = 0;

  constructor(target: RunLogTarget, options: ThreadedLogOptions) {
    this.#setup = { target, callTimeoutMs: options.callTimeoutMs };
    this.#entry = options.entry ?? new URL('./log-thread.js', import.meta.url);
    this.#answerTimeoutMs = options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS;
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    await this.ask('close', undefined, CLOSE_TIMEOUT_MS).catch(() => undefined);
    this.#thread = undefined;
    thread.unref();
    // A thread that hangs in the operating system cannot be ended; do not wait for it.
    void thread.terminate();
  }

  /** The error of a call is a `LakeportError`. */
  ask(call: StoreCall, argument: unknown, timeoutMs = this.#answerTimeoutMs): Promise<unknown> {
    const thread = this.#startedThread();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(thread), timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      thread.ref();
      thread.postMessage({ id, call, argument } satisfies ToThread);
    });
  }

  #startedThread(): Worker {
    if (this.#thread !== undefined) return this.#thread;
    const thread = quietWorker(this.#entry, { workerData: this.#setup, name: 'lakeport-log' });
    thread.on('message', (message: FromThread) => this.#receive(message));
    let uncaught: unknown;
    thread.on('error', (error) => (uncaught = error));
    thread.once('exit', () => {
      if (this.#thread === thread) this.#lost(uncaught);
    });
    this.#thread = thread;
    return thread;
  }

  #receive(message: FromThread): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id);
    clearTimeout(waiting.timer);
    // An idle log does not keep the process alive.
    if (this.#waiting.size === 0) this.#thread?.unref();
    if ('error' in message) waiting.reject(LakeportError.fromData(message.error));
    else waiting.resolve(message.answer);
  }

  #giveUp(thread: Worker): void {
    if (this.#thread !== thread) return;
    this.#lost(new Error('no answer'));
    void thread.terminate();
  }

  /** The next call starts another thread. */
  #lost(cause: unknown): void {
    this.#thread = undefined;
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(
        new LakeportError({
          code: 'RUN_LOG_FAILED',
          message: `The run log cannot be used: its thread ended${reason}`,
          cause,
          transient: true,
        }),
      );
    }
    this.#waiting.clear();
  }
}
