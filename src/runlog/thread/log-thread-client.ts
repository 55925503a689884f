import type { Worker } from 'node:worker_threads';

import { LakeportError } from '../../errors.js';
import { quietWorker } from '../../runtime/quiet-worker.js';
import type { LogStore } from '../store/log-store.js';
import type { RunLogTarget } from '../target.js';
import type { FromThread, StoreCall, ThreadSetup, ToThread } from './log-thread-protocol.js';

/** A thread that does not answer is given up; somewhat longer than its own limit for a call. */
const ANSWER_TIMEOUT_MS = 90_000;

/** For the last call: what hangs then hangs for good. */
const CLOSE_TIMEOUT_MS = 3_000;

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
 * A log database whose driver works in a thread of its own, so that neither a stalled disk nor a lock, which drivers of
 * embedded databases wait for without letting go of their thread, keeps the run from its work.
 */
export class ThreadedLog implements LogStore {
  readonly #setup: ThreadSetup;
  readonly #entry: URL;
  readonly #answerTimeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #lastId = 0;

  constructor(target: RunLogTarget, options: ThreadedLogOptions = {}) {
    this.#setup = { target, callTimeoutMs: options.callTimeoutMs };
    this.#entry = options.entry ?? new URL('./log-thread.js', import.meta.url);
    this.#answerTimeoutMs = options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS;
  }

  open(...[options]: Parameters<LogStore['open']>) {
    return this.#ask('open', options);
  }

  insertRun(...[run]: Parameters<LogStore['insertRun']>) {
    return this.#ask('insertRun', run);
  }

  claimRun(...[claim]: Parameters<LogStore['claimRun']>) {
    return this.#ask('claimRun', claim);
  }

  write(...[batch]: Parameters<LogStore['write']>) {
    return this.#ask('write', batch);
  }

  removeRun(...[hold]: Parameters<LogStore['removeRun']>) {
    return this.#ask('removeRun', hold);
  }

  tableSettings(...[of]: Parameters<LogStore['tableSettings']>) {
    return this.#ask('tableSettings', of);
  }

  listRuns(...[options]: Parameters<LogStore['listRuns']>) {
    return this.#ask('listRuns', options);
  }

  runIdsLike(...[begin]: Parameters<LogStore['runIdsLike']>) {
    return this.#ask('runIdsLike', begin);
  }

  livingRuns(...[options]: Parameters<LogStore['livingRuns']>) {
    return this.#ask('livingRuns', options);
  }

  readRun(...[runId]: Parameters<LogStore['readRun']>) {
    return this.#ask('readRun', runId);
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    await this.#ask('close', undefined, CLOSE_TIMEOUT_MS).catch(() => undefined);
    this.#thread = undefined;
    thread.unref();
    // One that hangs in the operating system can't be ended, and is not waited for.
    void thread.terminate();
  }

  #ask<Call extends StoreCall>(
    call: Call,
    argument: Parameters<LogStore[Call]>[0],
    timeoutMs = this.#answerTimeoutMs,
  ): ReturnType<LogStore[Call]> {
    const thread = this.#startedThread();
    const id = ++this.#lastId;
    const answer = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(thread), timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      thread.ref();
      thread.postMessage({ id, call, argument } satisfies ToThread);
    });
    // The thread calls the method of this very name.
    return answer as ReturnType<LogStore[Call]>;
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
    // An idle log is no reason for the process to stay.
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
          exit: 'unreachable',
          message: `The run log cannot be used: its thread ended${reason}`,
          cause,
          transient: true,
        }),
      );
    }
    this.#waiting.clear();
  }
}
