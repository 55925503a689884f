import { LakeportError } from '../../errors.js';

/** True where a store lets the entry's credentials not do something. */
export function isDenied(error: unknown): boolean {
  return error instanceof LakeportError && error.code.endsWith('_ACCESS_DENIED');
}
