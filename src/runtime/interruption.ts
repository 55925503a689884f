import { LakeportError, type LakeportErrorOptions } from '../errors.js';

/** Time after a signal in which all is withdrawn, or left for `--resume`, unless `--grace` says otherwise. */
export const DEFAULT_GRACE_MS = 8_000;

/**
 * How much of the grace may be over when these are given up: readers that don't stop, what is being withdrawn or published,
 * connections that don't close, the run as a whole, its log. What is left then is the process's own, to say so and to end.
 */
const STAGES = { readers: 0.35, tidying: 0.6, closing: 0.7, run: 0.8, log: 0.95 } as const;

export type GraceStage = keyof typeof STAGES;

/** Why a run is asked to stop, and how long it has for that, from when this was made. */
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

/** Why a run was asked to stop: the signal's reason, or its like where that is no error of ours. */
export function interruption(signal: AbortSignal): LakeportError {
  const { reason } = signal as { readonly reason: unknown }; // `any` in Node's own types
  if (reason instanceof LakeportError) return reason;
  return new LakeportError({
    code: 'INTERRUPTED',
    exit: 'interrupted',
    message: 'The run was cancelled',
    cause: reason,
  });
}

/** Milliseconds until the stage of the grace is over; undefined while no signal has come, and where it sets no limit. */
export function graceLeft(signal: AbortSignal, stage: GraceStage): number | undefined {
  const { reason } = signal as { readonly reason: unknown }; // `any` in Node's own types
  return signal.aborted && reason instanceof Interruption ? reason.left(stage) : undefined;
}

/** The error where a run has to stop because another one has taken over its destination, which is no override of a user. */
export function lostClaim(signal: AbortSignal): LakeportError | undefined {
  const reason = signal.aborted ? interruption(signal) : undefined;
  return reason !== undefined && isLostClaim(reason) ? reason : undefined;
}

export function isLostClaim(error: { readonly code: string }): boolean {
  return error.code === 'CLAIM_LOST';
}

/** Settles as the promise does, or is rejected as soon as the signal comes. */
export async function raceAbort<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return orGivenUp(signal, promise, (giveUp) => giveUp());
}

/** Settles as the promise does, or is rejected when the signal has come and that stage of its grace is over. */
export async function withinGrace<T>(signal: AbortSignal, promise: Promise<T>, stage: GraceStage): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await orGivenUp(signal, promise, (giveUp) => {
      const left = graceLeft(signal, stage);
      if (left !== undefined) timer = setTimeout(giveUp, left);
    });
  } finally {
    clearTimeout(timer);
  }
}

async function orGivenUp<T>(
  signal: AbortSignal,
  promise: Promise<T>,
  whenAborted: (giveUp: () => void) => void,
): Promise<T> {
  let onAbort: () => void = () => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    onAbort = () => whenAborted(() => reject(interruption(signal)));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, givenUp]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
