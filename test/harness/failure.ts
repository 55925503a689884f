import { LakeportError } from '../../src/errors.js';

/** The error that an operation fails with; fails itself where there is none, or one of another kind. */
export async function failure(operation: Promise<unknown>): Promise<LakeportError> {
  const outcome = await operation.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (outcome === undefined) throw new Error('Nothing failed');
  if (outcome.error instanceof LakeportError) return outcome.error;
  throw outcome.error;
}
