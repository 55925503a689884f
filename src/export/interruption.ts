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
