import type { AuthFile } from '../../auth/auth-file.js';
import { LakeportError } from '../../errors.js';
import { type ColumnOptions, needsSalt } from './column-settings.js';

/**
 * The salt of the mask `hash`, a secret; undefined if there is none.
 * @throws LakeportError of class `usage` if it is needed, or referred to, and missing
 */
export function maskSaltOf(options: ColumnOptions, auth: AuthFile): string | undefined {
  if (options.maskSalt !== undefined) return auth.secret(options.maskSalt, '--mask-salt');
  if (!needsSalt(options)) return undefined;
  throw new LakeportError({
    code: 'MASK_SALT_MISSING',
    message: 'The mask hash needs a salt: without one, the values behind the hashes are found by trying',
    hint: "Give --mask-salt '$env{NAME}', the name of a variable that holds a long random text.",
    context: { detail: '--mask-salt' },
  });
}
