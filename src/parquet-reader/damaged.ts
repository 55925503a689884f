import { LakeportError } from '../errors.js';

/** @param finding a sentence without its full stop */
export function damaged(name: string, finding: string, cause?: unknown): LakeportError {
  const detail = cause instanceof Error ? { detail: cause.message } : {};
  return new LakeportError({
    code: 'PARQUET_DAMAGED',
    message: `${name} is damaged. ${finding}`,
    hint: 'Export the table again, or copy the file again if this is a copy.',
    context: { path: name, ...detail },
    cause,
  });
}
