import { LakeportError } from '../errors.js';

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

/** Settles as the promise does, or is rejected as soon as the signal comes. */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  let giveUp: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(interruption(signal));
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
