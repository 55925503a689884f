import { setTimeout } from 'node:timers/promises';

import { databaseLog } from '../store/database-log.js';
import { type LogStore, storeOver } from '../store/log-store.js';
import type { RunLogTarget } from '../target.js';
import { CLOSE_TIMEOUT_MS, threadedLog, type ThreadedLogOptions } from './log-thread-client.js';

/** A run that is over by then does without the thread, whose start takes a tenth of a small export's processor time. */
const THREAD_AFTER_MS = 1_000;

export interface LateThreadOptions extends ThreadedLogOptions {
  /** When calls go to the thread, counted from here. */
  readonly threadAfterMs?: number | undefined;
}

/** A log database whose driver runs in this thread at first, and in one of its own as soon as the run takes longer. */
export function lateThreadLog(target: RunLogTarget, options: LateThreadOptions = {}): LogStore {
  const { callTimeoutMs, threadAfterMs = THREAD_AFTER_MS } = options;
  const here = databaseLog(target, { callTimeoutMs });
  /** Waits for calls in progress, but not for a database that does not answer. */
  const leave = () => Promise.race([here.close(), setTimeout(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  const handOverAt = performance.now() + threadAfterMs;
  let there: Promise<LogStore> | undefined;
  return storeOver(async (call, argument) => {
    if (call === 'close' && there === undefined) return leave();
    if (performance.now() >= handOverAt) there ??= leave().then(() => threadedLog(target, options));
    const store = (await there) ?? here;
    // Call and argument come from one typed method of the store, so they fit each other.
    return (store[call] as (argument: unknown) => Promise<unknown>)(argument);
  });
}
