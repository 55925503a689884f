import type { ErrorData } from '../../errors.js';
import type { LogStore } from '../store/log-store.js';
import type { RunLogTarget } from '../target.js';

/** What passes between the main thread and the one that talks to the log database. Plain data only. */

/** Given to the thread at its start. Holds secrets: it goes nowhere else. */
export interface ThreadSetup {
  readonly target: RunLogTarget;
  readonly callTimeoutMs: number | undefined;
}

export type StoreCall = keyof LogStore;

export interface ToThread {
  readonly id: number;
  readonly call: StoreCall;
  readonly argument: unknown;
}

export type FromThread =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: ErrorData };
