import { LakeportError } from '../../errors.js';
import { displayProcess, type ProcessIdentity } from '../../runtime/process-identity.js';

/** The run's id belongs to another live process. */
export function runIsActive(
  runId: string,
  found: { readonly process: ProcessIdentity | undefined; /** Its marker, for people. */ readonly marker: string },
): LakeportError {
  const { process, marker } = found;
  return new LakeportError({
    code: 'RUN_IS_ACTIVE',
    message: `Run ${runId} is being written by ${process === undefined ? 'another process' : displayProcess(process)}`,
    hint: 'Wait until it has finished, or give this run another --run-id.',
    context: { path: marker },
  });
}
