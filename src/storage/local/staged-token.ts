import { LakeportError } from '../../errors.js';
import { assertSafePath, nameOf } from '../path.js';
import type { StagedPart } from '../storage.js';
import { isHidden } from './temporary-file.js';

/** The temporary file that a staged part's token names, relative to the base. */
export function temporaryOf(part: StagedPart): string {
  const { file } = part.token;
  if (typeof file !== 'string' || !isHidden(nameOf(file))) {
    throw new LakeportError({
      code: 'NOT_A_LOCAL_PART',
      exit: 'unexpected',
      message: `The staged part of ${part.path} is none of a local directory`,
    });
  }
  assertSafePath(file);
  return file;
}
