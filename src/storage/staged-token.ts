import { LakeportError } from '../errors.js';
import type { StagedPart } from './storage.js';

/** What validates a token: a schema of zod, or anything like it. */
export interface TokenSchema<Token> {
  safeParse(token: unknown): { readonly data?: Token | undefined };
}

/**
 * A store's own data about a staged part, which it needs to publish or discard it. It comes back from the run log, so it
 * must be validated: it must never lead to what belongs to someone else.
 * @param schema rejects what the store has not created
 * @throws LakeportError `STAGED_ELSEWHERE`
 */
export function readToken<Token>(part: StagedPart, schema: TokenSchema<Token>): Token {
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
