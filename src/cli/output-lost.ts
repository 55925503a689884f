import { LakeportError } from '../errors.js';

/** The result of a command could not be written: whoever waits for it has not got it. */
export function outputLost(cause: Error): LakeportError {
  const errno = 'code' in cause ? String(cause.code) : undefined;
  const reason = { ENOSPC: 'no space is left', EDQUOT: 'the quota is used up', EIO: 'the device fails' }[errno ?? ''];
  return new LakeportError({
    code: 'OUTPUT_NOT_WRITABLE',
    exit: 'unexpected',
    message: `The result can't be written to stdout: ${reason ?? cause.message}${errno === undefined ? '' : ` (${errno})`}`,
    hint: 'The command itself has finished; lakeport runs lists exports.',
    context: errno === undefined ? {} : { detail: errno },
    cause,
  });
}
