import { LakeportError } from '../../errors.js';

/** Whether a store denies something to the entry's credentials. */
export function isDenied(error: unknown): boolean {
  return error instanceof LakeportError && error.code.endsWith('_ACCESS_DENIED');
}
