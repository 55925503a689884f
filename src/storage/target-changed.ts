import { LakeportError } from '../errors.js';

const CODE = 'TARGET_CHANGED';

/** Where a part, a manifest or `_SUCCESS` belongs, something else has come since the run has looked; it stays. */
export function targetChanged(shown: string): LakeportError {
  return new LakeportError({
    code: CODE,
    message: `Another program has changed ${shown} while this run was publishing its table; nothing was written over it`,
    hint: 'Let nothing else write to the destination of a run, and export the table again.',
    context: { path: shown },
  });
}

export function isTargetChanged(error: unknown): error is LakeportError {
  return error instanceof LakeportError && error.code === CODE;
}

/**
 * For a store in which creating an object is writing it over nothing.
 * @param write a write that may replace nothing
 * @returns false where something is there
 */
export async function isCreated(write: Promise<void>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (isTargetChanged(error)) return false;
    throw error;
  }
}
