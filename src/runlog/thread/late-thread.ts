import { setTimeout } from 'node:timers/promises';

import { databaseLog } from '../store/database-log.js';
import { type LogStore, storeOver } from '../store/log-store.js';
import type { RunLogTarget } from '../target.js';
import { CLOSE_TIMEOUT_MS, threadedLog, type ThreadedLogOptions } from './log-thread-client.js';

/** A run that is over by then does without the thread, whose start takes 0.1 to 0.2 s of processor time. */
const THREAD_AFTER_MS = 10_000;
/** A log that has taken so much time gets its thread at once: this one has other things to do. */
const THREAD_AFTER_SPENT_MS = 250;

export interface LateThreadOptions extends ThreadedLogOptions {
  /** When calls go to the thread, counted from here. */
  readonly threadAfterMs?: number | undefined;
}

/**
 * A log database whose driver runs in this thread at first, and in one of its own as soon as the run takes longer, or the
 * log's answers do.
 */
export function lateThreadLog(target: RunLogTarget, options: LateThreadOptions = {}): LogStore {
  const { callTimeoutMs, threadAfterMs = THREAD_AFTER_MS } = options;
  const here = databaseLog(target, { callTimeoutMs });
  /** Waits for calls in progress, but not for a database that does not answer. */
  const leave = () => Promise.race([here.close(), setTimeout(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  const handOverAt = performance.now() + threadAfterMs;
  let spentMs = 0;
  let there: Promise<LogStore> | undefined;
  return storeOver(async (call, argument) => {
    if (call === 'close' && there === undefined) return leave();
    const calledAt = performance.now();
    if (calledAt >= handOverAt || spentMs >= THREAD_AFTER_SPENT_MS)
      there ??= leave().then(() => threadedLog(target, options));
    const store = (await there) ?? here;
    try {
      // Call and argument come from one typed method of the store, so they fit each other.
      return await (store[call] as (argument: unknown) => Promise<unknown>)(argument);
    } finally {
      spentMs += performance.now() - calledAt;
    }
  });
}
