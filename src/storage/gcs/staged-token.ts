import { LakeportError } from '../../errors.js';
import { PRIVATE_DIRECTORY, runOfPart } from '../lease/private-names.js';
import { directoryOf, nameOf } from '../path.js';
import type { StagedPart } from '../storage.js';

/** What publishing needs to know of a temporary object. */
export interface GcsStaged {
  /** Full name in the bucket. */
  readonly object: string;
  /** Stands in the object's metadata, which go with it when it is moved. */
  readonly nonce: string;
}

export function stagedToken(staged: GcsStaged): StagedPart['token'] {
  return { ...staged };
}

/** The token lies in the run log meanwhile: what comes from there must not lead to foreign objects. */
export function readStaged(part: StagedPart): GcsStaged {
  const { object, nonce } = part.token;
  const hidden =
    typeof object === 'string' &&
    nameOf(directoryOf(object)) === PRIVATE_DIRECTORY &&
    runOfPart(nameOf(object)) !== undefined;
  if (hidden && typeof nonce === 'string') return { object, nonce };
  throw new LakeportError({
    code: 'NOT_A_GCS_PART',
    exit: 'unexpected',
    message: `The staged part of ${part.path} is none of Cloud Storage`,
  });
}
