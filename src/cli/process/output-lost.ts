import { LakeportError } from '../../errors.js';
import { systemReason } from '../../runtime/system-reason.js';

/** The result of a command could not be written, so its reader did not get it. */
export function outputLost(cause: Error): LakeportError {
  const errno = 'code' in cause ? String(cause.code) : undefined;
  return new LakeportError({
    code: 'OUTPUT_NOT_WRITABLE',
    message: `The result can't be written to stdout: ${systemReason(cause)}`,
    hint: 'The command itself has finished; lakeport runs lists exports.',
    context: errno === undefined ? {} : { detail: errno },
    cause,
  });
}
