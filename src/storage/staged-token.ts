import type { z } from 'zod';

import { LakeportError } from '../errors.js';
import type { StagedPart } from './storage.js';

/**
 * What a store needs to publish or withdraw a part, as it once gave it away. It has lain in the run log meanwhile: what
 * comes from there must not lead to what is somebody else's.
 * @param schema refuses what the store has not made
 * @throws LakeportError `STAGED_ELSEWHERE`
 */
export function readToken<Token>(part: StagedPart, schema: z.ZodType<Token>): Token {
  const { data: token } = schema.safeParse(part.token);
  if (token !== undefined) return token;
  throw stagedElsewhere(part, `The part of ${part.path} was not staged here`);
}

export function stagedElsewhere({ path, storageId }: StagedPart, message: string): LakeportError {
  return new LakeportError({
    code: 'STAGED_ELSEWHERE',
    message,
    hint: 'Resume a run with the auth file that it was started with.',
    context: { path, entry: storageId },
  });
}
