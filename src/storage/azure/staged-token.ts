import { LakeportError } from '../../errors.js';
import type { StagedPart } from '../storage.js';

/** What publishing needs to know of uncommitted blocks. */
export interface AzureStaged {
  /** Path, relative to the base, of the blob that the blocks belong to: the part's place, or a hidden blob. */
  readonly blob: string;
  /** In the ids of the blocks, and later in the blob's metadata. */
  readonly nonce: string;
  readonly blocks: number;
}

export function stagedToken(staged: AzureStaged): StagedPart['token'] {
  return { ...staged };
}

export function readStaged(part: StagedPart): AzureStaged {
  const { blob, nonce, blocks } = part.token;
  if (typeof blob === 'string' && typeof nonce === 'string' && typeof blocks === 'number') {
    return { blob, nonce, blocks };
  }
  throw new LakeportError({
    code: 'NOT_AN_AZURE_PART',
    exit: 'unexpected',
    message: `The staged part of ${part.path} is none of Azure`,
  });
}
