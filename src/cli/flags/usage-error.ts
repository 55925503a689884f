import { type ErrorCode, LakeportError } from '../../errors.js';

/** A mistake on the command line: exit code 2, and nothing was opened. */
export function usageError(options: {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  /** The flag, with its dashes. */
  readonly flag?: string | undefined;
}): LakeportError {
  const { code, message, hint, flag } = options;
  return new LakeportError({ code, message, hint, context: flag === undefined ? {} : { detail: flag } });
}
