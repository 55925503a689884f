import { isSafePath, nameOf } from '../path.js';
import type { TokenSchema } from '../staged-token.js';
import { isTemporary } from './temporary-file.js';

/** The temporary file of a staged part, relative to the base. */
interface LocalToken {
  readonly file: string;
}

/** Written by hand: every reader thread loads this module, and zod takes longer to load than the rest of it. */
export const localToken: TokenSchema<LocalToken> = {
  safeParse: (token) => (isLocalToken(token) ? { data: token } : {}),
};

function isLocalToken(token: unknown): token is LocalToken {
  if (typeof token !== 'object' || token === null || !('file' in token)) return false;
  const { file } = token;
  return typeof file === 'string' && isSafePath(file) && isTemporary(nameOf(file));
}
