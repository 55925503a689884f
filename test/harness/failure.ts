import { LakeportError } from '../../src/errors.js';

/** The LakeportError an operation fails with; throws if it succeeds or fails with another error. */
export async function failure(operation: Promise<unknown>): Promise<LakeportError> {
  const outcome = await operation.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (outcome === undefined) throw new Error('Nothing failed');
  if (outcome.error instanceof LakeportError) return outcome.error;
  throw outcome.error;
}
