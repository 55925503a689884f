import type { ErrorData } from '../../errors.js';
import type { StoreCall } from '../store/log-store.js';
import type { RunLogTarget } from '../target.js';

/** Messages between the main thread and the thread that talks to the log database. Plain data only. */

/** The thread's `workerData`. Contains secrets: send it nowhere else. */
export interface ThreadSetup {
  readonly target: RunLogTarget;
  readonly callTimeoutMs: number | undefined;
}

export interface ToThread {
  readonly id: number;
  readonly call: StoreCall;
  readonly argument: unknown;
}

export type FromThread =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: ErrorData };
