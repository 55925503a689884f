import { LakeportError, type LakeportErrorOptions } from '../errors.js';

/** Default of `--grace`: time after a signal to discard everything, or to leave it for `--resume`. */
export const DEFAULT_GRACE_MS = 8_000;

/** The same for a worker, which ends slices if they do not take much longer: less than launchers usually wait. */
export const WORKER_GRACE_MS = 25_000;

/**
 * The share of the grace period after which these are abandoned: readers that do not stop, tables being discarded or
 * published, connections that do not close, the run as a whole, its log. The process reports and exits in the rest.
 */
const STAGES = { readers: 0.35, tidying: 0.6, closing: 0.7, run: 0.8, log: 0.95 } as const;

export type GraceStage = keyof typeof STAGES;

/** Why a run should stop, and how long it has, starting at construction. */
export class Interruption extends LakeportError {
  readonly graceMs: number;
  readonly #at = performance.now();

  constructor(options: LakeportErrorOptions & { readonly graceMs: number }) {
    super(options);
    this.graceMs = options.graceMs;
  }

  /** Milliseconds until the stage is over, at least 0. */
  left(stage: GraceStage): number {
    return Math.max(0, this.#at + this.graceMs * STAGES[stage] - performance.now());
  }
}

/** The abort reason as a LakeportError; any other reason is wrapped. */
export function interruption(signal: AbortSignal): LakeportError {
  const { reason } = signal as { readonly reason: unknown }; // `any` in Node's own types
  if (reason instanceof LakeportError) return reason;
  return new LakeportError({
    code: 'INTERRUPTED',
    message: 'The run was cancelled',
    cause: reason,
  });
}

/** Milliseconds until the stage of the grace period ends; undefined before an abort, or if it sets no limit. */
export function graceLeft(signal: AbortSignal, stage: GraceStage): number | undefined {
  const { reason } = signal as { readonly reason: unknown }; // `any` in Node's own types
  return signal.aborted && reason instanceof Interruption ? reason.left(stage) : undefined;
}

/** The error of a run stopped because another run took over its destination, rather than by the user. */
export function lostClaim(signal: AbortSignal): LakeportError | undefined {
  const reason = signal.aborted ? interruption(signal) : undefined;
  return reason !== undefined && isLostClaim(reason) ? reason : undefined;
}

export function isLostClaim(error: { readonly code: string }): boolean {
  return error.code === 'CLAIM_LOST';
}

/** Settles with the promise, or rejects as soon as the signal aborts. */
export async function raceAbort<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return orReject(signal, promise, (reject) => reject());
}

/** Settles with the promise, or rejects when the signal has aborted and the stage of its grace period is over. */
export async function withinGrace<T>(signal: AbortSignal, promise: Promise<T>, stage: GraceStage): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await orReject(signal, promise, (reject) => {
      const left = graceLeft(signal, stage);
      if (left !== undefined) timer = setTimeout(reject, left);
    });
  } finally {
    clearTimeout(timer);
  }
}

async function orReject<T>(
  signal: AbortSignal,
  promise: Promise<T>,
  whenAborted: (reject: () => void) => void,
): Promise<T> {
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => whenAborted(() => reject(interruption(signal)));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
