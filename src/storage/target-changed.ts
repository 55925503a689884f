import { LakeportError } from '../errors.js';

const CODE = 'TARGET_CHANGED';

/** Something else has appeared at the path of a part, a manifest or `_SUCCESS` since the run looked; it is kept. */
export function targetChanged(shown: string): LakeportError {
  return new LakeportError({
    code: CODE,
    message: `Another program has changed ${shown} while this run was publishing its table; nothing was written over it`,
    hint: 'Do not let anything else write to the destination during a run, and export the table again.',
    context: { path: shown },
  });
}

export function isTargetChanged(error: unknown): error is LakeportError {
  return error instanceof LakeportError && error.code === CODE;
}

/**
 * For a store that creates an object with a conditional write.
 * @param write a write that may replace nothing
 * @returns false if something exists
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
